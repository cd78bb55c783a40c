//! Oversampling by powers of two: two filters for each doubling, of linear phase or of minimum phase.
//!
//! Those of linear phase are, on the way up, half-band filters: every other tap is zero, but for the middle one, so of each two samples at
//! the higher rate one is a sample at the lower rate, delayed, and the other one sum of products (Crochiere and Rabiner,
//! "Multirate Digital Signal Processing", 1983, chapter 4). On the way down to the outer rate a half-band filter would
//! let fold what lies just above half that rate, where a distortion has harmonics: that filter ends earlier. All are
//! sinc functions under a Kaiser window.
//!
//! Those of minimum phase are elliptic half-band filters: the mean of two chains of all-pass filters of the first order,
//! one for the even and one for the odd frames of the higher rate (Valenzuela and Constantinides, "Digital signal
//! processing schemes for efficient interpolation and decimation", 1983).

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use crate::engine::Buffer;
use crate::kernel::fir::{TAP_GROUP, fir, tap_place};
use crate::kernel::{FRAME_GROUP, InstructionSet, dispatch};

/// The highest factor.
pub const MAX_FACTOR: usize = 16;

/// Raises the rate of a signal to a power of two times what it was, and lowers it again.
///
/// There and back, the signal is flat up to 0.416 of the lower rate (20 kHz of 48), what lies above half that rate is
/// 80 dB down, and everything comes [`latency_samples`](Self::latency_samples) later. With
/// [minimum phase](Self::minimum_phase) that is so for low frequencies alone, treble comes later, and what folds back
/// from just above half the rate, to above 0.458 of it, is less far down. Nothing but the constructors allocates.
///
/// ```
/// use nd_core::dsp::Oversampler;
///
/// let mut oversampler = Oversampler::new(4, 64, nd_core::InstructionSet::best()).expect("a power of two");
/// let mut audio = [0.5; 64];
/// oversampler.process(&mut audio, |wide| wide.iter_mut().for_each(|x| *x = x.tanh()));
/// assert_eq!(oversampler.latency_samples(), 71);
/// ```
#[derive(Debug, Clone)]
pub struct Oversampler {
    stages: Box<[Stage]>,
    /// The signal at each rate, the lowest first: what the stage there reads, and what it makes of the higher rate.
    signals: Box<[Buffer]>,
    max_block: usize,
    latency_samples: usize,
    instruction_set: InstructionSet,
}

/// One doubling, up and down.
#[derive(Debug, Clone)]
enum Stage {
    Linear(Linear),
    Minimum(Minimum),
}

/// One of minimum phase.
#[derive(Debug, Clone)]
struct Minimum {
    /// Of the two chains side by side, in the order of their sections.
    coefficients: Box<[[f32; 2]]>,
    up: Chains,
    down: Chains,
}

/// What went into each section of two chains last, and at the end what came out.
#[derive(Debug, Clone)]
struct Chains(Box<[[f32; 2]]>);

/// One of linear phase.
#[derive(Debug, Clone)]
struct Linear {
    filters: Arc<Filters>,
    /// Frames that the way up is delayed beyond the filter's own delay, so that all the way comes to whole frames.
    extra_delay: usize,
    up: Past,
    /// Of the even frames of the higher rate, and of the odd ones.
    down: [Past; 2],
    sums: Buffer,
}

/// The taps of a doubling, as [`fir`] wants them.
#[derive(Debug)]
struct Filters {
    /// The even taps of the way up; the only odd one is the middle one.
    up: Buffer,
    /// Frames of the lower rate that the middle tap looks back.
    middle: usize,
    /// The even and the odd taps of the way down.
    down: [Buffer; 2],
}

/// The last [`HISTORY`] frames of a signal, and the block that follows them.
#[derive(Debug, Clone)]
struct Past(Buffer);

/// Even taps of a filter, and odd ones, as [`fir`] sums them: with zeros beyond those that it has.
const TAPS: usize = TAP_GROUP;

/// Even taps of the filters next to the outer rate, whose transition is narrow, and of the others.
const EVEN_TAPS: [usize; 2] = [TAPS, 16];

/// Where the ways down end, in parts of their upper rate: the first before half the outer rate, so that nothing folds.
const CUTOFFS: [f64; 2] = [22.0 / 96.0, 0.25];

/// All-pass sections of the doubling next to the outer rate, and of the others, with the width of their transitions on
/// either side of the middle, in parts of the higher rate. What folds back from the first is above 22/48 of the outer
/// rate.
const SECTIONS: [(usize, f64); 2] = [(8, 2.0 / 96.0), (4, 0.125)];

/// Frames that the filters look back, and the longest extra delay.
const HISTORY: usize = TAPS + MAX_FACTOR;

/// Kaiser's β for 83 dB.
const BETA: f64 = 8.19;

impl Oversampler {
    /// An oversampler for blocks of up to `max_block` frames of the lower rate; none unless `factor` is 2, 4, 8 or 16.
    pub fn new(factor: usize, max_block: usize, instruction_set: InstructionSet) -> Option<Self> {
        let doublings = doublings(factor)?;
        let lanes = instruction_set.lanes();
        let filters = [0, 1].map(|n| Arc::new(Filters::new(EVEN_TAPS[n], CUTOFFS[n], lanes)));
        let (mut latency, mut stages) = (0, Vec::new());
        for index in 0..doublings {
            let filters = &filters[index.min(1)];
            // There and back, in frames of the higher rate, of which so many make one outside.
            let (delay, frame) = (2 * (2 * filters.middle + 1), 2 << index);
            let extra_delay = (frame - delay % frame) % frame / 2;
            latency += (delay + 2 * extra_delay) / frame;
            let past = || Past(Buffer::zeros(HISTORY + padded(max_block << index) + FRAME_GROUP));
            stages.push(Stage::Linear(Linear {
                filters: Arc::clone(filters),
                extra_delay,
                up: past(),
                down: [past(), past()],
                sums: Buffer::zeros(padded(max_block << index)),
            }));
        }
        Some(Self::of(stages, latency, max_block, instruction_set))
    }

    /// The same with filters of minimum phase: a latency of a few frames.
    pub fn minimum_phase(factor: usize, max_block: usize, instruction_set: InstructionSet) -> Option<Self> {
        let stages: Vec<Minimum> =
            (0..doublings(factor)?).map(|index| Minimum::new(SECTIONS[index.min(1)])).collect();
        let latency: f64 =
            stages.iter().zip(0..).map(|(stage, index)| stage.delay() / f64::from(1 << index)).sum();
        let stages = stages.into_iter().map(Stage::Minimum).collect();
        Some(Self::of(stages, latency.round() as usize, max_block, instruction_set))
    }

    fn of(
        stages: Vec<Stage>,
        latency_samples: usize,
        max_block: usize,
        instruction_set: InstructionSet,
    ) -> Self {
        Self {
            signals: (0..=stages.len()).map(|index| Buffer::zeros(max_block << index)).collect(),
            stages: stages.into(),
            max_block,
            latency_samples,
            instruction_set,
        }
    }

    /// How many times the rate outside the rate inside is.
    pub fn factor(&self) -> usize {
        1 << self.stages.len()
    }

    /// Frames of the rate outside that the output comes later than the input; to the nearest, and at low frequencies,
    /// for minimum phase.
    pub fn latency_samples(&self) -> usize {
        self.latency_samples
    }

    /// Frames that what came before can be heard for; none for minimum phase, which never quite forgets.
    pub(crate) fn history(&self) -> Option<usize> {
        let histories = self.stages.iter().zip(0..).map(|(stage, index)| match stage {
            Stage::Linear(_) => Some((2 * HISTORY).div_ceil(1 << index)),
            Stage::Minimum(_) => None,
        });
        histories.sum()
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.reset_to(0.0);
    }

    /// Forgets the past, as if silence had always come in and `constant` out.
    pub(crate) fn reset_to(&mut self, constant: f32) {
        for stage in &mut self.stages {
            match stage {
                Stage::Linear(stage) => {
                    stage.up.0.as_mut_slice().fill(0.0);
                    for past in &mut stage.down {
                        past.0.as_mut_slice().fill(constant);
                    }
                }
                Stage::Minimum(stage) => {
                    stage.up.0.fill([0.0; 2]);
                    stage.down.0.fill([constant; 2]);
                }
            }
        }
    }

    /// Replaces `audio` by what `work` makes of it at the higher rate.
    pub fn process(&mut self, audio: &mut [f32], mut work: impl FnMut(&mut [f32])) {
        for block in audio.chunks_mut(self.max_block) {
            work(self.up(block));
            self.down(block);
        }
    }

    /// Raises the rate of a block, and returns it: [`wide`](Self::wide).
    ///
    /// # Panics
    ///
    /// If the block is longer than the oversampler is made for.
    pub fn up(&mut self, audio: &[f32]) -> &mut [f32] {
        let mut frames = audio.len();
        self.signals[0].as_mut_slice()[..frames].copy_from_slice(audio);
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let [low, high] = self.signals[index..].first_chunk_mut().expect("one more signal than stages");
            let (low, high) = (&low.as_slice()[..frames], high.as_mut_slice());
            match stage {
                Stage::Linear(stage) => stage.up(self.instruction_set, low, high),
                Stage::Minimum(stage) => stage.up(low, high),
            }
            frames *= 2;
        }
        self.wide(audio.len())
    }

    /// The block of so many frames of the lower rate at the higher rate: what [`up`](Self::up) writes and
    /// [`down`](Self::down) reads.
    pub fn wide(&mut self, frames: usize) -> &mut [f32] {
        &mut self.signals[self.stages.len()].as_mut_slice()[..frames << self.stages.len()]
    }

    /// Lowers the rate of [`wide`](Self::wide).
    ///
    /// # Panics
    ///
    /// If the block is longer than the oversampler is made for.
    pub fn down(&mut self, audio: &mut [f32]) {
        for (index, stage) in self.stages.iter_mut().enumerate().rev() {
            let frames = audio.len() << index;
            let [low, high] = self.signals[index..].first_chunk_mut().expect("one more signal than stages");
            let (low, high) = (&mut low.as_mut_slice()[..frames], high.as_slice());
            match stage {
                Stage::Linear(stage) => stage.down(self.instruction_set, high, low),
                Stage::Minimum(stage) => stage.down(high, low),
            }
        }
        audio.copy_from_slice(&self.signals[0].as_slice()[..audio.len()]);
    }
}

fn padded(frames: usize) -> usize {
    frames.next_multiple_of(FRAME_GROUP)
}

/// How often a rate doubles to be so many times what it was, where it may be.
fn doublings(factor: usize) -> Option<usize> {
    ((2..=MAX_FACTOR).contains(&factor) && factor.is_power_of_two()).then(|| factor.ilog2() as usize)
}

impl Minimum {
    /// The elliptic half-band filter of so many sections, an even number, and a transition so wide on either side.
    fn new((sections, transition): (usize, f64)) -> Self {
        let coefficients: Vec<f64> = half_band(sections, transition);
        let coefficients: Box<[[f32; 2]]> =
            coefficients.chunks_exact(2).map(|pair| [pair[0] as f32, pair[1] as f32]).collect();
        let chains = || Chains(vec![[0.0; 2]; coefficients.len() + 1].into());
        Self { up: chains(), down: chains(), coefficients }
    }

    /// Frames of the lower rate that low frequencies come later, there and back: of each section once.
    fn delay(&self) -> f64 {
        self.coefficients.as_flattened().iter().map(|&c| f64::from((1.0 - c) / (1.0 + c))).sum()
    }

    fn up(&mut self, low: &[f32], high: &mut [f32]) {
        for (&x, pair) in low.iter().zip(high.chunks_exact_mut(2)) {
            pair.copy_from_slice(&self.up.pass(&self.coefficients, [x; 2]));
        }
    }

    fn down(&mut self, high: &[f32], low: &mut [f32]) {
        for (pair, y) in high.chunks_exact(2).zip(low) {
            let [a, b] = self.down.pass(&self.coefficients, [pair[1], pair[0]]);
            *y = 0.5 * (a + b);
        }
    }
}

impl Chains {
    /// What comes out of both chains: `y[n] = x[n − 1] + c · (x[n] − y[n − 1])`, section by section.
    #[inline(always)]
    fn pass(&mut self, coefficients: &[[f32; 2]], mut x: [f32; 2]) -> [f32; 2] {
        for (section, c) in coefficients.iter().enumerate() {
            let [input, output] = [self.0[section], self.0[section + 1]];
            let y = [0, 1].map(|k| input[k] + c[k] * (x[k] - output[k]));
            self.0[section] = x;
            x = y;
        }
        self.0[coefficients.len()] = x;
        x
    }
}

/// The coefficients of the all-pass sections of an elliptic half-band filter, those of the two chains in turn, rising: by
/// theta functions, whose series need a few terms (Orfanidis, "Lecture notes on elliptic filter design", 2006).
fn half_band(sections: usize, transition: f64) -> Vec<f64> {
    let selectivity = (PI / 4.0 * (1.0 - 4.0 * transition)).tan().powi(2);
    let root = (1.0 - selectivity * selectivity).powf(0.25);
    let e = 0.5 * (1.0 - root) / (1.0 + root);
    let nome = e + 2.0 * e.powi(5) + 15.0 * e.powi(9) + 150.0 * e.powi(13);
    let order = (2 * sections + 1) as f64;
    let coefficient = |section: usize| {
        let angle = section as f64 * PI / order;
        let sign = |k: i32| if k % 2 == 0 { 1.0 } else { -1.0 };
        let odd: f64 =
            (0..8).map(|k| sign(k) * nome.powi(k * (k + 1)) * (f64::from(2 * k + 1) * angle).sin()).sum();
        let even: f64 = (1..8).map(|k| sign(k) * nome.powi(k * k) * (f64::from(2 * k) * angle).cos()).sum();
        let squared = (nome.powf(0.25) * odd / (0.5 + even)).powi(2);
        let x = ((1.0 - squared * selectivity) * (1.0 - squared / selectivity)).sqrt() / (1.0 + squared);
        (1.0 - x) / (1.0 + x)
    };
    (1..=sections).map(coefficient).collect()
}

impl Linear {
    fn up(&mut self, set: InstructionSet, low: &[f32], high: &mut [f32]) {
        let frames = low.len();
        self.up.block(frames).copy_from_slice(low);
        let sums = &mut self.sums.as_mut_slice()[..padded(frames)];
        sums.fill(0.0);
        self.up.filter(set, &self.filters.up, self.extra_delay, sums);
        let middle = self.up.delayed(self.extra_delay + self.filters.middle);
        for ((pair, &even), &odd) in high.chunks_exact_mut(2).zip(&sums[..frames]).zip(middle) {
            pair.copy_from_slice(&[even, odd]);
        }
        self.up.advance(frames);
    }

    fn down(&mut self, set: InstructionSet, high: &[f32], low: &mut [f32]) {
        let frames = low.len();
        let sums = &mut self.sums.as_mut_slice()[..padded(frames)];
        sums.fill(0.0);
        for (phase, past) in self.down.iter_mut().enumerate() {
            for (x, &y) in past.block(frames).iter_mut().zip(high.iter().skip(phase).step_by(2)) {
                *x = y;
            }
            past.filter(set, &self.filters.down[phase], phase, sums);
            past.advance(frames);
        }
        low.copy_from_slice(&sums[..frames]);
    }
}

impl Past {
    fn block(&mut self, frames: usize) -> &mut [f32] {
        &mut self.0.as_mut_slice()[HISTORY..][..frames]
    }

    /// The block, and what there is behind it, as it was `delay` frames ago.
    fn delayed(&self, delay: usize) -> &[f32] {
        &self.0.as_slice()[HISTORY - delay..]
    }

    /// Adds sums of products, the last tap with the frame of `delay` frames ago.
    fn filter(&self, set: InstructionSet, taps: &Buffer, delay: usize, sums: &mut [f32]) {
        let x = self.delayed(delay + TAPS - 1);
        dispatch!(set, simd => fir(simd, taps.as_slice(), 0.0, x, sums));
    }

    fn advance(&mut self, frames: usize) {
        self.0.as_mut_slice().copy_within(frames..frames + HISTORY, 0);
    }
}

impl Filters {
    /// Filters of so many even taps, of which the one of the way down ends at `cutoff` of the higher rate.
    fn new(even: usize, cutoff: f64, lanes: usize) -> Self {
        let pack = |taps: &[f64], phase: usize, gain: f64| {
            let taps = || taps.iter().skip(phase).step_by(2);
            let gain = gain / taps().sum::<f64>();
            let mut packed = Buffer::zeros(TAPS);
            for (delay, tap) in taps().enumerate() {
                packed.as_mut_slice()[tap_place(TAPS, lanes, TAPS - 1 - delay)] = (gain * tap) as f32;
            }
            packed
        };
        let down = windowed_sinc(2 * even - 1, cutoff);
        Self {
            up: pack(&windowed_sinc(2 * even - 1, 0.25), 0, 1.0),
            middle: even / 2 - 1,
            down: [pack(&down, 0, 0.5), pack(&down, 1, 0.5)],
        }
    }
}

/// The taps of a low-pass filter that ends at `cutoff` of the rate: sinc(t) under a Kaiser window.
fn windowed_sinc(taps: usize, cutoff: f64) -> Vec<f64> {
    let middle = (taps / 2) as f64;
    let tap = |t: f64| {
        let sinc = if t == 0.0 { 2.0 * cutoff } else { (TAU * cutoff * t).sin() / (PI * t) };
        sinc * bessel_i0(BETA * (1.0 - (t / (middle + 1.0)).powi(2)).sqrt())
    };
    (0..taps).map(|index| tap(index as f64 - middle)).collect()
}

/// The modified Bessel function of the first kind and order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let term = |term: &mut f64, k: i32| {
        *term *= (x / (2.0 * f64::from(k))).powi(2);
        Some(*term)
    };
    1.0 + (1..64).scan(1.0, term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTORS: [usize; 4] = [2, 4, 8, 16];

    fn sine(cycles_per_frame: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * cycles_per_frame * n as f64).sin() as f32).collect()
    }

    fn oversampler(factor: usize) -> Oversampler {
        Oversampler::new(factor, 64, InstructionSet::best()).expect("a power of two")
    }

    fn through(factor: usize, audio: &[f32], work: impl FnMut(&mut [f32])) -> Vec<f32> {
        let mut output = audio.to_vec();
        oversampler(factor).process(&mut output, work);
        output
    }

    fn largest(samples: impl Iterator<Item = f32>) -> f32 {
        samples.map(f32::abs).max_by(f32::total_cmp).expect("not empty")
    }

    #[test]
    fn what_both_rates_hold_comes_back_later_and_unchanged() {
        for factor in FACTORS {
            let latency = oversampler(factor).latency_samples();
            for frequency in [0.001, 0.1, 0.3, 0.41] {
                let input = sine(frequency, 2000);
                let output = through(factor, &input, |_| {});
                let error = largest(output[500..].iter().zip(&input[500 - latency..]).map(|(y, x)| y - x));
                assert!(error < 2e-4, "{frequency} of the rate, {factor} times: {error}");
            }
        }
    }

    #[test]
    fn an_impulse_comes_as_late_as_is_said() {
        for factor in FACTORS {
            let mut impulse = vec![0.0; 400];
            impulse[100] = 1.0;
            let output = through(factor, &impulse, |_| {});
            let peak = (0..400).max_by(|&a, &b| output[a].total_cmp(&output[b])).expect("not empty");
            assert_eq!(peak, 100 + oversampler(factor).latency_samples(), "{factor} times");
        }
    }

    #[test]
    fn in_between_lies_what_the_higher_rate_would_have_recorded() {
        for factor in FACTORS {
            let mut wide = Vec::new();
            through(factor, &sine(0.1, 1000), |block| wide.extend_from_slice(block));
            // The delay of the way up is a frame of the higher rate's, whatever it is: try them all.
            let expected = sine(0.1 / factor as f64, wide.len());
            let error = |delay: usize| {
                largest(
                    wide[600 * factor..].iter().zip(&expected[600 * factor - delay..]).map(|(y, x)| y - x),
                )
            };
            let best = (0..70 * factor).map(error).min_by(f32::total_cmp).expect("not empty");
            assert!(best < 2e-4, "{factor} times: {best}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for factor in FACTORS {
            let top = factor as f64 / 2.0;
            for frequency in [0.501, 0.552, 0.7, 0.9, 1.1, 1.45, 3.2, 7.9] {
                if frequency < top {
                    let tone = sine(frequency / factor as f64, 1000 * factor);
                    let mut tone = tone.chunks(64 * factor);
                    let output = through(factor, &vec![0.0; 1000], |block| {
                        block.copy_from_slice(&tone.next().expect("as many blocks")[..block.len()]);
                    });
                    let left = largest(output[200..].iter().copied());
                    assert!(left < 1e-4, "{frequency} of the rate, {factor} times: {left}");
                }
            }
        }
    }

    #[test]
    fn block_size_does_not_change_the_sound() {
        let input = sine(0.0371, 1000);
        for factor in FACTORS {
            let whole = through(factor, &input, |wide| wide.iter_mut().for_each(|x| *x = x.tanh()));
            for block in [1, 7, 33] {
                let mut oversampler = oversampler(factor);
                let mut pieces = input.clone();
                for piece in pieces.chunks_mut(block) {
                    oversampler.process(piece, |wide| wide.iter_mut().for_each(|x| *x = x.tanh()));
                }
                assert_eq!(pieces, whole, "{factor} times, blocks of {block}");
            }
        }
    }

    fn minimum(factor: usize) -> Oversampler {
        Oversampler::minimum_phase(factor, 64, InstructionSet::best()).expect("a power of two")
    }

    #[test]
    fn minimum_phase_keeps_levels_and_low_notes_come_as_late_as_is_said() {
        for factor in FACTORS {
            for frequency in [0.001, 0.1, 0.3, 0.44] {
                let (input, mut output) = (sine(frequency, 4000), sine(frequency, 4000));
                minimum(factor).process(&mut output, |_| {});
                let energy = |y: &[f32]| y.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>();
                let level = (energy(&output[2000..]) / energy(&input[2000..])).sqrt();
                assert!((level - 1.0).abs() < 2e-3, "{frequency} of the rate, {factor} times: {level}");
                if frequency == 0.001 {
                    let late = 2000 - minimum(factor).latency_samples();
                    let error = largest(output[2000..].iter().zip(&input[late..]).map(|(y, x)| y - x));
                    // Half a frame of such a tone.
                    assert!(error < 0.5 * TAU as f32 * 0.001, "{factor} times: {error}");
                }
            }
            assert!((2..=8).contains(&minimum(factor).latency_samples()), "{factor} times");
        }
    }

    #[test]
    fn minimum_phase_stops_what_would_fold_back_below_its_transition() {
        for factor in FACTORS {
            for frequency in [0.543, 0.7, 0.9, 1.1, 1.45, 3.2, 7.9] {
                if frequency < factor as f64 / 2.0 {
                    let tone = sine(frequency / factor as f64, 1000 * factor);
                    let mut tone = tone.chunks(64 * factor);
                    let mut output = vec![0.0; 1000];
                    minimum(factor).process(&mut output, |block| {
                        block.copy_from_slice(&tone.next().expect("as many blocks")[..block.len()]);
                    });
                    let left = largest(output[600..].iter().copied());
                    assert!(left < 1.2e-4, "{frequency} of the rate, {factor} times: {left}");
                }
            }
        }
    }

    #[test]
    fn minimum_phase_forgets_when_it_is_reset_and_does_not_care_for_blocks() {
        let input = sine(0.0371, 1000);
        let mut oversampler = minimum(4);
        let (mut whole, mut pieces) = (input.clone(), input);
        oversampler.process(&mut whole, |wide| wide.iter_mut().for_each(|x| *x = x.tanh()));
        oversampler.reset();
        for piece in pieces.chunks_mut(7) {
            oversampler.process(piece, |wide| wide.iter_mut().for_each(|x| *x = x.tanh()));
        }
        assert_eq!(pieces, whole);
    }

    #[test]
    fn instruction_sets_agree() {
        let input = sine(0.0371, 500);
        for factor in FACTORS {
            let baseline = through(factor, &input, |_| {});
            for set in InstructionSet::available() {
                let mut output = input.clone();
                Oversampler::new(factor, 64, set).expect("a power of two").process(&mut output, |_| {});
                assert!(
                    largest(output.iter().zip(&baseline).map(|(a, b)| a - b)) < 1e-6,
                    "{factor} on {set}"
                );
            }
        }
    }

    #[test]
    fn reset_forgets() {
        let mut oversampler = oversampler(4);
        oversampler.process(&mut vec![1.0; 500], |_| {});
        oversampler.reset();
        let mut silence = vec![0.0; 200];
        oversampler.process(&mut silence, |_| {});
        assert_eq!(silence, vec![0.0; 200]);
    }

    #[test]
    fn other_factors_are_refused() {
        for factor in [0, 1, 3, 6, 32] {
            assert!(Oversampler::new(factor, 64, InstructionSet::best()).is_none(), "{factor}");
            assert!(Oversampler::minimum_phase(factor, 64, InstructionSet::best()).is_none(), "{factor}");
        }
    }
}
