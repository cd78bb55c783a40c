//! Weights in the order in which the kernels read them.

use crate::spec::{Gru, Lstm, Rnn};

/// Weights of sums of rows: for each tile of output channels, for each row, one weight a channel; then the tile's biases.
pub(super) fn sums(
    heights: impl IntoIterator<Item = usize>,
    rows: usize,
    bias: impl Fn(usize) -> f32,
    weight: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let mut packed = Vec::new();
    let mut first = 0;
    for height in heights {
        let tile = first..first + height;
        for row in 0..rows {
            packed.extend(tile.clone().map(|channel| weight(channel, row)));
        }
        packed.extend(tile.map(&bias));
        first += height;
    }
    packed
}

/// A recurrent layer's weights, whatever its cell: what the packing needs to know.
pub(super) struct Cell<'a> {
    pub(super) input_size: usize,
    pub(super) hidden_size: usize,
    /// For each vector of the row of biases: the biases, and a factor.
    biases: Vec<(Vec<f32>, f32)>,
    /// For each gate of the other rows: its index in the weight matrices, and a factor.
    gates: Vec<(usize, f32)>,
    weight_ih: &'a [f32],
    weight_hh: &'a [f32],
}

/// Sigmoid gates are packed halved: `σ(x) = (1 + tanh(x / 2)) / 2`.
const HALF: f32 = 0.5;

impl<'a> Cell<'a> {
    pub(super) fn lstm(layer: &'a Lstm) -> Self {
        let h = layer.hidden_size;
        let factors = [HALF, HALF, 1.0, HALF];
        Self {
            input_size: layer.input_size,
            hidden_size: h,
            biases: (0..4).map(|gate| (layer.bias[gate * h..][..h].to_vec(), factors[gate])).collect(),
            gates: (0..4).map(|gate| (gate, factors[gate])).collect(),
            weight_ih: &layer.weight_ih,
            weight_hh: &layer.weight_hh,
        }
    }

    pub(super) fn gru(layer: &'a Gru) -> Self {
        let h = layer.hidden_size;
        let both = |gate: usize| {
            let (ih, hh) = (&layer.bias_ih[gate * h..][..h], &layer.bias_hh[gate * h..][..h]);
            ih.iter().zip(hh).map(|(a, b)| a + b).collect::<Vec<_>>()
        };
        Self {
            input_size: layer.input_size,
            hidden_size: h,
            biases: vec![
                (both(0), HALF),
                (both(1), HALF),
                (layer.bias_ih[2 * h..].to_vec(), 1.0),
                (layer.bias_hh[2 * h..].to_vec(), 1.0),
            ],
            gates: vec![(0, HALF), (1, HALF), (2, 1.0)],
            weight_ih: &layer.weight_ih,
            weight_hh: &layer.weight_hh,
        }
    }

    pub(super) fn rnn(layer: &'a Rnn) -> Self {
        Self {
            input_size: layer.input_size,
            hidden_size: layer.hidden_size,
            biases: vec![(layer.bias.clone(), 1.0)],
            gates: vec![(0, 1.0)],
            weight_ih: &layer.weight_ih,
            weight_hh: &layer.weight_hh,
        }
    }

    /// Units, padded to whole vectors.
    pub(super) fn units(&self, lanes: usize) -> usize {
        self.hidden_size.next_multiple_of(lanes)
    }

    /// Rows of recurrent weights: the kernel takes them two by two.
    pub(super) fn hidden_rows(&self) -> usize {
        self.hidden_size.next_multiple_of(2)
    }

    /// One block for each vector of units: a row of biases, rows of input weights, rows of recurrent weights.
    pub(super) fn pack(&self, lanes: usize) -> Vec<f32> {
        let mut packed = Vec::new();
        for first in (0..self.units(lanes)).step_by(lanes) {
            let units = first..first + lanes;
            for (biases, factor) in &self.biases {
                packed.extend(units.clone().map(|unit| biases.get(unit).map_or(0.0, |bias| bias * factor)));
            }
            let rows = (0..self.input_size).map(|column| (self.weight_ih, self.input_size, column));
            let rows =
                rows.chain((0..self.hidden_rows()).map(|column| (self.weight_hh, self.hidden_size, column)));
            for (matrix, columns, column) in rows {
                for &(gate, factor) in &self.gates {
                    packed.extend(units.clone().map(|unit| {
                        let inside = unit < self.hidden_size && column < columns;
                        let row = gate * self.hidden_size + unit;
                        if inside { matrix[row * columns + column] * factor } else { 0.0 }
                    }));
                }
            }
        }
        packed
    }
}
