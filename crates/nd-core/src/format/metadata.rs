//! What a file says about its model, under the keys of `.nam`, which the other dialects may use as well.

use super::json::{Document, Node, Object, Value};
use super::{Limits, Target, sample_rate as checked_rate};
use crate::error::{LoadError, WriteError};
use crate::spec::{InnerKey, Metadata, ModelSpec};

/// Reads the `metadata` of a file; a field of the wrong type is skipped with a warning.
pub(super) fn read(file: &Object<'_>) -> Metadata {
    let mut metadata = Metadata::default();
    let Some(node) = file.opt("metadata") else { return metadata };
    metadata.raw = Some(node.text().to_owned());
    let object = match node.object() {
        Ok(object) => object,
        Err(error) => {
            metadata.warnings.push(error.to_string());
            return metadata;
        }
    };
    let mut warnings = Vec::new();
    let mut tolerate = |error: LoadError| warnings.push(error.to_string());
    let mut text = |key: &str| object.opt(key)?.string().map(Into::into).map_err(&mut tolerate).ok();
    metadata.name = text("name");
    metadata.modeled_by = text("modeled_by");
    metadata.gear_make = text("gear_make");
    metadata.gear_model = text("gear_model");
    metadata.gear_type = text("gear_type");
    metadata.tone_type = text("tone_type");
    let mut number = |key: &str| object.opt(key)?.number().map_err(&mut tolerate).ok();
    metadata.loudness_db = number("loudness");
    metadata.gain = number("gain");
    metadata.input_level_dbu = number("input_level_dbu");
    metadata.output_level_dbu = number("output_level_dbu");
    let knobs = object.opt("knobs").and_then(|node| names(&node).map_err(&mut tolerate).ok());
    metadata.knobs = knobs.unwrap_or_default();
    let training = object.opt("training").and_then(|node| node.object().map_err(&mut tolerate).ok());
    let esr = training.and_then(|training| training.opt("validation_esr"));
    metadata.validation_esr = esr.and_then(|node| node.number().map_err(&mut tolerate).ok());
    metadata.warnings = warnings;
    metadata
}

/// An array of strings.
fn names(node: &Node<'_>) -> Result<Vec<String>, LoadError> {
    // Their number is limited as the bytes of the metadata are.
    node.items("names", usize::MAX)?.iter().map(|name| Ok(name.string()?.into_owned())).collect()
}

/// What is limited in what a file says beside its model.
pub(super) const BYTES: &str = "the bytes of metadata and of unknown keys";

/// The place that an error about too much metadata names.
pub(super) fn place<'a>(file: &Object<'a>) -> Node<'a> {
    file.opt("metadata").unwrap_or_else(|| file.node().clone())
}

/// Checks how much is kept of a file beside what is known of it.
pub(super) fn check(file: &Object<'_>, known: &[&str], limits: &Limits) -> Result<(), LoadError> {
    place(file).limit(BYTES, limits.metadata, file.kept_len(known))
}

/// Keeps the keys of an object in the description of a network, those that are `known` left out.
pub(super) fn keep(inner: &mut Vec<InnerKey>, object: &Object<'_>, place: &str, known: &[&str]) {
    let keys = object.others(known).into_iter();
    inner.extend(keys.map(|(key, value)| InnerKey { place: place.to_owned(), key, value }));
}

/// What is kept of the description's own dialect; another one has no place for it.
pub(super) fn inner(spec: &ModelSpec, target: Target) -> &[InnerKey] {
    if Target::Model(spec.format) == target { &spec.metadata.inner } else { &[] }
}

/// Puts back what [`keep`] has kept, into the objects that are there.
pub(super) fn put_back(file: &mut Members, inner: &[InnerKey]) {
    for InnerKey { place, key, value } in inner {
        if let Some(members) = members_at(file, place) {
            members.push((key.clone(), Value::Text(value.clone())));
        }
    }
}

/// The members of the object at a place.
fn members_at<'a>(file: &'a mut Members, place: &str) -> Option<&'a mut Members> {
    place.split('.').try_fold(file, |members, step| {
        let (key, index) = match step.split_once('[') {
            Some((key, index)) => (key, Some(index.trim_end_matches(']').parse::<usize>().ok()?)),
            None => (step, None),
        };
        let (_, value) = members.iter_mut().find(|(name, _)| name == key)?;
        match (value, index) {
            (Value::Object(members), None) => Some(members),
            (Value::Array(items), Some(index)) => match items.get_mut(index)? {
                Value::Object(members) => Some(members),
                _ => None,
            },
            _ => None,
        }
    })
}

/// The fields under their keys.
fn fields(metadata: &Metadata) -> [(&'static str, Option<Value>); 12] {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let knobs = &metadata.knobs;
    let esr = |esr: f64| Value::object([("validation_esr", Value::from(esr))]);
    [
        ("name", text(&metadata.name)),
        ("modeled_by", text(&metadata.modeled_by)),
        ("gear_make", text(&metadata.gear_make)),
        ("gear_model", text(&metadata.gear_model)),
        ("gear_type", text(&metadata.gear_type)),
        ("tone_type", text(&metadata.tone_type)),
        ("loudness", metadata.loudness_db.map(Value::from)),
        ("gain", metadata.gain.map(Value::from)),
        ("input_level_dbu", metadata.input_level_dbu.map(Value::from)),
        ("output_level_dbu", metadata.output_level_dbu.map(Value::from)),
        ("knobs", (!knobs.is_empty()).then(|| Value::array(knobs.iter().map(String::as_str)))),
        ("training", metadata.validation_esr.map(esr)),
    ]
}

/// The members of an object to be written.
pub(super) type Members = Vec<(String, Value)>;

/// Adds to a file what is beside its model: the keys that nothing is known of, and the `metadata`, in which the fields
/// stand that `read`, the reader of the dialect, would not get from what was there, and what `edit` changes.
pub(super) fn add(
    file: &mut Members,
    metadata: &Metadata,
    read: fn(&Object<'_>) -> Metadata,
    edit: impl FnOnce(&mut Members),
) -> Result<(), WriteError> {
    let others = metadata.other.iter().map(|(key, text)| (key.clone(), Value::Text(text.clone())));
    let others = others.filter(|(key, _)| !super::is_known(key));
    let raw = metadata.raw.as_ref().map(|raw| ("metadata".to_owned(), Value::Text(raw.clone())));
    let text = Value::Object(raw.into_iter().chain(others.clone()).collect()).into_file()?;
    let no_json = |error: LoadError| WriteError::InvalidMetadata { reason: error.to_string() };
    let document = Document::parse(&text, &Limits::of_any_text()).map_err(no_json)?;
    for InnerKey { value, .. } in &metadata.inner {
        Document::parse(value.as_bytes(), &Limits::of_any_text()).map_err(no_json)?;
    }
    let kept = document.root().object().map_err(no_json)?;

    let object = kept.opt("metadata").and_then(|node| node.object().ok());
    let before: Members = object.iter().flat_map(Object::members).collect();
    let mut after = before.clone();
    for ((key, value), (_, read)) in fields(metadata).into_iter().zip(fields(&read(&kept))) {
        if value != read {
            after.retain(|(member, _)| member != key);
            after.extend(value.map(|value| (key.to_owned(), value)));
        }
    }
    edit(&mut after);
    if after != before {
        file.push(("metadata".to_owned(), Value::Object(after)));
    } else if let Some(raw) = &metadata.raw {
        file.push(("metadata".to_owned(), Value::Text(raw.clone())));
    }
    file.extend(others);
    Ok(())
}

/// The sample rate in the metadata of a dialect that has no other place for one.
pub(super) fn sample_rate(file: &Object<'_>, metadata: &mut Metadata) -> Option<f64> {
    let node = file.opt("metadata")?.object().ok()?.opt("sample_rate")?;
    match node.number().and_then(|rate| checked_rate(&node, rate)) {
        Ok(rate) => Some(rate),
        Err(error) => {
            metadata.warnings.push(error.to_string());
            None
        }
    }
}

/// Puts the sample rate where [`sample_rate`] finds it.
pub(super) fn put_sample_rate(members: &mut Members, rate: Option<f64>) {
    // It would make the file one of AIDA-X.
    members.retain(|(key, _)| key != "samplerate");
    let is_there = |(key, value): &(String, Value)| {
        key == "sample_rate" && matches!(value, Value::Text(text) if text.parse().ok() == rate)
    };
    if !members.iter().any(is_there) {
        members.retain(|(key, _)| key != "sample_rate");
        members.extend(rate.map(|rate| ("sample_rate".to_owned(), rate.into())));
    }
}
