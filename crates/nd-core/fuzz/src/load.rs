//! What is asked of a loader.

use libfuzzer_sys::Corpus;
use nd_core::{Format, ModelSpec};

/// Loads whatever it is. It is kept as an example of `format` unless it is a file of another, or has none of `keys`.
pub fn load(bytes: &[u8], format: Format, keys: &[&str]) -> Corpus {
    let has = |key: &&str| bytes.windows(key.len()).any(|window| window == key.as_bytes());
    match ModelSpec::from_slice(bytes) {
        Ok(spec) => {
            describe(&spec);
            if spec.format == format { Corpus::Keep } else { Corpus::Reject }
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error says something: {error:?}");
            assert!(error.path() != Some(""), "a place has a name: {error:?}");
            assert!(!error.kind().is_empty(), "an error has a kind: {error:?}");
            assert!(error.expected().is_none_or(|text| !text.is_empty()), "{error:?}");
            assert!(error.found().is_none_or(|text| text.len() < 2000), "an error does not repeat the file: {error:?}");
            if keys.iter().any(has) { Corpus::Keep } else { Corpus::Reject }
        }
    }
}

/// Everything that can be asked of a description without compiling it.
pub fn describe(spec: &ModelSpec) {
    assert!(spec.in_channels() > 0 && spec.out_channels() > 0, "a file that loads has an input and an output");
    let steps = spec.quality_steps();
    assert!(!steps.is_empty() && steps.is_sorted(), "qualities ascend: {steps:?}");
    assert!(spec.known_sample_rate().is_none_or(|rate| rate > 0.0), "a rate is positive");
    let _ = (spec.network.num_parameters(), spec.architecture());
}
