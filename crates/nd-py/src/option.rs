//! What `neural_distortion.load` takes as words.

use nd_core::format::Compat;
use nd_core::{AntiAliasing, CompileOptions, InstructionSet, LoadOptions, Math};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// How a file is read, with the readings that `names` call for.
pub(crate) fn load_options(names: &[String]) -> PyResult<LoadOptions> {
    let compat = Compat::named(names).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(LoadOptions { compat, ..LoadOptions::default() })
}

/// How a model is compiled; the fastest instruction set where none is named.
pub(crate) fn compile_options(
    prewarm: bool,
    math: &str,
    instruction_set: Option<&str>,
    rate_factor: usize,
    anti_aliasing: &str,
) -> PyResult<CompileOptions> {
    let mut options = CompileOptions::default();
    options.prewarm = prewarm;
    options.math = match math {
        "exact" => Math::Exact,
        "fast" => Math::Fast,
        _ => return Err(PyValueError::new_err(format!("math={math:?}: expected \"exact\" or \"fast\""))),
    };
    options.instruction_set = instruction_set
        .map(str::parse::<InstructionSet>)
        .transpose()
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    options.rate_factor = rate_factor;
    options.anti_aliasing =
        anti_aliasing.parse::<AntiAliasing>().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(options)
}

/// The instruction sets of this processor, the fastest first.
#[pyfunction]
pub(crate) fn instruction_sets() -> Vec<&'static str> {
    InstructionSet::available().into_iter().map(InstructionSet::name).collect()
}
