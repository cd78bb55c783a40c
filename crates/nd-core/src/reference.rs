//! Every operation of a model once more, in plain `f64`: slow, obvious, and the judge of the engine.
//!
//! [`render`] evaluates a whole signal layer by layer, straight from the [`ModelSpec`], with no state, no blocks and
//! no rearranged weights. Nothing here shares code with the engine: where the two disagree, one of them misreads the
//! description. A channel is a `Vec<f64>`, a signal is a vector of channels of the same length.

use std::iter::repeat_n;

use crate::spec::{
    Activation, Affine, Conv1d, Conv2d, Dense, Film, Gating, Gru, Layer, LayerArray, Lstm, Member, ModelSpec,
    Network, Padding, Prewarm, Rnn, Stack, WaveNet, WaveNetLayer,
};

type Signal = Vec<Vec<f64>>;

/// What a parameter is while silence runs through the model: the middle of its range.
const KNOB_AT_REST: f64 = 0.5;

/// How a model is rendered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Whether silence runs through the model before the signal: as much as a feed-forward network remembers, or as
    /// a recurrent [`Stack`] asks for. Otherwise every convolution sees zeros before the first frame, and every
    /// recurrent layer starts from its stored state.
    pub prewarm: bool,
    /// Which size of a model with several to run, from 0 (smallest) to 1 (full).
    pub quality: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { prewarm: true, quality: 1.0 }
    }
}

/// Render a whole signal: channels in (audio, then one for each parameter), channels out, all of the same length.
///
/// The description must be consistent, as one that compiles is; this function may panic on another.
pub fn render(spec: &ModelSpec, input: &[Vec<f64>], options: &Options) -> Vec<Vec<f64>> {
    let silence = if options.prewarm { warm_up(spec, options.quality) } else { 0 };
    let before = |channel| if channel == 0 { 0.0 } else { KNOB_AT_REST };
    let padded: Signal = input
        .iter()
        .enumerate()
        .map(|(channel, x)| repeat_n(before(channel), silence).chain(x.iter().copied()).collect())
        .collect();
    let mut output = network(spec, &padded, options.quality);
    for channel in &mut output {
        channel.drain(..silence);
    }
    output
}

/// How many frames of input one frame of output depends on, or `None` for a model with recurrent layers.
pub fn receptive_field(spec: &ModelSpec, quality: f64) -> Option<usize> {
    (!is_recurrent(spec, quality)).then(|| warm_up(spec, quality) + 1)
}

fn is_recurrent(spec: &ModelSpec, quality: f64) -> bool {
    match &spec.network {
        Network::Stack(stack) => has_recurrent_layer(stack),
        Network::WaveNet(net) => net.condition.as_ref().is_some_and(|c| is_recurrent(c, quality)),
        Network::Container(members) => is_recurrent(select(members, quality), quality),
        Network::Sequential(models) => models.iter().any(|m| is_recurrent(m, quality)),
    }
}

fn has_recurrent_layer(stack: &Stack) -> bool {
    stack.layers.iter().any(|l| matches!(l, Layer::Lstm(_) | Layer::Gru(_) | Layer::Rnn(_)))
}

/// Frames of silence that run first.
fn warm_up(spec: &ModelSpec, quality: f64) -> usize {
    match &spec.network {
        Network::Stack(stack) if has_recurrent_layer(stack) => match stack.prewarm {
            Prewarm::None => 0,
            Prewarm::Frames(frames) => frames,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the format rounds down"
            )]
            Prewarm::Seconds(seconds) => spec.sample_rate.map_or(1, |rate| (seconds * rate) as usize),
        },
        Network::Stack(stack) => stack
            .layers
            .iter()
            .map(|layer| match layer {
                Layer::Conv1d(conv) => memory(conv),
                Layer::Conv2d(conv) => (conv.kernel_size_time - 1) * conv.dilation,
                _ => 0,
            })
            .sum(),
        Network::WaveNet(net) => {
            let condition = net.condition.as_ref().map_or(0, |c| warm_up(c, quality));
            let arrays = net.arrays.iter().map(|array| {
                memory(&array.head_rechannel) + array.layers.iter().map(|l| memory(&l.conv)).sum::<usize>()
            });
            let post_head = net.post_head.iter().map(|(_, conv)| memory(conv));
            condition + arrays.sum::<usize>() + post_head.sum::<usize>()
        }
        Network::Container(members) => warm_up(select(members, quality), quality),
        Network::Sequential(models) => models.iter().map(|m| warm_up(m, quality)).sum(),
    }
}

fn memory(conv: &Conv1d) -> usize {
    (conv.kernel_size - 1) * conv.dilation
}

fn select(members: &[Member], quality: f64) -> &ModelSpec {
    let last = members.last().expect("a container has members");
    &members.iter().find(|m| quality < m.max_value).unwrap_or(last).model
}

fn network(spec: &ModelSpec, input: &[Vec<f64>], quality: f64) -> Signal {
    match &spec.network {
        Network::Stack(net) => stack(net, input),
        Network::WaveNet(net) => wavenet(&slim(net, quality), input, quality),
        Network::Container(members) => network(select(members, quality), input, quality),
        Network::Sequential(models) => models.iter().fold(input.to_vec(), |x, m| network(m, &x, quality)),
    }
}

// Layers, one after the other.

fn stack(net: &Stack, input: &[Vec<f64>]) -> Signal {
    let mut x = input.to_vec();
    scale(&mut x[..1], net.in_gain.into());
    let mut y = net.layers.iter().fold(x.clone(), |y, l| layer(l, y));
    for (y, x) in y.iter_mut().zip(&x).take(net.skip) {
        add(y, x);
    }
    scale(&mut y, net.out_gain.into());
    y
}

fn layer(layer: &Layer, mut x: Signal) -> Signal {
    match layer {
        Layer::Dense(dense) => self::dense(dense, &x),
        Layer::Conv1d(conv) => conv1d(conv, &x),
        Layer::Conv2d(conv) => conv2d(conv, &x),
        Layer::Activation(activation) => {
            activate(activation, &mut x);
            x
        }
        Layer::Affine(affine) => {
            self::affine(affine, &mut x);
            x
        }
        Layer::Lstm(lstm) => self::lstm(lstm, &x),
        Layer::Gru(gru) => self::gru(gru, &x),
        Layer::Rnn(rnn) => self::rnn(rnn, &x),
    }
}

fn dense(dense: &Dense, x: &[Vec<f64>]) -> Signal {
    frame_by_frame(x, dense.out_channels, |x| product(&dense.weight, dense.bias.as_deref(), x))
}

fn affine(affine: &Affine, x: &mut [Vec<f64>]) {
    for (c, x) in x.iter_mut().enumerate() {
        for x in x {
            *x = *x * f64::from(affine.scale[c]) + f64::from(affine.shift[c]);
        }
    }
}

fn conv1d(conv: &Conv1d, x: &[Vec<f64>]) -> Signal {
    let (group_in, group_out) = (conv.in_channels / conv.groups, conv.out_channels / conv.groups);
    let output = |o: usize| {
        let bias = conv.bias.as_ref().map_or(0.0, |b| b[o].into());
        let mut y = vec![bias; x[0].len()];
        for i in 0..group_in {
            let x = &x[o / group_out * group_in + i];
            for k in 0..conv.kernel_size {
                let weight: f64 = conv.weight[(o * group_in + i) * conv.kernel_size + k].into();
                let delay = (conv.kernel_size - 1 - k) * conv.dilation;
                for n in delay..y.len() {
                    y[n] += weight * x[n - delay];
                }
            }
        }
        y
    };
    (0..conv.out_channels).map(output).collect()
}

fn conv2d(conv: &Conv2d, x: &[Vec<f64>]) -> Signal {
    let padding = match conv.padding {
        Padding::Valid => 0,
        Padding::Same => {
            let needed = (conv.out_features - 1) * conv.stride + conv.kernel_size_feature;
            needed.saturating_sub(conv.in_features) / 2
        }
    };
    let output = |feature: usize, filter: usize| {
        let bias = conv.bias.as_ref().map_or(0.0, |b| b[filter].into());
        let mut y = vec![bias; x[0].len()];
        for k in 0..conv.kernel_size_feature {
            // The feature that tap k falls on, counted from the first padded one.
            let place = feature * conv.stride + k;
            if place < padding || place - padding >= conv.in_features {
                continue;
            }
            for i in 0..conv.in_filters {
                let x = &x[(place - padding) * conv.in_filters + i];
                for t in 0..conv.kernel_size_time {
                    let tap = (t * conv.kernel_size_feature + k) * conv.in_filters + i;
                    let weight: f64 = conv.weight[tap * conv.out_filters + filter].into();
                    let delay = (conv.kernel_size_time - 1 - t) * conv.dilation;
                    for n in delay..y.len() {
                        y[n] += weight * x[n - delay];
                    }
                }
            }
        }
        y
    };
    (0..conv.out_features * conv.out_filters)
        .map(|channel| output(channel / conv.out_filters, channel % conv.out_filters))
        .collect()
}

fn lstm(lstm: &Lstm, x: &[Vec<f64>]) -> Signal {
    let size = lstm.hidden_size;
    let mut h: Vec<f64> = lstm.initial_hidden.iter().map(|&v| v.into()).collect();
    let mut c: Vec<f64> = lstm.initial_cell.iter().map(|&v| v.into()).collect();
    frame_by_frame(x, size, |x| {
        let from_input = product(&lstm.weight_ih, Some(&lstm.bias), x);
        let from_state = product(&lstm.weight_hh, None, &h);
        let gate = |block: usize, unit: usize| {
            let row = block * size + unit;
            from_input[row] + from_state[row]
        };
        for u in 0..size {
            let (i, f, g, o) = (gate(0, u), gate(1, u), gate(2, u), gate(3, u));
            c[u] = sigmoid(f) * c[u] + sigmoid(i) * g.tanh();
            h[u] = sigmoid(o) * c[u].tanh();
        }
        h.clone()
    })
}

fn gru(gru: &Gru, x: &[Vec<f64>]) -> Signal {
    let size = gru.hidden_size;
    let mut h = vec![0.0; size];
    frame_by_frame(x, size, |x| {
        let from_input = product(&gru.weight_ih, Some(&gru.bias_ih), x);
        let from_state = product(&gru.weight_hh, Some(&gru.bias_hh), &h);
        for u in 0..size {
            let r = sigmoid(from_input[u] + from_state[u]);
            let z = sigmoid(from_input[size + u] + from_state[size + u]);
            let n = (from_input[2 * size + u] + r * from_state[2 * size + u]).tanh();
            h[u] = (1.0 - z) * n + z * h[u];
        }
        h.clone()
    })
}

fn rnn(rnn: &Rnn, x: &[Vec<f64>]) -> Signal {
    let mut h = vec![0.0; rnn.hidden_size];
    frame_by_frame(x, rnn.hidden_size, |x| {
        let from_input = product(&rnn.weight_ih, Some(&rnn.bias), x);
        let from_state = product(&rnn.weight_hh, None, &h);
        h = from_input.iter().zip(&from_state).map(|(i, s)| (i + s).tanh()).collect();
        h.clone()
    })
}

// WaveNet.

fn wavenet(net: &WaveNet, input: &[Vec<f64>], quality: f64) -> Signal {
    let condition = net.condition.as_ref().map_or_else(|| input.to_vec(), |c| network(c, input, quality));
    let mut y = input.to_vec();
    let mut head: Option<Signal> = None;
    for array in &net.arrays {
        y = conv1d(&array.rechannel, &y);
        for layer in &array.layers {
            let to_head = wavenet_layer(layer, &mut y, &condition);
            match &mut head {
                None => head = Some(to_head),
                Some(head) => add_all(head, &to_head),
            }
        }
        head = head.map(|head| conv1d(&array.head_rechannel, &head));
    }
    let mut output = head.expect("a WaveNet has layers");
    scale(&mut output, net.head_scale.into());
    for (activation, conv) in &net.post_head {
        activate(activation, &mut output);
        output = conv1d(conv, &output);
    }
    output
}

/// Replace `y` by the layer's output and return what the layer adds to the head.
fn wavenet_layer(layer: &WaveNetLayer, y: &mut Signal, condition: &[Vec<f64>]) -> Signal {
    let film = |film: &Option<Film>, x: Signal| match film {
        Some(film) => modulate(film, x, condition),
        None => x,
    };
    let convolved = film(&layer.conv_post_film, conv1d(&layer.conv, &film(&layer.conv_pre_film, y.clone())));
    let mixed_in = film(
        &layer.input_mixin_post_film,
        conv1d(&layer.mixin, &film(&layer.input_mixin_pre_film, condition.to_vec())),
    );
    let mut z = convolved;
    add_all(&mut z, &mixed_in);
    z = film(&layer.activation_pre_film, z);

    let p = film(&layer.activation_post_film, gate(&layer.activation, &layer.gating, z));
    if let Some(conv) = &layer.layer1x1 {
        add_all(y, &film(&layer.layer1x1_post_film, conv1d(conv, &p)));
    }
    match &layer.head1x1 {
        Some(conv) => film(&layer.head1x1_post_film, conv1d(conv, &p)),
        None => p,
    }
}

fn gate(activation: &Activation, gating: &Gating, mut z: Signal) -> Signal {
    let (Gating::Gated(second) | Gating::Blended(second)) = gating else {
        activate(activation, &mut z);
        return z;
    };
    let mut gate = z.split_off(z.len() / 2);
    activate(second, &mut gate);
    let mut p = z.clone();
    activate(activation, &mut p);
    for (c, p) in p.iter_mut().enumerate() {
        for (n, p) in p.iter_mut().enumerate() {
            let gate = gate[c][n];
            *p *= gate;
            if matches!(gating, Gating::Blended(_)) {
                *p += (1.0 - gate) * z[c][n];
            }
        }
    }
    p
}

fn modulate(film: &Film, mut x: Signal, condition: &[Vec<f64>]) -> Signal {
    let width = x.len();
    let modulation = conv1d(&film.conv, condition);
    for (c, x) in x.iter_mut().enumerate() {
        for (n, x) in x.iter_mut().enumerate() {
            *x *= modulation[c][n];
            if film.shift {
                *x += modulation[width + c][n];
            }
        }
    }
    x
}

/// Cut a `WaveNet` down to a quality: of every convolution, the first outputs and the first inputs remain.
fn slim(net: &WaveNet, quality: f64) -> WaveNet {
    let widths: Vec<(usize, usize)> = net.arrays.iter().map(|array| slim_widths(array, quality)).collect();
    let mut net = net.clone();
    for a in 0..net.arrays.len() {
        let (channels, bottleneck) = widths[a];
        let next_head = net.arrays.get(a + 1).map(|next| head_width(next, widths[a + 1].1));
        let array = &mut net.arrays[a];
        let input = if a == 0 { array.rechannel.in_channels } else { widths[a - 1].0 };
        cut(&mut array.rechannel, input, channels);
        let head_out = next_head.unwrap_or(array.head_rechannel.out_channels);
        let head_in = head_width(array, bottleneck);
        cut(&mut array.head_rechannel, head_in, head_out);
        for layer in &mut array.layers {
            let mid = if layer.gating == Gating::None { bottleneck } else { 2 * bottleneck };
            cut(&mut layer.conv, channels, mid);
            cut_outputs(&mut layer.mixin, mid);
            cut_slopes(&mut layer.activation, bottleneck);
            if let Gating::Gated(second) | Gating::Blended(second) = &mut layer.gating {
                cut_slopes(second, bottleneck);
            }
            if let Some(conv) = &mut layer.layer1x1 {
                cut(conv, bottleneck, channels);
            }
            if let Some(conv) = &mut layer.head1x1 {
                cut(conv, bottleneck, conv.out_channels);
            }
            // The condition and the output of head1x1 keep their width, and so do the films on them.
            let films = [
                (&mut layer.conv_pre_film, channels),
                (&mut layer.conv_post_film, mid),
                (&mut layer.input_mixin_post_film, mid),
                (&mut layer.activation_pre_film, mid),
                (&mut layer.activation_post_film, bottleneck),
                (&mut layer.layer1x1_post_film, channels),
            ];
            for (film, width) in films {
                if let Some(film) = film {
                    cut_outputs(&mut film.conv, if film.shift { 2 * width } else { width });
                }
            }
        }
    }
    net
}

/// The channels and the bottleneck of a layer array at a quality.
fn slim_widths(array: &LayerArray, quality: f64) -> (usize, usize) {
    let layer = &array.layers[0];
    let channels = layer.conv.in_channels;
    let bottleneck =
        if layer.gating == Gating::None { layer.conv.out_channels } else { layer.conv.out_channels / 2 };
    let allowed = &array.allowed_channels;
    if allowed.is_empty() {
        return (channels, bottleneck);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the format rounds down")]
    let index = (quality * allowed.len() as f64) as usize;
    let kept = allowed[index.min(allowed.len() - 1)];
    if layer.layer1x1.is_none() { (kept, kept) } else { (kept, (bottleneck * kept / channels).max(1)) }
}

/// The width of what an array's layers add to the head.
fn head_width(array: &LayerArray, bottleneck: usize) -> usize {
    array.layers[0].head1x1.as_ref().map_or(bottleneck, |conv| conv.out_channels)
}

fn cut(conv: &mut Conv1d, inputs: usize, outputs: usize) {
    if (inputs, outputs) == (conv.in_channels, conv.out_channels) {
        return; // Nothing to cut: the convolution may have groups.
    }
    let row = conv.in_channels * conv.kernel_size;
    conv.weight = conv
        .weight
        .chunks(row)
        .take(outputs)
        .flat_map(|row| &row[..inputs * conv.kernel_size])
        .copied()
        .collect();
    if let Some(bias) = &mut conv.bias {
        bias.truncate(outputs);
    }
    (conv.in_channels, conv.out_channels) = (inputs, outputs);
}

fn cut_outputs(conv: &mut Conv1d, outputs: usize) {
    cut(conv, conv.in_channels, outputs);
}

fn cut_slopes(activation: &mut Activation, channels: usize) {
    if let Activation::PRelu { slopes } = activation {
        slopes.truncate(channels);
    }
}

// Activations.

fn activate(activation: &Activation, x: &mut [Vec<f64>]) {
    if *activation == Activation::Softmax {
        return softmax(x);
    }
    for (channel, x) in x.iter_mut().enumerate() {
        for x in x {
            *x = activated(activation, channel, *x);
        }
    }
}

fn activated(activation: &Activation, channel: usize, z: f64) -> f64 {
    match *activation {
        Activation::Identity => z,
        Activation::Tanh => z.tanh(),
        Activation::FastTanh => fast_tanh(z),
        // Like the kernels: `clamp` would panic where a description has its bounds the wrong way round.
        Activation::HardTanh { min, max } => z.max(min.into()).min(max.into()),
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu { slope } => leaky(slope, z),
        Activation::PRelu { ref slopes } => leaky(slopes[if slopes.len() == 1 { 0 } else { channel }], z),
        Activation::Sigmoid => sigmoid(z),
        Activation::Silu => z * sigmoid(z),
        Activation::HardSwish => z * (z + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
            let (min, max) = (f64::from(min), f64::from(max));
            if z < min {
                (z - min) * f64::from(min_slope) + min
            } else if z > max {
                (z - max) * f64::from(max_slope) + max
            } else {
                z
            }
        }
        Activation::Softsign => z / (1.0 + z.abs()),
        Activation::Softsigmoid => 0.5 * (1.0 + z / (1.0 + z.abs())),
        Activation::Elu { alpha } => {
            if z > 0.0 {
                z
            } else {
                f64::from(alpha) * z.exp_m1()
            }
        }
        Activation::Softmax => unreachable!("it looks at all channels at once"),
    }
}

fn leaky(slope: f32, z: f64) -> f64 {
    if z > 0.0 { z } else { f64::from(slope) * z }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn fast_tanh(z: f64) -> f64 {
    let (a, q) = (z.abs(), z * z);
    let numerator =
        z * (2.45550750702956 + 2.45550750702956 * a + (0.893229853513558 + 0.821226666969744 * a) * q);
    numerator / (2.44506634652299 + (2.44506634652299 + q) * (z + 0.814642734961073 * z * a).abs())
}

fn softmax(x: &mut [Vec<f64>]) {
    for n in 0..x[0].len() {
        let largest = x.iter().map(|x| x[n]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = x.iter().map(|x| (x[n] - largest).exp()).sum();
        for x in &mut *x {
            x[n] = (x[n] - largest).exp() / sum;
        }
    }
}

// Signals.

fn frame_by_frame(x: &[Vec<f64>], channels: usize, mut step: impl FnMut(&[f64]) -> Vec<f64>) -> Signal {
    let mut output = vec![Vec::new(); channels];
    for n in 0..x[0].len() {
        let frame: Vec<f64> = x.iter().map(|x| x[n]).collect();
        for (output, value) in output.iter_mut().zip(step(&frame)) {
            output.push(value);
        }
    }
    output
}

/// `weight · x + bias`, with one row of `weight` for each output.
fn product(weight: &[f32], bias: Option<&[f32]>, x: &[f64]) -> Vec<f64> {
    weight
        .chunks(x.len())
        .enumerate()
        .map(|(row, weight)| {
            let sum: f64 = weight.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum();
            sum + bias.map_or(0.0, |b| b[row].into())
        })
        .collect()
}

fn scale(x: &mut [Vec<f64>], gain: f64) {
    for x in x.iter_mut().flatten() {
        *x *= gain;
    }
}

fn add(y: &mut [f64], x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

fn add_all(y: &mut [Vec<f64>], x: &[Vec<f64>]) {
    for (y, x) in y.iter_mut().zip(x) {
        add(y, x);
    }
}
