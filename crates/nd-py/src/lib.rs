//! `neural_distortion._native`: conversion between Python and [`nd_core`], and releasing the GIL; nothing else.
//!
//! What a user calls is `neural_distortion`, which brings files and arrays into the one form that is accepted here.

mod error;
mod model;
mod option;
mod signal;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::model::Model;

    #[pymodule_export]
    use crate::option::instruction_sets;

    #[pymodule_export]
    use crate::signal::{Loudness, Resampler};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
