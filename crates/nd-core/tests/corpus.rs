//! The files of `tests/data/hostile`: the valid ones load and play, each of the others gives the error of its entry.

use std::fs;
use std::path::{Path, PathBuf};

use nd_core::{CompileOptions, LoadError, ModelSpec};
use serde::Deserialize;

/// One entry of the index.
#[derive(Debug, Deserialize)]
struct Entry {
    file: PathBuf,
    error: Option<Refusal>,
    warnings: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Refusal {
    kind: String,
    path: Option<String>,
    expected: Option<String>,
    found: Option<String>,
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        Self {
            kind: error.kind().to_owned(),
            path: error.path().map(str::to_owned),
            expected: error.expected(),
            found: error.found(),
        }
    }
}

fn read(name: &Path) -> Vec<u8> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/hostile"));
    let path = folder.join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries() -> Vec<Entry> {
    serde_json::from_slice(&read(Path::new("index.json"))).expect("the index is a list of entries")
}

#[test]
fn each_broken_file_gives_its_error() {
    let mut differences = Vec::new();
    for Entry { file, error, .. } in entries() {
        let Some(expected) = error else { continue };
        match ModelSpec::from_slice(&read(&file)).map_err(Refusal::from) {
            Err(found) if found == expected => {}
            other => differences.push(format!("{}:\n  {expected:?}\n  {:?}", file.display(), other.err())),
        }
    }
    assert!(differences.is_empty(), "expected and found:\n{}", differences.join("\n"));
}

#[test]
fn each_odd_file_loads_and_says_what_is_odd() {
    for Entry { file, error, warnings } in entries() {
        if error.is_some() {
            continue;
        }
        let spec = ModelSpec::from_slice(&read(&file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(
            spec.metadata.warnings.len(),
            warnings,
            "{}: {:?}",
            file.display(),
            spec.metadata.warnings
        );
        let model = spec.compile(&CompileOptions::default());
        let mut model = model.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut audio = [0.5; 300];
        model.process_in_place(&mut audio);
        let diverges = file.ends_with("valid_diverging.bin");
        assert_eq!(model.unstable(), diverges, "{}", file.display());
        assert!(audio.iter().all(|y| y.is_finite()), "{}", file.display());
        let failed = model.self_test().is_some_and(|test| !test.passed);
        assert_eq!(
            failed,
            file.ends_with("odd_self_test_fails.bin"),
            "{}: {:?}",
            file.display(),
            model.self_test()
        );
    }
}
