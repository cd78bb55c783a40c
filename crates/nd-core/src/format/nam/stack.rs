//! The architectures that are a stack of layers: `Linear`, `ConvNet` and `LSTM`.

use super::activation::activation;
use super::{Part, check_memory, conv_weights, fill_conv};
use crate::error::LoadError;
use crate::format::json::{Numbers, narrow};
use crate::spec::{Activation, Conv1d, Dense, Layer, Lstm, Network, Prewarm, Stack};

/// Seconds of silence that run through a recurrent model before it is ready.
const PREWARM_SECONDS: f64 = 0.5;

/// Taps of every convolution of a `ConvNet`.
pub(super) const CONVNET_KERNEL_SIZE: usize = 2;

/// `Linear`: an impulse response, the tap of the newest sample first, and perhaps a bias.
///
/// As many outputs as inputs share one response; one input to several outputs, or several to one, have one each.
pub(super) fn linear(part: &mut Part<'_>) -> Result<Network, LoadError> {
    let taps = part.config.get("receptive_field")?;
    let taps = taps.size("the receptive field", 1..=part.options.limits.receptive_field)?;
    let has_bias = part.config.get("bias")?.bool()?;
    let (in_channels, out_channels) = (part.width_or("in_channels", 1)?, part.width_or("out_channels", 1)?);
    let shared = in_channels == out_channels;
    if !shared && in_channels > 1 && out_channels > 1 {
        let what = format!("a linear model from {in_channels} to {out_channels} channels");
        return Err(part.config.node().unsupported(what));
    }
    let kernels = if shared { 1 } else { in_channels.max(out_channels) };
    let biases = if shared { 1 } else { out_channels };
    let bias_count = if has_bias { biases } else { 0 };
    let mut weights = part.weights(taps as u64 * kernels as u64 + bias_count as u64)?;
    let mut weight = weights.take(taps * kernels)?;
    let mut bias = has_bias.then(|| weights.take(biases)).transpose()?;
    if !part.options.compat.reverse_linear_taps {
        weight.chunks_exact_mut(taps).for_each(<[f32]>::reverse);
    }
    if shared {
        part.repeat_weights(taps as u64 * (in_channels as u64 - 1))?;
        weight = weight.repeat(in_channels);
        bias = bias.map(|bias| bias.repeat(out_channels));
    }
    let groups = if shared { in_channels } else { 1 };
    let conv = Conv1d { in_channels, out_channels, kernel_size: taps, dilation: 1, groups, weight, bias };
    check_memory(part, 1, [&conv].into_iter())?;
    Ok(Network::Stack(Stack { in_channels, ..Stack::new(vec![Layer::Conv1d(conv)]) }))
}

/// `ConvNet`: blocks of convolution, batch normalisation and activation, then a dense head.
pub(super) fn convnet(part: &mut Part<'_>) -> Result<Network, LoadError> {
    let limits = &part.options.limits;
    let channels = part.config.get("channels")?.size("the number of channels", part.channels())?;
    let dilations_node = part.config.get("dilations")?;
    let dilations = dilations_node.items("the number of layers", limits.layers)?;
    if dilations.is_empty() {
        return Err(dilations_node.invalid("at least one dilation"));
    }
    let normalised = part.config.get("batchnorm")?.bool()?;
    let activation = activation(&part.config.get("activation")?, channels)?;
    let (in_channels, out_channels) = (part.width_or("in_channels", 1)?, part.width_or("out_channels", 1)?);
    let groups_node = part.config.opt("groups");
    let groups = part.width_or("groups", 1)?;
    let mut convs = Vec::with_capacity(dilations.len());
    for (index, dilation) in dilations.iter().enumerate() {
        let conv = Conv1d {
            in_channels: if index == 0 { in_channels } else { channels },
            out_channels: channels,
            kernel_size: CONVNET_KERNEL_SIZE,
            dilation: dilation.size("the dilation", 1..=limits.dilation)?,
            groups,
            weight: Vec::new(),
            bias: (!normalised).then(Vec::new),
        };
        if let Some(node) = &groups_node
            && !(conv.in_channels.is_multiple_of(groups) && channels.is_multiple_of(groups))
        {
            return Err(node.invalid(format!("a divisor of {} and {channels}", conv.in_channels)));
        }
        convs.push(conv);
    }
    check_memory(part, convs.len(), convs.iter())?;
    let norm_weights = if normalised { 4 * channels as u64 + 1 } else { 0 };
    let head_weights = out_channels as u64 * (channels as u64 + 1);
    let mut weights =
        part.weights(convs.iter().map(|conv| conv_weights(conv) + norm_weights).sum::<u64>() + head_weights)?;
    let mut layers = Vec::with_capacity(2 * convs.len() + 1);
    for mut conv in convs {
        fill_conv(&mut conv, &mut weights)?;
        if normalised {
            fold_norm(part, &mut conv, &mut weights)?;
        }
        layers.push(Layer::Conv1d(conv));
        if activation != Activation::Identity {
            layers.push(Layer::Activation(activation.clone()));
        }
    }
    layers.push(Layer::Dense(dense(channels, out_channels, &mut weights)?));
    Ok(Network::Stack(Stack { in_channels, ..Stack::new(layers) }))
}

/// Folds the batch normalisation that follows a convolution, which has no bias of its own, into it.
fn fold_norm(part: &Part<'_>, conv: &mut Conv1d, weights: &mut Numbers<'_>) -> Result<(), LoadError> {
    let channels = conv.out_channels;
    let mean = weights.take(channels)?;
    let variance = weights.take(channels)?;
    let gamma = weights.take(channels)?;
    let beta = weights.take(channels)?;
    let epsilon = f64::from(weights.take(1)?[0]);
    let folded = |number: f64| narrow(number).ok_or_else(|| part.weights.invalid("variances above 0"));
    let kernel_len = conv.weight.len() / channels;
    let mut bias = Vec::with_capacity(channels);
    for (channel, kernel) in conv.weight.chunks_exact_mut(kernel_len).enumerate() {
        let scale = f64::from(gamma[channel]) / (epsilon + f64::from(variance[channel])).sqrt();
        for weight in kernel {
            *weight = folded(f64::from(*weight) * scale)?;
        }
        bias.push(folded(f64::from(beta[channel]) - f64::from(mean[channel]) * scale)?);
    }
    conv.bias = Some(bias);
    Ok(())
}

/// `LSTM`: recurrent layers, each with its state at the start, then a dense head.
pub(super) fn lstm(part: &mut Part<'_>) -> Result<Network, LoadError> {
    let limits = &part.options.limits;
    let num_layers = part.config.get("num_layers")?.size("the number of layers", 1..=limits.num_layers)?;
    let hidden_size = part.config.get("hidden_size")?.size("the hidden size", 1..=limits.hidden_size)?;
    let input_size = part.width_or("input_size", 1)?;
    let in_channels = part.width_or("in_channels", 1)?;
    let out_channels = part.width_or("out_channels", 1)?;
    if input_size != in_channels {
        let path = part.config.path_of("input_size");
        return Err(LoadError::ShapeMismatch { path, expected: in_channels, found: input_size });
    }
    let layer_inputs = || (0..num_layers).map(|layer| if layer == 0 { input_size } else { hidden_size });
    let hidden = hidden_size as u64;
    let layer_weights = layer_inputs().map(|input| 4 * hidden * (input as u64 + hidden) + 6 * hidden);
    let head_weights = out_channels as u64 * (hidden + 1);
    let mut weights = part.weights(layer_weights.sum::<u64>() + head_weights)?;
    let mut layers = Vec::with_capacity(num_layers + 1);
    for input_size in layer_inputs() {
        let mut weight_ih = Vec::with_capacity(4 * hidden_size * input_size);
        let mut weight_hh = Vec::with_capacity(4 * hidden_size * hidden_size);
        for _ in 0..4 * hidden_size {
            weights.extend(&mut weight_ih, input_size)?;
            weights.extend(&mut weight_hh, hidden_size)?;
        }
        let bias = weights.take(4 * hidden_size)?;
        let initial_hidden = weights.take(hidden_size)?;
        let initial_cell = weights.take(hidden_size)?;
        let layer =
            Lstm { input_size, hidden_size, weight_ih, weight_hh, bias, initial_hidden, initial_cell };
        layers.push(Layer::Lstm(layer));
    }
    layers.push(Layer::Dense(dense(hidden_size, out_channels, &mut weights)?));
    let prewarm = Prewarm::Seconds(PREWARM_SECONDS);
    Ok(Network::Stack(Stack { in_channels, prewarm, ..Stack::new(layers) }))
}

/// A dense head: the matrix, then the bias.
fn dense(in_channels: usize, out_channels: usize, weights: &mut Numbers<'_>) -> Result<Dense, LoadError> {
    let weight = weights.take(out_channels * in_channels)?;
    Ok(Dense { in_channels, out_channels, weight, bias: Some(weights.take(out_channels)?) })
}
