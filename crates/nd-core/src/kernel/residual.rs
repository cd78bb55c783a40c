//! A residual layer of a `WaveNet` in one go: its convolution, its activation, and the 1x1 behind it.
//!
//! Time lies in the lanes, as in [`mix`](super::mix), but a tile has all channels of the layer: what the convolution
//! sums up is activated and goes through the 1x1 without leaving the registers. In short blocks that matters most,
//! where a layer that is cut into steps waits for each to be written and read back.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::Plane;
use super::mix::Rows;

/// Sums of a tile, at most: in the 1x1, as many sums again and a few weights share the registers with them.
#[inline(always)]
const fn max_sums(lanes: usize) -> usize {
    if lanes >= 16 { 16 } else { 8 }
}

/// Into how many chains the sums of a channel are split. A sum can take one product in the time that the processor could
/// compute eight: with few channels, more sums must be on their way. The number is that of all blocks, for it decides on
/// the rounding.
#[inline(always)]
const fn chains(channels: usize, lanes: usize) -> usize {
    if 4 * channels <= max_sums(lanes) { 2 } else { 1 }
}

/// Whether there is a kernel for layers of so many channels.
pub fn fits(channels: usize, lanes: usize) -> bool {
    matches!(channels, 2 | 3 | 4 | 6 | 8) && channels <= max_sums(lanes) / 2
}

/// Output channels of the 1x1 that are summed at a time, where [`fits`] says yes.
pub fn tile_height(channels: usize) -> usize {
    match channels {
        2 => 2,
        3 | 6 => 3,
        _ => 4,
    }
}

/// Where a layer's signals lie. The residual signal is what the layer convolves.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// What is mixed in before the activation.
    pub condition: Rows,
    /// The residual signal as it is now.
    pub residual: Plane,
    /// The running sum of the activations, where there is one.
    pub head: Option<Plane>,
    /// Where it goes.
    pub head_target: Plane,
    /// Where the residual signal with the layer's part goes.
    pub target: Plane,
}

/// Computes `frames` frames of a layer of `channels` channels:
///
/// `y = curve(Σ conv · taps + Σ mixin · condition + bias)`, `head_target = head + y`,
/// `target = residual + Σ conv1x1 · y + bias`.
///
/// `taps` are the places in the buffer where the first channel of the residual signal is at each delay of the convolution.
/// `weights` holds, for each row of the taps, then of the condition, one weight a channel, and their biases; then, for
/// each [`tile_height`] outputs of the 1x1, one weight each for each channel, and their biases. `frames` is a multiple of
/// [`FRAME_GROUP`](super::FRAME_GROUP), and every row has that many.
#[inline(always)]
pub fn residual_layer<S: Simd>(
    simd: S,
    channels: usize,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    weights: &[f32],
    taps: &(impl Iterator<Item = usize> + Clone),
    places: &Places,
    buffer: &mut [f32],
    frames: usize,
) {
    macro_rules! tiles {
        ($channels:literal, $height:literal) => {{
            const { assert!($channels % $height == 0) };
            if 2 * $channels <= max_sums(S::f32s::LEN) {
                row_of_tiles::<S, $channels, $height>(simd, curve, weights, taps, places, buffer, frames);
            }
        }};
    }
    match channels {
        2 => tiles!(2, 2),
        3 => tiles!(3, 3),
        4 => tiles!(4, 4),
        6 => tiles!(6, 3),
        8 => tiles!(8, 4),
        _ => debug_assert!(false, "no kernel for {channels} channels"),
    }
}

/// Tiles along time: wide ones as long as they fit, then narrow ones.
#[inline(always)]
fn row_of_tiles<S: Simd, const CHANNELS: usize, const HEIGHT: usize>(
    simd: S,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    weights: &[f32],
    taps: &(impl Iterator<Item = usize> + Clone),
    places: &Places,
    buffer: &mut [f32],
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    let sums = CHANNELS * chains(CHANNELS, lanes);
    let mut frame = 0;
    macro_rules! tiles {
        ($width:literal) => {
            if $width == 1 || $width * sums <= max_sums(lanes) {
                while frame + $width * lanes <= frames {
                    tile::<S, CHANNELS, HEIGHT, $width>(
                        simd,
                        curve,
                        weights,
                        taps.clone(),
                        places,
                        buffer,
                        frame,
                    );
                    frame += $width * lanes;
                }
            }
        };
    }
    tiles!(4);
    tiles!(2);
    tiles!(1);
}

/// Some vectors of frames of some channels.
type Sums<S, const CHANNELS: usize, const WIDTH: usize> = [[<S as Simd>::f32s; WIDTH]; CHANNELS];

/// All channels of a layer by `WIDTH` vectors of frames.
#[inline(always)]
fn tile<S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    mut weights: &[f32],
    mut taps: impl Iterator<Item = usize>,
    places: &Places,
    buffer: &mut [f32],
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    let zeros = [[S::f32s::splat(simd, 0.0); WIDTH]; CHANNELS];
    let (mut sums, mut others) = (zeros, zeros);
    macro_rules! add_tap {
        ($sums:ident, $offset:expr) => {
            let plane = Plane { offset: $offset, stride: places.residual.stride };
            // As many rows as channels: a loop of known length.
            ($sums, weights) = add_rows(simd, $sums, CHANNELS, plane, weights, buffer, frame);
        };
    }
    while let Some(offset) = taps.next() {
        add_tap!(sums, offset);
        if chains(CHANNELS, lanes) > 1 {
            let Some(offset) = taps.next() else { break };
            add_tap!(others, offset);
        }
    }
    let Rows { plane, count } = places.condition;
    (sums, weights) = add_rows(simd, sums, count, plane, weights, buffer, frame);
    let (biases, mut weights) = weights.split_at(CHANNELS);
    for channel in 0..CHANNELS {
        for v in 0..WIDTH {
            if chains(CHANNELS, lanes) > 1 {
                sums[channel][v] += others[channel][v];
            }
            sums[channel][v] += S::f32s::splat(simd, biases[channel]);
        }
    }
    // An array of its own: the sums stay in registers only as long as every index is known when this is compiled.
    let mut activated = zeros;
    activated.copy_from_slice(&sums);
    for (channel, activated) in activated.iter_mut().enumerate() {
        let head = places.head.map(|head| load::<S, WIDTH>(simd, buffer, head.channel(channel) + frame));
        let head_target = &mut buffer[places.head_target.channel(channel) + frame..][..WIDTH * lanes];
        for (v, y) in activated.iter_mut().enumerate() {
            *y = curve(*y);
            head.map_or(*y, |head| head[v] + *y).store_slice(&mut head_target[v * lanes..(v + 1) * lanes]);
        }
    }
    for first in (0..CHANNELS).step_by(HEIGHT) {
        let (here, rest) = weights.split_at(CHANNELS * HEIGHT);
        let (biases, rest) = rest.split_at(HEIGHT);
        weights = rest;
        let mut outs = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
        for channel in 0..CHANNELS {
            let weights = &here[channel * HEIGHT..(channel + 1) * HEIGHT];
            outs = add_row(simd, outs, weights, activated[channel]);
        }
        for (channel, (outs, &bias)) in (first..).zip(outs.iter().zip(biases)) {
            let residual = load::<S, WIDTH>(simd, buffer, places.residual.channel(channel) + frame);
            let target = &mut buffer[places.target.channel(channel) + frame..][..WIDTH * lanes];
            for v in 0..WIDTH {
                // Bias and residual come last, as in a mix: they are large.
                let out = outs[v] + S::f32s::splat(simd, bias) + residual[v];
                out.store_slice(&mut target[v * lanes..(v + 1) * lanes]);
            }
        }
    }
}

/// Adds rows to each channel's sum, times that channel's weights. Returns the sums, and the weights that follow.
#[inline(always)]
fn add_rows<'a, S: Simd, const CHANNELS: usize, const WIDTH: usize>(
    simd: S,
    mut sums: Sums<S, CHANNELS, WIDTH>,
    count: usize,
    plane: Plane,
    weights: &'a [f32],
    buffer: &[f32],
    frame: usize,
) -> (Sums<S, CHANNELS, WIDTH>, &'a [f32]) {
    let (here, rest) = weights.split_at(count * CHANNELS);
    for row in 0..count {
        let x = load::<S, WIDTH>(simd, buffer, plane.channel(row) + frame);
        sums = add_row(simd, sums, &here[row * CHANNELS..(row + 1) * CHANNELS], x);
    }
    (sums, rest)
}

/// Adds a row to each channel's sum, times that channel's weight.
#[inline(always)]
fn add_row<S: Simd, const CHANNELS: usize, const WIDTH: usize>(
    simd: S,
    mut sums: Sums<S, CHANNELS, WIDTH>,
    weights: &[f32],
    x: [S::f32s; WIDTH],
) -> Sums<S, CHANNELS, WIDTH> {
    for channel in 0..CHANNELS {
        let weight = S::f32s::splat(simd, weights[channel]);
        for v in 0..WIDTH {
            sums[channel][v] = x[v].mul_add(weight, sums[channel][v]);
        }
    }
    sums
}

#[inline(always)]
fn load<S: Simd, const WIDTH: usize>(simd: S, buffer: &[f32], at: usize) -> [S::f32s; WIDTH] {
    let lanes = S::f32s::LEN;
    let x = &buffer[at..][..WIDTH * lanes];
    let mut vectors = [S::f32s::splat(simd, 0.0); WIDTH];
    for (v, vector) in vectors.iter_mut().enumerate() {
        *vector = S::f32s::from_slice(simd, &x[v * lanes..(v + 1) * lanes]);
    }
    vectors
}
