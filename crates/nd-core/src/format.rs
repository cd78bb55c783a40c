//! From the bytes of a file to a [`ModelSpec`], whatever dialect it is of, and back.
//!
//! The dialect is found from the content, never from a file's name: `.json` is used by three of them, and files are
//! renamed. A file is read in place, every size in it is checked before anything is allocated by it, and whatever is
//! wrong comes back as a [`LoadError`] that names the place.

mod aidax;
mod fold;
mod graph;
mod json;
mod limits;
mod metadata;
mod mlp;
mod nam;
mod proteus;
mod rtneural;
mod target;

pub use limits::Limits;
pub use target::{Target, UnknownTarget};

use crate::error::LoadError;
use crate::spec::ModelSpec;
use json::{Document, Node};

/// How a file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// How large a file and what it describes may be.
    pub limits: Limits,
    /// Where programs of the field disagree, whom to follow.
    pub compat: Compat,
}

/// Readings of a `.nam` file that other programs have, or had; the default follows the format's own reference player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compat {
    /// Takes the first weight of a linear model as the tap of the oldest sample, as its trainer once wrote them.
    pub reverse_linear_taps: bool,
    /// Applies `layer1x1_post_film` in blended layers only, as players once did.
    pub legacy_layer1x1_post_film: bool,
    /// Adds a layer's activations to its input where `layer1x1` is inactive, as the trainer does; players pass the
    /// input.
    pub residual_without_layer1x1: bool,
}

/// A field of [`Compat`].
type Reading = fn(&mut Compat) -> &mut bool;

const READINGS: [(&str, Reading); 3] = [
    ("legacy_layer1x1_post_film", |compat| &mut compat.legacy_layer1x1_post_film),
    ("residual_without_layer1x1", |compat| &mut compat.residual_without_layer1x1),
    ("reverse_linear_taps", |compat| &mut compat.reverse_linear_taps),
];

impl Compat {
    /// The names of all readings.
    pub fn names() -> [&'static str; 3] {
        READINGS.map(|(name, _)| name)
    }

    /// The readings of these names.
    ///
    /// # Errors
    ///
    /// [`UnknownReading`], for a name that is none of [`names`](Self::names).
    pub fn named<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, UnknownReading> {
        let mut compat = Self::default();
        for name in names {
            let name = name.as_ref();
            let (_, field) = READINGS
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| UnknownReading { found: name.to_owned() })?;
            *field(&mut compat) = true;
        }
        Ok(compat)
    }
}

/// The name of a reading is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no compatibility option is called {found:?}: there is {}", Compat::names().join(", "))]
pub struct UnknownReading {
    /// The name.
    pub found: String,
}

impl ModelSpec {
    /// Reads a model file of any known dialect.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] says what is wrong with the file, and where.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::from_slice_with(bytes, &LoadOptions::default())
    }

    /// Reads a model file of any known dialect, with other limits or readings than the usual.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] says what is wrong with the file, and where.
    pub fn from_slice_with(bytes: &[u8], options: &LoadOptions) -> Result<Self, LoadError> {
        let limits = &options.limits;
        // A number, of either order of bytes.
        if bytes.starts_with(b"BMAN") || bytes.starts_with(b"NAMB") {
            let what = "the binary form of .nam (.namb)".to_owned();
            return Err(LoadError::UnsupportedFeature { path: String::new(), what });
        }
        let document = Document::parse(bytes, limits)?;
        let root = document.root();
        if !root.is_object() {
            return Err(LoadError::NotAModel { keys: Vec::new() });
        }
        let file = root.object()?;
        let any = |keys: &[&str]| keys.iter().any(|key| file.has(key));
        if any(&["architecture", "config"]) {
            nam::model(&file, options)
        } else if any(&["layers", "in_shape"]) {
            if aidax::is_model(&file) { aidax::model(&file, limits) } else { rtneural::model(&file, limits) }
        } else if any(&["model_data", "state_dict"]) {
            proteus::model(&file, limits)
        } else if any(&["layer1_weights", "layer1_bias", "layer2_weights", "layer2_bias"]) {
            mlp::model(&file, limits)
        } else {
            Err(LoadError::NotAModel { keys: file.keys() })
        }
    }
}

/// Whether a key at the top of a file means something, be it in another dialect: such a one is not carried over.
fn is_known(key: &str) -> bool {
    let dialects = [&nam::KEYS[..], &aidax::KEYS, &proteus::KEYS, &mlp::KEYS];
    dialects.iter().any(|keys| keys.contains(&key))
}

/// Sample rates, in Hz, that a file may declare.
const SAMPLE_RATES: std::ops::RangeInclusive<f64> = 1e3..=1e6;

/// A rate in Hz that a node declares, if it is one.
fn sample_rate(node: &Node<'_>, rate: f64) -> Result<f64, LoadError> {
    if SAMPLE_RATES.contains(&rate) {
        return Ok(rate);
    }
    Err(node.invalid(format!("a sample rate from {} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end())))
}
