//! A model of one sample rate in a stream of another.
//!
//! Two polyphase filters, there and back. The rates are whole numbers, so their ratio is one of whole numbers, each
//! output lies at one of a few places between two inputs, and the taps of each place stand in a table. A sample goes
//! out as soon as all that it depends on has come in, and where the second filter stands between its inputs is chosen
//! so that the delay of both together is a whole number of frames.

use std::f64::consts::PI;

use fearless_simd::Simd;

use super::resample::gcd;
use crate::engine::{BLOCK, Buffer, without_denormals};
use crate::kernel::fir::dot;
use crate::kernel::{FRAME_GROUP, InstructionSet, dispatch};

/// Two rates between which no [`RateChange`] converts.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "a model of {model} Hz cannot play at {host} Hz: both have to be whole numbers from {} to {}, and their ratio one of \
     whole numbers up to {MAX_TERM}",
    SAMPLE_RATES.start(),
    SAMPLE_RATES.end()
)]
pub struct UnsupportedRatio {
    /// The rate of the stream, in Hz.
    pub host: f64,
    /// The rate of the model, in Hz.
    pub model: f64,
}

const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 8_000..=768_000;

/// Bounds the tables, which grow with the terms of the ratio. Enough for all rates in use, slowed down and sped up for
/// film too.
const MAX_TERM: usize = 1 << 14;

/// Zero crossings of a filter on either side of its middle, up to one less for whole frames: half its length, in frames of
/// the lower rate.
const HALF: f64 = 16.0;

/// The shape of the Kaiser window: 80 dB. With [`HALF`], the filter is flat up to 0.84 of the lower Nyquist frequency, and
/// nothing above 1.16 of it passes.
const BETA: f64 = 7.857;

/// Plays what works at one rate in a stream of another, with as little delay as a linear phase allows.
///
/// The passband ends at 0.84 of the lower of the two Nyquist frequencies (18.5 kHz for 44.1 kHz); what aliases stays above
/// that, and everything else is 80 dB down. Where the rates are equal it does nothing at all.
#[derive(Debug, Clone)]
pub struct RateChange {
    /// None for equal rates.
    filters: Option<Filters>,
    latency_samples: usize,
}

#[derive(Debug, Clone)]
struct Filters {
    there: Converter,
    back: Converter,
    /// Frames of the stream that go through at a time.
    block: usize,
    /// A block at the model's rate.
    between: Box<[f32]>,
    /// How many frames of it there are.
    count: usize,
    instruction_set: InstructionSet,
}

impl RateChange {
    /// For a stream of `host` Hz, and something that works at `model` Hz.
    ///
    /// # Errors
    ///
    /// [`UnsupportedRatio`], unless the rates are whole numbers from 8000 to 768 000 with a ratio of whole numbers up to
    /// 16 384.
    pub fn new(host: f64, model: f64) -> Result<Self, UnsupportedRatio> {
        if host == model {
            return Ok(Self { filters: None, latency_samples: 0 });
        }
        let (Some(from), Some(to)) = (whole(host), whole(model)) else {
            return Err(UnsupportedRatio { host, model });
        };
        if from.max(to) / gcd(from, to) > MAX_TERM {
            return Err(UnsupportedRatio { host, model });
        }
        // In frames of the stream. The first delay is one of whole frames of the model's, so that the model sees the instants
        // that it would see of the same signal at its own rate: where it aliases, others would sound different.
        let half = HALF * host / host.min(model);
        let there = (half * model / host + TINY).floor() * host / model;
        // An output needs what lies within half a filter before it, but it may use all that comes in together with it: that
        // saves one frame.
        let delay = (there + half - 1.0 - TINY).ceil();
        let block = BLOCK * from.div_ceil(to);
        let between = (block as f64 * model / host) as usize + 2;
        let filters = Filters {
            there: Converter::new(from, to, there, there, block),
            back: Converter::new(to, from, half * model / host, (delay - there) * model / host, between),
            block,
            between: vec![0.0; between].into(),
            count: 0,
            instruction_set: InstructionSet::best(),
        };
        Ok(Self { filters: Some(filters), latency_samples: delay as usize })
    }

    /// How many frames of the stream later everything comes out: exactly that.
    pub fn latency_samples(&self) -> usize {
        self.latency_samples
    }

    /// Takes `audio` to the model's rate, lets `model` work on it there in place, and takes it back.
    ///
    /// `model` is called for some frames at a time, sometimes none, as many as have come; it has to keep its own state.
    pub fn process(&mut self, audio: &mut [f32], mut model: impl FnMut(&mut [f32])) {
        Self::process_together([self], [audio], |[audio]| model(audio));
    }

    /// [`process`](Self::process) for several signals between the same rates, all of which `model` works on at once: on as
    /// many frames of each, unless one was reset after another.
    ///
    /// # Panics
    ///
    /// If one signal is longer than another, or not all are between the same rates.
    pub fn process_together<const N: usize>(
        changes: [&mut Self; N],
        mut audio: [&mut [f32]; N],
        mut model: impl FnMut([&mut [f32]; N]),
    ) {
        let frames = audio.first().map_or(0, |audio| audio.len());
        assert!(audio.iter().all(|audio| audio.len() == frames), "signals of the same length");
        if changes.iter().all(|change| change.filters.is_none()) {
            return model(audio);
        }
        let mut filters = changes.map(|change| change.filters.as_mut().expect("the same rates"));
        without_denormals(|| {
            let mut from = 0;
            while from < frames {
                let len = filters.iter().map(|filters| filters.block).fold(frames - from, usize::min);
                for (filters, audio) in filters.iter_mut().zip(&audio) {
                    filters.go_there(&audio[from..from + len]);
                }
                model(filters.each_mut().map(|filters| &mut filters.between[..filters.count]));
                for (filters, audio) in filters.iter_mut().zip(&mut audio) {
                    filters.come_back(&mut audio[from..from + len]);
                }
                from += len;
            }
        });
    }

    /// Forgets the signal.
    pub fn reset(&mut self) {
        if let Some(Filters { there, back, .. }) = &mut self.filters {
            there.reset();
            back.reset();
        }
    }
}

impl Filters {
    /// Takes a block to the model's rate.
    fn go_there(&mut self, block: &[f32]) {
        self.there.write(block);
        self.count = self.there.read(self.instruction_set, &mut self.between);
    }

    /// Takes what the model has made of it back.
    fn come_back(&mut self, block: &mut [f32]) {
        self.back.write(&self.between[..self.count]);
        let count = self.back.read(self.instruction_set, block);
        debug_assert_eq!(count, block.len(), "the delay is long enough for every frame to be there");
    }
}

/// Less than two taps are apart: what rounding may do to a place.
const TINY: f64 = 1e-9;

/// A signal at another rate.
#[derive(Debug, Clone)]
struct Converter {
    /// Places between two inputs.
    places: usize,
    /// From one output to the next, in inputs: so many whole ones, and so many places.
    step: (usize, usize),
    /// Taps of a place, padded.
    taps: usize,
    /// The taps of each place, from the oldest.
    table: Buffer,
    /// How many inputs from the one before it on each place needs.
    needs: Box<[usize]>,
    /// The last inputs.
    history: Buffer,
    /// How many there are.
    len: usize,
    /// The one before the next output.
    input: usize,
    /// Where behind that the output is.
    place: usize,
}

impl Converter {
    /// `half`, of the filter's length, and `delay` in frames of `from`; at most `max_block` of them are written at a time.
    fn new(from: usize, to: usize, half: f64, delay: f64, max_block: usize) -> Self {
        let divisor = gcd(from, to);
        let (places, step) = (to / divisor, from / divisor);
        // As a part of the input's Nyquist frequency.
        let cutoff = (to as f64 / from as f64).min(1.0);
        let taps = ((2.0 * half).ceil() as usize).next_multiple_of(FRAME_GROUP);
        let mut table = Buffer::zeros(places * taps);
        let mut needs = vec![0; places];
        let mut row = vec![0.0; taps];
        for (place, needs) in needs.iter_mut().enumerate() {
            let middle = place as f64 / places as f64 - delay;
            let end = (middle + half - TINY).ceil();
            for (index, tap) in row.iter_mut().enumerate() {
                let time = end - (taps - index) as f64 - middle;
                *tap = sinc(cutoff * time) * kaiser(time / half);
            }
            // The same for all places: a constant stays one.
            let sum: f64 = row.iter().sum();
            for (stored, tap) in table.as_mut_slice()[place * taps..].iter_mut().zip(&row) {
                *stored = (tap / sum) as f32;
            }
            *needs = end.max(0.0) as usize;
        }
        let most = needs.iter().max().copied().unwrap_or(0);
        let mut converter = Self {
            places,
            step: (step / places, step % places),
            taps,
            table,
            needs: needs.into(),
            history: Buffer::zeros(taps + max_block + most + 1),
            len: 0,
            input: 0,
            place: 0,
        };
        converter.reset();
        converter
    }

    fn reset(&mut self) {
        self.history.as_mut_slice().fill(0.0);
        (self.len, self.input, self.place) = (self.taps, self.taps, 0);
    }

    /// Takes in what has come.
    fn write(&mut self, input: &[f32]) {
        self.history.as_mut_slice()[self.len..][..input.len()].copy_from_slice(input);
        self.len += input.len();
    }

    /// Writes as many outputs as there are inputs for and fit, and returns how many.
    fn read(&mut self, instruction_set: InstructionSet, output: &mut [f32]) -> usize {
        let count = dispatch!(instruction_set, simd => self.compute(simd, output));
        // What no output needs any more makes room.
        let gone = self.input - self.taps;
        self.history.as_mut_slice().copy_within(gone..self.len, 0);
        self.len -= gone;
        self.input -= gone;
        count
    }

    #[inline(always)]
    fn compute<S: Simd>(&mut self, simd: S, output: &mut [f32]) -> usize {
        let (history, table) = (self.history.as_slice(), self.table.as_slice());
        let mut count = 0;
        while count < output.len() {
            let end = self.input + self.needs[self.place];
            if end > self.len {
                break;
            }
            let taps = &table[self.place * self.taps..][..self.taps];
            output[count] = dot(simd, taps, &history[end - self.taps..end]);
            count += 1;
            self.input += self.step.0;
            self.place += self.step.1;
            if self.place >= self.places {
                self.place -= self.places;
                self.input += 1;
            }
        }
        count
    }
}

/// `sin(π x) / (π x)`.
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The Kaiser window at `x` from -1 to 1, and 0 beyond, but for a constant factor.
fn kaiser(x: f64) -> f64 {
    let inside = 1.0 - x * x;
    if inside <= 0.0 { 0.0 } else { bessel(BETA * inside.sqrt()) }
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-18 * sum {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

/// The rate as a number of frames a second, where it is whole and within [`SAMPLE_RATES`].
fn whole(rate: f64) -> Option<usize> {
    let (low, high) = (f64::from(*SAMPLE_RATES.start()), f64::from(*SAMPLE_RATES.end()));
    (rate.fract() == 0.0 && (low..=high).contains(&rate)).then_some(rate as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Every usual rate of a host with every usual rate of a model, and some odd pairs.
    fn pairs() -> Vec<(f64, f64)> {
        let hosts = [22_050.0, 32_000.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0];
        let models = [44_100.0, 48_000.0, 96_000.0];
        let mut pairs: Vec<(f64, f64)> =
            hosts.iter().flat_map(|&host| models.iter().map(move |&model| (host, model))).collect();
        pairs.extend([
            (44_056.0, 48_000.0),
            (47_952.0, 44_100.0),
            (8_000.0, 192_000.0),
            (192_000.0, 8_000.0),
        ]);
        pairs
    }

    /// 80 dB, of ripple and of images, on the way there and on the way back.
    const TOLERANCE: f64 = 4e-4;

    fn sine(frequency: f64, sample_rate: f64, frame: f64) -> f64 {
        (TAU * frequency * frame / sample_rate).sin()
    }

    /// A second or less of a sine, there and back.
    fn there_and_back(frequency: f64, host: f64, model: f64) -> (RateChange, Vec<f32>) {
        let frames = (host as usize).min(20_000);
        let mut signal: Vec<f32> = (0..frames).map(|n| sine(frequency, host, n as f64) as f32).collect();
        let mut change = RateChange::new(host, model).expect("the pair is supported");
        change.process(&mut signal, |_| ());
        (change, signal)
    }

    #[test]
    fn everything_comes_as_many_frames_later_as_it_says() {
        for (host, model) in pairs() {
            for part in [0.01, 0.3, 0.41] {
                let frequency = part * host.min(model);
                let (change, output) = there_and_back(frequency, host, model);
                let delay = change.latency_samples();
                for (n, &y) in output.iter().enumerate().skip(2 * delay + 100) {
                    let error = (f64::from(y) - sine(frequency, host, n as f64 - delay as f64)).abs();
                    assert!(error < TOLERANCE, "{frequency} Hz, {host} to {model} Hz, frame {n}: {error}");
                }
            }
        }
    }

    #[test]
    fn an_impulse_comes_out_with_its_peak_at_the_latency_and_the_same_before_and_after() {
        for (host, model) in pairs() {
            let mut change = RateChange::new(host, model).expect("the pair is supported");
            let delay = change.latency_samples();
            // Later than the delay, at an instant that is no frame of the model's.
            let at = 2 * delay + 1;
            let mut signal = vec![0.0; 5 * delay + 10];
            signal[at] = 1.0;
            change.process(&mut signal, |_| ());
            let peak = (0..signal.len()).max_by(|&a, &b| signal[a].total_cmp(&signal[b])).expect("not empty");
            assert_eq!(peak, at + delay, "{host} to {model} Hz");
        }
    }

    #[test]
    fn the_delay_is_half_a_filter_each_way_less_a_frame() {
        for (host, model, frames) in [
            (22_050.0, 48_000.0, 31),
            (44_100.0, 48_000.0, 31),
            (48_000.0, 48_000.0, 0),
            (48_000.0, 44_100.0, 34),
            (48_000.0, 96_000.0, 31),
            (88_200.0, 48_000.0, 58),
            (96_000.0, 48_000.0, 63),
            (192_000.0, 48_000.0, 127),
        ] {
            let change = RateChange::new(host, model).expect("the pair is supported");
            assert_eq!(change.latency_samples(), frames, "{host} to {model} Hz");
        }
    }

    #[test]
    fn the_model_hears_the_signal_at_its_own_rate_and_nothing_else() {
        for (host, model) in pairs() {
            let low = host.min(model);
            for part in [0.05, 0.41, 0.6, 0.9] {
                let frequency = part * low;
                if frequency > 0.5 * host || host == model {
                    continue;
                }
                let mut signal: Vec<f32> =
                    (0..8000).map(|n| sine(frequency, host, f64::from(n)) as f32).collect();
                let mut heard = Vec::new();
                RateChange::new(host, model)
                    .expect("the pair is supported")
                    .process(&mut signal, |block| heard.extend_from_slice(block));
                let amplitude = if part < 0.5 { 1.0 } else { 0.0 };
                let delay = (HALF * model / low + TINY).floor();
                for (n, &y) in heard.iter().enumerate().skip(4 * delay as usize) {
                    let expected = amplitude * sine(frequency, model, n as f64 - delay);
                    let error = (f64::from(y) - expected).abs();
                    assert!(error < TOLERANCE, "{frequency} Hz, {host} to {model} Hz, frame {n}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_constant_stays_a_constant() {
        for (host, model) in pairs() {
            let mut change = RateChange::new(host, model).expect("the pair is supported");
            let mut signal = vec![0.5; 10_000];
            change.process(&mut signal, |_| ());
            let settled = &signal[2 * change.latency_samples() + 2..];
            let error = settled.iter().map(|y| (y - 0.5).abs()).fold(0.0, f32::max);
            assert!(error < 1e-6, "{host} to {model} Hz: {error}");
        }
    }

    #[test]
    fn equal_rates_change_no_bit() {
        let mut signal = [0.1, -0.0, f32::NAN, f32::MIN_POSITIVE / 2.0];
        let before = signal.map(f32::to_bits);
        RateChange::new(44_100.5, 44_100.5).expect("no filter is needed").process(&mut signal, |_| ());
        assert_eq!(signal.map(f32::to_bits), before);
    }

    #[test]
    fn rates_that_would_need_an_endless_table_are_refused() {
        for rate in [0.0, -48_000.0, 44_100.5, 47_999.0, 1e9, f64::NAN, f64::INFINITY] {
            assert!(RateChange::new(48_000.0, rate).is_err(), "a model of {rate} Hz");
            assert!(RateChange::new(rate, 48_000.0).is_err(), "a stream of {rate} Hz");
        }
    }
}
