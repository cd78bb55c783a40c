//! What to do against aliases, and what that is for a network.

use std::fmt;
use std::str::FromStr;

use crate::dsp::oversample::MAX_FACTOR;
use crate::spec::{Activation, Layer, ModelSpec, Network};

/// What to do against aliases: the harmonics of a distortion that lie above half the sample rate and fold back.
///
/// The first four are a dial, the others methods; [`method`](Self::method) says which method the dial means for a
/// network. Written as a word: `off`, `eco`, `standard`, `best`; `2x`, `4x`, `8x`, `16x`; `minimum-2x`, …; `plain-2x`,
/// …; `adaa1`, `adaa2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AntiAliasing {
    /// Nothing: the network as it was trained.
    #[default]
    Off,
    /// What costs little.
    Eco,
    /// What costs about twice the network.
    Standard,
    /// What costs several times the network.
    Best,
    /// The network runs at `factor` (2, 4, 8 or 16) times its rate with all delays that many times as long, between
    /// filters: it sees what it was trained on, and its harmonics have room.
    Oversampled {
        /// How many times its rate.
        factor: usize,
    },
    /// The same between filters of minimum phase: a latency of a few frames, for treble that comes later than bass.
    MinimumPhase {
        /// How many times its rate.
        factor: usize,
    },
    /// Filters of linear phase, and the delays as they are, in frames: what an oversampler around the network does. A network with
    /// memory then hears its input slowed down, so this is for comparison.
    PlainOversampled {
        /// How many times its rate.
        factor: usize,
    },
    /// Instead of values of the transfer curve, its mean between two frames (order 1, half a frame late), or its
    /// triangular mean between three (order 2, one frame late): for networks without memory (Parker, Zavalishin and Le
    /// Bivic, "Reducing the aliasing of nonlinear waveshaping using continuous-time convolution", 2016; Bilbao,
    /// Esqueda, Parker and Välimäki, "Antiderivative antialiasing for memoryless nonlinearities", 2017).
    Antiderivative {
        /// 1 or 2.
        order: usize,
    },
}

impl AntiAliasing {
    /// The method that the dial stands for, for this network; a method stands for itself.
    #[must_use]
    pub fn method(self, spec: &ModelSpec) -> Self {
        let dial = [Self::Eco, Self::Standard, Self::Best].iter().position(|&dial| dial == self);
        match dial {
            None => self,
            Some(_) if is_linear(spec) => Self::Off,
            Some(dial) if is_memoryless(spec) => [
                Self::Antiderivative { order: 2 },
                Self::Oversampled { factor: 2 },
                Self::Oversampled { factor: 8 },
            ][dial],
            Some(dial) => Self::Oversampled { factor: [2, 2, 4][dial] },
        }
    }

    /// How many times the rate outside the network runs at.
    pub(crate) fn factor(self) -> usize {
        match self {
            Self::Oversampled { factor }
            | Self::MinimumPhase { factor }
            | Self::PlainOversampled { factor } => factor,
            _ => 1,
        }
    }
}

/// Whether a frame of output depends on one frame of audio alone.
pub(super) fn is_memoryless(spec: &ModelSpec) -> bool {
    match &spec.network {
        Network::Stack(stack) => {
            stack.in_channels == 1
                && stack.layers.iter().all(|layer| match layer {
                    Layer::Dense(_) | Layer::Activation(_) | Layer::Affine(_) => true,
                    Layer::Conv1d(conv) => conv.kernel_size == 1,
                    Layer::Conv2d(conv) => conv.kernel_size_time == 1,
                    Layer::Lstm(_) | Layer::Gru(_) | Layer::Rnn(_) => false,
                })
        }
        Network::Sequential(models) => models.iter().all(is_memoryless),
        Network::WaveNet(_) | Network::Container(_) => false,
    }
}

/// Whether nothing in a network makes harmonics.
fn is_linear(spec: &ModelSpec) -> bool {
    match &spec.network {
        Network::Stack(stack) => stack.layers.iter().all(|layer| {
            matches!(
                layer,
                Layer::Dense(_)
                    | Layer::Conv1d(_)
                    | Layer::Conv2d(_)
                    | Layer::Affine(_)
                    | Layer::Activation(Activation::Identity)
            )
        }),
        Network::Sequential(models) => models.iter().all(is_linear),
        Network::WaveNet(_) | Network::Container(_) => false,
    }
}

impl fmt::Display for AntiAliasing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Eco => f.write_str("eco"),
            Self::Standard => f.write_str("standard"),
            Self::Best => f.write_str("best"),
            Self::Oversampled { factor } => write!(f, "{factor}x"),
            Self::MinimumPhase { factor } => write!(f, "minimum-{factor}x"),
            Self::PlainOversampled { factor } => write!(f, "plain-{factor}x"),
            Self::Antiderivative { order } => write!(f, "adaa{order}"),
        }
    }
}

/// The word is none of those that [`AntiAliasing`] is written as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no anti-aliasing is called {0:?}: there is off, eco, standard, best, 2x to {MAX_FACTOR}x, minimum-2x to \
     minimum-{MAX_FACTOR}x, plain-2x to plain-{MAX_FACTOR}x, adaa1 and adaa2"
)]
pub struct ParseAntiAliasingError(String);

impl FromStr for AntiAliasing {
    type Err = ParseAntiAliasingError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let factors = || (1..=MAX_FACTOR.ilog2()).map(|power| 1 << power);
        let all = [Self::Off, Self::Eco, Self::Standard, Self::Best]
            .into_iter()
            .chain(factors().map(|factor| Self::Oversampled { factor }))
            .chain(factors().map(|factor| Self::MinimumPhase { factor }))
            .chain(factors().map(|factor| Self::PlainOversampled { factor }))
            .chain([1, 2].map(|order| Self::Antiderivative { order }));
        all.into_iter()
            .find(|method| method.to_string() == word)
            .ok_or_else(|| ParseAntiAliasingError(word.to_owned()))
    }
}
