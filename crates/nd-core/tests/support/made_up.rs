//! Networks with random weights, for what no file at hand does: every layer, option and odd width.

use nd_core::spec::{
    Activation, Affine, Conv1d, Conv2d, Dense, Film, Format, Gating, Gru, Layer, LayerArray, Lstm, Member,
    Metadata, ModelSpec, Network, Padding, Prewarm, Rnn, Stack, WaveNet, WaveNetLayer,
};

/// A network to try.
#[derive(Debug, Clone)]
pub struct MadeUp {
    pub name: String,
    pub spec: ModelSpec,
    /// The qualities to try it at, from 0 to 1.
    pub qualities: &'static [f64],
}

/// Networks of every kind, the same ones at every call.
pub fn networks() -> Vec<MadeUp> {
    type Make = fn(&mut Random) -> Network;
    const FULL: &[f64] = &[1.0];
    const SEVERAL: &[f64] = &[0.0, 0.45, 1.0];
    let kinds: [(&str, Make, u64, &[f64]); 14] = [
        ("dense", |r| Network::Stack(dense_stack(r)), 8, FULL),
        ("conv1d", |r| Network::Stack(conv1d_stack(r)), 12, FULL),
        ("conv2d", |r| Network::Stack(conv2d_stack(r)), 12, FULL),
        ("linear", |r| Network::Stack(linear(r)), 4, FULL),
        ("lstm", |r| Network::Stack(recurrent_stack(r, 1, lstm)), 8, FULL),
        ("gru", |r| Network::Stack(recurrent_stack(r, 1, gru)), 8, FULL),
        ("rnn", |r| Network::Stack(recurrent_stack(r, 1, rnn)), 6, FULL),
        ("conditioned", |r| Network::Stack(conditioned_stack(r)), 6, FULL),
        ("wavenet", |r| Network::WaveNet(Box::new(wavenet(r, 1, 1, true))), 24, FULL),
        ("plain wavenet", |r| Network::WaveNet(Box::new(plain_wavenet(r))), 4, FULL),
        ("slimmable wavenet", |r| Network::WaveNet(Box::new(slimmable_wavenet(r))), 6, SEVERAL),
        ("container", container, 4, SEVERAL),
        ("sequential", sequential, 6, FULL),
        ("behind a recurrent layer", behind_a_recurrent_layer, 4, FULL),
    ];
    let mut networks = Vec::new();
    for (kind, make, count, qualities) in kinds {
        for seed in 0..count {
            let spec = spec(make(&mut Random::new(seed)));
            networks.push(MadeUp { name: format!("{kind} {seed}"), spec, qualities });
        }
    }
    networks
}

/// One convolution of so many taps.
pub fn filter(taps: usize) -> ModelSpec {
    spec(Network::Stack(filter_stack(&mut Random::new(taps as u64), taps)))
}

/// A tone that decays, an impulse, noise and a constant, up to `peak`.
pub fn signal(frames: usize, peak: f32) -> Vec<f32> {
    let mut random = Random::new(7);
    (0..frames)
        .map(|n| {
            let t = n as f32 / frames as f32;
            let x = match n * 4 / frames.max(1) {
                0 => (1.0 - 4.0 * t) * (n as f32 * 0.07).sin(),
                1 => f32::from(n.is_multiple_of(97)),
                2 => random.uniform(),
                _ => 0.5,
            };
            peak * x
        })
        .collect()
}

fn spec(network: Network) -> ModelSpec {
    ModelSpec { format: Format::Nam, network, sample_rate: Some(48000.0), metadata: Metadata::default() }
}

// Stacks.

fn dense_stack(r: &mut Random) -> Stack {
    let mut layers = Vec::new();
    let mut width = 1;
    for _ in 0..r.between(1, 3) {
        let next = r.width();
        layers.push(Layer::Dense(dense(r, width, next)));
        width = next;
        layers.push(r.activation_layer(width));
        if r.chance() {
            layers.push(Layer::Affine(Affine { scale: r.weights(width, 1), shift: r.weights(width, 2) }));
        }
    }
    layers.push(Layer::Dense(dense(r, width, 1)));
    surround(r, layers)
}

fn conv1d_stack(r: &mut Random) -> Stack {
    let mut layers = Vec::new();
    let mut width = 1;
    for _ in 0..r.between(1, 4) {
        let next = r.width();
        let (taps, dilation) = (r.between(1, 6), r.between(1, 40));
        let groups = r.common_divisor(width, next);
        layers.push(Layer::Conv1d(conv1d(r, width, next, taps, dilation, groups)));
        width = next;
        layers.push(r.activation_layer(width));
    }
    layers.push(Layer::Dense(dense(r, width, 1)));
    surround(r, layers)
}

fn conv2d_stack(r: &mut Random) -> Stack {
    let (features, filters) = (r.between(3, 9), r.between(1, 3));
    let (out_filters, stride) = (r.between(1, 5), r.between(1, 2));
    let (taps, span) = (r.between(1, 4), r.between(1, 3));
    let padding = if r.chance() { Padding::Same } else { Padding::Valid };
    let out_features = match padding {
        Padding::Same => features.div_ceil(stride),
        Padding::Valid => (features - span) / stride + 1,
    };
    let fan_in = taps * span * filters;
    let conv = Conv2d {
        in_filters: filters,
        out_filters,
        in_features: features,
        out_features,
        kernel_size_time: taps,
        kernel_size_feature: span,
        dilation: r.between(1, 5),
        stride,
        padding,
        weight: r.weights(fan_in * out_filters, fan_in),
        bias: r.chance().then(|| r.weights(out_filters, 4)),
    };
    let width = out_features * out_filters;
    let layers = vec![
        Layer::Dense(dense(r, 1, features * filters)),
        Layer::Conv2d(conv),
        r.activation_layer(width),
        Layer::Dense(dense(r, width, 1)),
    ];
    surround(r, layers)
}

/// One long convolution, as a cabinet is.
fn linear(r: &mut Random) -> Stack {
    let taps = r.between(1, 3000);
    filter_stack(r, taps)
}

fn filter_stack(r: &mut Random, taps: usize) -> Stack {
    Stack::new(vec![Layer::Conv1d(conv1d(r, 1, 1, taps, 1, 1))])
}

/// Audio and a knob or two.
fn conditioned_stack(r: &mut Random) -> Stack {
    let in_channels = r.between(2, 3);
    let layer = r.pick::<MakeLayer>(&[lstm, gru, rnn]);
    Stack { in_channels, ..recurrent_stack(r, in_channels, layer) }
}

type MakeLayer = fn(&mut Random, usize, usize) -> Layer;

fn recurrent_stack(r: &mut Random, in_channels: usize, layer: MakeLayer) -> Stack {
    let mut layers = Vec::new();
    let mut width = in_channels;
    if r.chance() {
        let next = r.width();
        layers.push(Layer::Conv1d(conv1d(r, width, next, 3, 2, 1)));
        width = next;
    }
    for _ in 0..r.between(1, 3) {
        let next = r.between(1, 40);
        layers.push(layer(r, width, next));
        width = next;
    }
    layers.push(Layer::Dense(dense(r, width, 1)));
    let prewarm = r.pick(&[Prewarm::None, Prewarm::Frames(100), Prewarm::Seconds(0.01)]);
    Stack { prewarm, ..surround(r, layers) }
}

fn surround(r: &mut Random, layers: Vec<Layer>) -> Stack {
    let gains = [0.5, 1.0, 1.5];
    Stack {
        skip: usize::from(r.chance()),
        in_gain: r.pick(&gains),
        out_gain: r.pick(&gains),
        ..Stack::new(layers)
    }
}

fn dense(r: &mut Random, inputs: usize, outputs: usize) -> Dense {
    Dense {
        in_channels: inputs,
        out_channels: outputs,
        weight: r.weights(inputs * outputs, inputs),
        bias: r.chance().then(|| r.weights(outputs, 4)),
    }
}

fn conv1d(
    r: &mut Random,
    inputs: usize,
    outputs: usize,
    taps: usize,
    dilation: usize,
    groups: usize,
) -> Conv1d {
    let fan_in = inputs / groups * taps;
    Conv1d {
        in_channels: inputs,
        out_channels: outputs,
        kernel_size: taps,
        dilation,
        groups,
        weight: r.weights(outputs * fan_in, fan_in),
        bias: r.chance().then(|| r.weights(outputs, 4)),
    }
}

fn lstm(r: &mut Random, inputs: usize, size: usize) -> Layer {
    Layer::Lstm(Lstm {
        input_size: inputs,
        hidden_size: size,
        weight_ih: r.weights(4 * size * inputs, inputs),
        weight_hh: r.weights(4 * size * size, size),
        bias: r.weights(4 * size, 4),
        initial_hidden: r.weights(size, 4),
        initial_cell: r.weights(size, 4),
    })
}

fn gru(r: &mut Random, inputs: usize, size: usize) -> Layer {
    Layer::Gru(Gru {
        input_size: inputs,
        hidden_size: size,
        weight_ih: r.weights(3 * size * inputs, inputs),
        weight_hh: r.weights(3 * size * size, size),
        bias_ih: r.weights(3 * size, 4),
        bias_hh: r.weights(3 * size, 4),
    })
}

fn rnn(r: &mut Random, inputs: usize, size: usize) -> Layer {
    Layer::Rnn(Rnn {
        input_size: inputs,
        hidden_size: size,
        weight_ih: r.weights(size * inputs, inputs),
        weight_hh: r.weights(size * size, size),
        bias: r.weights(size, 4),
    })
}

// WaveNets.

/// The widths that the convolutions of a layer array share.
struct Widths {
    condition: usize,
    channels: usize,
    bottleneck: usize,
    /// Of the output of `head1x1`, where there is one.
    head1x1: Option<usize>,
    layer1x1: bool,
    groups: bool,
}

impl Widths {
    fn to_head(&self) -> usize {
        self.head1x1.unwrap_or(self.bottleneck)
    }
}

fn wavenet(r: &mut Random, in_channels: usize, out_channels: usize, nested: bool) -> WaveNet {
    let condition_size = if nested && r.chance() { r.between(1, 4) } else { in_channels };
    let condition = (nested && (condition_size != in_channels || r.chance())).then(|| {
        let net = wavenet(r, in_channels, condition_size, false);
        Box::new(spec(Network::WaveNet(Box::new(net))))
    });
    let widths: Vec<Widths> = (0..r.between(1, 3))
        .map(|_| {
            let layer1x1 = r.between(0, 3) > 0;
            let channels = r.width();
            Widths {
                condition: condition_size,
                channels,
                bottleneck: if layer1x1 { r.width() } else { channels },
                head1x1: r.chance().then(|| r.width()),
                layer1x1,
                groups: r.chance(),
            }
        })
        .collect();
    let post_head: Vec<usize> = if r.between(0, 3) == 0 {
        (0..r.between(1, 3)).map(|_| r.between(1, 5)).collect()
    } else {
        Vec::new()
    };
    let head_out = if post_head.is_empty() { out_channels } else { r.between(1, 4) };
    let arrays = (0..widths.len())
        .map(|a| {
            let input = if a == 0 { in_channels } else { widths[a - 1].channels };
            let output = widths.get(a + 1).map_or(head_out, Widths::to_head);
            layer_array(r, &widths[a], input, output)
        })
        .collect();
    let mut width = head_out;
    let last = post_head.len();
    let post_head = post_head
        .into_iter()
        .enumerate()
        .map(|(stage, taps)| {
            let next = if stage + 1 == last { out_channels } else { r.between(1, 4) };
            let activation = r.activation(width);
            let conv = conv1d(r, width, next, taps, 1, 1);
            width = next;
            (activation, conv)
        })
        .collect();
    WaveNet { in_channels, condition, arrays, head_scale: 0.5, post_head }
}

fn layer_array(r: &mut Random, widths: &Widths, input: usize, head_out: usize) -> LayerArray {
    let mut rechannel = conv1d(r, input, widths.channels, 1, 1, 1);
    rechannel.bias = None;
    let layers = (0..r.between(1, 5)).map(|_| wavenet_layer(r, widths)).collect();
    let (taps, dilation) = if r.chance() { (1, 1) } else { (r.between(1, 6), r.between(1, 3)) };
    let head_rechannel = conv1d(r, widths.to_head(), head_out, taps, dilation, 1);
    LayerArray { rechannel, layers, head_rechannel, allowed_channels: Vec::new() }
}

fn wavenet_layer(r: &mut Random, widths: &Widths) -> WaveNetLayer {
    let &Widths { condition, channels, bottleneck, .. } = widths;
    let gating = match r.between(0, 3) {
        0 => Gating::Gated(r.activation(bottleneck)),
        1 => Gating::Blended(r.activation(bottleneck)),
        _ => Gating::None,
    };
    let mid = if gating == Gating::None { bottleneck } else { 2 * bottleneck };
    let groups = |r: &mut Random, a, b| if widths.groups { r.common_divisor(a, b) } else { 1 };
    let (taps, dilation) = (r.between(1, 4), r.between(1, 60));
    let conv_groups = groups(r, channels, mid);
    let mut conv = conv1d(r, channels, mid, taps, dilation, conv_groups);
    conv.bias = Some(r.weights(mid, 4));
    let mixin_groups = groups(r, condition, mid);
    let mut mixin = conv1d(r, condition, mid, 1, 1, mixin_groups);
    mixin.bias = None;
    let one_tap = |r: &mut Random, inputs, outputs| {
        let groups = groups(r, inputs, outputs);
        let mut conv = conv1d(r, inputs, outputs, 1, 1, groups);
        conv.bias = Some(r.weights(outputs, 4));
        conv
    };
    let film = |r: &mut Random, width| {
        let shift = r.chance();
        (r.between(0, 2) == 0)
            .then(|| Film { conv: one_tap(r, condition, if shift { 2 * width } else { width }), shift })
    };
    WaveNetLayer {
        conv,
        mixin,
        activation: r.activation(bottleneck),
        gating,
        layer1x1: widths.layer1x1.then(|| one_tap(r, bottleneck, channels)),
        head1x1: widths.head1x1.map(|width| one_tap(r, bottleneck, width)),
        conv_pre_film: film(r, channels),
        conv_post_film: film(r, mid),
        input_mixin_pre_film: film(r, condition),
        input_mixin_post_film: film(r, mid),
        activation_pre_film: film(r, mid),
        activation_post_film: film(r, bottleneck),
        layer1x1_post_film: if widths.layer1x1 { film(r, channels) } else { None },
        head1x1_post_film: widths.head1x1.and_then(|width| film(r, width)),
    }
}

/// Layers as the usual models have them, at every width up to nine channels, and at the widest in use.
fn plain_wavenet(r: &mut Random) -> WaveNet {
    let condition = r.between(1, 2);
    let widths: Vec<Widths> = (1..=9)
        .chain([12, 16])
        .map(|channels| Widths {
            condition,
            channels,
            bottleneck: channels,
            head1x1: None,
            layer1x1: true,
            groups: false,
        })
        .collect();
    let arrays = (0..widths.len())
        .map(|a| {
            let input = if a == 0 { 1 } else { widths[a - 1].channels };
            let output = widths.get(a + 1).map_or(1, Widths::to_head);
            let mut array = layer_array(r, &widths[a], input, output);
            for layer in &mut array.layers {
                let activation = match r.between(0, 3) {
                    0 => Activation::Tanh,
                    1 => Activation::FastTanh,
                    2 => Activation::LeakyRelu { slope: r.uniform().abs() },
                    // Most of these are no whole layers, but several steps.
                    _ => Activation::LeakyRelu { slope: 1.5 * r.uniform() },
                };
                *layer = WaveNetLayer { activation, ..wavenet_layer_without_options(r, &widths[a]) };
            }
            array
        })
        .collect();
    let condition = (condition > 1).then(|| {
        let net = wavenet(r, 1, condition, false);
        Box::new(spec(Network::WaveNet(Box::new(net))))
    });
    WaveNet { in_channels: 1, condition, arrays, head_scale: 0.5, post_head: Vec::new() }
}

fn wavenet_layer_without_options(r: &mut Random, widths: &Widths) -> WaveNetLayer {
    loop {
        let layer = wavenet_layer(r, widths);
        if layer.gating == Gating::None {
            return WaveNetLayer {
                conv_pre_film: None,
                conv_post_film: None,
                input_mixin_pre_film: None,
                input_mixin_post_film: None,
                activation_pre_film: None,
                activation_post_film: None,
                layer1x1_post_film: None,
                head1x1_post_film: None,
                ..layer
            };
        }
    }
}

/// Two arrays that can be cut down, without what such an array must not have: groups, taps in the head, a post-head.
fn slimmable_wavenet(r: &mut Random) -> WaveNet {
    let gated = r.chance();
    let widths = [r.between(3, 9), r.between(3, 9)].map(|channels| Widths {
        condition: 1,
        channels,
        bottleneck: channels,
        head1x1: None,
        layer1x1: true,
        groups: false,
    });
    let arrays = (0..2)
        .map(|a| {
            let input = if a == 0 { 1 } else { widths[0].channels };
            let output = if a == 0 { widths[1].channels } else { 1 };
            let mut array = layer_array(r, &widths[a], input, output);
            array.head_rechannel = conv1d(r, widths[a].channels, output, 1, 1, 1);
            if !gated {
                array.layers.retain(|layer| layer.gating == Gating::None);
                if array.layers.is_empty() {
                    array.layers = layer_array(r, &widths[a], input, output).layers;
                }
            }
            array.allowed_channels = (1..=widths[a].channels).step_by(2).collect();
            if array.allowed_channels.last() != Some(&widths[a].channels) {
                array.allowed_channels.push(widths[a].channels);
            }
            array
        })
        .collect();
    WaveNet { in_channels: 1, condition: None, arrays, head_scale: 0.5, post_head: Vec::new() }
}

// Composites.

fn container(r: &mut Random) -> Network {
    let member = |max_value, network| Member { max_value, model: spec(network) };
    Network::Container(vec![
        member(0.3, Network::Stack(dense_stack(r))),
        member(0.7, Network::Stack(recurrent_stack(r, 1, gru))),
        member(1.0, Network::WaveNet(Box::new(wavenet(r, 1, 1, false)))),
    ])
}

fn sequential(r: &mut Random) -> Network {
    let channels = r.between(1, 3);
    let models = vec![
        Network::WaveNet(Box::new(wavenet(r, 1, channels, true))),
        Network::WaveNet(Box::new(wavenet(r, channels, 1, false))),
        Network::Stack(linear(r)),
    ];
    Network::Sequential(models.into_iter().map(spec).collect())
}

/// A recurrent layer without a head, whose output is laid out frame by frame, before a network of another kind.
fn behind_a_recurrent_layer(r: &mut Random) -> Network {
    let channels = r.between(2, 5);
    let models = vec![
        Network::Stack(Stack::new(vec![gru(r, 1, channels)])),
        Network::WaveNet(Box::new(wavenet(r, channels, 1, false))),
    ];
    Network::Sequential(models.into_iter().map(spec).collect())
}

/// A small random number generator (xorshift64*, Vigna 2016): the networks stay the same on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(0x9E37_79B9_7F4A_7C15 ^ (seed + 1).wrapping_mul(0xD134_2543_DE82_EF95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From -1 to 1.
    fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }

    /// Both ends included.
    fn between(&mut self, low: usize, high: usize) -> usize {
        let span = (high - low + 1) as u64;
        low + usize::try_from((self.next() >> 32) % span).expect("it is below `high`")
    }

    fn chance(&mut self) -> bool {
        self.between(0, 1) == 1
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.between(0, from.len() - 1)]
    }

    /// Around the usual lane counts, and away from them.
    fn width(&mut self) -> usize {
        self.pick(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17])
    }

    fn common_divisor(&mut self, a: usize, b: usize) -> usize {
        let divisors: Vec<usize> =
            (1..=a.min(b)).filter(|&d| a.is_multiple_of(d) && b.is_multiple_of(d)).collect();
        self.pick(&divisors)
    }

    /// Weights that neither silence a sum over `fan_in` inputs nor let it grow.
    fn weights(&mut self, count: usize, fan_in: usize) -> Vec<f32> {
        let scale = (2.0 / fan_in as f32).sqrt();
        (0..count).map(|_| scale * self.uniform()).collect()
    }

    fn activation(&mut self, channels: usize) -> Activation {
        match self.between(0, 14) {
            0 => Activation::Identity,
            1 => Activation::Tanh,
            2 => Activation::FastTanh,
            3 => Activation::HardTanh { min: -0.5, max: 0.75 },
            4 => Activation::Relu,
            5 => Activation::LeakyRelu { slope: 1.5 * self.uniform() },
            6 => Activation::PRelu { slopes: self.weights(channels, 4) },
            7 => Activation::Sigmoid,
            8 => Activation::Silu,
            9 => Activation::HardSwish,
            10 => Activation::LeakyHardTanh { min: -0.3, max: 0.4, min_slope: 0.05, max_slope: 0.02 },
            11 => Activation::Softsign,
            12 => Activation::Softsigmoid,
            13 => Activation::Elu { alpha: 0.7 },
            _ => Activation::PRelu { slopes: self.weights(1, 4) },
        }
    }

    /// An activation that may also look at all channels at once.
    fn activation_layer(&mut self, channels: usize) -> Layer {
        let activation =
            if self.between(0, 5) == 0 { Activation::Softmax } else { self.activation(channels) };
        Layer::Activation(activation)
    }
}
