//! The keras-like JSON of `RTNeural`: layers with nested weights.
//!
//! Matrices are stored `[in][out]` and turned into the `[out][in]` of [`spec`](crate::spec) while they are read.
//!
//! | `type` | `weights` | spec |
//! |---|---|---|
//! | `dense`, `time-distributed-dense` | `[in][out]`, `[out]` | `Dense` |
//! | `conv1d` | `[kernel_size][in / groups][out]`, `[out]` | `Conv1d` |
//! | `conv2d` | `[time][feature][in][out]`, `[out]` | `Conv2d`, as it is |
//! | `gru` | `[in][3h]`, `[h][3h]`, `[2][3h]`, gates z, r, h | `Gru`, gates r, z, n |
//! | `lstm` | `[in][4h]`, `[h][4h]`, `[4h]`, gates i, f, c, o | `Lstm` |
//! | `prelu` | `[[alpha]]` | `Activation::PRelu` |
//! | `batchnorm`, `batchnorm2d` | (gamma, beta,) mean, variance | `Affine` |
//! | `activation` | | `Activation` |
//!
//! Other programs look at nothing else. What this one writes also has a `metadata` like that of `.nam`, with a
//! `sample_rate` in it.

mod write;

use super::fold::plain_layers;
use super::json::{Node, Object, Value, narrow};
use super::limits::Memory;
use super::{Limits, Target, metadata};
use crate::error::{LoadError, WriteError};
use crate::spec::{
    Activation, Affine, Conv1d, Conv2d, Dense, Format, Gru, Layer, Lstm, Metadata, ModelSpec, Network,
    Padding, Stack,
};

pub(super) use write::layers as write_layers;

const TARGET: Target = Target::Model(Format::RtNeural);

/// What is read of a file.
const KEYS: [&str; 3] = ["in_shape", "layers", "metadata"];

/// What is read of a layer.
const LAYER_KEYS: [&str; 15] = [
    "type",
    "activation",
    "shape",
    "weights",
    "kernel_size",
    "dilation",
    "groups",
    "strides",
    "padding",
    "kernel_size_time",
    "kernel_size_feature",
    "num_filters_in",
    "num_filters_out",
    "num_features_in",
    "epsilon",
];

/// Reads a file that is nothing but layers.
pub(super) fn model(file: &Object<'_>, limits: &Limits) -> Result<ModelSpec, LoadError> {
    metadata::check(file, &KEYS, limits)?;
    let mut metadata = metadata::read(file);
    let network = Network::Stack(stack(file, limits, 0, &mut metadata)?);
    let sample_rate = metadata::sample_rate(file, &mut metadata);
    metadata.other = file.others(&KEYS);
    Ok(ModelSpec { format: Format::RtNeural, network, sample_rate, metadata })
}

/// Writes a model of nothing but layers.
pub(super) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let stack = spec.stack(TARGET)?;
    let mut file = write_layers(stack, &plain_layers(stack, TARGET)?, TARGET, metadata::inner(spec, TARGET))?;
    metadata::add(&mut file, &spec.metadata, metadata::read, |members| {
        metadata::put_sample_rate(members, spec.sample_rate);
    })?;
    Value::Object(file).into_file()
}

/// Reads the layers of a file that holds `weights` numbers beside them.
pub(super) fn stack(
    file: &Object<'_>,
    limits: &Limits,
    weights: u64,
    metadata: &mut Metadata,
) -> Result<Stack, LoadError> {
    let in_channels = shape_width(&file.get("in_shape")?, limits)?;
    let layers_node = file.get("layers")?;
    let nodes = layers_node.items("the number of layers", limits.layers)?;
    if nodes.is_empty() {
        return Err(layers_node.invalid("at least one layer"));
    }
    let mut reader = StackReader { limits, width: in_channels, memory: Memory::NONE, weights };
    let mut layers = Vec::with_capacity(2 * nodes.len());
    let mut kept = 0;
    for node in nodes {
        let file = node.object()?;
        kept += file.kept_len(&LAYER_KEYS);
        file.node().limit(metadata::BYTES, limits.metadata, kept)?;
        let first = layers.len();
        layers.push(reader.layer(&file)?);
        let is_recurrent = matches!(layers.last(), Some(Layer::Lstm(_) | Layer::Gru(_)));
        // On a recurrent layer, keras names the functions inside of its equations there.
        if let Some(node) = file.opt("activation").filter(|_| !is_recurrent)
            && let Some(activation) = activation(&node)?
        {
            layers.push(Layer::Activation(activation));
        }
        // Where the writer finds the layer: a function alone comes behind nothing.
        let is_function = layers[first] == Layer::Activation(Activation::Identity);
        let place = format!("layers[{}]", if is_function { layers.len() - 1 } else { first });
        metadata::keep(&mut metadata.inner, &file, &place, &LAYER_KEYS);
        if let Some(shape) = file.opt("shape") {
            let found = shape_width(&shape, limits)?;
            if found != reader.width {
                return Err(shape.mismatch(reader.width, found));
            }
        }
    }
    Ok(Stack { in_channels, ..Stack::new(layers) })
}

/// The width that a shape ends in; features and filters, behind batch and time, are laid out in one.
fn shape_width(node: &Node<'_>, limits: &Limits) -> Result<usize, LoadError> {
    let shape = node.items("the number of dimensions", 4)?;
    let behind = if shape.len() == 4 { 2 } else { shape.len().saturating_sub(1) };
    if shape.is_empty() {
        return Err(node.invalid("a shape that ends in a width"));
    }
    let mut width = 1_usize;
    for dimension in &shape[behind..] {
        width = width.saturating_mul(dimension.size("the number of channels", 1..=limits.channels)?);
    }
    node.limit("the number of channels", limits.channels, width as u64)?;
    Ok(width)
}

/// An activation by its keras name; none where there is none.
fn activation(node: &Node<'_>) -> Result<Option<Activation>, LoadError> {
    Ok(Some(match node.string()?.as_ref() {
        "" | "linear" => return Ok(None),
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        "sigmoid" => Activation::Sigmoid,
        "softmax" => Activation::Softmax,
        "elu" => Activation::Elu { alpha: 1.0 },
        _ => return Err(node.unknown_activation()),
    }))
}

/// A size that is a number, or the last of an array.
fn last_size(node: &Node<'_>, what: &'static str, max: usize) -> Result<usize, LoadError> {
    if !node.is_array() {
        return node.size(what, 1..=max);
    }
    match node.items("the number of dimensions", 4)?.last() {
        Some(last) => last.size(what, 1..=max),
        None => Err(node.invalid("at least one number")),
    }
}

/// What the next layer gets, and what all layers so far take.
struct StackReader<'a> {
    limits: &'a Limits,
    width: usize,
    memory: Memory,
    weights: u64,
}

impl StackReader<'_> {
    fn layer(&mut self, file: &Object<'_>) -> Result<Layer, LoadError> {
        let kind = file.get("type")?;
        Ok(match kind.string()?.as_ref() {
            "dense" | "time-distributed-dense" => Layer::Dense(self.dense(file)?),
            "conv1d" => Layer::Conv1d(self.conv1d(file)?),
            "conv2d" => Layer::Conv2d(self.conv2d(file)?),
            "gru" => Layer::Gru(self.gru(file)?),
            "lstm" => Layer::Lstm(self.lstm(file)?),
            "prelu" => Layer::Activation(self.prelu(file)?),
            "batchnorm" => Layer::Affine(self.batchnorm(file, 1)?),
            "batchnorm2d" => {
                let filters = file.get("num_filters_in")?;
                let count = filters.size("the number of channels", 1..=self.limits.channels)?;
                if !self.width.is_multiple_of(count) {
                    return Err(filters.invalid(format!("a divisor of {}", self.width)));
                }
                Layer::Affine(self.batchnorm(file, self.width / count)?)
            }
            // The function itself is read from where every layer has one.
            "activation" => Layer::Activation(Activation::Identity),
            _ => return Err(kind.unsupported(format!("a layer of type {}", kind.quote()))),
        })
    }

    /// Sets the width after a layer to that of its shape.
    fn widen(&mut self, file: &Object<'_>, max: usize) -> Result<(usize, usize), LoadError> {
        let node = file.get("shape")?;
        let (before, after) = (self.width, shape_width(&node, self.limits)?);
        node.limit("the hidden size", max, after as u64)?;
        self.width = after;
        Ok((before, after))
    }

    fn dense(&mut self, file: &Object<'_>) -> Result<Dense, LoadError> {
        let (in_channels, out_channels) = self.widen(file, self.limits.channels)?;
        let (kernel, bias) = kernel_and_bias(file)?;
        let weight = self.tensor(&kernel, [in_channels, out_channels], |[i, o]| o * in_channels + i)?;
        let bias = bias.map(|node| node.f32s_exact(out_channels)).transpose()?;
        Ok(Dense { in_channels, out_channels, weight, bias })
    }

    fn conv1d(&mut self, file: &Object<'_>) -> Result<Conv1d, LoadError> {
        let limits = self.limits;
        let (in_channels, out_channels) = self.widen(file, limits.channels)?;
        let kernel_size = last_size(&file.get("kernel_size")?, "the kernel size", limits.kernel_size)?;
        let dilation =
            file.opt("dilation").map_or(Ok(1), |node| last_size(&node, "the dilation", limits.dilation))?;
        let groups_node = file.opt("groups");
        let groups =
            groups_node.as_ref().map_or(Ok(1), |node| last_size(node, "the groups", limits.channels))?;
        if let Some(node) = groups_node
            && !(in_channels.is_multiple_of(groups) && out_channels.is_multiple_of(groups))
        {
            return Err(node.invalid(format!("a divisor of {in_channels} and of {out_channels}")));
        }
        if let Some(strides) = file.opt("strides")
            && last_size(&strides, "the stride", usize::MAX)? > 1
        {
            return Err(strides.unsupported("a convolution over time with a stride"));
        }
        self.memory.add_past(kernel_size, dilation, in_channels);
        self.memory.add_steps(groups, kernel_size, 0);
        self.memory.check(file.node(), limits)?;
        let (kernel, bias) = kernel_and_bias(file)?;
        let inputs = in_channels / groups;
        let weight = self.tensor(&kernel, [kernel_size, inputs, out_channels], |[k, i, o]| {
            (o * inputs + i) * kernel_size + k
        })?;
        let bias = bias.map(|node| node.f32s_exact(out_channels)).transpose()?;
        Ok(Conv1d { in_channels, out_channels, kernel_size, dilation, groups, weight, bias })
    }

    fn conv2d(&mut self, file: &Object<'_>) -> Result<Conv2d, LoadError> {
        let limits = self.limits;
        let size = |key: &str, what, max| last_size(&file.get(key)?, what, max);
        let in_filters = size("num_filters_in", "the number of channels", limits.channels)?;
        let out_filters = size("num_filters_out", "the number of channels", limits.channels)?;
        let in_features = size("num_features_in", "the number of channels", limits.channels)?;
        let kernel_size_time = size("kernel_size_time", "the kernel size", limits.kernel_size)?;
        let kernel_size_feature = size("kernel_size_feature", "the kernel size", limits.kernel_size)?;
        let dilation = size("dilation", "the dilation", limits.dilation)?;
        let stride = size("strides", "the stride", limits.channels)?;
        let padding_node = file.get("padding")?;
        let (padding, out_features) = match padding_node.string()?.as_ref() {
            "same" => (Padding::Same, in_features.div_ceil(stride)),
            "valid" if kernel_size_feature <= in_features => {
                (Padding::Valid, (in_features - kernel_size_feature) / stride + 1)
            }
            "valid" => return Err(padding_node.mismatch(kernel_size_feature, in_features)),
            _ => return Err(padding_node.invalid("\"same\" or \"valid\"")),
        };
        let in_channels = in_filters.saturating_mul(in_features);
        if in_channels != self.width {
            return Err(file.get("num_features_in")?.mismatch(self.width, in_channels));
        }
        self.width = out_filters.saturating_mul(out_features);
        file.node().limit("the number of channels", limits.channels, self.width as u64)?;
        self.memory.add_past(kernel_size_time, dilation, in_channels);
        let dims = [kernel_size_time, kernel_size_feature, in_filters, out_filters];
        let weights = dims.iter().fold(1_usize, |product, &size| product.saturating_mul(size));
        // Each feature is a step with weights of its own: padding may cut some off.
        self.memory.add_steps(out_features, kernel_size_time.saturating_mul(kernel_size_feature), weights);
        self.memory.check(file.node(), limits)?;
        let (kernel, bias) = kernel_and_bias(file)?;
        let weight = self.tensor(&kernel, dims, |[t, f, i, o]| {
            ((t * kernel_size_feature + f) * in_filters + i) * out_filters + o
        })?;
        let bias = bias.map(|node| node.f32s_exact(out_filters)).transpose()?;
        Ok(Conv2d {
            in_filters,
            out_filters,
            in_features,
            out_features,
            kernel_size_time,
            kernel_size_feature,
            dilation,
            stride,
            padding,
            weight,
            bias,
        })
    }

    fn gru(&mut self, file: &Object<'_>) -> Result<Gru, LoadError> {
        let (input_size, hidden_size) = self.widen(file, self.limits.hidden_size)?;
        // keras has z before r.
        let row = |column: usize| match column / hidden_size {
            0 => column + hidden_size,
            1 => column - hidden_size,
            _ => column,
        };
        let [kernel, recurrent, bias] = arrays(file)?;
        let columns = 3 * hidden_size;
        let weight_ih =
            self.tensor(&kernel, [input_size, columns], |[i, column]| row(column) * input_size + i)?;
        let weight_hh =
            self.tensor(&recurrent, [hidden_size, columns], |[i, column]| row(column) * hidden_size + i)?;
        let mut bias_ih = self.tensor(&bias, [2, columns], |[side, column]| side * columns + row(column))?;
        let bias_hh = bias_ih.split_off(columns);
        Ok(Gru { input_size, hidden_size, weight_ih, weight_hh, bias_ih, bias_hh })
    }

    fn lstm(&mut self, file: &Object<'_>) -> Result<Lstm, LoadError> {
        let (input_size, hidden_size) = self.widen(file, self.limits.hidden_size)?;
        let [kernel, recurrent, bias] = arrays(file)?;
        let columns = 4 * hidden_size;
        Ok(Lstm {
            input_size,
            hidden_size,
            weight_ih: self.tensor(&kernel, [input_size, columns], |[i, column]| column * input_size + i)?,
            weight_hh: self
                .tensor(&recurrent, [hidden_size, columns], |[i, column]| column * hidden_size + i)?,
            bias: bias.f32s_exact(columns)?,
            initial_hidden: vec![0.0; hidden_size],
            initial_cell: vec![0.0; hidden_size],
        })
    }

    fn prelu(&self, file: &Object<'_>) -> Result<Activation, LoadError> {
        let [node] = arrays(file)?;
        // keras keeps the slopes as one row for each frame of a sequence, and there is one row.
        let rows =
            if node.text().starts_with("[[") { node.items("the number of rows", 1)? } else { Vec::new() };
        let node = rows.into_iter().next().unwrap_or(node);
        let slopes = if node.count()? == 1 { 1 } else { self.width };
        Ok(Activation::PRelu { slopes: node.f32s_exact(slopes)? })
    }

    /// A batch normalisation of channels that follow one another so many times.
    fn batchnorm(&self, file: &Object<'_>, times: usize) -> Result<Affine, LoadError> {
        let channels = self.width / times;
        let epsilon = file.get("epsilon")?.number()?;
        let node = file.get("weights")?;
        let arrays = node.items("the number of weight arrays", 4)?;
        let numbers = |node: &Node<'_>| node.clone().f32s_exact(channels);
        let (gamma, beta, mean, variance) = match arrays.as_slice() {
            [mean, variance] => {
                (vec![1.0; channels], vec![0.0; channels], numbers(mean)?, numbers(variance)?)
            }
            [gamma, beta, mean, variance] => {
                (numbers(gamma)?, numbers(beta)?, numbers(mean)?, numbers(variance)?)
            }
            _ => return Err(node.mismatch(4, arrays.len())),
        };
        let folded = |number: f64| narrow(number).ok_or_else(|| node.invalid("variances above 0"));
        let (mut scale, mut shift) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for channel in 0..channels {
            let factor = f64::from(gamma[channel]) / (epsilon + f64::from(variance[channel])).sqrt();
            scale.push(folded(factor)?);
            shift.push(folded(f64::from(beta[channel]) - f64::from(mean[channel]) * factor)?);
        }
        Ok(Affine { scale: scale.repeat(times), shift: shift.repeat(times) })
    }

    /// The numbers of nested arrays, each put in its place, once all lengths are as they must be.
    fn tensor<const N: usize>(
        &mut self,
        node: &Node<'_>,
        dimensions: [usize; N],
        place: impl Fn([usize; N]) -> usize,
    ) -> Result<Vec<f32>, LoadError> {
        check_lengths(node, &dimensions)?;
        let count = dimensions.iter().product();
        self.weights += count as u64;
        node.limit("the number of weights", self.limits.weights, self.weights)?;
        let mut numbers = vec![0.0; count];
        each_number(node, &mut [0; N], 0, &mut |index, number| numbers[place(index)] = number)?;
        Ok(numbers)
    }
}

/// Checks the lengths of nested arrays.
pub(super) fn check_lengths(node: &Node<'_>, dimensions: &[usize]) -> Result<(), LoadError> {
    let Some((&expected, inner)) = dimensions.split_first() else { return Ok(()) };
    let found = node.count()?;
    if found != expected {
        return Err(node.mismatch(expected, found));
    }
    if inner.is_empty() {
        return Ok(());
    }
    node.items("the number of rows", found)?.iter().try_for_each(|row| check_lengths(row, inner))
}

/// Hands each number of nested arrays to `put`, with its indices.
fn each_number<const N: usize>(
    node: &Node<'_>,
    index: &mut [usize; N],
    depth: usize,
    put: &mut impl FnMut([usize; N], f32),
) -> Result<(), LoadError> {
    let count = node.count()?;
    if depth + 1 == N {
        for (i, number) in node.clone().numbers()?.take(count)?.into_iter().enumerate() {
            index[depth] = i;
            put(*index, number);
        }
        return Ok(());
    }
    for (i, row) in node.items("the number of rows", count)?.iter().enumerate() {
        index[depth] = i;
        each_number(row, index, depth + 1, put)?;
    }
    Ok(())
}

/// The arrays of a layer that must have so many.
fn arrays<'a, const N: usize>(file: &Object<'a>) -> Result<[Node<'a>; N], LoadError> {
    let node = file.get("weights")?;
    let arrays = node.items("the number of weight arrays", 4)?;
    let found = arrays.len();
    arrays.try_into().map_err(|_| node.mismatch(N, found))
}

/// The arrays of a layer that may do without a bias.
fn kernel_and_bias<'a>(file: &Object<'a>) -> Result<(Node<'a>, Option<Node<'a>>), LoadError> {
    let node = file.get("weights")?;
    let mut arrays = node.items("the number of weight arrays", 4)?.into_iter();
    match (arrays.next(), arrays.next(), arrays.len()) {
        (Some(kernel), bias, 0) => Ok((kernel, bias)),
        (kernel, bias, rest) => {
            Err(node.mismatch(2, usize::from(kernel.is_some()) + usize::from(bias.is_some()) + rest))
        }
    }
}
