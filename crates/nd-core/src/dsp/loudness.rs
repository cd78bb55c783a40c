//! How loud a programme is to the ear.

use std::f64::consts::PI;

use crate::engine::without_denormals;

/// The integrated loudness of a programme that comes in pieces, as ITU-R BS.1770-4 defines it.
///
/// For rates other than its 48 kHz, the analogue filters behind its coefficients are transformed anew. Every channel
/// has the weight of a front one. Pieces of any length give the same number, bit for bit. It keeps a number for each
/// tenth of a second.
#[derive(Debug, Clone)]
pub struct Loudness {
    shelf: Section,
    high_pass: Section,
    /// The states of both filters, for each channel.
    states: Vec<[f64; 4]>,
    /// Frames in a tenth of a second.
    step: usize,
    /// Frames of the current step that are there, and their energy.
    frames: usize,
    energy: f64,
    /// The energy of each step: all channels together.
    energies: Vec<f64>,
}

/// Steps in a block of 0.4 s.
const BLOCK: usize = 4;

/// Blocks that are more silent count for nothing.
const ABSOLUTE_GATE_LUFS: f64 = -70.0;

/// Nor do those that are so much below the mean of the others.
const RELATIVE_GATE: f64 = 0.1;

/// What makes a sine of 997 Hz at full scale -3.01 LUFS.
const OFFSET: f64 = -0.691;

impl Loudness {
    /// `sample_rate` in Hz, 10 or more.
    pub fn new(sample_rate: f64, channels: usize) -> Self {
        let k = (PI * 1_681.974_450_955_533 / sample_rate).tan();
        let (quality, high) = (0.707_175_236_955_419_6, 10_f64.powf(3.999_843_853_973_347 / 20.0));
        let band = high.powf(0.499_666_774_154_541_6) * k / quality;
        let top = [high + band + k * k, 2.0 * (k * k - high), high - band + k * k];
        let shelf = Section::new(k, quality, top);

        let k = (PI * 38.135_470_876_024_44 / sample_rate).tan();
        let quality = 0.500_327_037_323_877_3;
        let scale = 1.0 + k / quality + k * k;
        let high_pass = Section::new(k, quality, [scale, -2.0 * scale, scale]);

        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive")]
        let step = (0.1 * sample_rate).round() as usize;
        let states = vec![[0.0; 4]; channels];
        Self { shelf, high_pass, states, step, frames: 0, energy: 0.0, energies: Vec::new() }
    }

    /// Listens to the next piece: all frames of the first channel, then all of the next.
    ///
    /// # Panics
    ///
    /// If it is not as long for every channel.
    pub fn push(&mut self, audio: &[f32]) {
        assert!(audio.len().is_multiple_of(self.states.len()), "as many frames for each channel");
        let all = audio.len() / self.states.len();
        let mut start = 0;
        while start < all {
            let end = all.min(start + self.step - self.frames);
            // The sums of the channels are added in the order of time, so that the pieces do not matter.
            without_denormals(|| {
                for n in start..end {
                    for (channel, state) in self.states.iter_mut().enumerate() {
                        let x = f64::from(audio[channel * all + n]);
                        let [a, b, c, d] = state;
                        let y = self.high_pass.filter(self.shelf.filter(x, a, b), c, d);
                        self.energy += y * y;
                    }
                }
            });
            self.frames += end - start;
            if self.frames == self.step {
                self.energies.push(self.energy);
                (self.frames, self.energy) = (0, 0.0);
            }
            start = end;
        }
    }

    /// The loudness so far, in LUFS; minus infinity where nothing is louder than the gate of -70 LUFS.
    ///
    /// None for less than a block of 0.4 s, which has no loudness.
    pub fn integrated(&self) -> Option<f64> {
        if self.energies.len() < BLOCK {
            return None;
        }
        let mean = |powers: &[f64]| powers.iter().sum::<f64>() / powers.len() as f64;
        let frames = (BLOCK * self.step) as f64;
        let blocks = self.energies.windows(BLOCK).map(|steps| steps.iter().sum::<f64>() / frames);
        let gate = 10_f64.powf((ABSOLUTE_GATE_LUFS - OFFSET) / 10.0);
        let mut powers: Vec<f64> = blocks.filter(|&power| power > gate).collect();
        let gate = RELATIVE_GATE * mean(&powers);
        powers.retain(|&power| power > gate);
        Some(if powers.is_empty() { f64::NEG_INFINITY } else { OFFSET + 10.0 * mean(&powers).log10() })
    }
}

/// A filter of second order.
#[derive(Debug, Clone)]
struct Section {
    top: [f64; 3],
    bottom: [f64; 2],
}

impl Section {
    /// A resonance under `top`, which is divided by what the resonance has at its start.
    fn new(k: f64, quality: f64, top: [f64; 3]) -> Self {
        let scale = 1.0 + k / quality + k * k;
        Self {
            top: top.map(|b| b / scale),
            bottom: [2.0 * (k * k - 1.0) / scale, (1.0 - k / quality + k * k) / scale],
        }
    }

    /// One sample, in the transposed direct form II.
    #[inline]
    fn filter(&self, x: f64, first: &mut f64, second: &mut f64) -> f64 {
        let y = self.top[0] * x + *first;
        *first = self.top[1] * x - self.bottom[0] * y + *second;
        *second = self.top[2] * x - self.bottom[1] * y;
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// The coefficients of the recommendation have as many digits.
    const TOLERANCE: f64 = 0.005;

    fn sine(sample_rate: f64, level_db: f64, seconds: f64) -> Vec<f32> {
        let peak = 10_f64.powf(level_db / 20.0);
        (0..(seconds * sample_rate) as usize)
            .map(|n| (peak * (TAU * 997.0 * n as f64 / sample_rate).sin()) as f32)
            .collect()
    }

    fn loudness(sample_rate: f64, channels: usize, audio: &[f32]) -> Option<f64> {
        let mut meter = Loudness::new(sample_rate, channels);
        meter.push(audio);
        meter.integrated()
    }

    #[test]
    fn a_sine_at_full_scale_is_as_loud_as_the_recommendation_says() {
        // At other rates, the shelf is bent a little near half of them.
        for (rate, tolerance) in [(48_000.0, TOLERANCE), (44_100.0, 0.03), (96_000.0, 0.03)] {
            let found = loudness(rate, 1, &sine(rate, 0.0, 5.0)).expect("long enough");
            assert!((found + 3.01).abs() < tolerance, "{rate} Hz: {found}");
        }
    }

    #[test]
    fn two_channels_are_twice_the_power() {
        let one = sine(48_000.0, -20.0, 2.0);
        let found = loudness(48_000.0, 2, &[one.clone(), one].concat()).expect("long enough");
        assert!((found + 20.0).abs() < TOLERANCE, "{found}");
    }

    #[test]
    fn pauses_do_not_count() {
        let loud = sine(48_000.0, -20.0, 10.0);
        let gated = [loud.clone(), sine(48_000.0, -60.0, 10.0), vec![0.0; 480_000]].concat();
        let (alone, found) = (loudness(48_000.0, 1, &loud), loudness(48_000.0, 1, &gated));
        // Some blocks lie over the edge.
        assert!((found.expect("long enough") - alone.expect("long enough")).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn pieces_of_any_length_give_the_same_number() {
        let audio = sine(48_000.0, -6.0, 1.0);
        for piece in [1, 480, 4801, 48_000] {
            let mut meter = Loudness::new(48_000.0, 1);
            audio.chunks(piece).for_each(|audio| meter.push(audio));
            assert_eq!(meter.integrated(), loudness(48_000.0, 1, &audio), "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_silent_or_short_has_no_loudness() {
        assert_eq!(loudness(48_000.0, 1, &vec![0.0; 48_000]), Some(f64::NEG_INFINITY), "silence");
        assert_eq!(loudness(48_000.0, 1, &vec![0.5; 19_199]), None, "a frame less than a block");
    }
}
