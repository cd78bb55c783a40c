//! Two clones of a recurrent model, side by side.

use std::sync::Arc;

use super::model::{Input, Model, Shared};
use super::program::{Program, State};
use super::signal::{Layout, Signal, SignalId};
use super::step::{CellKind, Channels, Recur, Step};
use super::{BLOCK, Buffer, without_denormals};

/// Plays two clones of a model at a time, each as if alone, bit for bit: two channels, or two tracks.
///
/// A frame of a recurrent layer waits for the one before it, and the processor with it; the frame of another signal is what
/// it can do meanwhile. So the recurrent layers take the signals in turn, frame by frame, as one whose delays are twice as
/// long. Where that is no gain, for other networks or on other processors, the clones play one after the other.
///
/// ```
/// use nd_core::{CompileOptions, ModelSpec, Pair};
///
/// # let file = br#"{"layer1_weights": [2.0], "layer1_bias": [0.0], "layer2_weights": [0.5], "layer2_bias": [0.0]}"#;
/// let mut left = ModelSpec::from_slice(file)?.compile(&CompileOptions::default())?;
/// let mut right = left.clone();
/// let mut pair = Pair::new(&left);
///
/// let mut audio = [[0.0, 0.25, 0.5], [0.5, 0.25, 0.0]];
/// pair.process_in_place([&mut left, &mut right], audio.each_mut().map(|audio| &mut audio[..]));
/// assert_eq!(audio[0][1], audio[1][1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pair {
    /// What makes the models clones.
    shared: Arc<Shared>,
    /// Of each program, in order: one for each recurrent step where it is a gain.
    twins: Box<[Box<[Twin]>]>,
}

/// A recurrent step for two signals.
#[derive(Debug, Clone)]
struct Twin {
    /// Which step of the program it stands for.
    index: usize,
    /// That step at twice its rate, in an arena of its own.
    step: Step,
    state: State,
    /// What goes into the step.
    input: Channels,
    traces: Box<[Trace]>,
}

/// What a recurrent layer puts out, or remembers.
#[derive(Debug, Clone, Copy)]
struct Trace {
    /// The first new frame in the arena of a model.
    single: usize,
    /// That of the first signal in the arena of the twin, where those of both are side by side.
    double: usize,
    width: usize,
    /// Whether a step behind the layers reads it; otherwise, only the last frame matters.
    heard: bool,
}

/// Frames of each signal that a twin computes at a time: so few that they stay in the nearest cache.
const CHUNK: usize = 32;

impl Pair {
    /// For the clones of this model, and itself.
    pub fn new(model: &Model) -> Self {
        let programs = model.shared.programs.iter();
        let twins =
            programs.map(|program| if model.is_oversampled() { Box::default() } else { twins(program) });
        Self { shared: Arc::clone(&model.shared), twins: twins.collect() }
    }

    /// Whether the clones take less time together than one after the other, whatever their size.
    pub fn is_faster(&self) -> bool {
        self.twins.iter().all(|twins| !twins.is_empty())
    }

    /// What [`Model::process_in_place`] does, with both. It neither allocates nor locks.
    ///
    /// # Panics
    ///
    /// If one of them is no clone of the model that the pair was made for, or one signal is longer than the other.
    pub fn process_in_place(&mut self, models: [&mut Model; 2], audio: [&mut [f32]; 2]) {
        let clones = models.iter().all(|model| Arc::ptr_eq(&model.shared, &self.shared));
        assert!(clones, "clones of the model that the pair was made for");
        let ([first, second], [left, right]) = (models, audio);
        assert_eq!(left.len(), right.len(), "signals of the same length");
        without_denormals(|| {
            for (left, right) in left.chunks_mut(BLOCK).zip(right.chunks_mut(BLOCK)) {
                self.play([first, second], [left, right]);
            }
        });
    }

    /// Plays a block of at most [`BLOCK`] frames.
    fn play(&mut self, mut models: [&mut Model; 2], audio: [&mut [f32]; 2]) {
        let (playing, frames) = (models[0].playing, audio[0].len());
        let twins = &mut self.twins[playing];
        let together = models.iter().all(|model| model.playing == playing && model.is_undisturbed());
        if twins.is_empty() || !together {
            models.into_iter().zip(audio).for_each(|(model, audio)| model.process_in_place(audio));
            return;
        }
        let mut inputs = [[0.0; BLOCK]; 2];
        for ((model, audio), input) in models.iter_mut().zip(&audio).zip(&mut inputs) {
            let input = &mut input[..frames];
            input.copy_from_slice(audio);
            model.put(&Input::audio(input));
        }
        let states = models.each_mut().map(|model| &mut model.states[playing]);
        run(&self.shared.programs[playing], twins, states, frames);
        for ((model, audio), input) in models.into_iter().zip(audio).zip(&inputs) {
            audio.copy_from_slice(model.output(playing, frames));
            model.advance(playing, frames);
            let sound = model.hear(audio);
            model.play(Input::audio(&input[sound..frames]), &mut audio[sound..]);
        }
    }
}

/// The twins of a program's recurrent steps.
fn twins(program: &Program) -> Box<[Twin]> {
    let lanes = program.instruction_set.lanes();
    let steps = program.steps.iter().enumerate();
    let twins = steps.filter_map(|(index, step)| match step {
        Step::Recur(recur) if is_gain(recur, lanes) => Some(Twin::new(index, recur)),
        _ => None,
    });
    twins.collect()
}

/// Sums of a layer's frame, in vectors, up to which the processor waits rather than computes.
const MAX_SUMS: usize = 6;

/// Weights that the nearest cache holds: 48 KiB.
const MAX_NEAR_WEIGHTS: usize = 12 * 1024;

/// Whether two frames side by side take less time than one after the other, as measured.
fn is_gain(recur: &Recur, lanes: usize) -> bool {
    let gates = match recur.cell_kind {
        CellKind::Lstm => 4,
        CellKind::Gru => 3,
        CellKind::Rnn => 1,
    };
    let waits = recur.layers.iter().all(|layer| gates * layer.units / lanes <= MAX_SUMS);
    let weights: usize = recur.layers.iter().map(|layer| layer.weights.len()).sum();
    match lanes {
        // At a multiple of its rate, a layer has frames that do not wait for each other anyway.
        _ if recur.delay > 1 => false,
        // The kernel computes both frames at once, and reads the weights once for both.
        16.. => waits || weights > MAX_NEAR_WEIGHTS,
        // The processor begins the second one while the first one waits; several layers are that already.
        8 => waits && recur.layers.len() == 1,
        _ => false,
    }
}

/// Runs all steps of a program on a block of two states whose input is in place.
fn run(program: &Program, twins: &mut [Twin], mut states: [&mut State; 2], frames: usize) {
    for state in &mut states {
        program.close_input(state, frames);
    }
    let mut done = 0;
    for twin in twins {
        for state in &mut states {
            program.run_steps(&program.steps[done..twin.index], state, frames);
        }
        twin.run(program, &mut states, frames);
        done = twin.index + 1;
    }
    for state in &mut states {
        program.run_steps(&program.steps[done..], state, frames);
    }
}

impl Twin {
    /// Of the step of this index, all of whose signals lie in an arena of its own.
    fn new(index: usize, recur: &Recur) -> Self {
        let mut len = 0;
        let mut place = |channels: &Channels, layout| {
            let signal = Signal { offset: len, channels: channels.count, layout };
            len += signal.len().next_multiple_of(16);
            // None is a ring, so none needs a position of its own.
            Channels { span: signal.span(0), ..Channels::new(SignalId(0), 0, channels.count) }
        };
        let mut double = Recur { delay: 2, ..recur.clone() };
        let (input, last) = (recur.layers[0].input, recur.layers.len() - 1);
        let mut source = place(&input, Layout::Scratch { stride: 2 * CHUNK });
        let mut traces = Vec::new();
        for (number, layer) in double.layers.iter_mut().enumerate() {
            layer.input = source;
            for (channels, heard) in [(&mut layer.output, number == last), (&mut layer.cell, false)] {
                let (single, width) = (channels.span.offset, channels.span.frame_stride);
                *channels = place(channels, Layout::Frames { width, past: 2 });
                traces.push(Trace { single, double: channels.span.offset, width, heard });
            }
            source = layer.output;
        }
        let state = State {
            arena: Buffer::zeros(len),
            positions: [0].into(),
            rows: Box::default(),
            memories: Box::default(),
        };
        Self { index, step: Step::Recur(double), state, input, traces: traces.into() }
    }

    /// Computes the step for both states.
    fn run(&mut self, program: &Program, states: &mut [&mut State; 2], frames: usize) {
        self.recall(states);
        for from in (0..frames).step_by(CHUNK) {
            let len = CHUNK.min(frames - from);
            self.interleave(states, from, len);
            program.run_steps(std::slice::from_ref(&self.step), &mut self.state, 2 * len);
            self.hand_out(states, from, len);
        }
        self.remember(states, frames);
    }

    /// Takes the last frame of each state.
    fn recall(&mut self, states: &[&mut State; 2]) {
        let double = self.state.arena.as_mut_slice();
        for trace in &self.traces {
            for (n, state) in states.iter().enumerate() {
                let last = &state.arena.as_slice()[trace.single - trace.width..trace.single];
                double[trace.double - (2 - n) * trace.width..][..trace.width].copy_from_slice(last);
            }
        }
    }

    /// Takes some frames of the input of both.
    fn interleave(&mut self, states: &[&mut State; 2], from: usize, len: usize) {
        let stride = self.input.span.frame_stride;
        for (n, state) in states.iter().enumerate() {
            let plane = self.input.plane(state, 0);
            let channels = self.state.arena.as_mut_slice().chunks_exact_mut(2 * CHUNK);
            for (number, channel) in channels.enumerate().take(self.input.count) {
                let source = &state.arena.as_slice()[plane.channel(number) + from * stride..];
                let places = channel.iter_mut().skip(n).step_by(2);
                places.zip(source.iter().step_by(stride)).take(len).for_each(|(place, &x)| *place = x);
            }
        }
    }

    /// Gives both what the steps behind the layers read, and makes the last frames the past of the next ones.
    fn hand_out(&mut self, states: &mut [&mut State; 2], from: usize, len: usize) {
        let double = self.state.arena.as_mut_slice();
        for &Trace { single, double: at, width, heard } in &self.traces {
            if heard {
                for (n, state) in states.iter_mut().enumerate() {
                    let frames = state.arena.as_mut_slice()[single + from * width..].chunks_exact_mut(width);
                    let both = double[at..].chunks_exact(width).skip(n).step_by(2);
                    frames.zip(both).take(len).for_each(|(frame, both)| frame.copy_from_slice(both));
                }
            }
            let end = at + 2 * len * width;
            double.copy_within(end - 2 * width..end, at - 2 * width);
        }
    }

    /// Gives each its last frame.
    fn remember(&self, states: &mut [&mut State; 2], frames: usize) {
        let double = self.state.arena.as_slice();
        for trace in &self.traces {
            for (n, state) in states.iter_mut().enumerate() {
                let last = &double[trace.double - (2 - n) * trace.width..][..trace.width];
                let at = trace.single + (frames - 1) * trace.width;
                state.arena.as_mut_slice()[at..][..trace.width].copy_from_slice(last);
            }
        }
    }
}
