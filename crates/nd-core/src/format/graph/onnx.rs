//! An ONNX graph that plays block by block: what the model remembers goes in and comes out.
//!
//! | | name | shape |
//! |---|---|---|
//! | in | `input`: the audio, then the knobs from 0 to 1 | `[1, channels, frames]` |
//! | in | `state0`, `state1`, …; one that is left out is as it is at the start | |
//! | out | `output` | `[1, channels, frames]` |
//! | out | `state0_next`, … for the next block | as `state0`, … |
//!
//! The file's properties have the `sample_rate` and how many `prewarm_frames` of silence a player lets run through the
//! model before it plays.

use super::{Graph, Node, Op};
use crate::error::WriteError;
use crate::format::Target;
use crate::spec::{Activation, ModelSpec};

/// The version of the operators, and of the file that first had it.
const OPSET: u64 = 17;
const IR_VERSION: u64 = 8;

/// Writes the model as one graph.
pub(in crate::format) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let graph = Graph::of(spec, Target::Onnx)?;
    let mut writer = Writer::default();
    for (n, node) in graph.steps() {
        writer.step(n, node, graph.widths[n])?;
    }
    writer.node("Identity", &[value(graph.output)], "output", &[]);
    writer.inputs.splice(..0, value_info("input", &[Some(1), Some(graph.widths[0]), None]));
    writer
        .outputs
        .splice(..0, value_info_as(OUTPUT, "output", &[Some(1), Some(graph.widths[graph.output]), None]));

    let mut body = Message::default();
    body.bytes.extend(writer.nodes);
    body.text(2, "model");
    body.bytes.extend(writer.constants);
    body.bytes.extend(writer.inputs);
    body.bytes.extend(writer.outputs);
    let mut opset = Message::default();
    opset.text(1, "");
    opset.integer(2, OPSET);
    let mut model = Message::default();
    model.integer(1, IR_VERSION);
    model.text(2, "neural-distortion");
    model.text(6, &graph.headline());
    model.message(7, &body);
    model.message(8, &opset);
    let rate = graph.sample_rate.map(|rate| ("sample_rate", rate.to_string()));
    for (key, value) in rate.into_iter().chain([("prewarm_frames", graph.prewarm_frames.to_string())]) {
        let mut property = Message::default();
        property.text(1, key);
        property.text(2, &value);
        model.message(14, &property);
    }
    Ok(model.bytes)
}

/// The fields of a graph.
const NODE: u64 = 1;
const CONSTANT: u64 = 5;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;

/// The name of a value.
fn value(n: usize) -> String {
    if n == 0 { "input".to_owned() } else { format!("x{n}") }
}

#[derive(Default)]
struct Writer {
    nodes: Vec<u8>,
    constants: Vec<u8>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    states: usize,
    names: usize,
}

impl Writer {
    fn step(&mut self, n: usize, node: &Node, width: usize) -> Result<(), WriteError> {
        let x = value(node.inputs[0]);
        let out = value(n);
        let all: Vec<String> = node.inputs.iter().map(|&input| value(input)).collect();
        match &node.op {
            Op::Conv(conv) => {
                let history = (conv.kernel_size - 1) * conv.dilation;
                let mut x = x;
                if history > 0 {
                    let (before, after) = self.state(&[1, conv.in_channels, history], None)?;
                    x = self.call("Concat", &[before, x], &[("axis", Attribute::Integer(2))]);
                    self.slice(&x, -signed(history), i64::MAX, 2, &after);
                }
                let shape = [conv.out_channels, conv.in_channels / conv.groups, conv.kernel_size];
                let weight = self.constant(&shape, &conv.weight)?;
                let bias = self.constant(&[conv.out_channels], conv.bias.as_deref().unwrap_or_default())?;
                let attributes = [
                    ("dilations", Attribute::Integers(vec![conv.dilation])),
                    ("group", Attribute::Integer(conv.groups)),
                ];
                self.node("Conv", &[x, weight, bias], &out, &attributes);
            }
            Op::Activation(activation) => self.activation(activation, &x, &out)?,
            Op::Affine(affine) => {
                let scale = self.constant(&[1, width, 1], &affine.scale)?;
                let shift = self.constant(&[1, width, 1], &affine.shift)?;
                let scaled = self.call("Mul", &[x, scale], &[]);
                self.node("Add", &[scaled, shift], &out, &[]);
            }
            Op::Add => self.node("Add", &all, &out, &[]),
            Op::Subtract => self.node("Sub", &all, &out, &[]),
            Op::Multiply => self.node("Mul", &all, &out, &[]),
            Op::Slice(from) => self.slice(&x, signed(*from), signed(from + width), 1, &out),
            // ONNX has the gates i, o, f, c; here they are i, f, g, o.
            Op::Lstm(lstm) => {
                let weights = [&lstm.weight_ih, &lstm.weight_hh, &lstm.bias, &vec![0.0; 4 * width]];
                let weights = weights.map(|weights| reordered(weights, &[0, 3, 1, 2]));
                let starts = [lstm.initial_hidden.as_slice(), &lstm.initial_cell];
                self.recurrent("LSTM", &x, weights, &starts, &[], &out)?;
            }
            // ONNX has the gates z, r, h; here they are r, z, n.
            Op::Gru(gru) => {
                let weights = [&gru.weight_ih, &gru.weight_hh, &gru.bias_ih, &gru.bias_hh];
                let weights = weights.map(|weights| reordered(weights, &[1, 0, 2]));
                let after_matrix = ("linear_before_reset", Attribute::Integer(1));
                self.recurrent("GRU", &x, weights, &[&vec![0.0; width]], &[after_matrix], &out)?;
            }
            Op::Rnn(rnn) => {
                let zeros = vec![0.0; width];
                let weights = [&rnn.weight_ih, &rnn.weight_hh, &rnn.bias, &zeros].map(Clone::clone);
                self.recurrent("RNN", &x, weights, &[&zeros], &[], &out)?;
            }
        }
        Ok(())
    }

    /// A recurrent layer of `[input matrix, recurrent matrix, their biases]`, which wants the frames first.
    fn recurrent(
        &mut self,
        kind: &str,
        x: &str,
        [input, recurrent, input_bias, recurrent_bias]: [Vec<f32>; 4],
        starts: &[&[f32]],
        attributes: &[(&str, Attribute)],
        out: &str,
    ) -> Result<(), WriteError> {
        let (units, rows) = (starts[0].len(), input_bias.len());
        let frames_first = Attribute::Integers(vec![2, 0, 1]);
        let x = self.call("Transpose", &[x.to_owned()], &[("perm", frames_first)]);
        let mut inputs = vec![
            x,
            self.constant(&[1, rows, input.len() / rows], &input)?,
            self.constant(&[1, rows, units], &recurrent)?,
            self.constant(&[1, 2 * rows], &[input_bias, recurrent_bias].concat())?,
            String::new(),
        ];
        let y = self.name();
        let mut outputs = vec![y.clone()];
        for start in starts {
            let (before, after) = self.state(&[1, 1, units], Some(start))?;
            inputs.push(before);
            outputs.push(after);
        }
        let mut attributes = attributes.to_vec();
        attributes.push(("hidden_size", Attribute::Integer(units)));
        self.nodes.extend(node(kind, &inputs, &outputs, &attributes));
        let direction = self.integers(&[1]);
        let y = self.call("Squeeze", &[y, direction], &[]);
        self.node("Transpose", &[y], out, &[("perm", Attribute::Integers(vec![1, 2, 0]))]);
        Ok(())
    }

    fn activation(&mut self, activation: &Activation, x: &str, out: &str) -> Result<(), WriteError> {
        let own = x.to_owned();
        let alpha = |alpha: f32| [("alpha", Attribute::Float(alpha))];
        match activation {
            Activation::Identity => self.node("Identity", &[own], out, &[]),
            Activation::Tanh => self.node("Tanh", &[own], out, &[]),
            Activation::Relu => self.node("Relu", &[own], out, &[]),
            Activation::Sigmoid => self.node("Sigmoid", &[own], out, &[]),
            Activation::HardSwish => self.node("HardSwish", &[own], out, &[]),
            Activation::Softsign => self.node("Softsign", &[own], out, &[]),
            Activation::LeakyRelu { slope } => self.node("LeakyRelu", &[own], out, &alpha(*slope)),
            Activation::Elu { alpha: depth } => self.node("Elu", &[own], out, &alpha(*depth)),
            Activation::Softmax => self.node("Softmax", &[own], out, &[("axis", Attribute::Integer(1))]),
            Activation::PRelu { slopes } => {
                let slopes = self.constant(&[slopes.len(), 1], slopes)?;
                self.node("PRelu", &[own, slopes], out, &[]);
            }
            Activation::HardTanh { min, max } => {
                let bounds = [self.scalar(*min)?, self.scalar(*max)?];
                self.node("Clip", &[&[own], bounds.as_slice()].concat(), out, &[]);
            }
            Activation::Silu => {
                let gate = self.call("Sigmoid", std::slice::from_ref(&own), &[]);
                self.node("Mul", &[own, gate], out, &[]);
            }
            Activation::Softsigmoid => {
                let half = self.scalar(0.5)?;
                let sign = self.call("Softsign", &[own], &[]);
                let sign = self.call("Mul", &[sign, half.clone()], &[]);
                self.node("Add", &[sign, half], out, &[]);
            }
            Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
                let bounds = [self.scalar(*min)?, self.scalar(*max)?];
                let inside = self.call("Clip", &[std::slice::from_ref(&own), &bounds].concat(), &[]);
                let beyond = self.call("Sub", &[own, inside.clone()], &[]);
                let zero = self.scalar(0.0)?;
                let mut sum = inside;
                for (side, slope) in [("Min", min_slope), ("Max", max_slope)] {
                    let slope = self.scalar(*slope)?;
                    let part = self.call(side, &[beyond.clone(), zero.clone()], &[]);
                    let part = self.call("Mul", &[part, slope], &[]);
                    sum = self.call("Add", &[sum, part], &[]);
                }
                self.node("Identity", &[sum], out, &[]);
            }
            Activation::FastTanh => self.fast_tanh(&own, out)?,
        }
        Ok(())
    }

    /// The quotient of [`Activation::FastTanh`].
    fn fast_tanh(&mut self, x: &str, out: &str) -> Result<(), WriteError> {
        let x = x.to_owned();
        let numbers = [2.455_507_5, 0.893_229_84, 0.821_226_66, 2.445_066_4, 0.814_642_7];
        let mut constants = Vec::new();
        for number in numbers {
            constants.push(self.scalar(number)?);
        }
        let [c0, c1, c2, c3, c4] = [0, 1, 2, 3, 4].map(|index: usize| constants[index].clone());
        let a = self.call("Abs", std::slice::from_ref(&x), &[]);
        let q = self.call("Mul", &[x.clone(), x.clone()], &[]);
        let linear = self.call("Mul", &[a.clone(), c0.clone()], &[]);
        let linear = self.call("Add", &[linear, c0], &[]);
        let square = self.call("Mul", &[a.clone(), c2], &[]);
        let square = self.call("Add", &[square, c1], &[]);
        let square = self.call("Mul", &[square, q.clone()], &[]);
        let above = self.call("Add", &[linear, square], &[]);
        let above = self.call("Mul", &[above, x.clone()], &[]);
        let bent = self.call("Mul", &[x.clone(), a], &[]);
        let bent = self.call("Mul", &[bent, c4], &[]);
        let bent = self.call("Add", &[bent, x], &[]);
        let bent = self.call("Abs", &[bent], &[]);
        let below = self.call("Add", &[q, c3.clone()], &[]);
        let below = self.call("Mul", &[below, bent], &[]);
        let below = self.call("Add", &[below, c3], &[]);
        self.node("Div", &[above, below], out, &[]);
        Ok(())
    }

    fn slice(&mut self, x: &str, from: i64, to: i64, axis: i64, out: &str) {
        let ends = [from, to, axis].map(|end| self.integers(&[end]));
        self.node("Slice", &[&[x.to_owned()], ends.as_slice()].concat(), out, &[]);
    }

    /// A value that the model remembers, as it goes in and as it comes out; zero at the start where nothing is given.
    fn state(&mut self, shape: &[usize], start: Option<&[f32]>) -> Result<(String, String), WriteError> {
        let name = format!("state{}", self.states);
        let next = format!("{name}_next");
        self.states += 1;
        let dimensions: Vec<Option<usize>> = shape.iter().copied().map(Some).collect();
        self.inputs.extend(value_info(&name, &dimensions));
        self.outputs.extend(value_info_as(OUTPUT, &next, &dimensions));
        let zeros = vec![0.0; shape.iter().product()];
        self.tensor(&name, shape, start.unwrap_or(&zeros))?;
        Ok((name, next))
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// The value that a new node gives.
    fn call(&mut self, kind: &str, inputs: &[String], attributes: &[(&str, Attribute)]) -> String {
        let name = self.name();
        self.node(kind, inputs, &name, attributes);
        name
    }

    fn node(&mut self, kind: &str, inputs: &[String], output: &str, attributes: &[(&str, Attribute)]) {
        self.nodes.extend(node(kind, inputs, &[output.to_owned()], attributes));
    }

    fn scalar(&mut self, number: f32) -> Result<String, WriteError> {
        self.constant(&[], &[number])
    }

    fn constant(&mut self, shape: &[usize], numbers: &[f32]) -> Result<String, WriteError> {
        let name = self.name();
        self.tensor(&name, shape, numbers)?;
        Ok(name)
    }

    fn tensor(&mut self, name: &str, shape: &[usize], numbers: &[f32]) -> Result<(), WriteError> {
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(WriteError::NonFinite { path: "weights".to_owned() });
        }
        let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constants.extend(tensor(name, shape, 1, &data));
        Ok(())
    }

    fn integers(&mut self, numbers: &[i64]) -> String {
        let name = self.name();
        let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constants.extend(tensor(&name, &[numbers.len()], 7, &data));
        name
    }
}

/// A size, as ONNX has the ends of slices.
fn signed(size: usize) -> i64 {
    i64::try_from(size).expect("a size of something in memory")
}

/// Rows of gates in another order.
fn reordered(weights: &[f32], order: &[usize]) -> Vec<f32> {
    let size = weights.len() / order.len();
    order.iter().flat_map(|&gate| &weights[gate * size..(gate + 1) * size]).copied().collect()
}

#[derive(Clone)]
enum Attribute {
    Integer(usize),
    Float(f32),
    Integers(Vec<usize>),
}

fn node(kind: &str, inputs: &[String], outputs: &[String], attributes: &[(&str, Attribute)]) -> Vec<u8> {
    let mut node = Message::default();
    for input in inputs {
        node.text(1, input);
    }
    for output in outputs {
        node.text(2, output);
    }
    node.text(4, kind);
    for (name, value) in attributes {
        let mut attribute = Message::default();
        attribute.text(1, name);
        match value {
            Attribute::Float(number) => attribute.float(2, *number),
            Attribute::Integer(number) => attribute.integer(3, *number as u64),
            Attribute::Integers(numbers) => {
                for number in numbers {
                    attribute.integer(8, *number as u64);
                }
            }
        }
        let kind = match value {
            Attribute::Float(_) => 1,
            Attribute::Integer(_) => 2,
            Attribute::Integers(_) => 7,
        };
        attribute.integer(20, kind);
        node.message(5, &attribute);
    }
    field(NODE, &node)
}

fn tensor(name: &str, shape: &[usize], kind: u64, data: &[u8]) -> Vec<u8> {
    let mut tensor = Message::default();
    for size in shape {
        tensor.integer(1, *size as u64);
    }
    tensor.integer(2, kind);
    tensor.text(8, name);
    tensor.field(9, data);
    field(CONSTANT, &tensor)
}

fn value_info(name: &str, shape: &[Option<usize>]) -> Vec<u8> {
    value_info_as(INPUT, name, shape)
}

/// A name and the shape of its value; the one size that varies is that of a block.
fn value_info_as(kind: u64, name: &str, shape: &[Option<usize>]) -> Vec<u8> {
    let mut dimensions = Message::default();
    for size in shape {
        let mut dimension = Message::default();
        match size {
            Some(size) => dimension.integer(1, *size as u64),
            None => dimension.text(2, "frames"),
        }
        dimensions.message(1, &dimension);
    }
    let mut tensor = Message::default();
    tensor.integer(1, 1);
    tensor.message(2, &dimensions);
    let mut of_type = Message::default();
    of_type.message(1, &tensor);
    let mut info = Message::default();
    info.text(1, name);
    info.message(2, &of_type);
    field(kind, &info)
}

/// A message as a field of another.
fn field(number: u64, message: &Message) -> Vec<u8> {
    let mut outer = Message::default();
    outer.message(number, message);
    outer.bytes
}

/// A message in the wire format of Protocol Buffers.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7F) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn integer(&mut self, number: u64, value: u64) {
        self.varint(number << 3);
        self.varint(value);
    }

    fn float(&mut self, number: u64, value: f32) {
        self.varint(number << 3 | 5);
        self.bytes.extend(value.to_le_bytes());
    }

    fn field(&mut self, number: u64, bytes: &[u8]) {
        self.varint(number << 3 | 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend(bytes);
    }

    fn text(&mut self, number: u64, text: &str) {
        self.field(number, text.as_bytes());
    }

    fn message(&mut self, number: u64, message: &Self) {
        self.field(number, &message.bytes);
    }
}
