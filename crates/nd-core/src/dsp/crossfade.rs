//! From one signal to another without a gap.

use std::f32::consts::FRAC_PI_2;

/// The gain of the signal that comes in, at `progress` from 0 to 1 of an equal-power crossfade.
///
/// That of the signal that goes out is `gain(1.0 - progress)`: two sines, because the cosine of a rounded π / 2 is not
/// 0, and at its end the new signal shall be alone.
#[inline]
pub fn gain(progress: f32) -> f32 {
    (progress * FRAC_PI_2).sin()
}

/// An equal-power crossfade: the powers of two signals that know nothing of each other add to that of one.
#[derive(Debug, Clone)]
pub struct Crossfade {
    frames: usize,
    /// Frames that are left.
    left: usize,
}

impl Crossfade {
    /// One of so many frames, at its end: [`start`](Self::start) begins it.
    pub fn new(frames: usize) -> Self {
        Self { frames, left: 0 }
    }

    /// Begins: the next frame is the old signal's, and so many frames later the new signal is alone.
    pub fn start(&mut self) {
        self.left = self.frames;
    }

    /// Whether the old signal can still be heard.
    pub fn is_running(&self) -> bool {
        self.left > 0
    }

    /// Puts what is left of `old` into `new`.
    ///
    /// # Panics
    ///
    /// If `old` is not as long as `new`.
    pub fn mix(&mut self, old: &[f32], new: &mut [f32]) {
        assert_eq!(old.len(), new.len(), "one old sample for each new sample");
        for (&old, new) in old.iter().zip(new).take(self.left) {
            let rest = self.left as f32 / self.frames as f32;
            *new = old * gain(rest) + *new * gain(1.0 - rest);
            self.left -= 1;
        }
    }

    /// Ends: the new signal is alone.
    pub fn reset(&mut self) {
        self.left = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of two sines and their squares.
    const TOLERANCE: f32 = 1e-6;

    #[test]
    fn the_powers_add_to_one() {
        for n in 0..=1000 {
            let progress = n as f32 / 1000.0;
            let power = gain(progress).powi(2) + gain(1.0 - progress).powi(2);
            assert!((power - 1.0).abs() < TOLERANCE, "{power} at {progress}");
        }
    }

    #[test]
    fn it_begins_with_the_old_signal_and_ends_with_the_new() {
        let mut fade = Crossfade::new(100);
        let (old, mut new) = ([0.25; 200], [0.75; 200]);
        fade.mix(&old, &mut new);
        assert_eq!(new, [0.75; 200], "one that has not been started");
        fade.start();
        fade.mix(&old, &mut new);
        assert_eq!(new[0], 0.25, "the first frame");
        assert_eq!(new[100..], [0.75; 100], "when it is over");
        assert!(!fade.is_running(), "it is over");
    }
}
