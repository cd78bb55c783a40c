//! A C++17 header.

use super::{Graph, Op, Piece, fill, literal, literals};
use crate::engine::PARAMETER_DEFAULT;
use crate::error::WriteError;
use crate::format::Target;
use crate::spec::{Activation, Conv1d, ModelSpec};

/// Writes the model as a class in a namespace of that name.
pub(in crate::format) fn write(spec: &ModelSpec, namespace: &str) -> Result<Vec<u8>, WriteError> {
    let graph = Graph::of(spec, Target::Cpp)?;
    let mut source = Source::default();
    for (n, node) in graph.steps() {
        source.step(n, &node.op, &node.inputs, graph.widths[n])?;
    }
    let parameters = graph.widths[0] - 1;
    let values =
        graph.steps().into_iter().map(|(n, _)| format!("        float x{n}[{}];\n", graph.widths[n]));
    let settings = vec![format!("{PARAMETER_DEFAULT:?}f"); parameters].join(", ");
    let silence = if source.members.is_empty() { 0 } else { graph.prewarm_frames };
    let text = fill(
        TEMPLATE,
        &[
            ("TITLE", graph.headline()),
            ("NAMESPACE", namespace.to_owned()),
            ("CONSTANTS", source.constants.concat()),
            ("PIECES", graph.pieces(&PIECES)),
            (
                "PARAMETERS",
                if parameters == 0 {
                    String::new()
                } else {
                    format!(
                        "    // The knobs, from 0 to 1.\n    float parameters[{parameters}] = {{{settings}}};\n\n"
                    )
                },
            ),
            ("RESETS", source.resets.concat()),
            (
                "SILENCE",
                if silence == 0 { String::new() } else { fill(SILENCE, &[("FRAMES", silence.to_string())]) },
            ),
            ("INPUTS", graph.widths[0].to_string()),
            (
                "KNOBS",
                (0..parameters).map(|index| format!(", parameters[{index}]")).collect::<Vec<_>>().concat(),
            ),
            ("VALUES", values.collect::<Vec<_>>().concat()),
            ("STEPS", source.steps.concat()),
            ("LAST", graph.output.to_string()),
            (
                "MEMBERS",
                if source.members.is_empty() {
                    String::new()
                } else {
                    format!("\nprivate:\n{}", source.members.concat())
                },
            ),
        ],
    );
    Ok(text.into_bytes())
}

/// The parts of the text that grow with the model.
#[derive(Default)]
struct Source {
    constants: Vec<String>,
    members: Vec<String>,
    resets: Vec<String>,
    steps: Vec<String>,
}

impl Source {
    fn constant(&mut self, name: &str, n: usize, numbers: &[f32]) -> Result<(), WriteError> {
        let body = literals(numbers, "f")?;
        self.constants.push(format!("inline constexpr float {name}{n}[{}] = {{{body}}};\n", numbers.len()));
        Ok(())
    }

    /// Fills the channels of a value, one by one.
    fn each(&mut self, n: usize, width: usize, expression: &str) {
        self.steps.push(format!("        for (std::size_t c = 0; c < {width}; ++c) {{\n            "));
        self.steps.push(format!("x{n}[c] = {expression};\n        }}\n"));
    }

    /// A state that starts from what is in a constant.
    fn state(&mut self, name: &str, n: usize, start: &[f32]) -> Result<(), WriteError> {
        self.constant(&format!("{name}_start"), n, start)?;
        self.members.push(format!("    float {name}{n}[{}];\n", start.len()));
        self.resets.push(format!("        copy({name}_start{n}, {name}{n});\n"));
        Ok(())
    }

    fn step(&mut self, n: usize, op: &Op, inputs: &[usize], width: usize) -> Result<(), WriteError> {
        let (x, other) = (inputs[0], inputs[inputs.len() - 1]);
        match op {
            Op::Conv(conv) => {
                let &Conv1d { in_channels, kernel_size, dilation, groups, .. } = conv;
                self.constant("weights", n, &conv.weight)?;
                self.constant("bias", n, conv.bias.as_deref().unwrap_or_default())?;
                if kernel_size == 1 {
                    self.steps.push(format!("        dense<{groups}>(weights{n}, bias{n}, x{x}, x{n});\n"));
                } else {
                    self.members
                        .push(format!("    History<{kernel_size}, {dilation}, {in_channels}> history{n};\n"));
                    self.resets.push(format!("        history{n} = {{}};\n"));
                    self.steps.push(format!(
                        "        conv<{groups}>(weights{n}, bias{n}, history{n}, x{x}, x{n});\n"
                    ));
                }
            }
            Op::Activation(Activation::Softmax) => self.steps.push(format!("        softmax(x{x}, x{n});\n")),
            Op::Activation(activation) => {
                if let Activation::PRelu { slopes } = activation {
                    self.constant("slopes", n, slopes)?;
                }
                self.each(n, width, &expression(activation, &format!("x{x}[c]"), n)?);
            }
            Op::Affine(affine) => {
                self.constant("scale", n, &affine.scale)?;
                self.constant("shift", n, &affine.shift)?;
                self.each(n, width, &format!("scale{n}[c] * x{x}[c] + shift{n}[c]"));
            }
            Op::Add => self.each(n, width, &format!("x{x}[c] + x{other}[c]")),
            Op::Subtract => self.each(n, width, &format!("x{x}[c] - x{other}[c]")),
            Op::Multiply => self.each(n, width, &format!("x{x}[c] * x{other}[c]")),
            Op::Slice(from) => self.each(n, width, &format!("x{x}[{from} + c]")),
            Op::Lstm(lstm) => {
                self.constant("input", n, &lstm.weight_ih)?;
                self.constant("recurrent", n, &lstm.weight_hh)?;
                self.constant("bias", n, &lstm.bias)?;
                self.state("hidden", n, &lstm.initial_hidden)?;
                self.state("cell", n, &lstm.initial_cell)?;
                self.steps.push(format!(
                    "        lstm(input{n}, recurrent{n}, bias{n}, x{x}, hidden{n}, cell{n});\n"
                ));
                self.steps.push(format!("        copy(hidden{n}, x{n});\n"));
            }
            Op::Gru(gru) => {
                self.constant("input", n, &gru.weight_ih)?;
                self.constant("recurrent", n, &gru.weight_hh)?;
                self.constant("input_bias", n, &gru.bias_ih)?;
                self.constant("recurrent_bias", n, &gru.bias_hh)?;
                self.state("hidden", n, &vec![0.0; width])?;
                self.steps.push(format!(
                    "        gru(input{n}, recurrent{n}, input_bias{n}, recurrent_bias{n}, x{x}, hidden{n});\n"
                ));
                self.steps.push(format!("        copy(hidden{n}, x{n});\n"));
            }
            Op::Rnn(rnn) => {
                self.constant("input", n, &rnn.weight_ih)?;
                self.constant("recurrent", n, &rnn.weight_hh)?;
                self.constant("bias", n, &rnn.bias)?;
                self.state("hidden", n, &vec![0.0; width])?;
                self.steps.push(format!("        rnn(input{n}, recurrent{n}, bias{n}, x{x}, hidden{n});\n"));
                self.steps.push(format!("        copy(hidden{n}, x{n});\n"));
            }
        }
        Ok(())
    }
}

/// An activation of `z`, of the value with number `n`.
fn expression(activation: &Activation, z: &str, n: usize) -> Result<String, WriteError> {
    let number = |number: f32| literal(number, "f");
    Ok(match activation {
        Activation::Identity | Activation::Softmax => z.to_owned(),
        Activation::Tanh => format!("std::tanh({z})"),
        Activation::FastTanh => format!("fast_tanh({z})"),
        Activation::HardTanh { min, max } => {
            format!("std::fmin(std::fmax({z}, {}), {})", number(*min)?, number(*max)?)
        }
        Activation::Relu => format!("std::fmax({z}, 0.0f)"),
        Activation::LeakyRelu { slope } => format!("{z} > 0.0f ? {z} : {} * {z}", number(*slope)?),
        Activation::PRelu { .. } => format!("{z} > 0.0f ? {z} : slopes{n}[c] * {z}"),
        Activation::Sigmoid => format!("1.0f / (1.0f + std::exp(-{z}))"),
        Activation::Silu => format!("{z} / (1.0f + std::exp(-{z}))"),
        Activation::HardSwish => format!("{z} * std::fmin(std::fmax({z} + 3.0f, 0.0f), 6.0f) / 6.0f"),
        Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
            let (min, max) = (number(*min)?, number(*max)?);
            let below = format!("({z} - {min}) * {} + {min}", number(*min_slope)?);
            let above = format!("({z} - {max}) * {} + {max}", number(*max_slope)?);
            format!("{z} < {min} ? {below} : {z} > {max} ? {above} : {z}")
        }
        Activation::Softsign => format!("{z} / (1.0f + std::fabs({z}))"),
        Activation::Softsigmoid => format!("0.5f * (1.0f + {z} / (1.0f + std::fabs({z})))"),
        Activation::Elu { alpha } => format!("{z} > 0.0f ? {z} : {} * std::expm1({z})", number(*alpha)?),
    })
}

const TEMPLATE: &str = "\
// @TITLE@.
// Written by neural-distortion.

#pragma once

#include <cmath>
#include <cstddef>

namespace @NAMESPACE@ {

// Weights are [output][input][tap], the oldest tap first.
@CONSTANTS@
@PIECES@class Model {
public:
@PARAMETERS@    Model() noexcept { reset(); }

    // As at the start: silence has run through the model.
    void reset() noexcept {
@RESETS@@SILENCE@    }

    // One output sample from one input sample.
    float process_sample(float input) noexcept {
        const float x0[@INPUTS@] = {input@KNOBS@};
@VALUES@@STEPS@        return x@LAST@[0];
    }

    // Writes `frames` samples; `output` may be `input`.
    void process(const float* input, float* output, std::size_t frames) noexcept {
        for (std::size_t n = 0; n < frames; ++n) {
            output[n] = process_sample(input[n]);
        }
    }
@MEMBERS@};

}  // namespace @NAMESPACE@
";

const SILENCE: &str = "\
        for (std::size_t n = 0; n < @FRAMES@; ++n) {
            process_sample(0.0f);
        }
";

/// Functions, and for which operations they are needed.
const PIECES: [Piece; 8] = [
    (Op::is_dense, DENSE),
    (Op::is_conv, CONV),
    (|op| op.is(&Activation::Softmax), SOFTMAX),
    (|op| op.is(&Activation::FastTanh), FAST_TANH),
    (Op::is_recurrent, RECURRENT),
    (|op| matches!(op, Op::Lstm(_)), LSTM),
    (|op| matches!(op, Op::Gru(_)), GRU),
    (|op| matches!(op, Op::Rnn(_)), RNN),
];

const DENSE: &str = "\
// y = weights * x + bias, within each group.
template <std::size_t groups, std::size_t count, std::size_t inputs, std::size_t outputs>
void dense(const float (&weights)[count], const float (&bias)[outputs], const float (&x)[inputs],
           float (&y)[outputs]) noexcept {
    constexpr std::size_t width = inputs / groups;
    for (std::size_t o = 0; o < outputs; ++o) {
        const float* from = x + o / (outputs / groups) * width;
        float sum = bias[o];
        for (std::size_t i = 0; i < width; ++i) {
            sum += weights[o * width + i] * from[i];
        }
        y[o] = sum;
    }
}
";

const CONV: &str = "\
// What a convolution remembers.
template <std::size_t taps, std::size_t dilation, std::size_t inputs>
struct History {
    static constexpr std::size_t frames = (taps - 1) * dilation + 1;
    float past[frames][inputs];
    std::size_t newest;
};

// A causal convolution over time, within each group.
template <std::size_t groups, std::size_t count, std::size_t taps, std::size_t dilation, std::size_t inputs,
          std::size_t outputs>
void conv(const float (&weights)[count], const float (&bias)[outputs], History<taps, dilation, inputs>& history,
          const float (&x)[inputs], float (&y)[outputs]) noexcept {
    constexpr std::size_t frames = History<taps, dilation, inputs>::frames;
    constexpr std::size_t width = inputs / groups;
    history.newest = (history.newest + 1) % frames;
    for (std::size_t i = 0; i < inputs; ++i) {
        history.past[history.newest][i] = x[i];
    }
    for (std::size_t o = 0; o < outputs; ++o) {
        float sum = bias[o];
        for (std::size_t k = 0; k < taps; ++k) {
            const std::size_t age = (taps - 1 - k) * dilation;
            const float* from = history.past[(history.newest + frames - age) % frames] + o / (outputs / groups) * width;
            for (std::size_t i = 0; i < width; ++i) {
                sum += weights[(o * width + i) * taps + k] * from[i];
            }
        }
        y[o] = sum;
    }
}
";

const SOFTMAX: &str = "\
template <std::size_t width>
void softmax(const float (&x)[width], float (&y)[width]) noexcept {
    float largest = x[0], sum = 0.0f;
    for (std::size_t c = 0; c < width; ++c) {
        largest = std::fmax(largest, x[c]);
    }
    for (std::size_t c = 0; c < width; ++c) {
        y[c] = std::exp(x[c] - largest);
        sum += y[c];
    }
    for (std::size_t c = 0; c < width; ++c) {
        y[c] /= sum;
    }
}
";

const FAST_TANH: &str = "\
// A rational approximation of tanh.
inline float fast_tanh(float z) noexcept {
    const float a = std::fabs(z), q = z * z;
    return z * (2.45550750702956f + 2.45550750702956f * a + (0.893229853513558f + 0.821226666969744f * a) * q) /
           (2.44506634652299f + (2.44506634652299f + q) * std::fabs(z + 0.814642734961073f * z * a));
}
";

const RECURRENT: &str = "\
inline float sigmoid(float x) noexcept { return 1.0f / (1.0f + std::exp(-x)); }

template <std::size_t count>
void copy(const float (&from)[count], float (&to)[count]) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
}

// One row of a matrix times x.
template <std::size_t count, std::size_t width>
float product(const float (&matrix)[count], std::size_t row, const float (&x)[width]) noexcept {
    float sum = 0.0f;
    for (std::size_t i = 0; i < width; ++i) {
        sum += matrix[row * width + i] * x[i];
    }
    return sum;
}
";

const LSTM: &str = "\
// Gates i, f, g, o.
template <std::size_t ni, std::size_t nr, std::size_t rows, std::size_t inputs, std::size_t units>
void lstm(const float (&input)[ni], const float (&recurrent)[nr], const float (&bias)[rows],
          const float (&x)[inputs], float (&h)[units], float (&c)[units]) noexcept {
    float gates[rows];
    for (std::size_t row = 0; row < rows; ++row) {
        gates[row] = bias[row] + product(input, row, x) + product(recurrent, row, h);
    }
    for (std::size_t u = 0; u < units; ++u) {
        c[u] = sigmoid(gates[units + u]) * c[u] + sigmoid(gates[u]) * std::tanh(gates[2 * units + u]);
        h[u] = sigmoid(gates[3 * units + u]) * std::tanh(c[u]);
    }
}
";

const GRU: &str = "\
// Gates r, z, n.
template <std::size_t ni, std::size_t nr, std::size_t rows, std::size_t inputs, std::size_t units>
void gru(const float (&input)[ni], const float (&recurrent)[nr], const float (&input_bias)[rows],
         const float (&recurrent_bias)[rows], const float (&x)[inputs], float (&h)[units]) noexcept {
    float from_x[rows];
    float from_h[rows];
    for (std::size_t row = 0; row < rows; ++row) {
        from_x[row] = input_bias[row] + product(input, row, x);
        from_h[row] = recurrent_bias[row] + product(recurrent, row, h);
    }
    for (std::size_t u = 0; u < units; ++u) {
        const float r = sigmoid(from_x[u] + from_h[u]);
        const float z = sigmoid(from_x[units + u] + from_h[units + u]);
        const float n = std::tanh(from_x[2 * units + u] + r * from_h[2 * units + u]);
        h[u] = (1.0f - z) * n + z * h[u];
    }
}
";

const RNN: &str = "\
template <std::size_t ni, std::size_t nr, std::size_t inputs, std::size_t units>
void rnn(const float (&input)[ni], const float (&recurrent)[nr], const float (&bias)[units],
         const float (&x)[inputs], float (&h)[units]) noexcept {
    float next[units];
    for (std::size_t u = 0; u < units; ++u) {
        next[u] = std::tanh(bias[u] + product(input, u, x) + product(recurrent, u, h));
    }
    copy(next, h);
}
";
