//! AIDA-X: the JSON of `RTNeural` with what a player needs around the network.
//!
//! | key | spec |
//! |---|---|
//! | `in_skip` | `skip`: 1 adds the input, behind its gain, to the network's output |
//! | `in_gain`, `out_gain` in dB | `in_gain`, `out_gain` |
//! | `in_shape` | `in_channels`: the audio, then parameters from 0 to 1 |
//! | `metadata.samplerate`, `samplerate`, a number or a string | `sample_rate`, 48 kHz without |
//! | `input_batch`, `output_batch` | `self_test` |
//! | `metadata` | `metadata`, and as a whole in `metadata.raw` |

use super::json::{Node, Object, narrow};
use super::{Limits, rtneural, sample_rate};
use crate::error::LoadError;
use crate::spec::{Format, Metadata, ModelSpec, Network, Prewarm, SelfTest, Stack};

/// Frames of silence that run through the network before it plays.
const PREWARM_FRAMES: usize = 2048;

/// The rate, in Hz, of files that do not say.
const DEFAULT_SAMPLE_RATE: f64 = 48_000.0;

/// Gains from here down, in dB, are silence.
const SILENCE_DB: f64 = -90.0;

/// Whether a file of layers has anything that only AIDA-X knows.
pub(super) fn is_model(file: &Object<'_>) -> bool {
    let keys = ["in_skip", "in_gain", "out_gain", "samplerate", "input_batch"];
    let in_metadata = || file.opt("metadata")?.object().ok()?.opt("samplerate");
    keys.iter().any(|key| file.has(key)) || in_metadata().is_some()
}

/// Reads the layers and what is around them.
pub(super) fn model(file: &Object<'_>, limits: &Limits) -> Result<ModelSpec, LoadError> {
    let mut metadata = Metadata::default();
    let declared = metadata_and_rate(file, &mut metadata);
    let own_rate = file.opt("samplerate").map(|node| rate(&node)).transpose()?;
    let stack = Stack {
        skip: file.opt("in_skip").map_or(Ok(0), |node| skip(&node))?,
        in_gain: gain(file, "in_gain")?,
        out_gain: gain(file, "out_gain")?,
        prewarm: Prewarm::Frames(PREWARM_FRAMES),
        self_test: self_test(file, limits)?,
        ..rtneural::stack(file, limits)?
    };
    Ok(ModelSpec {
        format: Format::AidaX,
        network: Network::Stack(stack),
        sample_rate: declared.or(own_rate).or(Some(DEFAULT_SAMPLE_RATE)),
        metadata,
    })
}

fn skip(node: &Node<'_>) -> Result<usize, LoadError> {
    let channels = node.size("the number of skipped channels", 0..=usize::MAX)?;
    if channels <= 1 { Ok(channels) } else { Err(node.invalid("0 or 1")) }
}

/// A gain in dB as a factor.
fn gain(file: &Object<'_>, key: &str) -> Result<f32, LoadError> {
    let Some(node) = file.opt(key) else { return Ok(1.0) };
    let gain_db = node.number()?;
    if gain_db <= SILENCE_DB {
        return Ok(0.0);
    }
    narrow(10.0_f64.powf(gain_db / 20.0)).ok_or_else(|| node.invalid("a gain in dB"))
}

/// A rate in Hz, as a number or as a string.
fn rate(node: &Node<'_>) -> Result<f64, LoadError> {
    let rate = match node.string() {
        Ok(text) => text.trim().parse().map_err(|_| node.invalid("a sample rate in Hz"))?,
        Err(_) => node.number()?,
    };
    sample_rate(node, rate)
}

/// What the metadata says, the sample rate among it; a field of the wrong type is skipped with a warning.
fn metadata_and_rate(file: &Object<'_>, metadata: &mut Metadata) -> Option<f64> {
    let mut warnings = Vec::new();
    let mut tolerate = |error: LoadError| warnings.push(error.to_string());
    let node = file.opt("metadata");
    metadata.raw = node.as_ref().map(|node| node.text().to_owned());
    let object = node.and_then(|node| node.object().map_err(&mut tolerate).ok());
    let field = |key: &str| object.as_ref().and_then(|object| object.opt(key));
    let mut text = |node: Option<Node<'_>>| node?.string().map(Into::into).map_err(&mut tolerate).ok();
    metadata.name = text(field("name"));
    metadata.modeled_by = text(field("author").or_else(|| file.opt("author")));
    metadata.gear_model = text(field("based"));
    metadata.tone_type = text(field("style"));
    let esr = field("esr").or_else(|| file.opt("esr"));
    metadata.validation_esr = esr.and_then(|node| number(&node).map_err(&mut tolerate).ok());
    let declared = field("samplerate").and_then(|node| rate(&node).map_err(&mut tolerate).ok());
    metadata.warnings = warnings;
    declared
}

/// A number, also as a string.
fn number(node: &Node<'_>) -> Result<f64, LoadError> {
    match node.string() {
        Ok(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Err(_) => return node.number(),
    }
    .ok_or_else(|| node.invalid("a number"))
}

/// The recording that comes with the file, where both of its sides do.
fn self_test(file: &Object<'_>, limits: &Limits) -> Result<Option<SelfTest>, LoadError> {
    let (Some(input), Some(output)) = (file.opt("input_batch"), file.opt("output_batch")) else {
        return Ok(None);
    };
    let input = input.f32s(limits.weights)?;
    let output = output.f32s_exact(input.len())?;
    Ok(Some(SelfTest { input, output }))
}
