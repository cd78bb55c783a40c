//! How loud a signal is.

/// Reads the level of a signal: what it shows does not depend on how the signal is cut into blocks.
///
/// Levels are amplitudes, 1 is full scale; all are up to date to within 64 frames.
#[derive(Debug, Clone)]
pub struct Meter {
    /// By what the peak falls in a step.
    fall: f32,
    /// Steps for which the highest peak stays.
    hold: u32,
    /// How much of its distance to the last step's power the mean makes good in one.
    share: f64,
    peak: f32,
    held_peak: f32,
    /// Steps for which it stays.
    held: u32,
    power: f64,
    clipped: bool,
    /// Frames of the current step that are there.
    frames: usize,
    highest: [f32; LANES],
    squares: [f32; LANES],
}

/// Frames after which a meter moves.
const STEP: usize = 64;

/// Sums that are formed side by side, whatever the blocks: the order decides how they are rounded.
const LANES: usize = 16;

/// How fast a peak falls, in dB a second.
const FALL_DB: f64 = 24.0;

/// Seconds for which the highest peak stays.
const HOLD: f64 = 1.5;

/// Seconds in which the mean power makes good all but 1 / e of a difference.
const MEAN: f64 = 0.3;

impl Meter {
    /// `sample_rate` in Hz.
    pub fn new(sample_rate: f64) -> Self {
        let seconds = STEP as f64 / sample_rate;
        Self {
            fall: 10_f64.powf(-FALL_DB * seconds / 20.0) as f32,
            hold: (HOLD / seconds).round() as u32,
            share: -(-seconds / MEAN).exp_m1(),
            peak: 0.0,
            held_peak: 0.0,
            held: 0,
            power: 0.0,
            clipped: false,
            frames: 0,
            highest: [0.0; LANES],
            squares: [0.0; LANES],
        }
    }

    /// The peak: rises at once, falls by 24 dB a second.
    pub fn peak(&self) -> f32 {
        self.peak
    }

    /// The highest peak, until a second and a half after it was reached.
    pub fn held_peak(&self) -> f32 {
        self.held_peak
    }

    /// The root of the mean power, over some 300 ms.
    pub fn rms(&self) -> f32 {
        self.power.sqrt() as f32
    }

    /// Whether a sample was beyond full scale, or not a number, since [`clear_clip`](Self::clear_clip).
    pub fn is_clipped(&self) -> bool {
        self.clipped
    }

    /// Puts the clip light out.
    pub fn clear_clip(&mut self) {
        self.clipped = false;
    }

    /// Listens to `audio`. What is not a finite number lights the clip light and is not heard otherwise.
    pub fn process(&mut self, audio: &[f32]) {
        let mut rest = audio;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(STEP - self.frames));
            self.listen(now);
            self.frames += now.len();
            if self.frames == STEP {
                self.step();
            }
            rest = later;
        }
    }

    fn listen(&mut self, audio: &[f32]) {
        let (mut highest, mut squares) = (self.highest, self.squares);
        let mut listen = |lane: usize, x: f32| {
            highest[lane] = if x.abs() > highest[lane] { x.abs() } else { highest[lane] };
            squares[lane] += x * x;
        };
        let lane = self.frames % LANES;
        let (before, whole) = audio.split_at(audio.len().min((LANES - lane) % LANES));
        for (at, &x) in before.iter().enumerate() {
            listen(lane + at, x);
        }
        let (groups, after) = whole.as_chunks::<LANES>();
        for group in groups {
            for (at, &x) in group.iter().enumerate() {
                listen(at, x);
            }
        }
        for (at, &x) in after.iter().enumerate() {
            listen(at, x);
        }
        (self.highest, self.squares) = (highest, squares);
    }

    fn step(&mut self) {
        let highest = self.highest.into_iter().fold(0.0, f32::max);
        let squares: f64 = self.squares.into_iter().map(f64::from).sum();
        (self.frames, self.highest, self.squares) = (0, [0.0; LANES], [0.0; LANES]);
        let finite = squares.is_finite();
        self.clipped |= highest > 1.0 || !finite;
        self.peak = (self.peak * self.fall).max(if finite { highest } else { 0.0 });
        self.power += self.share * (if finite { squares / STEP as f64 } else { 0.0 } - self.power);
        self.held = self.held.saturating_sub(1);
        if self.peak >= self.held_peak || self.held == 0 {
            if self.peak >= self.held_peak {
                self.held = self.hold;
            }
            self.held_peak = self.peak;
        }
    }

    /// Forgets the signal, and puts the clip light out.
    pub fn reset(&mut self) {
        (self.peak, self.held_peak, self.held) = (0.0, 0.0, 0);
        (self.power, self.clipped) = (0.0, false);
        (self.frames, self.highest, self.squares) = (0, [0.0; LANES], [0.0; LANES]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE_RATE: f64 = 48_000.0;

    /// Rounding of the squares' sums.
    const TOLERANCE: f32 = 1e-4;

    fn sine(amplitude: f64, seconds: f64) -> Vec<f32> {
        let frames = (seconds * SAMPLE_RATE) as usize / STEP * STEP;
        // A whole number of periods in each step, the crest on a frame.
        let wave = |n| amplitude * (std::f64::consts::TAU * n as f64 / STEP as f64).sin();
        (0..frames).map(|n| wave(n) as f32).collect()
    }

    #[test]
    fn a_sine_has_its_amplitude_and_its_power() {
        let mut meter = Meter::new(SAMPLE_RATE);
        meter.process(&sine(0.8, 3.0));
        assert_eq!(meter.peak(), 0.8, "peak");
        assert_eq!(meter.held_peak(), 0.8, "held peak");
        // After ten times the mean's time constant.
        assert!((meter.rms() - 0.8 * 0.5_f32.sqrt()).abs() < TOLERANCE, "rms {}", meter.rms());
    }

    #[test]
    fn the_mean_follows_as_an_exponential() {
        let mut meter = Meter::new(SAMPLE_RATE);
        let signal = sine(1.0, MEAN);
        meter.process(&signal);
        let time = signal.len() as f64 / SAMPLE_RATE;
        let expected = (0.5 * (1.0 - (-time / MEAN).exp())).sqrt() as f32;
        assert!((meter.rms() - expected).abs() < TOLERANCE, "{} instead of {expected}", meter.rms());
    }

    #[test]
    fn a_peak_falls_and_its_mark_stays() {
        let mut meter = Meter::new(SAMPLE_RATE);
        meter.process(&sine(0.5, 0.1));
        meter.process(&vec![0.0; 48_000]);
        let expected = 0.5 * 10_f32.powf(-FALL_DB as f32 / 20.0);
        assert!((meter.peak() / expected - 1.0).abs() < 1e-3, "a second later: {}", meter.peak());
        assert_eq!(meter.held_peak(), 0.5, "a second later");
        meter.process(&vec![0.0; 48_000]);
        assert!(meter.held_peak() < 0.01, "two seconds later: {}", meter.held_peak());
    }

    #[test]
    fn one_sample_beyond_full_scale_lights_the_light_until_it_is_put_out() {
        for beyond in [1.001, -1.001, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut meter = Meter::new(SAMPLE_RATE);
            let mut signal = vec![1.0; 2 * STEP];
            meter.process(&signal);
            assert!(!meter.is_clipped(), "full scale");
            signal[17] = beyond;
            meter.process(&signal);
            meter.process(&vec![0.0; 48_000]);
            assert!(meter.is_clipped(), "{beyond}");
            assert!(
                meter.rms().is_finite() && meter.peak() <= 1.001,
                "{beyond}: only the light remembers it"
            );
            meter.clear_clip();
            assert!(!meter.is_clipped(), "{beyond}: put out");
        }
    }

    #[test]
    fn block_size_does_not_change_the_reading() {
        let signal: Vec<f32> = (0..10_000).map(|n| ((n * n) as f32 * 1e-3).sin()).collect();
        let reading = |block| {
            let mut meter = Meter::new(SAMPLE_RATE);
            signal.chunks(block).for_each(|block| meter.process(block));
            (meter.peak(), meter.held_peak(), meter.rms())
        };
        for block in [1, 7, 16, 63, 333] {
            assert_eq!(reading(block), reading(10_000), "blocks of {block}");
        }
    }
}
