//! Filters of one channel: the first taps of one sample by sample, the others as products of spectra.
//!
//! Both sum in an order of their own that no length of a block changes.

use std::ops::Range;

use fearless_simd::{Simd, SimdBase, SimdFloat};

/// Taps of a filter that [`fir`] takes come in multiples of this.
pub const TAP_GROUP: usize = UNROLL * super::FRAME_GROUP;

/// Taps of each residue that are taken at a time.
const UNROLL: usize = 4;

/// Residues that are summed side by side: one chain of additions alone would wait for itself.
const CHAINS: usize = 2;

/// Where [`fir`] reads tap `index`, counted from the oldest, of so many in all.
///
/// Taps that lie a whole vector apart follow each other: they see the same vectors of the signal, one further on.
pub fn tap_place(taps: usize, lanes: usize, index: usize) -> usize {
    let (vector, residue) = (index / lanes, index % lanes);
    (residue / CHAINS * (taps / lanes) + vector) * CHAINS + residue % CHAINS
}

/// `y[n] += Σ_i tap[i] · x[n + i] + bias`.
///
/// `taps` are as many as a multiple of [`TAP_GROUP`], in the order of [`tap_place`]; `y.len()` is a multiple of
/// [`FRAME_GROUP`](super::FRAME_GROUP), and `x` has `taps.len() + y.len()` samples.
#[inline(always)]
pub fn fir<S: Simd>(simd: S, taps: &[f32], bias: f32, x: &[f32], y: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let mut frame = 0;
    while frame + 4 * lanes <= y.len() {
        fir_tile::<S, 4>(simd, taps, bias, &x[frame..], &mut y[frame..][..4 * lanes]);
        frame += 4 * lanes;
    }
    while frame < y.len() {
        fir_tile::<S, 1>(simd, taps, bias, &x[frame..], &mut y[frame..][..lanes]);
        frame += lanes;
    }
}

/// `WIDTH` vectors of frames, summed in registers.
#[inline(always)]
fn fir_tile<S: Simd, const WIDTH: usize>(simd: S, taps: &[f32], bias: f32, x: &[f32], y: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let zero = S::f32s::splat(simd, 0.0);
    let mut sums = [[zero; WIDTH]; CHAINS];
    for (pair, taps) in taps.chunks_exact(taps.len() / lanes * CHAINS).enumerate() {
        // What the chains see of the signal: the vectors that the last taps saw, and then the new ones.
        let mut seen = [[zero; WIDTH]; CHAINS];
        for (chain, seen) in seen.iter_mut().enumerate() {
            for (v, seen) in seen[1..].iter_mut().enumerate() {
                *seen = S::f32s::from_slice(simd, &x[pair * CHAINS + chain + v * lanes..][..lanes]);
            }
        }
        let x = &x[pair * CHAINS + (WIDTH - 1) * lanes..];
        let mut at = 0;
        for taps in taps.chunks_exact(UNROLL * CHAINS) {
            let x = &x[at..][..UNROLL * lanes + CHAINS];
            at += UNROLL * lanes;
            for step in 0..UNROLL {
                for chain in 0..CHAINS {
                    let seen = &mut seen[chain];
                    for v in 1..WIDTH {
                        seen[v - 1] = seen[v];
                    }
                    seen[WIDTH - 1] = S::f32s::from_slice(simd, &x[step * lanes + chain..][..lanes]);
                    let tap = S::f32s::splat(simd, taps[step * CHAINS + chain]);
                    for v in 0..WIDTH {
                        sums[chain][v] = seen[v].mul_add(tap, sums[chain][v]);
                    }
                }
            }
        }
    }
    let bias = S::f32s::splat(simd, bias);
    for (v, y) in y.chunks_exact_mut(lanes).enumerate() {
        let sum = sums[0][v] + sums[1][v] + (S::f32s::from_slice(simd, y) + bias);
        sum.store_slice(y);
    }
}

/// `Σ_i tap[i] · x[i]`, of as many numbers as a multiple of [`FRAME_GROUP`](super::FRAME_GROUP).
#[inline(always)]
pub fn dot<S: Simd>(simd: S, taps: &[f32], x: &[f32]) -> f32 {
    let lanes = S::f32s::LEN;
    let mut sum = S::f32s::splat(simd, 0.0);
    let mut at = 0;
    while at < taps.len() {
        let (taps, x) = (&taps[at..][..lanes], &x[at..][..lanes]);
        sum = S::f32s::from_slice(simd, taps).mul_add(S::f32s::from_slice(simd, x), sum);
        at += lanes;
    }
    let mut parts = [0.0; super::FRAME_GROUP];
    sum.store_slice(&mut parts[..lanes]);
    let mut count = lanes;
    while count > 1 {
        count /= 2;
        for i in 0..count {
            parts[i] += parts[i + count];
        }
    }
    parts[0]
}

/// `sum += Σ_p spectrum[p] · filter[p]`, number by number, of complex numbers; of those `wanted`.
///
/// A spectrum is the real parts of `sum.len() / 2` numbers, then their imaginary parts. Spectrum 0 is number `newest` in
/// `spectra`, the next follow it, and the first in the slice follows the last. `wanted` begins and ends at a multiple of
/// [`FRAME_GROUP`](super::FRAME_GROUP).
#[inline(always)]
pub fn multiply_spectra<S: Simd>(
    simd: S,
    spectra: &[f32],
    newest: usize,
    filter: &[f32],
    wanted: Range<usize>,
    sum: &mut [f32],
) {
    let lanes = S::f32s::LEN;
    let mut bin = wanted.start;
    while bin + 2 * lanes <= wanted.end {
        multiply_tile::<S, 2>(simd, spectra, newest, filter, sum, bin);
        bin += 2 * lanes;
    }
    while bin < wanted.end {
        multiply_tile::<S, 1>(simd, spectra, newest, filter, sum, bin);
        bin += lanes;
    }
}

/// `WIDTH` vectors of numbers, summed in registers.
#[inline(always)]
fn multiply_tile<S: Simd, const WIDTH: usize>(
    simd: S,
    spectra: &[f32],
    newest: usize,
    filter: &[f32],
    sum: &mut [f32],
    bin: usize,
) {
    let lanes = S::f32s::LEN;
    let zero = S::f32s::splat(simd, 0.0);
    let bins = sum.len() / 2;
    let (before, after) = spectra.split_at(2 * newest * bins);
    let spectra = after.chunks_exact(2 * bins).chain(before.chunks_exact(2 * bins));
    // Real by real, imaginary by imaginary, and the two mixed products.
    let mut sums = [[zero; WIDTH]; 4];
    for (x, h) in spectra.zip(filter.chunks_exact(2 * bins)) {
        for v in 0..WIDTH {
            let vector = |part: &[f32], from: usize| {
                S::f32s::from_slice(simd, &part[from + bin + v * lanes..][..lanes])
            };
            let (x_re, x_im, h_re, h_im) = (vector(x, 0), vector(x, bins), vector(h, 0), vector(h, bins));
            sums[0][v] = x_re.mul_add(h_re, sums[0][v]);
            sums[1][v] = x_im.mul_add(h_im, sums[1][v]);
            sums[2][v] = x_re.mul_add(h_im, sums[2][v]);
            sums[3][v] = x_im.mul_add(h_re, sums[3][v]);
        }
    }
    let (re, im) = sum.split_at_mut(bins);
    let [re_re, im_im, re_im, im_re] = sums;
    for (v, (re_re, im_im)) in re_re.into_iter().zip(im_im).enumerate() {
        let re = &mut re[bin + v * lanes..][..lanes];
        (S::f32s::from_slice(simd, re) + (re_re - im_im)).store_slice(re);
    }
    for (v, (re_im, im_re)) in re_im.into_iter().zip(im_re).enumerate() {
        let im = &mut im[bin + v * lanes..][..lanes];
        (S::f32s::from_slice(simd, im) + (re_im + im_re)).store_slice(im);
    }
}
