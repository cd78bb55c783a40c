//! The plan of a program while it grows: signals without a place yet, steps in order, weights already packed.

use std::ops::Range;

use super::MAX_ARENA_LEN;
use crate::engine::{
    BLOCK, Buffer, Channels, Convolve, Filter, Layout, Prewarm, Program, Recur, Residual, Signal, SignalId,
    Start, State, Step,
};
use crate::error::CompileError;
use crate::kernel::InstructionSet;
use crate::kernel::residual::MAX_TILE;

/// Frames of a ring beyond which a block starts behind the repeated part more often than in it.
const MIN_RING: usize = 4 * BLOCK;

/// A signal without a place yet.
struct Planned {
    channels: usize,
    kind: Kind,
    /// What it holds at the start, where that is not zero.
    initial: Vec<f32>,
    /// First and last step that touch it.
    used: Option<(usize, usize)>,
}

enum Kind {
    /// Channels of this block and of so many frames before.
    Planar { history: usize },
    /// Frame-major state of a recurrent layer, of this width.
    Frames { width: usize },
}

/// A program while it grows.
pub(super) struct Plan {
    pub(super) instruction_set: InstructionSet,
    /// How many times the rate that it was trained at the network runs at: all its delays are that many times as long.
    pub(super) rate_factor: usize,
    signals: Vec<Planned>,
    steps: Vec<Step>,
    weights: Vec<f32>,
    max_taps: usize,
}

impl Plan {
    pub(super) fn new(instruction_set: InstructionSet, rate_factor: usize) -> Self {
        Self {
            instruction_set,
            rate_factor,
            signals: Vec::new(),
            steps: Vec::new(),
            weights: Vec::new(),
            max_taps: 0,
        }
    }

    pub(super) fn lanes(&self) -> usize {
        self.instruction_set.lanes()
    }

    fn add(&mut self, channels: usize, kind: Kind, initial: Vec<f32>) -> SignalId {
        // A plan has a few signals for each layer, and a loader bounds the layers.
        let id = SignalId(u32::try_from(self.signals.len()).expect("fewer than 2^32 signals"));
        self.signals.push(Planned { channels, kind, initial, used: None });
        id
    }

    /// A new signal of so many channels.
    pub(super) fn signal(&mut self, channels: usize) -> SignalId {
        self.add(channels, Kind::Planar { history: 0 }, Vec::new())
    }

    /// The frame-major state of a recurrent layer, and what it starts from.
    pub(super) fn frames_signal(&mut self, channels: usize, width: usize, initial: &[f32]) -> SignalId {
        let mut frame = vec![0.0; width];
        frame[..initial.len()].copy_from_slice(initial);
        self.add(channels, Kind::Frames { width }, frame.repeat(self.rate_factor))
    }

    pub(super) fn channels_of(&self, id: SignalId) -> usize {
        self.planned(id).channels
    }

    /// Width of a frame, where the signal is frame-major.
    pub(super) fn frame_width(&self, id: SignalId) -> Option<usize> {
        match self.planned(id).kind {
            Kind::Frames { width } => Some(width),
            Kind::Planar { .. } => None,
        }
    }

    /// All channels of a signal.
    pub(super) fn all(&self, signal: SignalId) -> Channels {
        Channels::new(signal, 0, self.channels_of(signal))
    }

    fn planned(&self, id: SignalId) -> &Planned {
        &self.signals[id.0 as usize]
    }

    /// Makes a signal remember at least so many frames of the rate that the network was trained at.
    pub(super) fn remember(&mut self, id: SignalId, frames: usize) {
        let frames = frames * self.rate_factor;
        if let Kind::Planar { history } = &mut self.signals[id.0 as usize].kind {
            *history = (*history).max(frames);
        }
    }

    /// Appends weights and returns where they are, on a cache line of their own.
    pub(super) fn weights(&mut self, weights: &[f32]) -> Range<usize> {
        self.weights.resize(self.weights.len().next_multiple_of(16), 0.0);
        self.weights_that_follow(weights)
    }

    /// Appends weights right behind those before, and returns where they are.
    pub(super) fn weights_that_follow(&mut self, weights: &[f32]) -> Range<usize> {
        let start = self.weights.len();
        self.weights.extend_from_slice(weights);
        start..self.weights.len()
    }

    /// Appends a step.
    pub(super) fn push(&mut self, mut step: Step) {
        self.use_in(self.steps.len(), &mut step);
        if let Step::Mix(mix) = &step {
            self.max_taps = self.max_taps.max(mix.taps.len());
        }
        self.steps.push(step);
    }

    /// Appends recurrent layers, to the step before where that is possible.
    pub(super) fn push_recur(&mut self, recur: Recur) {
        match self.steps.last_mut() {
            Some(Step::Recur(before)) if before.goes_on_with(&recur) => {
                before.layers.extend(recur.layers.iter().cloned());
                self.use_in(self.steps.len() - 1, &mut Step::Recur(recur));
            }
            _ => self.push(Step::Recur(recur)),
        }
    }

    /// Appends residual layers, to the step before where that is possible.
    pub(super) fn push_residual(&mut self, residual: Residual) {
        match self.steps.last_mut() {
            Some(Step::Residual(before)) if before.goes_on_with(&residual) => {
                before.extend(&residual);
                self.use_in(self.steps.len() - 1, &mut Step::Residual(residual));
            }
            _ => self.push(Step::Residual(residual)),
        }
    }

    /// Notes what the step at an index touches.
    fn use_in(&mut self, index: usize, step: &mut Step) {
        for channels in step.channels_mut() {
            let used = &mut self.signals[channels.signal.0 as usize].used;
            *used = Some((used.map_or(index, |(first, _)| first), index));
        }
    }

    /// Appends a convolution of signals of one channel.
    pub(super) fn push_convolve(&mut self, filter: Filter, source: SignalId, target: SignalId) {
        let (source, target) = (self.all(source), self.all(target));
        let memory = self.steps.iter().filter(|step| matches!(step, Step::Convolve(_))).count();
        self.push(Step::Convolve(Convolve { filter, source, target, memory }));
    }

    /// Gives each signal its place.
    pub(super) fn finish(mut self, input: SignalId, output: SignalId) -> Result<Program, CompileError> {
        // The input is there before the first step, the output after the last.
        let end = self.steps.len();
        for (id, touched) in [(input, 0), (output, end)] {
            let used = &mut self.signals[id.0 as usize].used;
            *used = Some(
                used.map_or((touched, touched), |(first, last)| (first.min(touched), last.max(touched))),
            );
        }
        let mut places = Places::default();
        let signals: Box<[Signal]> =
            self.signals.iter().map(|signal| places.place(signal, self.rate_factor)).collect();
        if places.len > MAX_ARENA_LEN {
            return Err(CompileError::LimitExceeded {
                path: String::new(),
                what: "samples of working memory",
                max: MAX_ARENA_LEN as u64,
                found: places.len as u64,
            });
        }
        let (mut input, mut output) = (self.all(input), self.all(output));
        for channels in self.steps.iter_mut().flat_map(Step::channels_mut).chain([&mut input, &mut output]) {
            channels.span = signals[channels.signal.0 as usize].span(channels.first);
        }
        let ring_len = |signal: &Signal| match signal.layout {
            // An arena of so many samples was refused above.
            Layout::Ring { len, .. } => u32::try_from(len).expect("fewer than 2^32 samples"),
            Layout::Scratch { .. } | Layout::Frames { .. } => 0,
        };
        let frame_major = (0..).map(SignalId).zip(&signals);
        let frame_major = frame_major.filter(|(_, signal)| matches!(signal.layout, Layout::Frames { .. }));
        let mut program = Program {
            ring_lens: signals.iter().map(ring_len).collect(),
            frame_major: frame_major.map(|(id, _)| id).collect(),
            signals,
            steps: self.steps.into(),
            weights: Buffer::from_slice(&self.weights),
            input,
            output,
            arena_len: places.len,
            max_taps: self.max_taps,
            instruction_set: self.instruction_set,
            stored: Start::Constant(Box::default()),
            prewarm: Prewarm::Off,
        };
        program.stored = stored(&program, &self.signals);
        Ok(program)
    }
}

/// The start that the description itself gives: zeros, and what recurrent layers store.
fn stored(program: &Program, planned: &[Planned]) -> Start {
    let mut state: State = program.zero_state();
    if planned.iter().all(|signal| matches!(signal.kind, Kind::Planar { .. })) {
        return Start::Constant(program.constants(&state));
    }
    for (signal, planned) in program.signals.iter().zip(planned) {
        state.arena.as_mut_slice()[signal.offset..][..planned.initial.len()]
            .copy_from_slice(&planned.initial);
    }
    Start::Image(state)
}

/// Where signals lie: what lasts has a place of its own, scratch shares.
#[derive(Default)]
struct Places {
    len: usize,
    /// Scratch that has been given a place: its place, and the steps during which it is needed.
    scratch: Vec<(Range<usize>, (usize, usize))>,
}

impl Places {
    fn place(&mut self, planned: &Planned, rate_factor: usize) -> Signal {
        let layout = match planned.kind {
            Kind::Planar { history: 0 } => Layout::Scratch { stride: BLOCK },
            Kind::Planar { history } => {
                let len = (history + BLOCK).max(MIN_RING).next_multiple_of(16);
                // A tile that starts in the part that is repeated may end behind it.
                let lines = (len + BLOCK + MAX_TILE) / 16;
                // An odd number of cache lines between channels keeps them out of each other's cache sets.
                Layout::Ring { stride: (lines + 1 - lines % 2) * 16, len }
            }
            Kind::Frames { width } => Layout::Frames { width, past: rate_factor },
        };
        let mut signal = Signal { offset: 0, channels: planned.channels, layout };
        let len = signal.len().next_multiple_of(16);
        let shares = matches!(planned.kind, Kind::Planar { history: 0 });
        signal.offset = match planned.used {
            Some(used) if shares => self.shared(len, used),
            Some(_) => self.own(len),
            None => 0,
        };
        signal
    }

    fn own(&mut self, len: usize) -> usize {
        let offset = self.len;
        self.len += len;
        offset
    }

    /// The first place that no scratch of the same time occupies.
    fn shared(&mut self, len: usize, used: (usize, usize)) -> usize {
        let free = self.scratch.iter().map(|(place, _)| place.start).find(|&start| {
            let wanted = start..start + len;
            self.scratch.iter().all(|(place, (first, last))| {
                let same_place = place.start < wanted.end && wanted.start < place.end;
                let same_time = *first <= used.1 && used.0 <= *last;
                !(same_place && same_time)
            }) && self.scratch.iter().any(|(place, _)| place.start == start && place.end >= wanted.end)
        });
        let offset = free.unwrap_or_else(|| self.own(len));
        self.scratch.push((offset..offset + len, used));
        offset
    }
}
