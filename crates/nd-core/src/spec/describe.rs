//! A model as a table of its layers.

use std::fmt;

use super::{
    Activation, Conv1d, Gating, Layer, LayerArray, ModelSpec, Network, Padding, Stack, WaveNet, WaveNetLayer,
    size,
};

/// One layer of a model, as a listing shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerDescription {
    /// Where it is, such as `arrays[1].layers[3]`.
    pub path: String,
    /// What it is called: `Dense`, `Conv1d`, `WaveNetLayer`, …
    pub kind: &'static str,
    /// Width of its input.
    pub in_channels: usize,
    /// Width of its output.
    pub out_channels: usize,
    /// Of its weights, as [`spec`](super) orders them; of a recurrent layer, `[gates · units][inputs + units]`; empty
    /// where there are none.
    pub shape: Vec<usize>,
    /// What else there is to say, such as its dilation and its activation.
    pub details: String,
    /// How many trained numbers it has.
    pub num_parameters: usize,
}

impl ModelSpec {
    /// The layers in order of evaluation, those of a condition and of models inside this one among them.
    pub fn describe(&self) -> Vec<LayerDescription> {
        let mut table = Table { rows: Vec::new(), prefix: String::new() };
        table.model(self);
        table.rows
    }
}

struct Table {
    rows: Vec<LayerDescription>,
    prefix: String,
}

impl Table {
    /// Describes a model at a place inside of another.
    fn inside(&mut self, place: &str, model: &ModelSpec) {
        let outside = self.prefix.len();
        self.prefix.push_str(place);
        self.prefix.push('.');
        self.model(model);
        self.prefix.truncate(outside);
    }

    fn model(&mut self, model: &ModelSpec) {
        match &model.network {
            Network::Stack(stack) => self.stack(stack),
            Network::WaveNet(wavenet) => self.wavenet(wavenet),
            Network::Container(members) => {
                for (index, member) in members.iter().enumerate() {
                    self.inside(&format!("members[{index}]"), &member.model);
                }
            }
            Network::Sequential(models) => {
                for (index, model) in models.iter().enumerate() {
                    self.inside(&format!("models[{index}]"), model);
                }
            }
        }
    }

    fn stack(&mut self, stack: &Stack) {
        let mut width = stack.in_channels;
        for (index, layer) in stack.layers.iter().enumerate() {
            let in_channels = width;
            width = layer.out_channels().unwrap_or(width);
            let (shape, details) = match layer {
                Layer::Dense(dense) => {
                    (vec![dense.out_channels, dense.in_channels], bias(dense.bias.is_some()))
                }
                Layer::Conv1d(conv) => (shape(conv), [taps(conv), bias(conv.bias.is_some())].concat()),
                Layer::Conv2d(conv) => {
                    let taps = [conv.kernel_size_time, conv.kernel_size_feature];
                    let padding = if conv.padding == Padding::Same { "same" } else { "valid" };
                    let mut details = vec![format!("{} features, {padding} padding", conv.in_features)];
                    details.extend((conv.dilation > 1).then(|| format!("dilation {}", conv.dilation)));
                    details.extend((conv.stride > 1).then(|| format!("stride {}", conv.stride)));
                    ([taps, [conv.in_filters, conv.out_filters]].concat(), details)
                }
                Layer::Activation(activation) => (Vec::new(), vec![activation.to_string()]),
                Layer::Affine(affine) => (vec![affine.scale.len()], Vec::new()),
                Layer::Lstm(lstm) => {
                    let state = lstm.initial_hidden.iter().chain(&lstm.initial_cell);
                    let stored = state.clone().any(|&number| number != 0.0);
                    let details = stored.then(|| "starts from a stored state".to_owned());
                    (recurrent(4, lstm.input_size, lstm.hidden_size), details.into_iter().collect())
                }
                Layer::Gru(gru) => (recurrent(3, gru.input_size, gru.hidden_size), Vec::new()),
                Layer::Rnn(rnn) => (recurrent(1, rnn.input_size, rnn.hidden_size), Vec::new()),
            };
            let (path, count) = (format!("layers[{index}]"), size::layer(layer));
            self.row(&path, layer.kind(), in_channels, width, shape, &details, count);
        }
    }

    fn wavenet(&mut self, wavenet: &WaveNet) {
        if let Some(condition) = &wavenet.condition {
            self.inside("condition", condition);
        }
        for (index, array) in wavenet.arrays.iter().enumerate() {
            self.array(&format!("arrays[{index}]"), array);
        }
        for (index, (activation, conv)) in wavenet.post_head.iter().enumerate() {
            let details = [vec![activation.to_string()], taps(conv)].concat();
            self.conv(&format!("post_head[{index}]"), conv, &details);
        }
        let width = wavenet.arrays.last().map_or(1, |array| array.head_rechannel.out_channels);
        self.row("head_scale", "Gain", width, width, Vec::new(), &[wavenet.head_scale.to_string()], 1);
    }

    fn array(&mut self, path: &str, array: &LayerArray) {
        let widths = (!array.allowed_channels.is_empty())
            .then(|| format!("can be cut to {} widths", array.allowed_channels.len()));
        self.conv(&format!("{path}.rechannel"), &array.rechannel, &widths.into_iter().collect::<Vec<_>>());
        for (index, layer) in array.layers.iter().enumerate() {
            let path = format!("{path}.layers[{index}]");
            let channels = array.rechannel.out_channels;
            let count = size::residual_layer(layer);
            let details = residual_layer(layer);
            self.row(&path, "WaveNetLayer", channels, channels, shape(&layer.conv), &details, count);
        }
        let head = &array.head_rechannel;
        self.conv(&format!("{path}.head_rechannel"), head, &[taps(head), bias(head.bias.is_some())].concat());
    }

    fn conv(&mut self, path: &str, conv: &Conv1d, details: &[String]) {
        let count = size::conv(conv);
        self.row(path, "Conv1d", conv.in_channels, conv.out_channels, shape(conv), details, count);
    }

    fn row(
        &mut self,
        path: &str,
        kind: &'static str,
        in_channels: usize,
        out_channels: usize,
        shape: Vec<usize>,
        details: &[String],
        num_parameters: usize,
    ) {
        let (path, details) = (format!("{}{path}", self.prefix), details.join(", "));
        self.rows.push(LayerDescription {
            path,
            kind,
            in_channels,
            out_channels,
            shape,
            details,
            num_parameters,
        });
    }
}

fn shape(conv: &Conv1d) -> Vec<usize> {
    vec![conv.out_channels, conv.in_channels / conv.groups.max(1), conv.kernel_size]
}

fn recurrent(gates: usize, input_size: usize, hidden_size: usize) -> Vec<usize> {
    vec![gates * hidden_size, input_size + hidden_size]
}

/// What a convolution has beside its shape.
fn taps(conv: &Conv1d) -> Vec<String> {
    let mut details = Vec::new();
    if conv.dilation > 1 && conv.kernel_size > 1 {
        details.push(format!("dilation {}", conv.dilation));
    }
    if conv.groups > 1 {
        details.push(format!("{} groups", conv.groups));
    }
    details
}

fn bias(is_there: bool) -> Vec<String> {
    if is_there { Vec::new() } else { vec!["no bias".to_owned()] }
}

fn residual_layer(layer: &WaveNetLayer) -> Vec<String> {
    let mut details = taps(&layer.conv);
    details.push(layer.activation.to_string());
    match &layer.gating {
        Gating::None => {}
        Gating::Gated(second) => details.push(format!("gated by {second}")),
        Gating::Blended(second) => details.push(format!("blended by {second}")),
    }
    if layer.layer1x1.is_none() {
        details.push("no layer1x1".to_owned());
    }
    details.extend(layer.head1x1.as_ref().map(|conv| format!("head1x1 to {}", conv.out_channels)));
    let films = layer.films().into_iter().filter_map(|(key, film)| film.map(|_| key.to_owned()));
    details.extend(films);
    details
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("no activation"),
            Self::Tanh => f.write_str("Tanh"),
            Self::FastTanh => f.write_str("FastTanh"),
            Self::HardTanh { min, max } => write!(f, "HardTanh from {min} to {max}"),
            Self::Relu => f.write_str("ReLU"),
            Self::LeakyRelu { slope } => write!(f, "LeakyReLU {slope}"),
            Self::PRelu { slopes } => write!(f, "PReLU of {} slopes", slopes.len()),
            Self::Sigmoid => f.write_str("Sigmoid"),
            Self::Silu => f.write_str("SiLU"),
            Self::HardSwish => f.write_str("HardSwish"),
            Self::LeakyHardTanh { min, max, .. } => write!(f, "LeakyHardTanh from {min} to {max}"),
            Self::Softsign => f.write_str("Softsign"),
            Self::Softsigmoid => f.write_str("Softsigmoid"),
            Self::Elu { alpha } => write!(f, "ELU {alpha}"),
            Self::Softmax => f.write_str("Softmax"),
        }
    }
}
