//! Recurrent layers, frame by frame, with the units in the lanes.
//!
//! Their state is *frame-major*: a frame holds all units side by side, padded with zeros to whole vectors, and behind
//! those of the blocks before come the new ones. A frame reads the state of one before it, so it waits for that; what
//! does not depend on it (bias and input) is left to the processor to do meanwhile, and the recurrent sums run in two
//! chains.
//!
//! Weights are packed in blocks of one vector of units. A block has a row for the biases, one for each input and one
//! for each unit of the state (rounded up to an even number of those); a row holds one vector for each gate.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::activation::{fast_tanh, tanh_soon};

/// Where a layer's input, output and cell state lie in the buffer.
#[derive(Debug, Clone, Copy)]
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

/// Adds `Σ_j x[j] · row[j]` to the sums of `GATES` gates, the odd rows in a chain of their own.
#[inline(always)]
fn accumulate<S: Simd, const GATES: usize>(simd: S, sums: &mut [S::f32s; GATES], weights: &[f32], x: &[f32]) {
    let lanes = S::f32s::LEN;
    let mut odd = [S::f32s::splat(simd, 0.0); GATES];
    for (rows, pair) in weights.chunks_exact(2 * GATES * lanes).zip(x.chunks_exact(2)) {
        let (first, second) = rows.split_at(GATES * lanes);
        let (x0, x1) = (S::f32s::splat(simd, pair[0]), S::f32s::splat(simd, pair[1]));
        for gate in 0..GATES {
            let at = gate * lanes..(gate + 1) * lanes;
            sums[gate] = S::f32s::from_slice(simd, &first[at.clone()]).mul_add(x0, sums[gate]);
            odd[gate] = S::f32s::from_slice(simd, &second[at]).mul_add(x1, odd[gate]);
        }
    }
    for gate in 0..GATES {
        sums[gate] += odd[gate];
    }
}

/// Adds one row, times `x`, to the sums of the gates.
#[inline(always)]
fn accumulate_row<S: Simd, const GATES: usize>(simd: S, sums: &mut [S::f32s; GATES], row: &[f32], x: f32) {
    let lanes = S::f32s::LEN;
    let x = S::f32s::splat(simd, x);
    for (gate, sum) in sums.iter_mut().enumerate() {
        *sum = S::f32s::from_slice(simd, &row[gate * lanes..(gate + 1) * lanes]).mul_add(x, *sum);
    }
}

#[inline(always)]
fn load_row<S: Simd, const GATES: usize>(simd: S, row: &[f32]) -> [S::f32s; GATES] {
    let lanes = S::f32s::LEN;
    let mut vectors = [S::f32s::splat(simd, 0.0); GATES];
    for (gate, vector) in vectors.iter_mut().enumerate() {
        *vector = S::f32s::from_slice(simd, &row[gate * lanes..(gate + 1) * lanes]);
    }
    vectors
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
fn from_input<'a, S: Simd, const GATES: usize>(
    simd: S,
    mut sums: [S::f32s; GATES],
    weights: &'a [f32],
    buffer: &[f32],
    place: &Place,
    frame: usize,
) -> ([S::f32s; GATES], &'a [f32]) {
    let (inputs, recurrent) = weights.split_at(place.inputs * GATES * S::f32s::LEN);
    for (channel, row) in inputs.chunks_exact(GATES * S::f32s::LEN).enumerate() {
        let at = place.input + frame * place.input_frame_stride + channel * place.input_channel_stride;
        accumulate_row(simd, &mut sums, row, buffer[at]);
    }
    (sums, recurrent)
}

/// All that goes into the gates of one block of units, where bias, input and state go into the same ones.
#[inline(always)]
fn gate_sums<S: Simd, const GATES: usize>(
    simd: S,
    weights: &[f32],
    buffer: &[f32],
    place: &Place,
    frame: usize,
) -> [S::f32s; GATES] {
    let (biases, weights) = weights.split_at(GATES * S::f32s::LEN);
    let biases = load_row(simd, biases);
    let (mut sums, recurrent) = from_input(simd, biases, weights, buffer, place, frame);
    accumulate(simd, &mut sums, recurrent, &buffer[place.old(place.output, frame)..][..place.hidden_rows]);
    sums
}

/// Long short-term memory; gates i, f, g, o, of which i, f and o are packed halved.
#[inline(always)]
pub fn lstm<S: Simd, const FAST: bool>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    for frame in 0..frames {
        for block in 0..place.units / lanes {
            let weights = block_of::<S, 4>(weights, block, 4, place);
            let [i, f, g, o] = gate_sums(simd, weights, buffer, place, frame);

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
pub fn gru<S: Simd, const FAST: bool>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    for frame in 0..frames {
        for block in 0..place.units / lanes {
            let weights = block_of::<S, 3>(weights, block, 4, place);
            let (biases, weights) = weights.split_at(4 * lanes);
            let [r, z, n_input, n_state] = load_row(simd, biases);
            let ([r, z, n_input], recurrent) =
                from_input(simd, [r, z, n_input], weights, buffer, place, frame);
            let before = place.old(place.output, frame);
            let mut sums = [r, z, n_state];
            accumulate(simd, &mut sums, recurrent, &buffer[before..before + place.hidden_rows]);

            let h = S::f32s::from_slice(simd, &buffer[before + block * lanes..][..lanes]);
            let r = gate::<S, FAST>(simd, sums[0]);
            let z = gate::<S, FAST>(simd, sums[1]);
            let n = squash::<S, FAST>(simd, r.mul_add(sums[2], n_input));
            let h = z.mul_add(h - n, n);
            h.store_slice(&mut buffer[place.present(place.output, frame) + block * lanes..][..lanes]);
        }
    }
}

/// Elman's network.
#[inline(always)]
pub fn rnn<S: Simd, const FAST: bool>(
    simd: S,
    weights: &[f32],
    buffer: &mut [f32],
    place: &Place,
    frames: usize,
) {
    let lanes = S::f32s::LEN;
    for frame in 0..frames {
        for block in 0..place.units / lanes {
            let weights = block_of::<S, 1>(weights, block, 1, place);
            let [sum] = gate_sums(simd, weights, buffer, place, frame);
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
