//! Activation functions.

/// An activation function with its parameters; the formulas are those of the `.nam` format and of keras.
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    /// `z`.
    Identity,
    /// `tanh z`.
    Tanh,
    /// The rational approximation of `tanh` that NAM's plugin uses; a model file may ask for it by name.
    FastTanh,
    /// `clamp(z, min, max)`.
    HardTanh {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// `max(0, z)`.
    Relu,
    /// `z > 0 ? z : slope · z`.
    LeakyRelu {
        /// Slope below zero.
        slope: f32,
    },
    /// `z > 0 ? z : slope[channel] · z`; one slope for all channels or one for each.
    PRelu {
        /// Slopes below zero, of length 1 or the number of channels.
        slopes: Vec<f32>,
    },
    /// `1 / (1 + e^-z)`.
    Sigmoid,
    /// `z · sigmoid z`.
    Silu,
    /// `z · clamp(z + 3, 0, 6) / 6`.
    HardSwish,
    /// Linear with slope 1 inside `min..max`, `min_slope` below and `max_slope` above.
    LeakyHardTanh {
        /// Lower knee.
        min: f32,
        /// Upper knee.
        max: f32,
        /// Slope below `min`.
        min_slope: f32,
        /// Slope above `max`.
        max_slope: f32,
    },
    /// `z / (1 + |z|)`.
    Softsign,
    /// `(1 + z / (1 + |z|)) / 2`.
    Softsigmoid,
    /// `z > 0 ? z : alpha · (e^z - 1)`.
    Elu {
        /// Depth of the negative plateau.
        alpha: f32,
    },
    /// `e^z` over the sum of `e^z` of all channels.
    Softmax,
}
