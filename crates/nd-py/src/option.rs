//! What `neural_distortion.load` takes as words.

use nd_core::format::Compat;
use nd_core::{AntiAliasing, CompileOptions, InstructionSet, LoadOptions, Math};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A field of [`Compat`].
type Field = fn(&mut Compat) -> &mut bool;

const COMPAT: [(&str, Field); 3] = [
    ("legacy_layer1x1_post_film", |compat| &mut compat.legacy_layer1x1_post_film),
    ("residual_without_layer1x1", |compat| &mut compat.residual_without_layer1x1),
    ("reverse_linear_taps", |compat| &mut compat.reverse_linear_taps),
];

/// How a file is read, with the readings that `names` call for.
pub(crate) fn load_options(names: &[String]) -> PyResult<LoadOptions> {
    let mut options = LoadOptions::default();
    for name in names {
        let Some((_, field)) = COMPAT.iter().find(|(known, _)| known == name) else {
            let known = COMPAT.map(|(known, _)| known).join(", ");
            let message = format!("no compatibility option is called {name:?}: there is {known}");
            return Err(PyValueError::new_err(message));
        };
        *field(&mut options.compat) = true;
    }
    Ok(options)
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
