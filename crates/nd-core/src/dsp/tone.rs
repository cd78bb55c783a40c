//! A tone stack.

use std::f64::consts::PI;

use crate::engine::without_denormals;

/// A knob of a [`Tone`] stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// A shelf below 150 Hz.
    Bass,
    /// A bell around 650 Hz, two octaves wide.
    Mid,
    /// A shelf above 2 kHz.
    Treble,
    /// A bell around 4.5 kHz, one octave and a half wide.
    Presence,
}

impl Band {
    /// All of them, in the order in which the signal passes.
    pub const ALL: [Self; 4] = [Self::Bass, Self::Mid, Self::Treble, Self::Presence];

    fn filter(self) -> (Shape, f64, f64) {
        match self {
            Self::Bass => (Shape::LowShelf, 150.0, 0.7),
            Self::Mid => (Shape::Bell, 650.0, 0.67),
            Self::Treble => (Shape::HighShelf, 2000.0, 0.7),
            Self::Presence => (Shape::Bell, 4500.0, 0.92),
        }
    }
}

/// Bass, mid, treble and presence, one after the other.
///
/// Each is a filter of R. Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients", as a state
/// variable filter, which has the same response and may change in every frame (A. Simper, "Linear Trapezoidal Integrated
/// SVF", 2013). A knob that turns takes 50 ms to get to its new gain, in even steps of dB; one at 0 dB changes no bit and
/// costs nothing.
#[derive(Debug, Clone)]
pub struct Tone {
    filters: [Filter; 4],
}

/// Milliseconds in which a knob gets where it was turned.
const TURN_MS: f64 = 50.0;

impl Tone {
    /// All knobs at 0 dB; `sample_rate` in Hz, above 9 kHz.
    pub fn new(sample_rate: f64) -> Self {
        Self { filters: Band::ALL.map(|band| Filter::new(band, sample_rate)) }
    }

    /// Turns a knob to `gain_db`.
    pub fn set(&mut self, band: Band, gain_db: f64) {
        self.filters[band as usize].set(gain_db);
    }

    /// Filters `audio`.
    pub fn process(&mut self, audio: &mut [f32]) {
        if self.filters.iter().all(Filter::is_flat) {
            return;
        }
        without_denormals(|| {
            for filter in &mut self.filters {
                filter.process(audio);
            }
        });
    }

    /// Forgets the signal; the knobs are where they were turned.
    pub fn reset(&mut self) {
        self.filters.iter_mut().for_each(Filter::reset);
    }
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    LowShelf,
    Bell,
    HighShelf,
}

/// One band.
#[derive(Debug, Clone)]
struct Filter {
    shape: Shape,
    /// `tan(π f / sample_rate)`.
    tangent: f64,
    q: f64,
    /// Frames that a turn takes.
    frames: u32,
    /// The fourth root of the gain, and where it goes: what turns in even steps of dB is multiplied.
    root: f64,
    target: f64,
    /// By what it is multiplied in a frame.
    step: f64,
    /// Frames of the turn that are left.
    left: u32,
    coefficients: Coefficients,
    /// The two integrators.
    state: [f64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Coefficients {
    /// Of the integrators.
    a: [f64; 3],
    /// How much of the input, the band and the low part come out.
    mix: [f64; 3],
}

impl Filter {
    fn new(band: Band, sample_rate: f64) -> Self {
        let (shape, frequency, q) = band.filter();
        let tangent = (PI * frequency / sample_rate).tan();
        Self {
            shape,
            tangent,
            q,
            frames: (TURN_MS * 1e-3 * sample_rate).round() as u32,
            root: 1.0,
            target: 1.0,
            step: 1.0,
            left: 0,
            coefficients: Coefficients::new(shape, tangent, q, 1.0),
            state: [0.0; 2],
        }
    }

    fn set(&mut self, gain_db: f64) {
        let target = 10_f64.powf(gain_db / 80.0);
        if target != self.target {
            self.target = target;
            self.step = (target / self.root).powf(f64::from(self.frames).recip());
            self.left = self.frames;
        }
    }

    fn is_flat(&self) -> bool {
        self.left == 0 && self.root == 1.0
    }

    fn process(&mut self, audio: &mut [f32]) {
        let turning = audio.len().min(self.left as usize);
        let (turning, still) = audio.split_at_mut(turning);
        for x in turning {
            self.left -= 1;
            self.root = if self.left == 0 { self.target } else { self.root * self.step };
            self.coefficients = Coefficients::new(self.shape, self.tangent, self.q, self.root);
            *x = self.coefficients.advance(&mut self.state, *x);
        }
        if self.is_flat() {
            // When it turns again, nothing of what it knows can be heard at first.
            self.state = [0.0; 2];
            return;
        }
        let (coefficients, mut state) = (self.coefficients, self.state);
        for x in still {
            *x = coefficients.advance(&mut state, *x);
        }
        self.state = state;
    }

    fn reset(&mut self) {
        self.state = [0.0; 2];
        (self.root, self.left) = (self.target, 0);
        self.coefficients = Coefficients::new(self.shape, self.tangent, self.q, self.root);
    }
}

impl Coefficients {
    /// `root` is the fourth root of the gain: the square root of the cookbook's `A`.
    #[inline(always)]
    fn new(shape: Shape, tangent: f64, q: f64, root: f64) -> Self {
        let a = root * root;
        let (g, k, mix) = match shape {
            Shape::LowShelf => (tangent / root, 1.0 / q, [1.0, (a - 1.0) / q, a * a - 1.0]),
            Shape::Bell => (tangent, 1.0 / (q * a), [1.0, (a * a - 1.0) / (q * a), 0.0]),
            Shape::HighShelf => (tangent * root, 1.0 / q, [a * a, (1.0 - a) * a / q, 1.0 - a * a]),
        };
        let a1 = 1.0 / (1.0 + g * (g + k));
        Self { a: [a1, g * a1, g * g * a1], mix }
    }

    #[inline(always)]
    fn advance(&self, state: &mut [f64; 2], x: f32) -> f32 {
        let x = f64::from(x);
        let [a1, a2, a3] = self.a;
        let v3 = x - state[1];
        let band = a1 * state[0] + a2 * v3;
        let low = state[1] + a2 * state[0] + a3 * v3;
        *state = [2.0 * band - state[0], 2.0 * low - state[1]];
        (self.mix[0] * x + self.mix[1] * band + self.mix[2] * low) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of the `f32` result.
    const TOLERANCE: f64 = 1e-6;

    /// The cookbook's coefficients, `b` and `a`, straight from its text.
    fn cookbook(band: Band, sample_rate: f64, gain_db: f64) -> ([f64; 3], [f64; 3]) {
        let (shape, frequency, q) = band.filter();
        let a = 10_f64.powf(gain_db / 40.0);
        let w = 2.0 * PI * frequency / sample_rate;
        let alpha = w.sin() / (2.0 * q);
        let (cos, root) = (w.cos(), 2.0 * a.sqrt() * alpha);
        let (up, down) = (a + 1.0, a - 1.0);
        match shape {
            Shape::Bell => (
                [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
                [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
            ),
            Shape::LowShelf => (
                [a * (up - down * cos + root), 2.0 * a * (down - up * cos), a * (up - down * cos - root)],
                [up + down * cos + root, -2.0 * (down + up * cos), up + down * cos - root],
            ),
            Shape::HighShelf => (
                [a * (up + down * cos + root), -2.0 * a * (down + up * cos), a * (up + down * cos - root)],
                [up - down * cos + root, 2.0 * (down - up * cos), up - down * cos - root],
            ),
        }
    }

    fn noise(frames: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            f64::from(state) / f64::from(u32::MAX) - 0.5
        };
        (0..frames).map(|_| next() as f32).collect()
    }

    #[test]
    fn every_band_is_the_cookbooks_filter() {
        for sample_rate in [22_050.0, 48_000.0, 192_000.0] {
            for band in Band::ALL {
                for gain_db in [-15.0, -3.0, 0.5, 6.0, 15.0] {
                    let mut tone = Tone::new(sample_rate);
                    tone.set(band, gain_db);
                    tone.reset();
                    let input = noise(5000);
                    let mut output = input.clone();
                    tone.process(&mut output);
                    let (b, a) = cookbook(band, sample_rate, gain_db);
                    let (mut x, mut y) = ([0.0; 3], [0.0; 3]);
                    for (n, (&input, &output)) in input.iter().zip(&output).enumerate() {
                        x = [f64::from(input), x[0], x[1]];
                        let sum = b[0] * x[0] + b[1] * x[1] + b[2] * x[2] - a[1] * y[0] - a[2] * y[1];
                        y = [sum / a[0], y[0], y[1]];
                        let error = (f64::from(output) - y[0]).abs();
                        assert!(
                            error < TOLERANCE * 10_f64.powf(gain_db.max(0.0) / 20.0),
                            "{band:?}, {gain_db} dB at {sample_rate} Hz, frame {n}: {error}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_flat_stack_changes_no_bit() {
        let mut tone = Tone::new(48_000.0);
        tone.set(Band::Mid, 6.0);
        tone.process(&mut noise(1000));
        tone.set(Band::Mid, 0.0);
        tone.process(&mut noise(3000)); // until the knob is there
        let mut output = [noise(1000), vec![-0.0, f32::MIN_POSITIVE / 4.0]].concat();
        let before: Vec<u32> = output.iter().map(|x| x.to_bits()).collect();
        tone.process(&mut output);
        assert_eq!(output.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), before);
    }

    #[test]
    fn a_turning_knob_makes_no_step() {
        let slope = 2.0 * PI * 100.0 / 48_000.0;
        for band in Band::ALL {
            let mut tone = Tone::new(48_000.0);
            let mut last = 0.0;
            for block in 0..1000 {
                if block % 10 == 5 {
                    tone.set(band, if block % 20 == 5 { 15.0 } else { -15.0 });
                }
                let sine = |n| (slope * (64 * block + n) as f64).sin() as f32;
                let mut signal: [f32; 64] = std::array::from_fn(sine);
                tone.process(&mut signal);
                for y in signal {
                    // The slope of the loudest sine that the knob allows, and 0.3 dB a millisecond of change.
                    let step = f64::from((y - last).abs());
                    assert!(step < 6.0 * slope + 0.02, "{band:?}, block {block}: {step}");
                    last = y;
                }
            }
        }
    }
}
