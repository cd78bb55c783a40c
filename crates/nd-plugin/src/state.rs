//! What a session saves beyond the parameters: which model, which impulse response, and how large the window is.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nice_plug::params::persist::PersistentField;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

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

    /// Whether nothing is chosen.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
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
