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

/// An equal-power crossfade, however much the two signals are alike.
///
/// The powers of signals that know nothing of each other add to that of one. Of two that are the same the amplitudes add,
/// and a fade that did not know would swell: so what the fade has heard so far of their correlation is taken out again.
#[derive(Debug, Clone, Copy)]
pub struct Crossfade {
    frames: usize,
    /// Frames that are left.
    left: usize,
    /// Energy of the old signal, of the new one, and of both together, since the start.
    energy: [f32; 3],
}

impl Crossfade {
    /// One of so many frames, at its end: [`start`](Self::start) begins it.
    pub fn new(frames: usize) -> Self {
        Self { frames, left: 0, energy: [0.0; 3] }
    }

    /// Begins: the next frame is the old signal's, and so many frames later the new signal is alone.
    pub fn start(&mut self) {
        (self.left, self.energy) = (self.frames, [0.0; 3]);
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
            let (out, into) = (gain(rest), gain(1.0 - rest));
            for (energy, power) in self.energy.iter_mut().zip([old * old, *new * *new, old * *new]) {
                *energy += power;
            }
            *new = (old * out + *new * into) / (1.0 + 2.0 * self.likeness() * out * into).sqrt();
            self.left -= 1;
        }
    }

    /// The correlation of the two, from 0 to 1. One that is turned over counts as 0: to make up for what it takes away
    /// would take more than both.
    fn likeness(&self) -> f32 {
        let [old, new, both] = self.energy;
        let all = (old * new).sqrt();
        if both > 0.0 && all > 0.0 { (both / all).min(1.0) } else { 0.0 }
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

    /// Something that is not periodic.
    fn noise(seed: usize) -> Vec<f32> {
        (0..2000).map(|n| ((n + seed) * (n + seed) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    #[test]
    fn signals_that_are_alike_do_not_swell() {
        let old = noise(0);
        let (mut same, mut fade) = (old.clone(), Crossfade::new(old.len()));
        fade.start();
        fade.mix(&old, &mut same);
        for (n, (y, x)) in same.iter().zip(&old).enumerate() {
            assert!((y - x).abs() < TOLERANCE, "the same, frame {n}: {y}, not {x}");
        }
        let power = |signal: &[f32]| signal[500..1500].iter().map(|x| x * x).sum::<f32>();
        for (name, mut new, expected) in
            [("twice as loud", old.iter().map(|x| 2.0 * x).collect(), 2.3), ("another", noise(700), 1.0)]
        {
            fade.start();
            fade.mix(&old, &mut new);
            let ratio = power(&new) / power(&old);
            assert!((ratio - expected).abs() < 0.15, "{name}: {ratio}");
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
