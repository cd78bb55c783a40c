//! `WaveNet`.

use super::Math;
use super::network::{
    ConvExtras, Lowered, check_conv, expect_size, is_gentle, join, lower, lower_activation, lower_conv,
    pack_sums, planar, taps,
};
use super::plan::Plan;
use crate::engine::{
    Activate, Channels, Combine, Curve, Modulate, Residual, ResidualCurve, ResidualLayer, SignalId, Step, Sum,
};
use crate::error::CompileError;
use crate::kernel::residual::fits;
use crate::spec::{Activation, Film, Gating, LayerArray, WaveNet, WaveNetLayer};

/// Appends a `WaveNet`, its condition first.
pub(super) fn lower_wavenet(
    plan: &mut Plan,
    wavenet: &WaveNet,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<Lowered, CompileError> {
    let (mut history, mut recurs, mut silence) = (0, false, 0);
    let (mut condition, mut condition_history) = (input, 0);
    if let Some(spec) = &wavenet.condition {
        let lowered = lower(plan, spec, input, math, &join(path, "condition_dsp"))?;
        condition = planar(plan, lowered.output);
        (recurs, silence) = (lowered.recurs, lowered.silence);
        condition_history = lowered.history;
    }
    let (mut signal, mut head) = (input, None);
    for (index, array) in wavenet.arrays.iter().enumerate() {
        let path = join(path, &format!("layers[{index}]"));
        let last = index + 1 == wavenet.arrays.len();
        let scale = if last { wavenet.head_scale } else { 1.0 };
        let array_out;
        (signal, array_out) = lower_array(plan, array, signal, condition, head, scale, last, math, &path)?;
        head = Some(array_out);
        let convs = array.layers.iter().map(|layer| &layer.conv).chain([&array.head_rechannel]);
        history += convs.map(|conv| (conv.kernel_size - 1) * conv.dilation).sum::<usize>();
    }
    let Some(mut output) = head else {
        let path = join(path, "layers");
        return Err(CompileError::UnsupportedFeature { path, what: "a WaveNet without layers".into() });
    };
    for (index, (activation, conv)) in wavenet.post_head.iter().enumerate() {
        let path = join(path, &format!("head[{index}]"));
        let all = plan.all(output);
        let activated = lower_activation(plan, activation, all, None, math, &path)?;
        output = lower_conv(plan, conv, activated, &ConvExtras::default(), &path)?;
        history += (conv.kernel_size - 1) * conv.dilation;
    }
    let silence = silence.saturating_add(history);
    Ok(Lowered { output, history: history + condition_history, recurs, silence })
}

/// Appends a layer array; returns the residual signal, which nobody asks for after the `last` one, and the head.
fn lower_array(
    plan: &mut Plan,
    array: &LayerArray,
    input: SignalId,
    condition: SignalId,
    head: Option<SignalId>,
    head_scale: f32,
    last: bool,
    math: Math,
    path: &str,
) -> Result<(SignalId, SignalId), CompileError> {
    let rechannel = join(path, "rechannel");
    let mut signal = lower_conv(plan, &array.rechannel, input, &ConvExtras::default(), &rechannel)?;
    let mut head = head;
    for (index, layer) in array.layers.iter().enumerate() {
        let path = join(path, &format!("layers[{index}]"));
        let wanted = !last || index + 1 < array.layers.len();
        let whole = lower_whole(plan, layer, signal, condition, head, wanted, math, &path)?;
        let head_out;
        (signal, head_out) = match whole {
            Some(outputs) => outputs,
            None => lower_layer(plan, layer, signal, condition, head, wanted, math, &path)?,
        };
        head = Some(head_out);
    }
    let Some(sum) = head else {
        let path = join(path, "layers");
        return Err(CompileError::UnsupportedFeature { path, what: "a layer array without layers".into() });
    };
    let extras = ConvExtras { scale: Some(head_scale), ..ConvExtras::default() };
    let head = lower_conv(plan, &array.head_rechannel, sum, &extras, &join(path, "head_rechannel"))?;
    Ok((signal, head))
}

/// Appends a residual layer as one step, where there is a kernel for it; returns what [`lower_layer`] does.
fn lower_whole(
    plan: &mut Plan,
    layer: &WaveNetLayer,
    input: SignalId,
    condition: SignalId,
    head: Option<SignalId>,
    wanted: bool,
    math: Math,
    path: &str,
) -> Result<Option<(SignalId, SignalId)>, CompileError> {
    let WaveNetLayer { conv, mixin, layer1x1: Some(layer1x1), head1x1: None, gating: Gating::None, .. } =
        layer
    else {
        return Ok(None);
    };
    let curve = match layer.activation {
        Activation::Tanh if math == Math::Exact => ResidualCurve::Tanh,
        Activation::Tanh | Activation::FastTanh => ResidualCurve::FastTanh,
        Activation::LeakyRelu { slope } if is_gentle(slope) => ResidualCurve::LeakyRelu { slope },
        _ => return Ok(None),
    };
    let width = plan.channels_of(input);
    let is_plain = [mixin, layer1x1].iter().all(|conv| conv.kernel_size == 1)
        && [conv, mixin, layer1x1].iter().all(|conv| (conv.groups, conv.out_channels) == (1, width))
        && (conv.in_channels, layer1x1.in_channels) == (width, width)
        && mixin.in_channels == plan.channels_of(condition)
        && head.is_none_or(|head| plan.channels_of(head) == width)
        && layer.films().iter().all(|(_, film)| film.is_none());
    if !is_plain || !fits(width, plan.lanes()) {
        return Ok(None);
    }
    check_conv(conv, &join(path, "conv"))?;
    check_conv(mixin, &join(path, "conv"))?;
    check_conv(layer1x1, &join(path, "layer1x1"))?;
    let mut packed = pack_sums(&[mixin, conv], 0, 1.0, [width]);
    if wanted {
        packed.extend(pack_sums(&[layer1x1], 0, 1.0, [width]));
    }
    let weights = plan.weights_that_follow(&packed);
    let delays = taps(plan, conv, input, 0).iter().map(|tap| tap.delay).collect();
    let sum = head.unwrap_or_else(|| plan.signal(width));
    let output = if wanted { plan.signal(width) } else { input };
    let target = wanted.then(|| plan.all(output));
    let source = plan.all(input);
    plan.push_residual(Residual {
        channels: width,
        layers: vec![ResidualLayer { delays, weights, source, target }],
        together: 1,
        curve,
        condition: plan.all(condition),
        head: Sum { from: head.map(|head| plan.all(head)), to: plan.all(sum) },
    });
    Ok(Some((output, sum)))
}

/// Appends a residual layer; returns its output, which is not computed where it is not `wanted`, and the head with the
/// layer's share added.
fn lower_layer(
    plan: &mut Plan,
    layer: &WaveNetLayer,
    input: SignalId,
    condition: SignalId,
    head: Option<SignalId>,
    wanted: bool,
    math: Math,
    path: &str,
) -> Result<(SignalId, SignalId), CompileError> {
    let film = |plan: &mut Plan, film: &Option<Film>, signal: SignalId, name: &str| match film {
        None => Ok(signal),
        Some(film) => lower_film(plan, film, signal, condition, &join(path, name)),
    };

    let seen = film(plan, &layer.conv_pre_film, input, "conv_pre_film")?;
    let mixed_in = film(plan, &layer.input_mixin_pre_film, condition, "input_mixin_pre_film")?;
    let conv_path = join(path, "conv");
    let mixed = if layer.conv_post_film.is_none() && layer.input_mixin_post_film.is_none() {
        let extras = ConvExtras { mixin: Some((&layer.mixin, mixed_in)), ..ConvExtras::default() };
        lower_conv(plan, &layer.conv, seen, &extras, &conv_path)?
    } else {
        let convolved = lower_conv(plan, &layer.conv, seen, &ConvExtras::default(), &conv_path)?;
        let convolved = film(plan, &layer.conv_post_film, convolved, "conv_post_film")?;
        let mixin = lower_conv(plan, &layer.mixin, mixed_in, &ConvExtras::default(), &join(path, "mixin"))?;
        let mixin = film(plan, &layer.input_mixin_post_film, mixin, "input_mixin_post_film")?;
        add(plan, mixin, Some(convolved), path)?
    };
    let mixed = film(plan, &layer.activation_pre_film, mixed, "activation_pre_film")?;

    // Where the activations go to the head as they are, the running sum is formed as they are computed.
    let direct = layer.activation_post_film.is_none()
        && layer.head1x1.is_none()
        && matches!(layer.gating, Gating::None);
    let direct_head = if direct {
        let width = plan.channels_of(mixed);
        head.map_or(Ok(()), |head| expect_size(path, width, plan.channels_of(head)))?;
        Some(plan.signal(width))
    } else {
        None
    };
    let sum = direct_head.map(|to| Sum { from: head.map(|from| plan.all(from)), to: plan.all(to) });
    let activated = lower_gate(plan, layer, mixed, sum, math, path)?;
    let activated = film(plan, &layer.activation_post_film, activated, "activation_post_film")?;

    let head = match (direct_head, &layer.head1x1) {
        (Some(head), _) => head,
        (None, None) => add(plan, activated, head, path)?,
        (None, Some(conv)) if layer.head1x1_post_film.is_none() => {
            let extras = ConvExtras { residual: head, ..ConvExtras::default() };
            lower_conv(plan, conv, activated, &extras, &join(path, "head1x1"))?
        }
        (None, Some(conv)) => {
            let share = lower_conv(plan, conv, activated, &ConvExtras::default(), &join(path, "head1x1"))?;
            let share = film(plan, &layer.head1x1_post_film, share, "head1x1_post_film")?;
            add(plan, share, head, path)?
        }
    };
    let output = match &layer.layer1x1 {
        None => input,
        Some(conv) if !wanted => {
            check_conv(conv, &join(path, "layer1x1"))?;
            input
        }
        Some(conv) if layer.layer1x1_post_film.is_none() => {
            let extras = ConvExtras { residual: Some(input), ..ConvExtras::default() };
            lower_conv(plan, conv, activated, &extras, &join(path, "layer1x1"))?
        }
        Some(conv) => {
            let step = lower_conv(plan, conv, activated, &ConvExtras::default(), &join(path, "layer1x1"))?;
            let step = film(plan, &layer.layer1x1_post_film, step, "layer1x1_post_film")?;
            add(plan, step, Some(input), path)?
        }
    };
    Ok((output, head))
}

/// Appends the activation and what its gating makes of it.
fn lower_gate(
    plan: &mut Plan,
    layer: &WaveNetLayer,
    mixed: SignalId,
    sum: Option<Sum>,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    let (second, blended) = match &layer.gating {
        Gating::None => {
            let all = plan.all(mixed);
            return lower_activation(plan, &layer.activation, all, sum, math, path);
        }
        Gating::Gated(second) => (second, false),
        Gating::Blended(second) => (second, true),
    };
    let mid = plan.channels_of(mixed);
    expect_size(&join(path, "conv"), mid.next_multiple_of(2), mid)?;
    let half = |first| Channels::new(mixed, first, mid / 2);
    let gate = lower_activation(plan, second, half(mid / 2), None, math, path)?;
    let activated = lower_activation(plan, &layer.activation, half(0), None, math, path)?;
    let (target, gate) = (plan.all(activated), plan.all(gate));
    plan.push(Step::Combine(Combine { target, gate, dry: blended.then(|| half(0)) }));
    Ok(activated)
}

/// Appends `signal ⊙ scale (+ shift)`, both from the condition.
fn lower_film(
    plan: &mut Plan,
    film: &Film,
    signal: SignalId,
    condition: SignalId,
    path: &str,
) -> Result<SignalId, CompileError> {
    let width = plan.channels_of(signal);
    expect_size(path, if film.shift { 2 * width } else { width }, film.conv.out_channels)?;
    let modulation = lower_conv(plan, &film.conv, condition, &ConvExtras::default(), path)?;
    let target = plan.signal(width);
    let (source, all) = (plan.all(signal), plan.all(target));
    plan.push(Step::Modulate(Modulate {
        source,
        target: all,
        scale: Channels::new(modulation, 0, width),
        shift: film.shift.then_some(Channels::new(modulation, width, width)),
    }));
    Ok(target)
}

/// Appends the sum of two signals of the same width; of one, where there is no other.
fn add(plan: &mut Plan, a: SignalId, b: Option<SignalId>, path: &str) -> Result<SignalId, CompileError> {
    let Some(b) = b else { return Ok(a) };
    let width = plan.channels_of(a);
    expect_size(path, width, plan.channels_of(b))?;
    let (copy, to) = (plan.signal(width), plan.signal(width));
    let (source, target) = (plan.all(a), plan.all(copy));
    let sum = Some(Sum { from: Some(plan.all(b)), to: plan.all(to) });
    plan.push(Step::Activate(Activate { curve: Curve::Identity, source, target, sum }));
    Ok(to)
}
