//! Descriptions made of bytes: of every kind of network, most of them consistent, and some off by one or by a lot.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use nd_core::spec::{
    Activation, Affine, Conv1d, Conv2d, Dense, Film, Format, Gating, Gru, Layer, LayerArray, Lstm, Member, Metadata,
    ModelSpec, Network, Padding, Prewarm, Rnn, Stack, WaveNet, WaveNetLayer,
};

/// Models inside one another.
const MAX_DEPTH: usize = 3;

/// A description of whatever the bytes say.
pub fn spec(bytes: &[u8]) -> Result<ModelSpec> {
    Maker { u: Unstructured::new(bytes) }.spec(0, 1, 1)
}

struct Maker<'a> {
    u: Unstructured<'a>,
}

impl Maker<'_> {
    /// True about once in so many times; never when the bytes have run out.
    fn once_in(&mut self, times: u8) -> Result<bool> {
        Ok(self.u.int_in_range(0..=times - 1)? == times - 1)
    }

    /// A size near `usual`, once in a while one that no model has.
    fn size(&mut self, usual: usize) -> Result<usize> {
        if !self.once_in(100)? {
            return Ok(usual);
        }
        Ok(match self.u.int_in_range(0..=6)? {
            0 => 0,
            1 => usual.saturating_add(1),
            2 => usual.saturating_sub(1),
            3 => 1 << 20,
            4 => 1 << 33,
            5 => usize::MAX,
            _ => usize::MAX / 2 + 1,
        })
    }

    fn width(&mut self) -> Result<usize> {
        self.u.int_in_range(1..=9)
    }

    /// Weights of ordinary size, once in a while one that is not; sometimes too few or too many.
    fn weights(&mut self, sizes: &[usize]) -> Result<Vec<f32>> {
        let count = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let count = count.unwrap_or(0).min(1 << 14);
        let count = self.size(count)?.min(1 << 14);
        let mut seed = self.u.arbitrary::<u32>()?;
        let mut weights: Vec<f32> = (0..count)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        if !weights.is_empty() && self.once_in(20)? {
            let index = self.u.choose_index(weights.len())?;
            weights[index] = *self.u.choose(&[f32::NAN, f32::INFINITY, f32::MAX, -1e30, 1e-40, 1e6])?;
        }
        Ok(weights)
    }

    fn bias(&mut self, size: usize) -> Result<Option<Vec<f32>>> {
        Ok(if self.u.arbitrary()? { Some(self.weights(&[size])?) } else { None })
    }

    fn activation(&mut self, channels: usize) -> Result<Activation> {
        Ok(match self.u.int_in_range(0..=14)? {
            0 => Activation::Tanh,
            1 => Activation::Identity,
            2 => Activation::FastTanh,
            3 => Activation::HardTanh { min: self.u.arbitrary()?, max: self.u.arbitrary()? },
            4 => Activation::Relu,
            5 => Activation::LeakyRelu { slope: self.u.arbitrary()? },
            6 => Activation::PRelu { slopes: self.weights(&[channels])? },
            7 => Activation::Sigmoid,
            8 => Activation::Silu,
            9 => Activation::HardSwish,
            10 => Activation::LeakyHardTanh {
                min: self.u.arbitrary()?,
                max: self.u.arbitrary()?,
                min_slope: self.u.arbitrary()?,
                max_slope: 0.5,
            },
            11 => Activation::Softsign,
            12 => Activation::Softsigmoid,
            13 => Activation::Elu { alpha: self.u.arbitrary()? },
            _ => Activation::Softmax,
        })
    }

    fn conv1d(&mut self, inputs: usize, outputs: usize, kernel_size: usize, dilation: usize) -> Result<Conv1d> {
        let groups = if inputs == outputs && self.once_in(4)? { self.size(inputs)? } else { self.size(1)? };
        let (inputs, outputs) = (self.size(inputs)?, self.size(outputs)?);
        let (kernel_size, dilation) = (self.size(kernel_size)?, self.size(dilation)?);
        Ok(Conv1d {
            in_channels: inputs,
            out_channels: outputs,
            kernel_size,
            dilation,
            groups,
            weight: self.weights(&[outputs, inputs / groups.max(1), kernel_size])?,
            bias: self.bias(outputs)?,
        })
    }

    fn spec(&mut self, depth: usize, inputs: usize, outputs: usize) -> Result<ModelSpec> {
        let kind = self.u.int_in_range(0..=if depth < MAX_DEPTH { 9 } else { 6 })?;
        let network = match kind {
            0..=3 => Network::Stack(self.stack(inputs, outputs)?),
            4..=6 => Network::WaveNet(Box::new(self.wavenet(depth, inputs, outputs)?)),
            7 | 8 => {
                let count = self.u.int_in_range(0..=3)?;
                let mut members = Vec::new();
                for index in 0..count {
                    let max_value = if self.once_in(20)? { self.u.arbitrary()? } else { f64::from(index + 1) / 2.0 };
                    members.push(Member { max_value, model: self.spec(depth + 1, inputs, outputs)? });
                }
                Network::Container(members)
            }
            _ => {
                let count = self.u.int_in_range(0..=3)?;
                let mut models = Vec::new();
                let mut width = inputs;
                for index in 0..count {
                    let next = if index + 1 == count { outputs } else { self.width()? };
                    models.push(self.spec(depth + 1, width, next)?);
                    width = next;
                }
                Network::Sequential(models)
            }
        };
        let sample_rate = *self.u.choose(&[None, Some(48_000.0), Some(1_000.0), Some(f64::NAN), Some(-1.0)])?;
        let format = *self.u.choose(&[Format::Nam, Format::AidaX])?;
        Ok(ModelSpec { format, network, sample_rate, metadata: Metadata::default() })
    }

    fn stack(&mut self, inputs: usize, outputs: usize) -> Result<Stack> {
        let in_channels = if self.once_in(4)? { self.width()? } else { self.size(inputs)? };
        let mut layers = Vec::new();
        let mut width = in_channels;
        for _ in 0..self.u.int_in_range(0..=4)? {
            let next = self.width()?;
            let (layer, out) = self.layer(width, next)?;
            layers.push(layer);
            width = out;
        }
        if width != outputs {
            let (layer, _) = self.dense(width, outputs)?;
            layers.push(layer);
        }
        let prewarm = match self.u.int_in_range(0..=3)? {
            0 => Prewarm::None,
            1 => Prewarm::Frames(self.u.int_in_range(0..=1000)?),
            // A second of a small network takes no time; the longest silence that is allowed would.
            _ => Prewarm::Seconds(*self.u.choose(&[0.01, 0.0, -1.0, f64::NAN, 0.1])?),
        };
        Ok(Stack {
            in_channels,
            layers,
            skip: if self.once_in(3)? { self.size(1)? } else { 0 },
            in_gain: *self.u.choose(&[1.0, 0.5, 0.0])?,
            out_gain: *self.u.choose(&[1.0, 2.0, f32::MAX])?,
            prewarm,
            self_test: None,
        })
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> Result<(Layer, usize)> {
        let (in_channels, out_channels) = (self.size(inputs)?, self.size(outputs)?);
        let weight = self.weights(&[out_channels, in_channels])?;
        let dense = Dense { in_channels, out_channels, weight, bias: self.bias(out_channels)? };
        Ok((Layer::Dense(dense), out_channels))
    }

    /// A layer and the width behind it.
    fn layer(&mut self, inputs: usize, next: usize) -> Result<(Layer, usize)> {
        let (input_size, hidden_size) = (self.size(inputs)?, self.size(next)?);
        let sizes = |gates: usize| ([gates, hidden_size, input_size], [gates, hidden_size, hidden_size]);
        Ok(match self.u.int_in_range(0..=8)? {
            0 => self.dense(inputs, next)?,
            1 | 2 => {
                let (taps, dilation) = (self.u.int_in_range(1..=5)?, self.u.int_in_range(1..=70)?);
                let conv = self.conv1d(inputs, next, taps, dilation)?;
                let width = conv.out_channels;
                (Layer::Conv1d(conv), width)
            }
            3 => {
                let taps = *self.u.choose(&[40, 500, 4000])?;
                (Layer::Conv1d(self.conv1d(inputs, 1, taps, 1)?), 1)
            }
            4 => self.conv2d(inputs)?,
            5 => match self.u.arbitrary()? {
                true => (Layer::Activation(self.activation(inputs)?), inputs),
                false => {
                    (Layer::Affine(Affine { scale: self.weights(&[inputs])?, shift: self.weights(&[inputs])? }), inputs)
                }
            },
            6 => {
                let (ih, hh) = sizes(4);
                let lstm = Lstm {
                    input_size,
                    hidden_size,
                    weight_ih: self.weights(&ih)?,
                    weight_hh: self.weights(&hh)?,
                    bias: self.weights(&[4, hidden_size])?,
                    initial_hidden: self.weights(&[hidden_size])?,
                    initial_cell: self.weights(&[hidden_size])?,
                };
                (Layer::Lstm(lstm), hidden_size)
            }
            7 => {
                let (ih, hh) = sizes(3);
                let gru = Gru {
                    input_size,
                    hidden_size,
                    weight_ih: self.weights(&ih)?,
                    weight_hh: self.weights(&hh)?,
                    bias_ih: self.weights(&[3, hidden_size])?,
                    bias_hh: self.weights(&[3, hidden_size])?,
                };
                (Layer::Gru(gru), hidden_size)
            }
            _ => {
                let (ih, hh) = sizes(1);
                let rnn = Rnn {
                    input_size,
                    hidden_size,
                    weight_ih: self.weights(&ih)?,
                    weight_hh: self.weights(&hh)?,
                    bias: self.weights(&[hidden_size])?,
                };
                (Layer::Rnn(rnn), hidden_size)
            }
        })
    }

    fn conv2d(&mut self, inputs: usize) -> Result<(Layer, usize)> {
        let in_features = self.size(inputs)?;
        let in_filters = self.size(1)?;
        let (out_filters, stride) = (self.u.int_in_range(1..=3)?, self.size(1)?);
        let span = self.u.int_in_range(1..=inputs.clamp(1, 4))?;
        let padding = *self.u.choose(&[Padding::Same, Padding::Valid])?;
        let out_features = match padding {
            Padding::Same => in_features.div_ceil(stride.max(1)),
            Padding::Valid => (in_features.saturating_sub(span) / stride.max(1)).saturating_add(1),
        };
        let (kernel_size_time, kernel_size_feature) = (self.size(2)?, self.size(span)?);
        let out_features = self.size(out_features)?;
        let conv = Conv2d {
            in_filters,
            out_filters,
            in_features,
            out_features,
            kernel_size_time,
            kernel_size_feature,
            dilation: self.size(3)?,
            stride,
            padding,
            weight: self.weights(&[kernel_size_time, kernel_size_feature, in_filters, out_filters])?,
            bias: self.bias(out_filters)?,
        };
        Ok((Layer::Conv2d(conv), out_features.saturating_mul(out_filters)))
    }

    fn wavenet(&mut self, depth: usize, inputs: usize, outputs: usize) -> Result<WaveNet> {
        let nested = depth < MAX_DEPTH && self.once_in(5)?;
        let condition_size = if nested { self.width()? } else { inputs };
        let condition = nested.then(|| self.spec(depth + 1, inputs, condition_size)).transpose()?;
        let count = self.u.int_in_range(1..=2)?;
        let has_post_head = self.once_in(4)?;
        let mut arrays = Vec::new();
        let mut input = inputs;
        let mut head_in = self.width()?;
        for index in 0..count {
            let last = index + 1 == count;
            let head_out = if last && !has_post_head { outputs } else { self.width()? };
            let array = self.array(input, condition_size, head_in, head_out)?;
            input = array.rechannel.out_channels;
            arrays.push(array);
            head_in = head_out;
        }
        let mut post_head = Vec::new();
        if has_post_head {
            post_head.push((self.activation(head_in)?, self.conv1d(head_in, outputs, 3, 1)?));
        }
        Ok(WaveNet {
            in_channels: self.size(inputs)?,
            condition: condition.map(Box::new),
            arrays,
            head_scale: 0.5,
            post_head,
        })
    }

    /// A layer array whose layers hand `head` channels to its head.
    fn array(&mut self, input: usize, condition: usize, head: usize, head_out: usize) -> Result<LayerArray> {
        let channels = self.width()?;
        let has_head1x1 = self.once_in(3)?;
        let bottleneck = if has_head1x1 { self.width()? } else { head };
        let mut layers = Vec::new();
        for _ in 0..self.u.int_in_range(1..=3)? {
            layers.push(self.wavenet_layer(condition, channels, bottleneck, has_head1x1.then_some(head))?);
        }
        let head_taps = *self.u.choose(&[1, 1, 4])?;
        let allowed_channels = match self.u.int_in_range(0..=5)? {
            0 => (1..=channels).collect(),
            1 => vec![self.size(1)?, self.size(channels)?],
            _ => Vec::new(),
        };
        Ok(LayerArray {
            rechannel: self.conv1d(input, channels, 1, 1)?,
            layers,
            head_rechannel: self.conv1d(head, head_out, head_taps, 1)?,
            allowed_channels,
        })
    }

    fn wavenet_layer(
        &mut self,
        condition: usize,
        channels: usize,
        bottleneck: usize,
        head: Option<usize>,
    ) -> Result<WaveNetLayer> {
        let gating = match self.u.int_in_range(0..=4)? {
            0 => Gating::Gated(self.activation(bottleneck)?),
            1 => Gating::Blended(self.activation(bottleneck)?),
            _ => Gating::None,
        };
        let mid = if gating == Gating::None { bottleneck } else { bottleneck.saturating_mul(2) };
        let (taps, dilation) = (self.u.int_in_range(1..=4)?, self.u.int_in_range(1..=200)?);
        let mut films: [Option<Film>; 8] = Default::default();
        if self.once_in(3)? {
            let widths = [channels, mid, condition, mid, mid, bottleneck, channels, head.unwrap_or(channels)];
            for (film, width) in films.iter_mut().zip(widths) {
                if self.once_in(3)? {
                    let shift: bool = self.u.arbitrary()?;
                    let conv = self.conv1d(condition, if shift { width.saturating_mul(2) } else { width }, 1, 1)?;
                    *film = Some(Film { conv, shift });
                }
            }
        }
        let [a, b, c, d, e, f, g, h] = films;
        let has_layer1x1 = bottleneck != channels || !self.once_in(4)?;
        Ok(WaveNetLayer {
            conv: self.conv1d(channels, mid, taps, dilation)?,
            mixin: self.conv1d(condition, mid, 1, 1)?,
            activation: self.activation(bottleneck)?,
            gating,
            layer1x1: has_layer1x1.then(|| self.conv1d(bottleneck, channels, 1, 1)).transpose()?,
            head1x1: head.map(|head| self.conv1d(bottleneck, head, 1, 1)).transpose()?,
            conv_pre_film: a,
            conv_post_film: b,
            input_mixin_pre_film: c,
            input_mixin_post_film: d,
            activation_pre_film: e,
            activation_post_film: f,
            layer1x1_post_film: g,
            head1x1_post_film: h,
        })
    }
}
