//! The public face of the engine.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{BLOCK, PARAMETER_DEFAULT, Program, Start, State, without_denormals};
use crate::compile::AntiAliasing;
use crate::dsp::Oversampler;
use crate::dsp::crossfade::Crossfade;
use crate::kernel::finite::{copy_finite, finite, is_finite};
use crate::kernel::{InstructionSet, dispatch};

/// A model that is ready to play.
///
/// See the [crate's documentation](crate) for the contract.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) shared: Arc<Shared>,
    /// Where each program starts. Clones share it until one of them is prewarmed anew.
    starts: Arc<[Start]>,
    /// One for each program.
    pub(super) states: Box<[State]>,
    /// What the parameter inputs are set to.
    parameters: Box<[f32]>,
    /// The program that plays.
    pub(super) playing: usize,
    /// The program that shall play.
    wanted: usize,
    change: Option<Change>,
    /// What each program makes of silence at its start, where there is an oversampler.
    silence: Box<[f32]>,
    /// What stands between the rate outside and that of the programs. Boxed, so that it can be put aside.
    oversampler: Option<Box<Oversampler>>,
    /// Frames since the start, modulo [`BLOCK`].
    frame: usize,
    /// Whether the output is silent up to the next multiple of [`BLOCK`] frames, where the model starts afresh.
    muted: bool,
    unstable: bool,
}

/// What all clones of a model have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    /// One for each size, from the smallest.
    pub(crate) programs: Box<[Program]>,
    /// The quality from which on each program plays.
    pub(crate) quality_steps: Box<[f64]>,
    /// Frames that a program needs to hear before it may be heard.
    pub(crate) rehearsal: Box<[usize]>,
    pub(crate) parameters: usize,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) receptive_field: usize,
    pub(crate) anti_aliasing: AntiAliasing,
    /// Frames by which the programs delay the signal.
    pub(crate) latency_samples: usize,
    pub(crate) num_parameters: usize,
    pub(crate) self_test: Option<SelfTestOutcome>,
}

/// How close a model comes to the recording in its file of what it must give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfTestOutcome {
    /// The largest absolute difference; infinite where something that is no number comes out.
    pub max_error: f32,
    /// Whether that is at most [`TOLERANCE`](Self::TOLERANCE).
    pub passed: bool,
}

impl SelfTestOutcome {
    /// The largest difference that rounding explains: 80 dB below full scale.
    pub const TOLERANCE: f32 = 1e-4;
}

/// A change from one program to another: the new one listens along until it knows the past, then fades in.
#[derive(Debug, Clone, Copy)]
struct Change {
    to: usize,
    /// Frames that it has heard.
    heard: usize,
    /// Under way once it knows the past.
    fade: Crossfade,
}

/// Frames of the equal-power crossfade from one size to another.
const FADE: usize = 512;

/// Frames below which a part of a signal does not get a thread of its own.
const MIN_PART: usize = 4096;

/// What goes into a block: audio, and a signal for each parameter or its setting.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    audio: &'a [f32],
    automation: Option<(&'a [&'a [f32]], usize)>,
}

impl<'a> Input<'a> {
    /// Audio, and each parameter as it is set.
    pub(super) fn audio(audio: &'a [f32]) -> Self {
        Self { audio, automation: None }
    }

    /// What is left of the block behind some frames.
    fn behind(self, frames: usize) -> Self {
        let automation = self.automation.map(|(signals, from)| (signals, from + frames));
        Self { audio: &self.audio[frames..], automation }
    }
}

impl Model {
    pub(crate) fn new(shared: Shared) -> Self {
        let parameters: Box<[f32]> = vec![PARAMETER_DEFAULT; shared.parameters].into();
        let starts: Arc<[Start]> =
            shared.programs.iter().map(|program| program.settle(&parameters)).collect();
        let states = shared.programs.iter().zip(starts.iter()).map(|(program, start)| {
            let mut state = program.zero_state();
            program.reset(&mut state, start);
            state
        });
        let full = shared.programs.len() - 1;
        Self {
            states: states.collect(),
            parameters,
            playing: full,
            wanted: full,
            change: None,
            silence: Box::default(),
            oversampler: None,
            frame: 0,
            muted: false,
            unstable: false,
            starts,
            shared: Arc::new(shared),
        }
    }

    /// The model whose programs run behind an oversampler.
    pub(crate) fn oversampled(mut self, oversampler: Option<Oversampler>) -> Self {
        self.oversampler = oversampler.map(Box::new);
        self.listen_to_silence();
        self.reset();
        self
    }

    /// How many times the rate outside that of the programs is.
    fn oversampling(&self) -> usize {
        self.oversampler.as_ref().map_or(1, |oversampler| oversampler.factor())
    }

    /// Frames that go through the programs at a time, at the rate outside.
    fn block(&self) -> usize {
        BLOCK / self.oversampling()
    }

    /// Computes one output sample for each input sample. State carries over from call to call.
    ///
    /// # Panics
    ///
    /// If `output` is not as long as `input`.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), "one output sample for each input sample");
        without_denormals(|| {
            let block = self.block();
            for (x, y) in input.chunks(block).zip(output.chunks_mut(block)) {
                self.play(Input::audio(x), y);
            }
        });
    }

    /// [`process`](Self::process) with the output in the place of the input.
    pub fn process_in_place(&mut self, audio: &mut [f32]) {
        without_denormals(|| {
            let mut input = [0.0; BLOCK];
            for block in audio.chunks_mut(self.block()) {
                let input = &mut input[..block.len()];
                input.copy_from_slice(block);
                self.play(Input::audio(input), block);
            }
        });
    }

    /// [`process`](Self::process) with a signal for each parameter, in the place of its setting.
    ///
    /// # Panics
    ///
    /// If there is not one signal for each parameter, or one of them or `output` is not as long as `input`.
    pub fn process_automated(&mut self, input: &[f32], parameters: &[&[f32]], output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), "one output sample for each input sample");
        assert_eq!(parameters.len(), self.parameters.len(), "one signal for each parameter");
        for signal in parameters {
            assert_eq!(signal.len(), input.len(), "one parameter sample for each input sample");
        }
        without_denormals(|| {
            let block = self.block();
            for (index, (audio, y)) in input.chunks(block).zip(output.chunks_mut(block)).enumerate() {
                self.play(Input { audio, automation: Some((parameters, index * block)) }, y);
            }
        });
    }

    /// Renders a whole signal from the start: what [`reset`](Self::reset) and [`process`](Self::process) give, bit for
    /// bit, on several threads where the model can do it. Unlike those two it allocates. The model is reset before it
    /// returns.
    ///
    /// The output of a feed-forward model depends on its receptive field alone, so the signal is split, and each part
    /// starts that much earlier. A recurrent model runs on one thread.
    ///
    /// # Panics
    ///
    /// If `output` is not as long as `input`.
    pub fn render(&mut self, input: &[f32], output: &mut [f32], threads: NonZeroUsize) {
        assert_eq!(input.len(), output.len(), "one output sample for each input sample");
        self.reset();
        let grid = self.shared.programs[self.playing].grid();
        let filters = self.oversampler.as_ref().map_or(Some(0), |oversampler| oversampler.history());
        let programs = self.shared.rehearsal[self.playing].div_ceil(self.oversampling());
        let overlap = (programs + filters.unwrap_or(0)).next_multiple_of(grid);
        let parts = match self.starts[self.playing] {
            // A part that is not much longer than what it repeats is not worth a thread.
            Start::Constant(_) if filters.is_some() => {
                threads.get().min(input.len() / (4 * overlap + MIN_PART)).max(1)
            }
            _ => 1,
        };
        let len = input.len().div_ceil(parts).max(1).next_multiple_of(grid);
        let unstable = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (index, part) in output.chunks_mut(len).enumerate() {
                let (start, end) = (index * len, index * len + part.len());
                let heard = &input[start.saturating_sub(overlap)..start];
                let mut model = self.clone();
                let unstable = &unstable;
                let mut work = move || {
                    // What it makes of the past is another part's; this one's output is overwritten right away.
                    for block in heard.chunks(part.len()) {
                        model.process(block, &mut part[..block.len()]);
                    }
                    model.process(&input[start..end], part);
                    unstable.fetch_or(model.unstable, Ordering::Relaxed);
                };
                if end == input.len() {
                    work();
                } else {
                    scope.spawn(work);
                }
            }
        });
        let mut unstable = unstable.into_inner();
        if unstable && parts > 1 {
            // Where a part is muted and starts afresh depends on all that came before.
            self.process(input, output);
            unstable = self.unstable;
            self.reset();
        }
        self.unstable = unstable;
    }

    /// Plays a block of at most [`BLOCK`] frames, of which whatever is no number is silent.
    ///
    /// From the first frame that is no number on, the output is silent until a multiple of [`BLOCK`] frames since the
    /// start, where the model starts afresh: that does not depend on how the signal is cut into blocks.
    pub(super) fn play(&mut self, input: Input<'_>, output: &mut [f32]) {
        let frames = output.len();
        let mut from = 0;
        while from < frames {
            let output = &mut output[from..];
            if self.muted {
                let silent = output.len().min(BLOCK - self.frame);
                output[..silent].fill(0.0);
                from += silent;
                self.pass(silent);
                continue;
            }
            self.put(&input.behind(from));
            self.run(output);
            from += self.hear(output);
        }
    }

    /// Counts what has come out, up to the first frame that is no number: from there on it is silent.
    pub(super) fn hear(&mut self, output: &[f32]) -> usize {
        if dispatch!(self.instruction_set(), simd => is_finite(simd, output)) {
            self.pass(output.len());
            return output.len();
        }
        let sound = output.iter().take_while(|y| y.is_finite()).count();
        self.pass(sound);
        (self.muted, self.unstable) = (true, true);
        sound
    }

    /// Counts frames, and starts afresh where the silence ends.
    fn pass(&mut self, frames: usize) {
        self.frame += frames;
        if self.frame >= BLOCK {
            self.frame -= BLOCK;
            if self.muted {
                self.restart();
            }
        }
    }

    /// Copies a block of input to where the programs look for it.
    pub(super) fn put(&mut self, input: &Input<'_>) {
        let mut oversampler = self.oversampler.take();
        match &mut oversampler {
            None => self.put_audio(input.audio),
            Some(oversampler) => {
                let mut audio = [0.0; BLOCK];
                let audio = &mut audio[..input.audio.len()];
                dispatch!(self.instruction_set(), simd => copy_finite(simd, input.audio, audio));
                self.put_audio(oversampler.up(audio));
            }
        }
        self.oversampler = oversampler;
        self.put_parameters(self.playing, input);
        if let Some(change) = self.change {
            self.put_parameters(change.to, input);
        }
    }

    fn put_audio(&mut self, audio: &[f32]) {
        for index in [Some(self.playing), self.change.map(|change| change.to)].into_iter().flatten() {
            self.shared.programs[index].put_audio(&mut self.states[index], audio);
        }
    }

    fn put_parameters(&mut self, index: usize, input: &Input<'_>) {
        let oversampling = self.oversampling();
        let frames = input.audio.len();
        let (program, state) = (&self.shared.programs[index], &mut self.states[index]);
        let plane = program.input.plane(state, 0);
        let arena = state.arena.as_mut_slice();
        for (parameter, &setting) in self.parameters.iter().enumerate() {
            let channel = &mut arena[plane.channel(1 + parameter)..][..frames * oversampling];
            match input.automation {
                Some((signals, from)) => {
                    let signal = &signals[parameter][from..from + frames];
                    for (wide, &setting) in channel.chunks_exact_mut(oversampling).zip(signal) {
                        wide.fill(finite(setting));
                    }
                }
                None => channel.fill(setting),
            }
        }
    }

    /// Whether there are filters around the programs.
    pub(super) fn is_oversampled(&self) -> bool {
        self.oversampler.is_some()
    }

    /// Whether there is nothing to do in the next frame but to run one program.
    pub(super) fn is_undisturbed(&self) -> bool {
        !self.muted && self.change.is_none() && self.oversampler.is_none()
    }

    /// Computes a block from the input that has been put.
    fn run(&mut self, output: &mut [f32]) {
        let mut oversampler = self.oversampler.take();
        match &mut oversampler {
            None => self.run_programs(output),
            Some(oversampler) => {
                self.run_programs(oversampler.wide(output.len()));
                oversampler.down(output);
            }
        }
        self.oversampler = oversampler;
    }

    /// Runs what plays, and what it changes to, and mixes them.
    fn run_programs(&mut self, output: &mut [f32]) {
        let frames = output.len();
        let playing = self.run_program(self.playing, frames);
        output.copy_from_slice(playing);
        if let Some(mut change) = self.change {
            let mut new = [0.0; BLOCK];
            let new = &mut new[..frames];
            new.copy_from_slice(self.run_program(change.to, frames));
            let alone = frames.min(self.shared.rehearsal[change.to].saturating_sub(change.heard));
            change.fade.mix(&output[alone..], &mut new[alone..]);
            output[alone..].copy_from_slice(&new[alone..]);
            change.heard += frames;
            self.change = Some(change);
            self.advance(change.to, frames);
            if !change.fade.is_running() {
                self.finish_change(change.to);
                return;
            }
        }
        self.advance(self.playing, frames);
    }

    fn run_program(&mut self, index: usize, frames: usize) -> &[f32] {
        let (program, state) = (&self.shared.programs[index], &mut self.states[index]);
        program.run(state, frames);
        self.output(index, frames)
    }

    /// What a program has put out.
    pub(super) fn output(&self, index: usize, frames: usize) -> &[f32] {
        let (program, state) = (&self.shared.programs[index], &self.states[index]);
        let at = program.output.plane(state, 0).offset;
        &state.arena.as_slice()[at..at + frames]
    }

    pub(super) fn advance(&mut self, index: usize, frames: usize) {
        self.shared.programs[index].advance(&mut self.states[index], frames);
    }

    fn finish_change(&mut self, to: usize) {
        self.playing = to;
        self.change = None;
        self.begin_change();
    }

    /// Sets the size of a model that has several, from 0 (smallest) to 1 (full).
    ///
    /// The new size listens along until it knows the past, then an equal-power crossfade leads to it: no click, and
    /// no allocation. A model of one size ignores it.
    pub fn set_quality(&mut self, quality: f64) {
        let steps = &self.shared.quality_steps;
        let wanted = steps.iter().rposition(|&step| step <= quality).unwrap_or(0);
        if wanted == self.wanted {
            return; // A change that is under way goes on.
        }
        self.wanted = wanted;
        // A change that cannot be heard yet is given up, one that can is led to its end first.
        if self.change.is_some_and(|change| change.heard <= self.shared.rehearsal[change.to]) {
            self.change = None;
        }
        if self.change.is_none() {
            self.begin_change();
        }
    }

    fn begin_change(&mut self) {
        if self.wanted != self.playing {
            self.shared.programs[self.wanted].reset(&mut self.states[self.wanted], &self.starts[self.wanted]);
            let mut fade = Crossfade::new(FADE);
            fade.start();
            self.change = Some(Change { to: self.wanted, heard: 0, fade });
        }
    }

    /// The qualities from which on the model is another size, ascending from 0; one for a model of one size.
    pub fn quality_steps(&self) -> &[f64] {
        &self.shared.quality_steps
    }

    /// Number of parameter inputs (knobs).
    pub fn parameters(&self) -> usize {
        self.parameters.len()
    }

    /// Sets a parameter input, from the next sample on; what is no number is 0.
    ///
    /// # Panics
    ///
    /// If the model has no parameter `index`.
    pub fn set_parameter(&mut self, index: usize, value: f32) {
        self.parameters[index] = finite(value);
    }

    /// Goes back to the state of a freshly compiled model, of the wanted size and with the parameters as they are.
    pub fn reset(&mut self) {
        self.unstable = false;
        self.restart();
    }

    fn restart(&mut self) {
        (self.frame, self.muted) = (0, false);
        self.change = None;
        self.playing = self.wanted;
        let (program, start) = (&self.shared.programs[self.playing], &self.starts[self.playing]);
        program.reset(&mut self.states[self.playing], start);
        if let Some(oversampler) = &mut self.oversampler {
            oversampler.reset_to(self.silence[self.playing]);
        }
    }

    /// Starts afresh, from where silence brings the model with its parameters as they are set. [`reset`](Self::reset) goes
    /// back to there from now on. A compiled model starts from where they stand in the middle: with another setting, what
    /// it remembers from there is heard as a click.
    ///
    /// Unlike [`reset`](Self::reset) it allocates, and takes about as long as compiling. It does nothing more than a reset
    /// where the model was compiled without prewarming, or has no parameters.
    pub fn prewarm(&mut self) {
        if !self.parameters.is_empty() {
            let programs = self.shared.programs.iter();
            self.starts = programs.map(|program| program.settle(&self.parameters)).collect();
            self.listen_to_silence();
        }
        self.reset();
    }

    /// Finds out what the programs make of silence at their start, from which only the filters of an oversampler start.
    fn listen_to_silence(&mut self) {
        if self.oversampler.is_some() {
            let programs = self.shared.programs.iter().zip(self.starts.iter());
            self.silence =
                programs.map(|(program, start)| program.silence(start, &self.parameters)).collect();
        }
    }

    /// Whether something that is no number has come out since the last [`reset`](Self::reset), or while
    /// [`render`](Self::render) was at work: the model was silent then, and started afresh.
    ///
    /// What goes in is not at fault, unless it is far beyond full scale: the model is, and it may sound wrong elsewhere,
    /// too.
    pub fn unstable(&self) -> bool {
        self.unstable
    }

    /// How close the model comes to what its file says that it must give, where the file says so. A model that is far
    /// from it plays all the same, but hardly what its maker heard.
    pub fn self_test(&self) -> Option<SelfTestOutcome> {
        self.shared.self_test
    }

    /// The rate, in Hz, that the model wants its audio at, where its file says so: the one that it was trained at, times
    /// the [`rate_factor`](crate::CompileOptions::rate_factor).
    pub fn sample_rate(&self) -> Option<f64> {
        self.shared.sample_rate
    }

    /// How many input samples, the present one included, can change one output sample; of a recurrent model, how many
    /// its feed-forward part sees. That of the full size.
    pub fn receptive_field(&self) -> usize {
        let filters = self.oversampler.as_ref().and_then(|oversampler| oversampler.history()).unwrap_or(0);
        self.shared.receptive_field + filters
    }

    /// Delay of the output against the input, in frames: none without anti-aliasing, for all models are causal and answer
    /// at once. The half frame of a mean between two frames counts as none.
    pub fn latency_samples(&self) -> usize {
        let oversampler = self.oversampler.as_ref().map_or(0, |oversampler| oversampler.latency_samples());
        self.shared.latency_samples + oversampler
    }

    /// What is done against aliases: a method, never the dial that stood for it.
    pub fn anti_aliasing(&self) -> AntiAliasing {
        self.shared.anti_aliasing
    }

    /// Number of trained weights, of the full size.
    pub fn num_parameters(&self) -> usize {
        self.shared.num_parameters
    }

    /// The instructions that it was compiled for.
    pub fn instruction_set(&self) -> InstructionSet {
        self.shared.programs[0].instruction_set
    }
}
