//! The thread that reads, compiles and frees, and how a window talks to it.
//!
//! Each active instance has its own: it starts when the host activates the plugin and ends when the host deactivates
//! it. A finished `Rig` goes to the audio thread through a queue, and comes back through another one to be freed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nd_core::format::Compat;
use nd_core::{AntiAliasing, Format, LoadOptions, Metadata, Model, ModelSpec};
use parking_lot::{Condvar, Mutex, RwLock};
use rtrb::{Consumer, Producer, PushError};

use crate::factory;
use crate::impulse::Impulse;
use crate::params::{KNOBS, NdParams, Side};
use crate::rig::{Amp, Response, Rig, Setup, USUAL_RATE};
use crate::state::{Found, Selection};

/// How often the loader looks for what the audio thread or a host's session asks for.
const POLL: Duration = Duration::from_millis(10);

/// What a window asks of the loader. All of it is done in the background; [`Status`] says what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Reads a model file and plays it. Of several that wait, only the last is read.
    LoadModel(PathBuf),
    /// Plays a shipped model ([`factory::MODELS`]).
    LoadFactoryModel(&'static str),
    /// Plays no model: the signal passes.
    RemoveModel,
    /// Reads the model's file anew, in a way that has this name among those of [`Compat`], or not.
    ReadAs(&'static str, bool),
    /// Reads an impulse response and convolves with it.
    LoadCabinet(PathBuf),
    /// Convolves with none.
    RemoveCabinet,
    /// Plays the model that stands so many places further down the folder of the present one, going round at the ends;
    /// of the shipped ones where the present one is shipped.
    Step(i32),
    /// Lists a folder in [`Status::folder`].
    OpenFolder(PathBuf),
}

/// What the loader has loaded, and what it has to say about it. A new one replaces the old, so a window that holds one
/// is not waited for.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Counts up whenever anything here changes.
    pub revision: u64,
    /// The model that plays, or is about to.
    pub model: Option<ModelInfo>,
    /// The impulse response that plays, or is about to.
    pub cabinet: Option<CabinetInfo>,
    /// What is being read now.
    pub loading: Option<String>,
    /// Why the last thing that was asked for did not happen, in words; what played before goes on.
    pub error: Option<String>,
    /// Something to know about what did happen.
    pub warning: Option<String>,
    /// The folder that is open.
    pub folder: Folder,
    /// Input and output of the model over a period of a slow sine at full scale, up and down again: its transfer curve,
    /// with the knobs and the quality as they were when it was drawn. Empty without a model.
    pub curve: Arc<[[f32; 2]]>,
}

/// A model, as a window shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// What the file calls it, or the file's name without its ending.
    pub name: String,
    /// Where it is, or came from.
    pub origin: Origin,
    /// The dialect of its file.
    pub format: Format,
    /// How the file is read otherwise than usual: names of [`Compat`].
    pub compat: Vec<String>,
    /// Kind of network.
    pub architecture: &'static str,
    /// The rate that it was trained at, in Hz.
    pub sample_rate: f64,
    /// Whether the file says so; 48 kHz is assumed otherwise.
    pub sample_rate_is_known: bool,
    /// Number of trained weights.
    pub num_parameters: usize,
    /// Samples that it and its filters remember, at its own rate.
    pub receptive_field: usize,
    /// Its knobs, by their names where the file has some; those beyond [`KNOBS`] stay in the middle.
    pub knobs: Vec<String>,
    /// Qualities from which on it is another size, ascending from 0: one for a model of one size.
    pub quality_steps: Vec<f64>,
    /// What is done against aliases, beyond playing at a multiple of its rate.
    pub anti_aliasing: AntiAliasing,
    /// The rate that it plays at, in Hz: a multiple of the one that it was trained at.
    pub fed_at: f64,
    /// What the file says about it.
    pub metadata: Metadata,
}

/// Where a model or an impulse response was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the plugin.
    Shipped,
    /// In this file.
    File(PathBuf),
    /// In the session, because the file is not there or is another one now; this is where it was.
    Session(Option<PathBuf>),
}

/// An impulse response, as a window shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct CabinetInfo {
    /// The file's name without its ending.
    pub name: String,
    /// Where it is, or came from.
    pub origin: Origin,
    /// Its own rate, in Hz.
    pub sample_rate: f64,
    /// 1 or 2.
    pub channels: usize,
    /// How long it plays, in seconds: what is beyond the first second is left out.
    pub seconds: f64,
}

/// A folder's listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// The folder; `None` before one was opened.
    pub path: Option<PathBuf>,
    /// Folders first, then files whose ending is that of a model or an impulse response, each by name.
    pub entries: Arc<[Entry]>,
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name with its ending.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it seems to be.
    pub kind: Kind,
}

/// What a thing in a folder seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A model file.
    Model,
    /// An impulse response.
    Cabinet,
}

impl Kind {
    /// By the name's ending; `None` for what is neither.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "nam" | "json" | "aidax" => Some(Self::Model),
            "wav" | "flac" | "aif" | "aiff" => Some(Self::Cabinet),
            _ => None,
        }
    }
}

/// The window's and the plugin's end of the loader.
#[derive(Debug, Default)]
pub struct Loader {
    queue: Mutex<Queue>,
    wake: Condvar,
    idle: Condvar,
    /// Whether something that was asked for is not done yet; a host that renders offline waits for it.
    busy: AtomicBool,
    status: RwLock<Arc<Status>>,
    /// What the thread keeps from one activation to the next.
    loaded: Mutex<Loaded>,
}

#[derive(Debug, Default)]
struct Queue {
    commands: VecDeque<Command>,
    /// Whether the thread is to end.
    end: bool,
    /// Whether the thread has done everything that it was asked for.
    idle: bool,
}

/// What was read last.
#[derive(Debug, Default)]
struct Loaded {
    model: Selection,
    amp: Option<Amp>,
    cabinet: Selection,
    response: Option<Response>,
}

impl Loader {
    /// Asks for something. What is asked for while the plugin is not active waits until it is.
    pub fn send(&self, command: Command) {
        let mut queue = self.queue.lock();
        // With the queue in hand, so that a thread that has just found it empty does not say afterwards that it is done.
        self.busy.store(true, Ordering::Release);
        queue.commands.push_back(command);
        drop(queue);
        self.wake.notify_all();
    }

    /// What is loaded.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.read())
    }

    /// What was asked for and is not begun.
    #[cfg(all(test, feature = "gui"))]
    pub(crate) fn waiting(&self) -> Vec<Command> {
        self.queue.lock().commands.iter().cloned().collect()
    }

    /// Whether something that was asked for is not ready to play yet. Wait-free.
    pub(crate) fn is_busy(&self, params: &NdParams) -> bool {
        let asked = params.model.is_restored() || params.cabinet.is_restored();
        asked || params.steps.load(Ordering::Relaxed) != 0 || self.busy.load(Ordering::Acquire)
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.status.write();
        let mut next = Status::clone(&status);
        change(&mut next);
        next.revision += 1;
        *status = Arc::new(next);
    }
}

/// The thread, while the plugin is active.
#[derive(Debug)]
pub(crate) struct Worker {
    loader: Arc<Loader>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. The first rig is on its way through `rigs` when this returns.
    pub(crate) fn start(
        loader: &Arc<Loader>,
        params: &Arc<NdParams>,
        setup: Setup,
        rigs: Producer<Box<Rig>>,
        retired: Consumer<Box<Rig>>,
    ) -> Self {
        {
            let mut queue = loader.queue.lock();
            (queue.end, queue.idle) = (false, false);
        }
        let mut task = Task {
            loaded: std::mem::take(&mut loader.loaded.lock()),
            side: params.cab_side.value(),
            anti_aliasing: params.anti_aliasing(setup.offline),
            changed: true,
            drawn: None,
            loader: Arc::clone(loader),
            params: Arc::clone(params),
            setup,
            rigs,
            retired,
            ready: None,
        };
        let thread = std::thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || task.run())
            .expect("a system that runs a host can run one more thread");
        let mut queue = loader.queue.lock();
        while !queue.idle && !thread.is_finished() {
            loader.idle.wait_for(&mut queue, POLL);
        }
        drop(queue);
        Self { loader: Arc::clone(loader), thread: Some(thread) }
    }
}

impl Worker {
    /// Whether there is still somebody who loads.
    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.loader.queue.lock().end = true;
        self.loader.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            _ = thread.join();
        }
    }
}

/// What the thread owns.
#[derive(Debug)]
struct Task {
    loader: Arc<Loader>,
    params: Arc<NdParams>,
    setup: Setup,
    rigs: Producer<Box<Rig>>,
    retired: Consumer<Box<Rig>>,
    loaded: Loaded,
    side: Side,
    anti_aliasing: AntiAliasing,
    /// Whether what is loaded is not in a rig yet.
    changed: bool,
    /// What the transfer curve was drawn with.
    drawn: Option<Look>,
    /// A rig that there was no room for yet. Another one takes its place.
    ready: Option<Box<Rig>>,
}

impl Task {
    fn run(&mut self) {
        self.params.model.take_restored();
        self.params.cabinet.take_restored();
        self.outcome(|task| task.choose_cabinet(&task.params.cabinet.get()));
        self.outcome(|task| task.choose_model(&task.params.model.get()));
        // Of what is not to be had, what there was before plays on, or nothing.
        self.send_rig();
        loop {
            while self.retired.pop().is_ok() {}
            if let Some(rig) = self.ready.take() {
                self.ready = self.rigs.push(rig).err().map(|PushError::Full(rig)| rig);
            }
            self.draw();
            let mut queue = self.loader.queue.lock();
            if queue.end {
                break;
            }
            if queue.commands.is_empty() {
                queue.idle = true;
                self.loader.busy.store(self.ready.is_some(), Ordering::Release);
                self.loader.idle.notify_all();
                self.loader.wake.wait_for(&mut queue, POLL);
            }
            let commands: Vec<Command> = queue.commands.drain(..).collect();
            drop(queue);
            self.obey(&commands);
        }
        *self.loader.loaded.lock() = std::mem::take(&mut self.loaded);
    }

    fn obey(&mut self, commands: &[Command]) {
        if self.loader.is_busy(&self.params) {
            // Before the requests are taken, so that there is no moment at which nothing seems to be asked for.
            self.loader.busy.store(true, Ordering::Release);
        }
        let mut model = self.params.model.take_restored();
        let mut cabinet = self.params.cabinet.take_restored();
        let steps = self.params.steps.swap(0, Ordering::Relaxed);
        let steps = (steps != 0).then_some(Command::Step(steps));
        for command in commands.iter().chain(&steps) {
            match command {
                Command::LoadModel(path) => model = Some(Selection::file(path.clone())),
                Command::LoadFactoryModel(name) => model = Some(Selection::factory(name)),
                Command::RemoveModel => model = Some(Selection::default()),
                Command::ReadAs(name, wanted) => {
                    let now = model.take().unwrap_or_else(|| self.params.model.get());
                    model = Some(if now.is_none() { now } else { now.read_as(name, *wanted) });
                }
                Command::LoadCabinet(path) => cabinet = Some(Selection::file(path.clone())),
                Command::RemoveCabinet => cabinet = Some(Selection::default()),
                Command::Step(by) => {
                    let from = model.clone().unwrap_or_else(|| self.params.model.get());
                    model = neighbour(&from, *by).or(model);
                }
                Command::OpenFolder(path) => self.list(path),
            }
        }
        if model.is_some() || cabinet.is_some() {
            self.loader.update(|status| (status.warning, status.error) = (None, None));
        }
        let side = std::mem::replace(&mut self.side, self.params.cab_side.value());
        if let Some(selection) = cabinet {
            self.outcome(|task| task.choose_cabinet(&selection));
        } else if side != self.side {
            self.outcome(Self::adapt_response);
        }
        let wanted = self.params.anti_aliasing(self.setup.offline);
        let anti_aliasing = std::mem::replace(&mut self.anti_aliasing, wanted);
        if let Some(selection) = model {
            self.outcome(|task| task.choose_model(&selection));
        } else if anti_aliasing != self.anti_aliasing {
            self.outcome(Self::adapt_amp);
        }
        self.send_rig();
    }

    fn list(&self, path: &Path) {
        match entries(path) {
            Ok(entries) => self.loader.update(|status| {
                status.folder = Folder { path: Some(path.to_owned()), entries: entries.into() };
            }),
            Err(error) => {
                self.loader.update(|status| status.error = Some(format!("{}: {error}", path.display())));
            }
        }
    }

    /// Tries to load something, and shows what came of it: a warning, perhaps, or why not.
    fn outcome(&mut self, try_it: impl FnOnce(&mut Self) -> Result<Option<String>, String>) {
        let result = try_it(self);
        self.loader.update(|status| {
            status.loading = None;
            match result {
                Ok(None) => {}
                Ok(Some(warning)) => status.warning = Some(warning),
                Err(error) => status.error = Some(error),
            }
        });
    }

    /// Loads the model that is selected, or says why not.
    fn choose_model(&mut self, selection: &Selection) -> Result<Option<String>, String> {
        if selection.is_none() {
            self.changed |= self.loaded.amp.take().is_some();
            self.loaded.model = Selection::default();
            self.params.model.note(Selection::default());
            self.loader.update(|status| status.model = None);
            return Ok(None);
        }
        if self.loaded.amp.is_some() && self.loaded.model == *selection {
            return self.adapt_amp();
        }
        self.loader.update(|status| status.loading = Some(selection.to_string()));
        let found = selection.find()?;
        let (amp, info) = self.load(&found).map_err(|error| format!("{}: {error}", found.name))?;
        self.params.model.note(found.selection.clone());
        (self.loaded.model, self.loaded.amp) = (found.selection, Some(amp));
        (self.changed, self.drawn) = (true, None);
        self.loader.update(|status| status.model = Some(info));
        Ok(found.warning)
    }

    /// Reads and compiles a model.
    fn load(&self, found: &Found) -> Result<(Amp, ModelInfo), String> {
        let selection = &found.selection;
        let compat = Compat::named(&selection.compat).map_err(|error| error.to_string())?;
        let options = LoadOptions { compat, ..LoadOptions::default() };
        let spec = ModelSpec::from_slice_with(&found.bytes, &options).map_err(|error| error.to_string())?;
        let spec = Arc::new(spec);
        let amp = Amp::new(&spec, &self.setup, self.anti_aliasing)?;
        let knob = |index: usize| {
            let name = spec.knobs().and_then(|names| names.get(index));
            name.cloned().unwrap_or_else(|| format!("Knob {}", index + 1))
        };
        let info = ModelInfo {
            name: spec.metadata.name.clone().unwrap_or_else(|| found.name.clone()),
            origin: found.origin.clone(),
            format: spec.format,
            compat: selection.compat.clone(),
            architecture: spec.architecture(),
            sample_rate: spec.sample_rate.unwrap_or(USUAL_RATE),
            sample_rate_is_known: spec.sample_rate.is_some(),
            num_parameters: amp.model.num_parameters(),
            receptive_field: (amp.model.receptive_field() as f64 * amp.spec.sample_rate.unwrap_or(USUAL_RATE)
                / amp.sample_rate)
                .ceil() as usize,
            knobs: (0..amp.model.parameters()).map(knob).collect(),
            quality_steps: amp.model.quality_steps().to_vec(),
            anti_aliasing: amp.model.anti_aliasing(),
            fed_at: amp.sample_rate,
            metadata: spec.metadata.clone(),
        };
        Ok((amp, info))
    }

    /// Compiles the model once more, where host or settings want it otherwise now.
    fn adapt_amp(&mut self) -> Result<Option<String>, String> {
        let (setup, wanted) = (&self.setup, self.anti_aliasing);
        let stale = |amp: &mut Amp| !amp.suits(setup) || amp.anti_aliasing != wanted;
        let Some(old) = self.loaded.amp.take_if(stale) else { return Ok(None) };
        let amp = Amp::new(&old.spec, setup, wanted);
        let error = amp.as_ref().err().cloned();
        // One that was made for another host cannot play on.
        self.loaded.amp = amp.ok().or_else(|| Some(old).filter(|old| old.suits(setup)));
        (self.changed, self.drawn) = (true, None);
        let now = self.loaded.amp.as_ref().map(|amp| (amp.model.anti_aliasing(), amp.sample_rate));
        self.loader.update(|status| match (&mut status.model, now) {
            (Some(model), Some(now)) => (model.anti_aliasing, model.fed_at) = now,
            (model, _) => *model = None,
        });
        error.map_or(Ok(None), Err)
    }

    /// Loads the impulse response that is selected, or says why not.
    fn choose_cabinet(&mut self, selection: &Selection) -> Result<Option<String>, String> {
        if selection.is_none() {
            self.changed |= self.loaded.response.take().is_some();
            self.loaded.cabinet = Selection::default();
            self.params.cabinet.note(Selection::default());
            self.loader.update(|status| status.cabinet = None);
            return Ok(None);
        }
        if self.loaded.response.is_some() && self.loaded.cabinet == *selection {
            return self.adapt_response();
        }
        self.loader.update(|status| status.loading = Some(selection.to_string()));
        let found = selection.find()?;
        let named = |error: String| format!("{}: {error}", found.name);
        let impulse = Arc::new(Impulse::read(&found.bytes).map_err(named)?);
        let response =
            Response::new(&impulse, &self.setup, self.side).map_err(|error| named(error.to_string()))?;
        let info = CabinetInfo {
            name: found.name.clone(),
            origin: found.origin.clone(),
            sample_rate: impulse.sample_rate,
            channels: impulse.channels.len(),
            seconds: impulse.seconds().min(1.0),
        };
        self.params.cabinet.note(found.selection.clone());
        (self.loaded.cabinet, self.loaded.response) = (found.selection, Some(response));
        self.changed = true;
        self.loader.update(|status| status.cabinet = Some(info));
        Ok(found.warning)
    }

    /// Makes the impulse response ready once more, where host or settings want it otherwise now.
    fn adapt_response(&mut self) -> Result<Option<String>, String> {
        let (setup, side) = (&self.setup, self.side);
        let stale = |response: &mut Response| !response.suits(setup) || response.side != side;
        let Some(old) = self.loaded.response.take_if(stale) else { return Ok(None) };
        self.changed = true;
        // One that was made for another host cannot play on.
        match Response::new(&old.impulse, setup, side) {
            Ok(response) => self.loaded.response = Some(response),
            Err(error) => {
                self.loader.update(|status| status.cabinet = None);
                return Err(error.to_string());
            }
        }
        Ok(None)
    }

    /// Makes a rig of what is loaded, unless there is one.
    fn send_rig(&mut self) {
        if std::mem::take(&mut self.changed) {
            let knobs = self.knobs();
            let Loaded { amp, response, .. } = &mut self.loaded;
            if let Some(amp) = amp {
                settle(&mut amp.model, &knobs);
            }
            self.ready = Some(Box::new(Rig::new(&self.setup, amp.as_ref(), response.as_ref())));
        }
    }

    /// Where the knobs stand.
    fn knobs(&self) -> [f32; KNOBS] {
        std::array::from_fn(|index| self.params.knobs[index].value.value())
    }

    /// Draws the transfer curve, if it looks different now.
    fn draw(&mut self) {
        let look = self
            .loaded
            .amp
            .as_ref()
            .map(|_| Look { knobs: self.knobs(), quality: self.params.quality.value() });
        if look == self.drawn && look.is_some() != self.loader.status().curve.is_empty() {
            return;
        }
        self.drawn = look;
        let amp = self.loaded.amp.as_ref().zip(look);
        let curve: Arc<[[f32; 2]]> = amp.map(|(amp, look)| curve(amp, &look)).unwrap_or_default().into();
        self.loader.update(|status| status.curve = curve);
    }
}

/// What decides how a model's transfer curve looks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Look {
    knobs: [f32; KNOBS],
    quality: f32,
}

/// Frequency, in Hz, of the sine that draws a transfer curve.
const CURVE_HZ: f64 = 60.0;

/// Periods of it that a model hears before the one that is drawn.
const CURVE_PERIODS: usize = 4;

/// Makes a model start from silence with the knobs as they stand.
fn settle(model: &mut Model, knobs: &[f32]) {
    for (index, &knob) in knobs.iter().enumerate().take(model.parameters()) {
        model.set_parameter(index, knob);
    }
    model.prewarm();
}

/// Input and output of a model over a period of a sine at full scale. Two points at least.
fn curve(amp: &Amp, look: &Look) -> Vec<[f32; 2]> {
    let mut model = amp.model.clone();
    model.set_quality(f64::from(look.quality));
    settle(&mut model, &look.knobs);
    let period = (amp.sample_rate / CURVE_HZ) as usize;
    let phase = |n: usize| std::f64::consts::TAU * n as f64 / period as f64;
    let input: Vec<f32> = (0..CURVE_PERIODS * period).map(|n| phase(n).sin() as f32).collect();
    let mut output = vec![0.0; input.len()];
    model.process(&input, &mut output);
    let points = input.iter().zip(&output).skip((CURVE_PERIODS - 1) * period);
    points.map(|(&x, &y)| [x, if y.is_finite() { y } else { 0.0 }]).collect()
}

/// The model so many places after another one, in its folder or among those that are shipped.
fn neighbour(from: &Selection, by: i32) -> Option<Selection> {
    let Some(path) = &from.path else {
        let names: Vec<&str> = factory::MODELS.iter().map(|model| model.name).collect();
        let at = from.factory.as_ref().and_then(|name| names.iter().position(|other| other == name));
        return around(names.len(), at, by).map(|index| Selection::factory(names[index]));
    };
    let listing = entries(path.parent()?).ok()?;
    let models: Vec<&Entry> = listing.iter().filter(|entry| entry.kind == Kind::Model).collect();
    let at = models.iter().position(|entry| entry.path == *path);
    around(models.len(), at, by).map(|index| Selection::file(models[index].path.clone()))
}

/// The place `by` after `at` in a ring of `len` places; the first or the last one from nowhere.
fn around(len: usize, at: Option<usize>, by: i32) -> Option<usize> {
    let places = i64::try_from(len).ok().filter(|&places| places > 0)?;
    let from = match at {
        Some(at) => i64::try_from(at).ok()?,
        None if by > 0 => -1,
        None => 0,
    };
    Some((from + i64::from(by)).rem_euclid(places) as usize)
}

/// Folders, models and impulse responses in a folder, in the order of [`Folder::entries`].
fn entries(path: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = if path.is_dir() { Some(Kind::Folder) } else { Kind::of(&path) };
        if let Some(kind) = kind.filter(|_| !name.starts_with('.')) {
            entries.push(Entry { name, path, kind });
        }
    }
    entries.sort_by_cached_key(|entry| (entry.kind != Kind::Folder, entry.name.to_lowercase()));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use nice_plug::params::persist::PersistentField;

    use super::*;

    /// A linear model of two taps, as a file.
    fn file(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("nd-loader-{}-{name}.nam", std::process::id()));
        let text = r#"{"version": "0.5.4", "architecture": "Linear", "sample_rate": 48000,
            "config": {"receptive_field": 2, "bias": false}, "weights": [0.5, 0.25]}"#;
        std::fs::write(&path, text).expect("a file for the test");
        path
    }

    /// A loader at work, with the end of the queue that the audio thread has.
    struct Scene {
        loader: Arc<Loader>,
        params: Arc<NdParams>,
        rigs: Consumer<Box<Rig>>,
        _retired: Producer<Box<Rig>>,
        _worker: Worker,
    }

    impl Scene {
        fn new(selection: Selection) -> Self {
            let (loader, params) = (Arc::new(Loader::default()), Arc::new(NdParams::default()));
            params.model.note(selection);
            let (new, rigs) = rtrb::RingBuffer::new(2);
            let (retired, old) = rtrb::RingBuffer::new(2);
            let setup = Setup { sample_rate: 48_000.0, inputs: 1, outputs: 1, offline: false };
            let worker = Worker::start(&loader, &params, setup, new, old);
            Self { loader, params, rigs, _retired: retired, _worker: worker }
        }

        /// Waits for what was asked for, and returns how many rigs have come of it.
        fn settle(&mut self) -> usize {
            let start = std::time::Instant::now();
            while self.loader.is_busy(&self.params) {
                assert!(start.elapsed() < Duration::from_secs(20), "it is still busy");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::iter::from_fn(|| self.rigs.pop().ok()).count()
        }
    }

    #[test]
    fn a_model_is_read_anew_in_another_way_and_the_session_knows() {
        let path = file("anew");
        let mut scene = Scene::new(Selection::file(path.clone()));
        assert_eq!(scene.settle(), 1, "the first rig");
        scene.loader.send(Command::ReadAs("reverse_linear_taps", true));
        assert_eq!(scene.settle(), 1, "another one");
        let compat = |status: &Status| status.model.clone().expect("a model").compat;
        assert_eq!(compat(&scene.loader.status()), ["reverse_linear_taps"], "what the window shows");
        assert_eq!(scene.params.model.get().compat, ["reverse_linear_taps"], "what the session saves");
        scene.loader.send(Command::ReadAs("reverse_linear_taps", false));
        scene.settle();
        assert_eq!(compat(&scene.loader.status()), [""; 0], "as usual again");
        let unknown = scene.params.model.get().read_as("no_such_reading", true);
        scene.params.model.set(unknown);
        assert_eq!(scene.settle(), 0, "no rig of what cannot be read");
        let error = scene.loader.status().error.clone().expect("the reason");
        assert!(error.contains("no_such_reading"), "{error}");
        std::fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn of_a_hurry_through_a_folder_only_the_last_is_read() {
        let mut scene = Scene::new(Selection::factory("Soft clip"));
        scene.settle();
        let last = file("last");
        let hurry = [Path::new("passed by"), Path::new("passed by, too"), &last];
        let mut queue = scene.loader.queue.lock();
        scene.loader.busy.store(true, Ordering::Release);
        queue.commands.extend(hurry.map(|path| Command::LoadModel(path.to_owned())));
        drop(queue);
        assert_eq!(scene.settle(), 1, "rigs");
        let status = scene.loader.status();
        assert_eq!(status.error, None, "nobody looked for the others");
        assert_eq!(
            status.model.as_ref().map(|model| &model.origin),
            Some(&Origin::File(last.clone())),
            "the last"
        );
        std::fs::remove_file(last).expect("it is there");
    }

    #[test]
    fn a_session_with_the_model_that_plays_compiles_nothing() {
        let mut scene = Scene::new(Selection::factory("Soft clip"));
        assert_eq!(scene.settle(), 1, "the first rig");
        let now = (scene.params.model.get(), scene.params.cabinet.get());
        scene.params.model.set(now.0);
        scene.params.cabinet.set(now.1);
        assert_eq!(scene.settle(), 0, "rigs for the same model, and no cabinet as before");
        scene.params.model.set(Selection::default());
        assert_eq!(scene.settle(), 1, "one without a model");
        scene.params.model.set(Selection::default());
        assert_eq!(scene.settle(), 0, "rigs for no model as before");
        scene.params.model.set(Selection::factory("Overdrive"));
        assert_eq!(scene.settle(), 1, "one for another model");
        let model = scene.loader.status().model.clone().expect("a model");
        assert_eq!(model.knobs, ["drive"], "as its file calls them");
    }
}
