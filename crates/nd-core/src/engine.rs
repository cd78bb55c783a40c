//! What runs: a flat schedule of steps over one arena.
//!
//! A [`Model`] holds programs (schedule and packed weights, shared between clones) and their states (one arena each).
//! A block of input is copied into the arena, each step reads signals and writes others, and the output is copied out.
//! Everything is laid out when the model is compiled; processing only computes.

mod buffer;
mod convolve;
mod denormals;
mod model;
mod pair;
mod program;
mod signal;
mod step;

pub(crate) use buffer::Buffer;
pub(crate) use convolve::{Convolve, Filter, Memory};
pub(crate) use denormals::without_denormals;
pub(crate) use model::Shared;
pub use model::{Model, SelfTestOutcome};
pub use pair::Pair;
pub(crate) use program::{Prewarm, Program, Start, State};
pub(crate) use signal::{Layout, Signal, SignalId};
pub(crate) use step::{
    Activate, CellKind, Channels, Combine, Curve, Lookup, Mix, Modulate, Project, Recur, RecurrentLayer,
    Residual, ResidualCurve, ResidualLayer, Softmax, Step, Sum, Tap, Transpose,
};

/// Frames that the engine computes at a time, at the most: longer input is cut.
pub const BLOCK: usize = 128;

/// Where the parameter inputs of a model stand until they are set: in the middle of their range, 0 to 1.
pub const PARAMETER_DEFAULT: f32 = 0.5;
