//! Which note a string plays, and how far from it.
//!
//! The audio thread only copies what it hears into a ring ([`TunerInput`]); another thread asks for the pitch
//! ([`Tuner`]). The pitch is first the period of the normalised square difference of P. `McLeod` and G. Wyvill ("A Smarter
//! Way to Find Pitch", 2005), and then what the phases of the fundamental and its octave advance by: that is exact to a
//! small part of a cent, and the upper partials of a stiff string, which are sharp, do not pull at it.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Seconds of sound that a pitch is found in.
const SECONDS: f64 = 0.35;

/// The pitches that are looked for, in Hz: from below the fifth string of a bass to above the last fret of a guitar.
const PITCHES: std::ops::RangeInclusive<f64> = 29.0..=1420.0;

/// The lowest rate, in Hz, that a signal is decimated to.
const LOWEST_RATE: f64 = 11_000.0;

/// Mean power below which nothing is heard.
const SILENCE: f64 = 1e-7;

/// How alike a signal and its next period are, from 0 to 1, where it has a pitch.
const ALIKE: f64 = 0.8;

/// The first peak that is so high, as a part of the highest one, is the period; later ones are multiples of it.
const FIRST_PEAK: f64 = 0.93;

/// What was heard last; written by one thread, read by another.
#[derive(Debug)]
struct Ring {
    samples: Box<[AtomicU32]>,
    /// Samples that have been written, since the start.
    written: AtomicUsize,
}

/// The audio thread's end of a tuner.
#[derive(Debug)]
pub struct TunerInput {
    ring: Arc<Ring>,
    written: usize,
}

impl TunerInput {
    /// Listens to `audio`.
    pub fn process(&mut self, audio: &[f32]) {
        let mask = self.ring.samples.len() - 1;
        for &x in audio {
            self.ring.samples[self.written & mask].store(x.to_bits(), Ordering::Relaxed);
            self.written = self.written.wrapping_add(1);
        }
        self.ring.written.store(self.written, Ordering::Release);
    }
}

/// A pitch, and the note next to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pitch {
    /// The frequency of the fundamental, in Hz.
    pub frequency: f64,
    /// The note of the equal temperament next to it, as MIDI counts them: 69 is the A above middle C.
    pub note: u8,
    /// How much sharper than that note it is, in cents, from -50 to 50.
    pub cents: f64,
}

impl Pitch {
    /// Of `frequency`, where A is `reference`, both in Hz.
    pub fn new(frequency: f64, reference: f64) -> Self {
        let note = 69.0 + 12.0 * (frequency / reference).log2();
        let nearest = note.round().clamp(0.0, 127.0);
        Self { frequency, note: nearest as u8, cents: 100.0 * (note - nearest) }
    }

    /// The note's name and octave: (`"E"`, 2) is the lowest string of a guitar.
    pub fn name(&self) -> (&'static str, i8) {
        const NAMES: [&str; 12] = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
        (NAMES[usize::from(self.note % 12)], (self.note / 12).cast_signed() - 1)
    }
}

/// Finds the pitch of what its [`TunerInput`] hears. Not for the audio thread: it takes its time.
#[derive(Debug)]
pub struct Tuner {
    ring: Arc<Ring>,
    /// The rate of the decimated signal, in Hz.
    rate: f64,
    /// One of so many samples is kept.
    factor: usize,
    /// The taps of the filter before that.
    filter: Box<[f64]>,
    /// The A above middle C, in Hz.
    reference: f64,
}

impl Tuner {
    /// The two ends of a tuner for a signal of `sample_rate` Hz, where A is 440 Hz.
    pub fn new(sample_rate: f64) -> (TunerInput, Self) {
        let factor = ((sample_rate / LOWEST_RATE) as usize).max(1);
        // A quarter of the new rate passes; that, the pitches and some of their harmonics are well inside.
        let half = 6 * factor;
        let mut filter: Vec<f64> = (0..=2 * half)
            .map(|n| {
                let t = n as f64 - half as f64;
                let x = PI * 0.5 * t / factor as f64;
                let sinc = if t == 0.0 { 1.0 } else { x.sin() / x };
                sinc * (0.5 + 0.5 * (PI * t / (half + 1) as f64).cos())
            })
            .collect();
        let sum: f64 = filter.iter().sum();
        for tap in &mut filter {
            *tap /= sum;
        }

        let heard = (SECONDS * sample_rate) as usize + filter.len();
        // As long again as what is read, so that it can be written while it is.
        let samples = (0..(2 * heard).next_power_of_two()).map(|_| AtomicU32::new(0)).collect();
        let ring = Arc::new(Ring { samples, written: AtomicUsize::new(0) });
        let tuner = Self {
            ring: Arc::clone(&ring),
            rate: sample_rate / factor as f64,
            factor,
            filter: filter.into(),
            reference: 440.0,
        };
        (TunerInput { ring, written: 0 }, tuner)
    }

    /// Sets the frequency of the A above middle C, in Hz.
    pub fn set_reference(&mut self, reference: f64) {
        self.reference = reference;
    }

    /// The pitch of the last third of a second, where it has one.
    pub fn pitch(&self) -> Option<Pitch> {
        let mut signal = self.decimate(&self.heard()?);
        let mean = signal.iter().sum::<f64>() / signal.len() as f64;
        for x in &mut signal {
            *x -= mean;
        }
        let power = signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64;
        // A NaN has no pitch either.
        if !(power > SILENCE && power.is_finite()) {
            return None;
        }
        let frequency = self.refine(&signal, self.rate / self.period(&signal)?);
        PITCHES.contains(&frequency).then(|| Pitch::new(frequency, self.reference))
    }

    /// The last samples; none where they were overwritten while they were read.
    fn heard(&self) -> Option<Vec<f32>> {
        let (samples, mask) = (&self.ring.samples, self.ring.samples.len() - 1);
        let frames = (SECONDS * self.rate) as usize * self.factor + self.filter.len();
        let end = self.ring.written.load(Ordering::Acquire);
        let start = end.wrapping_sub(frames);
        let read = |n: usize| f32::from_bits(samples[start.wrapping_add(n) & mask].load(Ordering::Relaxed));
        let heard = (0..frames).map(read).collect();
        let late = self.ring.written.load(Ordering::Acquire).wrapping_sub(end);
        (late < samples.len() - frames).then_some(heard)
    }

    fn decimate(&self, signal: &[f32]) -> Vec<f64> {
        let filtered =
            |window: &[f32]| window.iter().zip(&self.filter).map(|(&x, tap)| f64::from(x) * tap).sum();
        signal.windows(self.filter.len()).step_by(self.factor).map(filtered).collect()
    }

    /// The period, in samples, to within a few percent.
    fn period(&self, signal: &[f64]) -> Option<f64> {
        let shortest = (self.rate / PITCHES.end()) as usize;
        let longest = (self.rate / PITCHES.start()) as usize + 2;
        let likeness: Vec<f64> = (0..=longest).map(|lag| likeness(signal, lag)).collect();
        // The top of each hill; the first hill, around lag 0, is none.
        let mut tops = Vec::new();
        let mut lag = likeness.iter().position(|&l| l < 0.0)?;
        while let Some(start) = (lag..longest).find(|&lag| likeness[lag] > 0.0) {
            let end = (start..longest).find(|&lag| likeness[lag] <= 0.0).unwrap_or(longest);
            let highest = (start..end).max_by(|&a, &b| likeness[a].total_cmp(&likeness[b]))?;
            // A hill that goes on beyond the longest period has its top there.
            if highest >= shortest && likeness[highest + 1] <= likeness[highest] {
                tops.push(top(&likeness, highest));
            }
            lag = end;
        }
        let highest = tops.iter().map(|&(_, height)| height).max_by(f64::total_cmp)?;
        let (period, height) = *tops.iter().find(|&&(_, height)| height >= FIRST_PEAK * highest)?;
        (height >= ALIKE).then_some(period)
    }

    /// The frequency of the fundamental, by how far its phase and that of its octave advance in ever longer times.
    fn refine(&self, signal: &[f64], coarse: f64) -> f64 {
        let window = signal.len() * 2 / 3;
        let mut frequency = coarse;
        let mut hop = ((0.125 * self.rate / coarse) as usize).max(1);
        loop {
            let (mut advance, mut weight) = (0.0, 0.0);
            for harmonic in [1.0, 2.0] {
                let step = TAU * harmonic * frequency / self.rate;
                let (re, im) = spectrum(&signal[..window], step);
                let (later_re, later_im) = spectrum(&signal[hop..hop + window], step);
                let (re, im) = (later_re * re + later_im * im, later_im * re - later_re * im);
                let expected = step * hop as f64;
                let beyond = im.atan2(re) - expected;
                let beyond = beyond - TAU * (beyond / TAU).round();
                let power = f64::hypot(re, im);
                advance += power * beyond / harmonic;
                weight += power;
            }
            frequency += advance / weight * self.rate / (TAU * hop as f64);
            if hop == signal.len() - window {
                return frequency;
            }
            hop = (4 * hop).min(signal.len() - window);
        }
    }
}

/// Place and height of the top of the parabola through the highest point of a hill and its neighbours.
fn top(hill: &[f64], highest: usize) -> (f64, f64) {
    let [before, top, after] = [hill[highest - 1], hill[highest], hill[highest + 1]];
    let aside = 0.5 * (before - after) / (before - 2.0 * top + after);
    (highest as f64 + aside, top - 0.25 * (before - after) * aside)
}

/// How alike a signal and the same `lag` samples later are, from -1 to 1.
fn likeness(signal: &[f64], lag: usize) -> f64 {
    let (mut product, mut power) = (0.0, 0.0);
    for (x, y) in signal.iter().zip(&signal[lag..]) {
        product += x * y;
        power += x * x + y * y;
    }
    2.0 * product / power
}

/// The spectrum of a signal behind a Hann window where the phase advances by `step` a sample.
fn spectrum(signal: &[f64], step: f64) -> (f64, f64) {
    let width = TAU / signal.len() as f64;
    signal.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, x)| {
        let x = x * (1.0 - (width * (n as f64 + 0.5)).cos());
        let (sin, cos) = (step * n as f64).sin_cos();
        (re + x * cos, im - x * sin)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string that was plucked a moment ago: stiff, so that its partials are sharp, and with a noisy pickup.
    fn string(frequency: f64, pluck: f64, sample_rate: f64) -> Vec<f32> {
        let stiffness = 6e-5;
        let frames = (0.4 * sample_rate) as usize;
        let mut signal = vec![0.0; frames];
        for partial in 1..=40 {
            let n = f64::from(partial);
            let own = n * frequency * ((1.0 + stiffness * n * n) / (1.0 + stiffness)).sqrt();
            if own > 0.4 * sample_rate {
                break;
            }
            let level = (PI * n * pluck).sin() / n;
            for (t, x) in signal.iter_mut().enumerate() {
                let t = 0.1 + t as f64 / sample_rate;
                *x += level * (-t * (0.6 + 0.4 * n)).exp() * (TAU * own * t + n).sin();
            }
        }
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            2.0 * f64::from(state) / f64::from(u32::MAX) - 1.0
        };
        // Some 40 dB below the note.
        signal.into_iter().map(|x| (0.3 * x + 0.003 * noise()) as f32).collect()
    }

    fn heard(signal: &[f32], sample_rate: f64) -> Option<Pitch> {
        let (mut input, tuner) = Tuner::new(sample_rate);
        signal.chunks(64).for_each(|block| input.process(block));
        tuner.pitch()
    }

    #[test]
    fn every_string_of_bass_and_guitar_is_heard_to_a_cent() {
        // The lowest string of a bass, an E, to the last fret of a guitar, four octaves and a half above.
        for note in 28..=88 {
            let sample_rate = [44_100.0, 48_000.0, 22_050.0, 96_000.0][note as usize % 4];
            for (pluck, off) in [(0.1, 0.0), (0.23, 31.0), (0.45, -47.0)] {
                let frequency = 440.0 * 2.0_f64.powf((f64::from(note) - 69.0 + off / 100.0) / 12.0);
                let pitch = heard(&string(frequency, pluck, sample_rate), sample_rate)
                    .unwrap_or_else(|| panic!("note {note} plucked at {pluck} is not heard"));
                let error = 1200.0 * (pitch.frequency / frequency).log2();
                assert!(
                    error.abs() <= 1.0,
                    "note {note} plucked at {pluck}, {sample_rate} Hz: {error} cents off"
                );
                assert_eq!(pitch.note, note, "plucked at {pluck}");
                assert!((pitch.cents - off - error).abs() < 1e-6, "note {note}: {} cents", pitch.cents);
            }
        }
    }

    #[test]
    fn notes_have_the_names_that_guitarists_give_them() {
        let strings = [
            (82.4, "E", 2),
            (110.0, "A", 2),
            (146.8, "D", 3),
            (196.0, "G", 3),
            (246.9, "B", 3),
            (329.6, "E", 4),
        ];
        for (frequency, name, octave) in strings {
            assert_eq!(Pitch::new(frequency, 440.0).name(), (name, octave), "{frequency} Hz");
        }
        assert!((Pitch::new(432.0, 432.0).cents).abs() < 1e-9, "another reference");
    }

    #[test]
    fn noise_and_silence_have_no_pitch() {
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..24_000)
            .map(|_| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
            })
            .collect();
        assert_eq!(heard(&noise, 48_000.0), None, "noise");
        assert_eq!(heard(&vec![0.0; 24_000], 48_000.0), None, "silence");
        assert_eq!(heard(&vec![0.3; 24_000], 48_000.0), None, "a constant");
        assert_eq!(heard(&vec![f32::NAN; 24_000], 48_000.0), None, "what is not a number");
        assert_eq!(heard(&[], 48_000.0), None, "nothing");
    }
}
