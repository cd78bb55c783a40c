//! Takes away what does not move.

use std::f64::consts::PI;

use crate::engine::without_denormals;

/// Frames that are computed from one state, so that they need not wait for each other.
const GROUP: usize = 4;

/// A first-order high-pass: no level at 0 Hz, half the power at the cutoff.
///
/// The state is `f64`, because a cutoff of some Hz is a tiny part of the sample rate. The structure is the
/// topology-preserving one of Zavalishin ("The Art of VA Filter Design", 2012, §3.10), in which the cutoff may move:
/// `y = (1 - share) · (x - state)`, and the next state is `(1 - 2 share) · state + 2 share · x`.
#[derive(Debug, Clone)]
pub struct DcBlocker {
    sample_rate: f64,
    /// How much of the difference between input and slow part goes into the slow part.
    share: f64,
    /// What is left of a state after so many frames.
    left: [f64; GROUP + 1],
    /// The state at the start of a group, what its frames have added to that, and how many of them there were.
    state: f64,
    added: f64,
    frame: usize,
}

impl DcBlocker {
    /// `sample_rate` and `cutoff_hz` in Hz.
    pub fn new(sample_rate: f64, cutoff_hz: f64) -> Self {
        let mut blocker =
            Self { sample_rate, share: 0.0, left: [1.0; GROUP + 1], state: 0.0, added: 0.0, frame: 0 };
        blocker.set_cutoff(cutoff_hz);
        blocker
    }

    /// Sets the cutoff, in Hz; more than 0.49 of the sample rate counts as that.
    pub fn set_cutoff(&mut self, cutoff_hz: f64) {
        let g = (PI * (cutoff_hz / self.sample_rate).clamp(0.0, 0.49)).tan();
        // A group is one cutoff's.
        (self.state, self.added, self.frame) = (self.now(), 0.0, 0);
        self.share = g / (1.0 + g);
        self.left = std::array::from_fn(|frames| (1.0 - 2.0 * self.share).powf(frames as f64));
    }

    /// The state, as of now.
    fn now(&self) -> f64 {
        self.left[self.frame] * self.state + self.added
    }

    /// Filters frames of one group, from frame `start` of it on: the present one.
    #[inline(always)]
    fn advance(&mut self, start: usize, frames: &mut [f32]) {
        let mut added = self.added;
        for (left, x) in self.left[start..].iter().zip(&mut *frames) {
            let input = f64::from(*x);
            *x = ((1.0 - self.share) * (input - (left * self.state + added))) as f32;
            added = self.left[1] * added + 2.0 * self.share * input;
        }
        (self.added, self.frame) = (added, start + frames.len());
        if self.frame == GROUP {
            (self.state, self.added, self.frame) = (self.now(), 0.0, 0);
        }
    }

    /// Filters `audio`.
    pub fn process(&mut self, audio: &mut [f32]) {
        without_denormals(|| {
            // Groups stand where they stand however the signal is cut into blocks, and so do the roundings.
            let rest = (GROUP - self.frame) % GROUP;
            let (begun, audio) = audio.split_at_mut(rest.min(audio.len()));
            self.advance(self.frame, begun);
            let (groups, rest) = audio.as_chunks_mut::<GROUP>();
            // A copy, because what is behind a reference is written back after each group.
            let mut blocker = self.clone();
            for group in groups {
                blocker.advance(0, group);
            }
            blocker.advance(blocker.frame, rest);
            *self = blocker;
        });
    }

    /// Forgets the signal.
    pub fn reset(&mut self) {
        (self.state, self.added, self.frame) = (0.0, 0.0, 0);
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
    fn block_size_does_not_change_the_sound() {
        let noise: Vec<f32> = (0..999).map(|n| (n * 7919 % 1000) as f32 / 500.0 - 1.0).collect();
        let mut whole = noise.clone();
        DcBlocker::new(48_000.0, 8.0).process(&mut whole);
        for block in [1, 3, 4, 7, 64] {
            let (mut blocker, mut pieces) = (DcBlocker::new(48_000.0, 8.0), noise.clone());
            pieces.chunks_mut(block).for_each(|piece| blocker.process(piece));
            assert_eq!(pieces, whole, "blocks of {block}");
        }
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
