//! The one kernel behind every feed-forward layer: weighted sums of rows.
//!
//! A dense layer, a dilated convolution, a 1x1, the mixing-in of a condition: each output channel is a bias plus a
//! weighted sum of *rows*, where a row is some channel of some signal at some delay. Time lies in the lanes, so any
//! number of channels runs without waste, and a tile of output channels stays in registers over all rows.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::Plane;

/// Output channels that share one pass over the rows, at most: a tile's sums must fit the registers.
pub fn max_tile_height(lanes: usize) -> usize {
    if lanes >= 16 { 8 } else { 4 }
}

/// Splits `channels` into tiles of nearly equal height.
pub fn tile_heights(channels: usize, lanes: usize) -> impl Iterator<Item = usize> {
    let tiles = channels.div_ceil(max_tile_height(lanes)).max(1);
    (0..tiles).map(move |tile| channels / tiles + usize::from(tile < channels % tiles))
}

/// `target[c] = bias[c] (+ residual[c]) + Σ_r weight[c][r] · buffer[rows[r]..]`, for `frames` frames.
///
/// `weights` holds, for each tile of [`tile_heights`], its biases, then for each row one weight a channel.
/// `frames` is a multiple of [`FRAME_GROUP`](super::FRAME_GROUP), and every row has that many.
#[inline(always)]
pub fn mix<S: Simd>(
    simd: S,
    mut weights: &[f32],
    rows: &[u32],
    residual: Option<Plane>,
    buffer: &mut [f32],
    target: Plane,
    channels: usize,
    frames: usize,
) {
    let mut first = 0;
    for height in tile_heights(channels, S::f32s::LEN) {
        let (tile, rest) = weights.split_at(height * (rows.len() + 1));
        weights = rest;
        let residual = residual.map(|plane| Plane { offset: plane.channel(first), ..plane });
        let target = Plane { offset: target.channel(first), ..target };
        match height {
            1 => row_of_tiles::<S, 1>(simd, tile, rows, residual, buffer, target, frames),
            2 => row_of_tiles::<S, 2>(simd, tile, rows, residual, buffer, target, frames),
            3 => row_of_tiles::<S, 3>(simd, tile, rows, residual, buffer, target, frames),
            4 => row_of_tiles::<S, 4>(simd, tile, rows, residual, buffer, target, frames),
            5 => row_of_tiles::<S, 5>(simd, tile, rows, residual, buffer, target, frames),
            6 => row_of_tiles::<S, 6>(simd, tile, rows, residual, buffer, target, frames),
            7 => row_of_tiles::<S, 7>(simd, tile, rows, residual, buffer, target, frames),
            _ => row_of_tiles::<S, 8>(simd, tile, rows, residual, buffer, target, frames),
        }
        first += height;
    }
}

/// Tiles of one height along time: wide ones as long as they fit, then narrow ones.
#[inline(always)]
fn row_of_tiles<S: Simd, const HEIGHT: usize>(
    simd: S,
    weights: &[f32],
    rows: &[u32],
    residual: Option<Plane>,
    buffer: &mut [f32],
    target: Plane,
    frames: usize,
) {
    let mut frame = 0;
    if HEIGHT <= 4 {
        while frame + 4 * S::f32s::LEN <= frames {
            tile::<S, HEIGHT, 4>(simd, weights, rows, residual, buffer, target, frame);
            frame += 4 * S::f32s::LEN;
        }
    }
    while frame + 2 * S::f32s::LEN <= frames {
        tile::<S, HEIGHT, 2>(simd, weights, rows, residual, buffer, target, frame);
        frame += 2 * S::f32s::LEN;
    }
    while frame < frames {
        tile::<S, HEIGHT, 1>(simd, weights, rows, residual, buffer, target, frame);
        frame += S::f32s::LEN;
    }
}

/// `HEIGHT` channels by `WIDTH` vectors of frames, summed in registers.
#[inline(always)]
fn tile<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    weights: &[f32],
    rows: &[u32],
    residual: Option<Plane>,
    buffer: &mut [f32],
    target: Plane,
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    let (biases, weights) = weights.split_at(HEIGHT);
    let mut sums = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
    for (c, sums) in sums.iter_mut().enumerate() {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = S::f32s::splat(simd, biases[c]);
            if let Some(residual) = residual {
                let at = residual.channel(c) + frame + v * lanes;
                *sum += S::f32s::from_slice(simd, &buffer[at..at + lanes]);
            }
        }
    }
    for (weights, &row) in weights.chunks_exact(HEIGHT).zip(rows) {
        let x = &buffer[row as usize + frame..][..WIDTH * lanes];
        let mut xs = [S::f32s::splat(simd, 0.0); WIDTH];
        for (v, xv) in xs.iter_mut().enumerate() {
            *xv = S::f32s::from_slice(simd, &x[v * lanes..(v + 1) * lanes]);
        }
        for c in 0..HEIGHT {
            let weight = S::f32s::splat(simd, weights[c]);
            for v in 0..WIDTH {
                sums[c][v] = xs[v].mul_add(weight, sums[c][v]);
            }
        }
    }
    for (c, sums) in sums.iter().enumerate() {
        let at = target.channel(c) + frame;
        let out = &mut buffer[at..at + WIDTH * lanes];
        for (v, sum) in sums.iter().enumerate() {
            sum.store_slice(&mut out[v * lanes..(v + 1) * lanes]);
        }
    }
}
