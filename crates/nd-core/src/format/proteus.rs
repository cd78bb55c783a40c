//! Proteus, `GuitarML` and Automated-GuitarAmpModelling: a `PyTorch` `state_dict` as JSON.
//!
//! | key | spec |
//! |---|---|
//! | `model_data.unit_type`, `num_layers`, `hidden_size` | so many `Lstm`, `Gru` or `Rnn` layers |
//! | `model_data.input_size` | `in_channels`: the audio, then knobs from 0 to 1 |
//! | `model_data.skip` | `skip` |
//! | `state_dict.rec.weight_ih_l0`, … | the layers' weights, in the order that they have here |
//! | `state_dict.lin.weight`, `lin.bias` | the `Dense` at the end |

use super::fold::{check_len, check_start, inexpressible, plain_layers};
use super::json::{Node, Object, Value, narrow};
use super::{Limits, Target, metadata, rtneural};
use crate::error::{LoadError, WriteError};
use crate::spec::{Dense, Format, Gru, Layer, Lstm, ModelSpec, Network, Rnn, Stack};

const TARGET: Target = Target::Model(Format::Proteus);

/// What is read of a file.
pub(super) const KEYS: [&str; 3] = ["model_data", "state_dict", "metadata"];

/// What is read of `model_data`.
const DATA_KEYS: [&str; 8] =
    ["model", "input_size", "skip", "output_size", "unit_type", "num_layers", "hidden_size", "bias_fl"];

/// The rate, in Hz, that all of these are trained at: the files do not say.
const SAMPLE_RATE: f64 = 44_100.0;

/// Reads the recurrent layers and the dense one behind them.
pub(super) fn model(file: &Object<'_>, limits: &Limits) -> Result<ModelSpec, LoadError> {
    let data = file.get("model_data")?.object()?;
    let state = file.get("state_dict")?.object()?;
    if let Some(node) = data.opt("model")
        && node.string()? != "SimpleRNN"
    {
        return Err(node.unknown_architecture());
    }
    let width = |key: &str| data.get(key)?.size("the number of channels", 1..=limits.channels);
    let in_channels = width("input_size")?;
    let out_channels = width("output_size")?;
    let hidden_size = data.get("hidden_size")?.size("the hidden size", 1..=limits.hidden_size)?;
    let num_layers = data.get("num_layers")?.size("the number of layers", 1..=limits.num_layers)?;
    let skip_node = data.get("skip")?;
    let skip = skip_node.size("the number of skipped channels", 0..=usize::MAX)?;
    if skip > in_channels.min(out_channels) {
        return Err(skip_node.invalid("no more channels than go in and come out"));
    }
    let unit = data.get("unit_type")?;
    let gates = match unit.string()?.as_ref() {
        "LSTM" => 4,
        "GRU" => 3,
        "RNN" => 1,
        _ => return Err(unit.unknown_architecture()),
    };
    let mut reader = MatrixReader { limits, weights: 0 };
    let mut layers = Vec::with_capacity(num_layers + 1);
    for layer in 0..num_layers {
        let input_size = if layer == 0 { in_channels } else { hidden_size };
        let rows = gates * hidden_size;
        let mut matrix =
            |name: &str, columns| reader.matrix(&state.get(&format!("rec.{name}_l{layer}"))?, rows, columns);
        let vector = |name: &str| state.get(&format!("rec.{name}_l{layer}"))?.f32s_exact(rows);
        let weight_ih = matrix("weight_ih", input_size)?;
        let weight_hh = matrix("weight_hh", hidden_size)?;
        let (bias_ih, bias_hh) = (vector("bias_ih")?, vector("bias_hh")?);
        let sum = || -> Result<Vec<f32>, LoadError> {
            let sums = bias_ih.iter().zip(&bias_hh).map(|(a, b)| narrow(f64::from(*a) + f64::from(*b)));
            let path = |index| state.path_of(&format!("rec.bias_ih_l{layer}[{index}]"));
            let sums = sums.enumerate();
            sums.map(|(index, sum)| sum.ok_or_else(|| LoadError::NonFiniteWeight { path: path(index) }))
                .collect()
        };
        layers.push(match gates {
            4 => Layer::Lstm(Lstm {
                input_size,
                hidden_size,
                weight_ih,
                weight_hh,
                bias: sum()?,
                initial_hidden: vec![0.0; hidden_size],
                initial_cell: vec![0.0; hidden_size],
            }),
            3 => Layer::Gru(Gru { input_size, hidden_size, weight_ih, weight_hh, bias_ih, bias_hh }),
            _ => Layer::Rnn(Rnn { input_size, hidden_size, weight_ih, weight_hh, bias: sum()? }),
        });
    }
    layers.push(Layer::Dense(Dense {
        in_channels: hidden_size,
        out_channels,
        weight: reader.matrix(&state.get("lin.weight")?, out_channels, hidden_size)?,
        bias: state.opt("lin.bias").map(|node| node.f32s_exact(out_channels)).transpose()?,
    }));
    metadata::check(file, &KEYS, limits)?;
    let mut metadata = metadata::read(file);
    metadata.other = file.others(&KEYS);
    data.node().limit(metadata::BYTES, limits.metadata, data.kept_len(&DATA_KEYS))?;
    metadata::keep(&mut metadata.inner, &data, "model_data", &DATA_KEYS);
    Ok(ModelSpec {
        format: Format::Proteus,
        network: Network::Stack(Stack { in_channels, skip, ..Stack::new(layers) }),
        sample_rate: Some(SAMPLE_RATE),
        metadata,
    })
}

/// Writes recurrent layers of one kind and size and the dense one behind them.
pub(super) fn write(spec: &ModelSpec) -> Result<Vec<u8>, WriteError> {
    let stack = spec.stack(TARGET)?;
    check_start(stack, TARGET)?;
    if let Some(rate) = spec.known_sample_rate()
        && rate != SAMPLE_RATE
    {
        let expected = format!("{SAMPLE_RATE} Hz, at which all of these files are played");
        return Err(inexpressible(TARGET, "sample_rate", expected, format!("{rate} Hz")));
    }
    let layers = match stack.skip {
        0 => plain_layers(stack, TARGET)?,
        // With the input in the output, a gain has no place in any weight.
        _ if stack.in_gain != 1.0 => {
            return Err(inexpressible(TARGET, "in_gain", "1", stack.in_gain.to_string()));
        }
        _ if stack.out_gain != 1.0 => {
            return Err(inexpressible(TARGET, "out_gain", "1", stack.out_gain.to_string()));
        }
        _ => stack.layers.clone(),
    };
    let what = "LSTM, GRU or RNN layers of one kind and size, then a dense layer";
    let unexpected = |index: usize| {
        let found = layers.get(index).map_or("nothing", Layer::kind);
        inexpressible(TARGET, format!("layers[{index}]"), what, found)
    };
    let last = layers.len().saturating_sub(1);
    let Some((Layer::Dense(head), recurrent)) = layers.split_last() else { return Err(unexpected(last)) };
    let Some(unit) = recurrent.first().and_then(unit) else { return Err(unexpected(0)) };
    let mut state = Vec::new();
    for (index, layer) in recurrent.iter().enumerate() {
        if self::unit(layer) != Some(unit) {
            return Err(unexpected(index));
        }
        write_recurrent(layer, index, &mut state)?;
    }
    let &Dense { in_channels: hidden_size, out_channels, .. } = head;
    state.push(("lin.weight".to_owned(), rows("lin.weight", &head.weight, out_channels, hidden_size)?));
    state.extend(head.bias.as_deref().map(|bias| ("lin.bias".to_owned(), bias.into())));
    let data = [
        ("model", "SimpleRNN".into()),
        ("input_size", stack.in_channels.into()),
        ("skip", stack.skip.into()),
        ("output_size", out_channels.into()),
        ("unit_type", unit.0.into()),
        ("num_layers", recurrent.len().into()),
        ("hidden_size", unit.1.into()),
        ("bias_fl", head.bias.is_some().into()),
    ];
    let mut file = vec![("model_data".to_owned(), Value::object(data))];
    file.push(("state_dict".to_owned(), Value::Object(state)));
    metadata::add(&mut file, &spec.metadata, metadata::read, |_| ())?;
    metadata::put_back(&mut file, metadata::inner(spec, TARGET));
    Value::Object(file).into_file()
}

/// The kind and size of a recurrent layer.
fn unit(layer: &Layer) -> Option<(&'static str, usize)> {
    match layer {
        Layer::Lstm(layer) => Some(("LSTM", layer.hidden_size)),
        Layer::Gru(layer) => Some(("GRU", layer.hidden_size)),
        Layer::Rnn(layer) => Some(("RNN", layer.hidden_size)),
        _ => None,
    }
}

/// Adds the weights of a recurrent layer; of a bias that is a sum, the other half is zero.
fn write_recurrent(layer: &Layer, index: usize, state: &mut Vec<(String, Value)>) -> Result<(), WriteError> {
    let (input_size, weight_ih, weight_hh, bias_ih, bias_hh) = match layer {
        Layer::Lstm(Lstm { input_size, weight_ih, weight_hh, bias, .. })
        | Layer::Rnn(Rnn { input_size, weight_ih, weight_hh, bias, .. }) => {
            (*input_size, weight_ih, weight_hh, bias, &vec![0.0; bias.len()])
        }
        Layer::Gru(Gru { input_size, weight_ih, weight_hh, bias_ih, bias_hh, .. }) => {
            (*input_size, weight_ih, weight_hh, bias_ih, bias_hh)
        }
        _ => return Ok(()),
    };
    let hidden_size = unit(layer).map_or(1, |(_, size)| size);
    let count = bias_ih.len();
    for (name, value) in [
        ("weight_ih", rows("weight_ih", weight_ih, count, input_size)?),
        ("weight_hh", rows("weight_hh", weight_hh, count, hidden_size)?),
        ("bias_ih", bias_ih.as_slice().into()),
        ("bias_hh", bias_hh.as_slice().into()),
    ] {
        state.push((format!("rec.{name}_l{index}"), value));
    }
    Ok(())
}

/// `count` arrays of `columns` numbers.
fn rows(path: &str, weights: &[f32], count: usize, columns: usize) -> Result<Value, WriteError> {
    check_len(path, weights, count * columns)?;
    Ok(Value::array(weights.chunks(columns.max(1))))
}

/// Reads matrices, and counts their weights.
struct MatrixReader<'a> {
    limits: &'a Limits,
    weights: u64,
}

impl MatrixReader<'_> {
    /// `rows` arrays of `columns` numbers.
    fn matrix(&mut self, node: &Node<'_>, rows: usize, columns: usize) -> Result<Vec<f32>, LoadError> {
        rtneural::check_lengths(node, &[rows, columns])?;
        self.weights += (rows * columns) as u64;
        node.limit("the number of weights", self.limits.weights, self.weights)?;
        let mut numbers = Vec::with_capacity(rows * columns);
        for row in node.items("the number of rows", rows)? {
            row.numbers()?.extend(&mut numbers, columns)?;
        }
        Ok(numbers)
    }
}
