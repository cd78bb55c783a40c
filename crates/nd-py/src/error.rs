//! How what can go wrong in Rust reads in Python.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nd_core::{CompileError, LoadError, WriteError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pyo3::import_exception!(neural_distortion.model, ModelError);

/// What is wrong with a model, whichever stage found it.
pub(crate) struct Reason {
    message: String,
    kind: &'static str,
    path: Option<String>,
    expected: Option<String>,
    found: Option<String>,
}

/// Every family of errors tells the same of itself.
macro_rules! reasons {
    ($($error:ty),*) => {$(
        impl From<$error> for Reason {
            fn from(error: $error) -> Self {
                Self {
                    message: error.to_string(),
                    kind: error.kind(),
                    path: error.path().map(str::to_owned),
                    expected: error.expected(),
                    found: error.found(),
                }
            }
        }
    )*};
}
reasons!(LoadError, CompileError, WriteError);

/// The `ModelError` for `reason`; its message begins with the file's name where there is one.
pub(crate) fn model_error(py: Python<'_>, file: Option<&str>, reason: &Reason) -> PyErr {
    let exception = || {
        let facts = PyDict::new(py);
        facts.set_item("kind", reason.kind)?;
        facts.set_item("path", &reason.path)?;
        facts.set_item("expected", &reason.expected)?;
        facts.set_item("found", &reason.found)?;
        let message =
            file.map_or_else(|| reason.message.clone(), |file| format!("{file}: {}", reason.message));
        py.get_type::<ModelError>().call((message,), Some(&facts))
    };
    exception().map_or_else(|error| error, PyErr::from_value)
}

/// Runs `work` without the GIL. A panic, which is a mistake in this package, becomes a `RuntimeError`.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    outcome.map_err(|panic| {
        let text = text(panic.as_ref());
        PyRuntimeError::new_err(format!("a mistake in neural_distortion, please report it: {text}"))
    })
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
