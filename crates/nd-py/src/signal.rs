//! Signals that come in pieces, too long to be held: their rate and their loudness.

use std::sync::Mutex;

use nd_core::dsp::{loudness, resample};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::error::detached;

/// Between two sample rates, for several channels.
#[pyclass(frozen, module = "neural_distortion._native")]
pub(crate) struct Resampler(Mutex<Vec<resample::Resampler>>);

#[pymethods]
impl Resampler {
    #[new]
    #[pyo3(signature = (sample_rate, rate, *, channels))]
    fn new(sample_rate: f64, rate: f64, channels: usize) -> PyResult<Self> {
        let resamplers: Result<Vec<_>, _> =
            (0..channels).map(|_| resample::Resampler::new(sample_rate, rate)).collect();
        Ok(Self(Mutex::new(resamplers.map_err(|error| PyValueError::new_err(error.to_string()))?)))
    }

    /// How far, in frames of the input, the filter reaches to either side.
    #[getter]
    fn reach(&self) -> PyResult<usize> {
        let resamplers = self.0.try_lock().map_err(|_| at_work())?;
        Ok(resamplers.first().map_or(0, resample::Resampler::block))
    }

    /// What the next piece of the signal, `(channels, frames)` and contiguous, lets out; with `last`, all of it.
    #[pyo3(signature = (audio, *, last))]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn process<'py>(
        &self,
        py: Python<'py>,
        audio: PyReadonlyArray2<'py, f32>,
        last: bool,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (channels, frames) = (audio.dims()[0], audio.dims()[1]);
        let input = audio.as_slice()?;
        let mut resamplers = self.0.try_lock().map_err(|_| at_work())?;
        let resamplers = resamplers.as_mut_slice();
        check(resamplers.len(), channels)?;
        let output = detached(py, || {
            let mut output = Vec::new();
            for (channel, resampler) in resamplers.iter_mut().enumerate() {
                resampler.push(&input[channel * frames..(channel + 1) * frames], &mut output);
                if last {
                    resampler.finish(&mut output);
                }
            }
            output
        })?;
        let frames = output.len() / channels.max(1);
        PyArray1::from_vec(py, output).reshape([channels, frames])
    }
}

/// How loud a programme is.
#[pyclass(frozen, module = "neural_distortion._native")]
pub(crate) struct Loudness {
    meter: Mutex<loudness::Loudness>,
    channels: usize,
}

#[pymethods]
impl Loudness {
    #[new]
    #[pyo3(signature = (sample_rate, *, channels))]
    fn new(sample_rate: f64, channels: usize) -> Self {
        Self { meter: Mutex::new(loudness::Loudness::new(sample_rate, channels)), channels }
    }

    /// Listens to the next piece, `(channels, frames)` and contiguous.
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn process(&self, py: Python<'_>, audio: PyReadonlyArray2<'_, f32>) -> PyResult<()> {
        check(self.channels, audio.dims()[0])?;
        let input = audio.as_slice()?;
        let mut meter = self.meter.try_lock().map_err(|_| at_work())?;
        let meter = &mut *meter;
        detached(py, || meter.push(input))
    }

    /// In LUFS; minus infinity for silence, and None for less than 0.4 s.
    #[getter]
    fn integrated(&self) -> PyResult<Option<f64>> {
        Ok(self.meter.try_lock().map_err(|_| at_work())?.integrated())
    }
}

fn check(expected: usize, found: usize) -> PyResult<()> {
    if expected == found {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{found} channel(s) in a signal of {expected}")))
}

fn at_work() -> PyErr {
    PyRuntimeError::new_err("this is at work in another thread")
}
