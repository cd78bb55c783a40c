//! Takes away what does not move.

use std::f64::consts::PI;

use crate::engine::without_denormals;

/// A first-order high-pass: no level at 0 Hz, half the power at the cutoff.
///
/// The state is `f64`, because a cutoff of some Hz is a tiny part of the sample rate. The structure is the
/// topology-preserving one of Zavalishin ("The Art of VA Filter Design", 2012, §3.10), in which the cutoff may move.
#[derive(Debug, Clone)]
pub struct DcBlocker {
    sample_rate: f64,
    /// How much of the difference between input and slow part goes into the slow part.
    share: f64,
    state: f64,
}

impl DcBlocker {
    /// `sample_rate` and `cutoff_hz` in Hz.
    pub fn new(sample_rate: f64, cutoff_hz: f64) -> Self {
        let mut blocker = Self { sample_rate, share: 0.0, state: 0.0 };
        blocker.set_cutoff(cutoff_hz);
        blocker
    }

    /// Sets the cutoff, in Hz; more than 0.49 of the sample rate counts as that.
    pub fn set_cutoff(&mut self, cutoff_hz: f64) {
        let g = (PI * (cutoff_hz / self.sample_rate).clamp(0.0, 0.49)).tan();
        self.share = g / (1.0 + g);
    }

    /// Filters `audio`.
    pub fn process(&mut self, audio: &mut [f32]) {
        without_denormals(|| {
            let (share, mut state) = (self.share, self.state);
            for x in audio {
                let step = (f64::from(*x) - state) * share;
                let slow = state + step;
                state = slow + step;
                *x = (f64::from(*x) - slow) as f32;
            }
            self.state = state;
        });
    }

    /// Forgets the signal.
    pub fn reset(&mut self) {
        self.state = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of the `f32` result.
    const TOLERANCE: f64 = 1e-6;

    #[test]
    fn a_step_decays_as_the_formula_says() {
        for (sample_rate, cutoff_hz) in [(22_050.0, 20.0), (48_000.0, 5.0), (192_000.0, 5.0)] {
            let mut signal = vec![1.0; sample_rate as usize / 2];
            DcBlocker::new(sample_rate, cutoff_hz).process(&mut signal);
            // The bilinear transform of s / (s + 1): zero at 1, pole at (1 - g) / (1 + g), gain 1 at Nyquist.
            let g = (PI * cutoff_hz / sample_rate).tan();
            let pole = (1.0 - g) / (1.0 + g);
            for (n, &y) in signal.iter().enumerate() {
                let expected = pole.powf(n as f64) / (1.0 + g);
                let error = (f64::from(y) - expected).abs();
                assert!(error < TOLERANCE, "{sample_rate} Hz, frame {n}: {error}");
            }
        }
    }

    #[test]
    fn half_the_power_is_left_at_the_cutoff() {
        let (sample_rate, cutoff_hz) = (48_000.0, 100.0);
        let sine = |n| (2.0 * PI * cutoff_hz * f64::from(n) / sample_rate).sin() as f32;
        let mut signal: Vec<f32> = (0..96_000).map(sine).collect();
        DcBlocker::new(sample_rate, cutoff_hz).process(&mut signal);
        // The second half: a whole number of periods, long after the start.
        let power: f64 = signal[48_000..].iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / 48_000.0;
        assert!((power - 0.25).abs() < TOLERANCE, "a sine of power 0.5 has {power}");
    }

    #[test]
    fn a_moving_cutoff_makes_no_step() {
        let mut blocker = DcBlocker::new(48_000.0, 5.0);
        let mut signal = [0.5; 64];
        blocker.process(&mut signal);
        blocker.set_cutoff(30.0);
        let mut next = [0.5; 1];
        blocker.process(&mut next);
        // The decay of the new cutoff from where the old one was.
        assert!(
            (next[0] - signal[63]).abs() < 0.5 * 2.0 * 30.0 * 3.2 / 48_000.0,
            "{} to {}",
            signal[63],
            next[0]
        );
    }
}
