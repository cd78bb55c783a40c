//! A residual layer of a `WaveNet` in one go: its convolution, its activation, and the 1x1 behind it.
//!
//! Time lies in the lanes, as in [`mix`](super::mix), but a tile has all channels of the layer: what the convolution
//! sums up is activated and goes through the 1x1 while it is at hand. In short blocks that matters most, where a layer
//! that is cut into steps waits for each to be written and read back.

use fearless_simd::{Simd, SimdBase};

use super::Plane;
use super::mix::{Rows, Vectors, add_row, load, store};

/// Into how many chains the sums of a channel are split. A sum can take one product in the time that the processor could
/// compute eight: with few channels, more sums must be on their way. The number is that of all blocks, for it decides on
/// the rounding.
#[inline(always)]
const fn chains(channels: usize, lanes: usize) -> usize {
    let few = match lanes {
        16.. => 4,
        8.. => 3,
        _ => 2,
    };
    if channels <= few { 2 } else { 1 }
}

/// Whether there is a kernel for layers of so many channels.
pub fn fits(channels: usize, lanes: usize) -> bool {
    match channels {
        2..=4 => true,
        6 | 8 | 12 => lanes >= 8,
        16 => lanes >= 16,
        _ => false,
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
/// `weights` holds, for each row of the condition, then of the taps, one weight a channel, and their biases; then the same
/// for the rows of the 1x1. [`fits`] says of which `channels` a layer may be. `frames` is a multiple of
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
    let lanes = S::f32s::LEN;
    let mut frame = 0;
    // Tiles along time, each of so many channels at a time by so many vectors: wide ones as long as they fit.
    macro_rules! tiles {
        ($channels:literal: $($height:literal x $width:literal),+) => {{
            $(
                const { assert!($channels % $height == 0) };
                while frame + $width * lanes <= frames {
                    tile::<S, $channels, $height, $width>(simd, curve, weights, taps, places, buffer, frame);
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

/// All channels of a layer by `WIDTH` vectors of frames, `HEIGHT` channels at a time.
#[inline(always)]
fn tile<S: Simd, const CHANNELS: usize, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    curve: impl Fn(S::f32s) -> S::f32s + Copy,
    weights: &[f32],
    taps: &(impl Iterator<Item = usize> + Clone),
    places: &Places,
    buffer: &mut [f32],
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    let zeros = [[S::f32s::splat(simd, 0.0); WIDTH]; HEIGHT];
    let mut activated = [[S::f32s::splat(simd, 0.0); WIDTH]; CHANNELS];
    let mut projection = weights;
    for part in 0..CHANNELS / HEIGHT {
        let first = part * HEIGHT;
        let (mut sums, mut others) = (zeros, zeros);
        let mut rest = weights;
        macro_rules! add_tap {
            ($sums:ident, $tap:expr) => {
                // As many rows as channels: a loop of known length.
                let plane = Plane { offset: $tap, stride: places.residual.stride };
                rest = add_rows::<S, CHANNELS, HEIGHT, WIDTH>(
                    simd, &mut $sums, first, CHANNELS, plane, rest, buffer, frame,
                );
            };
        }
        // The newest frames come last, and what can be added up meanwhile is: the layer before has only just made them.
        let Rows { plane, count } = places.condition;
        rest =
            add_rows::<S, CHANNELS, HEIGHT, WIDTH>(simd, &mut sums, first, count, plane, rest, buffer, frame);
        let mut taps = taps.clone();
        while let Some(tap) = taps.next() {
            add_tap!(sums, tap);
            if chains(CHANNELS, lanes) > 1 {
                let Some(tap) = taps.next() else { break };
                add_tap!(others, tap);
            }
        }
        for (channel, sums) in sums.iter_mut().enumerate() {
            let bias = S::f32s::splat(simd, rest[first + channel]);
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum += if chains(CHANNELS, lanes) > 1 { others[channel][v] + bias } else { bias };
            }
        }
        // An array of its own: sums stay in registers only as long as every index is known when this is compiled.
        activated[first..first + HEIGHT].copy_from_slice(&sums);
        projection = &rest[CHANNELS..];
    }
    for (channel, activated) in activated.iter_mut().enumerate() {
        for y in activated.iter_mut() {
            *y = curve(*y);
        }
        // No closures here: one that is not inlined knows nothing of the instruction set.
        let mut head = *activated;
        if let Some(before) = places.head {
            let before: [S::f32s; WIDTH] = load(simd, &buffer[before.channel(channel) + frame..]);
            for v in 0..WIDTH {
                head[v] += before[v];
            }
        }
        store::<S, WIDTH>(head, &mut buffer[places.head_target.channel(channel) + frame..]);
    }
    let (projection, biases) = projection.split_at(CHANNELS * CHANNELS);
    for part in 0..CHANNELS / HEIGHT {
        let first = part * HEIGHT;
        let mut outs = zeros;
        for (weights, &x) in projection.chunks_exact(CHANNELS).zip(&activated) {
            outs = add_row(simd, outs, &weights[first..][..HEIGHT], x);
        }
        let mut finished = zeros;
        finished.copy_from_slice(&outs);
        for (n, out) in finished.iter_mut().enumerate() {
            let channel = first + n;
            let residual: [S::f32s; WIDTH] = load(simd, &buffer[places.residual.channel(channel) + frame..]);
            for v in 0..WIDTH {
                // Bias and residual come last, as in a mix: they are large. They are there while the sum is not.
                out[v] += S::f32s::splat(simd, biases[channel]) + residual[v];
            }
            store::<S, WIDTH>(*out, &mut buffer[places.target.channel(channel) + frame..]);
        }
    }
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
    let mut rows = &buffer[plane.offset + frame..];
    for row in 0..count {
        let x = load(simd, rows);
        *sums = add_row(simd, *sums, &here[row * CHANNELS + first..][..HEIGHT], x);
        if row + 1 < count {
            rows = &rows[plane.stride..];
        }
    }
    rest
}
