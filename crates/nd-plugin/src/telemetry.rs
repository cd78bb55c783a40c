//! What the audio thread shows to the window: numbers and the latest samples, wait-free on both sides.
//!
//! The audio thread only stores into atomics, so it never waits for a window, and a window never waits for it. Each
//! value has one writer, the audio thread. Readers are any number of windows, except for what is *taken*
//! ([`Peak::take`]): that is for one window.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What one instance of the plugin shows of its sound. All of it is for reading, and none of it is saved.
#[derive(Debug)]
pub struct Telemetry {
    /// Whether a window is open: [`model`](Self::model) and [`ends`](Self::ends) are filled only then. The window
    /// sets it.
    pub watched: AtomicBool,
    /// The largest magnitude at the plugin's input, per channel, since the window last took it. 1 is full scale.
    pub input: [Peak; 2],
    /// The largest magnitude at the plugin's output, per channel.
    pub output: [Peak; 2],
    /// Gain of the noise gate, from 0 (closed) to 1 (open); 1 where it is off.
    pub gate: Level,
    /// Time that the last blocks took, as a fraction of their length: 1 is a whole core. Smoothed.
    pub load: Level,
    /// The largest such fraction of any block since the window last took it.
    pub worst_load: Peak,
    /// Blocks that were muted because something in the chain was not finite. The light burns while it has just grown.
    pub non_finite: AtomicU32,
    /// Rate of the host, in Hz; 0 before it has activated the plugin.
    pub sample_rate: Level,
    /// Channels that the host gave, 1 or 2; 0 before it has activated the plugin.
    pub channels: AtomicU32,
    /// Delay that is reported to the host, in samples of its rate.
    pub latency_samples: AtomicU32,
    /// Whether nothing is computed, because silence came in for long enough.
    pub asleep: AtomicBool,
    /// Input and output of the model on the first channel, at the host's rate and time-aligned: the dots on the transfer
    /// curve.
    pub model: Tap,
    /// Input and output of the plugin on the first channel, as the host sees them: for the tuner and the spectrum.
    pub ends: Tap,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            watched: AtomicBool::new(false),
            input: Default::default(),
            output: Default::default(),
            gate: Level::new(1.0),
            load: Level::new(0.0),
            worst_load: Peak::default(),
            non_finite: AtomicU32::new(0),
            sample_rate: Level::new(0.0),
            channels: AtomicU32::new(0),
            latency_samples: AtomicU32::new(0),
            asleep: AtomicBool::new(false),
            model: Tap::new(4096),
            ends: Tap::new(16384),
        }
    }
}

/// A number that changes.
#[derive(Debug)]
pub struct Level(AtomicU32);

impl Level {
    /// A level that starts at `value`.
    pub const fn new(value: f32) -> Self {
        Self(AtomicU32::new(value.to_bits()))
    }

    /// The present value.
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }

    /// Sets the value.
    pub fn set(&self, value: f32) {
        self.0.store(value.to_bits(), Relaxed);
    }
}

/// The largest of many numbers since somebody last looked.
#[derive(Debug, Default)]
pub struct Peak(AtomicU32);

impl Peak {
    /// Counts `value` in; one that is not positive does not count.
    pub fn hold(&self, value: f32) {
        // The bits of positive numbers are ordered as the numbers are. To look first is cheaper: most are not the largest.
        if value > f32::from_bits(self.0.load(Relaxed)) {
            self.0.fetch_max(value.to_bits(), Relaxed);
        }
    }

    /// The largest number so far, and starts anew at 0.
    pub fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Relaxed))
    }
}

/// The latest samples of two signals that run side by side.
///
/// The writer overwrites the oldest pair, so a reader that is overtaken sees newer pairs in the place of the oldest ones
/// it asked for. Each pair is always whole.
#[derive(Debug)]
pub struct Tap {
    pairs: Box<[AtomicU64]>,
    written: AtomicUsize,
}

impl Tap {
    /// A tap that remembers this many pairs, a power of two.
    fn new(len: usize) -> Self {
        Self { pairs: (0..len).map(|_| AtomicU64::new(0)).collect(), written: AtomicUsize::new(0) }
    }

    /// Where pair `index` is, or was. A mask, because a division would be most of what a sample costs.
    fn place(&self, index: usize) -> usize {
        index & (self.pairs.len() - 1)
    }

    /// Appends as many pairs as the shorter signal is long.
    pub fn write(&self, first: &[f32], second: &[f32]) {
        let start = self.written.load(Relaxed);
        for (index, (a, b)) in first.iter().zip(second).enumerate() {
            let bits = u64::from(a.to_bits()) << 32 | u64::from(b.to_bits());
            self.pairs[self.place(start + index)].store(bits, Relaxed);
        }
        self.written.store(start + first.len().min(second.len()), std::sync::atomic::Ordering::Release);
    }

    /// How many pairs can be read.
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Pairs written so far: the same number as before means that nothing is new.
    pub fn written(&self) -> usize {
        self.written.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Fills `latest` with the latest pairs, the newest last; with silence where nothing has been written yet.
    ///
    /// # Panics
    ///
    /// If `latest` is longer than [`len`](Self::len).
    pub fn read(&self, latest: &mut [[f32; 2]]) {
        assert!(latest.len() <= self.len(), "a tap of {} pairs was asked for {}", self.len(), latest.len());
        // One lap ahead, so that the oldest index is not negative.
        let start = self.written() + self.len() - latest.len();
        for (index, pair) in latest.iter_mut().enumerate() {
            let bits = self.pairs[self.place(start + index)].load(Relaxed);
            *pair = [f32::from_bits((bits >> 32) as u32), f32::from_bits(bits as u32)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_gives_the_latest_pairs_in_order() {
        let tap = Tap::new(8);
        let mut latest = [[9.0; 2]; 4];
        tap.read(&mut latest);
        assert_eq!(latest, [[0.0; 2]; 4], "before anything was written");
        for n in 0..11 {
            tap.write(&[n as f32], &[-(n as f32)]);
        }
        tap.read(&mut latest);
        assert_eq!(latest, [7.0, 8.0, 9.0, 10.0].map(|x| [x, -x]), "after a lap");
        assert_eq!(tap.written(), 11, "pairs");
    }

    #[test]
    fn a_peak_is_the_largest_since_it_was_taken() {
        let peak = Peak::default();
        for value in [0.5, 2.0, f32::NAN, -3.0, 1.0] {
            peak.hold(value);
        }
        assert_eq!(peak.take(), 2.0, "NaN and what is negative do not count");
        assert_eq!(peak.take(), 0.0, "it starts anew");
    }
}
