//! A Rust module.

use super::{Graph, Op, Piece, fill, literal, literals};
use crate::engine::PARAMETER_DEFAULT;
use crate::error::WriteError;
use crate::format::Target;
use crate::spec::{Activation, Conv1d, ModelSpec};

/// Writes the model as a type that is called `Model`.
pub(in crate::format) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let graph = Graph::of(spec, Target::Rust)?;
    let mut source = Source::default();
    for (n, node) in graph.steps() {
        source.step(n, &node.op, &node.inputs, graph.widths[n])?;
    }
    let parameters = graph.widths[0] - 1;
    if parameters > 0 {
        source
            .fields
            .push(format!("    /// The knobs, from 0 to 1.\n    pub parameters: [f32; {parameters}],\n"));
        source.starts.push(format!("            parameters: [{PARAMETER_DEFAULT:?}; {parameters}],\n"));
    }
    let has_state = !source.fields.is_empty();
    let silence = if source.resets.is_empty() { 0 } else { graph.prewarm_frames };
    let text = fill(
        TEMPLATE,
        &[
            ("TITLE", graph.headline()),
            ("CONSTANTS", source.constants.concat()),
            ("PIECES", graph.pieces(&PIECES)),
            ("FIELDS", if has_state { format!(" {{\n{}}}", source.fields.concat()) } else { ";".to_owned() }),
            (
                "STARTS",
                if has_state { format!(" {{\n{}        }}", source.starts.concat()) } else { String::new() },
            ),
            ("RESETS", source.resets.concat()),
            (
                "SILENCE",
                if silence == 0 { String::new() } else { fill(SILENCE, &[("FRAMES", silence.to_string())]) },
            ),
            (
                "KNOBS",
                (0..parameters)
                    .map(|index| format!(", self.parameters[{index}]"))
                    .collect::<Vec<_>>()
                    .concat(),
            ),
            ("STEPS", source.steps.concat()),
            ("LAST", graph.output.to_string()),
        ],
    );
    Ok(text.into_bytes())
}

/// The parts of the text that grow with the model.
#[derive(Default)]
struct Source {
    constants: Vec<String>,
    fields: Vec<String>,
    starts: Vec<String>,
    resets: Vec<String>,
    steps: Vec<String>,
}

impl Source {
    fn constant(&mut self, name: &str, n: usize, numbers: &[f32]) -> Result<(), WriteError> {
        let body = literals(numbers, "")?;
        self.constants
            .push(format!("#[rustfmt::skip]\nstatic {name}{n}: [f32; {}] = [{body}];\n", numbers.len()));
        Ok(())
    }

    /// Gives a value channel by channel.
    fn each(&mut self, n: usize, width: usize, expression: &str) {
        self.steps
            .push(format!("        let x{n}: [f32; {width}] = std::array::from_fn(|c| {expression});\n"));
    }

    fn let_be(&mut self, n: usize, expression: &str) {
        self.steps.push(format!("        let x{n} = {expression};\n"));
    }

    /// A state that starts from what is in a constant.
    fn state(&mut self, name: &str, n: usize, start: &[f32]) -> Result<(), WriteError> {
        let constant = name.to_uppercase();
        self.constant(&constant, n, start)?;
        self.fields.push(format!("    {name}{n}: [f32; {}],\n", start.len()));
        self.starts.push(format!("            {name}{n}: {constant}{n},\n"));
        self.resets.push(format!("        self.{name}{n} = {constant}{n};\n"));
        Ok(())
    }

    fn step(&mut self, n: usize, op: &Op, inputs: &[usize], width: usize) -> Result<(), WriteError> {
        let (x, other) = (inputs[0], inputs[inputs.len() - 1]);
        match op {
            Op::Conv(conv) => {
                let &Conv1d { in_channels, kernel_size, dilation, groups, .. } = conv;
                self.constant("WEIGHTS", n, &conv.weight)?;
                self.constant("BIAS", n, conv.bias.as_deref().unwrap_or_default())?;
                if kernel_size == 1 {
                    self.let_be(n, &format!("dense(&WEIGHTS{n}, &BIAS{n}, {groups}, &x{x})"));
                } else {
                    let frames = (kernel_size - 1) * dilation + 1;
                    self.fields.push(format!("    history{n}: History<{in_channels}>,\n"));
                    self.starts.push(format!("            history{n}: History::new({frames}),\n"));
                    self.resets.push(format!("        self.history{n}.clear();\n"));
                    let history = format!("&mut self.history{n}");
                    self.let_be(
                        n,
                        &format!("conv(&WEIGHTS{n}, &BIAS{n}, {groups}, {dilation}, {history}, &x{x})"),
                    );
                }
            }
            Op::Activation(Activation::Softmax) => self.let_be(n, &format!("softmax(&x{x})")),
            Op::Activation(activation) => {
                if let Activation::PRelu { slopes } = activation {
                    self.constant("SLOPES", n, slopes)?;
                }
                self.each(n, width, &expression(activation, &format!("x{x}[c]"), n)?);
            }
            Op::Affine(affine) => {
                self.constant("SCALE", n, &affine.scale)?;
                self.constant("SHIFT", n, &affine.shift)?;
                self.each(n, width, &format!("SCALE{n}[c] * x{x}[c] + SHIFT{n}[c]"));
            }
            Op::Add => self.each(n, width, &format!("x{x}[c] + x{other}[c]")),
            Op::Subtract => self.each(n, width, &format!("x{x}[c] - x{other}[c]")),
            Op::Multiply => self.each(n, width, &format!("x{x}[c] * x{other}[c]")),
            Op::Slice(from) => self.each(n, width, &format!("x{x}[{from} + c]")),
            Op::Lstm(lstm) => {
                self.constant("INPUT", n, &lstm.weight_ih)?;
                self.constant("RECURRENT", n, &lstm.weight_hh)?;
                self.constant("BIAS", n, &lstm.bias)?;
                self.state("hidden", n, &lstm.initial_hidden)?;
                self.state("cell", n, &lstm.initial_cell)?;
                let state = format!("&mut self.hidden{n}, &mut self.cell{n}");
                self.steps
                    .push(format!("        lstm(&INPUT{n}, &RECURRENT{n}, &BIAS{n}, &x{x}, {state});\n"));
                self.let_be(n, &format!("self.hidden{n}"));
            }
            Op::Gru(gru) => {
                self.constant("INPUT", n, &gru.weight_ih)?;
                self.constant("RECURRENT", n, &gru.weight_hh)?;
                self.constant("INPUT_BIAS", n, &gru.bias_ih)?;
                self.constant("RECURRENT_BIAS", n, &gru.bias_hh)?;
                self.state("hidden", n, &vec![0.0; width])?;
                let weights = format!("[&INPUT{n}, &RECURRENT{n}], [&INPUT_BIAS{n}, &RECURRENT_BIAS{n}]");
                self.steps.push(format!("        gru({weights}, &x{x}, &mut self.hidden{n});\n"));
                self.let_be(n, &format!("self.hidden{n}"));
            }
            Op::Rnn(rnn) => {
                self.constant("INPUT", n, &rnn.weight_ih)?;
                self.constant("RECURRENT", n, &rnn.weight_hh)?;
                self.constant("BIAS", n, &rnn.bias)?;
                self.state("hidden", n, &vec![0.0; width])?;
                self.steps.push(format!(
                    "        rnn(&INPUT{n}, &RECURRENT{n}, &BIAS{n}, &x{x}, &mut self.hidden{n});\n"
                ));
                self.let_be(n, &format!("self.hidden{n}"));
            }
        }
        Ok(())
    }
}

/// An activation of `z`, of the value with number `n`.
fn expression(activation: &Activation, z: &str, n: usize) -> Result<String, WriteError> {
    let number = |number: f32| literal(number, "_f32");
    Ok(match activation {
        Activation::Identity | Activation::Softmax => z.to_owned(),
        Activation::Tanh => format!("{z}.tanh()"),
        Activation::FastTanh => format!("fast_tanh({z})"),
        Activation::HardTanh { min, max } => format!("{z}.max({}).min({})", number(*min)?, number(*max)?),
        Activation::Relu => format!("{z}.max(0.0)"),
        Activation::LeakyRelu { slope } => {
            format!("if {z} > 0.0 {{ {z} }} else {{ {} * {z} }}", number(*slope)?)
        }
        Activation::PRelu { .. } => format!("if {z} > 0.0 {{ {z} }} else {{ SLOPES{n}[c] * {z} }}"),
        Activation::Sigmoid => format!("1.0 / (1.0 + (-{z}).exp())"),
        Activation::Silu => format!("{z} / (1.0 + (-{z}).exp())"),
        Activation::HardSwish => format!("{z} * ({z} + 3.0).clamp(0.0, 6.0) / 6.0"),
        Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
            let (min, max) = (number(*min)?, number(*max)?);
            let below = format!("({z} - ({min})) * {} + {min}", number(*min_slope)?);
            let above = format!("({z} - ({max})) * {} + {max}", number(*max_slope)?);
            format!("if {z} < {min} {{ {below} }} else if {z} > {max} {{ {above} }} else {{ {z} }}")
        }
        Activation::Softsign => format!("{z} / (1.0 + {z}.abs())"),
        Activation::Softsigmoid => format!("0.5 * (1.0 + {z} / (1.0 + {z}.abs()))"),
        Activation::Elu { alpha } => {
            format!("if {z} > 0.0 {{ {z} }} else {{ {} * {z}.exp_m1() }}", number(*alpha)?)
        }
    })
}

const TEMPLATE: &str = "\
//! @TITLE@.
//!
//! Written by neural-distortion.

// Weights are [output][input][tap], the oldest tap first.
@CONSTANTS@
@PIECES@/// The model and what it remembers.
#[derive(Debug, Clone)]
pub struct Model@FIELDS@

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// A model that is ready to play: silence has run through it.
    pub fn new() -> Self {
        let mut model = Self@STARTS@;
        model.reset();
        model
    }

    /// Goes back to the start.
    pub fn reset(&mut self) {
@RESETS@@SILENCE@    }

    /// One output sample from one input sample.
    pub fn process_sample(&mut self, input: f32) -> f32 {
        let x0 = [input@KNOBS@];
@STEPS@        x@LAST@[0]
    }

    /// Writes one output sample for each input sample.
    ///
    /// # Panics
    ///
    /// If the slices differ in length.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), \"lengths differ\");
        for (x, y) in input.iter().zip(output) {
            *y = self.process_sample(*x);
        }
    }
}
";

const SILENCE: &str = "\
        for _ in 0..@FRAMES@ {
            self.process_sample(0.0);
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
/// `weights * x + bias`, within each group.
fn dense<const I: usize, const O: usize>(weights: &[f32], bias: &[f32; O], groups: usize, x: &[f32; I]) -> [f32; O] {
    let width = I / groups;
    std::array::from_fn(|o| {
        let from = &x[o / (O / groups) * width..][..width];
        let products = weights[o * width..].iter().zip(from).map(|(w, x)| w * x);
        products.fold(bias[o], |sum, product| sum + product)
    })
}
";

const CONV: &str = "\
/// What a convolution remembers.
#[derive(Debug, Clone)]
struct History<const I: usize> {
    past: Vec<[f32; I]>,
    newest: usize,
}

impl<const I: usize> History<I> {
    fn new(frames: usize) -> Self {
        Self { past: vec![[0.0; I]; frames], newest: 0 }
    }

    fn clear(&mut self) {
        self.past.fill([0.0; I]);
    }
}

/// A causal convolution over time, within each group.
fn conv<const I: usize, const O: usize>(
    weights: &[f32],
    bias: &[f32; O],
    groups: usize,
    dilation: usize,
    history: &mut History<I>,
    x: &[f32; I],
) -> [f32; O] {
    let (frames, width) = (history.past.len(), I / groups);
    let taps = (frames - 1) / dilation + 1;
    history.newest = (history.newest + 1) % frames;
    history.past[history.newest] = *x;
    std::array::from_fn(|o| {
        let mut sum = bias[o];
        for k in 0..taps {
            let age = (taps - 1 - k) * dilation;
            let from = &history.past[(history.newest + frames - age) % frames][o / (O / groups) * width..];
            for i in 0..width {
                sum += weights[(o * width + i) * taps + k] * from[i];
            }
        }
        sum
    })
}
";

const SOFTMAX: &str = "\
fn softmax<const C: usize>(x: &[f32; C]) -> [f32; C] {
    let largest = x.iter().fold(f32::NEG_INFINITY, |largest, x| largest.max(*x));
    let powers = x.map(|x| (x - largest).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}
";

const FAST_TANH: &str = "\
/// A rational approximation of tanh.
fn fast_tanh(z: f32) -> f32 {
    let (a, q) = (z.abs(), z * z);
    z * (2.455_507_5 + 2.455_507_5 * a + (0.893_229_84 + 0.821_226_66 * a) * q)
        / (2.445_066_4 + (2.445_066_4 + q) * (z + 0.814_642_7 * z * a).abs())
}
";

const RECURRENT: &str = "\
/// One row of a matrix times `x`.
fn product<const I: usize>(matrix: &[f32], row: usize, x: &[f32; I]) -> f32 {
    matrix[row * I..].iter().zip(x).map(|(w, x)| w * x).sum()
}
";

const LSTM: &str = "\
/// Gates i, f, g, o.
fn lstm<const I: usize, const H: usize, const R: usize>(
    input: &[f32],
    recurrent: &[f32],
    bias: &[f32; R],
    x: &[f32; I],
    h: &mut [f32; H],
    c: &mut [f32; H],
) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let gates: [f32; R] =
        std::array::from_fn(|row| bias[row] + product(input, row, x) + product(recurrent, row, h));
    for u in 0..H {
        c[u] = sigmoid(gates[H + u]) * c[u] + sigmoid(gates[u]) * gates[2 * H + u].tanh();
        h[u] = sigmoid(gates[3 * H + u]) * c[u].tanh();
    }
}
";

const GRU: &str = "\
/// Gates r, z, n.
fn gru<const I: usize, const H: usize, const R: usize>(
    [input, recurrent]: [&[f32]; 2],
    [input_bias, recurrent_bias]: [&[f32; R]; 2],
    x: &[f32; I],
    h: &mut [f32; H],
) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let from_x: [f32; R] = std::array::from_fn(|row| input_bias[row] + product(input, row, x));
    let from_h: [f32; R] = std::array::from_fn(|row| recurrent_bias[row] + product(recurrent, row, h));
    for u in 0..H {
        let r = sigmoid(from_x[u] + from_h[u]);
        let z = sigmoid(from_x[H + u] + from_h[H + u]);
        let n = (from_x[2 * H + u] + r * from_h[2 * H + u]).tanh();
        h[u] = (1.0 - z) * n + z * h[u];
    }
}
";

const RNN: &str = "\
fn rnn<const I: usize, const H: usize>(
    input: &[f32],
    recurrent: &[f32],
    bias: &[f32; H],
    x: &[f32; I],
    h: &mut [f32; H],
) {
    let next = std::array::from_fn(|u| (bias[u] + product(input, u, x) + product(recurrent, u, h)).tanh());
    *h = next;
}
";
