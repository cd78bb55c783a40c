//! Neural models of guitar distortion, in real time.
//!
//! A model passes four stages, and each is a type: bytes become a [`ModelSpec`] (plain data), which is compiled to a
//! [`Model`] (packed weights, a schedule, and every byte of memory that it will ever need), which processes audio.
//!
//! ```
//! use nd_core::{CompileOptions, ModelSpec};
//!
//! let file = br#"{"layer1_weights": [2.0], "layer1_bias": [0.0], "layer2_weights": [0.5], "layer2_bias": [0.0]}"#;
//! let spec = ModelSpec::from_slice(file)?;
//! let mut model = spec.compile(&CompileOptions::default())?;
//!
//! let input = [0.0, 0.25, 0.5];
//! let mut output = [0.0; 3];
//! model.process(&input, &mut output); // cannot fail, cannot allocate
//! assert!((output[2] - 0.5 * 1.0_f32.tanh()).abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The contract of [`Model`]
//!
//! * [`process`](Model::process), [`process_in_place`](Model::process_in_place) and [`reset`](Model::reset) never
//!   allocate, free, lock or call the system, and cannot fail. Everything that can fail, fails earlier.
//! * State carries over from call to call. Blocks of any length give the same samples, bit for bit.
//! * A model is ready to play when it is compiled: silence has already run through it.
//! * [`Clone`] shares the weights and copies the state: stereo is two clones.
//! * Only numbers come out. A NaN or an infinity at the input counts as silence. A model that yields one itself is silent
//!   up to the next multiple of [`BLOCK`](engine::BLOCK) frames and starts afresh there; [`Model::unstable`] tells of it.

// The one exception, expected where it stands, sets the processor's denormal flags.
#![deny(unsafe_code)]

pub mod compile;
pub mod dsp;
pub mod engine;
pub mod error;
pub mod format;
pub mod kernel;
pub mod reference;
pub mod spec;

pub use compile::{AntiAliasing, CompileOptions, InstructionSet, Math};
pub use engine::{Model, Pair, SelfTestOutcome};
pub use error::{CompileError, LoadError, WriteError};
pub use format::{LoadOptions, Target};
pub use spec::{Format, Metadata, ModelSpec, Network};
