//! How much arithmetic a model asks for, counted from its description.

use std::iter::Sum;
use std::ops::Add;

use nd_core::spec::{Activation, Conv1d, Gating, Layer, LayerArray, WaveNetLayer};
use nd_core::{ModelSpec, Network};
use serde::Serialize;

/// What one sample costs, whatever the order in which it is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Work {
    /// Multiply-adds.
    pub(crate) macs: usize,
    /// Activations that cost a `tanh`.
    pub(crate) curves: usize,
    /// Activations made of straight lines.
    pub(crate) kinks: usize,
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            macs: self.macs + other.macs,
            curves: self.curves + other.curves,
            kinks: self.kinks + other.kinks,
        }
    }
}

impl Sum for Work {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}

impl Work {
    /// The work of a whole model; of one in several sizes, that of the largest.
    pub(crate) fn of(spec: &ModelSpec) -> Self {
        match &spec.network {
            Network::Stack(stack) => {
                let mut width = stack.in_channels;
                let mut work = Self::default();
                for layer in &stack.layers {
                    work = work + Self::layer(layer, width);
                    width = layer.out_channels().unwrap_or(width);
                }
                work
            }
            Network::WaveNet(net) => {
                let condition = net.condition.as_ref().map_or(Self::default(), |model| Self::of(model));
                let head = net.post_head.iter().map(|(activation, conv)| {
                    Self::activation(activation, conv.in_channels) + Self::conv(conv)
                });
                condition + net.arrays.iter().map(Self::array).sum() + head.sum()
            }
            Network::Container(members) => {
                members.last().map_or(Self::default(), |member| Self::of(&member.model))
            }
            Network::Sequential(models) => models.iter().map(Self::of).sum(),
        }
    }

    fn macs(macs: usize) -> Self {
        Self { macs, ..Self::default() }
    }

    fn conv(conv: &Conv1d) -> Self {
        Self::macs(conv.weight.len())
    }

    fn activation(activation: &Activation, width: usize) -> Self {
        match activation {
            Activation::Identity => Self::default(),
            Activation::Tanh
            | Activation::FastTanh
            | Activation::Sigmoid
            | Activation::Silu
            | Activation::Elu { .. }
            | Activation::Softmax => Self { curves: width, ..Self::default() },
            Activation::HardTanh { .. }
            | Activation::Relu
            | Activation::LeakyRelu { .. }
            | Activation::PRelu { .. }
            | Activation::HardSwish
            | Activation::LeakyHardTanh { .. }
            | Activation::Softsign
            | Activation::Softsigmoid => Self { kinks: width, ..Self::default() },
        }
    }

    fn layer(layer: &Layer, width: usize) -> Self {
        match layer {
            Layer::Dense(dense) => Self::macs(dense.weight.len()),
            Layer::Conv1d(conv) => Self::conv(conv),
            Layer::Conv2d(conv) => Self::macs(conv.weight.len() * conv.out_features),
            Layer::Activation(activation) => Self::activation(activation, width),
            Layer::Affine(affine) => Self::macs(affine.scale.len()),
            Layer::Lstm(lstm) => Self {
                macs: lstm.weight_ih.len() + lstm.weight_hh.len(),
                curves: 5 * lstm.hidden_size,
                kinks: 0,
            },
            Layer::Gru(gru) => Self {
                macs: gru.weight_ih.len() + gru.weight_hh.len(),
                curves: 3 * gru.hidden_size,
                kinks: 0,
            },
            Layer::Rnn(rnn) => {
                Self { macs: rnn.weight_ih.len() + rnn.weight_hh.len(), curves: rnn.hidden_size, kinks: 0 }
            }
        }
    }

    fn array(array: &LayerArray) -> Self {
        let layers = array.layers.iter().map(Self::residual_layer);
        Self::conv(&array.rechannel) + layers.sum() + Self::conv(&array.head_rechannel)
    }

    fn residual_layer(layer: &WaveNetLayer) -> Self {
        let activations = match &layer.gating {
            Gating::None => Self::activation(&layer.activation, layer.conv.out_channels),
            Gating::Gated(second) | Gating::Blended(second) => {
                let width = layer.conv.out_channels / 2;
                Self::activation(&layer.activation, width) + Self::activation(second, width)
            }
        };
        layer.convs().map(Self::conv).sum::<Self>() + activations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn count(name: &str) -> Work {
        let entry =
            catalogue::all().into_iter().find(|entry| entry.name == name).expect("a model of that name");
        Work::of(&ModelSpec::from_slice(&entry.file).expect("the catalogue's models load"))
    }

    #[test]
    fn a_wavenet_costs_its_convolutions_and_one_activation_a_channel() {
        // 16 + 10 · (16·16·3 + 16 + 16·16) + 16·8, then 16·8 + 10 · (8·8·3 + 8 + 8·8) + 8.
        assert_eq!(count("A1 standard"), Work { macs: 13_320, curves: 240, kinks: 0 }, "A1 standard");
        assert_eq!(count("A2 full"), Work { macs: 11_776, curves: 0, kinks: 184 }, "A2 full");
    }

    #[test]
    fn a_recurrent_layer_costs_its_matrices_and_its_gates() {
        assert_eq!(count("LSTM 1x16"), Work { macs: 4 * 16 * 17 + 16, curves: 80, kinks: 0 }, "LSTM");
        assert_eq!(count("GRU 1x16"), Work { macs: 3 * 16 * 17 + 16, curves: 48, kinks: 0 }, "GRU");
    }

    #[test]
    fn a_plain_stack_costs_what_its_layers_cost() {
        assert_eq!(count("MLP 1-16-1"), Work { macs: 32, curves: 16, kinks: 0 }, "perceptron");
        assert_eq!(count("Linear 256"), Work { macs: 256, curves: 0, kinks: 0 }, "impulse response");
        let macs = 2 * 16 + 9 * 2 * 16 * 16 + 16;
        assert_eq!(count("ConvNet 16x10"), Work { macs, curves: 160, kinks: 0 }, "ConvNet");
    }
}
