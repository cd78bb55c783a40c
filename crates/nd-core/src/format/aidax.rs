//! AIDA-X: the JSON of `RTNeural` with what a player needs around the network.
//!
//! | key | spec |
//! |---|---|
//! | `in_skip` | `skip`: 1 adds the input, behind its gain, to the network's output |
//! | `in_gain`, `out_gain` in dB | `in_gain`, `out_gain` |
//! | `in_shape` | `in_channels`: the audio, then parameters from 0 to 1 |
//! | `metadata.samplerate`, `samplerate`, a number or a string | `sample_rate`, 48 kHz without |
//! | `input_batch`, `output_batch` | `self_test` |
//! | `metadata`, with the keys of `.nam` or `author`, `based`, `style`, `esr` | `metadata`, and as a whole in `metadata.raw` |
//! | any other | `metadata.other` |

use super::fold::inexpressible;
use super::json::{Node, Object, Value, narrow};
use super::{Limits, Target, metadata, rtneural, sample_rate};
use crate::error::{LoadError, WriteError};
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

const TARGET: Target = Target::Model(Format::AidaX);

/// What is read of a file, the names of the metadata at its top left out: they stay where they are.
pub(super) const KEYS: [&str; 9] = [
    "in_shape",
    "layers",
    "metadata",
    "in_skip",
    "in_gain",
    "out_gain",
    "samplerate",
    "input_batch",
    "output_batch",
];

/// Reads the layers and what is around them.
pub(super) fn model(file: &Object<'_>, limits: &Limits) -> Result<ModelSpec, LoadError> {
    metadata::check(file, &KEYS, limits)?;
    let mut metadata = metadata(file);
    let own_rate = file.opt("samplerate").map(|node| rate(&node)).transpose()?;
    let declared = declared_rate(file, &mut metadata);
    let self_test = self_test(file, limits)?;
    let numbers = self_test.as_ref().map_or(0, |test| test.input.len() + test.output.len());
    let stack = Stack {
        skip: file.opt("in_skip").map_or(Ok(0), |node| skip(&node))?,
        in_gain: gain(file, "in_gain")?,
        out_gain: gain(file, "out_gain")?,
        prewarm: Prewarm::Frames(PREWARM_FRAMES),
        self_test,
        ..rtneural::stack(file, limits, numbers as u64, &mut metadata)?
    };
    metadata.other = file.others(&KEYS);
    Ok(ModelSpec {
        format: Format::AidaX,
        network: Network::Stack(stack),
        sample_rate: declared.or(own_rate).or(Some(DEFAULT_SAMPLE_RATE)),
        metadata,
    })
}

/// Writes the layers and what is around them.
pub(super) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let stack = spec.stack(TARGET)?;
    if stack.skip > 1 {
        return Err(inexpressible(TARGET, "skip", "0 or 1", stack.skip.to_string()));
    }
    let mut file = rtneural::write_layers(stack, &stack.layers, TARGET, metadata::inner(spec, TARGET))?;
    file.push(("in_skip".to_owned(), stack.skip.into()));
    file.push(("in_gain".to_owned(), gain_db("in_gain", stack.in_gain)?));
    file.push(("out_gain".to_owned(), gain_db("out_gain", stack.out_gain)?));
    let rate = spec.known_sample_rate().unwrap_or(DEFAULT_SAMPLE_RATE);
    file.push(("samplerate".to_owned(), rate.into()));
    metadata::add(&mut file, &spec.metadata, metadata, |members| {
        // The one in the metadata goes before the one outside.
        let is_other = |value: &Value| {
            let Value::Text(text) = value else { return true };
            text.trim_matches('"').trim().parse().ok() != Some(rate)
        };
        members.retain(|(key, value)| key != "samplerate" || !is_other(value));
    })?;
    if let Some(SelfTest { input, output }) = &stack.self_test {
        file.push(("input_batch".to_owned(), input.as_slice().into()));
        file.push(("output_batch".to_owned(), output.as_slice().into()));
    }
    Value::Object(file).into_file()
}

/// A factor as a gain in dB.
fn gain_db(path: &str, gain: f32) -> Result<Value, WriteError> {
    let gain_db = 20.0 * f64::from(gain).log10();
    if gain == 0.0 {
        return Ok(SILENCE_DB.into());
    }
    if gain_db.is_finite() && gain_db > SILENCE_DB {
        return Ok(gain_db.into());
    }
    Err(inexpressible(TARGET, path, format!("0, or a gain above {SILENCE_DB} dB"), gain.to_string()))
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

/// What the metadata says, also under names of its own; a field of the wrong type is skipped with a warning.
fn metadata(file: &Object<'_>) -> Metadata {
    let mut metadata = metadata::read(file);
    let object = file.opt("metadata").and_then(|node| node.object().ok());
    let field = |key: &str| object.as_ref().and_then(|object| object.opt(key));
    let mut warnings = Vec::new();
    let mut tolerate = |error: LoadError| warnings.push(error.to_string());
    let mut text = |node: Option<Node<'_>>| node?.string().map(Into::into).map_err(&mut tolerate).ok();
    let author = || text(field("author").or_else(|| file.opt("author")));
    metadata.modeled_by = metadata.modeled_by.or_else(author);
    metadata.gear_model = metadata.gear_model.or_else(|| text(field("based")));
    metadata.tone_type = metadata.tone_type.or_else(|| text(field("style")));
    let esr = || {
        let node = field("esr").or_else(|| file.opt("esr"))?;
        number(&node).map_err(&mut tolerate).ok()
    };
    metadata.validation_esr = metadata.validation_esr.or_else(esr);
    metadata.warnings.extend(warnings);
    metadata
}

/// The rate, in Hz, in the metadata.
fn declared_rate(file: &Object<'_>, metadata: &mut Metadata) -> Option<f64> {
    let node = file.opt("metadata")?.object().ok()?.opt("samplerate")?;
    rate(&node).map_err(|error| metadata.warnings.push(error.to_string())).ok()
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
    let input = input.f32s(limits.weights / 2)?;
    let output = output.f32s_exact(input.len())?;
    Ok(Some(SelfTest { input, output }))
}
