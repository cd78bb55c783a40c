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

/// A layer, and where its signals lie.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// For each row of the condition, then of the taps, one weight a channel, and their biases; then the same for the rows
    /// of the 1x1.
    pub weights: &'a [f32],
    /// Of the taps of the convolution; the last one is none.
    pub delays: &'a [usize],
    /// The residual signal.
    pub source: Ring,
    /// Where the residual signal with the layer's part goes; nobody asks for that of the last one.
    pub target: Option<Target>,
}

/// Where a signal goes that the next layer remembers.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// For this block.
    pub plane: Plane,
    /// A tile that starts before this frame goes there a second time, `distance` behind.
    pub repeated: usize,
    /// See `repeated`.
    pub distance: usize,
}

/// Where the signals lie that all layers share.
#[derive(Debug, Clone, Copy)]
pub struct Places {
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
/// [`fits`] says of which `channels` layers may be. `frames` is a multiple of [`FRAME_GROUP`], and
/// every row has that many.
#[inline(always)]
pub fn residual_layers<'a, S: Simd>(
    simd: S,
    channels: usize,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
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
                    tile::<S, $channels, $height, $width>(simd, curve, layers, layer, places, buffer, frame);
                    frame += $width * lanes;
                }
            )+
        }};
    }
    // The sums of a tile must fit the registers, with what is added to them: 32 with AVX-512, often 16 elsewhere.
    match (lanes, channels) {
        (16.., 2) => tiles!(2: 2 x 4, 2 x 2, 2 x 1),
        (16.., 3) => tiles!(3: 3 x 2, 3 x 1),
        (16.., 4) => tiles!(4: 4 x 2, 4 x 1),
        (16.., 6) => tiles!(6: 6 x 2, 6 x 1),
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
    layers: usize,
    layer: impl Fn(usize) -> Layer<'a>,
    places: &Places,
    buffer: &mut [f32],
    frame: usize,
) {
    let carried = is_carried(CHANNELS, WIDTH);
    let zeros = [[S::f32s::splat(simd, 0.0); WIDTH]; CHANNELS];
    let (mut residual, mut head) = (zeros, zeros);
    let mut before = places.head;
    for index in 0..layers {
        let layer = layer(index);
        let source = layer.source.at(0);
        if carried && index == 0 {
            residual = load_channels(simd, source, buffer, frame);
            if let Some(before) = before {
                head = load_channels(simd, before, buffer, frame);
            }
        }
        let mut activated = zeros;
        let mut projection = layer.weights;
        for first in (0..CHANNELS).step_by(HEIGHT) {
            let (sums, rest) = convolve::<S, CHANNELS, HEIGHT, WIDTH>(
                simd,
                &layer,
                places.condition,
                &residual,
                first,
                buffer,
                frame,
            );
            // An array of its own: sums stay in registers only as long as every index is known when this is compiled.
            activated[first..first + HEIGHT].copy_from_slice(&sums);
            projection = rest;
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
        let Some(target) = layer.target else { break };
        let (projection, biases) = projection.split_at(CHANNELS * CHANNELS);
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
                    load(simd, buffer, source.channel(channel) + frame)
                };
                for v in 0..WIDTH {
                    // Bias and residual come last, as in a mix: they are large. They are there while the sum is not.
                    out[v] += S::f32s::splat(simd, biases[channel]) + x[v];
                }
                if carried {
                    residual[channel] = *out;
                }
                store::<S, WIDTH>(*out, buffer, target.plane.channel(channel) + frame);
            }
            if frame < target.repeated {
                for (n, &out) in finished.iter().enumerate() {
                    let at = target.plane.channel(first + n) + target.distance;
                    store::<S, WIDTH>(out, buffer, at + frame);
                }
            }
        }
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
    layer: &Layer<'a>,
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
    let mut weights = layer.weights;
    macro_rules! add {
        ($sums:ident, $plane:expr, $count:expr) => {
            weights = add_rows::<S, CHANNELS, HEIGHT, WIDTH>(
                simd, &mut $sums, first, $count, $plane, weights, buffer, frame,
            );
        };
    }
    add!(sums, condition.plane, condition.count);
    // The newest frames come last, and what can be added up meanwhile is: the layer before has only just made them.
    let past = layer.delays.len() - usize::from(carried);
    let mut delays = layer.delays[..past].iter();
    while let Some(&delay) = delays.next() {
        // As many rows as channels: a loop of known length.
        if two_chains {
            add!(others, layer.source.at(delay), CHANNELS);
            let Some(&delay) = delays.next() else { break };
            add!(sums, layer.source.at(delay), CHANNELS);
        } else {
            add!(sums, layer.source.at(delay), CHANNELS);
        }
    }
    if two_chains && layer.delays.len() % 2 == 1 {
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
    count: usize,
    plane: Plane,
    weights: &'a [f32],
    buffer: &[f32],
    frame: usize,
) -> &'a [f32] {
    let (here, rest) = weights.split_at(count * CHANNELS);
    let mut at = plane.offset + frame;
    for row in 0..count {
        *sums = add_row(simd, *sums, &here[row * CHANNELS + first..][..HEIGHT], load(simd, buffer, at));
        at += plane.stride;
    }
    rest
}
