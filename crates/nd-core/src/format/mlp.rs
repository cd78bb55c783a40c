//! The flat JSON of a perceptron with one hidden layer of `tanh` units, a static curve.
//!
//! | key | spec |
//! |---|---|
//! | `layer1_weights[h]`, `layer1_bias[h]` | `Dense` 1 → h, then `Tanh` |
//! | `layer2_weights[h]`, `layer2_bias[1]` | `Dense` h → 1 |

use super::Limits;
use super::json::Object;
use crate::error::LoadError;
use crate::spec::{Activation, Dense, Format, Layer, Metadata, ModelSpec, Network, Stack};

/// Reads the four arrays; the hidden width is that of `layer1_bias`.
pub(super) fn model(file: &Object<'_>, limits: &Limits) -> Result<ModelSpec, LoadError> {
    let hidden = file.get("layer1_bias")?.f32s(limits.channels)?;
    let width = hidden.len();
    let numbers = |key: &str, expected: usize| file.get(key)?.f32s_exact(expected);
    if width == 0 {
        return Err(file.get("layer1_bias")?.invalid("at least one unit"));
    }
    let input = Dense {
        in_channels: 1,
        out_channels: width,
        weight: numbers("layer1_weights", width)?,
        bias: Some(hidden),
    };
    let output = Dense {
        in_channels: width,
        out_channels: 1,
        weight: numbers("layer2_weights", width)?,
        bias: Some(numbers("layer2_bias", 1)?),
    };
    let layers = vec![Layer::Dense(input), Layer::Activation(Activation::Tanh), Layer::Dense(output)];
    Ok(ModelSpec {
        format: Format::Mlp,
        network: Network::Stack(Stack::new(layers)),
        sample_rate: None,
        metadata: Metadata::default(),
    })
}
