//! A cabinet, as its impulse response.

use std::sync::Arc;

use super::resample::{UnsupportedRates, resample};
use crate::engine::{BLOCK, Filter, Memory, without_denormals};
use crate::kernel::{InstructionSet, dispatch};

/// Which channel of a recording with several is the cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The first one.
    #[default]
    Left,
    /// The second one, where there is one.
    Right,
    /// The mean of all.
    Mean,
}

/// How a [`Cabinet`] is made from a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CabinetOptions {
    /// The channel that is taken.
    pub side: Side,
    /// Whether its gain is made 1: noise that is white up to 24 kHz keeps its power. Otherwise the gain is the file's.
    pub normalise: bool,
}

impl Default for CabinetOptions {
    fn default() -> Self {
        Self { side: Side::default(), normalise: true }
    }
}

/// A recording that is no impulse response.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CabinetError {
    /// There is no channel, or one without a sample.
    #[error("the impulse response is empty")]
    Empty,
    /// A NaN or an infinity.
    #[error("frame {frame} of the impulse response is {value}, not a finite number")]
    NotFinite {
        /// Where it is.
        frame: usize,
        /// What is there.
        value: f32,
    },
    /// Nothing but zeros.
    #[error("the impulse response is silent")]
    Silent,
    /// Rates that cannot be converted.
    #[error(transparent)]
    UnsupportedRates(#[from] UnsupportedRates),
}

/// Seconds of an impulse response that are used.
const MAX_SECONDS: f64 = 1.0;

/// Seconds in which a longer one fades out.
const FADE_SECONDS: f64 = 0.02;

/// The rate at which the gain of noise is that of the samples' energy.
const ENERGY_RATE: f64 = 48_000.0;

/// What the end of an impulse response that is left out has of its energy, at the most: -100 dB.
const LEFT_OUT: f64 = 1e-10;

/// Convolves with the impulse response of a cabinet, without latency.
///
/// [`new`](Self::new) does what takes time, off the audio thread. A clone shares the response and has a memory of its own:
/// one for each channel. Silence at the input costs nothing once the response has died away.
#[derive(Debug, Clone)]
pub struct Cabinet {
    filter: Arc<Filter>,
    memory: Memory,
    taps: usize,
    instruction_set: InstructionSet,
    /// Frames of silence that have come in, up to now.
    quiet: usize,
}

impl Cabinet {
    /// The cabinet whose impulse response is in `channels`, recorded at `sample_rate`, in a stream of `host` Hz.
    ///
    /// Of a response longer than a second the first second is used; what is 100 dB below the whole at its end is left out.
    /// Where the rates differ it is [resampled](resample()), and what that would put before its first sample is left out.
    ///
    /// # Errors
    ///
    /// [`CabinetError`], where there is no sample, one that is not finite, or nothing else than zeros, and where the rates
    /// differ and are not whole numbers from 1000 to 1 000 000.
    pub fn new<C: AsRef<[f32]>>(
        channels: &[C],
        sample_rate: f64,
        host: f64,
        options: &CabinetOptions,
    ) -> Result<Self, CabinetError> {
        let mut response = choose(channels, options.side)?;
        if let Some((frame, &value)) = response.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(CabinetError::NotFinite { frame, value });
        }
        shorten(&mut response, sample_rate);
        let energy = energy(&response);
        if energy == 0.0 {
            return Err(CabinetError::Silent);
        }
        // More samples a second add up to more.
        let mut gain = if sample_rate == host { 1.0 } else { sample_rate / host };
        if options.normalise {
            gain /= (energy * sample_rate / ENERGY_RATE).sqrt();
        }
        let mut taps = if sample_rate == host { response } else { resample(&response, sample_rate, host)? };
        for tap in &mut taps {
            *tap = (gain * f64::from(*tap)) as f32;
        }
        leave_out_end(&mut taps);

        let instruction_set = InstructionSet::best();
        let filter = Arc::new(Filter::new(&taps, 0.0, instruction_set.lanes()));
        let memory = filter.memory();
        let mut cabinet = Self { filter, memory, taps: taps.len(), instruction_set, quiet: 0 };
        cabinet.reset();
        Ok(cabinet)
    }

    /// Frames, at the host's rate, for which an impulse can be heard.
    pub fn frames(&self) -> usize {
        self.taps
    }

    /// Convolves `audio`. What is not a finite number is silence to it.
    pub fn process(&mut self, audio: &mut [f32]) {
        without_denormals(|| {
            for block in audio.chunks_mut(BLOCK) {
                let sound = block.iter().rposition(|&x| x != 0.0);
                if sound.is_none() && self.quiet >= self.filter.forgets_after() {
                    self.filter.skip(&mut self.memory, block.len());
                    block.fill(0.0);
                } else {
                    let (filter, memory, frames) = (&self.filter, &mut self.memory, block.len());
                    dispatch!(self.instruction_set, simd => filter.run(simd, memory, block, 0, 0, frames));
                }
                self.quiet = match sound {
                    Some(at) => block.len() - 1 - at,
                    None => self.quiet.saturating_add(block.len()),
                };
            }
        });
    }

    /// Forgets the signal.
    pub fn reset(&mut self) {
        let (filter, memory) = (&self.filter, &mut self.memory);
        dispatch!(self.instruction_set, simd => filter.fill(simd, memory, 0.0));
        self.quiet = self.filter.forgets_after();
    }
}

/// The channel of the wanted side.
fn choose<C: AsRef<[f32]>>(channels: &[C], side: Side) -> Result<Vec<f32>, CabinetError> {
    let (Some(first), Some(last)) = (channels.first(), channels.last()) else {
        return Err(CabinetError::Empty);
    };
    let chosen = match side {
        Side::Left => first.as_ref().to_vec(),
        Side::Right => channels.get(1).unwrap_or(last).as_ref().to_vec(),
        Side::Mean => {
            let mut mean =
                vec![0.0; channels.iter().map(|channel| channel.as_ref().len()).max().unwrap_or(0)];
            for channel in channels {
                for (mean, x) in mean.iter_mut().zip(channel.as_ref()) {
                    *mean += x / channels.len() as f32;
                }
            }
            mean
        }
    };
    if chosen.is_empty() { Err(CabinetError::Empty) } else { Ok(chosen) }
}

/// Fades out within the longest time.
fn shorten(response: &mut Vec<f32>, sample_rate: f64) {
    let longest = (MAX_SECONDS * sample_rate) as usize;
    if response.len() > longest {
        response.truncate(longest);
        let fade = (FADE_SECONDS * sample_rate) as usize;
        for (n, x) in response.iter_mut().rev().take(fade).enumerate() {
            *x *= n as f32 / fade as f32;
        }
    }
}

/// Removes what is too weak to be heard from the end.
fn leave_out_end(taps: &mut Vec<f32>) {
    let most = LEFT_OUT * energy(taps);
    let mut rest = 0.0;
    while let Some(&tap) = taps.last() {
        rest += f64::from(tap).powi(2);
        if rest > most {
            return;
        }
        taps.pop();
    }
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    const FILE: CabinetOptions = CabinetOptions { side: Side::Left, normalise: false };

    /// Rounding, of sums as large as these.
    const TOLERANCE: f64 = 1e-5;

    fn noise(frames: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            f64::from(state) / f64::from(u32::MAX) - 0.5
        };
        (0..frames).map(|_| next() as f32).collect()
    }

    /// Something like a loudspeaker: three resonances that rise softly and die away.
    fn speaker(frames: usize, sample_rate: f64) -> Vec<f32> {
        let at = |n: usize| {
            let t = n as f64 / sample_rate;
            let ring = |frequency: f64, time: f64| (TAU * frequency * t).sin() * (-t / time).exp();
            let rise = if t < 1e-3 { 0.5 - 0.5 * (PI * t / 1e-3).cos() } else { 1.0 };
            (rise * (ring(110.0, 0.02) + 0.5 * ring(900.0, 0.004) + 0.3 * ring(3100.0, 0.002))) as f32
        };
        (0..frames).map(at).collect()
    }

    fn cabinet(taps: &[f32], options: CabinetOptions) -> Cabinet {
        Cabinet::new(&[taps], 48_000.0, 48_000.0, &options).expect("a response")
    }

    /// The amplitude of a sine of this frequency behind it.
    fn gain(cabinet: &mut Cabinet, frequency: f64, sample_rate: f64) -> f64 {
        let mut impulse = vec![0.0; cabinet.frames()];
        impulse[0] = 1.0;
        cabinet.reset();
        cabinet.process(&mut impulse);
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &h) in impulse.iter().enumerate() {
            let angle = TAU * frequency * n as f64 / sample_rate;
            re += f64::from(h) * angle.cos();
            im += f64::from(h) * angle.sin();
        }
        f64::hypot(re, im)
    }

    #[test]
    fn it_convolves_at_once() {
        let input = noise(6000);
        for frames in [1, 40, 500, 3000] {
            let taps = noise(frames);
            let mut output = input.clone();
            cabinet(&taps, FILE).process(&mut output);
            for (n, &y) in output.iter().enumerate().step_by(7) {
                let pairs = taps.iter().zip(input[..=n].iter().rev());
                let expected: f64 = pairs.map(|(&h, &x)| f64::from(h) * f64::from(x)).sum();
                let error = (f64::from(y) - expected).abs();
                assert!(error < TOLERANCE, "{frames} taps, frame {n}: {error}");
            }
        }
    }

    #[test]
    fn the_gain_does_not_depend_on_the_rates() {
        let options = CabinetOptions::default();
        let mut usual = cabinet(&speaker(4800, 48_000.0), options);
        for (file, host) in
            [(44_100.0, 48_000.0), (96_000.0, 48_000.0), (48_000.0, 192_000.0), (48_000.0, 22_050.0)]
        {
            let response = speaker((0.1 * file) as usize, file);
            let mut other = Cabinet::new(&[response], file, host, &options).expect("a response");
            for frequency in [50.0, 110.0, 900.0, 3100.0] {
                let expected = gain(&mut usual, frequency, 48_000.0);
                let error = gain(&mut other, frequency, host) / expected - 1.0;
                assert!(error.abs() < 2e-3, "{frequency} Hz, {file} Hz at {host} Hz: {error}");
            }
        }
    }

    #[test]
    fn noise_keeps_its_power_where_the_gain_is_normalised() {
        let mut audio = noise(200_000);
        let before = energy(&audio);
        cabinet(
            &speaker(4800, 48_000.0).iter().map(|x| 17.0 * x).collect::<Vec<_>>(),
            CabinetOptions::default(),
        )
        .process(&mut audio);
        // As exact as the power of so much noise in a few narrow bands.
        assert!(
            (energy(&audio) / before).log10().abs() < 0.05,
            "{} times the power",
            energy(&audio) / before
        );
    }

    #[test]
    fn a_side_is_chosen() {
        let channels = [[0.5, 0.25], [0.125, 1.0]];
        for (side, expected) in
            [(Side::Left, [0.5, 0.25]), (Side::Right, [0.125, 1.0]), (Side::Mean, [0.3125, 0.625])]
        {
            let options = CabinetOptions { side, normalise: false };
            let mut cabinet = Cabinet::new(&channels, 48_000.0, 48_000.0, &options).expect("a response");
            let mut impulse = [1.0, 0.0];
            cabinet.process(&mut impulse);
            assert_eq!(impulse, expected, "{side:?}");
        }
        let options = CabinetOptions { side: Side::Right, normalise: false };
        assert_eq!(cabinet(&[1.0, 1.0, 1.0], options).frames(), 3, "the only side there is");
    }

    #[test]
    fn a_second_is_used_and_a_silent_end_is_not() {
        let frames = cabinet(&vec![1.0; 60_000], FILE).frames();
        assert!((47_990..48_000).contains(&frames), "{frames} of a second that fades to 0");
        let response = [vec![0.5; 100], vec![1e-8; 10_000]].concat();
        assert_eq!(cabinet(&response, FILE).frames(), 100, "-150 dB");
    }

    #[test]
    fn silence_that_costs_nothing_changes_nothing() {
        for frames in [20, 3000] {
            let taps = noise(frames);
            let signal = [noise(5000), vec![0.0; 20_000], noise(7001), vec![0.0; 9000], noise(3000)].concat();
            let played = |block| {
                let mut signal = signal.clone();
                let mut cabinet = cabinet(&taps, FILE);
                signal.chunks_mut(block).for_each(|block| cabinet.process(block));
                signal
            };
            let whole = played(signal.len());
            for block in [1, 64, 999] {
                assert!(played(block) == whole, "{frames} taps, blocks of {block}");
            }
            let silence = 5000 + 2 * frames + 4096..25_000;
            assert!(whole[silence].iter().all(|&y| y == 0.0), "{frames} taps: it dies away");
            // What comes after the silence is what would come at the start: without what the first sound left behind.
            let mut again = cabinet(&taps, FILE);
            let mut second = signal[25_000..32_001].to_vec();
            again.process(&mut second);
            let error = second.iter().zip(&whole[25_000..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(f64::from(error) < TOLERANCE, "{frames} taps: {error} after a silence");
        }
    }

    #[test]
    fn what_is_no_impulse_response_is_refused() {
        let make = |channels: &[Vec<f32>], rate| Cabinet::new(channels, rate, 48_000.0, &FILE).err();
        assert_eq!(make(&[], 48_000.0), Some(CabinetError::Empty));
        assert_eq!(make(&[vec![]], 48_000.0), Some(CabinetError::Empty));
        assert_eq!(make(&[vec![0.0; 10]], 48_000.0), Some(CabinetError::Silent));
        assert!(matches!(
            make(&[vec![1.0, f32::NAN]], 48_000.0),
            Some(CabinetError::NotFinite { frame: 1, .. })
        ));
        assert!(matches!(make(&[vec![1.0]], 1.5), Some(CabinetError::UnsupportedRates(_))));
    }
}
