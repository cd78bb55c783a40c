//! Activation functions of one vector, each with its worst error; tests beside them hold them to it.

mod tanh;

pub use tanh::{tanh, tanh_soon};

use fearless_simd::{Bytes, Select, Simd, SimdBase, SimdFloat};

/// The same number in all lanes.
#[inline(always)]
fn splat<S: Simd>(simd: S, value: f32) -> S::f32s {
    S::f32s::splat(simd, value)
}

/// `a + b · s`.
#[inline(always)]
fn pair<S: Simd>(simd: S, s: S::f32s, a: f32, b: f32) -> S::f32s {
    s.mul_add(splat(simd, b), splat(simd, a))
}

/// `x` within `min..=max`; NaN stays NaN, because x86 returns the second operand of an unordered comparison.
#[inline(always)]
pub fn clamp<S: Simd>(simd: S, x: S::f32s, min: f32, max: f32) -> S::f32s {
    splat(simd, max).min(splat(simd, min).max(x))
}

/// `1 / (1 + e^-x)` as `(1 + tanh(x / 2)) / 2`: absolute error at most 5e-7.
#[inline(always)]
pub fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = splat(simd, 0.5);
    tanh(simd, x * half).mul_add(half, half)
}

/// The rational approximation that NAM's plugin puts in the place of `tanh`.
///
/// Absolute error at most 4.4e-4 on `-10..=10`; it ends at 1.0081, not at 1, so the error grows to 8.1e-3 beyond.
#[inline(always)]
pub fn fast_tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Beyond this the quotient is 1 to single precision, and its terms would overflow.
    let x = clamp(simd, x, -1e6, 1e6);
    let a = x.abs();
    let q = x * x;
    let outer = q.mul_add(
        a.mul_add(splat(simd, 0.821_226_666_969_744), splat(simd, 0.893_229_853_513_558)),
        a.mul_add(splat(simd, 2.455_507_507_029_56), splat(simd, 2.455_507_507_029_56)),
    );
    let inner = (x * a).mul_add(splat(simd, 0.814_642_734_961_073), x).abs();
    x * outer / (splat(simd, 2.445_066_346_522_99) + q).mul_add(inner, splat(simd, 2.445_066_346_522_99))
}

/// [`sigmoid`] from [`fast_tanh`]: half its error.
#[inline(always)]
pub fn fast_sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = splat(simd, 0.5);
    fast_tanh(simd, x * half).mul_add(half, half)
}

/// `e^x`, relative error at most 3e-7; 0 below -87, clamped above 88.
///
/// `e^x = 2^n · e^r` with `|r| ≤ ln 2 / 2`, `e^r` by its Taylor polynomial of degree 7 (Cody and Waite's reduction).
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let tiny = x.simd_lt(splat(simd, -87.0));
    let x = clamp(simd, x, -87.0, 88.0);
    let n = (x * splat(simd, std::f32::consts::LOG2_E)).round_ties_even();
    let r = n.mul_add(splat(simd, -0.693_359_375), x);
    let r = n.mul_add(splat(simd, 2.121_944_4e-4), r);
    let mut e = splat(simd, 1.0 / 5040.0);
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        e = e.mul_add(r, splat(simd, coefficient));
    }
    let exponent: S::i32s = n.to_int();
    let scale: S::f32s = ((exponent + 127) << 23).bitcast();
    tiny.select(splat(simd, 0.0), e * scale)
}

/// `x > 0 ? x : alpha · (e^x - 1)`: absolute error at most `3e-7 · max(1, alpha)`.
#[inline(always)]
pub fn elu<S: Simd>(simd: S, x: S::f32s, alpha: f32) -> S::f32s {
    let below = (exp(simd, x) - splat(simd, 1.0)) * splat(simd, alpha);
    x.simd_gt(splat(simd, 0.0)).select(x, below)
}

/// `x > 0 ? x : slope · x` of a slope from 0 to 1: the larger of both. With 16 lanes, it is as soon selected.
#[inline(always)]
pub fn leaky_relu<S: Simd>(simd: S, x: S::f32s, slope: f32) -> S::f32s {
    if S::f32s::LEN >= 16 {
        return prelu(simd, x, slope);
    }
    x.max(x * splat(simd, slope))
}

/// `x > 0 ? x : slope · x` of any slope.
#[inline(always)]
pub fn prelu<S: Simd>(simd: S, x: S::f32s, slope: f32) -> S::f32s {
    x.simd_gt(splat(simd, 0.0)).select(x, x * splat(simd, slope))
}

/// `x · clamp(x + 3, 0, 6) / 6`.
#[inline(always)]
pub fn hard_swish<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    x * clamp(simd, x + splat(simd, 3.0), 0.0, 6.0) * splat(simd, 1.0 / 6.0)
}

/// Slope 1 inside `min..max`, `min_slope` below and `max_slope` above.
#[inline(always)]
pub fn leaky_hard_tanh<S: Simd>(
    simd: S,
    x: S::f32s,
    (min, max): (f32, f32),
    (min_slope, max_slope): (f32, f32),
) -> S::f32s {
    let below = (x - splat(simd, min)).mul_add(splat(simd, min_slope), splat(simd, min));
    let above = (x - splat(simd, max)).mul_add(splat(simd, max_slope), splat(simd, max));
    let y = x.simd_lt(splat(simd, min)).select(below, x);
    x.simd_gt(splat(simd, max)).select(above, y)
}

/// `x / (1 + |x|)`.
#[inline(always)]
pub fn softsign<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    x / (x.abs() + splat(simd, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{InstructionSet, dispatch};

    /// Applies a function to whole vectors on an instruction set.
    macro_rules! apply {
        ($set:expr, $function:ident, $input:expr) => {{
            let mut values = $input.to_vec();
            values.resize(values.len().next_multiple_of(16), 0.0);
            dispatch!($set, simd => each(simd, &mut values, $function));
            values.truncate($input.len());
            values
        }};
    }

    #[inline(always)]
    fn each<S: Simd>(simd: S, values: &mut [f32], function: impl Fn(S, S::f32s) -> S::f32s) {
        for chunk in values.chunks_exact_mut(S::f32s::LEN) {
            function(simd, S::f32s::from_slice(simd, chunk)).store_slice(chunk);
        }
    }

    /// Every 101st `f32` that is a number, of either sign, infinities included.
    fn all_numbers() -> Vec<f32> {
        let bits = (0..=f32::INFINITY.to_bits()).step_by(101).chain([f32::INFINITY.to_bits()]);
        bits.flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)]).collect()
    }

    /// The largest error, and where.
    fn worst(input: &[f32], output: &[f32], truth: impl Fn(f64) -> f64) -> (f64, f32) {
        let errors = input.iter().zip(output).map(|(&x, &y)| ((f64::from(y) - truth(f64::from(x))).abs(), x));
        errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there is input")
    }

    fn true_sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn tanh_is_within_what_it_states_everywhere() {
        let input = all_numbers();
        for set in InstructionSet::available() {
            let output = apply!(set, tanh, input);
            let (error, at) = worst(&input, &output, f64::tanh);
            let stated = if set.lanes() == 16 { 2.5e-7 } else { 5e-7 };
            assert!(error <= stated, "{error:.2e} at {at:e} on {set}");
            assert!(output.iter().all(|y| y.abs() <= 1.0), "beyond one on {set}");
        }
    }

    #[test]
    fn small_numbers_keep_their_digits_in_tanh() {
        let input: Vec<f32> = all_numbers().into_iter().filter(|x| (1e-30..1.0).contains(&x.abs())).collect();
        for set in InstructionSet::available() {
            let output = apply!(set, tanh, input);
            for (&x, &y) in input.iter().zip(&output) {
                let truth = f64::from(x).tanh();
                let error = ((f64::from(y) - truth) / truth).abs();
                assert!(error <= 1e-6, "relative {error:.2e} at {x:e} on {set}");
            }
        }
    }

    #[test]
    fn the_sooner_tanh_is_the_same() {
        let input = all_numbers();
        for set in InstructionSet::available() {
            assert!(apply!(set, tanh_soon, input) == apply!(set, tanh, input), "they differ on {set}");
        }
    }

    #[test]
    fn the_sigmoid_is_within_5e_7_everywhere() {
        let input = all_numbers();
        for set in InstructionSet::available() {
            let (error, at) = worst(&input, &apply!(set, sigmoid, input), true_sigmoid);
            assert!(error <= 5e-7, "{error:.2e} at {at:e} on {set}");
        }
    }

    #[test]
    fn the_fast_functions_are_within_what_they_state() {
        let everywhere = all_numbers();
        let inside: Vec<f32> = everywhere.iter().copied().filter(|x| x.abs() <= 10.0).collect();
        for set in InstructionSet::available() {
            for (input, bound) in [(&inside, 4.4e-4), (&everywhere, 8.1e-3)] {
                let (error, at) = worst(input, &apply!(set, fast_tanh, input), f64::tanh);
                assert!(error <= bound, "{error:.2e} at {at:e} on {set}");
                let (error, at) = worst(input, &apply!(set, fast_sigmoid, input), true_sigmoid);
                assert!(error <= bound / 2.0, "{error:.2e} at {at:e} on {set}");
            }
        }
    }

    #[test]
    fn exp_keeps_its_digits() {
        let input: Vec<f32> = all_numbers().into_iter().filter(|x| x.abs() < 87.0).collect();
        for set in InstructionSet::available() {
            for (&x, &y) in input.iter().zip(&apply!(set, exp, input)) {
                let truth = f64::from(x).exp();
                let error = (f64::from(y) / truth - 1.0).abs();
                assert!(error <= 3e-7, "relative {error:.2e} at {x:e} on {set}");
            }
            assert_eq!(apply!(set, exp, [-88.0, f32::NEG_INFINITY]), [0.0, 0.0], "on {set}");
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        for set in InstructionSet::available() {
            let input = [f32::NAN; 16];
            for output in
                [apply!(set, tanh, input), apply!(set, sigmoid, input), apply!(set, fast_tanh, input)]
            {
                assert!(output.iter().all(|y| y.is_nan()), "on {set}");
            }
        }
    }
}
