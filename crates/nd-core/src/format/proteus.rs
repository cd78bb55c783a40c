//! Proteus, `GuitarML` and Automated-GuitarAmpModelling: a `PyTorch` `state_dict` as JSON.
//!
//! | key | spec |
//! |---|---|
//! | `model_data.unit_type`, `num_layers`, `hidden_size` | so many `Lstm`, `Gru` or `Rnn` layers |
//! | `model_data.input_size` | `in_channels`: the audio, then knobs from 0 to 1 |
//! | `model_data.skip` | `skip` |
//! | `state_dict.rec.weight_ih_l0`, … | the layers' weights, in the order that they have here |
//! | `state_dict.lin.weight`, `lin.bias` | the `Dense` at the end |

use super::Limits;
use super::json::{Node, Object, narrow};
use crate::error::LoadError;
use crate::spec::{Dense, Format, Gru, Layer, Lstm, Metadata, ModelSpec, Network, Rnn, Stack};

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
    let mut layers = Vec::with_capacity(num_layers + 1);
    for layer in 0..num_layers {
        let input_size = if layer == 0 { in_channels } else { hidden_size };
        let rows = gates * hidden_size;
        let matrix =
            |name: &str, columns| matrix(&state.get(&format!("rec.{name}_l{layer}"))?, rows, columns);
        let vector = |name: &str| state.get(&format!("rec.{name}_l{layer}"))?.f32s_exact(rows);
        let weight_ih = matrix("weight_ih", input_size)?;
        let weight_hh = matrix("weight_hh", hidden_size)?;
        let (bias_ih, bias_hh) = (vector("bias_ih")?, vector("bias_hh")?);
        let sum = || -> Result<Vec<f32>, LoadError> {
            let sums = bias_ih.iter().zip(&bias_hh).map(|(a, b)| narrow(f64::from(*a) + f64::from(*b)));
            let path = || state.path_of(&format!("rec.bias_ih_l{layer}"));
            let sums = sums.enumerate();
            sums.map(|(index, sum)| sum.ok_or_else(|| LoadError::NonFiniteWeight { path: path(), index }))
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
        weight: matrix(&state.get("lin.weight")?, out_channels, hidden_size)?,
        bias: state.opt("lin.bias").map(|node| node.f32s_exact(out_channels)).transpose()?,
    }));
    Ok(ModelSpec {
        format: Format::Proteus,
        network: Network::Stack(Stack { in_channels, skip, ..Stack::new(layers) }),
        sample_rate: Some(SAMPLE_RATE),
        metadata: Metadata::default(),
    })
}

/// `rows` arrays of `columns` numbers.
fn matrix(node: &Node<'_>, rows: usize, columns: usize) -> Result<Vec<f32>, LoadError> {
    let found = node.count()?;
    if found != rows {
        return Err(node.mismatch(rows, found));
    }
    let mut numbers = Vec::new();
    for row in node.items("the number of rows", rows)? {
        numbers.extend(row.f32s_exact(columns)?);
    }
    Ok(numbers)
}
