//! A network as a list of simple operations, for targets that are programs.

pub(super) mod cpp;
mod onnx;
pub(super) mod rust;

pub(super) use onnx::write as onnx;

use super::Target;
use super::fold::{check_len, inexpressible};
use crate::error::WriteError;
use crate::spec::{
    Activation, Affine, Conv1d, Conv2d, Film, Gating, Gru, Layer, Lstm, ModelSpec, Network, Padding, Prewarm,
    Rnn, Stack, WaveNet, WaveNetLayer,
};

/// Weights that a convolution over features may become: as many as a file may have.
const MAX_UNFOLDED: usize = 16_000_000;

/// Operations in order. Value 0 is the input, value n what the operation n - 1 gives.
struct Graph {
    /// Width of each value.
    widths: Vec<usize>,
    nodes: Vec<Node>,
    /// The value that leaves the model.
    output: usize,
    /// Frames of silence that run through the model before it plays.
    prewarm_frames: usize,
    sample_rate: Option<f64>,
    title: String,
}

/// An operation on the values with these numbers.
struct Node {
    op: Op,
    inputs: Vec<usize>,
}

enum Op {
    /// With a bias.
    Conv(Conv1d),
    Activation(Activation),
    Affine(Affine),
    Lstm(Lstm),
    Gru(Gru),
    Rnn(Rnn),
    Add,
    Subtract,
    Multiply,
    /// The channels from this one on.
    Slice(usize),
}

impl Graph {
    fn of(spec: &ModelSpec, target: Target) -> Result<Self, WriteError> {
        let sizes = spec.quality_steps().len();
        if sizes > 1 {
            return Err(inexpressible(target, "", "a model of one size", format!("{sizes} sizes")));
        }
        let rate = spec.known_sample_rate();
        let mut builder = Builder {
            target,
            widths: vec![spec.in_channels()],
            nodes: Vec::new(),
            memory: 0,
            silence: None,
            rate,
        };
        let output = builder.model(spec, 0, "")?;
        let Builder { widths, nodes, memory, silence, .. } = builder;
        let network = format!("{} of {} weights", spec.architecture(), spec.network.num_parameters());
        let title =
            spec.metadata.name.as_ref().map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
        let title = title.map_or(network.clone(), |name| format!("{name}: {network}"));
        let prewarm_frames = silence.unwrap_or(memory);
        Ok(Self { widths, nodes, output, prewarm_frames, sample_rate: rate, title })
    }

    /// The operations that lead to the output, with the numbers of the values that they give.
    fn steps(&self) -> Vec<(usize, &Node)> {
        let mut needed = vec![false; self.widths.len()];
        needed[self.output] = true;
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if needed[index + 1] {
                for &input in &node.inputs {
                    needed[input] = true;
                }
            }
        }
        let steps = (1..).zip(&self.nodes);
        steps.filter(|&(n, _)| needed[n]).collect()
    }

    /// The pieces of code that the operations need.
    fn pieces(&self, pieces: &[Piece]) -> String {
        let steps = self.steps();
        let needed = pieces.iter().filter(|(is_for, _)| steps.iter().any(|(_, node)| is_for(&node.op)));
        needed.map(|(_, text)| format!("{text}\n")).collect::<Vec<_>>().concat()
    }

    /// What the model is, for the head of a source.
    fn headline(&self) -> String {
        let rate =
            self.sample_rate.map_or("any sample rate will do".to_owned(), |rate| format!("for {rate} Hz"));
        format!("{}, {rate}", self.title)
    }
}

struct Builder {
    target: Target,
    widths: Vec<usize>,
    nodes: Vec<Node>,
    /// Frames that the convolutions look back, one after the other.
    memory: usize,
    /// What recurrent layers hear before they play.
    silence: Option<usize>,
    rate: Option<f64>,
}

impl Builder {
    /// The number of the value that a new operation gives.
    fn add(&mut self, op: Op, inputs: &[usize], width: usize) -> usize {
        self.nodes.push(Node { op, inputs: inputs.to_vec() });
        self.widths.push(width);
        self.nodes.len()
    }

    fn model(&mut self, spec: &ModelSpec, x: usize, path: &str) -> Result<usize, WriteError> {
        match &spec.network {
            Network::Stack(stack) => self.stack(stack, x, path),
            Network::WaveNet(model) => self.wavenet(model, x, path),
            // Of one size, or there would have been an error.
            Network::Container(members) => {
                let Some(member) = members.last() else { return Ok(x) };
                self.model(&member.model, x, &format!("{path}members[{}].model.", members.len() - 1))
            }
            Network::Sequential(models) => models
                .iter()
                .enumerate()
                .try_fold(x, |x, (index, model)| self.model(model, x, &format!("{path}models[{index}]."))),
        }
    }

    fn stack(&mut self, stack: &Stack, x: usize, path: &str) -> Result<usize, WriteError> {
        let mut x = x;
        let width = self.widths[x];
        if stack.in_gain != 1.0 {
            let mut scale = vec![1.0; width];
            scale[0] = stack.in_gain;
            x = self.add(Op::Affine(Affine { scale, shift: vec![0.0; width] }), &[x], width);
        }
        let mut y = x;
        for (index, layer) in stack.layers.iter().enumerate() {
            y = self.layer(layer, y, &format!("{path}layers[{index}]"))?;
        }
        if stack.layers.iter().any(|layer| matches!(layer, Layer::Lstm(_) | Layer::Gru(_) | Layer::Rnn(_))) {
            let frames = match stack.prewarm {
                Prewarm::None => 0,
                Prewarm::Frames(frames) => frames,
                Prewarm::Seconds(seconds) => self.rate.map_or(1, |rate| (seconds * rate) as usize),
            };
            self.silence = Some(self.silence.unwrap_or(0).max(frames));
        }
        if stack.skip > 0 {
            if stack.skip != self.widths[y] || stack.skip > width {
                let expected = format!("0 or {}", self.widths[y]);
                return Err(inexpressible(
                    self.target,
                    format!("{path}skip"),
                    expected,
                    stack.skip.to_string(),
                ));
            }
            let skipped = self.slice(x, 0, stack.skip);
            y = self.add(Op::Add, &[y, skipped], stack.skip);
        }
        Ok(self.scale(y, stack.out_gain))
    }

    fn scale(&mut self, x: usize, gain: f32) -> usize {
        let width = self.widths[x];
        if gain == 1.0 {
            return x;
        }
        self.add(Op::Affine(Affine { scale: vec![gain; width], shift: vec![0.0; width] }), &[x], width)
    }

    fn slice(&mut self, x: usize, from: usize, width: usize) -> usize {
        if (from, width) == (0, self.widths[x]) { x } else { self.add(Op::Slice(from), &[x], width) }
    }

    fn layer(&mut self, layer: &Layer, x: usize, path: &str) -> Result<usize, WriteError> {
        let check = |weights: &[f32], expected: usize| check_len(path, weights, expected);
        match layer {
            Layer::Dense(dense) => self.conv(&Conv1d::from(dense), x, path),
            Layer::Conv1d(conv) => self.conv(conv, x, path),
            Layer::Conv2d(conv) => {
                let conv = self.unfolded(conv, path)?;
                self.conv(&conv, x, path)
            }
            Layer::Activation(activation) => Ok(self.activation(activation, x)),
            Layer::Affine(affine) => {
                self.expect(x, affine.scale.len(), path)?;
                check(&affine.shift, affine.scale.len())?;
                Ok(self.add(Op::Affine(affine.clone()), &[x], affine.scale.len()))
            }
            Layer::Lstm(lstm) => {
                let (inputs, units) = (lstm.input_size, lstm.hidden_size);
                self.expect(x, inputs, path)?;
                check(&lstm.weight_ih, 4 * units * inputs)?;
                check(&lstm.weight_hh, 4 * units * units)?;
                check(&lstm.bias, 4 * units)?;
                check(&lstm.initial_hidden, units)?;
                check(&lstm.initial_cell, units)?;
                Ok(self.add(Op::Lstm(lstm.clone()), &[x], units))
            }
            Layer::Gru(gru) => {
                let (inputs, units) = (gru.input_size, gru.hidden_size);
                self.expect(x, inputs, path)?;
                check(&gru.weight_ih, 3 * units * inputs)?;
                check(&gru.weight_hh, 3 * units * units)?;
                check(&gru.bias_ih, 3 * units)?;
                check(&gru.bias_hh, 3 * units)?;
                Ok(self.add(Op::Gru(gru.clone()), &[x], units))
            }
            Layer::Rnn(rnn) => {
                let (inputs, units) = (rnn.input_size, rnn.hidden_size);
                self.expect(x, inputs, path)?;
                check(&rnn.weight_ih, units * inputs)?;
                check(&rnn.weight_hh, units * units)?;
                check(&rnn.bias, units)?;
                Ok(self.add(Op::Rnn(rnn.clone()), &[x], units))
            }
        }
    }

    /// Checks the width of what goes into an operation.
    fn expect(&self, x: usize, expected: usize, path: &str) -> Result<(), WriteError> {
        let found = self.widths[x];
        if found == expected && expected > 0 {
            return Ok(());
        }
        Err(WriteError::ShapeMismatch { path: path.to_owned(), expected, found })
    }

    fn conv(&mut self, conv: &Conv1d, x: usize, path: &str) -> Result<usize, WriteError> {
        let &Conv1d { in_channels, out_channels, kernel_size, dilation, groups, .. } = conv;
        self.expect(x, in_channels, path)?;
        check_len(path, &conv.weight, out_channels * (in_channels / groups.max(1)) * kernel_size)?;
        let bias = conv.bias.clone().unwrap_or_else(|| vec![0.0; out_channels]);
        check_len(path, &bias, out_channels)?;
        self.memory += kernel_size.saturating_sub(1) * dilation;
        Ok(self.add(Op::Conv(Conv1d { bias: Some(bias), ..conv.clone() }), &[x], out_channels))
    }

    /// A convolution over time and features as one over time alone: what a kernel does not reach has weights of 0.
    fn unfolded(&self, conv: &Conv2d, path: &str) -> Result<Conv1d, WriteError> {
        let &Conv2d { in_filters, out_filters, in_features, out_features, .. } = conv;
        let &Conv2d { kernel_size_time, kernel_size_feature, dilation, stride, .. } = conv;
        let product = |sizes: &[usize]| sizes.iter().fold(1_usize, |all, &size| all.saturating_mul(size));
        check_len(
            path,
            &conv.weight,
            product(&[kernel_size_time, kernel_size_feature, in_filters, out_filters]),
        )?;
        let widths = [in_features, in_filters, out_features, out_filters];
        let len = product(&[&widths[..], &[kernel_size_time]].concat());
        if len > MAX_UNFOLDED {
            let expected = format!("at most {MAX_UNFOLDED} weights for all features together");
            return Err(inexpressible(self.target, path, expected, len.to_string()));
        }
        let before = match conv.padding {
            Padding::Valid => 0,
            Padding::Same => {
                let reach = out_features.saturating_sub(1).saturating_mul(stride);
                reach.saturating_add(kernel_size_feature).saturating_sub(in_features) / 2
            }
        };
        let in_channels = in_features * in_filters;
        let mut weight = vec![0.0; len];
        for (index, &number) in conv.weight.iter().enumerate() {
            let (rest, out) = (index / out_filters, index % out_filters);
            let (rest, filter) = (rest / in_filters, rest % in_filters);
            let (time, offset) = (rest / kernel_size_feature, rest % kernel_size_feature);
            for feature in 0..out_features {
                let place = feature.saturating_mul(stride).saturating_add(offset);
                if let Some(from) = place.checked_sub(before).filter(|from| *from < in_features) {
                    let row = (feature * out_filters + out) * in_channels + from * in_filters + filter;
                    weight[row * kernel_size_time + time] = number;
                }
            }
        }
        Ok(Conv1d {
            in_channels,
            out_channels: out_features * out_filters,
            kernel_size: kernel_size_time,
            dilation,
            groups: 1,
            weight,
            bias: conv.bias.as_ref().map(|bias| bias.repeat(out_features)),
        })
    }

    fn activation(&mut self, activation: &Activation, x: usize) -> usize {
        if *activation == Activation::Identity {
            return x;
        }
        let width = self.widths[x];
        let activation = match activation {
            Activation::PRelu { slopes } => match slopes.as_slice() {
                [slope] => Activation::LeakyRelu { slope: *slope },
                slopes => Activation::PRelu { slopes: slopes[..width.min(slopes.len())].to_vec() },
            },
            other => other.clone(),
        };
        self.add(Op::Activation(activation), &[x], width)
    }

    fn wavenet(&mut self, model: &WaveNet, x: usize, path: &str) -> Result<usize, WriteError> {
        let condition = match &model.condition {
            Some(condition) => self.model(condition, x, &format!("{path}condition."))?,
            None => x,
        };
        let mut y = x;
        let mut head: Option<usize> = None;
        for (index, array) in model.arrays.iter().enumerate() {
            let path = format!("{path}arrays[{index}]");
            y = self.conv(&array.rechannel, y, &format!("{path}.rechannel"))?;
            for (index, layer) in array.layers.iter().enumerate() {
                let (next, to_head) =
                    self.residual(layer, y, condition, &format!("{path}.layers[{index}]"))?;
                let width = self.widths[to_head];
                head = Some(head.map_or(to_head, |head| self.add(Op::Add, &[head, to_head], width)));
                y = next;
            }
            let sum = head.unwrap_or(y);
            head = Some(self.conv(&array.head_rechannel, sum, &format!("{path}.head_rechannel"))?);
        }
        let mut y = self.scale(head.unwrap_or(x), model.head_scale);
        for (index, (activation, conv)) in model.post_head.iter().enumerate() {
            y = self.activation(activation, y);
            y = self.conv(conv, y, &format!("{path}post_head[{index}]"))?;
        }
        Ok(y)
    }

    /// The values for the next layer and for the head.
    fn residual(
        &mut self,
        layer: &WaveNetLayer,
        x: usize,
        condition: usize,
        path: &str,
    ) -> Result<(usize, usize), WriteError> {
        let at = |part: &str| format!("{path}.{part}");
        let film = |graph: &mut Self, film: &Option<Film>, x: usize| match film {
            Some(film) => graph.film(film, x, condition, path),
            None => Ok(x),
        };
        let into = film(self, &layer.conv_pre_film, x)?;
        let conv = self.conv(&layer.conv, into, &at("conv"))?;
        let conv = film(self, &layer.conv_post_film, conv)?;
        let mixed = film(self, &layer.input_mixin_pre_film, condition)?;
        let mixed = self.conv(&layer.mixin, mixed, &at("mixin"))?;
        let mixed = film(self, &layer.input_mixin_post_film, mixed)?;
        let width = self.widths[conv];
        self.expect(mixed, width, &at("mixin"))?;
        let z = self.add(Op::Add, &[conv, mixed], width);
        let z = film(self, &layer.activation_pre_film, z)?;
        let bottleneck = layer.bottleneck();
        let first = self.slice(z, 0, bottleneck);
        let active = self.activation(&layer.activation, first);
        let p = match &layer.gating {
            Gating::None => active,
            Gating::Gated(second) => {
                let gate = self.slice(z, bottleneck, bottleneck);
                let gate = self.activation(second, gate);
                self.add(Op::Multiply, &[active, gate], bottleneck)
            }
            Gating::Blended(second) => {
                let blend = self.slice(z, bottleneck, bottleneck);
                let blend = self.activation(second, blend);
                let change = self.add(Op::Subtract, &[active, first], bottleneck);
                let change = self.add(Op::Multiply, &[blend, change], bottleneck);
                self.add(Op::Add, &[first, change], bottleneck)
            }
        };
        let p = film(self, &layer.activation_post_film, p)?;
        let mut to_head = p;
        if let Some(conv) = &layer.head1x1 {
            to_head = self.conv(conv, p, &at("head1x1"))?;
            to_head = film(self, &layer.head1x1_post_film, to_head)?;
        }
        let Some(conv) = &layer.layer1x1 else { return Ok((x, to_head)) };
        let residual = self.conv(conv, p, &at("layer1x1"))?;
        let residual = film(self, &layer.layer1x1_post_film, residual)?;
        self.expect(residual, self.widths[x], &at("layer1x1"))?;
        Ok((self.add(Op::Add, &[x, residual], self.widths[x]), to_head))
    }

    fn film(&mut self, film: &Film, x: usize, condition: usize, path: &str) -> Result<usize, WriteError> {
        let width = self.widths[x];
        let both = self.conv(&film.conv, condition, path)?;
        self.expect(both, if film.shift { 2 * width } else { width }, path)?;
        let scale = self.slice(both, 0, width);
        let scaled = self.add(Op::Multiply, &[x, scale], width);
        if !film.shift {
            return Ok(scaled);
        }
        let shift = self.slice(both, width, width);
        Ok(self.add(Op::Add, &[scaled, shift], width))
    }
}

/// Functions in a language, and which operations need them.
type Piece = (fn(&Op) -> bool, &'static str);

impl Op {
    fn is_dense(&self) -> bool {
        matches!(self, Self::Conv(conv) if conv.kernel_size == 1)
    }

    fn is_conv(&self) -> bool {
        matches!(self, Self::Conv(conv) if conv.kernel_size > 1)
    }

    fn is_recurrent(&self) -> bool {
        matches!(self, Self::Lstm(_) | Self::Gru(_) | Self::Rnn(_))
    }

    fn is(&self, activation: &Activation) -> bool {
        matches!(self, Self::Activation(own) if own == activation)
    }
}

/// A template with every `@NAME@` replaced.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// A number as C++ and Rust write it.
fn literal(number: f32, suffix: &str) -> Result<String, WriteError> {
    if number.is_finite() {
        return Ok(format!("{number:?}{suffix}"));
    }
    Err(WriteError::NonFinite { path: "weights".to_owned() })
}

/// Numbers with commas between them, in lines of at most 110 characters.
fn literals(numbers: &[f32], suffix: &str) -> Result<String, WriteError> {
    const WIDTH: usize = 110;
    let mut text = String::new();
    let mut line = 0;
    for &number in numbers {
        let number = literal(number, suffix)?;
        if line == 0 || line + number.len() + 2 > WIDTH {
            text.push_str("\n   ");
            line = 3;
        }
        text.push(' ');
        text.push_str(&number);
        text.push(',');
        line += number.len() + 2;
    }
    text.push('\n');
    Ok(text)
}
