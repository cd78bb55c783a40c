//! Long filters of one channel, without latency.
//!
//! The first taps, a *partition* of them, are summed sample by sample. The other partitions see nothing of the current
//! partition of the input: each time one is complete, its spectrum is taken, and the sum of the products of all spectra
//! with those of their taps is what they add to the next (Gardner, "Efficient Convolution without Input-Output Delay",
//! 1995; partitions of one length, by overlap and save).
//!
//! Of these products only one waits for the spectrum that is new. The others, nearly all of the work, are formed while
//! the partition before is still coming in, some with every few frames, so that no block has much more to do than another.
//!
//! Partitions start at fixed frames since the reset, and so do the products, so the sums do not depend on how the signal
//! is cut into blocks.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fearless_simd::Simd;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::program::State;
use super::step::Channels;
use super::{BLOCK, Buffer};
use crate::kernel::FRAME_GROUP;
use crate::kernel::fir::{TAP_GROUP, fir, multiply_spectra, tap_place};

/// Taps up to which all of a filter is summed sample by sample.
const MAX_DIRECT: usize = 384;

/// One channel through a filter of many taps.
#[derive(Debug, Clone)]
pub(crate) struct Convolve {
    pub(crate) filter: Filter,
    pub(crate) source: Channels,
    pub(crate) target: Channels,
    /// Which of the state's memories is its own.
    pub(crate) memory: usize,
}

/// A filter's taps, prepared.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// The first partition, as [`fir`] wants it.
    head: Buffer,
    bias: f32,
    /// Frames of a partition.
    partition: usize,
    tail: Option<Tail>,
}

/// All partitions but the first.
#[derive(Clone)]
struct Tail {
    partitions: usize,
    /// Numbers of a spectrum, padded.
    bins: usize,
    /// One for each partition.
    spectra: Buffer,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}

/// What a [`Filter`] remembers.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// The partition of the input before the current one, and the current one as far as it is there.
    window: Buffer,
    /// Frames of the current partition that are there.
    phase: usize,
    /// What the older partitions add to the current one.
    tail: Buffer,
    /// Of the input up to each of the last complete partitions.
    spectra: Buffer,
    /// Which of the spectra is the last one.
    newest: usize,
    /// The spectrum of what the older partitions add to the next one, as far as it is formed.
    sum: Buffer,
    scratch: Scratch,
}

/// What nobody reads after the step that wrote it.
#[derive(Debug, Clone)]
struct Scratch {
    output: Buffer,
    frames: Box<[f32]>,
    numbers: Box<[Complex<f32>]>,
    transform: Box<[Complex<f32>]>,
}

impl Convolve {
    /// Computes `frames` frames.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(&self, simd: S, state: &mut State, frames: usize) {
        let source = self.source.plane(state, 0).offset;
        let target = self.target.plane(state, 0).offset;
        let memory = &mut state.memories[self.memory];
        self.filter.run(simd, memory, state.arena.as_mut_slice(), source, target, frames);
    }

    /// Makes the whole past equal to the first frame of this block.
    #[inline(always)]
    pub(crate) fn fill_past<S: Simd>(&self, simd: S, state: &mut State) {
        let source = self.source.plane(state, 0).offset;
        let constant = state.arena.as_slice()[source];
        self.filter.fill(simd, &mut state.memories[self.memory], constant);
    }
}

impl Filter {
    /// A filter whose first tap multiplies the present frame.
    pub(crate) fn new(taps: &[f32], bias: f32, lanes: usize) -> Self {
        let direct = taps.len() <= MAX_DIRECT;
        let partition =
            if direct { taps.len().next_multiple_of(TAP_GROUP) } else { partition_len(taps.len()) };
        let mut head = Buffer::zeros(partition);
        for (delay, &tap) in taps.iter().take(partition).enumerate() {
            head.as_mut_slice()[tap_place(partition, lanes, partition - 1 - delay)] = tap;
        }
        Self { head, bias, partition, tail: (!direct).then(|| Tail::new(&taps[partition..], partition)) }
    }

    /// Frames from one partition to the next, where they make a difference.
    pub(crate) fn grid(&self) -> usize {
        if self.tail.is_some() { self.partition } else { 1 }
    }

    /// Frames before the oldest tap whose rounding the output depends on.
    pub(crate) fn memory_beyond_taps(&self) -> usize {
        if self.tail.is_some() { 2 * self.partition } else { 0 }
    }

    /// Frames of silence after which a memory is one of silence, but for where it is in its partition.
    pub(crate) fn forgets_after(&self) -> usize {
        let partitions = self.tail.as_ref().map_or(0, |tail| tail.partitions);
        (partitions + 3) * self.partition
    }

    /// Goes on by so many frames of silence with a memory of silence.
    pub(crate) fn skip(&self, memory: &mut Memory, frames: usize) {
        memory.phase = (memory.phase + frames) % self.partition;
    }

    /// A memory of silence.
    pub(crate) fn memory(&self) -> Memory {
        let n = self.partition;
        let bins = self.tail.as_ref().map_or(0, |tail| tail.bins);
        let partitions = self.tail.as_ref().map_or(0, |tail| tail.partitions);
        let scratch = match &self.tail {
            None => Scratch {
                output: Buffer::zeros(BLOCK),
                frames: Box::default(),
                numbers: Box::default(),
                transform: Box::default(),
            },
            Some(tail) => Scratch {
                output: Buffer::zeros(BLOCK),
                frames: vec![0.0; 2 * n].into(),
                numbers: vec![Complex::default(); n + 1].into(),
                transform: vec![Complex::default(); tail.scratch_len()].into(),
            },
        };
        Memory {
            window: Buffer::zeros(2 * n + BLOCK),
            phase: 0,
            tail: Buffer::zeros(n + BLOCK),
            spectra: Buffer::zeros(2 * bins * partitions),
            newest: 0,
            sum: Buffer::zeros(2 * bins),
            scratch,
        }
    }

    /// Makes a memory one of a constant past.
    #[inline(always)]
    pub(crate) fn fill<S: Simd>(&self, simd: S, memory: &mut Memory, constant: f32) {
        memory.window.as_mut_slice().fill(heard(constant));
        memory.phase = 0;
        if let Some(tail) = &self.tail {
            memory.newest = 0;
            tail.listen(memory);
            for other in 1..tail.partitions {
                memory.spectra.as_mut_slice().copy_within(0..2 * tail.bins, other * 2 * tail.bins);
            }
            memory.sum.as_mut_slice().fill(0.0);
            tail.prepare(simd, memory, 0..tail.bins);
            tail.answer(simd, memory);
        }
    }

    /// Computes `frames` frames from those at `source` of the arena to those at `target`.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(
        &self,
        simd: S,
        memory: &mut Memory,
        arena: &mut [f32],
        source: usize,
        target: usize,
        frames: usize,
    ) {
        let n = self.partition;
        let mut done = 0;
        while done < frames {
            let phase = memory.phase;
            let count = (frames - done).min(n - phase);
            let window = memory.window.as_mut_slice();
            for (w, &x) in window[n + phase..].iter_mut().zip(&arena[source + done..][..count]) {
                *w = heard(x);
            }
            let padded = count.next_multiple_of(FRAME_GROUP);
            let output = &mut memory.scratch.output.as_mut_slice()[..padded];
            output.copy_from_slice(&memory.tail.as_slice()[phase..][..padded]);
            fir(simd, &self.head.as_slice()[..n], self.bias, &window[phase + 1..], output);
            arena[target + done..][..count].copy_from_slice(&output[..count]);
            done += count;
            memory.phase += count;
            if let Some(tail) = &self.tail {
                // As many numbers of the next sum as there are frames, and the few more with the last ones.
                let formed = |phase: usize| if phase == n { tail.bins } else { phase / PACE * PACE };
                tail.prepare(simd, memory, formed(phase)..formed(phase + count));
            }
            if memory.phase == n {
                self.turn(simd, memory);
            }
        }
    }

    /// Goes on to the next partition.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, memory: &mut Memory) {
        if let Some(tail) = &self.tail {
            memory.newest = memory.newest.checked_sub(1).unwrap_or(tail.partitions - 1);
            tail.listen(memory);
            tail.answer(simd, memory);
        }
        memory.window.as_mut_slice().copy_within(self.partition..2 * self.partition, 0);
        memory.phase = 0;
    }
}

/// Frames after which more of the next sum is formed: as many numbers as keep the vectors of every instruction set full.
const PACE: usize = 2 * FRAME_GROUP;

/// What the filter hears of a sample. One that is not a number would not leave the spectra when its time is over.
#[inline(always)]
fn heard(x: f32) -> f32 {
    if x.is_finite() { x } else { 0.0 }
}

/// Frames of the partitions of so many taps: the more partitions, the more spectra; the fewer, the longer the sums.
fn partition_len(taps: usize) -> usize {
    (1 << ((16 * taps).ilog2() / 2)).max(TAP_GROUP)
}

impl Tail {
    fn new(taps: &[f32], partition: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) =
            (planner.plan_fft_forward(2 * partition), planner.plan_fft_inverse(2 * partition));
        let (partitions, bins) =
            (taps.len().div_ceil(partition), (partition + 1).next_multiple_of(FRAME_GROUP));
        let mut spectra = Buffer::zeros(2 * bins * partitions);
        let (mut frames, mut numbers) = (forward.make_input_vec(), forward.make_output_vec());
        // The transform there and back multiplies by its length.
        let scale = 0.5 / partition as f32;
        for (taps, spectrum) in taps.chunks(partition).zip(spectra.as_mut_slice().chunks_exact_mut(2 * bins))
        {
            frames.fill(0.0);
            for (frame, tap) in frames.iter_mut().zip(taps) {
                *frame = scale * tap;
            }
            forward.process(&mut frames, &mut numbers).expect(LENGTHS);
            split(&numbers, spectrum);
        }
        Self { partitions, bins, spectra, forward, inverse }
    }

    fn scratch_len(&self) -> usize {
        self.forward.get_scratch_len().max(self.inverse.get_scratch_len())
    }

    /// Takes the spectrum of the window.
    #[inline(always)]
    fn listen(&self, memory: &mut Memory) {
        let Memory { window, spectra, newest, scratch, .. } = memory;
        scratch.frames.copy_from_slice(&window.as_slice()[..scratch.frames.len()]);
        let room = &mut scratch.transform[..self.forward.get_scratch_len()];
        self.forward.process_with_scratch(&mut scratch.frames, &mut scratch.numbers, room).expect(LENGTHS);
        split(&scratch.numbers, &mut spectra.as_mut_slice()[*newest * 2 * self.bins..][..2 * self.bins]);
    }

    /// Forms the `wanted` numbers of what the next partition gets from the spectra that will then not be the newest.
    #[inline(always)]
    fn prepare<S: Simd>(&self, simd: S, memory: &mut Memory, wanted: Range<usize>) {
        let len = 2 * self.bins;
        multiply_spectra(
            simd,
            &memory.spectra.as_slice()[..self.partitions * len],
            memory.newest,
            &self.spectra.as_slice()[len..self.partitions * len],
            wanted,
            &mut memory.sum.as_mut_slice()[..len],
        );
    }

    /// Computes what the spectra add to the next partition, which is prepared but for the newest of them.
    #[inline(always)]
    fn answer<S: Simd>(&self, simd: S, memory: &mut Memory) {
        let Memory { tail, spectra, newest, sum, scratch, .. } = memory;
        let len = 2 * self.bins;
        let sum = &mut sum.as_mut_slice()[..len];
        let newest = &spectra.as_slice()[*newest * len..][..len];
        multiply_spectra(simd, newest, 0, &self.spectra.as_slice()[..len], 0..self.bins, sum);
        let (re, im) = sum.split_at(self.bins);
        for (number, (&re, &im)) in scratch.numbers.iter_mut().zip(re.iter().zip(im)) {
            *number = Complex { re, im };
        }
        sum.fill(0.0);
        // The first and the last are real, which infinite numbers make them forget.
        let last = scratch.numbers.len() - 1;
        scratch.numbers[0].im = 0.0;
        scratch.numbers[last].im = 0.0;
        let room = &mut scratch.transform[..self.inverse.get_scratch_len()];
        self.inverse.process_with_scratch(&mut scratch.numbers, &mut scratch.frames, room).expect(LENGTHS);
        let partition = scratch.frames.len() / 2;
        tail.as_mut_slice()[..partition].copy_from_slice(&scratch.frames[partition..]);
    }
}

/// Why a transform cannot fail.
const LENGTHS: &str = "all lengths are the plan's own, and the first and the last number are real";

/// Real parts first, then imaginary parts, as [`multiply_spectra`] wants them.
#[inline(always)]
fn split(numbers: &[Complex<f32>], spectrum: &mut [f32]) {
    let (re, im) = spectrum.split_at_mut(spectrum.len() / 2);
    for (number, (re, im)) in numbers.iter().zip(re.iter_mut().zip(im)) {
        (*re, *im) = (number.re, number.im);
    }
}

impl Memory {
    /// The constant past, after [`Filter::fill`].
    pub(crate) fn constant(&self) -> f32 {
        self.window.as_slice()[0]
    }

    /// Makes it remember what another one of the same filter does.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.window.as_mut_slice().copy_from_slice(other.window.as_slice());
        self.tail.as_mut_slice().copy_from_slice(other.tail.as_slice());
        self.spectra.as_mut_slice().copy_from_slice(other.spectra.as_slice());
        self.sum.as_mut_slice().copy_from_slice(other.sum.as_slice());
        (self.phase, self.newest) = (other.phase, other.newest);
    }
}
