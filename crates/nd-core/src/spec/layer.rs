//! The layers of a [`Stack`](super::Stack). All are causal and as long as their input.

use super::Activation;

/// One layer of a [`Stack`](super::Stack).
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// See [`Dense`].
    Dense(Dense),
    /// See [`Conv1d`].
    Conv1d(Conv1d),
    /// See [`Conv2d`].
    Conv2d(Conv2d),
    /// See [`Activation`].
    Activation(Activation),
    /// See [`Affine`].
    Affine(Affine),
    /// See [`Lstm`].
    Lstm(Lstm),
    /// See [`Gru`].
    Gru(Gru),
    /// See [`Rnn`].
    Rnn(Rnn),
}

impl Layer {
    /// Width of the output; none where it is that of the input, whatever that is.
    pub fn out_channels(&self) -> Option<usize> {
        match self {
            Self::Dense(layer) => Some(layer.out_channels),
            Self::Conv1d(layer) => Some(layer.out_channels),
            Self::Conv2d(layer) => Some(layer.out_filters * layer.out_features),
            Self::Activation(_) => None,
            Self::Affine(layer) => Some(layer.scale.len()),
            Self::Lstm(layer) => Some(layer.hidden_size),
            Self::Gru(layer) => Some(layer.hidden_size),
            Self::Rnn(layer) => Some(layer.hidden_size),
        }
    }
}

/// `y = W · x + b`, frame by frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Width of the input.
    pub in_channels: usize,
    /// Width of the output.
    pub out_channels: usize,
    /// `[out_channels][in_channels]`.
    pub weight: Vec<f32>,
    /// `[out_channels]`.
    pub bias: Option<Vec<f32>>,
}

/// `y[o][n] = b[o] + Σ_i Σ_k w[o][i][k] · x[i][n − (kernel_size − 1 − k) · dilation]`, within each group.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv1d {
    /// Width of the input.
    pub in_channels: usize,
    /// Width of the output.
    pub out_channels: usize,
    /// Number of taps.
    pub kernel_size: usize,
    /// Frames between two taps.
    pub dilation: usize,
    /// Input and output channels are split into this many groups that do not see each other.
    pub groups: usize,
    /// `[out_channels][in_channels / groups][kernel_size]`, oldest tap first.
    pub weight: Vec<f32>,
    /// `[out_channels]`.
    pub bias: Option<Vec<f32>>,
}

/// A dense layer is a convolution of one tap.
impl From<&Dense> for Conv1d {
    fn from(dense: &Dense) -> Self {
        Self {
            in_channels: dense.in_channels,
            out_channels: dense.out_channels,
            kernel_size: 1,
            dilation: 1,
            groups: 1,
            weight: dense.weight.clone(),
            bias: dense.bias.clone(),
        }
    }
}

/// A convolution over time (causal) and features; channels are laid out `[feature][filter]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2d {
    /// Filters of the input.
    pub in_filters: usize,
    /// Filters of the output.
    pub out_filters: usize,
    /// Features of the input, each with `in_filters` channels.
    pub in_features: usize,
    /// Features of the output, each with `out_filters` channels.
    pub out_features: usize,
    /// Taps in time.
    pub kernel_size_time: usize,
    /// Taps over features.
    pub kernel_size_feature: usize,
    /// Frames between two taps in time.
    pub dilation: usize,
    /// Features between two outputs.
    pub stride: usize,
    /// What lies beyond the first and last feature.
    pub padding: Padding,
    /// `[kernel_size_time][kernel_size_feature][in_filters][out_filters]`, oldest tap first.
    pub weight: Vec<f32>,
    /// `[out_filters]`.
    pub bias: Option<Vec<f32>>,
}

/// What a [`Conv2d`] sees beyond the first and last feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: there are as many outputs as places where the kernel fits.
    Valid,
    /// Zeros, as many on the right as on the left or one more, so that `out_features = ⌈in_features / stride⌉`.
    Same,
}

/// `y[c] = scale[c] · x[c] + shift[c]`: a folded batch normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// `[channels]`.
    pub scale: Vec<f32>,
    /// `[channels]`.
    pub shift: Vec<f32>,
}

/// Long short-term memory (Hochreiter and Schmidhuber, 1997), gates in the order i, f, g, o.
///
/// `c = σ(f)·c + σ(i)·tanh(g)`, `h = σ(o)·tanh(c)`, where `[i f g o] = weight_ih·x + weight_hh·h + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm {
    /// Width of the input.
    pub input_size: usize,
    /// Width of the output and of the state.
    pub hidden_size: usize,
    /// `[4 · hidden_size][input_size]`.
    pub weight_ih: Vec<f32>,
    /// `[4 · hidden_size][hidden_size]`.
    pub weight_hh: Vec<f32>,
    /// `[4 · hidden_size]`: the sum of `PyTorch`'s two.
    pub bias: Vec<f32>,
    /// Hidden state at the start, `[hidden_size]`.
    pub initial_hidden: Vec<f32>,
    /// Cell state at the start, `[hidden_size]`.
    pub initial_cell: Vec<f32>,
}

/// Gated recurrent unit (Cho et al., 2014; the variant of `PyTorch` and cuDNN), gates in the order r, z, n.
///
/// `n = tanh(W_n·x + b_in + r ⊙ (U_n·h + b_hn))`, `h = (1 − z)·n + z·h`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// Width of the input.
    pub input_size: usize,
    /// Width of the output and of the state.
    pub hidden_size: usize,
    /// `[3 · hidden_size][input_size]`.
    pub weight_ih: Vec<f32>,
    /// `[3 · hidden_size][hidden_size]`.
    pub weight_hh: Vec<f32>,
    /// `[3 · hidden_size]`.
    pub bias_ih: Vec<f32>,
    /// `[3 · hidden_size]`.
    pub bias_hh: Vec<f32>,
}

/// Elman's recurrent network: `h = tanh(weight_ih·x + weight_hh·h + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rnn {
    /// Width of the input.
    pub input_size: usize,
    /// Width of the output and of the state.
    pub hidden_size: usize,
    /// `[hidden_size][input_size]`.
    pub weight_ih: Vec<f32>,
    /// `[hidden_size][hidden_size]`.
    pub weight_hh: Vec<f32>,
    /// `[hidden_size]`: the sum of `PyTorch`'s two.
    pub bias: Vec<f32>,
}
