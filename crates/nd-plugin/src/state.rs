//! What a session saves beyond the parameters: which model, which impulse response, and how large the window is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::PluginState;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::factory;
use crate::loader::Origin;

/// The most bytes that a file takes in a session, compressed.
const MAX_EMBEDDED: usize = 2 << 20;

/// The most bytes that what a session embeds is unpacked to.
const MAX_UNPACKED: usize = 256 << 20;

/// How hard the compressor tries, of 10.
const EFFORT: u8 = 6;

/// Where a model or an impulse response comes from, in a form that finds it again on another machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Name of a shipped model, where it is one.
    pub factory: Option<String>,
    /// The file, on the machine that chose it.
    pub path: Option<PathBuf>,
    /// The file as seen from the library folder, where it is in there.
    pub relative: Option<PathBuf>,
    /// SHA-256 of the file in hexadecimal digits.
    pub hash: Option<String>,
    /// The file itself, compressed and in base 64, where it is small enough.
    pub embedded: Option<String>,
    /// How a model file is read otherwise than usual: names of [`Compat`](nd_core::format::Compat).
    pub compat: Vec<String>,
}

impl Selection {
    /// A shipped model.
    pub fn factory(name: &str) -> Self {
        Self { factory: Some(name.to_owned()), ..Self::default() }
    }

    /// A file that nobody has read yet.
    pub fn file(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    /// The same, read in a way that has this name, or not.
    #[must_use]
    pub fn read_as(mut self, name: &str, wanted: bool) -> Self {
        self.compat.retain(|other| other != name);
        if wanted {
            self.compat.push(name.to_owned());
        }
        self
    }

    /// Whether nothing is chosen.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Reads what is chosen, from wherever it can still be found.
    ///
    /// A file counts as the chosen one if its hash is right: first the one in this machine's library folder, then the one
    /// at the place that was saved, then the copy in the session. If none of these is there, another file at one of the
    /// places is better than none.
    pub(crate) fn find(&self) -> Result<Found, String> {
        let mut found = self.search()?;
        found.selection.compat.clone_from(&self.compat);
        Ok(found)
    }

    fn search(&self) -> Result<Found, String> {
        if let Some(name) = &self.factory {
            let model = factory::model(name).ok_or_else(|| format!("there is no shipped model “{name}”"))?;
            return Ok(Found {
                bytes: model.bytes.to_vec(),
                origin: Origin::Shipped,
                name: name.clone(),
                selection: self.clone(),
                warning: None,
            });
        }
        let in_library = self.relative.as_ref().zip(library()).map(|(path, library)| library.join(path));
        let mut reason = None;
        let mut changed = None;
        for path in in_library.iter().chain(&self.path) {
            match std::fs::read(path) {
                Ok(bytes) if self.hash.as_ref().is_none_or(|hash| *hash == digest(&bytes)) => {
                    return Ok(Found::new(bytes, Origin::File(path.clone()), path, None));
                }
                Ok(bytes) => changed = changed.or_else(|| Some((bytes, path.clone()))),
                Err(error) => reason = Some(format!("{}: {error}", path.display())),
            }
        }
        let name = self.path.clone().or(in_library).unwrap_or_default();
        if let Some(bytes) = self.unpack() {
            let mut found = Found::new(bytes, Origin::Session(self.path.clone()), &name, None);
            found.selection = self.clone();
            return Ok(found);
        }
        if let Some((bytes, path)) = changed {
            let warning = format!("{} is not the file that was saved: it has changed since", path.display());
            return Ok(Found::new(bytes, Origin::File(path.clone()), &path, Some(warning)));
        }
        Err(reason.unwrap_or_else(|| "the session names no file".to_owned()))
    }

    /// The copy in the session, if it is whole.
    fn unpack(&self) -> Option<Vec<u8>> {
        let packed = BASE64.decode(self.embedded.as_ref()?).ok()?;
        let bytes = decompress_to_vec_zlib_with_limit(&packed, MAX_UNPACKED).ok()?;
        (self.hash.as_ref()? == &digest(&bytes)).then_some(bytes)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_ref().or(self.relative.as_ref()).and_then(|path| path.file_stem());
        match (&self.factory, path) {
            (Some(name), _) => f.write_str(name),
            (None, Some(name)) => f.write_str(&name.to_string_lossy()),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// What was found for a [`Selection`].
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    pub(crate) origin: Origin,
    /// Of the file, without its ending.
    pub(crate) name: String,
    /// What finds it again.
    pub(crate) selection: Selection,
    pub(crate) warning: Option<String>,
}

impl Found {
    fn new(bytes: Vec<u8>, origin: Origin, path: &Path, warning: Option<String>) -> Self {
        let packed = compress_to_vec_zlib(&bytes, EFFORT);
        let relative = library().and_then(|library| path.strip_prefix(library).ok().map(Path::to_owned));
        let selection = Selection {
            factory: None,
            path: Some(path.to_owned()),
            relative,
            hash: Some(digest(&bytes)),
            embedded: (packed.len() <= MAX_EMBEDDED).then(|| BASE64.encode(packed)),
            compat: Vec::new(),
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { bytes, origin, name, selection, warning }
    }
}

/// The folder below which sessions name files by where they are in it: `Neural Distortion` among the user's documents, or
/// what `NEURAL_DISTORTION_LIBRARY` names. It need not exist.
pub fn library() -> Option<PathBuf> {
    let named = std::env::var_os("NEURAL_DISTORTION_LIBRARY").map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join("Documents").join("Neural Distortion")))
}

/// Brings a state that an older version saved to the present form, before the host's wrapper reads it.
pub(crate) fn migrate(state: &mut PluginState) {
    // These two are buttons. One that was down when the session was saved is not pressed again by opening it.
    for button in ["prev", "next"] {
        state.params.remove(button);
    }
}

/// SHA-256 in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// A [`Selection`] that a session saves, and that says when a session has changed it.
#[derive(Debug, Default)]
pub struct Chosen {
    selection: RwLock<Selection>,
    restored: AtomicBool,
}

impl Chosen {
    /// One that a session has not changed yet.
    pub fn new(selection: Selection) -> Self {
        Self { selection: RwLock::new(selection), restored: AtomicBool::new(false) }
    }

    /// What is chosen.
    pub fn get(&self) -> Selection {
        self.selection.read().clone()
    }

    /// Notes what the loader has loaded.
    pub(crate) fn note(&self, selection: Selection) {
        *self.selection.write() = selection;
    }

    /// Whether a session has chosen something that [`take_restored`](Self::take_restored) has not returned yet.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored.load(Ordering::Acquire)
    }

    /// What a session has chosen since this was last called.
    pub(crate) fn take_restored(&self) -> Option<Selection> {
        self.restored.swap(false, Ordering::AcqRel).then(|| self.get())
    }
}

impl PersistentField<'_, Selection> for Chosen {
    fn set(&self, selection: Selection) {
        self.note(selection);
        // The framework tells nobody when a host loads a state; the loader looks at this.
        self.restored.store(true, Ordering::Release);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Selection) -> R,
    {
        f(&self.selection.read())
    }
}

/// Size of the window in logical pixels.
#[derive(Debug)]
pub struct WindowSize {
    width: AtomicU32,
    height: AtomicU32,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self { width: AtomicU32::new(1120), height: AtomicU32::new(720) }
    }
}

impl WindowSize {
    /// Width and height.
    pub fn get(&self) -> (u32, u32) {
        (self.width.load(Ordering::Relaxed), self.height.load(Ordering::Relaxed))
    }

    /// Notes the window's present size.
    #[cfg(feature = "gui")]
    pub(crate) fn note(&self, width: u32, height: u32) {
        self.width.store(width, Ordering::Relaxed);
        self.height.store(height, Ordering::Relaxed);
    }
}

impl PersistentField<'_, (u32, u32)> for WindowSize {
    fn set(&self, (width, height): (u32, u32)) {
        self.width.store(width, Ordering::Relaxed);
        self.height.store(height, Ordering::Relaxed);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&(u32, u32)) -> R,
    {
        f(&self.get())
    }
}

/// How much larger the window shows everything than the system asks for, in percent.
#[derive(Debug)]
pub struct Scale(AtomicU32);

/// The scales that a window can have.
const SCALES: std::ops::RangeInclusive<u32> = 50..=300;

impl Default for Scale {
    fn default() -> Self {
        Self(AtomicU32::new(100))
    }
}

impl Scale {
    /// In percent.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl PersistentField<'_, u32> for Scale {
    fn set(&self, percent: u32) {
        self.0.store(percent.clamp(*SCALES.start(), *SCALES.end()), Ordering::Relaxed);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&u32) -> R,
    {
        f(&self.get())
    }
}
