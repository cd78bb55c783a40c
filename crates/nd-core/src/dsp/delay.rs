//! A signal, some frames later.

use super::smooth::{Ramp, Smooth};
use crate::engine::BLOCK;

/// Frames in which one delay becomes another.
const FADE: f64 = 512.0;

/// A delay of whole frames: holds a dry signal back until the wet one has come.
///
/// A new delay fades in over 512 frames. The fade is linear: the two signals are the same one, so that their amplitudes
/// add and not their powers.
#[derive(Debug, Clone)]
pub struct Delay {
    ring: Box<[f32]>,
    /// Where the next frame goes.
    position: usize,
    /// The delay that is heard, or fades out.
    from: usize,
    /// The delay that fades in.
    to: usize,
    /// The delay that shall be heard next.
    wanted: usize,
    /// How much of the signal has the new delay.
    fade: Smooth,
}

impl Delay {
    /// A delay of `delay` frames that can be set from 0 to `max_delay`.
    ///
    /// # Panics
    ///
    /// If `delay` is more than `max_delay`.
    pub fn new(delay: usize, max_delay: usize) -> Self {
        assert!(delay <= max_delay, "a delay of {delay} frames, of {max_delay} at most");
        Self {
            ring: vec![0.0; max_delay + BLOCK].into(),
            position: 0,
            from: delay,
            to: delay,
            wanted: delay,
            fade: Smooth::new(Ramp::Linear, 1.0, 1e3 * FADE, 0.0),
        }
    }

    /// Sets the delay, in frames; one that is longer than the longest becomes that.
    pub fn set(&mut self, delay: usize) {
        self.wanted = delay.min(self.ring.len() - BLOCK);
    }

    /// The delay that it was set to, in frames.
    pub fn delay(&self) -> usize {
        self.wanted
    }

    /// Whether it passes everything at once, and will: then [`process`](Self::process) need not be called. What was not
    /// given to it is not heard later.
    pub fn is_neutral(&self) -> bool {
        [self.from, self.to, self.wanted] == [0; 3]
    }

    /// Delays `audio`.
    pub fn process(&mut self, audio: &mut [f32]) {
        for block in audio.chunks_mut(BLOCK) {
            let (start, end) = (self.position, self.position + block.len());
            let wrapped = end.saturating_sub(self.ring.len());
            let (first, second) = block.split_at(block.len() - wrapped);
            self.ring[start..start + first.len()].copy_from_slice(first);
            self.ring[..wrapped].copy_from_slice(second);
            self.position = if end >= self.ring.len() { wrapped } else { end };
            self.read(start, block);
        }
    }

    fn read(&mut self, start: usize, block: &mut [f32]) {
        for at in 0..block.len() {
            if self.from == self.to && self.from != self.wanted {
                self.to = self.wanted;
                self.fade.jump(0.0);
                self.fade.set(1.0);
            }
            if self.from == self.to {
                self.copy(start + at, &mut block[at..]);
                return;
            }
            let new = self.fade.advance();
            let [from, to] = [self.from, self.to].map(|delay| self.ring[self.index(start + at, delay)]);
            block[at] = from + new * (to - from);
            if !self.fade.is_moving() {
                self.from = self.to;
            }
        }
    }

    /// Reads frames from `from` frames before `at` on.
    fn copy(&self, at: usize, block: &mut [f32]) {
        if self.from == 0 {
            return; // They are there.
        }
        let start = self.index(at, self.from);
        let count = block.len().min(self.ring.len() - start);
        let (first, second) = block.split_at_mut(count);
        first.copy_from_slice(&self.ring[start..start + count]);
        second.copy_from_slice(&self.ring[..second.len()]);
    }

    fn index(&self, at: usize, delay: usize) -> usize {
        (at + self.ring.len() - delay) % self.ring.len()
    }

    /// Forgets the signal; the delay is at once what it was set to.
    pub fn reset(&mut self) {
        self.ring.fill(0.0);
        self.position = 0;
        (self.from, self.to) = (self.wanted, self.wanted);
        self.fade.jump(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impulse_comes_exactly_so_many_frames_later() {
        for delay in [0, 1, 34, 127, 128, 500, 1000] {
            let mut signal = vec![0.0; 2000];
            signal[13] = 1.0;
            let mut expected = vec![0.0; 2000];
            expected[13 + delay] = 1.0;
            Delay::new(delay, 1000).process(&mut signal);
            assert_eq!(signal, expected, "{delay} frames");
        }
    }

    #[test]
    fn a_new_delay_makes_no_step() {
        let mut delay = Delay::new(0, 300);
        let slope = 0.01;
        let mut last = 0.0;
        for block in 0..100 {
            let sine = |n: usize| (slope * n as f64).sin() as f32;
            let mut signal: [f32; 64] = std::array::from_fn(|n| sine(64 * block + n));
            match block {
                10 => delay.set(300),
                11 => delay.set(5),
                _ => {}
            }
            delay.process(&mut signal);
            for y in signal {
                let step = f64::from((y - last).abs());
                // The signal's own slope, and that of the fade between two values at most 2 apart.
                assert!(step < slope + 2.0 / FADE, "block {block}: {step}");
                last = y;
            }
        }
        assert_eq!(delay.delay(), 5);
        assert_eq!((delay.from, delay.to), (5, 5), "it gets there");
    }

    #[test]
    fn a_delay_beyond_the_longest_is_the_longest() {
        let mut delay = Delay::new(0, 10);
        delay.set(11);
        assert_eq!(delay.delay(), 10);
    }
}
