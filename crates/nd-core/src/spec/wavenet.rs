//! `WaveNet` as the `.nam` format defines it (A1, its extensions, and A2).

use super::{Activation, Conv1d, ModelSpec};

/// Layer arrays one after the other; each adds to a head signal that leaves the model.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveNet {
    /// Width of the input.
    pub in_channels: usize,
    /// A model that makes the conditioning signal from the input; without one, the input itself conditions.
    pub condition: Option<Box<ModelSpec>>,
    /// The layer arrays in order of evaluation.
    pub arrays: Vec<LayerArray>,
    /// Gain of the head signal.
    pub head_scale: f32,
    /// Applied after `head_scale`: stages of activation, then convolution.
    pub post_head: Vec<(Activation, Conv1d)>,
}

impl WaveNet {
    /// Width of the output.
    pub fn out_channels(&self) -> usize {
        let head = self.arrays.last().map_or(self.in_channels, |array| array.head_rechannel.out_channels);
        self.post_head.last().map_or(head, |(_, conv)| conv.out_channels)
    }
}

/// Residual layers that share their width, between two changes of width.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerArray {
    /// `input_size → channels`, one tap, no bias.
    pub rechannel: Conv1d,
    /// The layers in order of evaluation.
    pub layers: Vec<WaveNetLayer>,
    /// What the layers added up, `→ out_channels`; the next array's head starts from it.
    pub head_rechannel: Conv1d,
    /// Widths that the array may be cut down to, ascending, the last being `channels`; empty where it may not.
    pub allowed_channels: Vec<usize>,
}

/// One residual layer.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveNetLayer {
    /// `channels → mid`, dilated, with bias; `mid` is twice the bottleneck where the layer is gated.
    pub conv: Conv1d,
    /// `condition_size → mid`, one tap, no bias.
    pub mixin: Conv1d,
    /// Activation of the first (or only) half.
    pub activation: Activation,
    /// What the second half does.
    pub gating: Gating,
    /// `bottleneck → channels`, one tap, added to the layer's input to give its output. Without it the input passes.
    pub layer1x1: Option<Conv1d>,
    /// `bottleneck → head width`, one tap. Without it the activations themselves go to the head.
    pub head1x1: Option<Conv1d>,
    /// Before the convolution.
    pub conv_pre_film: Option<Film>,
    /// After the convolution and its bias.
    pub conv_post_film: Option<Film>,
    /// On the condition, before the mixin.
    pub input_mixin_pre_film: Option<Film>,
    /// After the mixin.
    pub input_mixin_post_film: Option<Film>,
    /// On the sum of convolution and mixin.
    pub activation_pre_film: Option<Film>,
    /// After activation and gating.
    pub activation_post_film: Option<Film>,
    /// After `layer1x1`.
    pub layer1x1_post_film: Option<Film>,
    /// After `head1x1`.
    pub head1x1_post_film: Option<Film>,
}

impl WaveNetLayer {
    /// Its modulations by their names, in the order of evaluation.
    pub fn films(&self) -> [(&'static str, Option<&Film>); 8] {
        [
            ("conv_pre_film", self.conv_pre_film.as_ref()),
            ("conv_post_film", self.conv_post_film.as_ref()),
            ("input_mixin_pre_film", self.input_mixin_pre_film.as_ref()),
            ("input_mixin_post_film", self.input_mixin_post_film.as_ref()),
            ("activation_pre_film", self.activation_pre_film.as_ref()),
            ("activation_post_film", self.activation_post_film.as_ref()),
            ("layer1x1_post_film", self.layer1x1_post_film.as_ref()),
            ("head1x1_post_film", self.head1x1_post_film.as_ref()),
        ]
    }

    /// Its convolutions, those of its modulations last.
    pub fn convs(&self) -> impl Iterator<Item = &Conv1d> {
        let convs = [Some(&self.conv), Some(&self.mixin), self.layer1x1.as_ref(), self.head1x1.as_ref()];
        let films = self.films().into_iter().filter_map(|(_, film)| film.map(|film| &film.conv));
        convs.into_iter().flatten().chain(films)
    }
}

/// What the second half of a layer's convolution does to the first.
#[derive(Debug, Clone, PartialEq)]
pub enum Gating {
    /// There is no second half.
    None,
    /// `act(a) ⊙ second(b)`.
    Gated(Activation),
    /// `second(b) ⊙ act(a) + (1 − second(b)) ⊙ a`.
    Blended(Activation),
}

/// Feature-wise linear modulation (Perez et al., 2018): `x ⊙ scale (+ shift)`, both computed from the condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// `condition_size → width`, or `→ 2 · width` (scales first) with a shift; one tap, with bias.
    pub conv: Conv1d,
    /// Whether the second half of `conv`'s outputs is added.
    pub shift: bool,
}
