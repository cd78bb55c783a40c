//! A compiled network, and the state it works on.

use std::slice;

use fearless_simd::Simd;

use super::buffer::Buffer;
use super::convolve::{Convolve, Memory};
use super::signal::{Layout, Signal, SignalId};
use super::step::{Channels, Step};
use super::{BLOCK, without_denormals};
use crate::kernel::finite::copy_finite;
use crate::kernel::mix::Rows;
use crate::kernel::{InstructionSet, dispatch};

/// A flat schedule with its weights: everything about a network that does not change while it runs.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) signals: Box<[Signal]>,
    pub(crate) steps: Box<[Step]>,
    /// Packed in the order in which the kernels read them.
    pub(crate) weights: Buffer,
    pub(crate) input: Channels,
    pub(crate) output: Channels,
    /// For each signal the frames of its rings; 0 where it has none.
    pub(crate) ring_lens: Box<[u32]>,
    /// The signals that remember the last frames of a block in front of the next one.
    pub(crate) frame_major: Box<[SignalId]>,
    /// Samples of the arena.
    pub(crate) arena_len: usize,
    /// Taps of the mix that has most.
    pub(crate) max_taps: usize,
    pub(crate) instruction_set: InstructionSet,
    /// What the description itself gives to start from: zeros, and what recurrent layers store.
    pub(crate) stored: Start,
    pub(crate) prewarm: Prewarm,
}

/// How silence runs through a program before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prewarm {
    /// Not at all: it starts from what is stored.
    Off,
    /// In one pass, which settles a feed-forward network.
    Pass,
    /// For so many frames.
    Frames(usize),
}

/// The state in which a program starts.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// The constant past of each channel of each ring and of each convolution, in order: all that a feed-forward
    /// network remembers.
    Constant(Box<[f32]>),
    /// A whole state: what a recurrent network remembers has no end.
    Image(State),
}

/// What a program remembers from block to block.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) arena: Buffer,
    /// Where the block starts in each signal's ring.
    pub(crate) positions: Box<[u32]>,
    /// Where the rows of a mix are, written anew by each.
    pub(crate) rows: Box<[Rows]>,
    /// One for each convolution.
    pub(crate) memories: Box<[Memory]>,
}

/// What a signal's past is while a block is computed.
#[derive(Clone, Copy)]
enum Past {
    /// What it was.
    Kept,
    /// What the signal is now.
    Constant,
}

impl Program {
    /// A state in which everything is zero, the past too.
    pub(crate) fn zero_state(&self) -> State {
        State {
            arena: Buffer::zeros(self.arena_len),
            positions: vec![0; self.signals.len()].into(),
            rows: vec![Rows::default(); self.max_taps].into(),
            memories: self.convolutions().map(|convolve| convolve.filter.memory()).collect(),
        }
    }

    /// Puts a block of audio, of which whatever is no number is silent, where the program looks for it.
    pub(crate) fn put_audio(&self, state: &mut State, audio: &[f32]) {
        let at = self.input.plane(state, 0).offset;
        let target = &mut state.arena.as_mut_slice()[at..][..audio.len()];
        dispatch!(self.instruction_set, simd => copy_finite(simd, audio, target));
    }

    /// Puts a block of silence, with the parameters at these settings, where the program looks for its input.
    fn put_silence(&self, state: &mut State, parameters: &[f32], frames: usize) {
        let plane = self.input.plane(state, 0);
        for (channel, &value) in [0.0].iter().chain(parameters).enumerate() {
            state.arena.as_mut_slice()[plane.channel(channel)..][..frames].fill(value);
        }
    }

    /// Runs all steps on a block of at most [`BLOCK`] frames whose input is in place.
    pub(crate) fn run(&self, state: &mut State, frames: usize) {
        self.close_input(state, frames);
        self.run_steps(&self.steps, state, frames);
    }

    /// Gets the input that is in place ready to be read.
    pub(crate) fn close_input(&self, state: &mut State, frames: usize) {
        written(state, &self.input, frames, Past::Kept);
    }

    /// Runs some steps on a block of at most [`BLOCK`] frames.
    pub(crate) fn run_steps(&self, steps: &[Step], state: &mut State, frames: usize) {
        debug_assert!(frames <= BLOCK, "a block has at most {BLOCK} frames, not {frames}");
        self.execute(steps, state, frames, Past::Kept);
    }

    /// Where silence with the parameters at these settings brings the program.
    pub(crate) fn settle(&self, parameters: &[f32]) -> Start {
        let mut state = self.zero_state();
        match self.prewarm {
            Prewarm::Off => return self.stored.clone(),
            // Each signal's past is made equal to what it is now before the next step looks at it.
            Prewarm::Pass => without_denormals(|| {
                self.put_silence(&mut state, parameters, 1);
                written(&mut state, &self.input, 1, Past::Constant);
                for step in &self.steps {
                    if let Step::Residual(residual) = step {
                        for layer in residual.singly() {
                            self.execute(&[Step::Residual(layer)], &mut state, 1, Past::Constant);
                        }
                    } else {
                        self.execute(slice::from_ref(step), &mut state, 1, Past::Constant);
                    }
                }
            }),
            Prewarm::Frames(frames) => {
                self.reset(&mut state, &self.stored);
                without_denormals(|| {
                    for from in (0..frames).step_by(BLOCK) {
                        let block = BLOCK.min(frames - from);
                        self.put_silence(&mut state, parameters, block);
                        self.run(&mut state, block);
                        self.advance(&mut state, block);
                    }
                });
                return Start::Image(state);
            }
        }
        Start::Constant(self.constants(&state))
    }

    /// What it makes of the first frame of silence after a start.
    pub(crate) fn silence(&self, start: &Start, parameters: &[f32]) -> f32 {
        let mut state = self.zero_state();
        self.reset(&mut state, start);
        self.put_silence(&mut state, parameters, 1);
        without_denormals(|| self.run(&mut state, 1));
        state.arena.as_slice()[self.output.plane(&state, 0).offset]
    }

    fn execute(&self, steps: &[Step], state: &mut State, frames: usize, past: Past) {
        dispatch!(self.instruction_set, simd => self.execute_with(simd, steps, state, frames, past));
    }

    #[inline(always)]
    fn execute_with<S: Simd>(&self, simd: S, steps: &[Step], state: &mut State, frames: usize, past: Past) {
        for step in steps {
            if let (Step::Convolve(convolve), Past::Constant) = (step, past) {
                convolve.fill_past(simd, state);
            }
            step.run(simd, self.weights.as_slice(), state, frames);
            for target in step.targets().into_iter().flatten() {
                written(state, target, frames, past);
            }
        }
    }

    /// Moves on to the next block.
    pub(crate) fn advance(&self, state: &mut State, frames: usize) {
        let arena = state.arena.as_mut_slice();
        for id in &self.frame_major {
            self.signals[id.0 as usize].recall(arena, frames);
        }
        let frames = frames as u32;
        let mut ran_over = false;
        for (position, &len) in state.positions.iter_mut().zip(&self.ring_lens) {
            let next = *position + frames;
            // A ring is longer than a block, so this fits where it did before.
            *position = match len {
                0 => 0,
                _ if next < len => next,
                _ => next - len,
            };
            ran_over |= (1..frames).contains(&*position);
        }
        if ran_over {
            for (signal, &position) in self.signals.iter().zip(&state.positions) {
                if (1..frames).contains(&position) {
                    signal.turn(arena, position as usize);
                }
            }
        }
    }

    /// The constants that each channel of each ring is filled with.
    pub(crate) fn constants(&self, state: &State) -> Box<[f32]> {
        let arena = state.arena.as_slice();
        self.rings().map(|(at, _)| arena[at]).chain(state.memories.iter().map(Memory::constant)).collect()
    }

    /// Frames after the start in steps of which the program may start as well: it computes the same sums.
    pub(crate) fn grid(&self) -> usize {
        // All are powers of two.
        self.convolutions().map(|convolve| convolve.filter.grid()).max().unwrap_or(1)
    }

    /// Frames that the program must hear before it computes the very sums that it would have, had it heard all, where
    /// it forgets what is `history` frames old. A multiple of the [`grid`](Self::grid).
    pub(crate) fn rehearsal(&self, history: usize) -> usize {
        let rounding: usize = self.convolutions().map(|convolve| convolve.filter.memory_beyond_taps()).sum();
        (history + rounding).next_multiple_of(self.grid())
    }

    fn convolutions(&self) -> impl Iterator<Item = &Convolve> {
        self.steps
            .iter()
            .filter_map(|step| if let Step::Convolve(convolve) = step { Some(convolve) } else { None })
    }

    /// Start and length of each channel of each ring in the arena.
    fn rings(&self) -> impl Iterator<Item = (usize, usize)> {
        self.signals.iter().flat_map(|signal| {
            let (channels, stride) = match signal.layout {
                Layout::Ring { stride, .. } => (signal.channels, stride),
                Layout::Scratch { .. } | Layout::Frames { .. } => (0, 0),
            };
            (0..channels).map(move |channel| (signal.offset + channel * stride, stride))
        })
    }

    /// Goes back to a start.
    pub(crate) fn reset(&self, state: &mut State, start: &Start) {
        match start {
            Start::Constant(constants) => {
                let arena = state.arena.as_mut_slice();
                let mut constants = constants.iter();
                for ((at, len), &constant) in self.rings().zip(&mut constants) {
                    arena[at..at + len].fill(constant);
                }
                state.positions.fill(0);
                for (convolve, &constant) in self.convolutions().zip(constants) {
                    let memory = &mut state.memories[convolve.memory];
                    dispatch!(self.instruction_set, simd => convolve.filter.fill(simd, memory, constant));
                }
            }
            Start::Image(image) => {
                state.arena.as_mut_slice().copy_from_slice(image.arena.as_slice());
                state.positions.copy_from_slice(&image.positions);
                for (memory, image) in state.memories.iter_mut().zip(&image.memories) {
                    memory.copy_from(image);
                }
            }
        }
    }
}

/// Gets channels that have just been written ready to be read.
#[inline(always)]
fn written(state: &mut State, channels: &Channels, frames: usize, past: Past) {
    let position = state.positions[channels.signal.0 as usize];
    let arena = state.arena.as_mut_slice();
    match past {
        Past::Kept if channels.span.must_repeat(position) => {
            channels.span.repeat(arena, position, frames, channels.count);
        }
        Past::Kept => {}
        Past::Constant => channels.span.fill_past(arena, position, channels.count),
    }
}
