//! Layers, one after the other.

use super::network::{
    ConvExtras, Lowered, check_conv, check_reach, expect_size, expect_something, join, lower_activation,
    lower_affine, lower_conv, planar, product,
};
use super::pack::{self, Cell};
use super::plan::Plan;
use super::{MAX_LEN, Math};
use crate::engine::{
    Activate, BLOCK, CellKind, Channels, Curve, Filter, Mix, Project, Recur, RecurrentLayer, SignalId, Step,
    Sum, Tap,
};
use crate::error::CompileError;
use crate::kernel::mix::tile_heights;
use crate::spec::{Conv1d, Conv2d, Dense, Gru, Layer, Lstm, Padding, Prewarm, Rnn, Stack};

/// Appends a stack with its gains and its skip connection.
pub(super) fn lower_stack(
    plan: &mut Plan,
    stack: &Stack,
    sample_rate: Option<f64>,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<Lowered, CompileError> {
    expect_size(path, stack.in_channels, plan.channels_of(input))?;
    let mut signal = input;
    if stack.in_gain != 1.0 {
        // The gain is the audio's: parameters pass unchanged.
        let mut scale = vec![1.0; stack.in_channels];
        scale[0] = stack.in_gain;
        signal = lower_affine(plan, &scale, &vec![0.0; stack.in_channels], input, None, path)?;
    }
    let dry = signal;
    let (mut history, mut recurs) = (0, false);
    for (index, layer) in stack.layers.iter().enumerate() {
        let path = join(path, &format!("layers[{index}]"));
        signal = lower_layer(plan, layer, signal, math, &path)?;
        if let Layer::Conv1d(conv) = layer {
            history += (conv.kernel_size - 1) * conv.dilation;
        } else if let Layer::Conv2d(conv) = layer {
            history += (conv.kernel_size_time - 1) * conv.dilation;
        }
        recurs |= matches!(layer, Layer::Lstm(_) | Layer::Gru(_) | Layer::Rnn(_));
    }
    if stack.skip > 0 {
        signal = lower_skip(plan, dry, stack.skip, signal, path)?;
    }
    if stack.out_gain != 1.0 {
        let signal_planar = planar(plan, signal);
        let channels = plan.channels_of(signal_planar);
        signal = lower_affine(
            plan,
            &vec![stack.out_gain; channels],
            &vec![0.0; channels],
            signal_planar,
            None,
            path,
        )?;
    }
    let silence = match stack.prewarm {
        _ if !recurs => history,
        Prewarm::None => 0,
        Prewarm::Frames(frames) => frames,
        Prewarm::Seconds(seconds) => sample_rate.map_or(1, |rate| (seconds * rate) as usize),
    };
    Ok(Lowered { output: signal, history, recurs, silence })
}

fn lower_layer(
    plan: &mut Plan,
    layer: &Layer,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    match layer {
        Layer::Dense(dense) => match plan.frame_width(input) {
            Some(width) => lower_project(plan, dense, input, width, path),
            None => lower_conv(plan, &Conv1d::from(dense), input, &ConvExtras::default(), path),
        },
        Layer::Conv1d(conv) => {
            let input = planar(plan, input);
            if is_filter(conv) {
                return lower_filter(plan, conv, input, path);
            }
            lower_conv(plan, conv, input, &ConvExtras::default(), path)
        }
        Layer::Conv2d(conv) => {
            let input = planar(plan, input);
            lower_conv2d(plan, conv, input, path)
        }
        Layer::Activation(activation) => {
            let input = planar(plan, input);
            let all = plan.all(input);
            lower_activation(plan, activation, all, None, math, path)
        }
        Layer::Affine(affine) => {
            let input = planar(plan, input);
            lower_affine(plan, &affine.scale, &affine.shift, input, None, path)
        }
        Layer::Lstm(lstm) => lower_lstm(plan, lstm, input, math, path),
        Layer::Gru(gru) => lower_gru(plan, gru, input, math, path),
        Layer::Rnn(rnn) => lower_rnn(plan, rnn, input, math, path),
    }
}

/// Taps from which on a convolution of one channel by one is a filter of its own kind.
const MIN_FILTER: usize = 32;

/// Whether a convolution is a long filter of one channel.
fn is_filter(conv: &Conv1d) -> bool {
    let shape = [conv.in_channels, conv.out_channels, conv.groups, conv.dilation];
    shape == [1; 4] && conv.kernel_size >= MIN_FILTER
}

/// Appends a long filter of one channel.
fn lower_filter(
    plan: &mut Plan,
    conv: &Conv1d,
    source: SignalId,
    path: &str,
) -> Result<SignalId, CompileError> {
    check_conv(conv, path)?;
    expect_size(path, conv.in_channels, plan.channels_of(source))?;
    let target = plan.signal(conv.out_channels);
    // At a multiple of its rate there is nothing between two taps.
    let mut taps = vec![0.0; (conv.kernel_size - 1) * plan.rate_factor + 1];
    for (tap, &weight) in taps.iter_mut().step_by(plan.rate_factor).zip(conv.weight.iter().rev()) {
        *tap = weight;
    }
    let bias = conv.bias.as_ref().map_or(0.0, |bias| bias[0]);
    let filter = Filter::new(&taps, bias, plan.lanes());
    plan.push_convolve(filter, source, target);
    Ok(target)
}

/// Appends a dense layer on frame-major input, `width` from frame to frame.
fn lower_project(
    plan: &mut Plan,
    dense: &Dense,
    input: SignalId,
    width: usize,
    path: &str,
) -> Result<SignalId, CompileError> {
    expect_size(path, dense.in_channels, plan.channels_of(input))?;
    expect_something(path, &[("out_channels", dense.out_channels)])?;
    let weights = product(&[dense.out_channels, dense.in_channels]);
    expect_size(&join(path, "weight"), weights, dense.weight.len())?;
    let biases = dense.bias.clone().unwrap_or_else(|| vec![0.0; dense.out_channels]);
    expect_size(&join(path, "bias"), dense.out_channels, biases.len())?;
    let mut packed = vec![0.0; dense.out_channels * width];
    for (row, weights) in packed.chunks_exact_mut(width).zip(dense.weight.chunks_exact(dense.in_channels)) {
        row[..weights.len()].copy_from_slice(weights);
    }
    let target = plan.signal(dense.out_channels);
    let (weights, biases) = (plan.weights(&packed), plan.weights(&biases));
    let (input, all) = (plan.all(input), plan.all(target));
    plan.push(Step::Project(Project { input, width, weights, biases, target: all }));
    Ok(target)
}

/// Adds the first `skip` input channels to the first output channels.
fn lower_skip(
    plan: &mut Plan,
    dry: SignalId,
    skip: usize,
    wet: SignalId,
    path: &str,
) -> Result<SignalId, CompileError> {
    let wet = planar(plan, wet);
    let channels = plan.channels_of(wet);
    if skip > channels || skip > plan.channels_of(dry) {
        return Err(CompileError::ShapeMismatch {
            path: join(path, "skip"),
            expected: channels,
            found: skip,
        });
    }
    let (copy, sum) = (plan.signal(skip), plan.signal(channels));
    let source = Channels::new(dry, 0, skip);
    let all = plan.all(copy);
    let running = Sum { from: Some(plan.all(wet)), to: plan.all(sum) };
    plan.push(Step::Activate(Activate { curve: Curve::Identity, source, target: all, sum: Some(running) }));
    if skip < channels {
        let rest = |signal| Channels::new(signal, skip, channels - skip);
        let (source, target) = (rest(wet), rest(sum));
        plan.push(Step::Activate(Activate { curve: Curve::Identity, source, target, sum: None }));
    }
    Ok(sum)
}

/// Appends one mix for each output feature: they share their weights, unless padding cuts some off.
fn lower_conv2d(
    plan: &mut Plan,
    conv: &Conv2d,
    input: SignalId,
    path: &str,
) -> Result<SignalId, CompileError> {
    let sizes = [
        ("out_filters", conv.out_filters),
        ("out_features", conv.out_features),
        ("kernel_size_time", conv.kernel_size_time),
        ("kernel_size_feature", conv.kernel_size_feature),
        ("dilation", conv.dilation),
        ("stride", conv.stride),
    ];
    expect_something(path, &sizes)?;
    check_reach(path, conv.kernel_size_time, conv.dilation)?;
    expect_size(path, product(&[conv.in_features, conv.in_filters]), plan.channels_of(input))?;
    let weights =
        product(&[conv.kernel_size_time, conv.kernel_size_feature, conv.in_filters, conv.out_filters]);
    expect_size(&join(path, "weight"), weights, conv.weight.len())?;
    // Each output feature has weights of its own: padding may cut some off.
    let packed = product(&[conv.out_features, conv.weight.len().max(BLOCK * conv.out_filters)]);
    if packed > MAX_LEN {
        return Err(CompileError::LimitExceeded {
            path: path.into(),
            what: "the weights of all output features",
            max: MAX_LEN as u64,
            found: packed as u64,
        });
    }
    let biases = conv.bias.clone().unwrap_or_else(|| vec![0.0; conv.out_filters]);
    expect_size(&join(path, "bias"), conv.out_filters, biases.len())?;
    let target = plan.signal(conv.out_features * conv.out_filters);
    let last = (conv.out_features - 1).saturating_mul(conv.stride);
    let reach = last.saturating_add(conv.kernel_size_feature).saturating_sub(conv.in_features);
    let before = match conv.padding {
        Padding::Valid => {
            expect_size(&join(path, "out_features"), 0, reach)?;
            0
        }
        Padding::Same => reach / 2,
    };
    plan.remember(input, conv.kernel_size_time.saturating_sub(1) * conv.dilation);
    for feature in 0..conv.out_features {
        let mut taps = Vec::new();
        // Of each row: its place among the taps of time and feature, and its input filter.
        let mut rows = Vec::new();
        for offset in 0..conv.kernel_size_feature {
            let place = feature.saturating_mul(conv.stride).saturating_add(offset);
            let Some(from) = place.checked_sub(before) else { continue };
            if from >= conv.in_features {
                continue;
            }
            let source = Channels::new(input, from * conv.in_filters, conv.in_filters);
            for time in 0..conv.kernel_size_time {
                let delay = (conv.kernel_size_time - 1 - time) * conv.dilation * plan.rate_factor;
                taps.push(Tap { source, delay });
                let tap = time * conv.kernel_size_feature + offset;
                rows.extend((0..conv.in_filters).map(|filter| (tap, filter)));
            }
        }
        let weight = |out: usize, row: usize| {
            let (tap, filter) = rows[row];
            conv.weight[(tap * conv.in_filters + filter) * conv.out_filters + out]
        };
        let heights: Box<[usize]> = tile_heights(conv.out_filters, plan.lanes()).collect();
        let packed = pack::sums(heights.iter().copied(), rows.len(), |out| biases[out], weight);
        let weights = plan.weights(&packed);
        let target = Channels::new(target, feature * conv.out_filters, conv.out_filters);
        plan.push(Step::Mix(Mix { taps: taps.into(), heights, weights, residual: None, target }));
    }
    Ok(target)
}

fn lower_lstm(
    plan: &mut Plan,
    layer: &Lstm,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    check_cell(
        path,
        4,
        layer.hidden_size,
        layer.input_size,
        &layer.weight_ih,
        &layer.weight_hh,
        &[&layer.bias],
    )?;
    for state in [&layer.initial_hidden, &layer.initial_cell] {
        expect_size(&join(path, "initial state"), layer.hidden_size, state.len())?;
    }
    let initial = (&layer.initial_hidden[..], &layer.initial_cell[..]);
    lower_cell(plan, CellKind::Lstm, &Cell::lstm(layer), initial, input, math, path)
}

fn lower_gru(
    plan: &mut Plan,
    layer: &Gru,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    let biases = [&layer.bias_ih[..], &layer.bias_hh[..]];
    check_cell(path, 3, layer.hidden_size, layer.input_size, &layer.weight_ih, &layer.weight_hh, &biases)?;
    lower_cell(plan, CellKind::Gru, &Cell::gru(layer), (&[], &[]), input, math, path)
}

fn lower_rnn(
    plan: &mut Plan,
    layer: &Rnn,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    check_cell(
        path,
        1,
        layer.hidden_size,
        layer.input_size,
        &layer.weight_ih,
        &layer.weight_hh,
        &[&layer.bias],
    )?;
    lower_cell(plan, CellKind::Rnn, &Cell::rnn(layer), (&[], &[]), input, math, path)
}

fn check_cell(
    path: &str,
    gates: usize,
    hidden: usize,
    inputs: usize,
    weight_ih: &[f32],
    weight_hh: &[f32],
    biases: &[&[f32]],
) -> Result<(), CompileError> {
    expect_something(path, &[("input_size", inputs), ("hidden_size", hidden)])?;
    expect_size(&join(path, "weight_ih"), product(&[gates, hidden, inputs]), weight_ih.len())?;
    expect_size(&join(path, "weight_hh"), product(&[gates, hidden, hidden]), weight_hh.len())?;
    biases.iter().try_for_each(|bias| expect_size(&join(path, "bias"), gates * hidden, bias.len()))
}

fn lower_cell(
    plan: &mut Plan,
    cell_kind: CellKind,
    cell: &Cell<'_>,
    (initial_hidden, initial_cell): (&[f32], &[f32]),
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    expect_size(path, cell.input_size, plan.channels_of(input))?;
    let lanes = plan.lanes();
    let units = cell.units(lanes);
    let output = plan.frames_signal(cell.hidden_size, units, initial_hidden);
    let cell_state = plan.frames_signal(cell.hidden_size, units, initial_cell);
    let weights = plan.weights(&cell.pack(lanes));
    let (input, all, cell_state) = (plan.all(input), plan.all(output), plan.all(cell_state));
    plan.push_recur(Recur {
        cell_kind,
        fast: math == Math::Fast,
        delay: plan.rate_factor,
        layers: vec![RecurrentLayer {
            weights,
            input,
            output: all,
            cell: cell_state,
            units,
            hidden_rows: cell.hidden_rows(),
        }],
    });
    Ok(output)
}
