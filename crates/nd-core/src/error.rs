//! What can be wrong with a model, and where.
//!
//! All families say the same of each error: its [`kind`](LoadError::kind), the [`path`](LoadError::path) to the place
//! in the file (`config.layers[1].dilations[3]`), what was expected there and what was found.

use thiserror::Error;

use crate::format::Target;

/// Why a file cannot be loaded.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not JSON text in UTF-8.
    #[error("not a JSON file: {message} at line {line}, column {column}")]
    NotJson {
        /// Line of the first mistake, from 1.
        line: usize,
        /// Column of the first mistake in bytes, from 1.
        column: usize,
        /// What the mistake is.
        message: String,
    },
    /// The file is JSON, but of no dialect that is known.
    #[error("not a model file of a known kind: its keys are {}", list(keys))]
    NotAModel {
        /// The first of the keys that it has.
        keys: Vec<String>,
    },
    /// A key that the dialect requires is not there.
    #[error("{path} is missing")]
    MissingKey {
        /// Where it should be.
        path: String,
    },
    /// A value is of another JSON type than the dialect says.
    #[error("{}expected {expected}, found {found}", at(path))]
    WrongType {
        /// Where the value is.
        path: String,
        /// The type that it should have.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A value is of the right type, but makes no sense.
    #[error("{}expected {expected}, found {found}", at(path))]
    InvalidValue {
        /// Where the value is.
        path: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The file is of a version of its dialect that is not known.
    #[error("{}version {found:?} is not supported, only {supported}: {hint}", at(path))]
    UnsupportedVersion {
        /// Where the version is.
        path: String,
        /// The file's version.
        found: String,
        /// The versions that are supported.
        supported: &'static str,
        /// What the owner of the file can do.
        hint: &'static str,
    },
    /// The network is of a kind that is not known.
    #[error("{}unknown architecture {found:?}", at(path))]
    UnsupportedArchitecture {
        /// Where the architecture is.
        path: String,
        /// Its name.
        found: String,
    },
    /// An activation function is not known.
    #[error("{}unknown activation {found:?}", at(path))]
    UnsupportedActivation {
        /// Where the activation is.
        path: String,
        /// Its name.
        found: String,
    },
    /// The file is understood, but asks for something that is not supported.
    #[error("{}{what} is not supported", at(path))]
    UnsupportedFeature {
        /// Where it asks.
        path: String,
        /// What it asks for.
        what: String,
    },
    /// Two widths or lengths that must agree do not.
    #[error("{}expected a size of {expected}, found {found}", at(path))]
    ShapeMismatch {
        /// Where the size is.
        path: String,
        /// What it should be.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// The list of weights is longer or shorter than the configuration says.
    #[error("{}the configuration needs {expected} weights, found {found}", at(path))]
    WeightCount {
        /// Where the list is.
        path: String,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A weight is too large for a 32-bit float.
    #[error("{}not a finite 32-bit number", at(path))]
    NonFiniteWeight {
        /// Where it is.
        path: String,
    },
    /// Something is larger than the limit that keeps a file from hurting the machine.
    #[error("{}{what} may be at most {max}, found {found}", at(path))]
    LimitExceeded {
        /// Where it is.
        path: String,
        /// What is limited.
        what: &'static str,
        /// The limit.
        max: u64,
        /// What the file asks for.
        found: u64,
    },
    /// Models that run together are for different sample rates.
    #[error(
        "{}expected a sample rate of {expected} Hz as in the models around it, found {found} Hz",
        at(path)
    )]
    SampleRateMismatch {
        /// Where the rate is.
        path: String,
        /// The other models' rate.
        expected: f64,
        /// This model's rate.
        found: f64,
    },
}

impl LoadError {
    /// The variant's name in `snake_case`, for code that cannot match on it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "not_json",
            Self::NotAModel { .. } => "not_a_model",
            Self::MissingKey { .. } => "missing_key",
            Self::WrongType { .. } => "wrong_type",
            Self::InvalidValue { .. } => "invalid_value",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::UnsupportedArchitecture { .. } => "unsupported_architecture",
            Self::UnsupportedActivation { .. } => "unsupported_activation",
            Self::UnsupportedFeature { .. } => "unsupported_feature",
            Self::ShapeMismatch { .. } => "shape_mismatch",
            Self::WeightCount { .. } => "weight_count",
            Self::NonFiniteWeight { .. } => "non_finite_weight",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::SampleRateMismatch { .. } => "sample_rate_mismatch",
        }
    }

    /// The place in the file, such as `config.layers[1].dilations[3]`; none where it is the file as a whole.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::NotJson { .. } | Self::NotAModel { .. } => None,
            Self::MissingKey { path }
            | Self::WrongType { path, .. }
            | Self::InvalidValue { path, .. }
            | Self::UnsupportedVersion { path, .. }
            | Self::UnsupportedArchitecture { path, .. }
            | Self::UnsupportedActivation { path, .. }
            | Self::UnsupportedFeature { path, .. }
            | Self::ShapeMismatch { path, .. }
            | Self::WeightCount { path, .. }
            | Self::NonFiniteWeight { path, .. }
            | Self::LimitExceeded { path, .. }
            | Self::SampleRateMismatch { path, .. } => place(path),
        }
    }

    /// What should be there, where that can be said; for a limit, the limit.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::WrongType { expected, .. } => Some((*expected).to_owned()),
            Self::InvalidValue { expected, .. } => Some(expected.clone()),
            Self::UnsupportedVersion { supported, .. } => Some((*supported).to_owned()),
            Self::ShapeMismatch { expected, .. } => Some(expected.to_string()),
            Self::WeightCount { expected, .. } => Some(expected.to_string()),
            Self::LimitExceeded { max, .. } => Some(max.to_string()),
            Self::SampleRateMismatch { expected, .. } => Some(expected.to_string()),
            _ => None,
        }
    }

    /// What is there instead.
    pub fn found(&self) -> Option<String> {
        match self {
            Self::NotAModel { keys } => Some(list(keys)),
            Self::WrongType { found, .. } => Some((*found).to_owned()),
            Self::InvalidValue { found, .. }
            | Self::UnsupportedVersion { found, .. }
            | Self::UnsupportedArchitecture { found, .. }
            | Self::UnsupportedActivation { found, .. } => Some(found.clone()),
            Self::UnsupportedFeature { what, .. } => Some(what.clone()),
            Self::ShapeMismatch { found, .. } => Some(found.to_string()),
            Self::WeightCount { found, .. } | Self::LimitExceeded { found, .. } => Some(found.to_string()),
            Self::SampleRateMismatch { found, .. } => Some(found.to_string()),
            Self::NotJson { .. } | Self::MissingKey { .. } | Self::NonFiniteWeight { .. } => None,
        }
    }
}

/// Why a description cannot be made executable.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Two widths or lengths that must agree do not.
    #[error("{}expected a size of {expected}, found {found}", at(path))]
    ShapeMismatch {
        /// Where the size is.
        path: String,
        /// What it should be.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// The description asks for something that the engine cannot do.
    #[error("{}{what} is not supported", at(path))]
    UnsupportedFeature {
        /// Where it asks.
        path: String,
        /// What it asks for.
        what: String,
    },
    /// Something is larger than the limit that keeps a model from hurting the machine.
    #[error("{}{what} may be at most {max}, found {found}", at(path))]
    LimitExceeded {
        /// Where it is.
        path: String,
        /// What is limited.
        what: &'static str,
        /// The limit.
        max: u64,
        /// What the description asks for.
        found: u64,
    },
}

impl CompileError {
    /// The variant's name in `snake_case`, for code that cannot match on it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ShapeMismatch { .. } => "shape_mismatch",
            Self::UnsupportedFeature { .. } => "unsupported_feature",
            Self::LimitExceeded { .. } => "limit_exceeded",
        }
    }

    /// The place in the description, such as `arrays[1].layers[3].conv`; none where it is the model as a whole.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::ShapeMismatch { path, .. }
            | Self::UnsupportedFeature { path, .. }
            | Self::LimitExceeded { path, .. } => place(path),
        }
    }

    /// What should be there, where that can be said; for a limit, the limit.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::ShapeMismatch { expected, .. } => Some(expected.to_string()),
            Self::UnsupportedFeature { .. } => None,
            Self::LimitExceeded { max, .. } => Some(max.to_string()),
        }
    }

    /// What is there instead.
    pub fn found(&self) -> Option<String> {
        match self {
            Self::ShapeMismatch { found, .. } => Some(found.to_string()),
            Self::UnsupportedFeature { what, .. } => Some(what.clone()),
            Self::LimitExceeded { found, .. } => Some(found.to_string()),
        }
    }
}

/// Why a description cannot be written.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The target has no way to say what the description says.
    #[error("cannot be written as {target}: {}expected {expected}, found {found}", at(path))]
    Inexpressible {
        /// What was to be written.
        target: Target,
        /// Where the description says it.
        path: String,
        /// What the target can say there.
        expected: String,
        /// What the description says.
        found: String,
    },
    /// A list of weights is not as long as its layer's widths say.
    #[error("{}expected a size of {expected}, found {found}", at(path))]
    ShapeMismatch {
        /// Where the list is.
        path: String,
        /// How long it should be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// A number is infinite or none.
    #[error("{}expected a finite number", at(path))]
    NonFinite {
        /// Where in the file it would be.
        path: String,
    },
    /// The kept metadata is not JSON text.
    #[error("metadata: {reason}")]
    InvalidMetadata {
        /// What is wrong with it.
        reason: String,
    },
}

impl WriteError {
    /// The variant's name in `snake_case`, for code that cannot match on it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Inexpressible { .. } => "inexpressible",
            Self::ShapeMismatch { .. } => "shape_mismatch",
            Self::NonFinite { .. } => "non_finite",
            Self::InvalidMetadata { .. } => "invalid_metadata",
        }
    }

    /// The place in the description, such as `arrays[1].layers[3].conv`; none where it is the model as a whole.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Inexpressible { path, .. }
            | Self::ShapeMismatch { path, .. }
            | Self::NonFinite { path } => place(path),
            Self::InvalidMetadata { .. } => Some("metadata"),
        }
    }

    /// What could be written there.
    pub fn expected(&self) -> Option<String> {
        match self {
            Self::Inexpressible { expected, .. } => Some(expected.clone()),
            Self::ShapeMismatch { expected, .. } => Some(expected.to_string()),
            Self::NonFinite { .. } => Some("a finite number".to_owned()),
            Self::InvalidMetadata { .. } => Some("JSON text".to_owned()),
        }
    }

    /// What is there instead.
    pub fn found(&self) -> Option<String> {
        match self {
            Self::Inexpressible { found, .. } => Some(found.clone()),
            Self::ShapeMismatch { found, .. } => Some(found.to_string()),
            Self::NonFinite { .. } => None,
            Self::InvalidMetadata { reason } => Some(reason.clone()),
        }
    }
}

/// A path as it begins a message.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

/// A path as the accessors give it.
fn place(path: &str) -> Option<&str> {
    (!path.is_empty()).then_some(path)
}

/// Keys as a message lists them.
fn list(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}
