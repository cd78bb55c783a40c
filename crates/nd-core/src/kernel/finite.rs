//! What is a number, and what is none: neither NaN nor infinite.

use fearless_simd::Simd;

/// What counts as silence where it is no number.
#[inline(always)]
pub fn finite(x: f32) -> f32 {
    if x.is_finite() { x } else { 0.0 }
}

/// Copies a signal, of which whatever is no number becomes silence.
///
/// The instruction set is that of the function which this becomes a part of, as below.
#[inline(always)]
pub fn copy_finite<S: Simd>(_: S, source: &[f32], target: &mut [f32]) {
    for (target, &x) in target.iter_mut().zip(source) {
        *target = finite(x);
    }
}

/// Whether all are numbers, in one pass without a branch.
#[inline(always)]
pub fn is_finite<S: Simd>(_: S, signal: &[f32]) -> bool {
    signal.iter().fold(true, |all, y| all & y.is_finite())
}
