//! The model, one state for each channel.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use nd_core::dsp::process_at;
use nd_core::dsp::resample::UnsupportedRates;
use nd_core::engine::PARAMETER_DEFAULT;
use nd_core::format::UnknownTarget;
use nd_core::{CompileOptions, Metadata, ModelSpec, Pair, Target};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::{Reason, detached, model_error};
use crate::option::{compile_options, load_options};

/// Frames below which a channel does not get a thread of its own.
const MIN_CHANNEL: usize = 4096;

/// What plays a stream.
#[derive(Clone)]
struct Stream {
    /// One for each channel; they share the weights.
    channels: Vec<nd_core::Model>,
    pair: Pair,
}

/// The arguments of `neural_distortion.Layer`.
type LayerRow = (String, &'static str, usize, usize, Vec<usize>, String, usize);

/// A compiled model.
#[pyclass(frozen, module = "neural_distortion._native")]
pub(crate) struct Model {
    /// As compiled: every channel starts as a clone of it.
    fresh: nd_core::Model,
    /// None before the first block of a stream.
    stream: Mutex<Option<Stream>>,
    /// The bits of an `f64`, which can be read and set while the model is at work.
    quality: AtomicU64,
    /// Whether the last render, or the stream so far, had to be silenced.
    unstable: AtomicBool,
    /// What the file says; all clones have it in common.
    spec: Arc<ModelSpec>,
    file: Option<String>,
}

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (data, *, file, prewarm, compat, math, instruction_set, rate_factor, anti_aliasing))]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn new(
        py: Python<'_>,
        data: &[u8],
        file: Option<String>,
        prewarm: bool,
        compat: Vec<String>,
        math: &str,
        instruction_set: Option<&str>,
        rate_factor: usize,
        anti_aliasing: &str,
    ) -> PyResult<Self> {
        let load = load_options(&compat)?;
        let compile = compile_options(prewarm, math, instruction_set, rate_factor, anti_aliasing)?;
        let (spec, fresh) = detached(py, || -> Result<_, Reason> {
            let spec = ModelSpec::from_slice_with(data, &load)?;
            let fresh = spec.compile(&compile)?;
            Ok((spec, fresh))
        })?
        .map_err(|reason| model_error(py, file.as_deref(), &reason))?;
        Ok(Self {
            fresh,
            stream: Mutex::default(),
            quality: AtomicU64::new(1.0_f64.to_bits()),
            unstable: AtomicBool::new(false),
            spec: Arc::new(spec),
            file,
        })
    }

    /// This model or, with `data`, that of another file, compiled in the usual way.
    #[pyo3(signature = (data=None))]
    fn usual(&self, py: Python<'_>, data: Option<&[u8]>) -> PyResult<Self> {
        let (spec, fresh) = detached(py, || -> Result<_, Reason> {
            let spec = data.map(ModelSpec::from_slice).transpose()?.map_or(Arc::clone(&self.spec), Arc::new);
            let fresh = spec.compile(&CompileOptions::default())?;
            Ok((spec, fresh))
        })?
        .map_err(|reason| model_error(py, None, &reason))?;
        let (stream, quality) = (Mutex::default(), AtomicU64::new(1.0_f64.to_bits()));
        Ok(Self { fresh, stream, quality, unstable: AtomicBool::new(false), spec, file: None })
    }

    /// The model as a file of the format that is called `target`; as a program, of the size that is set, and called
    /// `name`.
    fn write<'py>(&self, py: Python<'py>, target: &str, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let target: Target =
            target.parse().map_err(|error: UnknownTarget| PyValueError::new_err(error.to_string()))?;
        let quality = self.quality();
        let file = detached(py, || {
            if let Target::Model(_) = target {
                return self.spec.write(target);
            }
            let mut spec = self.spec.at_quality(quality);
            spec.metadata.name = Some(name.to_owned());
            spec.write(target)
        })?
        .map_err(|error| model_error(py, self.file.as_deref(), &error.into()))?;
        Ok(PyBytes::new(py, &file))
    }

    /// The fields of `neural_distortion.Layer`, for each.
    fn layers(&self) -> Vec<LayerRow> {
        let rows = self.spec.describe().into_iter();
        rows.map(|row| {
            let widths = (row.in_channels, row.out_channels);
            (row.path, row.kind, widths.0, widths.1, row.shape, row.details, row.num_parameters)
        })
        .collect()
    }

    /// The wet signal for all of `audio`, `(channels, frames)` and contiguous, at `sample_rate`.
    ///
    /// `parameters`, contiguous, too, is `(parameters, 1)` or `(parameters, frames)`. Without `threads`, as many are
    /// used as there are cores.
    #[pyo3(signature = (audio, sample_rate, *, parameters, resample, threads))]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn render<'py>(
        &self,
        py: Python<'py>,
        audio: PyReadonlyArray2<'py, f32>,
        sample_rate: f64,
        parameters: Option<PyReadonlyArray2<'py, f32>>,
        resample: bool,
        threads: Option<NonZeroUsize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let rate = self.fresh.sample_rate().unwrap_or(sample_rate);
        if rate != sample_rate && !resample {
            return Err(wrong_rate(rate, sample_rate, "resample=False"));
        }
        let settings = Settings::new(parameters.as_ref())?;
        if rate != sample_rate && matches!(settings, Settings::Automated(_)) {
            return Err(wrong_rate(rate, sample_rate, "parameters that move are not resampled"));
        }
        let shape = audio.dims();
        let input = audio.as_slice()?;
        let mut stream = self.stream()?;
        *stream = None;
        let mut channels = self.start(shape[0]);
        let render = Render { settings: &settings, sample_rate, rate };
        let output = detached(py, || {
            let threads =
                threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
            settings.prewarm(&mut channels);
            render.side_by_side(&mut channels, input, shape[1], threads)
        })?
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.unstable.store(channels.iter().any(nd_core::Model::unstable), Ordering::Relaxed);
        PyArray1::from_vec(py, output).reshape(shape)
    }

    /// The wet signal for a block of the stream, as [`render`](Self::render) takes it; a new stream with `reset`.
    #[pyo3(signature = (audio, sample_rate, *, parameters, reset))]
    #[expect(clippy::needless_pass_by_value, reason = "an argument from Python is owned")]
    fn process<'py>(
        &self,
        py: Python<'py>,
        audio: PyReadonlyArray2<'py, f32>,
        sample_rate: f64,
        parameters: Option<PyReadonlyArray2<'py, f32>>,
        reset: bool,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        if let Some(rate) = self.fresh.sample_rate()
            && rate != sample_rate
        {
            let why = if reset { "resample=False" } else { "a stream (reset=False) is not resampled" };
            return Err(wrong_rate(rate, sample_rate, why));
        }
        let settings = Settings::new(parameters.as_ref())?;
        let shape = audio.dims();
        let input = audio.as_slice()?;
        let mut stream = self.stream()?;
        if reset {
            *stream = None;
        }
        let starts = stream.is_none();
        let fresh = || Stream { channels: self.start(shape[0]), pair: Pair::new(&self.fresh) };
        let Stream { channels, pair } = stream.get_or_insert_with(fresh);
        if channels.len() != shape[0] {
            return Err(PyValueError::new_err(format!(
                "the stream has {} channel(s) and this block {}: call reset() before another stream",
                channels.len(),
                shape[0]
            )));
        }
        let quality = self.quality();
        let output = detached(py, || {
            if starts {
                settings.prewarm(channels);
            }
            for model in &mut *channels {
                model.set_quality(quality);
                settings.set(model);
            }
            let mut output = input.to_vec();
            // A signal without frames has no chunks of any length.
            let frames = shape[1].max(1);
            if let Settings::Automated(signals) = &settings {
                let audio = input.chunks(frames).zip(output.chunks_mut(frames));
                for (model, (input, output)) in channels.iter_mut().zip(audio) {
                    model.process_automated(input, signals, output);
                }
            } else {
                for (models, audio) in channels.chunks_mut(2).zip(output.chunks_mut(2 * frames)) {
                    match models {
                        [left, right] => {
                            pair.process_in_place([left, right], audio.split_at_mut(frames).into());
                        }
                        models => models.iter_mut().for_each(|model| model.process_in_place(audio)),
                    }
                }
            }
            output
        })?;
        self.unstable.store(channels.iter().any(nd_core::Model::unstable), Ordering::Relaxed);
        PyArray1::from_vec(py, output).reshape(shape)
    }

    fn reset(&self) -> PyResult<()> {
        *self.stream()? = None;
        self.unstable.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// A model with the same weights that has heard nothing, also while this one is at work.
    fn fresh(&self) -> Self {
        Self {
            fresh: self.fresh.clone(),
            stream: Mutex::default(),
            quality: AtomicU64::new(self.quality().to_bits()),
            unstable: AtomicBool::new(false),
            spec: Arc::clone(&self.spec),
            file: self.file.clone(),
        }
    }

    /// A model with the same weights and, from here on, a state of its own.
    fn clone(&self) -> PyResult<Self> {
        Ok(Self {
            fresh: self.fresh.clone(),
            stream: Mutex::new(self.stream()?.clone()),
            quality: AtomicU64::new(self.quality().to_bits()),
            unstable: AtomicBool::new(self.unstable()),
            spec: Arc::clone(&self.spec),
            file: self.file.clone(),
        })
    }

    #[getter]
    fn quality(&self) -> f64 {
        f64::from_bits(self.quality.load(Ordering::Relaxed))
    }

    #[setter]
    fn set_quality(&self, quality: f64) {
        self.quality.store(quality.to_bits(), Ordering::Relaxed);
    }

    #[getter]
    fn unstable(&self) -> bool {
        self.unstable.load(Ordering::Relaxed)
    }

    /// The arguments of `neural_distortion.SelfTest`, where the file has a recording.
    #[getter]
    fn self_test(&self) -> Option<(f32, bool)> {
        self.fresh.self_test().map(|test| (test.max_error, test.passed))
    }

    /// The qualities from which on the model is another size.
    #[getter]
    fn sizes(&self) -> Vec<f64> {
        self.fresh.quality_steps().to_vec()
    }

    /// The arguments of `neural_distortion.Parameter`, for each.
    #[getter]
    fn parameters(&self) -> Vec<(String, f64, f64, f64)> {
        let default = f64::from(PARAMETER_DEFAULT);
        let name = |index: usize| {
            let name = self.spec.knobs().and_then(|names| names.get(index));
            name.cloned().unwrap_or_else(|| format!("parameter {}", index + 1))
        };
        (0..self.fresh.parameters()).map(|index| (name(index), 0.0, 1.0, default)).collect()
    }

    #[getter]
    fn instruction_set(&self) -> &'static str {
        self.fresh.instruction_set().name()
    }

    #[getter]
    fn anti_aliasing(&self) -> String {
        self.fresh.anti_aliasing().to_string()
    }

    #[getter]
    fn architecture(&self) -> &'static str {
        self.spec.architecture()
    }

    #[getter]
    fn format(&self) -> &'static str {
        self.spec.format.name()
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
            knobs: _, // among the parameters
            raw,
            other: _,
            inner: _,
            warnings,
        } = &self.spec.metadata;
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
    fn stream(&self) -> PyResult<MutexGuard<'_, Option<Stream>>> {
        self.stream.try_lock().map_err(|_| {
            PyRuntimeError::new_err(
                "this model is at work in another thread: give each thread one of its own, copy.copy(model)",
            )
        })
    }

    /// Fresh models of the size that is set.
    fn start(&self, channels: usize) -> Vec<nd_core::Model> {
        let mut model = self.fresh.clone();
        model.set_quality(self.quality());
        model.reset();
        vec![model; channels]
    }
}

/// What the parameters are for a call.
enum Settings<'a> {
    Default,
    Held(&'a [f32]),
    /// A signal for each parameter.
    Automated(Vec<&'a [f32]>),
}

impl<'a> Settings<'a> {
    fn new(parameters: Option<&'a PyReadonlyArray2<'_, f32>>) -> PyResult<Self> {
        let Some(parameters) = parameters else { return Ok(Self::Default) };
        let values = parameters.as_slice()?;
        Ok(match parameters.dims()[1] {
            1 => Self::Held(values),
            frames => Self::Automated(values.chunks_exact(frames.max(1)).collect()),
        })
    }

    /// The signals of parameters that move.
    fn signals(&self) -> &[&'a [f32]] {
        if let Self::Automated(signals) = self { signals } else { &[] }
    }

    /// Lets fresh models, which are alike, start from silence with the parameters as they are at the start.
    fn prewarm(&self, models: &mut [nd_core::Model]) {
        let Some((first, others)) = models.split_first_mut() else { return };
        self.set(first);
        for (index, signal) in self.signals().iter().enumerate() {
            first.set_parameter(index, signal.first().copied().unwrap_or(PARAMETER_DEFAULT));
        }
        if !matches!(self, Self::Default) {
            first.prewarm();
        }
        others.fill(first.clone());
    }

    /// Sets the parameters of a model, so that nothing of another call is left.
    fn set(&self, model: &mut nd_core::Model) {
        for index in 0..model.parameters() {
            let setting = if let Self::Held(values) = self { values[index] } else { PARAMETER_DEFAULT };
            model.set_parameter(index, setting);
        }
    }
}

/// Renders a whole signal, aligned with its input: what the model delays is taken back.
fn play(
    model: &mut nd_core::Model,
    input: &[f32],
    output: &mut [f32],
    settings: &Settings<'_>,
    threads: NonZeroUsize,
) {
    let latency = model.latency_samples();
    let mut render = |input: &[f32], signals: &[&[f32]], output: &mut [f32]| match settings {
        Settings::Automated(_) => model.process_automated(input, signals, output),
        Settings::Default | Settings::Held(_) => model.render(input, output, threads),
    };
    let signals = settings.signals();
    if latency == 0 {
        render(input, signals, output);
        return;
    }
    // Silence, and settings that stand still, until the last frame has come out.
    let longer = |signal: &[f32], last: f32| [signal, &vec![last; latency]].concat();
    let signals: Vec<Vec<f32>> =
        signals.iter().map(|signal| longer(signal, signal.last().copied().unwrap_or_default())).collect();
    let signals: Vec<&[f32]> = signals.iter().map(Vec::as_slice).collect();
    let mut late = vec![0.0; input.len() + latency];
    render(&longer(input, 0.0), &signals, &mut late);
    output.copy_from_slice(&late[latency..]);
}

/// How whole signals are rendered.
struct Render<'a> {
    settings: &'a Settings<'a>,
    /// Of the signals, in Hz.
    sample_rate: f64,
    /// Of the model.
    rate: f64,
}

impl Render<'_> {
    /// Renders all channels, as long as `frames`, each with its model.
    fn side_by_side(
        &self,
        channels: &mut [nd_core::Model],
        input: &[f32],
        frames: usize,
        threads: NonZeroUsize,
    ) -> Result<Vec<f32>, UnsupportedRates> {
        let mut output = vec![0.0; input.len()];
        if frames == 0 {
            return Ok(output);
        }
        let groups = if frames < MIN_CHANNEL { 1 } else { threads.get().min(channels.len()) };
        let share = NonZeroUsize::new(threads.get() / groups).unwrap_or(NonZeroUsize::MIN);
        let size = channels.len().div_ceil(groups);
        let work = |(models, (input, output)): (&mut [nd_core::Model], (&[f32], &mut [f32]))| {
            self.group(models, input, output, frames, share)
        };
        let signals = input.chunks(size * frames).zip(output.chunks_mut(size * frames));
        thread::scope(|scope| {
            let mut groups = channels.chunks_mut(size).zip(signals);
            let own = groups.next();
            let others: Vec<_> = groups.map(|group| scope.spawn(|| work(group))).collect();
            let outcome = own.map_or(Ok(()), work);
            let outcomes =
                others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            outcomes.fold(outcome, Result::and)
        })?;
        Ok(output)
    }

    /// Renders the channels of a thread, by twos where that is faster.
    fn group(
        &self,
        models: &mut [nd_core::Model],
        input: &[f32],
        output: &mut [f32],
        frames: usize,
        threads: NonZeroUsize,
    ) -> Result<(), UnsupportedRates> {
        let mut pair = Pair::new(&models[0]);
        let together = pair.is_faster() && !matches!(self.settings, Settings::Automated(_));
        let size = if together { 2 } else { 1 };
        let signals = input.chunks(size * frames).zip(output.chunks_mut(size * frames));
        models.chunks_mut(size).zip(signals).try_for_each(|(models, (x, y))| match models {
            [left, right] => self.two(&mut pair, [left, right], x, y),
            models => models.iter_mut().try_for_each(|model| self.one(model, x, y, threads)),
        })
    }

    fn one(
        &self,
        model: &mut nd_core::Model,
        input: &[f32],
        output: &mut [f32],
        threads: NonZeroUsize,
    ) -> Result<(), UnsupportedRates> {
        if self.rate == self.sample_rate {
            play(model, input, output, self.settings, threads);
            return Ok(());
        }
        let wet = process_at(self.sample_rate, input, self.rate, |audio| {
            let there = audio.to_vec();
            play(model, &there, audio, self.settings, threads);
        })?;
        output.copy_from_slice(&wet);
        Ok(())
    }

    /// Renders two channels together, with models that are fresh and delay nothing.
    fn two(
        &self,
        pair: &mut Pair,
        models: [&mut nd_core::Model; 2],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), UnsupportedRates> {
        let (rate, sample_rate) = (self.rate, self.sample_rate);
        if rate == sample_rate {
            output.copy_from_slice(input);
            pair.process_in_place(models, output.split_at_mut(input.len() / 2).into());
            return Ok(());
        }
        let (left, right) = input.split_at(input.len() / 2);
        let mut wet_right = Ok(Vec::new());
        let wet_left = process_at(sample_rate, left, rate, |left| {
            wet_right = process_at(sample_rate, right, rate, |right| {
                pair.process_in_place(models, [left, right]);
            });
        })?;
        output.copy_from_slice(&[wet_left, wet_right?].concat());
        Ok(())
    }
}

fn wrong_rate(rate: f64, sample_rate: f64, why: &str) -> PyErr {
    PyValueError::new_err(format!("the model runs at {rate} Hz and the audio is at {sample_rate} Hz: {why}"))
}
