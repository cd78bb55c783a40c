//! Recurrent layers, frame by frame, with the units in the lanes.
//!
//! Their state is *frame-major*: a frame holds all units side by side, padded with zeros to whole vectors, and behind
//! those of the blocks before come the new ones. A frame reads the state of one before it, so it waits for that; what
//! does not depend on it (bias and input) is left to the processor to do meanwhile, and the recurrent sums run in two
//! chains. At a multiple of the layer's rate that state is of some frames before, and two frames are computed side by side.
//!
//! Weights are packed in blocks of one vector of units. A block has a row for the biases, one for each input and one
//! for each unit of the state (rounded up to an even number of those); a row holds one vector for each gate.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::activation::{fast_tanh, tanh_soon};
use super::mix::load;

/// Where a layer's input, output and cell state lie in the buffer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// First frame of the first input.
    pub input: usize,
    /// Distance from frame to frame of the input.
    pub input_frame_stride: usize,
    /// Distance from input to input.
    pub input_channel_stride: usize,
    /// Number of inputs.
    pub inputs: usize,
    /// First new frame of the output.
    pub output: usize,
    /// First new frame of an LSTM's cell state; unused otherwise.
    pub cell: usize,
    /// Frames from one state to the next: 1 at the rate that the layer was trained at.
    pub delay: usize,
    /// Units, padded to whole vectors.
    pub units: usize,
    /// Rows of recurrent weights: the units in truth, rounded up to an even number.
    pub hidden_rows: usize,
}

impl Place {
    /// Where a new frame starts within a state.
    #[inline(always)]
    fn present(&self, state: usize, frame: usize) -> usize {
        state + frame * self.units
    }

    /// Where the frame starts that a new one follows.
    #[inline(always)]
    fn old(&self, state: usize, frame: usize) -> usize {
        self.present(state, frame) - self.delay * self.units
    }
}

/// One of the layers of a stack.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layer<'a> {
    /// Packed as the module says.
    pub weights: &'a [f32],
    /// Where it works: the output of the layer before is its input.
    pub place: Place,
}

/// Sums of some gates, of frames that do not wait for each other.
type Sums<S, const GATES: usize, const FRAMES: usize> = [[<S as Simd>::f32s; GATES]; FRAMES];

/// Frames that are computed side by side, where they do not wait for each other: one alone leaves the processor idle most
/// of the time. Their sums must fit the registers.
#[inline(always)]
const fn max_together(lanes: usize) -> usize {
    if lanes >= 16 { 2 } else { 1 }
}

/// Runs a kernel over all frames. A frame goes through all layers: the processor then begins the next one in the first layer
/// while this one is in the last.
macro_rules! frame_by_frame {
    ($kernel:ident::<$simd_type:ident, $fast:ident>($simd:expr, $layers:expr, $buffer:expr, $frames:expr)) => {
        // What is the same for all frames stays in registers only where there is one layer.
        if let [layer] = $layers {
            let alone = [*layer];
            frame_by_frame!(each $kernel::<$simd_type, $fast>($simd, &alone, $buffer, $frames))
        } else {
            frame_by_frame!(each $kernel::<$simd_type, $fast>($simd, $layers, $buffer, $frames))
        }
    };
    // Two by two where the state that they start from is there already.
    (each $kernel:ident::<$simd_type:ident, $fast:ident>($simd:expr, $layers:expr, $buffer:expr, $frames:expr)) => {{
        let together = max_together($simd_type::f32s::LEN) >= 2 && $layers.iter().all(|layer| layer.place.delay >= 2);
        let mut frame = 0;
        while together && frame + 2 <= $frames {
            for layer in $layers {
                $kernel::<$simd_type, $fast, 2>($simd, layer.weights, $buffer, &layer.place, frame);
            }
            frame += 2;
        }
        while frame < $frames {
            for layer in $layers {
                $kernel::<$simd_type, $fast, 1>($simd, layer.weights, $buffer, &layer.place, frame);
            }
            frame += 1;
        }
    }};
}

/// Adds `Σ_j x[j] · row[j]` to the sums of the gates, the odd rows in a chain of their own; `x` starts at `places`.
#[inline(always)]
fn accumulate<S: Simd, const GATES: usize, const FRAMES: usize>(
    simd: S,
    mut sums: Sums<S, GATES, FRAMES>,
    weights: &[f32],
    buffer: &[f32],
    places: [usize; FRAMES],
    rows: usize,
) -> Sums<S, GATES, FRAMES> {
    let lanes = S::f32s::LEN;
    let mut odd = [[S::f32s::splat(simd, 0.0); GATES]; FRAMES];
    let xs = places.map(|place| &buffer[place..][..rows]);
    let weights = weights[..rows * GATES * lanes].chunks_exact(2 * GATES * lanes);
    if FRAMES == 1 {
        // The same as below, where every index would be a check and an address of its own: a lone frame waits for each.
        for (rows, x) in weights.zip(xs[0].chunks_exact(2)) {
            let (first, second) = rows.split_at(GATES * lanes);
            sums = add_row(simd, sums, first, [x[0]; FRAMES]);
            odd = add_row(simd, odd, second, [x[1]; FRAMES]);
        }
    } else {
        for (pair, rows) in weights.enumerate() {
            let (first, second) = rows.split_at(GATES * lanes);
            let row = 2 * pair;
            sums = add_row(simd, sums, first, xs.map(|x| x[row]));
            odd = add_row(simd, odd, second, xs.map(|x| x[row + 1]));
        }
    }
    for n in 0..FRAMES {
        for gate in 0..GATES {
            sums[n][gate] += odd[n][gate];
        }
    }
    sums
}

/// Adds one row to the sums of the gates, times the `x` of each frame.
#[inline(always)]
fn add_row<S: Simd, const GATES: usize, const FRAMES: usize>(
    simd: S,
    mut sums: Sums<S, GATES, FRAMES>,
    row: &[f32],
    x: [f32; FRAMES],
) -> Sums<S, GATES, FRAMES> {
    let row: [S::f32s; GATES] = load(simd, row, 0);
    for n in 0..FRAMES {
        let x = S::f32s::splat(simd, x[n]);
        for gate in 0..GATES {
            sums[n][gate] = row[gate].mul_add(x, sums[n][gate]);
        }
    }
    sums
}

#[inline(always)]
fn squash<S: Simd, const FAST: bool>(simd: S, x: S::f32s) -> S::f32s {
    if FAST { fast_tanh(simd, x) } else { tanh_soon(simd, x) }
}

/// `sigmoid(2x)`: the packed weights of a sigmoid gate are halved.
#[inline(always)]
fn gate<S: Simd, const FAST: bool>(simd: S, x: S::f32s) -> S::f32s {
    let half = S::f32s::splat(simd, 0.5);
    squash::<S, FAST>(simd, x).mul_add(half, half)
}

/// The part of the packed weights that belongs to one block of units, whose row of biases has `biases` vectors.
#[inline(always)]
fn block_of<'a, S: Simd, const GATES: usize>(
    weights: &'a [f32],
    block: usize,
    biases: usize,
    place: &Place,
) -> &'a [f32] {
    let len = S::f32s::LEN * (biases + (place.inputs + place.hidden_rows) * GATES);
    &weights[block * len..][..len]
}

/// Biases and inputs of one block of units, and the recurrent weights that follow.
#[inline(always)]
fn from_input<'a, S: Simd, const GATES: usize, const FRAMES: usize>(
    simd: S,
    biases: [S::f32s; GATES],
    weights: &'a [f32],
    buffer: &[f32],
    place: &Place,
    frame: usize,
) -> (Sums<S, GATES, FRAMES>, &'a [f32]) {
    let mut sums = [biases; FRAMES];
    let (inputs, recurrent) = weights.split_at(place.inputs * GATES * S::f32s::LEN);
    for (channel, row) in inputs.chunks_exact(GATES * S::f32s::LEN).enumerate() {
        let at = place.input + frame * place.input_frame_stride + channel * place.input_channel_stride;
        let x = std::array::from_fn(|n| buffer[at + n * place.input_frame_stride]);
        sums = add_row(simd, sums, row, x);
    }
    (sums, recurrent)
}

/// All that goes into the gates of one block of units, where bias, input and state go into the same ones.
#[inline(always)]
fn gate_sums<S: Simd, const GATES: usize, const FRAMES: usize>(
    simd: S,
    weights: &[f32],
    buffer: &[f32],
    place: &Place,
    frame: usize,
) -> Sums<S, GATES, FRAMES> {
    let (biases, weights) = weights.split_at(GATES * S::f32s::LEN);
    let biases = load(simd, biases, 0);
    let (sums, recurrent) = from_input(simd, biases, weights, buffer, place, frame);
    let states = std::array::from_fn(|n| place.old(place.output, frame + n));
    accumulate(simd, sums, recurrent, buffer, states, place.hidden_rows)
}

/// Long short-term memory; gates i, f, g, o, of which i, f and o are packed halved.
#[inline(always)]
pub fn lstm<S: Simd, const FAST: bool>(simd: S, layers: &[Layer<'_>], buffer: &mut [f32], frames: usize) {
    frame_by_frame!(lstm_frames::<S, FAST>(simd, layers, buffer, frames));
}

#[inline(always)]
fn lstm_frames<S: Simd, const FAST: bool, const FRAMES: usize>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    for block in 0..place.units / lanes {
        let weights = block_of::<S, 4>(weights, block, 4, place);
        let sums: Sums<S, 4, FRAMES> = gate_sums(simd, weights, buffer, place, frame);
        for (n, &[i, f, g, o]) in sums.iter().enumerate() {
            let frame = frame + n;
            let c =
                S::f32s::from_slice(simd, &buffer[place.old(place.cell, frame) + block * lanes..][..lanes]);
            let half_c = c * S::f32s::splat(simd, 0.5);
            let remembered = squash::<S, FAST>(simd, f).mul_add(half_c, half_c);
            let c = gate::<S, FAST>(simd, i).mul_add(squash::<S, FAST>(simd, g), remembered);
            c.store_slice(&mut buffer[place.present(place.cell, frame) + block * lanes..][..lanes]);
            let h = gate::<S, FAST>(simd, o) * squash::<S, FAST>(simd, c);
            h.store_slice(&mut buffer[place.present(place.output, frame) + block * lanes..][..lanes]);
        }
    }
}

/// Gated recurrent unit; gates r, z (packed halved), and n in two parts, from the input and from the state.
#[inline(always)]
pub fn gru<S: Simd, const FAST: bool>(simd: S, layers: &[Layer<'_>], buffer: &mut [f32], frames: usize) {
    frame_by_frame!(gru_frames::<S, FAST>(simd, layers, buffer, frames));
}

#[inline(always)]
fn gru_frames<S: Simd, const FAST: bool, const FRAMES: usize>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    for block in 0..place.units / lanes {
        let weights = block_of::<S, 3>(weights, block, 4, place);
        let (biases, weights) = weights.split_at(4 * lanes);
        let [r, z, n_input, n_state] = load(simd, biases, 0);
        let (inputs, recurrent): (Sums<S, 3, FRAMES>, _) =
            from_input(simd, [r, z, n_input], weights, buffer, place, frame);
        let mut sums = inputs;
        for [_, _, n] in &mut sums {
            *n = n_state;
        }
        let states = std::array::from_fn(|n| place.old(place.output, frame + n));
        let sums = accumulate(simd, sums, recurrent, buffer, states, place.hidden_rows);
        for n in 0..FRAMES {
            let (frame, [r, z, n_state], [_, _, n_input]) = (frame + n, sums[n], inputs[n]);
            let before = place.old(place.output, frame) + block * lanes;
            let h = S::f32s::from_slice(simd, &buffer[before..before + lanes]);
            let r = gate::<S, FAST>(simd, r);
            let z = gate::<S, FAST>(simd, z);
            let n = squash::<S, FAST>(simd, r.mul_add(n_state, n_input));
            let h = z.mul_add(h - n, n);
            h.store_slice(&mut buffer[place.present(place.output, frame) + block * lanes..][..lanes]);
        }
    }
}

/// Elman's network.
#[inline(always)]
pub fn rnn<S: Simd, const FAST: bool>(simd: S, layers: &[Layer<'_>], buffer: &mut [f32], frames: usize) {
    frame_by_frame!(rnn_frames::<S, FAST>(simd, layers, buffer, frames));
}

#[inline(always)]
fn rnn_frames<S: Simd, const FAST: bool, const FRAMES: usize>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frame: usize,
) {
    let lanes = S::f32s::LEN;
    for block in 0..place.units / lanes {
        let weights = block_of::<S, 1>(weights, block, 1, place);
        let sums: Sums<S, 1, FRAMES> = gate_sums(simd, weights, buffer, place, frame);
        for (n, &[sum]) in sums.iter().enumerate() {
            let frame = frame + n;
            let h = squash::<S, FAST>(simd, sum);
            h.store_slice(&mut buffer[place.present(place.output, frame) + block * lanes..][..lanes]);
        }
    }
}

/// One output channel of a dense layer on frame-major input: `target[t] = bias + Σ_j weights[j] · input[t][j]`.
#[inline(always)]
pub fn project<S: Simd>(
    simd: S,
    weights: &[f32],
    bias: f32,
    buffer: &mut [f32],
    input: usize,
    target: usize,
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    for frame in 0..frames {
        let x = &buffer[input + frame * weights.len()..][..weights.len()];
        let mut sum = S::f32s::splat(simd, 0.0);
        for (w, x) in weights.chunks_exact(lanes).zip(x.chunks_exact(lanes)) {
            sum = S::f32s::from_slice(simd, w).mul_add(S::f32s::from_slice(simd, x), sum);
        }
        buffer[target + frame] = bias + sum.reduce_sum();
    }
}
