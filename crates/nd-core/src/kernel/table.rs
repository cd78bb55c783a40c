//! A curve as a table of cubic polynomials, and its means between frames.
//!
//! The means are exact for the table: each cell knows the first and second integral of all that comes before it.

/// Where a table is fine, on both sides of zero: up to 6 dB over full scale.
const INNER: f64 = 2.0;

/// Where a table ends, on both sides of zero: 30 dB over full scale. Beyond it goes on as a straight line.
const OUTER: f64 = 32.0;

/// Cells of each zone: at first, and at the most.
const CELLS: [usize; 2] = [256, 16_384];

/// Where the values that a polynomial goes through lie in its cell, and where it is farthest from the curve.
const NODES: [f64; 4] = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
const BETWEEN: [f64; 3] = [0.127, 0.5, 0.873];

/// Below this distance between two frames, a mean is the curve at one point between them: the differences of its
/// integrals would be rounding.
const NEAR: f64 = 1e-4;

/// A curve: what a network without memory makes of a number.
#[derive(Debug, Clone)]
pub struct Table {
    /// From −[`INNER`] to [`INNER`].
    inner: Zone,
    /// From there to −[`OUTER`] and to [`OUTER`].
    outer: [Zone; 2],
    /// What goes on before and after that.
    ends: [Cell; 2],
    error: f64,
}

/// Cells of equal width, side by side.
#[derive(Debug, Clone)]
struct Zone {
    start: f64,
    cells_per_unit: f64,
    cells: Box<[Cell]>,
}

/// One polynomial: `c₀ + c₁t + c₂t² + c₃t³`, where `t` goes from 0 to 1 across the cell.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: f64,
    width: f64,
    /// 1 / width.
    per_unit: f64,
    c: [f64; 4],
    /// Integral of the curve up to the cell's start, and the integral of that.
    integral: f64,
    second_integral: f64,
}

impl Table {
    /// The table of a curve, given for many numbers at a time; none where a table of bounded size is off by more than
    /// `tolerance` somewhere.
    #[expect(clippy::missing_panics_doc, reason = "there are always three zones")]
    pub fn new(curve: impl Fn(&[f64]) -> Vec<f64>, tolerance: f64) -> Option<Self> {
        let (below, mut error) = Zone::fit(&curve, -OUTER, -INNER, tolerance);
        let mut zones = vec![below];
        for (start, end) in [(-INNER, INNER), (INNER, OUTER)] {
            let (zone, zone_error) = Zone::fit(&curve, start, end, tolerance);
            error = error.max(zone_error);
            zones.push(zone);
        }
        if error > tolerance || error.is_nan() {
            return None;
        }
        // From the left; the constants of integration fall out of every mean.
        let (mut integral, mut second_integral) = (0.0, 0.0);
        for cell in zones.iter_mut().flat_map(|zone| &mut zone.cells) {
            (cell.integral, cell.second_integral) = (integral, second_integral);
            let end = cell.start + cell.width;
            (integral, second_integral) = (cell.integral(end), cell.second_integral(end));
        }
        let [below, inner, above] = zones.try_into().expect("three zones");
        let (first, last) = (&below.cells[0], &above.cells[above.cells.len() - 1]);
        let line = |cell: &Cell, x: f64, integral, second_integral| Cell {
            start: x,
            width: 1.0,
            per_unit: 1.0,
            c: [cell.value(x), cell.slope(x), 0.0, 0.0],
            integral,
            second_integral,
        };
        let ends = [line(first, -OUTER, 0.0, 0.0), line(last, OUTER, integral, second_integral)];
        Some(Self { inner, outer: [below, above], ends, error })
    }

    /// The largest difference from the curve that was found.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// `y[n] = f(x[n])`.
    pub fn values(&self, x: &[f32], y: &mut [f32]) {
        for (x, y) in x.iter().zip(y) {
            let x = f64::from(*x);
            *y = self.value(x) as f32;
        }
    }

    /// The mean of the curve between one frame and the next; `y` is one shorter than `x`.
    pub fn means(&self, x: &[f32], y: &mut [f32]) {
        let Some(&first) = x.first() else { return };
        let mut a = Frame::at(self, first);
        for (&x, y) in x[1..].iter().zip(y) {
            let b = Frame::at(self, x);
            let distance = b.x - a.x;
            let mean = if distance.abs() >= NEAR {
                (b.integral - a.integral) / distance
            } else {
                self.value(f64::midpoint(a.x, b.x))
            };
            *y = mean as f32;
            a = b;
        }
    }

    /// The mean of the curve over the straight lines through three frames, with weights that rise to the middle one and
    /// fall again; `y` is two shorter than `x`.
    pub fn triangular_means(&self, x: &[f32], y: &mut [f32]) {
        let &[first, second, ref rest @ ..] = x else { return };
        let mut a = Frame::at(self, second);
        let (mut rising, _) = self.slopes(&Frame::at(self, first), &a);
        for (&x, y) in rest.iter().zip(y) {
            let b = Frame::at(self, x);
            let (next, falling) = self.slopes(&a, &b);
            *y = (rising + falling) as f32;
            (a, rising) = (b, next);
        }
    }

    /// `∫₀¹ f(a + (b − a)t) t dt`, by parts, and the same with `1 − t` for `t` as the weight.
    #[inline(always)]
    fn slopes(&self, a: &Frame, b: &Frame) -> (f64, f64) {
        let distance = b.x - a.x;
        if distance.abs() >= NEAR {
            let per_distance = 1.0 / distance;
            let mean = (b.integral - a.integral) * per_distance;
            let mean_integral = (b.second_integral - a.second_integral) * per_distance;
            let rising = (b.integral - mean_integral) * per_distance;
            return (rising, mean - rising);
        }
        let third = distance / 3.0;
        (0.5 * self.value(b.x - third), 0.5 * self.value(a.x + third))
    }

    #[inline(always)]
    fn value(&self, x: f64) -> f64 {
        self.cell(x).value(x)
    }

    #[inline(always)]
    fn cell(&self, x: f64) -> &Cell {
        if x.abs() < INNER {
            return self.inner.cell(x);
        }
        // A NaN goes on as the line does.
        let side = usize::from(x > 0.0);
        if x.abs() < OUTER { self.outer[side].cell(x) } else { &self.ends[side] }
    }
}

/// A frame, and the integrals up to it: what the next frame needs again.
#[derive(Clone, Copy)]
struct Frame {
    x: f64,
    integral: f64,
    second_integral: f64,
}

impl Frame {
    #[inline(always)]
    fn at(table: &Table, x: f32) -> Self {
        let x = f64::from(x);
        let cell = table.cell(x);
        Self { x, integral: cell.integral(x), second_integral: cell.second_integral(x) }
    }
}

impl Zone {
    /// The zone of as few cells as keep to the tolerance, or of the most, and how far it is off.
    fn fit(curve: impl Fn(&[f64]) -> Vec<f64>, start: f64, end: f64, tolerance: f64) -> (Self, f64) {
        let mut count = CELLS[0];
        loop {
            let width = (end - start) / count as f64;
            let at = |fractions: &[f64]| -> Vec<f64> {
                let places = |cell: usize| fractions.iter().map(move |t| start + (cell as f64 + t) * width);
                curve(&(0..count).flat_map(places).collect::<Vec<_>>())
            };
            let values = at(&NODES);
            let cells = values.chunks_exact(NODES.len()).enumerate().map(|(cell, values)| Cell {
                start: start + cell as f64 * width,
                width,
                per_unit: 1.0 / width,
                c: cubic([values[0], values[1], values[2], values[3]]),
                integral: 0.0,
                second_integral: 0.0,
            });
            let cells: Box<[Cell]> = cells.collect();
            let values = at(&BETWEEN);
            let off = values.chunks_exact(BETWEEN.len()).zip(&cells).flat_map(|(values, cell)| {
                let off = |(value, t): (&f64, &f64)| (value - cell.value(cell.start + t * cell.width)).abs();
                values.iter().zip(&BETWEEN).map(off).collect::<Vec<_>>()
            });
            // Not `max`, which would lose a NaN.
            let error = off.fold(0.0, |most, off| if off <= most { most } else { off });
            if error <= tolerance || count >= CELLS[1] {
                return (Self { start, cells_per_unit: 1.0 / width, cells }, error);
            }
            count *= 2;
        }
    }

    #[inline(always)]
    fn cell(&self, x: f64) -> &Cell {
        let index = ((x - self.start) * self.cells_per_unit) as usize;
        &self.cells[index.min(self.cells.len() - 1)]
    }
}

/// The coefficients of the cubic through values at [`NODES`].
fn cubic([a, b, c, d]: [f64; 4]) -> [f64; 4] {
    [
        a,
        0.5 * (-11.0 * a + 18.0 * b - 9.0 * c + 2.0 * d),
        9.0 * (2.0 * a - 5.0 * b + 4.0 * c - d) / 2.0,
        9.0 * (-a + 3.0 * b - 3.0 * c + d) / 2.0,
    ]
}

impl Cell {
    #[inline(always)]
    fn value(&self, x: f64) -> f64 {
        let [c0, c1, c2, c3] = self.c;
        let t = (x - self.start) * self.per_unit;
        c0 + t * (c1 + t * (c2 + t * c3))
    }

    #[inline(always)]
    fn slope(&self, x: f64) -> f64 {
        let [_, c1, c2, c3] = self.c;
        let t = (x - self.start) * self.per_unit;
        (c1 + t * (2.0 * c2 + t * 3.0 * c3)) * self.per_unit
    }

    #[inline(always)]
    fn integral(&self, x: f64) -> f64 {
        let [c0, c1, c2, c3] = self.c;
        let t = (x - self.start) * self.per_unit;
        self.integral + (x - self.start) * (c0 + t * (c1 * 0.5 + t * (c2 * (1.0 / 3.0) + t * (c3 * 0.25))))
    }

    #[inline(always)]
    fn second_integral(&self, x: f64) -> f64 {
        let [c0, c1, c2, c3] = self.c;
        let dx = x - self.start;
        let t = dx * self.per_unit;
        let within = c0 * 0.5 + t * (c1 * (1.0 / 6.0) + t * (c2 * (1.0 / 12.0) + t * (c3 * 0.05)));
        self.second_integral + dx * (self.integral + dx * within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: f64 = 1e-6;

    /// What a perceptron of two hidden units is, and its antiderivative, by log cosh.
    fn curve(x: f64) -> f64 {
        0.7 * (8.0 * x + 0.3).tanh() - 0.2 * (1.5 * x - 1.0).tanh() + 0.1
    }

    fn antiderivative(x: f64) -> f64 {
        let log_cosh = |u: f64| u.abs() + (-2.0 * u.abs()).exp().ln_1p() - std::f64::consts::LN_2;
        0.7 / 8.0 * log_cosh(8.0 * x + 0.3) - 0.2 / 1.5 * log_cosh(1.5 * x - 1.0) + 0.1 * x
    }

    fn table() -> Table {
        Table::new(|x| x.iter().map(|&x| curve(x)).collect(), TOLERANCE).expect("a smooth curve")
    }

    /// `∫₀¹ f(a + (b − a)t) · weight(t) dt`, by Simpson's rule.
    fn quadrature(a: f64, b: f64, weight: impl Fn(f64) -> f64) -> f64 {
        let steps = 2000;
        let sum: f64 = (0..=steps)
            .map(|n| {
                let t = f64::from(n) / f64::from(steps);
                let factor = if n == 0 || n == steps { 1.0 } else { f64::from(2 + 2 * (n % 2)) };
                factor * curve(a + (b - a) * t) * weight(t)
            })
            .sum();
        sum / f64::from(3 * steps)
    }

    /// Frames near and far, repeated, turning back, and up to the ends of the table.
    fn frames() -> Vec<f32> {
        let mut frames: Vec<f32> = (0..400).map(|n| 1.2 * (n as f32 * 0.37).sin()).collect();
        frames.extend((0..50).map(|n| 0.1 + 1e-5 * n as f32));
        frames.extend([
            0.3, 0.3, 0.3, 0.3, -0.2, 0.3, 0.30005, -0.2, 0.3, 5.0, -7.0, 30.0, 31.0, -31.0, 0.0, 0.0,
        ]);
        frames
    }

    #[test]
    fn values_are_the_curve() {
        let (table, x) = (table(), frames());
        let mut y = vec![0.0; x.len()];
        table.values(&x, &mut y);
        for (x, y) in x.iter().zip(y) {
            assert!((f64::from(y) - curve(f64::from(*x))).abs() < 1.2 * TOLERANCE, "at {x}");
        }
        assert!(table.error() <= TOLERANCE && table.error() > 0.0);
    }

    #[test]
    fn means_are_those_of_log_cosh() {
        let (table, x) = (table(), frames());
        let mut y = vec![0.0; x.len() - 1];
        table.means(&x, &mut y);
        for (pair, y) in x.windows(2).zip(y) {
            let (a, b) = (f64::from(pair[0]), f64::from(pair[1]));
            let expected = match (b - a).abs() {
                near if near < 1e-4 => quadrature(a, b, |_| 1.0),
                _ => (antiderivative(b) - antiderivative(a)) / (b - a),
            };
            assert!((f64::from(y) - expected).abs() < 5e-6, "between {a} and {b}: {y}, not {expected}");
        }
    }

    #[test]
    fn triangular_means_are_those_of_the_integral() {
        let (table, x) = (table(), frames());
        let mut y = vec![0.0; x.len() - 2];
        table.triangular_means(&x, &mut y);
        for (triple, y) in x.windows(3).zip(y) {
            let [a, b, c] = [0, 1, 2].map(|n| f64::from(triple[n]));
            // Of the straight lines between the frames, weighted to the middle one.
            let expected = quadrature(a, b, |t| t) + quadrature(b, c, |t| 1.0 - t);
            assert!((f64::from(y) - expected).abs() < 5e-6, "{a}, {b}, {c}: {y}, not {expected}");
        }
    }

    #[test]
    fn beyond_its_end_a_table_is_a_straight_line() {
        let table = Table::new(<[f64]>::to_vec, TOLERANCE).expect("a straight line");
        let mut y = [0.0; 4];
        table.values(&[1000.0, -1000.0, 33.0, 31.0], &mut y);
        assert_eq!(y, [1000.0, -1000.0, 33.0, 31.0]);
        table.means(&[40.0, 80.0, -80.0, 0.0, 1.0], &mut y);
        for (y, expected) in y.into_iter().zip([60.0, 0.0, -40.0, 0.5]) {
            assert!((y - expected).abs() < 1e-5, "{y} instead of {expected}");
        }
    }

    #[test]
    fn a_curve_that_no_table_follows_has_none() {
        let step = |x: &[f64]| x.iter().map(|x| x.signum()).collect();
        assert!(Table::new(step, TOLERANCE).is_none());
        assert!(Table::new(|x| vec![f64::NAN; x.len()], TOLERANCE).is_none());
    }
}
