//! `tanh`, which most models spend the most time on, next to their sums.

use fearless_simd::{Bytes, Simd, SimdBase, SimdFloat};
#[cfg(target_arch = "x86_64")]
use fearless_simd::{SimdInto, f32x16, u32x16, x86::Avx512};

use super::{clamp, pair, splat};

/// `tanh`: absolute error at most 5e-7 for every input, relative error at most 1e-6; odd; NaN stays NaN.
///
/// One rational function, or with 16 lanes, where a division is slow, polynomials that are looked up: they take a third less
/// time, and their error is at most 2.5e-7.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    if S::f32s::LEN < 16 {
        let x = clamp(simd, x, -RATIONAL_END, RATIONAL_END);
        return rational(simd, x, x * x);
    }
    let size = splat(simd, PIECES_END).min(x.abs());
    piecewise(simd, size, key(simd, size)).copysign(x)
}

/// [`tanh`], bit for bit, with one operation more and an answer sooner: for where everything waits for it.
#[inline(always)]
pub fn tanh_soon<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    if S::f32s::LEN < 16 {
        let square = splat(simd, RATIONAL_END * RATIONAL_END).min(x * x);
        return rational(simd, clamp(simd, x, -RATIONAL_END, RATIONAL_END), square);
    }
    // The key is clamped on its own: an answer about whole numbers comes in a quarter of the time.
    let last: S::u32s = splat(simd, PIECES_END + PIECES_OFFSET).bitcast();
    let key = key(simd, x.abs()).min(last);
    piecewise(simd, splat(simd, PIECES_END).min(x.abs()), key).copysign(x)
}

/// Beyond this `tanh` is 1 to single precision.
const RATIONAL_END: f32 = 7.95;

/// `x·P(x²)/Q(x²)` of degrees 5 and 3, of an `x` in `-7.95..=7.95`; `s` is its square.
///
/// The coefficients minimise the largest error (Lawson's iteratively reweighted least squares).
#[inline(always)]
fn rational<S: Simd>(simd: S, x: S::f32s, s: S::f32s) -> S::f32s {
    let s2 = s * s;
    let q = pair(simd, s, 2.404_625_625_051_010_8e-2, 2.378_349_177_278_622e-4)
        .mul_add(s, splat(simd, 0.463_167_019_422_799_25))
        .mul_add(s, splat(simd, 1.0));
    let p = splat(simd, 2.389_992_835_131_589_4e-11)
        .mul_add(s2, pair(simd, s, 9.921_306_875_282e-6, -1.484_168_389_273_564_9e-8))
        .mul_add(s2, pair(simd, s, 0.129_833_804_585_922_28, 2.990_369_797_412_954_8e-3));
    // The numerator is `x·(1 + s·p)`; the sum is formed last, so that its large part is rounded once.
    (x * s).mul_add(p, x) / q
}

/// Beyond this `tanh` is 1, the nearest number of single precision.
const PIECES_END: f32 = 9.02;

/// What is added to a number before its piece is told.
const PIECES_OFFSET: f32 = 0.75;

/// A number whose bits from the twentieth on are those of a piece of `tanh`: exponent and three bits of the mantissa.
///
/// So the pieces become twice as wide where the sum reaches the next power of two: 1/16 up to 0.25, 1/2 from 3.25 on.
#[inline(always)]
fn key<S: Simd>(simd: S, size: S::f32s) -> S::u32s {
    (size + splat(simd, PIECES_OFFSET)).bitcast()
}

/// A polynomial of degree 4, its coefficients looked up by a [`key`].
#[inline(always)]
fn piecewise<S: Simd>(simd: S, size: S::f32s, key: S::u32s) -> S::f32s {
    let piece = key >> 20;
    let mut y = look_up(simd, &PIECES[4], piece);
    for row in PIECES[..4].iter().rev() {
        y = y.mul_add(size, look_up(simd, row, piece));
    }
    y
}

/// The entries at `index`, of which only the last five bits count.
#[inline(always)]
fn look_up<S: Simd>(simd: S, row: &Row, index: S::u32s) -> S::f32s {
    // One instruction; the portable operations have none for tables of numbers.
    #[cfg(target_arch = "x86_64")]
    if let fearless_simd::Level::Avx512(avx512) = simd.level() {
        let low = f32x16::from_slice(avx512, &row.0[..16]);
        let high = f32x16::from_slice(avx512, &row.0[16..]);
        let index = u32x16::from_slice(avx512, index.as_slice());
        return S::f32s::from_slice(simd, permute(avx512, low, high, index).as_slice());
    }
    S::f32s::from_fn(simd, |lane| row.0[index.as_slice()[lane] as usize % row.0.len()])
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn permute(
        avx512: Avx512,
        low: f32x16<Avx512>,
        high: f32x16<Avx512>,
        index: u32x16<Avx512>,
    ) -> f32x16<Avx512> {
        std::arch::x86_64::_mm512_permutex2var_ps(low.into(), index.into(), high.into()).simd_into(avx512)
    }
);

/// The coefficients of one power, aligned to what one load takes.
#[repr(align(64))]
struct Row([f32; 32]);

/// The coefficients of `1, a, …, a⁴` for each piece, at the last five bits of its key; `fit_tanh.py` prints them.
#[rustfmt::skip] // a table, not a list
static PIECES: [Row; 5] = [
    Row([
        -0.140187696, -0.157144696, -0.11522425, -0.0212527215, 0.105245367, 0.244028792, 0.379810333, 0.503264546,
        0.653510273, 0.799005151, 0.888791263, 0.94073838, 0.969382703, 0.984589279, 0.992415011, 0.996338546,
        0.998758614, 0.999735713, 0.0, 0.0, 0.0, 7.87401291e-07, 1.01102605e-05, 4.7710535e-05,
        0.000189198821, 0.000363624393, -0.000799671456, -0.00613144459, -0.0187556241, -0.0401348732, -0.0687990487, -0.100514889,
    ]),
    Row([
        1.55510831, 1.60257304, 1.50801826, 1.32046223, 1.09545159, 0.873059928, 0.675181448, 0.510237455,
        0.327522546, 0.17108573, 0.0859506801, 0.0419035256, 0.0199394822, 0.00929793622, 0.00426161569, 0.00192440243,
        0.000595208141, 0.000113293798, 0.0, 0.0, 1.0, 0.999955177, 0.999666154, 0.998872757,
        0.996725261, 0.994719446, 1.00370467, 1.03744316, 1.10447097, 1.20208597, 1.31682241, 1.42982078,
    ]),
    Row([
        -0.847537637, -0.897332549, -0.817289412, -0.676800609, -0.526613891, -0.3929061, -0.284719348, -0.202047989,
        -0.118670851, -0.0555381589, -0.0252451263, -0.0112315863, -0.00491307629, -0.00211942359, -0.000903592387, -0.000381359365,
        -0.000107457243, -1.82690528e-05, 0.0, 0.0, 8.0940008e-06, 0.00100469205, 0.00440466451, 0.0107186921,
        0.0230086464, 0.0316638611, 0.00558892544, -0.0746234283, -0.208267853, -0.375580877, -0.547945023, -0.699014604,
    ]),
    Row([
        0.215173557, 0.238379329, 0.208239362, 0.161431804, 0.116850242, 0.0811033994, 0.0548035726, 0.0363811292,
        0.0194607228, 0.00812696852, 0.00333301211, 0.00135041622, 0.000542196503, 0.000216119894, 8.56267725e-05, 3.37509555e-05,
        8.6534701e-06, 1.31304296e-06, 0.0, 0.0, -0.333981514, -0.344448, -0.362451136, -0.384913683,
        -0.416358709, -0.432967365, -0.399268478, -0.314345688, -0.195746392, -0.0681556016, 0.0470203683, 0.136840999,
    ]),
    Row([
        -0.0210523605, -0.0251058973, -0.0208463706, -0.0149935093, -0.0100277318, -0.00644202996, -0.00404348457, -0.00250346633,
        -0.00121497281, -0.000451305503, -0.000166616155, -6.13746524e-05, -2.25893054e-05, -8.31160742e-06, -3.0578683e-06, -1.12495354e-06,
        -2.62161251e-07, -3.54797933e-08, 0.0, 0.0, 0.0166190043, 0.060905423, 0.0971217752, 0.127262726,
        0.157622725, 0.169580236, 0.153213099, 0.119429663, 0.0799052641, 0.0433795378, 0.0144954482, -0.00554381311,
    ]),
];
