//! `neural_distortion._native`: conversion between Python and [`nd_core`], and releasing the GIL; nothing else.

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {}
