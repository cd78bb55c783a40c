//! Signal processing around a model.

pub mod resample;

pub use resample::{process_at, resample};
