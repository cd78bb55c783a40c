//! From one sample rate to another, with a delay that is taken back.

use std::{fmt, mem};

use rubato::audioadapter_buffers::owned::SequentialOwned;
use rubato::{Fft, FixedSync, Resampler as Resample, WindowFunction};

/// Two rates that [`resample`] does not convert between.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "cannot resample from {from} Hz to {to} Hz: both have to be whole numbers from {} to {}",
    SAMPLE_RATES.start(),
    SAMPLE_RATES.end()
)]
pub struct UnsupportedRates {
    /// The rate of the input, in Hz.
    pub from: f64,
    /// The rate of the output, in Hz.
    pub to: f64,
}

/// Bounds the length of the filter, which grows with the rates where these have no common divisor.
const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// Taps of the filter, counted at the lower of the two rates: flat up to 0.98 of the lower Nyquist frequency.
const FILTER_LENGTH: usize = 2048;

/// Returns `audio`, sampled at `from` Hz, as it would have been sampled at `to` Hz.
///
/// The result is `⌈audio.len() · to / from⌉` long, and its first sample is at the same instant as the first of `audio`:
/// the filter has linear phase, and its delay is removed. What lies before and after `audio` counts as silence.
/// The computation is in `f64`. A NaN or an infinity spoils the samples within a filter length of it.
///
/// # Errors
///
/// [`UnsupportedRates`], unless both rates are whole numbers from 1000 to 1 000 000.
pub fn resample(audio: &[f32], from: f64, to: f64) -> Result<Vec<f32>, UnsupportedRates> {
    let mut resampler = Resampler::new(from, to)?;
    let mut output = Vec::new();
    resampler.push(audio, &mut output);
    resampler.finish(&mut output);
    Ok(output)
}

/// [`resample`](resample()) for a signal that is too long to be held: it comes and goes in pieces of any length.
///
/// All pieces of output together are what `resample` gives for all of the input, bit for bit. What comes out lags behind
/// by up to three [blocks](Self::block). It allocates, for the output.
pub struct Resampler {
    from: usize,
    to: usize,
    /// None for equal rates.
    fft: Option<Fft<f64>>,
    /// What has come in and makes no block yet.
    waiting: Vec<f64>,
    /// Frames that came in and went out.
    taken: u64,
    given: u64,
    /// Frames of the filter's delay that are still to be dropped.
    late: usize,
}

impl Resampler {
    /// From a rate of `from` to one of `to`, both in Hz.
    ///
    /// # Errors
    ///
    /// [`UnsupportedRates`], unless both rates are whole numbers from 1000 to 1 000 000.
    #[expect(clippy::missing_panics_doc, reason = "what is expected cannot fail")]
    pub fn new(from: f64, to: f64) -> Result<Self, UnsupportedRates> {
        let (Some(from), Some(to)) = (whole(from), whole(to)) else {
            return Err(UnsupportedRates { from, to });
        };
        let fft = (from != to).then(|| {
            let window = WindowFunction::BlackmanHarris2;
            Fft::<f64>::new_custom(from, to, block(from, to), 1, 1, window, FixedSync::Input)
                .expect("rates and block are positive")
        });
        let late = fft.as_ref().map_or(0, Resample::output_delay);
        Ok(Self { from, to, fft, waiting: Vec::new(), taken: 0, given: 0, late })
    }

    /// Frames of input for one transform: as far as the filter reaches to either side.
    pub fn block(&self) -> usize {
        block(self.from, self.to)
    }

    /// Appends to `output` what `audio`, the next piece of the signal, lets out.
    pub fn push(&mut self, audio: &[f32], output: &mut Vec<f32>) {
        self.taken += audio.len() as u64;
        if self.fft.is_none() {
            output.extend_from_slice(audio);
            return;
        }
        let block = self.block();
        self.waiting.extend(audio.iter().copied().map(f64::from));
        let waiting = mem::take(&mut self.waiting);
        let blocks = waiting.chunks_exact(block);
        self.waiting.extend_from_slice(blocks.remainder());
        blocks.for_each(|block| self.transform(block, output));
    }

    /// Appends to `output` what is left of a signal that has come in as a whole.
    pub fn finish(&mut self, output: &mut Vec<f32>) {
        let wanted = (self.taken * self.to as u64).div_ceil(self.from as u64);
        let rest = if self.fft.is_some() { wanted.saturating_sub(self.given) } else { 0 };
        let start = output.len();
        let mut last = mem::take(&mut self.waiting);
        #[allow(clippy::cast_possible_truncation, reason = "at most what lags behind")]
        let end = start + rest as usize;
        while output.len() < end {
            last.resize(self.block(), 0.0);
            self.transform(&last, output);
            last.clear();
        }
        output.truncate(end);
    }

    /// Appends what one block lets out, without the delay at the start.
    fn transform(&mut self, block: &[f64], output: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else { return };
        let input = SequentialOwned::new_from(block.to_vec(), 1, block.len())
            .expect("one channel of as many frames as there are samples");
        let there = fft.process(&input, None).expect("the block has the size that was asked for").take_data();
        let dropped = self.late.min(there.len());
        self.late -= dropped;
        self.given += (there.len() - dropped) as u64;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "audio is f32; f64 is for the intermediate results"
        )]
        output.extend(there[dropped..].iter().map(|&y| y as f32));
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

/// Returns what `process`, which runs in place and at `rate`, makes of `audio` at `sample_rate` (both in Hz).
///
/// The result is as long as `audio` and aligned with it. Silence goes along before and after, so that the ends sound as
/// if they were in the middle, also where `process` answers silence with something else.
///
/// # Errors
///
/// [`UnsupportedRates`], unless both rates are whole numbers from 1000 to 1 000 000.
///
/// ```
/// # use nd_core::dsp::process_at;
/// let clip = |audio: &mut [f32]| audio.iter_mut().for_each(|x| *x = x.clamp(-0.1, 0.1));
/// assert_eq!(process_at(44_100.0, &[0.05; 1000], 96_000.0, clip)?.len(), 1000);
/// # Ok::<(), nd_core::dsp::resample::UnsupportedRates>(())
/// ```
pub fn process_at(
    sample_rate: f64,
    audio: &[f32],
    rate: f64,
    process: impl FnOnce(&mut [f32]),
) -> Result<Vec<f32>, UnsupportedRates> {
    let (Some(from), Some(to)) = (whole(sample_rate), whole(rate)) else {
        return Err(UnsupportedRates { from: sample_rate, to: rate });
    };
    let silence = block(from, to);
    let padded = [&vec![0.0; silence], audio, &vec![0.0; silence]].concat();
    let mut there = resample(&padded, sample_rate, rate)?;
    process(&mut there);
    Ok(resample(&there, rate, sample_rate)?[silence..silence + audio.len()].to_vec())
}

/// The rate as a number of frames a second, where it is whole and within [`SAMPLE_RATES`].
fn whole(rate: f64) -> Option<usize> {
    let (low, high) = (f64::from(*SAMPLE_RATES.start()), f64::from(*SAMPLE_RATES.end()));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    (rate.fract() == 0.0 && (low..=high).contains(&rate)).then_some(rate as usize)
}

/// Frames of input for one transform: the fewest that make the filter [`FILTER_LENGTH`] taps long at the lower rate.
///
/// An even number of periods, so that both transforms have a middle sample and the delay is whole.
fn block(from: usize, to: usize) -> usize {
    let divisor = gcd(from, to);
    let periods = FILTER_LENGTH.div_ceil(from.min(to) / divisor).next_multiple_of(2);
    periods * (from / divisor)
}

pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Pairs with a common divisor, without one, and with odd periods.
    const RATES: [(f64, f64); 6] = [
        (44_100.0, 48_000.0),
        (48_000.0, 44_100.0),
        (96_000.0, 44_100.0),
        (48_000.0, 96_000.0),
        (44_100.0, 47_999.0),
        (22_050.0, 192_000.0),
    ];

    /// Rounding of the `f32` result; the resampler itself is more exact.
    const TOLERANCE: f32 = 1e-6;

    fn sine(frequency: f64, sample_rate: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|n| (TAU * frequency * n as f64 / sample_rate).sin() as f32).collect()
    }

    /// The largest difference, away from the ends, where the signal starts and stops within the filter.
    fn difference(a: &[f32], b: &[f32]) -> f32 {
        let margin = a.len() / 4;
        let inside = margin..a.len() - margin;
        let errors = a[inside.clone()].iter().zip(&b[inside]).map(|(a, b)| (a - b).abs());
        errors.max_by(f32::total_cmp).expect("not empty")
    }

    #[test]
    fn a_sine_stays_the_same_sine_at_the_same_instants() {
        for (from, to) in RATES {
            for frequency in [100.0, 997.0, 0.49 * from.min(to)] {
                let output = resample(&sine(frequency, from, from as usize), from, to).expect("whole rates");
                let error = difference(&output, &sine(frequency, to, to as usize));
                assert!(error < TOLERANCE, "{frequency} Hz from {from} to {to} Hz: {error}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let output = resample(&sine(23_000.0, 48_000.0, 48_000), 48_000.0, 44_100.0).expect("whole rates");
        assert!(difference(&output, &vec![0.0; output.len()]) < TOLERANCE, "an alias at 21.1 kHz");
    }

    #[test]
    fn an_impulse_stays_where_it_was() {
        for (from, to) in RATES {
            // Half a second: a whole number of frames at either rate, or half a frame off at 47 999 Hz.
            let mut input = vec![0.0; from as usize];
            input[from as usize / 2] = 1.0;
            let output = resample(&input, from, to).expect("whole rates");
            let peak = (0..output.len()).max_by(|&a, &b| output[a].total_cmp(&output[b])).expect("not empty");
            assert_eq!(peak, (to / 2.0).round() as usize, "from {from} to {to} Hz");
        }
    }

    #[test]
    fn there_and_back_again_gives_the_signal_that_set_out() {
        for (from, to) in RATES {
            for frames in [1, 2, 100, 44_101] {
                let input = sine(0.2 * from.min(to), from, frames);
                let there = resample(&input, from, to).expect("whole rates");
                let back = resample(&there, to, from).expect("whole rates");
                assert_eq!(
                    there.len(),
                    (frames as f64 * to / from).ceil() as usize,
                    "{frames} from {from} to {to} Hz"
                );
                assert!(back.len() >= frames, "{frames} from {from} to {to} Hz and back: {}", back.len());
                if frames > 10_000 {
                    assert!(
                        difference(&input, &back) < 2.0 * TOLERANCE,
                        "{frames} from {from} to {to} Hz and back"
                    );
                }
            }
        }
    }

    #[test]
    fn pieces_of_any_length_give_the_same_bits() {
        for (from, to) in RATES {
            let input = sine(0.2 * from.min(to), from, 20_011);
            let whole = resample(&input, from, to).expect("whole rates");
            for piece in [1, 77, 4096, 20_011] {
                let mut resampler = Resampler::new(from, to).expect("whole rates");
                let mut pieces = Vec::new();
                input.chunks(piece).for_each(|audio| resampler.push(audio, &mut pieces));
                resampler.finish(&mut pieces);
                assert_eq!(pieces, whole, "pieces of {piece} from {from} to {to} Hz");
            }
        }
    }

    #[test]
    fn what_lags_behind_does_not_grow() {
        let (from, to) = (44_100.0, 48_000.0);
        let mut resampler = Resampler::new(from, to).expect("whole rates");
        let mut given = 0;
        for second in 1..20_u32 {
            let mut output = Vec::new();
            resampler.push(&vec![0.0; from as usize], &mut output);
            given += output.len();
            let behind = f64::from(second) * to - given as f64;
            assert!(behind < 3.0 * resampler.block() as f64 * to / from, "{behind} frames after {second} s");
        }
    }

    #[test]
    fn what_is_processed_at_another_rate_is_aligned_and_whole_at_its_ends() {
        for (from, to) in RATES {
            let bias = |audio: &mut [f32]| audio.iter_mut().for_each(|x| *x = 0.3 - 2.0 * *x);
            for frames in [0, 1, 2, 1000] {
                let output = process_at(from, &vec![0.0; frames], to, bias).expect("whole rates");
                assert_eq!(output.len(), frames, "from {from} to {to} Hz and back");
                let exact = output.iter().all(|y| (y - 0.3).abs() < TOLERANCE);
                assert!(exact, "{frames} silent frames from {from} to {to} Hz and back: {output:?}");
            }
            // Fading in and out, so that it holds nothing above what either rate can.
            let fade = sine(0.5, from, from as usize);
            let input: Vec<f32> = sine(0.1 * from.min(to), from, fade.len())
                .iter()
                .zip(&fade)
                .map(|(x, fade)| x * fade * fade)
                .collect();
            let output = process_at(from, &input, to, bias).expect("whole rates");
            for (n, (x, y)) in input.iter().zip(&output).enumerate() {
                let error = (y - 0.3 + 2.0 * x).abs();
                assert!(error < 4.0 * TOLERANCE, "frame {n} from {from} to {to} Hz and back: {error}");
            }
        }
    }

    #[test]
    fn equal_rates_change_nothing() {
        let input = sine(997.0, 48_000.0, 1000);
        assert_eq!(resample(&input, 48_000.0, 48_000.0).expect("whole rates"), input);
    }

    #[test]
    fn rates_that_would_need_an_endless_filter_are_refused() {
        for rate in [0.0, -48_000.0, 999.0, 44_100.5, 1e9, f64::NAN, f64::INFINITY] {
            assert!(resample(&[0.0; 8], rate, 48_000.0).is_err(), "{rate} Hz");
            assert!(resample(&[0.0; 8], 48_000.0, rate).is_err(), "{rate} Hz");
        }
    }
}
