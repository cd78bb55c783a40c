//! A description as `.nam`, in the layout of the oldest version that can express it.

mod wavenet;

use super::super::fold::{check_len, inexpressible, plain_layers};
use super::super::json::Value;
use super::super::{Target, metadata};
use super::stack::CONVNET_KERNEL_SIZE;
use crate::error::WriteError;
use crate::spec::{Activation, Conv1d, Format, Layer, Lstm, ModelSpec, Network, Stack};

/// The version that every player reads.
const OLDEST: &str = "0.5.0";

/// The version that has everything.
const NEWEST: &str = "0.7.0";

const TARGET: Target = Target::Model(Format::Nam);

/// Writes a complete model.
pub(in crate::format) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    model(spec, "")?.into_file()
}

/// An architecture and what it is made of.
struct Parts {
    architecture: &'static str,
    config: Vec<(&'static str, Value)>,
    weights: Vec<f32>,
    /// Whether the first versions had all of it.
    oldest: bool,
}

fn model(spec: &ModelSpec, path: &str) -> Result<Value, WriteError> {
    let parts = match &spec.network {
        Network::Stack(stack) => self::stack(stack, path)?,
        Network::WaveNet(model) => wavenet::wavenet(model, path)?,
        Network::Container(members) => {
            let members = members.iter().enumerate().map(|(index, member)| {
                let model = model(&member.model, &format!("{path}members[{index}].model."))?;
                Ok(Value::object([("max_value", member.max_value.into()), ("model", model)]))
            });
            composite("SlimmableContainer", "submodels", members.collect::<Result<_, _>>()?)
        }
        Network::Sequential(models) => {
            let models = models.iter().enumerate();
            let models = models.map(|(index, spec)| model(spec, &format!("{path}models[{index}].")));
            composite("Sequential", "models", models.collect::<Result<_, _>>()?)
        }
    };
    let version = if parts.oldest { OLDEST } else { NEWEST };
    let mut file = vec![("version".to_owned(), Value::from(version))];
    file.extend(spec.sample_rate.map(|rate| ("sample_rate".to_owned(), Value::from(rate))));
    metadata::add(&mut file, &spec.metadata, metadata::read, |_| ())?;
    file.push(("architecture".to_owned(), parts.architecture.into()));
    file.push(("config".to_owned(), Value::object(parts.config)));
    file.push(("weights".to_owned(), Value::F32s(parts.weights)));
    metadata::put_back(&mut file, metadata::inner(spec, TARGET));
    Ok(Value::Object(file))
}

fn composite(architecture: &'static str, key: &'static str, models: Vec<Value>) -> Parts {
    Parts { architecture, config: vec![(key, Value::Array(models))], weights: Vec::new(), oldest: false }
}

fn error(path: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> WriteError {
    inexpressible(TARGET, path, expected, found)
}

fn stack(stack: &Stack, path: &str) -> Result<Parts, WriteError> {
    let layers = plain_layers(stack, TARGET)?;
    if layers.iter().any(|layer| matches!(layer, Layer::Lstm(_))) {
        return lstm(stack.in_channels, &layers, path);
    }
    match layers.as_slice() {
        [layer] => match layer {
            Layer::Conv1d(conv) => linear(conv, &format!("{path}layers[0]")),
            Layer::Dense(dense) => linear(&Conv1d::from(dense), &format!("{path}layers[0]")),
            other => Err(error(format!("{path}layers[0]"), "a convolution", other.kind())),
        },
        layers => convnet(stack.in_channels, layers, path),
    }
}

fn linear(conv: &Conv1d, path: &str) -> Result<Parts, WriteError> {
    let &Conv1d { in_channels, out_channels, kernel_size, dilation, groups, .. } = conv;
    check_len(path, &conv.weight, out_channels * (in_channels / groups.max(1)) * kernel_size)?;
    if dilation > 1 && kernel_size > 1 {
        return Err(error(format!("{path}.dilation"), "1", dilation.to_string()));
    }
    let mut weights = conv.weight.clone();
    let mut bias = conv.bias.clone();
    let is_same = |first: &[f32], rest: &[f32]| rest.chunks(first.len().max(1)).all(|row| row == first);
    if in_channels == out_channels && groups == in_channels {
        let (first, rest) = conv.weight.split_at(kernel_size);
        if !is_same(first, rest) || bias.as_ref().is_some_and(|bias| !is_same(&bias[..1], &bias[1..])) {
            return Err(error(path, "one response for all channels", "several"));
        }
        weights.truncate(kernel_size);
        bias = bias.map(|bias| bias[..1].to_vec());
    } else if groups > 1 || (in_channels > 1 && out_channels > 1) {
        let found = format!("{in_channels} to {out_channels} channels in {groups} groups");
        return Err(error(path, "as many channels out as in, or one of either", found));
    }
    // The newest tap comes first.
    weights.chunks_mut(kernel_size.max(1)).for_each(<[f32]>::reverse);
    let mut config = vec![("receptive_field", kernel_size.into()), ("bias", bias.is_some().into())];
    config.extend(channels(in_channels, out_channels));
    weights.extend(bias.into_iter().flatten());
    let oldest = in_channels == 1 && out_channels == 1;
    Ok(Parts { architecture: "Linear", config, weights, oldest })
}

/// The keys of a width at the ends other than 1.
fn channels(in_channels: usize, out_channels: usize) -> Vec<(&'static str, Value)> {
    if in_channels == 1 && out_channels == 1 {
        return Vec::new();
    }
    vec![("in_channels", in_channels.into()), ("out_channels", out_channels.into())]
}

/// Blocks of a convolution and an activation, then a dense layer. A layer of one tap gets an older one that is silent,
/// and hidden widths that differ are filled up with silent channels: so perceptrons are written, too.
fn convnet(in_channels: usize, layers: &[Layer], path: &str) -> Result<Parts, WriteError> {
    let blocks =
        "convolutions of one or two taps, each with the same activation behind it, and a dense layer";
    let at = |index: usize| format!("{path}layers[{index}]");
    let unexpected = |index: usize| {
        let found = layers.get(index).map_or("nothing", Layer::kind);
        error(at(index), blocks, found)
    };
    let as_conv = |index: usize| match layers.get(index) {
        Some(Layer::Conv1d(conv)) if conv.kernel_size <= CONVNET_KERNEL_SIZE => Ok(conv.clone()),
        Some(Layer::Dense(dense)) => Ok(Conv1d::from(dense)),
        _ => Err(unexpected(index)),
    };
    let head_index = layers.len().saturating_sub(1);
    let head = as_conv(head_index)?;
    let is_dense = head.kernel_size == 1 && head.groups == 1;
    if layers.len() < 3 || layers.len().is_multiple_of(2) || !is_dense {
        return Err(unexpected(head_index));
    }
    let convs = (0..head_index).step_by(2).map(as_conv).collect::<Result<Vec<_>, _>>()?;
    let Some(Layer::Activation(activation)) = layers.get(1) else { return Err(unexpected(1)) };
    for index in (1..head_index).step_by(2) {
        if layers[index] != layers[1] {
            return Err(unexpected(index));
        }
    }
    let old_activation = is_in_oldest(activation);
    let activation = self::activation(activation, &at(1))?;
    let channels = convs.iter().map(|conv| conv.out_channels).max().unwrap_or(1);
    let groups = convs[0].groups;
    let mut weights = Vec::new();
    for (index, conv) in convs.iter().enumerate() {
        let path = at(2 * index);
        let inputs = if index == 0 { in_channels } else { channels };
        if conv.groups != groups {
            return Err(error(format!("{path}.groups"), groups.to_string(), conv.groups.to_string()));
        }
        if groups > 1 && (conv.in_channels, conv.out_channels) != (inputs, channels) {
            return Err(error(path, "one width", "groups and several widths"));
        }
        fill_up(conv, inputs, channels, CONVNET_KERNEL_SIZE, &path, &mut weights)?;
    }
    fill_up(&head, channels, head.out_channels, 1, &at(head_index), &mut weights)?;
    let dilations = convs.iter().map(|conv| if conv.kernel_size == 1 { 1 } else { conv.dilation });
    let mut config = vec![
        ("channels", channels.into()),
        ("dilations", Value::array(dilations)),
        ("batchnorm", false.into()),
        ("activation", activation),
    ];
    if groups > 1 {
        config.push(("groups", groups.into()));
    }
    config.extend(self::channels(in_channels, head.out_channels));
    let oldest = old_activation && groups == 1 && in_channels == 1 && head.out_channels == 1;
    Ok(Parts { architecture: "ConvNet", config, weights, oldest })
}

/// Adds the weights and the bias of a convolution that is made wider and longer with zeros.
fn fill_up(
    conv: &Conv1d,
    inputs: usize,
    outputs: usize,
    taps: usize,
    path: &str,
    weights: &mut Vec<f32>,
) -> Result<(), WriteError> {
    let &Conv1d { in_channels, out_channels, kernel_size, groups, .. } = conv;
    let row = in_channels / groups.max(1);
    check_len(path, &conv.weight, out_channels * row * kernel_size)?;
    let wider = inputs / groups.max(1);
    for output in conv.weight.chunks(row * kernel_size) {
        for kernel in output.chunks(kernel_size) {
            weights.extend(std::iter::repeat_n(0.0, taps - kernel_size));
            weights.extend(kernel);
        }
        weights.extend(std::iter::repeat_n(0.0, (wider - row) * taps));
    }
    weights.extend(std::iter::repeat_n(0.0, (outputs - out_channels) * wider * taps));
    bias(conv, path, weights)?;
    weights.extend(std::iter::repeat_n(0.0, outputs - out_channels));
    Ok(())
}

/// Adds the bias of a convolution, zeros where it has none.
fn bias(conv: &Conv1d, path: &str, weights: &mut Vec<f32>) -> Result<(), WriteError> {
    match &conv.bias {
        Some(bias) => {
            check_len(&format!("{path}.bias"), bias, conv.out_channels)?;
            weights.extend(bias);
        }
        None => weights.extend(std::iter::repeat_n(0.0, conv.out_channels)),
    }
    Ok(())
}

fn lstm(in_channels: usize, layers: &[Layer], path: &str) -> Result<Parts, WriteError> {
    let at = |index: usize| format!("{path}layers[{index}]");
    let what = "LSTM layers of one size, then a dense layer";
    let Some((Layer::Dense(head), recurrent)) = layers.split_last() else {
        let found = layers.last().map_or("nothing", Layer::kind);
        return Err(error(at(layers.len().saturating_sub(1)), what, found));
    };
    let mut hidden_size = None;
    let mut weights = Vec::new();
    for (index, layer) in recurrent.iter().enumerate() {
        let Layer::Lstm(lstm) = layer else { return Err(error(at(index), what, layer.kind())) };
        let &Lstm { input_size, hidden_size: size, .. } = lstm;
        if size != *hidden_size.get_or_insert(size) {
            return Err(error(format!("{}.hidden_size", at(index)), what, size.to_string()));
        }
        check_len(&format!("{}.weight_ih", at(index)), &lstm.weight_ih, 4 * size * input_size)?;
        check_len(&format!("{}.weight_hh", at(index)), &lstm.weight_hh, 4 * size * size)?;
        check_len(&format!("{}.bias", at(index)), &lstm.bias, 4 * size)?;
        let rows = lstm.weight_ih.chunks(input_size.max(1)).zip(lstm.weight_hh.chunks(size.max(1)));
        for (input, recurrent) in rows {
            weights.extend(input);
            weights.extend(recurrent);
        }
        weights.extend(lstm.bias.iter().chain(&lstm.initial_hidden).chain(&lstm.initial_cell));
    }
    let head = Conv1d::from(head);
    check_len(&at(recurrent.len()), &head.weight, head.out_channels * head.in_channels)?;
    weights.extend(&head.weight);
    bias(&head, &at(recurrent.len()), &mut weights)?;
    let mut config = vec![
        ("input_size", in_channels.into()),
        ("hidden_size", hidden_size.unwrap_or(1).into()),
        ("num_layers", recurrent.len().into()),
    ];
    config.extend(channels(in_channels, head.out_channels));
    let oldest = in_channels == 1 && head.out_channels == 1;
    Ok(Parts { architecture: "LSTM", config, weights, oldest })
}

/// Whether the first versions had an activation, which they named by a string.
fn is_in_oldest(activation: &Activation) -> bool {
    matches!(activation, Activation::Tanh | Activation::FastTanh | Activation::Relu | Activation::Sigmoid)
}

/// An activation as a string or, with its parameters, as an object.
fn activation(activation: &Activation, path: &str) -> Result<Value, WriteError> {
    let object = |kind: &str, parameters: &[(&str, f32)]| {
        let parameters = parameters.iter().map(|&(key, number)| (key, Value::from(number)));
        Value::object(std::iter::once(("type", Value::from(kind))).chain(parameters))
    };
    Ok(match activation {
        Activation::Tanh => "Tanh".into(),
        Activation::FastTanh => "Fasttanh".into(),
        Activation::HardTanh { min, max } => object("Hardtanh", &[("min_val", *min), ("max_val", *max)]),
        Activation::Relu => "ReLU".into(),
        Activation::LeakyRelu { slope } => object("LeakyReLU", &[("negative_slope", *slope)]),
        Activation::PRelu { slopes } => match slopes.as_slice() {
            [slope] => object("PReLU", &[("negative_slope", *slope)]),
            slopes => Value::object([("type", "PReLU".into()), ("negative_slopes", slopes.into())]),
        },
        Activation::Sigmoid => "Sigmoid".into(),
        Activation::Silu => "SiLU".into(),
        Activation::HardSwish => "Hardswish".into(),
        Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
            let bounds = [("min_val", *min), ("max_val", *max)];
            let slopes = [("min_slope", *min_slope), ("max_slope", *max_slope)];
            object("LeakyHardtanh", &[bounds, slopes].concat())
        }
        Activation::Softsign => "Softsign".into(),
        other => return Err(error(path, "an activation that players of .nam have", other.to_string())),
    })
}
