//! One model in several sizes: what it is at each.
//!
//! A quality runs from 0, the smallest size, to 1, the full one. A container picks a member, a slimmable layer array
//! cuts its convolutions down to their first channels.

use super::{Activation, Conv1d, Film, Gating, LayerArray, ModelSpec, Network, WaveNet, WaveNetLayer};

impl ModelSpec {
    /// Qualities from which on the model is another one, ascending from 0.
    pub fn quality_steps(&self) -> Vec<f64> {
        let mut steps = vec![0.0];
        self.network.collect_quality_steps(&mut steps);
        steps.retain(|&step| step < 1.0);
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        steps
    }

    /// The model that this one is at a quality, with a single size.
    #[must_use]
    pub fn at_quality(&self, quality: f64) -> Self {
        let network = match &self.network {
            Network::Stack(stack) => Network::Stack(stack.clone()),
            Network::WaveNet(wavenet) => Network::WaveNet(Box::new(wavenet.at_quality(quality))),
            Network::Container(members) => {
                let chosen = members.iter().find(|member| quality < member.max_value).or(members.last());
                chosen
                    .map_or(Network::Container(Vec::new()), |member| member.model.at_quality(quality).network)
            }
            Network::Sequential(models) => {
                Network::Sequential(models.iter().map(|model| model.at_quality(quality)).collect())
            }
        };
        Self {
            format: self.format,
            network,
            sample_rate: self.known_sample_rate(),
            metadata: self.metadata.clone(),
        }
    }
}

impl Network {
    fn collect_quality_steps(&self, steps: &mut Vec<f64>) {
        match self {
            Self::Stack(_) => {}
            Self::WaveNet(wavenet) => {
                if let Some(condition) = &wavenet.condition {
                    condition.network.collect_quality_steps(steps);
                }
                for array in &wavenet.arrays {
                    let sizes = array.allowed_channels.len();
                    steps.extend((1..sizes).map(|index| index as f64 / sizes as f64));
                }
            }
            Self::Container(members) => {
                for member in members {
                    steps.push(member.max_value);
                    member.model.network.collect_quality_steps(steps);
                }
            }
            Self::Sequential(models) => {
                for model in models {
                    model.network.collect_quality_steps(steps);
                }
            }
        }
    }
}

impl WaveNet {
    fn at_quality(&self, quality: f64) -> Self {
        let widths: Vec<_> = self.arrays.iter().map(|array| array.widths_at(quality)).collect();
        let arrays = self.arrays.iter().enumerate().map(|(index, array)| {
            let input =
                index.checked_sub(1).map_or(array.rechannel.in_channels, |before| widths[before].channels);
            // The head of an array feeds that of the next, which has the width of the next one's activations.
            let head = match (self.arrays.get(index + 1), widths.get(index + 1)) {
                (Some(next), Some(width)) => next.head_width(width.bottleneck),
                _ => array.head_rechannel.out_channels,
            };
            array.cut(input, widths[index], head)
        });
        Self {
            in_channels: self.in_channels,
            condition: self.condition.as_ref().map(|spec| Box::new(spec.at_quality(quality))),
            arrays: arrays.collect(),
            head_scale: self.head_scale,
            post_head: self.post_head.clone(),
        }
    }
}

/// Widths of a layer array at some quality.
#[derive(Clone, Copy)]
struct Widths {
    channels: usize,
    bottleneck: usize,
}

impl LayerArray {
    fn widths_at(&self, quality: f64) -> Widths {
        let channels = self.rechannel.out_channels;
        let bottleneck = self.layers.first().map_or(channels, WaveNetLayer::bottleneck);
        let sizes = self.allowed_channels.len();
        if sizes == 0 {
            return Widths { channels, bottleneck };
        }
        let cut = self.allowed_channels[((quality * sizes as f64) as usize).min(sizes - 1)];
        let has_layer1x1 = self.layers.iter().all(|layer| layer.layer1x1.is_some());
        let bottleneck =
            if has_layer1x1 { (bottleneck.saturating_mul(cut) / channels.max(1)).max(1) } else { cut };
        Widths { channels: cut, bottleneck }
    }

    /// How much of its channels the array has at a quality, from 0 to 1.
    pub(super) fn part_at(&self, quality: f64) -> f64 {
        self.widths_at(quality).channels as f64 / self.rechannel.out_channels.max(1) as f64
    }

    /// What the array's layers give to the head, when they have this bottleneck.
    fn head_width(&self, bottleneck: usize) -> usize {
        let head1x1 = self.layers.first().and_then(|layer| layer.head1x1.as_ref());
        head1x1.map_or(bottleneck, |conv| conv.out_channels)
    }

    fn cut(&self, input: usize, widths: Widths, head: usize) -> Self {
        Self {
            rechannel: self.rechannel.cut(input, widths.channels),
            layers: self.layers.iter().map(|layer| layer.cut(widths)).collect(),
            head_rechannel: self.head_rechannel.cut(self.head_width(widths.bottleneck), head),
            allowed_channels: Vec::new(),
        }
    }
}

impl WaveNetLayer {
    /// Width of the activations.
    pub(crate) fn bottleneck(&self) -> usize {
        self.conv.out_channels / if matches!(self.gating, Gating::None) { 1 } else { 2 }
    }

    fn cut(&self, Widths { channels, bottleneck }: Widths) -> Self {
        let mid = if matches!(self.gating, Gating::None) { bottleneck } else { bottleneck.saturating_mul(2) };
        let film = |film: &Option<Film>, width: usize| film.as_ref().map(|film| film.cut(width));
        let head = self.head1x1.as_ref().map_or(bottleneck, |conv| conv.out_channels);
        Self {
            conv: self.conv.cut(channels, mid),
            mixin: self.mixin.cut(self.mixin.in_channels, mid),
            activation: self.activation.cut(bottleneck),
            gating: match &self.gating {
                Gating::None => Gating::None,
                Gating::Gated(second) => Gating::Gated(second.cut(bottleneck)),
                Gating::Blended(second) => Gating::Blended(second.cut(bottleneck)),
            },
            layer1x1: self.layer1x1.as_ref().map(|conv| conv.cut(bottleneck, channels)),
            head1x1: self.head1x1.as_ref().map(|conv| conv.cut(bottleneck, conv.out_channels)),
            conv_pre_film: film(&self.conv_pre_film, channels),
            conv_post_film: film(&self.conv_post_film, mid),
            input_mixin_pre_film: self.input_mixin_pre_film.clone(),
            input_mixin_post_film: film(&self.input_mixin_post_film, mid),
            activation_pre_film: film(&self.activation_pre_film, mid),
            activation_post_film: film(&self.activation_post_film, bottleneck),
            layer1x1_post_film: film(&self.layer1x1_post_film, channels),
            head1x1_post_film: film(&self.head1x1_post_film, head),
        }
    }
}

impl Film {
    fn cut(&self, width: usize) -> Self {
        let outputs = if self.shift { width.saturating_mul(2) } else { width };
        Self { conv: self.conv.cut(self.conv.in_channels, outputs), shift: self.shift }
    }
}

impl Activation {
    fn cut(&self, channels: usize) -> Self {
        match self {
            Self::PRelu { slopes } if slopes.len() > channels => {
                Self::PRelu { slopes: slopes[..channels].to_vec() }
            }
            whole => whole.clone(),
        }
    }
}

impl Conv1d {
    /// The first inputs and the first outputs of a convolution of one group; any other stays whole.
    ///
    /// Of one that has less than it says, it takes what there is: compiling it tells.
    fn cut(&self, inputs: usize, outputs: usize) -> Self {
        if self.groups != 1 || (inputs, outputs) == (self.in_channels, self.out_channels) {
            return self.clone();
        }
        let row = self.in_channels.saturating_mul(self.kernel_size).max(1);
        let cut = inputs.saturating_mul(self.kernel_size).min(row);
        let rows = self.weight.chunks_exact(row).take(outputs);
        Self {
            in_channels: inputs,
            out_channels: outputs,
            weight: rows.flat_map(|row| &row[..cut]).copied().collect(),
            bias: self.bias.as_ref().map(|bias| bias[..outputs.min(bias.len())].to_vec()),
            ..*self
        }
    }
}
