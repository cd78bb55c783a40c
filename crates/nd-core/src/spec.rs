//! What a model is: plain data, independent of the file it came from and of the machine it will run on.
//!
//! A [`ModelSpec`] holds every weight of a model in one documented order. It can be inspected, changed, written
//! again and compiled ([`ModelSpec::compile`](crate::ModelSpec::compile)), but not run.
//!
//! Weights are `f32`. A convolution is stored as `PyTorch` stores it, `[out_channels][in_channels / groups][tap]`,
//! with the oldest tap first; a dense layer as `[out_channels][in_channels]`; a recurrent layer as `PyTorch`'s
//! `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` in `PyTorch`'s gate order.

mod activation;
mod describe;
mod layer;
mod metadata;
mod quality;
mod size;
mod wavenet;

pub use activation::Activation;
pub use describe::LayerDescription;
pub use layer::{Affine, Conv1d, Conv2d, Dense, Gru, Layer, Lstm, Padding, Rnn};
pub use metadata::{InnerKey, Metadata};
pub use wavenet::{Film, Gating, LayerArray, WaveNet, WaveNetLayer};

/// A model as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The dialect that it was read from.
    pub format: Format,
    /// What it computes.
    pub network: Network,
    /// The rate, in Hz, that it was trained at, where the file says so.
    pub sample_rate: Option<f64>,
    /// What the file says about the model.
    pub metadata: Metadata,
}

impl ModelSpec {
    /// Width of the input: 1 for audio alone.
    pub fn in_channels(&self) -> usize {
        match &self.network {
            Network::Stack(stack) => stack.in_channels,
            Network::WaveNet(model) => model.in_channels,
            Network::Container(members) => members.first().map_or(1, |member| member.model.in_channels()),
            Network::Sequential(models) => models.first().map_or(1, Self::in_channels),
        }
    }

    /// Names of the inputs behind the audio, where the file has one for each.
    pub fn knobs(&self) -> Option<&[String]> {
        let knobs = &self.metadata.knobs;
        (1 + knobs.len() == self.in_channels()).then_some(knobs)
    }

    /// Width of the output.
    pub fn out_channels(&self) -> usize {
        match &self.network {
            Network::Stack(stack) => stack.out_channels(),
            Network::WaveNet(model) => model.out_channels(),
            Network::Container(members) => members.last().map_or(1, |member| member.model.out_channels()),
            Network::Sequential(models) => models.last().map_or(1, Self::out_channels),
        }
    }
}

/// A dialect of model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Neural Amp Modeler's `.nam`.
    Nam,
    /// The keras-like JSON of `RTNeural`.
    RtNeural,
    /// AIDA-X: `RTNeural`'s JSON with gains, a skip connection and self-test vectors.
    AidaX,
    /// Proteus, `GuitarML` and Automated-GuitarAmpModelling: a `PyTorch` `state_dict` as JSON.
    Proteus,
    /// The flat JSON of a two-layer tanh perceptron (`layer1_weights`, …).
    Mlp,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nam, Self::RtNeural, Self::AidaX, Self::Proteus, Self::Mlp];

    /// Its name, for code that has no such type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nam => "nam",
            Self::RtNeural => "rtneural",
            Self::AidaX => "aidax",
            Self::Proteus => "proteus",
            Self::Mlp => "mlp",
        }
    }
}

/// What a model computes, from audio in to audio out.
#[derive(Debug, Clone, PartialEq)]
pub enum Network {
    /// Layers, one after the other.
    Stack(Stack),
    /// A stack of gated, dilated convolutions with skip connections.
    WaveNet(Box<WaveNet>),
    /// One model in several sizes: the first member whose `max_value` is above the wanted size runs.
    Container(Vec<Member>),
    /// Complete models, one after the other.
    Sequential(Vec<ModelSpec>),
}

/// One size of a [`Network::Container`].
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The member is chosen for sizes below this one. Ascending in a container, and at least 1 for the last.
    pub max_value: f64,
    /// The model of that size.
    pub model: ModelSpec,
}

/// Layers, one after the other, and what surrounds them.
///
/// `output = out_gain · (skip ? net(x) + x₀ : net(x))` with `x = in_gain · input` on the audio channel; the other
/// input channels are the model's parameters and pass unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// 1 for audio alone, one more for each parameter (knob).
    pub in_channels: usize,
    /// The layers in order of evaluation.
    pub layers: Vec<Layer>,
    /// How many of the input channels are added to the output, channel by channel from the first.
    pub skip: usize,
    /// Linear gain of the audio before the first layer.
    pub in_gain: f32,
    /// Linear gain after everything else.
    pub out_gain: f32,
    /// How much silence runs through a recurrent stack before it is ready.
    pub prewarm: Prewarm,
    /// What the file says the stack must give, where it says so.
    pub self_test: Option<SelfTest>,
}

/// A recording of what a stack makes of some audio from its starting state, prewarming left out.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfTest {
    /// The audio that goes in; parameters are 0.
    pub input: Vec<f32>,
    /// As many frames of what comes out.
    pub output: Vec<f32>,
}

/// How much silence runs through a recurrent [`Stack`] before it is ready to play.
///
/// A feed-forward stack ignores this: it starts from the fixed point of silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prewarm {
    /// None: the stored state is the starting state.
    None,
    /// This many frames.
    Frames(usize),
    /// This many seconds at the model's sample rate; one frame where that is unknown.
    Seconds(f64),
}

impl Stack {
    /// Layers with neither gain nor skip connection, for one channel of audio.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self {
            in_channels: 1,
            layers,
            skip: 0,
            in_gain: 1.0,
            out_gain: 1.0,
            prewarm: Prewarm::None,
            self_test: None,
        }
    }

    /// Width of the output: that of the last layer that may change the width.
    pub fn out_channels(&self) -> usize {
        self.layers.iter().rev().find_map(Layer::out_channels).unwrap_or(self.in_channels)
    }
}

impl ModelSpec {
    /// What kind of network it is, in the field's word for it: `WaveNet`, `LSTM`, `GRU`, `RNN`, `ConvNet`, `Linear`,
    /// `MLP`, `SlimmableContainer` or `Sequential`; `Stack` where recurrent layers and convolutions, or several kinds of
    /// recurrent layers, are mixed.
    pub fn architecture(&self) -> &'static str {
        match &self.network {
            Network::Stack(stack) => stack.architecture(),
            Network::WaveNet(_) => "WaveNet",
            Network::Container(_) => "SlimmableContainer",
            Network::Sequential(_) => "Sequential",
        }
    }
}

impl Layer {
    /// What it is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "Dense",
            Self::Conv1d(_) => "Conv1d",
            Self::Conv2d(_) => "Conv2d",
            Self::Activation(_) => "Activation",
            Self::Affine(_) => "Affine",
            Self::Lstm(_) => "Lstm",
            Self::Gru(_) => "Gru",
            Self::Rnn(_) => "Rnn",
        }
    }
}

impl Stack {
    fn architecture(&self) -> &'static str {
        if let [Layer::Conv1d(_)] = self.layers.as_slice() {
            return "Linear";
        }
        let mut kinds = self.layers.iter().filter_map(|layer| match layer {
            Layer::Conv1d(_) | Layer::Conv2d(_) => Some("ConvNet"),
            Layer::Lstm(_) => Some("LSTM"),
            Layer::Gru(_) => Some("GRU"),
            Layer::Rnn(_) => Some("RNN"),
            Layer::Dense(_) | Layer::Activation(_) | Layer::Affine(_) => None,
        });
        let first = kinds.next().unwrap_or("MLP");
        if kinds.all(|kind| kind == first) { first } else { "Stack" }
    }
}
