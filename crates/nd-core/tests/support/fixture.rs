//! The reference renderings in `tests/data`, which other programs computed.

use std::fs;
use std::path::{Path, PathBuf};

use nd_core::ModelSpec;
use nd_core::format::{Compat, LoadOptions};
use serde::Deserialize;

use super::subject::Subject;
use super::{esr_db, max_abs_error, widen};

/// One entry of the index; its keys are explained in the folder's README.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    pub name: String,
    pub tolerance: Tolerance,
    start: Start,
    quality: Option<f64>,
    compat: Option<String>,
    model: PathBuf,
    input: PathBuf,
    parameters: Option<PathBuf>,
    output: PathBuf,
}

/// What happened before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Start {
    Prewarmed,
    StoredState,
    ZeroState,
}

/// How far from the reference an engine with exact activations may be.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// Largest absolute error.
    MaxAbs(f64),
    /// Error-to-signal ratio in dB.
    EsrDb(f64),
}

impl Tolerance {
    /// Say by how much `prediction` is too far from `target`, or how close it is.
    pub fn judge(self, target: &[f64], prediction: &[f64]) -> Result<String, String> {
        let (error, limit, unit) = match self {
            Self::MaxAbs(limit) => (max_abs_error(target, prediction), limit, ""),
            Self::EsrDb(limit) => (esr_db(target, prediction), limit, " dB"),
        };
        let text = format!("{error:.3e}{unit}, limit {limit:e}{unit}");
        if error <= limit { Ok(text) } else { Err(text) }
    }
}

/// All cases of the index.
pub fn cases() -> Vec<Case> {
    serde_json::from_slice(&read(Path::new("index.json"))).expect("the index is what its README says")
}

impl Case {
    /// The model and the first `frames` of what it was fed.
    pub fn subject(&self, frames: usize) -> Subject {
        // An output may be shorter than its input.
        let frames = frames.min(self.output().len());
        let input = array(&self.input);
        let parameters = self.parameters.as_ref().map(|path| array(path)).unwrap_or_default();
        Subject {
            name: self.name.clone(),
            spec: self.spec(),
            quality: self.quality.unwrap_or(1.0),
            anti_aliasing: nd_core::AntiAliasing::Off,
            prewarm: self.start == Start::Prewarmed,
            parameters: parameters.chunks(input.len()).map(|p| p[..frames].to_vec()).collect(),
            input: input[..frames].to_vec(),
        }
    }

    fn spec(&self) -> ModelSpec {
        let compat = match self.compat.as_deref() {
            None => Compat::default(),
            Some("residual_without_layer1x1") => {
                Compat { residual_without_layer1x1: true, ..Compat::default() }
            }
            Some("legacy_layer1x1_post_film") => {
                Compat { legacy_layer1x1_post_film: true, ..Compat::default() }
            }
            Some(other) => panic!("{}: no reading is called {other:?}", self.name),
        };
        let options = LoadOptions { compat, ..LoadOptions::default() };
        ModelSpec::from_slice_with(&read(&self.model), &options)
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// What the other program computed.
    pub fn output(&self) -> Vec<f64> {
        widen(&array(&self.output))
    }
}

/// Two seconds of a guitar, at 48 kHz.
pub fn guitar() -> Vec<f32> {
    array(Path::new("guitar.npy"))
}

/// A model that the Python package ships.
pub fn shipped(name: &str) -> ModelSpec {
    let path = Path::new("../../python/neural_distortion/models").join(name);
    ModelSpec::from_slice(&read(&path)).expect("a shipped model loads")
}

fn read(path: &Path) -> Vec<u8> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(path);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Read a little-endian float32 `.npy` of one or two dimensions, row after row.
fn array(path: &Path) -> Vec<f32> {
    let bytes = read(path);
    assert!(bytes.starts_with(b"\x93NUMPY\x01"), "{}: not a version 1 .npy", path.display());
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..data]);
    assert!(
        header.contains("'<f4'") && header.contains("'fortran_order': False"),
        "{}: {header}",
        path.display()
    );
    let (values, rest) = bytes[data..].as_chunks::<4>();
    assert!(rest.is_empty(), "{}: cut short", path.display());
    values.iter().map(|&v| f32::from_le_bytes(v)).collect()
}
