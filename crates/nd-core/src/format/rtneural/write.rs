//! Layers as keras names them, with their matrices turned back into `[in][out]`.

use super::super::Target;
use super::super::fold::{check_len, check_start, inexpressible};
use super::super::json::Value;
use crate::error::WriteError;
use crate::spec::{Activation, Conv1d, Conv2d, Dense, Gru, InnerKey, Layer, Lstm, Padding, Stack};

/// The `in_shape` and `layers` of a file, with the `inner` keys that its layers once had; what is around the layers is
/// the caller's.
pub(in crate::format) fn layers(
    stack: &Stack,
    layers: &[Layer],
    target: Target,
    inner: &[InnerKey],
) -> Result<Vec<(String, Value)>, WriteError> {
    check_start(stack, target)?;
    let mut writer = Writer { target, width: stack.in_channels, filters: None };
    let mut written = Vec::with_capacity(layers.len());
    let mut rest = layers.iter().enumerate().peekable();
    while let Some((index, layer)) = rest.next() {
        let mut members = writer.layer(layer, &format!("layers[{index}]"))?;
        let is_plain = !matches!(layer, Layer::Activation(_) | Layer::Lstm(_) | Layer::Gru(_));
        if is_plain {
            let next = rest.next_if(|(_, next)| matches!(next, Layer::Activation(a) if name(a).is_some()));
            let name = next.and_then(|(_, next)| match next {
                Layer::Activation(activation) => name(activation),
                _ => None,
            });
            members.push(("activation", name.unwrap_or_default().into()));
        }
        let shape = match writer.filters {
            Some(filters) => vec![(writer.width / filters).into(), filters.into()],
            None => vec![writer.width.into()],
        };
        members.push(("shape", self::shape(shape)));
        let place = format!("layers[{index}]");
        let kept = inner.iter().filter(|kept| kept.place == place);
        let kept = kept.map(|kept| (kept.key.clone(), Value::Text(kept.value.clone())));
        let members = members.into_iter().map(|(key, value)| (key.to_owned(), value));
        written.push(Value::object(members.chain(kept)));
    }
    Ok(vec![
        ("in_shape".to_owned(), shape(vec![stack.in_channels.into()])),
        ("layers".to_owned(), Value::Array(written)),
    ])
}

/// A shape behind batch and time.
fn shape(widths: Vec<Value>) -> Value {
    Value::Array([Value::Null, Value::Null].into_iter().chain(widths).collect())
}

/// The name of an activation, where keras has one.
fn name(activation: &Activation) -> Option<&'static str> {
    Some(match activation {
        Activation::Identity => "",
        Activation::Tanh => "tanh",
        Activation::Relu => "relu",
        Activation::Sigmoid => "sigmoid",
        Activation::Softmax => "softmax",
        Activation::Elu { alpha: 1.0 } => "elu",
        _ => return None,
    })
}

/// Nested arrays of numbers, each taken from its place.
fn nested(dimensions: &[usize], index: &mut Vec<usize>, number: &impl Fn(&[usize]) -> f32) -> Value {
    let Some((&count, inner)) = dimensions.split_first() else { return Value::Null };
    let mut items = |item: &mut dyn FnMut(&mut Vec<usize>)| {
        for place in 0..count {
            index.push(place);
            item(index);
            index.pop();
        }
    };
    if inner.is_empty() {
        let mut numbers = Vec::with_capacity(count);
        items(&mut |index| numbers.push(number(index)));
        return Value::F32s(numbers);
    }
    let mut rows = Vec::with_capacity(count);
    items(&mut |index| rows.push(nested(inner, index, number)));
    Value::Array(rows)
}

/// Nested arrays of a list of weights, once it is as long as it must be.
fn tensor<const N: usize>(
    path: &str,
    weights: &[f32],
    dimensions: [usize; N],
    place: impl Fn([usize; N]) -> usize,
) -> Result<Value, WriteError> {
    check_len(path, weights, dimensions.iter().product())?;
    let number = |index: &[usize]| weights[place(index.try_into().expect("one index for each dimension"))];
    Ok(nested(&dimensions, &mut Vec::new(), &number))
}

struct Writer {
    target: Target,
    width: usize,
    /// The filters of the features that the channels are, behind a convolution over both.
    filters: Option<usize>,
}

type Members = Vec<(&'static str, Value)>;

impl Writer {
    fn layer(&mut self, layer: &Layer, path: &str) -> Result<Members, WriteError> {
        if let Some(width) = layer.out_channels() {
            self.width = width;
        }
        if !matches!(layer, Layer::Activation(_) | Layer::Affine(_)) {
            self.filters = None;
        }
        match layer {
            Layer::Dense(layer) => dense(layer, path),
            Layer::Conv1d(layer) => conv1d(layer, path),
            Layer::Conv2d(layer) => {
                self.filters = Some(layer.out_filters);
                conv2d(layer, path)
            }
            Layer::Activation(layer) => self.activation(layer, path),
            Layer::Affine(layer) => {
                check_len(path, &layer.shift, layer.scale.len())?;
                Ok(self.batchnorm(&layer.scale, &layer.shift))
            }
            Layer::Lstm(layer) => lstm(layer, path),
            Layer::Gru(layer) => gru(layer, path),
            Layer::Rnn(_) => Err(inexpressible(self.target, path, "an LSTM or a GRU", "an RNN")),
        }
    }

    fn activation(&self, activation: &Activation, path: &str) -> Result<Members, WriteError> {
        let slopes = match activation {
            Activation::LeakyRelu { slope } => vec![*slope],
            Activation::PRelu { slopes } => slopes.clone(),
            other => {
                let name = name(other).ok_or_else(|| {
                    inexpressible(self.target, path, "an activation that keras has", other.to_string())
                })?;
                let weights = Value::Array(Vec::new());
                return Ok(vec![
                    ("type", "activation".into()),
                    ("activation", name.into()),
                    ("weights", weights),
                ]);
            }
        };
        let row = Value::Array(vec![Value::F32s(slopes)]);
        Ok(vec![("type", "prelu".into()), ("activation", "".into()), ("weights", Value::Array(vec![row]))])
    }

    /// An affine layer as the normalisation of what has no mean and a variance of 1.
    fn batchnorm(&self, scale: &[f32], shift: &[f32]) -> Members {
        let repeats = |numbers: &[f32], count: usize| {
            numbers.len().is_multiple_of(count)
                && numbers.chunks(count.max(1)).all(|row| *row == numbers[..count])
        };
        let filters = self.filters.filter(|&count| repeats(scale, count) && repeats(shift, count));
        let count = filters.unwrap_or(scale.len());
        let rest = [vec![0.0; count], vec![1.0; count]].map(Value::F32s);
        let weights = [scale[..count].into(), shift[..count].into()];
        let mut members = vec![
            ("type", if filters.is_some() { "batchnorm2d" } else { "batchnorm" }.into()),
            ("epsilon", 0.0.into()),
            ("weights", Value::Array(weights.into_iter().chain(rest).collect())),
        ];
        if let Some(filters) = filters {
            members.push(("num_filters_in", filters.into()));
            members.push(("num_features_in", (self.width / filters).into()));
        }
        members
    }
}

/// A kernel and, where there is one, a bias.
fn weights(kernel: Value, bias: Option<&Vec<f32>>) -> Value {
    Value::Array(std::iter::once(kernel).chain(bias.map(|bias| Value::F32s(bias.clone()))).collect())
}

fn dense(dense: &Dense, path: &str) -> Result<Members, WriteError> {
    let &Dense { in_channels, out_channels, .. } = dense;
    // Players read a bias wherever there is a dense layer.
    let bias = dense.bias.clone().unwrap_or_else(|| vec![0.0; out_channels]);
    let kernel = tensor(path, &dense.weight, [in_channels, out_channels], |[i, o]| o * in_channels + i)?;
    Ok(vec![("type", "dense".into()), ("weights", weights(kernel, Some(&bias)))])
}

fn conv1d(conv: &Conv1d, path: &str) -> Result<Members, WriteError> {
    let &Conv1d { in_channels, out_channels, kernel_size, dilation, groups, .. } = conv;
    let inputs = in_channels / groups.max(1);
    let kernel = tensor(path, &conv.weight, [kernel_size, inputs, out_channels], |[k, i, o]| {
        (o * inputs + i) * kernel_size + k
    })?;
    let bias = conv.bias.clone().unwrap_or_else(|| vec![0.0; out_channels]);
    Ok(vec![
        ("type", "conv1d".into()),
        ("kernel_size", Value::array([kernel_size])),
        ("dilation", Value::array([dilation])),
        ("groups", groups.into()),
        ("strides", Value::array([1_usize])),
        ("padding", "causal".into()),
        ("weights", weights(kernel, Some(&bias))),
    ])
}

fn conv2d(conv: &Conv2d, path: &str) -> Result<Members, WriteError> {
    let &Conv2d { in_filters, out_filters, kernel_size_time, kernel_size_feature, .. } = conv;
    let dimensions = [kernel_size_time, kernel_size_feature, in_filters, out_filters];
    let kernel = tensor(path, &conv.weight, dimensions, |[t, f, i, o]| {
        ((t * kernel_size_feature + f) * in_filters + i) * out_filters + o
    })?;
    let bias = conv.bias.clone().unwrap_or_else(|| vec![0.0; out_filters]);
    Ok(vec![
        ("type", "conv2d".into()),
        ("num_filters_in", in_filters.into()),
        ("num_filters_out", out_filters.into()),
        ("num_features_in", conv.in_features.into()),
        ("kernel_size_time", kernel_size_time.into()),
        ("kernel_size_feature", kernel_size_feature.into()),
        ("dilation", conv.dilation.into()),
        ("strides", conv.stride.into()),
        ("padding", if conv.padding == Padding::Same { "same" } else { "valid" }.into()),
        ("weights", weights(kernel, Some(&bias))),
    ])
}

fn lstm(lstm: &Lstm, path: &str) -> Result<Members, WriteError> {
    let (inputs, units, columns) = (lstm.input_size, lstm.hidden_size, 4 * lstm.hidden_size);
    let kernel = tensor(path, &lstm.weight_ih, [inputs, columns], |[i, column]| column * inputs + i)?;
    let recurrent = tensor(path, &lstm.weight_hh, [units, columns], |[i, column]| column * units + i)?;
    check_len(path, &lstm.bias, columns)?;
    let weights = Value::Array(vec![kernel, recurrent, Value::F32s(lstm.bias.clone())]);
    Ok(vec![("type", "lstm".into()), ("activation", "tanh".into()), ("weights", weights)])
}

fn gru(gru: &Gru, path: &str) -> Result<Members, WriteError> {
    let (inputs, units, columns) = (gru.input_size, gru.hidden_size, 3 * gru.hidden_size);
    // keras has z before r.
    let row = |column: usize| match column / units {
        0 => column + units,
        1 => column - units,
        _ => column,
    };
    let kernel = tensor(path, &gru.weight_ih, [inputs, columns], |[i, column]| row(column) * inputs + i)?;
    let recurrent = tensor(path, &gru.weight_hh, [units, columns], |[i, column]| row(column) * units + i)?;
    let bias = [&gru.bias_ih, &gru.bias_hh].map(|bias| tensor(path, bias, [columns], |[column]| row(column)));
    let [input, hidden] = bias;
    let weights = Value::Array(vec![kernel, recurrent, Value::Array(vec![input?, hidden?])]);
    Ok(vec![("type", "gru".into()), ("activation", "tanh".into()), ("weights", weights)])
}
