//! The model, one state for each channel.

use std::sync::{Mutex, MutexGuard};

use nd_core::{CompileOptions, Metadata, ModelSpec, dsp};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Reason, detached, model_error};

/// A compiled model.
#[pyclass(frozen, module = "neural_distortion._native")]
pub(crate) struct Model {
    /// As compiled: every channel starts as a clone of it.
    fresh: nd_core::Model,
    /// One model for each channel of the stream, which share the weights; none before its first block.
    stream: Mutex<Vec<nd_core::Model>>,
    architecture: &'static str,
    metadata: Metadata,
}

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (data, *, file, prewarm))]
    fn new(py: Python<'_>, data: &[u8], file: Option<&str>, prewarm: bool) -> PyResult<Self> {
        let mut options = CompileOptions::default();
        options.prewarm = prewarm;
        let (spec, fresh) = detached(py, || -> Result<_, Reason> {
            let spec = ModelSpec::from_slice(data)?;
            let fresh = spec.compile(&options)?;
            Ok((spec, fresh))
        })?
        .map_err(|reason| model_error(py, file, &reason))?;
        Ok(Self {
            fresh,
            stream: Mutex::default(),
            architecture: spec.architecture(),
            metadata: spec.metadata,
        })
    }

    /// The wet signal for `audio`, `(channels, frames)` and contiguous, at `sample_rate`.
    #[pyo3(signature = (audio, sample_rate, *, reset, resample))]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn process<'py>(
        &self,
        py: Python<'py>,
        audio: PyReadonlyArray2<'py, f32>,
        sample_rate: f64,
        reset: bool,
        resample: bool,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = audio.dims();
        let input = audio.as_slice()?;
        let rate = self.fresh.sample_rate().unwrap_or(sample_rate);
        if rate != sample_rate && !(reset && resample) {
            return Err(wrong_rate(rate, sample_rate, reset));
        }
        let mut stream = self.stream()?;
        if reset {
            stream.clear();
        }
        if stream.is_empty() {
            stream.resize(shape[0], self.fresh.clone());
        }
        if stream.len() != shape[0] {
            return Err(PyValueError::new_err(format!(
                "the stream has {} channel(s) and this block {}: call reset() before another stream",
                stream.len(),
                shape[0]
            )));
        }
        let channels = stream.as_mut_slice();
        let output = detached(py, || {
            if rate == sample_rate {
                Ok(render(channels, input, shape[1]))
            } else {
                render_resampled(channels, input, shape[1], sample_rate, rate)
            }
        })?
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
        if rate != sample_rate {
            stream.clear(); // it heard the silence around the signal, too
        }
        PyArray1::from_vec(py, output).reshape(shape)
    }

    fn reset(&self) -> PyResult<()> {
        self.stream()?.clear();
        Ok(())
    }

    /// A model with the same weights and, from here on, a state of its own.
    fn clone(&self) -> PyResult<Self> {
        Ok(Self {
            fresh: self.fresh.clone(),
            stream: Mutex::new(self.stream()?.clone()),
            architecture: self.architecture,
            metadata: self.metadata.clone(),
        })
    }

    #[getter]
    fn architecture(&self) -> &'static str {
        self.architecture
    }

    #[getter]
    fn sample_rate(&self) -> Option<f64> {
        self.fresh.sample_rate()
    }

    #[getter]
    fn receptive_field(&self) -> usize {
        self.fresh.receptive_field()
    }

    #[getter]
    fn latency_samples(&self) -> usize {
        self.fresh.latency_samples()
    }

    #[getter]
    fn num_parameters(&self) -> usize {
        self.fresh.num_parameters()
    }

    /// The fields of `neural_distortion.Metadata`, with `raw` as JSON text.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let Metadata {
            name,
            modeled_by,
            gear_make,
            gear_model,
            gear_type,
            tone_type,
            loudness_db,
            gain,
            input_level_dbu,
            output_level_dbu,
            validation_esr,
            raw,
            warnings,
        } = &self.metadata;
        let fields = PyDict::new(py);
        fields.set_item("name", name)?;
        fields.set_item("modeled_by", modeled_by)?;
        fields.set_item("gear_make", gear_make)?;
        fields.set_item("gear_model", gear_model)?;
        fields.set_item("gear_type", gear_type)?;
        fields.set_item("tone_type", tone_type)?;
        fields.set_item("loudness_db", loudness_db)?;
        fields.set_item("gain", gain)?;
        fields.set_item("input_level_dbu", input_level_dbu)?;
        fields.set_item("output_level_dbu", output_level_dbu)?;
        fields.set_item("validation_esr", validation_esr)?;
        fields.set_item("raw", raw)?;
        fields.set_item("warnings", warnings)?;
        Ok(fields)
    }
}

impl Model {
    /// The state, which is one thread's at a time.
    fn stream(&self) -> PyResult<MutexGuard<'_, Vec<nd_core::Model>>> {
        self.stream.try_lock().map_err(|_| {
            PyRuntimeError::new_err(
                "this model is at work in another thread: give each thread one of its own, copy.copy(model)",
            )
        })
    }
}

/// Every channel, as long as `frames`, through its own model.
fn render(channels: &mut [nd_core::Model], input: &[f32], frames: usize) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    for (channel, model) in channels.iter_mut().enumerate() {
        let range = channel * frames..(channel + 1) * frames;
        model.process(&input[range.clone()], &mut output[range]);
    }
    output
}

/// As [`render`], at the model's `rate`.
fn render_resampled(
    channels: &mut [nd_core::Model],
    input: &[f32],
    frames: usize,
    sample_rate: f64,
    rate: f64,
) -> Result<Vec<f32>, dsp::resample::UnsupportedRates> {
    let mut output = Vec::with_capacity(input.len());
    for (channel, model) in channels.iter_mut().enumerate() {
        let range = channel * frames..(channel + 1) * frames;
        let process = |audio: &mut [f32]| model.process_in_place(audio);
        output.append(&mut dsp::process_at(sample_rate, &input[range], rate, process)?);
    }
    Ok(output)
}

fn wrong_rate(rate: f64, sample_rate: f64, reset: bool) -> PyErr {
    let why = if reset { "resample=False" } else { "a stream (reset=False) is not resampled" };
    PyValueError::new_err(format!("the model runs at {rate} Hz and the audio is at {sample_rate} Hz: {why}"))
}
