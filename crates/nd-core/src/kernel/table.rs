//! A curve as a table of cubic polynomials, and its means between frames.
//!
//! The means are exact for the table: each cell knows the first and second integral of all that comes before it. Looking
//! cells up is done frame by frame, and what follows for many frames at once.

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

/// Frames whose integrals are taken at a time, and differ then all at once.
const CHUNK: usize = 64;

/// A curve: what a network without memory makes of a number.
#[derive(Debug, Clone)]
pub struct Table {
    /// From −[`OUTER`] to −[`INNER`], from there to [`INNER`], and from there to [`OUTER`].
    zones: [Zone; 3],
    /// Those of the zones, in order, and two of width 1: what goes on before and after.
    cells: Box<[Cell]>,
    /// Of the same cells.
    integrals: Box<[Integrals]>,
    error: f64,
}

/// Where cells of equal width lie side by side.
#[derive(Debug, Clone, Copy)]
struct Zone {
    start: f64,
    cells_per_unit: f64,
    /// The first of its cells.
    first: u32,
}

/// One polynomial: `c₀ + c₁t + c₂t² + c₃t³`, where `t` goes from 0 to 1 across the cell.
type Cell = [f64; 4];

/// The first and the second integral of the curve across a cell, coefficient by coefficient of the same `t`.
type Integrals = [[f64; 2]; 6];

impl Table {
    /// The table of a curve, given for many numbers at a time; none where a table of bounded size is off by more than
    /// `tolerance` somewhere.
    pub fn new(curve: impl Fn(&[f64]) -> Vec<f64>, tolerance: f64) -> Option<Self> {
        let (mut cells, mut error) = (Vec::new(), 0.0);
        let zones = [(-OUTER, -INNER), (-INNER, INNER), (INNER, OUTER)].map(|(start, end)| {
            let (zone, off) = fit(&curve, start, end, tolerance);
            let cells_per_unit = zone.len() as f64 / (end - start);
            let placed = Zone { start, cells_per_unit, first: cells.len() as u32 };
            cells.extend(zone);
            // Not `max`, which would lose a NaN.
            error = if off <= error { error } else { off };
            placed
        });
        if error > tolerance || error.is_nan() {
            return None;
        }
        // From the left; the constants of integration fall out of every mean.
        let (mut ends, mut integrals) = ([0.0; 2], Vec::new());
        let behind = [zones[1].first as usize, zones[2].first as usize, cells.len()];
        for (zone, behind) in zones.iter().zip(behind) {
            for cell in &cells[zone.first as usize..behind] {
                let integral = integrate(cell, 1.0 / zone.cells_per_unit, ends);
                ends = at(&integral, 1.0);
                integrals.push(integral);
            }
        }
        let [below, _, above] = zones;
        let lines = [
            straight(&cells[0], 0.0, below.cells_per_unit),
            straight(&cells[cells.len() - 1], 1.0, above.cells_per_unit),
        ];
        for (line, end) in lines.into_iter().zip([[0.0; 2], ends]) {
            cells.push(line);
            integrals.push(integrate(&line, 1.0, end));
        }
        Some(Self { zones, cells: cells.into(), integrals: integrals.into(), error })
    }

    /// The largest difference from the curve that was found.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// `y[n] = f(x[n])`.
    #[inline(always)]
    pub fn values(&self, x: &[f32], y: &mut [f32]) {
        let mut places = Places::default();
        for (x, y) in x.chunks(CHUNK).zip(y.chunks_mut(CHUNK)) {
            places.take(self, x);
            for ((&cell, &t), y) in places.cell.iter().zip(&places.t).zip(y) {
                *y = value(&self.cells[cell as usize], t) as f32;
            }
        }
    }

    /// The mean of the curve between one frame and the next; `y` is one shorter than `x`.
    #[inline(always)]
    pub fn means(&self, x: &[f32], y: &mut [f32]) {
        let mut frames = Frames::default();
        for (start, y) in (0..).step_by(CHUNK).zip(y.chunks_mut(CHUNK)) {
            let count = y.len();
            frames.take(self, &x[start..=start + count]);
            let Frames { places: Places { x, .. }, integral, .. } = &frames;
            for n in 0..count {
                y[n] = ((integral[n + 1] - integral[n]) / (x[n + 1] - x[n])) as f32;
            }
            if frames.are_near(count) {
                for n in (0..count).filter(|&n| frames.distance(n).abs() < NEAR) {
                    y[n] = self.value(f64::midpoint(x[n], x[n + 1])) as f32;
                }
            }
        }
    }

    /// The mean of the curve over the straight lines through three frames, with weights that rise to the middle one and
    /// fall again; `y` is two shorter than `x`.
    #[inline(always)]
    pub fn triangular_means(&self, x: &[f32], y: &mut [f32]) {
        let mut frames = Frames::default();
        // Of each pair: `∫₀¹ f(a + (b − a)t) t dt`, by parts, and the same with `1 − t` for `t` as the weight.
        let (mut rising, mut falling) = ([0.0; CHUNK + 1], [0.0; CHUNK + 1]);
        for (start, y) in (0..).step_by(CHUNK).zip(y.chunks_mut(CHUNK)) {
            let pairs = y.len() + 1;
            frames.take(self, &x[start..=start + pairs]);
            let Frames { places: Places { x, .. }, integral, second_integral } = &frames;
            for n in 0..pairs {
                let per_distance = 1.0 / (x[n + 1] - x[n]);
                let mean = (integral[n + 1] - integral[n]) * per_distance;
                let mean_integral = (second_integral[n + 1] - second_integral[n]) * per_distance;
                rising[n] = (integral[n + 1] - mean_integral) * per_distance;
                falling[n] = mean - rising[n];
            }
            if frames.are_near(pairs) {
                for n in 0..pairs {
                    let distance = frames.distance(n);
                    if distance.abs() < NEAR {
                        rising[n] = 0.5 * self.value(x[n + 1] - distance / 3.0);
                        falling[n] = 0.5 * self.value(x[n] + distance / 3.0);
                    }
                }
            }
            for (n, y) in y.iter_mut().enumerate() {
                *y = (rising[n] + falling[n + 1]) as f32;
            }
        }
    }

    #[inline(always)]
    fn value(&self, x: f64) -> f64 {
        let (cell, t) = if x.abs() < INNER { self.zones[1].place(x) } else { self.outside(x) };
        value(&self.cells[cell as usize], t)
    }

    /// The cell that a number is in, and where in it, for one that is not in the inner zone.
    fn outside(&self, x: f64) -> (u32, f64) {
        // A NaN goes on as the line does.
        let side = if x > 0.0 { 2 } else { 0 };
        if x.abs() < OUTER {
            return self.zones[side].place(x);
        }
        let line = self.cells.len() - 2 + side / 2;
        (line as u32, if x > 0.0 { x - OUTER } else { x + OUTER })
    }
}

/// Frames, and where they are in the table.
struct Places {
    x: [f64; CHUNK + 2],
    cell: [u32; CHUNK + 2],
    t: [f64; CHUNK + 2],
}

impl Default for Places {
    fn default() -> Self {
        Self { x: [0.0; CHUNK + 2], cell: [0; CHUNK + 2], t: [0.0; CHUNK + 2] }
    }
}

impl Places {
    #[inline(always)]
    fn take(&mut self, table: &Table, frames: &[f32]) {
        let zone = &table.zones[1];
        let Self { x, cell, t } = self;
        let mut inside = true;
        for (((&frame, x), cell), t) in frames.iter().zip(&mut *x).zip(&mut *cell).zip(&mut *t) {
            *x = f64::from(frame);
            (*cell, *t) = zone.place(*x);
            inside &= x.abs() < INNER;
        }
        if !inside {
            for ((x, cell), t) in x.iter().zip(cell).zip(t).take(frames.len()) {
                if x.abs() >= INNER || x.is_nan() {
                    (*cell, *t) = table.outside(*x);
                }
            }
        }
    }
}

/// Frames, and the integrals up to each.
struct Frames {
    places: Places,
    integral: [f64; CHUNK + 2],
    second_integral: [f64; CHUNK + 2],
}

impl Default for Frames {
    fn default() -> Self {
        Self { places: Places::default(), integral: [0.0; CHUNK + 2], second_integral: [0.0; CHUNK + 2] }
    }
}

impl Frames {
    #[inline(always)]
    fn take(&mut self, table: &Table, frames: &[f32]) {
        self.places.take(table, frames);
        let Places { cell, t, .. } = &self.places;
        let sums = self.integral.iter_mut().zip(&mut self.second_integral);
        for (((integral, second_integral), &cell), &t) in sums.zip(cell).zip(t).take(frames.len()) {
            [*integral, *second_integral] = at(&table.integrals[cell as usize], t);
        }
    }

    #[inline(always)]
    fn distance(&self, n: usize) -> f64 {
        self.places.x[n + 1] - self.places.x[n]
    }

    /// Whether any two of so many pairs are near each other.
    #[inline(always)]
    fn are_near(&self, pairs: usize) -> bool {
        (0..pairs).fold(false, |any, n| any | (self.distance(n).abs() < NEAR))
    }
}

impl Zone {
    /// The cell that a number is in, and where in it: without a conversion that looks for numbers beyond, so that it can be
    /// done for many at once. A number from another zone has no meaning.
    #[inline(always)]
    fn place(&self, x: f64) -> (u32, f64) {
        /// Next to this number, doubles are whole, and their last bits count from 0.
        const WHOLE: f64 = 1.5 * (1_u64 << 52) as f64;
        let place = (x - self.start) * self.cells_per_unit;
        let down = place - 0.5 + WHOLE;
        (self.first.wrapping_add(down.to_bits() as u32), place - (down - WHOLE))
    }
}

#[inline(always)]
fn value(&[c0, c1, c2, c3]: &Cell, t: f64) -> f64 {
    c0 + t * (c1 + t * (c2 + t * c3))
}

/// As few cells as keep to the tolerance, or the most, and how far they are off.
fn fit(curve: impl Fn(&[f64]) -> Vec<f64>, start: f64, end: f64, tolerance: f64) -> (Vec<Cell>, f64) {
    let mut count = CELLS[0];
    loop {
        let width = (end - start) / count as f64;
        let at = |fractions: &[f64]| -> Vec<f64> {
            let places = |cell: usize| fractions.iter().map(move |t| start + (cell as f64 + t) * width);
            curve(&(0..count).flat_map(places).collect::<Vec<_>>())
        };
        let values = at(&NODES);
        let cells: Vec<Cell> = values
            .chunks_exact(NODES.len())
            .map(|values| cubic([values[0], values[1], values[2], values[3]]))
            .collect();
        let values = at(&BETWEEN);
        let off = values.chunks_exact(BETWEEN.len()).zip(&cells).flat_map(|(values, cell)| {
            let off = move |(expected, &t): (&f64, &f64)| (expected - value(cell, t)).abs();
            values.iter().zip(&BETWEEN).map(off)
        });
        // Not `max`, which would lose a NaN.
        let error = off.fold(0.0, |most, off| if off <= most { most } else { off });
        if error <= tolerance || count >= CELLS[1] {
            return (cells, error);
        }
        count *= 2;
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

/// The integrals across a cell of so much width, that begin with what came before it.
fn integrate(&[c0, c1, c2, c3]: &Cell, width: f64, [first, second]: [f64; 2]) -> Integrals {
    let squared = width * width;
    [
        [first, second],
        [c0 * width, first * width],
        [c1 / 2.0 * width, c0 / 2.0 * squared],
        [c2 / 3.0 * width, c1 / 6.0 * squared],
        [c3 / 4.0 * width, c2 / 12.0 * squared],
        [0.0, c3 / 20.0 * squared],
    ]
}

/// Both integrals at a place in a cell.
#[inline(always)]
fn at(&[a, b, c, d, e, f]: &Integrals, t: f64) -> [f64; 2] {
    let up = |sum: [f64; 2], next: [f64; 2]| [next[0] + t * sum[0], next[1] + t * sum[1]];
    up(up(up(up(up(f, e), d), c), b), a)
}

/// The straight line through a place in a cell, on and on.
fn straight(cell: &Cell, t: f64, cells_per_unit: f64) -> Cell {
    let [_, c1, c2, c3] = cell;
    let slope = (c1 + t * (2.0 * c2 + t * 3.0 * c3)) * cells_per_unit;
    [value(cell, t), slope, 0.0, 0.0]
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
