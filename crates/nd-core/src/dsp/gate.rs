//! Silence between the notes.

/// When a [`Gate`] opens and closes, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateSettings {
    /// Level, in dB against 1, from which on it opens.
    pub threshold_db: f64,
    /// How far, in dB, the signal must fall below the threshold for the gate to close.
    pub hysteresis_db: f64,
    /// Time in which a closed gate opens.
    pub attack_ms: f64,
    /// Time that it stays open when the signal has fallen: longer than half a period of the lowest note, because every
    /// wave passes through 0.
    pub hold_ms: f64,
    /// Time in which the gain of a closing gate falls by 60 dB; below that it is closed.
    pub release_ms: f64,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self { threshold_db: -60.0, hysteresis_db: 6.0, attack_ms: 1.0, hold_ms: 50.0, release_ms: 100.0 }
    }
}

/// The gain below which a closing gate is closed.
const CLOSED: f32 = 1e-3;

/// A noise gate: passes what is loud and mutes what is not.
///
/// It looks at every sample: one at or above the threshold opens it. While it is open, a sample at or above the threshold
/// less the hysteresis keeps it so for the time of hold; after that it closes. A new setting changes what the gate will
/// do, not its gain, so none makes a step.
#[derive(Debug, Clone)]
pub struct Gate {
    sample_rate: f64,
    /// Amplitude at which it opens.
    opens_at: f32,
    /// Amplitude that keeps it open.
    stays_at: f32,
    /// What an opening gate adds to its gain in a frame.
    rise: f32,
    /// Frames of hold.
    hold: usize,
    /// By what a closing gate multiplies its gain in a frame.
    fall: f32,
    open: bool,
    /// Frames of hold that are left.
    held: usize,
    gain: f32,
}

impl Gate {
    /// A closed gate; `sample_rate` in Hz.
    pub fn new(sample_rate: f64, settings: &GateSettings) -> Self {
        let mut gate = Self {
            sample_rate,
            opens_at: 0.0,
            stays_at: 0.0,
            rise: 0.0,
            hold: 0,
            fall: 0.0,
            open: false,
            held: 0,
            gain: 0.0,
        };
        gate.set(settings);
        gate
    }

    /// Changes the settings, from the next frame on. A time shorter than a frame counts as one frame.
    pub fn set(&mut self, settings: &GateSettings) {
        let amplitude = |db: f64| 10_f64.powf(db / 20.0) as f32;
        let frames = |time_ms: f64| time_ms * 1e-3 * self.sample_rate;
        self.opens_at = amplitude(settings.threshold_db);
        self.stays_at = amplitude(settings.threshold_db - settings.hysteresis_db.max(0.0));
        self.rise = frames(settings.attack_ms).max(1.0).recip() as f32;
        self.hold = frames(settings.hold_ms).max(0.0) as usize;
        self.fall = f64::from(CLOSED).powf(frames(settings.release_ms).max(1.0).recip()) as f32;
        self.held = self.held.min(self.hold);
    }

    /// Whether it is open, or opening.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Its gain, from 0 (closed) to 1 (open).
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Gates `audio`.
    pub fn process(&mut self, audio: &mut [f32]) {
        self.process_linked([audio]);
    }

    /// Gates several channels alike: the loudest of them opens and closes for all.
    ///
    /// # Panics
    ///
    /// If the channels are not as long as each other.
    pub fn process_linked<const CHANNELS: usize>(&mut self, mut channels: [&mut [f32]; CHANNELS]) {
        let frames = channels.first().map_or(0, |channel| channel.len());
        for channel in &channels {
            assert_eq!(channel.len(), frames, "channels are as long as each other");
        }
        let mut at = 0;
        while at < frames {
            at += self.pass(&channels, at, frames);
            at += self.mute(&mut channels, at, frames);
            if at < frames {
                let gain = self.advance(level(&channels, at));
                for channel in &mut channels {
                    channel[at] *= gain;
                }
                at += 1;
            }
        }
    }

    /// Goes through frames that an open gate changes nothing in, and returns how many.
    #[inline]
    fn pass<const CHANNELS: usize>(
        &mut self,
        channels: &[&mut [f32]; CHANNELS],
        at: usize,
        end: usize,
    ) -> usize {
        // In fewer frames than the hold it cannot close unless it was about to.
        let count = (end - at).min(self.held).min(self.hold);
        if !self.open || self.gain != 1.0 {
            return 0;
        }
        let loud = (at..at + count).rev().find(|&n| level(channels, n) >= self.stays_at);
        self.held = loud.map_or(self.held - count, |n| self.hold - (at + count - 1 - n));
        count
    }

    /// Goes through frames that a closed gate mutes, and returns how many.
    #[inline]
    fn mute<const CHANNELS: usize>(
        &mut self,
        channels: &mut [&mut [f32]; CHANNELS],
        at: usize,
        end: usize,
    ) -> usize {
        if self.open || self.gain != 0.0 {
            return 0;
        }
        let loud = (at..end).find(|&n| level(channels, n) >= self.opens_at).unwrap_or(end);
        for channel in channels {
            channel[at..loud].fill(0.0);
        }
        loud - at
    }

    /// The gain of a frame of this level.
    #[inline]
    fn advance(&mut self, level: f32) -> f32 {
        if level >= if self.open { self.stays_at } else { self.opens_at } {
            (self.open, self.held) = (true, self.hold);
        } else if self.held > 0 {
            self.held -= 1;
        } else {
            self.open = false;
        }
        self.gain = if self.open {
            (self.gain + self.rise).min(1.0)
        } else if self.gain * self.fall < CLOSED {
            0.0
        } else {
            self.gain * self.fall
        };
        self.gain
    }

    /// Closes it.
    pub fn reset(&mut self) {
        (self.open, self.held, self.gain) = (false, 0, 0.0);
    }
}

/// The amplitude of the loudest channel; a NaN is not loud.
#[inline(always)]
fn level<const CHANNELS: usize>(channels: &[&mut [f32]; CHANNELS], frame: usize) -> f32 {
    channels.iter().fold(0.0, |level, channel| channel[frame].abs().max(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: GateSettings = GateSettings {
        threshold_db: -20.0,
        hysteresis_db: 6.0,
        attack_ms: 4.0,
        hold_ms: 10.0,
        release_ms: 30.0,
    };

    /// One frame is a millisecond.
    const SAMPLE_RATE: f64 = 1000.0;

    /// Rounding, over all frames of a release.
    const TOLERANCE: f64 = 1e-6;

    fn gate() -> Gate {
        Gate::new(SAMPLE_RATE, &SETTINGS)
    }

    /// The gain in each frame, as long as the level is not 0.
    fn gains(gate: &mut Gate, levels: &[f32]) -> Vec<f64> {
        let mut signal = levels.to_vec();
        gate.process(&mut signal);
        signal.iter().zip(levels).map(|(y, x)| f64::from(y / x)).collect()
    }

    #[test]
    fn it_opens_holds_and_closes_in_the_times_that_were_set() {
        let levels = [[0.09; 5].as_slice(), &[0.11; 20], &[0.01; 50]].concat();
        for (n, gain) in gains(&mut gate(), &levels).into_iter().enumerate() {
            let expected = match n {
                0..5 => 0.0,
                5..9 => (n - 4) as f64 / 4.0,
                9..35 => 1.0,
                35..64 => 10_f64.powf(-3.0 * (n - 34) as f64 / 30.0),
                _ => gain.clamp(0.0, 1.01e-3), // The last frame of the release, where rounding decides.
            };
            assert!((gain - expected).abs() < TOLERANCE, "frame {n}: {gain}, not {expected}");
        }
    }

    #[test]
    fn between_the_thresholds_it_stays_as_it_was() {
        let between = [-0.07; 100];
        assert_eq!(gains(&mut gate(), &between)[99], 0.0, "closed");
        let mut gate = gate();
        gains(&mut gate, &[0.2; 10]);
        assert_eq!(gains(&mut gate, &between)[99], 1.0, "open");
        assert!(gate.is_open(), "open");
        gains(&mut gate, &[0.04; 100]);
        assert!(!gate.is_open(), "below both");
        assert_eq!(gate.gain(), 0.0, "below both");
    }

    #[test]
    fn it_does_not_step_in_the_middle_of_a_wave() {
        let mut gate = Gate::new(48_000.0, &GateSettings::default());
        // The lowest string of a bass, well above the threshold.
        let wave = |n| 0.1 * (std::f64::consts::TAU * 41.2 * f64::from(n) / 48_000.0).sin() as f32;
        let mut signal: Vec<f32> = (0..48_000).map(wave).collect();
        let before = signal.clone();
        gate.process(&mut signal);
        assert_eq!(signal[1000..], before[1000..], "an open gate changes nothing");
    }

    #[test]
    fn linked_channels_have_one_gain() {
        let (mut left, mut right) = ([0.01; 100], [0.01; 100]);
        right[50] = 0.5;
        gate().process_linked([&mut left, &mut right]);
        assert!(left[..50].iter().all(|&x| x == 0.0), "closed");
        assert_eq!(left[53..61], [0.01; 8], "open");
        assert_eq!(left[..50], right[..50], "alike");
        assert_eq!(left[51..], right[51..], "alike");
    }

    #[test]
    fn what_is_not_a_number_does_not_stay_in_it() {
        let mut gate = gate();
        gate.process(&mut [f32::NAN, f32::INFINITY, f32::NAN]);
        gains(&mut gate, &[0.01; 100]);
        assert!(!gate.is_open(), "it closes again");
    }
}
