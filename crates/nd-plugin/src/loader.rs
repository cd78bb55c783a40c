//! The thread that reads, compiles and frees, and how a window talks to it.
//!
//! Each active instance has its own: it starts when the host activates the plugin and ends when the host deactivates
//! it. A finished [`Rig`] goes to the audio thread through a queue, and comes back through another one to be freed.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use nd_core::{CompileOptions, Metadata, Model, ModelSpec};
use parking_lot::{Condvar, Mutex, RwLock};
use rtrb::{Consumer, Producer};

use crate::factory;
use crate::params::NdParams;
use crate::rig::{Rig, Setup};
use crate::state::Selection;

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
    /// Kind of network.
    pub architecture: &'static str,
    /// The rate that it plays at, in Hz.
    pub sample_rate: f64,
    /// Whether the file says so; 48 kHz is assumed otherwise.
    pub sample_rate_is_known: bool,
    /// Number of trained weights.
    pub num_parameters: usize,
    /// Samples that it remembers, at its own rate.
    pub receptive_field: usize,
    /// How many of the knobs it has; those beyond [`KNOBS`](crate::params::KNOBS) stay in the middle.
    pub knobs: usize,
    /// Qualities from which on it is another size, ascending from 0: one for a model of one size.
    pub quality_steps: Vec<f64>,
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
    status: RwLock<Arc<Status>>,
}

#[derive(Debug, Default)]
struct Queue {
    commands: VecDeque<Command>,
    /// Whether the thread is to end.
    end: bool,
    /// Whether the thread has done everything that it was asked for.
    idle: bool,
}

impl Loader {
    /// Asks for something. What is asked for while the plugin is not active waits until it is.
    pub fn send(&self, command: Command) {
        self.queue.lock().commands.push_back(command);
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
    /// Starts the thread. The first rig is ready in `rigs` when this returns.
    pub(crate) fn start(
        loader: &Arc<Loader>,
        params: &Arc<NdParams>,
        setup: Setup,
        rigs: Producer<Box<Rig>>,
        retired: Consumer<Box<Rig>>,
    ) -> Self {
        {
            let mut queue = loader.queue.lock();
            queue.end = false;
            queue.idle = false;
        }
        let mut task = Task {
            loader: Arc::clone(loader),
            params: Arc::clone(params),
            setup,
            rigs,
            retired,
            model: None,
            ready: None,
        };
        let thread = std::thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || task.run())
            .expect("a system that runs a host can run one more thread");
        let worker = Self { loader: Arc::clone(loader), thread: Some(thread) };
        worker.wait();
        worker
    }

    /// Waits until everything that was asked for is done.
    pub(crate) fn wait(&self) {
        let mut queue = self.loader.queue.lock();
        while !queue.idle {
            self.loader.idle.wait(&mut queue);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.loader.queue.lock().end = true;
        self.loader.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Task {
    loader: Arc<Loader>,
    params: Arc<NdParams>,
    setup: Setup,
    rigs: Producer<Box<Rig>>,
    retired: Consumer<Box<Rig>>,
    /// The loaded model, freshly reset: rigs play clones of it.
    model: Option<Model>,
    /// A rig that the audio thread has had no time for yet.
    ready: Option<Box<Rig>>,
}

impl Task {
    fn run(&mut self) {
        self.choose(&self.params.model.get());
        self.params.model.take_restored();
        loop {
            while self.retired.pop().is_ok() {}
            if let Some(rig) = self.ready.take() {
                self.ready = self.rigs.push(rig).err().map(|rtrb::PushError::Full(rig)| rig);
            }
            let mut queue = self.loader.queue.lock();
            if queue.end {
                return;
            }
            if queue.commands.is_empty() {
                queue.idle = self.ready.is_none();
                self.loader.idle.notify_all();
                self.loader.wake.wait_for(&mut queue, POLL);
            }
            let commands: Vec<Command> = queue.commands.drain(..).collect();
            drop(queue);
            self.obey(&commands);
        }
    }

    fn obey(&mut self, commands: &[Command]) {
        let mut wanted = self.params.model.take_restored();
        let steps = self.params.steps.swap(0, Ordering::Relaxed);
        let steps = (steps != 0).then_some(Command::Step(steps));
        for command in commands.iter().chain(&steps) {
            match command {
                Command::LoadModel(path) => wanted = Some(Selection::file(path.clone())),
                Command::LoadFactoryModel(name) => wanted = Some(Selection::factory(name)),
                Command::RemoveModel => wanted = Some(Selection::default()),
                Command::Step(by) => {
                    let from = wanted.clone().unwrap_or_else(|| self.params.model.get());
                    wanted = neighbour(&from, *by).or(wanted);
                }
                Command::LoadCabinet(_) | Command::RemoveCabinet => {}
                Command::OpenFolder(path) => self.list(path),
            }
        }
        if let Some(selection) = wanted {
            self.choose(&selection);
        }
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

    /// Loads what is selected, or says why not.
    fn choose(&mut self, selection: &Selection) {
        if selection.is_none() {
            self.model = None;
            self.params.model.note(Selection::default());
            self.loader.update(|status| {
                (status.model, status.loading, status.error, status.warning) = (None, None, None, None);
                status.curve = Arc::default();
            });
            self.ready = Some(Box::new(Rig::new(&self.setup, None)));
            return;
        }
        match load(selection) {
            Ok((model, info)) => {
                self.params.model.note(selection.clone());
                self.ready = Some(Box::new(Rig::new(&self.setup, Some(&model))));
                self.model = Some(model);
                self.loader.update(|status| {
                    status.model = Some(info);
                    (status.loading, status.error, status.warning) = (None, None, None);
                });
            }
            Err(error) => self.loader.update(|status| status.error = Some(error)),
        }
    }
}

/// Reads and compiles a model.
fn load(selection: &Selection) -> Result<(Model, ModelInfo), String> {
    let (bytes, origin, stem) = if let Some(name) = &selection.factory {
        let model = factory::model(name).ok_or_else(|| format!("there is no shipped model “{name}”"))?;
        (model.bytes.to_vec(), Origin::Shipped, name.clone())
    } else if let Some(path) = &selection.path {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (bytes, Origin::File(path.clone()), stem)
    } else {
        return Err("the session names no file".to_owned());
    };
    let spec = ModelSpec::from_slice(&bytes).map_err(|error| format!("{stem}: {error}"))?;
    let model = spec.compile(&CompileOptions::default()).map_err(|error| format!("{stem}: {error}"))?;
    let info = ModelInfo {
        name: spec.metadata.name.clone().unwrap_or(stem),
        origin,
        architecture: spec.architecture(),
        sample_rate: spec.sample_rate.unwrap_or(48_000.0),
        sample_rate_is_known: spec.sample_rate.is_some(),
        num_parameters: model.num_parameters(),
        receptive_field: model.receptive_field(),
        knobs: model.parameters(),
        quality_steps: model.quality_steps().to_vec(),
        metadata: spec.metadata,
    };
    Ok((model, info))
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
