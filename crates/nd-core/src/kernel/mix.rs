//! The one kernel behind every feed-forward layer: weighted sums of rows.
//!
//! A dense layer, a dilated convolution, a 1x1, the mixing-in of a condition: each output channel is a bias plus a
//! weighted sum of *rows*, where a row is some channel of some signal at some delay. Time lies in the lanes, so any
//! number of channels runs without waste, and a tile of output channels stays in registers over all rows.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::Plane;

/// Output channels that share one pass over the rows, at most.
fn max_tile_height(lanes: usize) -> usize {
    if lanes >= 16 { 8 } else { 6 }
}

/// Vectors of sums in a tile, at most: they must fit the registers, 32 with AVX-512 and 16 with AVX2.
#[inline(always)]
fn max_sums(lanes: usize) -> usize {
    if lanes >= 16 { 16 } else { 12 }
}

/// Splits `channels` into tiles of nearly equal height.
pub fn tile_heights(channels: usize, lanes: usize) -> impl Iterator<Item = usize> {
    let tiles = channels.div_ceil(max_tile_height(lanes)).max(1);
    (0..tiles).map(move |tile| channels / tiles + usize::from(tile < channels % tiles))
}

/// Channels of a signal at some delay: one row each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows {
    /// Where they lie.
    pub plane: Plane,
    /// How many.
    pub count: usize,
}

/// `target[c] = Σ_r weight[c][r] · row[r] + bias[c] (+ residual[c])`, for `frames` frames.
///
/// `heights` are those of [`tile_heights`]; `weights` holds, for each of these tiles, one weight a channel for each row,
/// then its biases. `frames` is a multiple of [`FRAME_GROUP`](super::FRAME_GROUP), and every row has that many.
#[inline(always)]
pub fn mix<S: Simd>(
    simd: S,
    heights: &[usize],
    mut weights: &[f32],
    rows: &[Rows],
    mut residual: Option<Plane>,
    buffer: &mut [f32],
    mut target: Plane,
    frames: usize,
) {
    for &height in heights {
        macro_rules! tiles {
            ($height:literal) => {
                row_of_tiles::<S, $height>(simd, weights, rows, residual, buffer, target, frames)
            };
        }
        weights = match height {
            1 => tiles!(1),
            2 => tiles!(2),
            3 => tiles!(3),
            4 => tiles!(4),
            5 => tiles!(5),
            6 => tiles!(6),
            7 => tiles!(7),
            _ => tiles!(8),
        };
        target.offset = target.channel(height);
        if let Some(residual) = &mut residual {
            residual.offset = residual.channel(height);
        }
    }
}

/// Tiles of one height along time: wide ones as long as they fit, then narrow ones. Returns the weights that follow.
#[inline(always)]
fn row_of_tiles<'a, S: Simd, const HEIGHT: usize>(
    simd: S,
    weights: &'a [f32],
    rows: &[Rows],
    residual: Option<Plane>,
    buffer: &mut [f32],
    target: Plane,
    frames: usize,
) -> &'a [f32] {
    let lanes = S::f32s::LEN;
    let mut rest = weights;
    let mut frame = 0;
    macro_rules! tiles {
        ($width:literal) => {
            while frame + $width * lanes <= frames {
                rest = tile::<S, HEIGHT, $width>(simd, weights, rows, residual, buffer, target, frame);
                frame += $width * lanes;
            }
        };
    }
    if 4 * HEIGHT <= max_sums(lanes) {
        tiles!(4);
    }
    tiles!(2);
    tiles!(1);
    rest
}

/// `HEIGHT` channels by `WIDTH` vectors of frames, summed in registers. Returns the weights that follow.
#[inline(always)]
fn tile<'a, S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    weights: &'a [f32],
    rows: &[Rows],
    residual: Option<Plane>,
    buffer: &mut [f32],
    target: Plane,
    frame: usize,
) -> &'a [f32] {
    let mut weights = weights;
    let mut sums = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
    for &Rows { plane, count } in rows {
        let (here, rest) = weights.split_at(count * HEIGHT);
        weights = rest;
        let mut at = plane.offset + frame;
        for weights in here.chunks_exact(HEIGHT) {
            sums = add_row(simd, sums, weights, load(simd, buffer, at));
            at += plane.stride;
        }
    }
    // Bias and residual come last, because they are large: every sum that they took part in would be rounded to their
    // precision.
    let (biases, rest) = weights.split_at(HEIGHT);
    for (sums, &bias) in sums.iter_mut().zip(biases) {
        for sum in sums {
            *sum += S::f32s::splat(simd, bias);
        }
    }
    if let Some(residual) = residual {
        for (channel, sums) in sums.iter_mut().enumerate() {
            let x: [S::f32s; WIDTH] = load(simd, buffer, residual.channel(channel) + frame);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += x;
            }
        }
    }
    for (channel, &sums) in sums.iter().enumerate() {
        store::<S, WIDTH>(sums, buffer, target.channel(channel) + frame);
    }
    rest
}

/// Some vectors of frames of some channels.
pub(super) type Vectors<S, const CHANNELS: usize, const WIDTH: usize> =
    [[<S as Simd>::f32s; WIDTH]; CHANNELS];

/// Adds a row to each channel's sum, times that channel's weight.
#[inline(always)]
pub(super) fn add_row<S: Simd, const CHANNELS: usize, const WIDTH: usize>(
    simd: S,
    mut sums: Vectors<S, CHANNELS, WIDTH>,
    weights: &[f32],
    x: [S::f32s; WIDTH],
) -> Vectors<S, CHANNELS, WIDTH> {
    for channel in 0..CHANNELS {
        let weight = S::f32s::splat(simd, weights[channel]);
        for v in 0..WIDTH {
            sums[channel][v] = x[v].mul_add(weight, sums[channel][v]);
        }
    }
    sums
}

/// The vectors of a row that starts at `at`.
#[inline(always)]
pub fn load<S: Simd, const WIDTH: usize>(simd: S, buffer: &[f32], at: usize) -> [S::f32s; WIDTH] {
    let lanes = S::f32s::LEN;
    // Of wide rows, the compiler puts the products in a better order if it compares both ends.
    let row = if WIDTH * lanes > 16 {
        &buffer[at..][..WIDTH * lanes]
    } else {
        &buffer[one_check(at)..one_check(at) + WIDTH * lanes]
    };
    let mut vectors = [S::f32s::splat(simd, 0.0); WIDTH];
    for (v, vector) in vectors.iter_mut().enumerate() {
        *vector = S::f32s::from_slice(simd, &row[v * lanes..(v + 1) * lanes]);
    }
    vectors
}

/// Writes vectors to a row that starts at `at`.
#[inline(always)]
pub fn store<S: Simd, const WIDTH: usize>(vectors: [S::f32s; WIDTH], buffer: &mut [f32], at: usize) {
    let lanes = S::f32s::LEN;
    let row = &mut buffer[one_check(at)..one_check(at) + WIDTH * lanes];
    for (v, vector) in vectors.iter().enumerate() {
        vector.store_slice(&mut row[v * lanes..(v + 1) * lanes]);
    }
}

/// The same place: no buffer has 2^32 samples. The compiler then knows that what is added to it does not overflow, and
/// compares the end of a row alone.
#[inline(always)]
fn one_check(at: usize) -> usize {
    at & u32::MAX as usize
}
