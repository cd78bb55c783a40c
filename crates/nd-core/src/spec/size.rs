//! How large a model is.

use super::{Conv1d, Gru, Layer, LayerArray, Lstm, ModelSpec, Network, Rnn, WaveNet, WaveNetLayer};

impl ModelSpec {
    /// The model's rate, or that of the part of it which knows one.
    pub fn known_sample_rate(&self) -> Option<f64> {
        self.sample_rate.or_else(|| match &self.network {
            Network::Stack(_) => None,
            Network::WaveNet(wavenet) => wavenet.condition.as_ref().and_then(|spec| spec.known_sample_rate()),
            Network::Container(members) => {
                members.iter().rev().find_map(|member| member.model.known_sample_rate())
            }
            Network::Sequential(models) => models.iter().find_map(Self::known_sample_rate),
        })
    }
}

impl Network {
    /// How many weights the network has at a quality, about: a slimmable array has as much less as its channels squared.
    pub(crate) fn num_parameters_at(&self, quality: f64) -> f64 {
        match self {
            Self::Stack(_) => self.num_parameters() as f64,
            Self::WaveNet(wavenet) => {
                let condition = wavenet.condition.as_ref();
                let condition = condition.map_or(0.0, |spec| spec.network.num_parameters_at(quality));
                let arrays = wavenet.arrays.iter();
                let arrays = arrays.map(|array| self::array(array) as f64 * array.part_at(quality).powi(2));
                condition + arrays.sum::<f64>()
            }
            Self::Container(members) => {
                let chosen = members.iter().find(|member| quality < member.max_value).or(members.last());
                chosen.map_or(0.0, |member| member.model.network.num_parameters_at(quality))
            }
            Self::Sequential(models) => {
                models.iter().map(|model| model.network.num_parameters_at(quality)).sum()
            }
        }
    }

    /// Number of trained numbers; of a container, that of its largest member.
    pub fn num_parameters(&self) -> usize {
        match self {
            Self::Stack(stack) => stack.layers.iter().map(layer).sum(),
            Self::WaveNet(wavenet) => self::wavenet(wavenet),
            Self::Container(members) => {
                members.last().map_or(0, |member| member.model.network.num_parameters())
            }
            Self::Sequential(models) => models.iter().map(|model| model.network.num_parameters()).sum(),
        }
    }
}

fn len(bias: Option<&Vec<f32>>) -> usize {
    bias.map_or(0, Vec::len)
}

pub(super) fn conv(conv: &Conv1d) -> usize {
    conv.weight.len() + len(conv.bias.as_ref())
}

pub(super) fn layer(layer: &Layer) -> usize {
    match layer {
        Layer::Dense(dense) => dense.weight.len() + len(dense.bias.as_ref()),
        Layer::Conv1d(conv) => self::conv(conv),
        Layer::Conv2d(conv) => conv.weight.len() + len(conv.bias.as_ref()),
        Layer::Activation(super::Activation::PRelu { slopes }) => slopes.len(),
        Layer::Activation(_) => 0,
        Layer::Affine(affine) => affine.scale.len() + affine.shift.len(),
        Layer::Lstm(Lstm { weight_ih, weight_hh, bias, initial_hidden, initial_cell, .. }) => {
            let state = [initial_hidden, initial_cell];
            // A state of zeros is where every recurrent layer starts, not something that was trained.
            let trained = state.iter().any(|state| state.iter().any(|&number| number != 0.0));
            let state = if trained { initial_hidden.len() + initial_cell.len() } else { 0 };
            weight_ih.len() + weight_hh.len() + bias.len() + state
        }
        Layer::Gru(Gru { weight_ih, weight_hh, bias_ih, bias_hh, .. }) => {
            weight_ih.len() + weight_hh.len() + bias_ih.len() + bias_hh.len()
        }
        Layer::Rnn(Rnn { weight_ih, weight_hh, bias, .. }) => weight_ih.len() + weight_hh.len() + bias.len(),
    }
}

fn wavenet(wavenet: &WaveNet) -> usize {
    let condition = wavenet.condition.as_ref().map_or(0, |spec| spec.network.num_parameters());
    let post_head: usize = wavenet.post_head.iter().map(|(_, stage)| conv(stage)).sum();
    let head_scale = 1;
    condition + wavenet.arrays.iter().map(array).sum::<usize>() + post_head + head_scale
}

fn array(array: &LayerArray) -> usize {
    conv(&array.rechannel)
        + array.layers.iter().map(residual_layer).sum::<usize>()
        + conv(&array.head_rechannel)
}

pub(super) fn residual_layer(layer: &WaveNetLayer) -> usize {
    layer.convs().map(conv).sum()
}
