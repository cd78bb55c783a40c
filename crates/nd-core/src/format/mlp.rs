//! The flat JSON of a perceptron with one hidden layer of `tanh` units, a static curve.
//!
//! | key | spec |
//! |---|---|
//! | `layer1_weights[h]`, `layer1_bias[h]` | `Dense` 1 → h, then `Tanh` |
//! | `layer2_weights[h]`, `layer2_bias[1]` | `Dense` h → 1 |

use super::fold::{inexpressible, plain_layers};
use super::json::{Object, Value};
use super::{Limits, Target, metadata};
use crate::error::{LoadError, WriteError};
use crate::spec::{Activation, Dense, Format, Layer, ModelSpec, Network, Stack};

const TARGET: Target = Target::Model(Format::Mlp);

/// What is read of a file.
pub(super) const KEYS: [&str; 5] =
    ["layer1_weights", "layer1_bias", "layer2_weights", "layer2_bias", "metadata"];

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
    metadata::check(file, &KEYS, limits)?;
    let mut metadata = metadata::read(file);
    let sample_rate = metadata::sample_rate(file, &mut metadata);
    metadata.other = file.others(&KEYS);
    Ok(ModelSpec { format: Format::Mlp, network: Network::Stack(Stack::new(layers)), sample_rate, metadata })
}

/// Writes the four arrays.
pub(super) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let layers = plain_layers(spec.stack(TARGET)?, TARGET)?;
    let what = "a dense layer from 1 channel, tanh, and a dense layer to 1 channel";
    let [Layer::Dense(input), Layer::Activation(Activation::Tanh), Layer::Dense(output)] = layers.as_slice()
    else {
        let kinds: Vec<_> = layers.iter().take(8).map(Layer::kind).collect();
        return Err(inexpressible(TARGET, "layers", what, kinds.join(", ")));
    };
    let (width, ends) = (input.out_channels, (input.in_channels, output.out_channels));
    if ends != (1, 1) || output.in_channels != width {
        return Err(inexpressible(TARGET, "layers", what, format!("{} to {} channels", ends.0, ends.1)));
    }
    let mut file = Vec::new();
    for (number, layer) in [(1, input), (2, output)] {
        let bias = layer.bias.clone().unwrap_or_else(|| vec![0.0; layer.out_channels]);
        file.push((format!("layer{number}_weights"), Value::F32s(layer.weight.clone())));
        file.push((format!("layer{number}_bias"), Value::F32s(bias)));
    }
    metadata::add(&mut file, &spec.metadata, metadata::read, |members| {
        metadata::put_sample_rate(members, spec.sample_rate);
    })?;
    Value::Object(file).into_file()
}
