//! Neural Amp Modeler's `.nam`, versions 0.5 to 0.7.
//!
//! | key | spec |
//! |---|---|
//! | `version` | checked; what a file holds is told by its keys alone |
//! | `architecture`, `config`, `weights` | `network`: one function of this module each |
//! | `sample_rate` | `sample_rate` |
//! | `metadata` | `metadata`, and as a whole in `metadata.raw` |
//! | any other | `metadata.other` |

mod activation;
mod stack;
mod wavenet;
mod write;

use super::json::{Node, Numbers, Object};
use super::limits::Memory;
use super::{LoadOptions, metadata, sample_rate};
use crate::error::LoadError;
use crate::spec::{Conv1d, Format, Member, Metadata, ModelSpec, Network};

pub(super) use write::write;

/// What is read of a file.
pub(super) const KEYS: [&str; 6] =
    ["version", "architecture", "config", "weights", "sample_rate", "metadata"];

/// What is read of the objects in a configuration, by the keys that they stand under.
const INNER_KEYS: &[(&str, &[&str])] = &[
    (
        "head",
        &[
            "channels",
            "out_channels",
            "in_channels",
            "activation",
            "kernel_size",
            "kernel_sizes",
            "bias",
            "head_dilation",
        ],
    ),
    ("layer1x1", &["active", "groups"]),
    ("head1x1", &["active", "groups", "out_channels"]),
    ("conv_pre_film", FILM_KEYS),
    ("conv_post_film", FILM_KEYS),
    ("input_mixin_pre_film", FILM_KEYS),
    ("input_mixin_post_film", FILM_KEYS),
    ("activation_pre_film", FILM_KEYS),
    ("activation_post_film", FILM_KEYS),
    ("layer1x1_post_film", FILM_KEYS),
    ("head1x1_post_film", FILM_KEYS),
    ("slimmable", &["method", "kwargs"]),
    ("kwargs", &["allowed_channels"]),
];

const FILM_KEYS: &[&str] = &["active", "shift", "groups"];

/// Reads the model that a file is.
pub(super) fn model(file: &Object<'_>, options: &LoadOptions) -> Result<ModelSpec, LoadError> {
    complete_model(file, options, 1, &mut Spent::default())
}

/// What the models of a file have taken so far of what there is for all of them.
#[derive(Default)]
struct Spent {
    models: u64,
    layers: u64,
    weights: u64,
    metadata: u64,
    state_size: u64,
}

impl Spent {
    fn spend(
        total: &mut u64,
        amount: u64,
        node: &Node<'_>,
        what: &'static str,
        max: usize,
    ) -> Result<(), LoadError> {
        *total = total.saturating_add(amount);
        node.limit(what, max, *total)
    }

    /// Counts metadata that is about to be copied.
    fn spend_metadata(&mut self, len: u64, node: &Node<'_>, options: &LoadOptions) -> Result<(), LoadError> {
        let max = options.limits.metadata;
        Self::spend(&mut self.metadata, len, node, metadata::BYTES, max)
    }
}

/// Reads a complete model, the file's own or one inside of it.
fn complete_model(
    file: &Object<'_>,
    options: &LoadOptions,
    depth: usize,
    spent: &mut Spent,
) -> Result<ModelSpec, LoadError> {
    file.node().limit("the depth of models", options.limits.model_depth, depth as u64)?;
    Spent::spend(&mut spent.models, 1, file.node(), "the number of models", options.limits.total_models)?;
    spent.spend_metadata(file.kept_len(&KEYS), &metadata::place(file), options)?;
    let mut metadata = metadata::read(file);
    version(file, &mut metadata)?;
    let architecture = file.get("architecture")?;
    let config = file.get("config")?.object()?;
    let weights = file.get("weights")?;
    let sample_rate = file.opt("sample_rate").map(|node| sample_rate(&node, node.number()?)).transpose()?;
    let mut part =
        Part { config: &config, weights, options, depth, spent, sample_rate, metadata: &mut metadata };
    let network = match architecture.string()?.as_ref() {
        "Linear" => stack::linear(&mut part)?,
        "ConvNet" => stack::convnet(&mut part)?,
        "LSTM" => stack::lstm(&mut part)?,
        "WaveNet" => Network::WaveNet(Box::new(wavenet::wavenet(&mut part)?)),
        "SlimmableContainer" => container(&mut part)?,
        "Sequential" => sequential(&mut part)?,
        _ => return Err(architecture.unknown_architecture()),
    };
    let known: &[&str] = match &*architecture.string()? {
        "Linear" => &["receptive_field", "bias", "in_channels", "out_channels"],
        "ConvNet" => {
            &["channels", "dilations", "batchnorm", "activation", "groups", "in_channels", "out_channels"]
        }
        "LSTM" => &["num_layers", "input_size", "hidden_size", "in_channels", "out_channels"],
        "WaveNet" => &["layers", "head", "head_scale", "in_channels", "condition_dsp"],
        "SlimmableContainer" => &["submodels"],
        _ => &["models"],
    };
    part.keep(&config, known)?;
    let sample_rate = part.sample_rate;
    metadata.other = file.others(&KEYS);
    Ok(ModelSpec { format: Format::Nam, network, sample_rate, metadata })
}

/// What the reader of an architecture gets, and what it may fill in.
struct Part<'a> {
    config: &'a Object<'a>,
    weights: Node<'a>,
    options: &'a LoadOptions,
    depth: usize,
    spent: &'a mut Spent,
    /// The file's own rate; a composite takes its members' where it has none.
    sample_rate: Option<f64>,
    metadata: &'a mut Metadata,
}

impl<'a> Part<'a> {
    /// The weights, once there are as many as the configuration needs.
    fn weights(&mut self, expected: u64) -> Result<Numbers<'a>, LoadError> {
        let found = self.weights.count()? as u64;
        if found != expected {
            let path = self.weights.path().to_owned();
            return Err(LoadError::WeightCount { path, expected, found });
        }
        let limit = self.options.limits.weights;
        Spent::spend(&mut self.spent.weights, found, &self.weights, "the number of weights", limit)?;
        self.weights.clone().numbers()
    }

    /// Counts weights that are not in the list: the description has them more often than the file.
    fn repeat_weights(&mut self, count: u64) -> Result<(), LoadError> {
        let limit = self.options.limits.weights;
        Spent::spend(&mut self.spent.weights, count, &self.weights, "the number of weights", limit)
    }

    /// Keeps the keys of an object of the configuration, and of the objects in it, those that are `known` left out.
    fn keep(&mut self, object: &Object<'_>, known: &[&str]) -> Result<(), LoadError> {
        self.spent.spend_metadata(object.kept_len(known), object.node(), self.options)?;
        // From where the model starts.
        let start = self.config.node().path().len() - "config".len();
        let place = object.node().path()[start..].to_owned();
        metadata::keep(&mut self.metadata.inner, object, &place, known);
        for &(key, inner) in INNER_KEYS.iter().filter(|(key, _)| known.contains(key)) {
            if let Some(node) = object.opt(key).filter(Node::is_object) {
                self.keep(&node.object()?, inner)?;
            }
        }
        Ok(())
    }

    /// A width of at most the limit, where the configuration may leave it out.
    fn width_or(&self, key: &str, default: usize) -> Result<usize, LoadError> {
        self.config.opt(key).map_or(Ok(default), |node| node.size("the number of channels", self.channels()))
    }

    fn channels(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.options.limits.channels
    }

    /// A member of a composite: a complete model, whose rate fits to that of the composite and the members before it.
    fn member(&mut self, node: Node<'_>) -> Result<ModelSpec, LoadError> {
        let file = node.object()?;
        let model = complete_model(&file, self.options, self.depth + 1, self.spent)?;
        match (self.sample_rate, model.sample_rate) {
            (Some(expected), Some(found)) if expected != found => {
                Err(LoadError::SampleRateMismatch { path: file.path_of("sample_rate"), expected, found })
            }
            (rate, found) => {
                self.sample_rate = rate.or(found);
                Ok(model)
            }
        }
    }
}

/// Checks the version, by number: 0.5.0 up to any 0.7.
fn version(file: &Object<'_>, metadata: &mut Metadata) -> Result<(), LoadError> {
    let node = file.get("version")?;
    let text = node.string()?;
    let unsupported = |hint| LoadError::UnsupportedVersion {
        path: node.path().to_owned(),
        found: text.chars().take(32).collect(),
        supported: "0.5.0 to 0.7",
        hint,
    };
    let mut numbers = [0_u64; 3];
    let mut parts = text.split('.');
    for number in &mut numbers {
        let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        *number = part.and_then(|part| part.parse().ok()).ok_or_else(|| {
            unsupported("a version is three whole numbers with dots between them, without an addition")
        })?;
    }
    if parts.next().is_some() {
        return Err(unsupported(
            "a version is three whole numbers with dots between them, without an addition",
        ));
    }
    if numbers < [0, 5, 0] {
        return Err(unsupported("the file is too old, export the model again with a newer trainer"));
    }
    if numbers >= [0, 8, 0] {
        return Err(unsupported("the file is newer than this program, which needs an update"));
    }
    if numbers > [0, 7, 0] {
        metadata.warnings.push(format!("version: {text} is newer than 0.7.0, the newest that is known"));
    }
    Ok(())
}

/// `SlimmableContainer`: complete models, each for the sizes below its `max_value`.
fn container(part: &mut Part<'_>) -> Result<Network, LoadError> {
    part.weights(0)?;
    let submodels = part.config.get("submodels")?;
    let mut members: Vec<Member> = Vec::new();
    for node in submodels.items("the number of models", part.options.limits.models)? {
        let member = node.object()?;
        let max_node = member.get("max_value")?;
        let max_value = max_node.number()?;
        if members.last().is_some_and(|before| before.max_value >= max_value) {
            return Err(max_node.invalid("a number above the one before it"));
        }
        part.keep(&member, &["max_value", "model"])?;
        let model_node = member.get("model")?;
        let path = model_node.path().to_owned();
        let model = part.member(model_node)?;
        if let Some(first) = members.first() {
            let pairs = [
                (first.model.in_channels(), model.in_channels()),
                (first.model.out_channels(), model.out_channels()),
            ];
            if let Some((expected, found)) = pairs.into_iter().find(|(first, this)| first != this) {
                return Err(LoadError::ShapeMismatch { path, expected, found });
            }
        }
        members.push(Member { max_value, model });
    }
    let Some(last) = members.last() else { return Err(submodels.invalid("at least one model")) };
    if last.max_value < 1.0 {
        return Err(submodels.invalid("a last max_value of at least 1"));
    }
    if part.metadata.raw.is_none() {
        let Metadata { warnings, inner, .. } = std::mem::take(part.metadata);
        let Metadata { raw, other, .. } = &last.model.metadata;
        let other = other.iter().map(|(key, text)| key.len() + text.len()).sum::<usize>();
        let len = other + raw.as_ref().map_or(0, String::len);
        part.spent.spend_metadata(len as u64, &submodels, part.options)?;
        *part.metadata = Metadata { inner, warnings, ..last.model.metadata.clone() };
    }
    Ok(Network::Container(members))
}

/// `Sequential`: complete models, one after the other.
fn sequential(part: &mut Part<'_>) -> Result<Network, LoadError> {
    let models = part.config.get("models")?;
    if part.weights.count()? > 0 {
        return Err(part.weights.unsupported("a sequence with one list of weights for all its models"));
    }
    let mut sequence: Vec<ModelSpec> = Vec::new();
    for node in models.items("the number of models", part.options.limits.models)? {
        let path = node.path().to_owned();
        let model = part.member(node)?;
        if let Some(before) = sequence.last() {
            let (expected, found) = (before.out_channels(), model.in_channels());
            if expected != found {
                return Err(LoadError::ShapeMismatch { path, expected, found });
            }
        }
        sequence.push(model);
    }
    if sequence.is_empty() {
        return Err(models.invalid("at least one model"));
    }
    Ok(Network::Sequential(sequence))
}

/// How many weights a convolution has in a file.
fn conv_weights(conv: &Conv1d) -> u64 {
    let kernel = [conv.out_channels, conv.in_channels / conv.groups, conv.kernel_size];
    let kernel = kernel.iter().fold(1_u64, |product, &size| product.saturating_mul(size as u64));
    kernel.saturating_add(if conv.bias.is_some() { conv.out_channels as u64 } else { 0 })
}

/// Fills a convolution whose `bias` says whether there is one.
fn fill_conv(conv: &mut Conv1d, weights: &mut Numbers<'_>) -> Result<(), LoadError> {
    conv.weight = weights.take(conv.out_channels * (conv.in_channels / conv.groups) * conv.kernel_size)?;
    if let Some(bias) = &mut conv.bias {
        *bias = weights.take(conv.out_channels)?;
    }
    Ok(())
}

/// Checks how many layers there are, how far back their convolutions look one after the other, and what they take.
fn check_memory<'c>(
    part: &mut Part<'_>,
    layers: usize,
    convs: impl Iterator<Item = &'c Conv1d>,
) -> Result<(), LoadError> {
    let mut memory = Memory::NONE;
    for conv in convs {
        memory.add(conv);
    }
    let (node, limits, spent) = (part.config.node(), &part.options.limits, &mut *part.spent);
    memory.check(node, limits)?;
    Spent::spend(&mut spent.layers, layers as u64, node, "the number of layers", limits.total_layers)?;
    Spent::spend(&mut spent.state_size, memory.bytes, node, Memory::BYTES, limits.state_size)
}
