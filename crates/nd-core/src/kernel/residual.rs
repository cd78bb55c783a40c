//! Residual layers of a `WaveNet`, one after the other, each from its convolution to the 1x1 behind its activation.
//!
//! Time lies in the lanes, as in [`mix`](super::mix), but a tile has all channels of a layer, and goes through layer
//! after layer while it is at hand: what one puts out is what the next one adds up. In short blocks that matters most,
//! where each step on its own waits for what it reads to be written, and has little to compute but much to look up.

use fearless_simd::{Simd, SimdBase};

use super::mix::{Rows, Vectors, add_row, load, store};
use super::{FRAME_GROUP, Plane, Ring};

/// Whether the sums of a channel are split into two chains. A sum can take one product in the time that the processor could
/// compute eight: with few channels, more sums must be on their way. It is so in all blocks, for it decides on the rounding.
#[inline(always)]
const fn has_two_chains(channels: usize, lanes: usize) -> bool {
    let few = match lanes {
        16.. => 4,
        8.. => 3,
        _ => 2,
    };
    channels <= few
}

/// Frames of a tile, at the most.
pub const MAX_TILE: usize = 64;

/// Whether there is a kernel for layers of so many channels.
pub fn fits(channels: usize, lanes: usize) -> bool {
    match channels {
        2..=4 => true,
        6 | 8 | 12 => lanes >= 8,
        16 => lanes >= 16,
        _ => false,
    }
}

/// A layer, and where its signal goes.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Of the taps of the convolution; the last one is none.
    pub delays: &'a [usize],
    /// Where the residual signal with the layer's part goes; nobody asks for that of the last one.
    pub target: Option<Ring>,
}

/// Where the signals lie that all layers share, and the one that they start from.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// The residual signal before the first layer.
    pub source: Ring,
    /// What is mixed in before the activation.
    pub condition: Rows,
    /// The running sum of the activations of the layers before, where there is one.
    pub head: Option<Plane>,
    /// Where it goes.
    pub head_target: Plane,
}

/// Computes `frames` frames of as many layers as `layers` says, of `channels` channels, each of them
///
/// `y = curve(Σ conv · taps + Σ mixin · condition + bias)`, `head += y`, `residual += Σ conv1x1 · y + bias`.
///
/// `weights` holds, for each layer, one weight a channel for each row of the condition, then of the taps, and their
/// biases; then the same for the rows of the 1x1. [`fits`] says of which `channels` layers may be. `frames` is a multiple
/// of [`FRAME_GROUP`], and every row has that many.
#[inline(always)]
pub fn residual_layers<'a, S: Simd>(
    simd: S,
    channels: usize,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    weights: &[f32],
    layers: usize,
    layer: impl Fn(usize) -> Layer<'a> + Copy,
    places: &Places,
    buffer: &mut [f32],
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    let mut frame = 0;
    // Tiles along time, each of so many channels at a time by so many vectors: wide ones as long as they fit.
    macro_rules! tiles {
        ($channels:literal: $($height:literal x $width:literal),+) => {{
            $(
                const { assert!($channels % $height == 0 && $width * FRAME_GROUP <= MAX_TILE) };
                while frame + $width * lanes <= frames {
                    tile::<S, $channels, $height, $width>(simd, curve, weights, layers, layer, places, buffer, frame);
                    frame += $width * lanes;
                }
            )+
        }};
    }
    // The sums of a tile must fit the registers, with what is added to them: 32 with AVX-512, often 16 elsewhere.
    match (lanes, channels) {
        (16.., 2) => tiles!(2: 2 x 4, 2 x 2, 2 x 1),
        (16.., 3) => tiles!(3: 3 x 4, 3 x 2, 3 x 1),
        (16.., 4) => tiles!(4: 4 x 2, 4 x 1),
        (16.., 6) => tiles!(6: 6 x 4, 6 x 2, 6 x 1),
        (16.., 8) => tiles!(8: 8 x 2, 8 x 1),
        (16.., 12) => tiles!(12: 6 x 2, 12 x 1),
        (16.., 16) => tiles!(16: 8 x 2, 16 x 1),
        (_, 2) => tiles!(2: 2 x 2),
        (_, 3) => tiles!(3: 3 x 2),
        (_, 4) => tiles!(4: 4 x 2),
        (8.., 6) => tiles!(6: 6 x 2),
        (8.., 8) => tiles!(8: 4 x 2),
        (8.., 12) => tiles!(12: 6 x 2),
        _ => debug_assert!(false, "no kernel for {channels} channels in {lanes} lanes"),
    }
}

/// Whether a tile takes the residual signal and the running sum along in registers, or in the buffer, where they do not fit.
#[inline(always)]
const fn is_carried(channels: usize, width: usize) -> bool {
    channels <= 8 && width == 1
}

/// All channels by `WIDTH` vectors of frames, `HEIGHT` channels at a time.
#[inline(always)]
fn tile<'a, S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    mut weights: &[f32],
    layers: usize,
    layer: impl Fn(usize) -> Layer<'a>,
    places: &Places,
    buffer: &mut [f32],
    frame: usize,
) {
    let carried = is_carried(CHANNELS, WIDTH);
    let zeros = [[S::f32s::splat(simd, 0.0); WIDTH]; CHANNELS];
    let (mut residual, mut head) = (zeros, zeros);
    if carried {
        residual = load_channels(simd, places.source.at(0), buffer, frame);
        if let Some(before) = places.head {
            head = load_channels(simd, before, buffer, frame);
        }
    }
    let mut before = places.head;
    let mut source = places.source;
    for index in 0..layers {
        let Layer { delays, target } = layer(index);
        let mut activated = zeros;
        let mut rest = weights;
        for first in (0..CHANNELS).step_by(HEIGHT) {
            let sums;
            (sums, rest) = convolve::<S, CHANNELS, HEIGHT, WIDTH>(
                simd,
                weights,
                delays,
                source,
                places.condition,
                &residual,
                first,
                buffer,
                frame,
            );
            // An array of its own: sums stay in registers only as long as every index is known when this is compiled.
            activated[first..first + HEIGHT].copy_from_slice(&sums);
        }
        // No closures here: one that is not inlined knows nothing of the instruction set.
        for (channel, activated) in activated.iter_mut().enumerate() {
            for y in activated.iter_mut() {
                *y = curve(*y);
            }
            if carried {
                for v in 0..WIDTH {
                    head[channel][v] += activated[v];
                }
            } else {
                let mut head = *activated;
                if let Some(before) = before {
                    let before: [S::f32s; WIDTH] = load(simd, buffer, before.channel(channel) + frame);
                    for v in 0..WIDTH {
                        head[v] += before[v];
                    }
                }
                store::<S, WIDTH>(head, buffer, places.head_target.channel(channel) + frame);
            }
        }
        before = Some(places.head_target);
        let Some(target) = target else { break };
        let (projection, rest) = rest.split_at(CHANNELS * CHANNELS);
        let (biases, rest) = rest.split_at(CHANNELS);
        weights = rest;
        let (here, behind) = (target.at(0), target.len);
        let is_repeated = target.position + frame < target.repeated;
        for first in (0..CHANNELS).step_by(HEIGHT) {
            let mut outs = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
            for (weights, &x) in projection.chunks_exact(CHANNELS).zip(&activated) {
                outs = add_row(simd, outs, &weights[first..][..HEIGHT], x);
            }
            // As above.
            let mut finished = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
            finished.copy_from_slice(&outs);
            for (n, out) in finished.iter_mut().enumerate() {
                let channel = first + n;
                let x = if carried {
                    residual[channel]
                } else {
                    load(simd, buffer, source.at(0).channel(channel) + frame)
                };
                for v in 0..WIDTH {
                    // Bias and residual come last, as in a mix: they are large. They are there while the sum is not.
                    out[v] += S::f32s::splat(simd, biases[channel]) + x[v];
                }
                if carried {
                    residual[channel] = *out;
                }
                store::<S, WIDTH>(*out, buffer, here.channel(channel) + frame);
            }
            if is_repeated {
                for (n, &out) in finished.iter().enumerate() {
                    store::<S, WIDTH>(out, buffer, here.channel(first + n) + behind + frame);
                }
            }
        }
        source = target;
    }
    if carried {
        for (channel, head) in head.into_iter().enumerate() {
            store::<S, WIDTH>(head, buffer, places.head_target.channel(channel) + frame);
        }
    }
}

/// What goes into the curve, for the channels from `first` on. Returns the weights that follow, too.
#[inline(always)]
fn convolve<'a, S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    mut weights: &'a [f32],
    delays: &[usize],
    source: Ring,
    condition: Rows,
    residual: &Vectors<S, CHANNELS, WIDTH>,
    first: usize,
    buffer: &[f32],
    frame: usize,
) -> (Vectors<S, HEIGHT, WIDTH>, &'a [f32]) {
    let carried = is_carried(CHANNELS, WIDTH);
    let two_chains = has_two_chains(CHANNELS, S::f32s::LEN);
    let zeros = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
    let (mut sums, mut others) = (zeros, zeros);
    weights =
        add_rows::<S, CHANNELS, HEIGHT, WIDTH>(simd, &mut sums, first, condition, weights, buffer, frame);
    macro_rules! add {
        ($sums:ident, $plane:expr) => {
            weights = add_channels::<S, CHANNELS, HEIGHT, WIDTH>(
                simd, &mut $sums, first, $plane, weights, buffer, frame,
            );
        };
    }
    // The newest frames come last, and what can be added up meanwhile is: the layer before has only just made them.
    let past = delays.len() - usize::from(carried);
    let mut old = delays[..past].iter();
    while let Some(&delay) = old.next() {
        // As many rows as channels: a loop of known length.
        if two_chains {
            add!(others, source.at(delay));
            let Some(&delay) = old.next() else { break };
            add!(sums, source.at(delay));
        } else {
            add!(sums, source.at(delay));
        }
    }
    if two_chains && delays.len() % 2 == 1 {
        // The newest are always in `sums`.
        std::mem::swap(&mut sums, &mut others);
    }
    if carried {
        let (newest, rest) = weights.split_at(CHANNELS * CHANNELS);
        for (weights, &x) in newest.chunks_exact(CHANNELS).zip(residual) {
            sums = add_row(simd, sums, &weights[first..][..HEIGHT], x);
        }
        weights = rest;
    }
    for (channel, sums) in sums.iter_mut().enumerate() {
        let bias = S::f32s::splat(simd, weights[first + channel]);
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum += if two_chains { others[channel][v] + bias } else { bias };
        }
    }
    (sums, &weights[CHANNELS..])
}

/// A tile of a signal.
#[inline(always)]
fn load_channels<S: Simd, const CHANNELS: usize, const WIDTH: usize>(
    simd: S,
    plane: Plane,
    buffer: &[f32],
    frame: usize,
) -> Vectors<S, CHANNELS, WIDTH> {
    let mut channels = [[S::f32s::splat(simd, 0.0); WIDTH]; CHANNELS];
    for (channel, vectors) in channels.iter_mut().enumerate() {
        *vectors = load(simd, buffer, plane.channel(channel) + frame);
    }
    channels
}

/// Adds rows to the sums of the channels from `first` on, times their weights. Returns the weights that follow.
#[inline(always)]
fn add_rows<'a, S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    sums: &mut Vectors<S, HEIGHT, WIDTH>,
    first: usize,
    rows: Rows,
    weights: &'a [f32],
    buffer: &[f32],
    frame: usize,
) -> &'a [f32] {
    let (here, rest) = weights.split_at(rows.count * CHANNELS);
    let mut at = rows.plane.offset + frame;
    for row in 0..rows.count {
        *sums = add_row(simd, *sums, &here[row * CHANNELS + first..][..HEIGHT], load(simd, buffer, at));
        at += rows.plane.stride;
    }
    rest
}

/// Adds a row for each channel, as above. Those of a short block are checked in groups, the end of the last one for all:
/// as many as can be at hand in registers at a time.
#[inline(always)]
fn add_channels<'a, S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    sums: &mut Vectors<S, HEIGHT, WIDTH>,
    first: usize,
    plane: Plane,
    weights: &'a [f32],
    buffer: &[f32],
    frame: usize,
) -> &'a [f32] {
    let len = WIDTH * S::f32s::LEN;
    if len > FRAME_GROUP {
        let rows = Rows { plane, count: CHANNELS };
        return add_rows::<S, CHANNELS, HEIGHT, WIDTH>(simd, sums, first, rows, weights, buffer, frame);
    }
    let group = match (CHANNELS, WIDTH) {
        (3, _) | (6, 1) => 3,
        (2, _) | (_, 2..) => 2,
        _ => 4,
    };
    // Small numbers, so the compiler knows that no sum of a few of them overflows.
    let small = |x: usize| x & u32::MAX as usize;
    let stride = small(plane.stride);
    let (here, rest) = weights.split_at(CHANNELS * CHANNELS);
    for (index, weights) in here.chunks_exact(group * CHANNELS).enumerate() {
        let start = small(plane.channel(index * group) + frame);
        let rows = &buffer[start..start + (group - 1) * stride + len];
        for row in 0..group {
            let x = load(simd, rows, row * stride);
            *sums = add_row(simd, *sums, &weights[row * CHANNELS + first..][..HEIGHT], x);
        }
    }
    rest
}
