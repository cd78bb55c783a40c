//! The plugin, as hosts see it.

mod clap;
#[allow(dead_code, reason = "the benchmark uses it too")]
mod host;
mod soak;
#[cfg(feature = "vst3")]
mod vst3;
