//! What a stack has around its layers, for targets that have no place for it.

use super::Target;
use crate::error::WriteError;
use crate::spec::{Conv1d, Dense, Gru, Layer, Lstm, ModelSpec, Network, Prewarm, Rnn, Stack};

impl ModelSpec {
    /// The network where it is a stack, which is all that most targets hold.
    pub(super) fn stack(&self, target: Target) -> Result<&Stack, WriteError> {
        match &self.network {
            Network::Stack(stack) => Ok(stack),
            _ => Err(inexpressible(target, "", "layers, one after the other", self.architecture())),
        }
    }
}

/// The layers of a stack that adds nothing to its output, with its gains in the weights of the first and the last.
pub(super) fn plain_layers(stack: &Stack, target: Target) -> Result<Vec<Layer>, WriteError> {
    if stack.skip > 0 {
        let expected = "an output without the input in it";
        let found = format!("{} skipped channels", stack.skip);
        return Err(inexpressible(target, "skip", expected, found));
    }
    let mut layers = stack.layers.clone();
    if stack.in_gain != 1.0 && !layers.first_mut().is_some_and(|first| scale_audio(first, stack.in_gain)) {
        let expected = "1, or a first layer with weights";
        return Err(inexpressible(target, "in_gain", expected, stack.in_gain.to_string()));
    }
    if stack.out_gain != 1.0 && !layers.last_mut().is_some_and(|last| scale_output(last, stack.out_gain)) {
        let expected = "1, or a last layer that is linear";
        return Err(inexpressible(target, "out_gain", expected, stack.out_gain.to_string()));
    }
    Ok(layers)
}

/// Checks that nobody will miss the states at the start, which the target does not hold.
pub(super) fn check_start(stack: &Stack, target: Target) -> Result<(), WriteError> {
    let at_rest = |layer: &Layer| match layer {
        Layer::Lstm(lstm) => lstm.initial_hidden.iter().chain(&lstm.initial_cell).all(|&state| state == 0.0),
        _ => true,
    };
    match stack.layers.iter().position(|layer| !at_rest(layer)) {
        // What has been forgotten in silence was not heard.
        Some(index) if stack.prewarm == Prewarm::None => {
            let expected = "a start from zero";
            let path = format!("layers[{index}]");
            Err(inexpressible(target, path, expected, "a state that is stored".to_owned()))
        }
        _ => Ok(()),
    }
}

pub(super) fn inexpressible(
    target: Target,
    path: impl Into<String>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> WriteError {
    WriteError::Inexpressible { target, path: path.into(), expected: expected.into(), found: found.into() }
}

/// Multiplies a gain into what a layer makes of its first input; false where that cannot be.
fn scale_audio(layer: &mut Layer, gain: f32) -> bool {
    // In rows of inputs, in taps for each.
    let (weight, inputs, taps) = match layer {
        Layer::Dense(Dense { weight, in_channels, .. }) => (weight, *in_channels, 1),
        Layer::Conv1d(Conv1d { weight, in_channels, kernel_size, groups: 1, .. }) => {
            (weight, *in_channels, *kernel_size)
        }
        Layer::Lstm(Lstm { weight_ih, input_size, .. })
        | Layer::Gru(Gru { weight_ih, input_size, .. })
        | Layer::Rnn(Rnn { weight_ih, input_size, .. }) => (weight_ih, *input_size, 1),
        _ => return false,
    };
    for row in weight.chunks_mut((inputs * taps).max(1)) {
        row.iter_mut().take(taps).for_each(|weight| *weight *= gain);
    }
    true
}

/// Multiplies a gain into all outputs of a layer; false where that cannot be.
fn scale_output(layer: &mut Layer, gain: f32) -> bool {
    let (Layer::Dense(Dense { weight, bias, .. }) | Layer::Conv1d(Conv1d { weight, bias, .. })) = layer
    else {
        return false;
    };
    weight.iter_mut().chain(bias.iter_mut().flatten()).for_each(|number| *number *= gain);
    true
}

/// Checks how long a list of weights is.
pub(super) fn check_len(path: &str, weights: &[f32], expected: usize) -> Result<(), WriteError> {
    let found = weights.len();
    if found == expected {
        return Ok(());
    }
    Err(WriteError::ShapeMismatch { path: path.to_owned(), expected, found })
}
