//! From a description to a plan, whatever the network.

use std::sync::Arc;

use super::anti_aliasing::is_memoryless;
use super::plan::Plan;
use super::stack::lower_stack;
use super::wavenet::lower_wavenet;
use super::{AntiAliasing, CompileOptions, MAX_ARENA_LEN, Math};
use crate::engine::{
    Activate, BLOCK, Channels, Curve, Lookup, Mix, Program, SignalId, Softmax, Step, Sum, Tap, Transpose,
};
use crate::error::CompileError;
use crate::kernel::InstructionSet;
use crate::kernel::mix::tile_heights;
use crate::kernel::table::Table;
use crate::reference;
use crate::spec::{Activation, Conv1d, Layer, ModelSpec, Network};

/// A planned program, and what is known about the network as a whole.
pub(super) struct Lowering {
    pub(super) program: Program,
    pub(super) receptive_field: usize,
    /// Frames of silence that settle it; none where one pass does.
    pub(super) prewarm_frames: Option<usize>,
}

/// What has become of a network, or of a part of one.
pub(super) struct Lowered {
    pub(super) output: SignalId,
    /// Frames before the present one that it sees.
    pub(super) history: usize,
    /// Whether something in it recurs.
    pub(super) recurs: bool,
    /// Frames of silence that settle it.
    pub(super) silence: usize,
}

impl Lowering {
    /// Plans a network whose delays are `rate_factor` times as long as they were trained.
    pub(super) fn of(
        spec: &ModelSpec,
        options: &CompileOptions,
        method: AntiAliasing,
        rate_factor: usize,
    ) -> Result<Self, CompileError> {
        let set = options.instruction_set.unwrap_or_else(|| fastest(&spec.network, rate_factor));
        let mut plan = Plan::new(set, rate_factor);
        let inputs = spec.in_channels();
        if inputs == 0 || inputs > 1 && !takes_parameters(spec) {
            let what = format!("a model of {inputs} audio channels");
            return Err(CompileError::UnsupportedFeature { path: String::new(), what });
        }
        if inputs > MAX_ARENA_LEN / BLOCK {
            return Err(CompileError::LimitExceeded {
                path: String::new(),
                what: "the number of inputs",
                max: (MAX_ARENA_LEN / BLOCK) as u64,
                found: inputs as u64,
            });
        }
        let input = plan.signal(inputs);
        let lowered = match lower_table(&mut plan, spec, input, options.math, method)? {
            Some(lowered) => lowered,
            None => lower(&mut plan, spec, input, options.math, "")?,
        };
        expect_size("", 1, plan.channels_of(lowered.output))?;
        let output = planar(&mut plan, lowered.output);
        Ok(Self {
            program: plan.finish(input, output)?,
            receptive_field: lowered.history * rate_factor + 1,
            prewarm_frames: lowered.recurs.then_some(lowered.silence.saturating_mul(rate_factor)),
        })
    }
}

/// The instructions that play a network fastest. Where half of the lanes are idle, longer vectors are slower than short ones,
/// unless they have the registers for two frames side by side.
fn fastest(network: &Network, rate_factor: usize) -> InstructionSet {
    let best = InstructionSet::best();
    let Network::Stack(stack) = network else { return best };
    let units = stack.layers.iter().map(|layer| match layer {
        Layer::Lstm(layer) => layer.hidden_size,
        Layer::Gru(layer) => layer.hidden_size,
        Layer::Rnn(layer) => layer.hidden_size,
        Layer::Conv1d(_) | Layer::Conv2d(_) => usize::MAX,
        Layer::Dense(_) | Layer::Affine(_) | Layer::Activation(_) => 0,
    });
    let half = best.lanes() / 2;
    if rate_factor > 1 || best.lanes() < 16 || !(1..=half).contains(&units.max().unwrap_or(0)) {
        return best;
    }
    InstructionSet::available().into_iter().find(|set| set.lanes() == half).unwrap_or(best)
}

/// Whether the inputs after the first are knobs.
fn takes_parameters(spec: &ModelSpec) -> bool {
    match &spec.network {
        Network::Stack(_) | Network::WaveNet(_) => true,
        Network::Container(members) => members.iter().all(|member| takes_parameters(&member.model)),
        Network::Sequential(models) => models.first().is_some_and(takes_parameters),
    }
}

/// How far a table may be off where it stands for a network.
const TABLE_TOLERANCE: f64 = 1e-6;

/// How far a table may be off where its means are wanted: at a corner of the curve no table is better.
const MEANS_TOLERANCE: f64 = 1e-4;

/// Appends the table of a network without memory, where its means are wanted, or where it may be approximated.
fn lower_table(
    plan: &mut Plan,
    spec: &ModelSpec,
    input: SignalId,
    math: Math,
    method: AntiAliasing,
) -> Result<Option<Lowered>, CompileError> {
    let (order, wanted) = match method {
        AntiAliasing::Antiderivative { order } => (order, true),
        // At a multiple of the rate the table's speed counts, and its error is far below what the filters leave.
        AntiAliasing::Oversampled { .. } | AntiAliasing::MinimumPhase { .. } => (0, is_memoryless(spec)),
        _ => (0, is_memoryless(spec) && math == Math::Fast),
    };
    if !wanted {
        return Ok(None);
    }
    let unsupported = |what: &str| {
        let what = format!("{method} for {what}");
        Err(CompileError::UnsupportedFeature { path: String::new(), what })
    };
    if !is_memoryless(spec) {
        return unsupported("a network with memory");
    }
    if order > 2 {
        return unsupported("any network");
    }
    // Whether its shapes agree, which the reference takes for granted.
    let mut trial = Plan::new(plan.instruction_set, 1);
    let trial_input = trial.signal(1);
    lower(&mut trial, spec, trial_input, math, "")?;
    let curve =
        |x: &[f64]| reference::render(spec, &[x.to_vec()], &reference::Options::default()).swap_remove(0);
    let tolerance = if order == 0 { TABLE_TOLERANCE } else { MEANS_TOLERANCE };
    let Some(table) = Table::new(curve, tolerance) else {
        return if order == 0 { Ok(None) } else { unsupported("a curve that no table follows") };
    };
    plan.remember(input, order);
    let output = plan.signal(1);
    let (source, target) = (plan.all(input), plan.all(output));
    plan.push(Step::Lookup(Lookup { table: Arc::new(table), order, source, target }));
    Ok(Some(Lowered { output, history: order, recurs: false, silence: 0 }))
}

/// Appends a network to the plan; `path` is where it stands in the description.
pub(super) fn lower(
    plan: &mut Plan,
    spec: &ModelSpec,
    input: SignalId,
    math: Math,
    path: &str,
) -> Result<Lowered, CompileError> {
    match &spec.network {
        Network::Stack(stack) => lower_stack(plan, stack, spec.known_sample_rate(), input, math, path),
        Network::WaveNet(wavenet) => lower_wavenet(plan, wavenet, input, math, path),
        Network::Container(members) => match members.last() {
            Some(member) => lower(plan, &member.model, input, math, &join(path, "submodels")),
            None => {
                Err(CompileError::UnsupportedFeature { path: path.into(), what: "an empty container".into() })
            }
        },
        Network::Sequential(models) => {
            let mut whole = Lowered { output: input, history: 0, recurs: false, silence: 0 };
            for (index, model) in models.iter().enumerate() {
                let path = join(path, &format!("models[{index}]"));
                expect_size(&path, model.in_channels(), plan.channels_of(whole.output))?;
                let part = lower(plan, model, whole.output, math, &path)?;
                whole = Lowered {
                    output: planar(plan, part.output),
                    history: whole.history + part.history,
                    recurs: whole.recurs || part.recurs,
                    silence: whole.silence.saturating_add(part.silence),
                };
            }
            Ok(whole)
        }
    }
}

/// `parent.child`, or `child` at the top.
pub(super) fn join(parent: &str, child: &str) -> String {
    if parent.is_empty() { child.into() } else { format!("{parent}.{child}") }
}

pub(super) fn expect_size(path: &str, expected: usize, found: usize) -> Result<(), CompileError> {
    if expected == found {
        return Ok(());
    }
    Err(CompileError::ShapeMismatch { path: path.into(), expected, found })
}

/// The signal, channel by channel.
pub(super) fn planar(plan: &mut Plan, signal: SignalId) -> SignalId {
    if plan.frame_width(signal).is_none() {
        return signal;
    }
    let target = plan.signal(plan.channels_of(signal));
    let (input, all) = (plan.all(signal), plan.all(target));
    plan.push(Step::Transpose(Transpose { input, target: all }));
    target
}

/// What a convolution's sums start from, and what else goes into them.
#[derive(Default)]
pub(super) struct ConvExtras<'a> {
    /// A convolution of one tap of another signal, added.
    pub(super) mixin: Option<(&'a Conv1d, SignalId)>,
    /// A signal of the output's width, added.
    pub(super) residual: Option<SignalId>,
    /// A factor on all weights and biases.
    pub(super) scale: Option<f32>,
}

/// Appends a convolution of `source` and returns its output.
pub(super) fn lower_conv(
    plan: &mut Plan,
    conv: &Conv1d,
    source: SignalId,
    extras: &ConvExtras<'_>,
    path: &str,
) -> Result<SignalId, CompileError> {
    check_conv(conv, path)?;
    expect_size(path, conv.in_channels, plan.channels_of(source))?;
    let target = plan.signal(conv.out_channels);
    let scale = extras.scale.unwrap_or(1.0);
    let residual = extras.residual.map(|residual| plan.all(residual));
    if let Some((mixin, condition)) = extras.mixin {
        check_conv(mixin, path)?;
        expect_size(path, mixin.in_channels, plan.channels_of(condition))?;
        expect_size(path, mixin.out_channels, conv.out_channels)?;
        if conv.groups == 1 && mixin.groups == 1 && mixin.kernel_size == 1 {
            push_mix(plan, &[(conv, source), (mixin, condition)], residual, target, scale);
        } else {
            push_mix(plan, &[(conv, source)], residual, target, scale);
            let sums = plan.all(target);
            push_mix(plan, &[(mixin, condition)], Some(sums), target, scale);
        }
    } else {
        push_mix(plan, &[(conv, source)], residual, target, scale);
    }
    Ok(target)
}

/// Refuses a size of 0.
pub(super) fn expect_something(path: &str, sizes: &[(&str, usize)]) -> Result<(), CompileError> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        None => Ok(()),
        Some((what, _)) => Err(CompileError::UnsupportedFeature { path: join(path, what), what: "0".into() }),
    }
}

/// Refuses a convolution that looks further back than any arena can remember.
pub(super) fn check_reach(path: &str, kernel_size: usize, dilation: usize) -> Result<(), CompileError> {
    let frames = (kernel_size - 1).saturating_mul(dilation);
    if frames <= MAX_ARENA_LEN {
        return Ok(());
    }
    Err(CompileError::LimitExceeded {
        path: path.into(),
        what: "the frames to remember",
        max: MAX_ARENA_LEN as u64,
        found: frames as u64,
    })
}

/// The product of sizes, or the largest number where it is larger: no list is so long.
pub(super) fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |product: usize, &size| product.saturating_mul(size))
}

pub(super) fn check_conv(conv: &Conv1d, path: &str) -> Result<(), CompileError> {
    let sizes = [
        ("in_channels", conv.in_channels),
        ("out_channels", conv.out_channels),
        ("groups", conv.groups),
        ("kernel_size", conv.kernel_size),
        ("dilation", conv.dilation),
    ];
    expect_something(path, &sizes)?;
    check_reach(path, conv.kernel_size, conv.dilation)?;
    for size in [conv.in_channels, conv.out_channels] {
        expect_size(&join(path, "groups"), size - size % conv.groups, size)?;
    }
    let weights = product(&[conv.out_channels, conv.in_channels / conv.groups, conv.kernel_size]);
    expect_size(&join(path, "weight"), weights, conv.weight.len())?;
    let biases = conv.bias.as_ref().map_or(conv.out_channels, Vec::len);
    expect_size(&join(path, "bias"), conv.out_channels, biases)
}

/// Appends the sum of some convolutions, group by group; several only where each has one group.
fn push_mix(
    plan: &mut Plan,
    convs: &[(&Conv1d, SignalId)],
    residual: Option<Channels>,
    target: SignalId,
    scale: f32,
) {
    let (first, _) = convs[0];
    let outs = first.out_channels / first.groups;
    let heights: Box<[usize]> = tile_heights(outs, plan.lanes()).collect();
    for group in 0..first.groups {
        let taps = convs.iter().flat_map(|&(conv, source)| taps(plan, conv, source, group)).collect();
        let summed: Vec<&Conv1d> = convs.iter().map(|&(conv, _)| conv).collect();
        let weights = plan.weights(&pack_sums(&summed, group, scale, heights.iter().copied()));
        let channel = group * outs;
        plan.push(Step::Mix(Mix {
            taps,
            heights: heights.clone(),
            weights,
            residual: residual.map(|all| Channels::new(all.signal, all.first + channel, outs)),
            target: Channels::new(target, channel, outs),
        }));
    }
}

/// What a group of a convolution looks at, which its source remembers from now on.
pub(super) fn taps(plan: &mut Plan, conv: &Conv1d, source: SignalId, group: usize) -> Vec<Tap> {
    plan.remember(source, (conv.kernel_size - 1) * conv.dilation);
    let ins = conv.in_channels / conv.groups;
    let source = Channels::new(source, group * ins, ins);
    let delay = |tap| (conv.kernel_size - 1 - tap) * conv.dilation * plan.rate_factor;
    (0..conv.kernel_size).map(|tap| Tap { source, delay: delay(tap) }).collect()
}

/// Weights of the sum of some convolutions of a group, in tiles of these heights, with a factor on all.
pub(super) fn pack_sums(
    convs: &[&Conv1d],
    group: usize,
    scale: f32,
    heights: impl IntoIterator<Item = usize>,
) -> Vec<f32> {
    // Of each row: its convolution, its input channel in the group, its tap.
    let rows: Vec<_> = convs
        .iter()
        .flat_map(|&conv| {
            let ins = conv.in_channels / conv.groups;
            (0..conv.kernel_size).flat_map(move |tap| (0..ins).map(move |input| (conv, input, tap)))
        })
        .collect();
    let channel = |out: usize| group * (convs[0].out_channels / convs[0].groups) + out;
    let bias = |out: usize| {
        let biases = convs.iter().filter_map(|conv| conv.bias.as_ref());
        scale * biases.map(|bias| bias[channel(out)]).sum::<f32>()
    };
    let weight = |out: usize, row: usize| {
        let (conv, input, tap) = rows[row];
        scale
            * conv.weight[(channel(out) * (conv.in_channels / conv.groups) + input) * conv.kernel_size + tap]
    };
    super::pack::sums(heights, rows.len(), bias, weight)
}

/// Appends an activation of `source`, whose result is also added to a running sum where there is one.
pub(super) fn lower_activation(
    plan: &mut Plan,
    activation: &Activation,
    source: Channels,
    sum: Option<Sum>,
    math: Math,
    path: &str,
) -> Result<SignalId, CompileError> {
    let target = plan.signal(source.count);
    let curve = curve(plan, activation, source.count, math, path)?;
    let all = plan.all(target);
    plan.push(Step::Activate(Activate { curve: curve.unwrap_or(Curve::Identity), source, target: all, sum }));
    if curve.is_none() {
        plan.push(Step::Softmax(Softmax { target: all }));
    }
    Ok(target)
}

/// The activation as the engine computes it; none for softmax, which is no function of one number.
fn curve(
    plan: &mut Plan,
    activation: &Activation,
    channels: usize,
    math: Math,
    path: &str,
) -> Result<Option<Curve>, CompileError> {
    Ok(Some(match *activation {
        Activation::Identity => Curve::Identity,
        Activation::Tanh if math == Math::Exact => Curve::Tanh,
        Activation::Tanh | Activation::FastTanh => Curve::FastTanh,
        Activation::HardTanh { min, max } => Curve::HardTanh { min, max },
        Activation::Relu => Curve::Relu,
        Activation::LeakyRelu { slope } => lower_slope(plan, slope, channels),
        Activation::Sigmoid => Curve::Sigmoid,
        Activation::Silu => Curve::Silu,
        Activation::HardSwish => Curve::HardSwish,
        Activation::LeakyHardTanh { min, max, min_slope, max_slope } => {
            Curve::LeakyHardTanh { knees: (min, max), slopes: (min_slope, max_slope) }
        }
        Activation::Softsign => Curve::Softsign,
        Activation::Softsigmoid => Curve::Softsigmoid,
        Activation::Elu { alpha } => Curve::Elu { alpha },
        Activation::PRelu { ref slopes } => {
            if let [slope] = slopes[..] {
                return Ok(Some(lower_slope(plan, slope, channels)));
            }
            expect_size(&join(path, "slopes"), channels, slopes.len())?;
            Curve::PRelu { slopes: plan.weights(slopes).start }
        }
        Activation::Softmax => return Ok(None),
    }))
}

/// One slope for all channels.
fn lower_slope(plan: &mut Plan, slope: f32, channels: usize) -> Curve {
    if is_gentle(slope) {
        return Curve::LeakyRelu { slope };
    }
    Curve::PRelu { slopes: plan.weights(&vec![slope; channels]).start }
}

/// Whether a slope is from 0 to 1: those have a faster kernel.
pub(super) fn is_gentle(slope: f32) -> bool {
    (0.0..=1.0).contains(&slope)
}

/// Appends `y[c] = scale[c] · x[c] + shift[c]`, whose result is also added to a running sum where there is one.
pub(super) fn lower_affine(
    plan: &mut Plan,
    scale: &[f32],
    shift: &[f32],
    source: SignalId,
    sum: Option<Sum>,
    path: &str,
) -> Result<SignalId, CompileError> {
    let channels = plan.channels_of(source);
    expect_size(&join(path, "scale"), channels, scale.len())?;
    expect_size(&join(path, "shift"), channels, shift.len())?;
    let scales = plan.weights(&[scale, shift].concat()).start;
    let target = plan.signal(channels);
    let (source, all) = (plan.all(source), plan.all(target));
    plan.push(Step::Activate(Activate { curve: Curve::Affine { scales }, source, target: all, sum }));
    Ok(target)
}
