//! What a description can be written as.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{aidax, graph, mlp, nam, proteus, rtneural};
use crate::error::WriteError;
use crate::spec::{Format, ModelSpec};

/// What a [`ModelSpec`] can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A model file.
    Model(Format),
    /// An ONNX graph that plays block by block: what the model remembers goes in and comes out.
    Onnx,
    /// A C++17 header with the weights in it, which needs the standard library alone.
    Cpp,
    /// A Rust module with the weights in it, which needs the standard library alone.
    Rust,
}

/// A target's name is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("nothing is written as {found:?}: there is {}", Target::all().map(Target::name).join(", "))]
pub struct UnknownTarget {
    /// The name.
    pub found: String,
}

impl Target {
    /// Everything that a description can be written as.
    pub fn all() -> [Self; 8] {
        let [a, b, c, d, e] = Format::ALL.map(Self::Model);
        [a, b, c, d, e, Self::Onnx, Self::Cpp, Self::Rust]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model(format) => format.name(),
            Self::Onnx => "onnx",
            Self::Cpp => "cpp",
            Self::Rust => "rust",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        let target = Self::all().into_iter().find(|target| target.name() == name);
        target.ok_or_else(|| UnknownTarget { found: name.to_owned() })
    }
}

impl ModelSpec {
    /// Writes the model; a model file keeps its metadata and the keys of its file that nothing is known of.
    ///
    /// A model file that is read again plays the same, and so do the programs, which have one size
    /// ([`at_quality`](Self::at_quality) gives it). Weights keep all their bits, except where a gain has no place of its own in
    /// the target and is multiplied into the weights next to it. The state at the start has a place in `.nam` alone.
    ///
    /// # Errors
    ///
    /// If the target cannot express the network, with the place that it cannot express.
    pub fn write(&self, target: Target) -> Result<Vec<u8>, WriteError> {
        match target {
            Target::Model(Format::Nam) => nam::write(self),
            Target::Model(Format::RtNeural) => rtneural::write(self),
            Target::Model(Format::AidaX) => aidax::write(self),
            Target::Model(Format::Proteus) => proteus::write(self),
            Target::Model(Format::Mlp) => mlp::write(self),
            Target::Onnx => graph::onnx(self),
            Target::Cpp => graph::cpp::write(self, &self.namespace()),
            Target::Rust => graph::rust::write(self),
        }
    }

    /// The model's name in lower-case letters, digits and `_`, behind `model_`.
    fn namespace(&self) -> String {
        let name = self.metadata.name.as_deref().unwrap_or_default().to_lowercase();
        let words =
            name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        std::iter::once("model").chain(words).collect::<Vec<_>>().join("_")
    }
}
