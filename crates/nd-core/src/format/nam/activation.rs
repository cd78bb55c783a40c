//! Activation functions by name, or as an object of `type` and parameters.

use super::super::json::{Node, Object};
use crate::error::LoadError;
use crate::spec::Activation;

/// Slope of the leaky functions where the file gives none.
const DEFAULT_SLOPE: f32 = 0.01;

/// Reads the activation of a signal of so many channels.
pub(super) fn activation(node: &Node<'_>, channels: usize) -> Result<Activation, LoadError> {
    if !node.is_object() {
        return named(node, None, channels);
    }
    let object = node.clone().object()?;
    named(&object.get("type")?, Some(&object), channels)
}

fn named(name: &Node<'_>, object: Option<&Object<'_>>, channels: usize) -> Result<Activation, LoadError> {
    let parameter = |key: &str, default: f32| {
        object.and_then(|object| object.opt(key)).map_or(Ok(default), |node| node.f32())
    };
    let bounds = || {
        let (min, max) = (parameter("min_val", -1.0)?, parameter("max_val", 1.0)?);
        match object {
            Some(object) if min > max => Err(object.node().invalid("a min_val of at most max_val")),
            _ => Ok((min, max)),
        }
    };
    Ok(match name.string()?.as_ref() {
        "Tanh" => Activation::Tanh,
        "Fasttanh" => Activation::FastTanh,
        "Hardtanh" => {
            let (min, max) = bounds()?;
            Activation::HardTanh { min, max }
        }
        "ReLU" => Activation::Relu,
        "LeakyReLU" => Activation::LeakyRelu { slope: parameter("negative_slope", DEFAULT_SLOPE)? },
        "PReLU" => match object.and_then(|object| object.opt("negative_slopes")) {
            Some(node) => Activation::PRelu { slopes: node.f32s_exact(channels)? },
            None => Activation::PRelu { slopes: vec![parameter("negative_slope", DEFAULT_SLOPE)?] },
        },
        "Sigmoid" => Activation::Sigmoid,
        "SiLU" => Activation::Silu,
        "Hardswish" => Activation::HardSwish,
        "LeakyHardtanh" | "LeakyHardTanh" => {
            let (min, max) = bounds()?;
            let min_slope = parameter("min_slope", DEFAULT_SLOPE)?;
            let max_slope = parameter("max_slope", DEFAULT_SLOPE)?;
            Activation::LeakyHardTanh { min, max, min_slope, max_slope }
        }
        "Softsign" => Activation::Softsign,
        "Softsigmoid" => Activation::Softsigmoid,
        _ => return Err(name.unknown_activation()),
    })
}
