//! Settings that move without a step.

/// How a [`Smooth`] value gets where it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ramp {
    /// At one speed: for what is mixed, and for gains that pass through 0.
    Linear,
    /// Fast, then ever slower: a quick answer with a soft landing. At the end of the time a ten-thousandth of the way
    /// is left and done in one step.
    Exponential,
}

/// What is left of an exponential way when its time is over.
const RESIDUE: f64 = 1e-4;

/// A setting on its way to where it was set.
#[derive(Debug, Clone)]
pub struct Smooth {
    ramp: Ramp,
    /// Frames that every way takes.
    frames: u32,
    /// Of an exponential way, what is left of it a frame later.
    ratio: f32,
    target: f32,
    /// How far it was from the target when that was set.
    way: f32,
    /// How far it is from the target.
    distance: f32,
    /// Frames that are left.
    left: u32,
}

impl Smooth {
    /// A setting that stands at `value`, and takes `time_ms` to get to another one.
    ///
    /// `sample_rate` in Hz; a time shorter than a frame counts as one frame.
    pub fn new(ramp: Ramp, sample_rate: f64, time_ms: f64, value: f32) -> Self {
        let frames = (time_ms * 1e-3 * sample_rate).round().max(1.0);
        Self {
            ramp,
            frames: frames as u32,
            ratio: RESIDUE.powf(1.0 / frames) as f32,
            target: value,
            way: 0.0,
            distance: 0.0,
            left: 0,
        }
    }

    /// Sets out for `target`, from wherever it is.
    pub fn set(&mut self, target: f32) {
        if target != self.target {
            self.way = target - self.value();
            (self.target, self.distance, self.left) = (target, self.way, self.frames);
        }
    }

    /// Is at `value` at once.
    pub fn jump(&mut self, value: f32) {
        (self.target, self.distance, self.left) = (value, 0.0, 0);
    }

    /// Is where it was set, at once.
    pub fn reset(&mut self) {
        self.jump(self.target);
    }

    /// Where it is.
    #[inline]
    pub fn value(&self) -> f32 {
        self.target - self.distance
    }

    /// Where it was set.
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Whether it is still on its way.
    #[inline]
    pub fn is_moving(&self) -> bool {
        self.left > 0
    }

    /// Goes on by one frame, and returns where it is then.
    #[inline]
    pub fn advance(&mut self) -> f32 {
        if self.left > 0 {
            self.left -= 1;
            self.distance = match self.ramp {
                _ if self.left == 0 => 0.0,
                Ramp::Linear => self.way * (self.left as f32 / self.frames as f32),
                Ramp::Exponential => self.distance * self.ratio,
            };
        }
        self.value()
    }

    /// Writes where it is in each of the next frames.
    pub fn fill(&mut self, values: &mut [f32]) {
        for at in 0..values.len() {
            if !self.is_moving() {
                values[at..].fill(self.target);
                return;
            }
            values[at] = self.advance();
        }
    }

    /// Multiplies `audio` by it: a gain. One that stands at 1 costs nothing.
    pub fn process(&mut self, audio: &mut [f32]) {
        for at in 0..audio.len() {
            if !self.is_moving() {
                if self.target != 1.0 {
                    audio[at..].iter_mut().for_each(|x| *x *= self.target);
                }
                return;
            }
            audio[at] *= self.advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a sum of two `f32` near 1.
    const TOLERANCE: f64 = 1e-6;

    #[test]
    fn a_linear_way_is_a_straight_line() {
        let mut smooth = Smooth::new(Ramp::Linear, 1000.0, 50.0, 1.0);
        smooth.set(-0.5);
        for n in 1..=50 {
            let expected = 1.0 - 1.5 * f64::from(n) / 50.0;
            let error = (f64::from(smooth.advance()) - expected).abs();
            assert!(error < TOLERANCE, "frame {n}: {error}");
        }
        assert_eq!(smooth.value(), -0.5, "its end");
        assert!(!smooth.is_moving(), "its end");
    }

    #[test]
    fn an_exponential_way_falls_by_the_same_factor_in_each_frame() {
        let mut smooth = Smooth::new(Ramp::Exponential, 1000.0, 80.0, 0.25);
        smooth.set(1.0);
        for n in 1..80 {
            let expected = 1.0 - 0.75 * RESIDUE.powf(f64::from(n) / 80.0);
            let error = (f64::from(smooth.advance()) - expected).abs();
            assert!(error < TOLERANCE, "frame {n}: {error}");
        }
        assert_eq!(smooth.advance(), 1.0, "its end");
    }

    #[test]
    fn a_change_of_mind_makes_no_step() {
        for ramp in [Ramp::Linear, Ramp::Exponential] {
            let mut smooth = Smooth::new(ramp, 1000.0, 100.0, 0.0);
            let steepest = match ramp {
                Ramp::Linear => 2.0 / 100.0,
                Ramp::Exponential => 2.0 * (1.0 - RESIDUE.powf(0.01)),
            };
            let mut last = smooth.value();
            for n in 0..400 {
                if n % 30 == 0 {
                    smooth.set(if n % 60 == 0 { 1.0 } else { -1.0 });
                }
                let value = smooth.advance();
                let step = f64::from((value - last).abs());
                assert!(step < steepest + TOLERANCE, "{ramp:?}, frame {n}: {step}");
                last = value;
            }
        }
    }

    #[test]
    fn a_gain_of_one_changes_no_bit() {
        let mut smooth = Smooth::new(Ramp::Linear, 48_000.0, 20.0, 1.0);
        let mut audio = [f32::MIN_POSITIVE / 2.0, -0.0, 0.3, f32::NAN];
        let before = audio.map(f32::to_bits);
        smooth.process(&mut audio);
        assert_eq!(audio.map(f32::to_bits), before);
    }

    #[test]
    fn a_filled_way_is_the_one_that_is_walked() {
        let mut filled = [0.0; 200];
        let mut smooth = Smooth::new(Ramp::Exponential, 1000.0, 100.0, 0.0);
        smooth.set(1.0);
        let mut walked = smooth.clone();
        smooth.fill(&mut filled);
        assert_eq!(filled, std::array::from_fn::<f32, 200, _>(|_| walked.advance()));
    }
}
