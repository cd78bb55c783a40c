//! What an engine can do in one step: a closed set, matched once a block.

use std::ops::Range;
use std::sync::Arc;

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::BLOCK;
use super::convolve::Convolve;
use super::program::State;
use super::signal::{SignalId, Span};
use crate::kernel::mix::{Rows, load, mix, store};
use crate::kernel::recurrent::{Layer, Place, gru, lstm, project, rnn};
use crate::kernel::residual::{self, Places, residual_layers};
use crate::kernel::table::Table;
use crate::kernel::{FRAME_GROUP, Plane, Ring, activation};

/// One step of a program.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Mix(Mix),
    Residual(Residual),
    Convolve(Convolve),
    Activate(Activate),
    Combine(Combine),
    Modulate(Modulate),
    Softmax(Softmax),
    Lookup(Lookup),
    Recur(Recur),
    Project(Project),
    Transpose(Transpose),
}

/// Some channels of a signal as they were some frames ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    pub(crate) source: Channels,
    pub(crate) delay: usize,
}

/// Some channels of a signal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels {
    pub(crate) signal: SignalId,
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Where they lie, once the signals have their places.
    pub(crate) span: Span,
}

impl Channels {
    /// Channels that have no place yet.
    pub(crate) fn new(signal: SignalId, first: usize, count: usize) -> Self {
        Self { signal, first, count, span: Span::default() }
    }

    /// Where they are `delay` frames ago.
    #[inline(always)]
    pub(crate) fn plane(&self, state: &State, delay: usize) -> Plane {
        self.plane_at(&state.positions, delay)
    }

    #[inline(always)]
    fn plane_at(&self, positions: &[u32], delay: usize) -> Plane {
        self.ring(positions).at(delay)
    }

    /// Where they and their past are.
    #[inline(always)]
    fn ring(&self, positions: &[u32]) -> Ring {
        self.span.ring(positions[self.signal.0 as usize])
    }
}

/// Weighted sums: dense layers, convolutions, 1x1s.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    pub(crate) taps: Box<[Tap]>,
    /// Of the tiles that the target's channels are split into.
    pub(crate) heights: Box<[usize]>,
    /// Packed as [`mix`] wants them.
    pub(crate) weights: Range<usize>,
    /// Added to the sums, channel by channel; may be the target.
    pub(crate) residual: Option<Channels>,
    pub(crate) target: Channels,
}

/// Residual layers of one width, each on the output of the one before.
#[derive(Debug, Clone)]
pub(crate) struct Residual {
    pub(crate) channels: usize,
    pub(crate) layers: Vec<ResidualLayer>,
    /// Layers that a tile of a long block goes through before the next one does.
    pub(crate) together: usize,
    pub(crate) curve: ResidualCurve,
    pub(crate) condition: Channels,
    /// The running sum of what the curve makes.
    pub(crate) head: Sum,
}

/// A convolution with a condition mixed in, a curve, and the 1x1 behind it.
#[derive(Debug, Clone)]
pub(crate) struct ResidualLayer {
    /// Of the taps of the convolution; the last one is none.
    pub(crate) delays: Box<[usize]>,
    /// Packed as [`residual_layers`] wants them; those of the next layer follow.
    pub(crate) weights: Range<usize>,
    /// The residual signal.
    pub(crate) source: Channels,
    /// Where it goes; nobody asks for that of the last layer.
    pub(crate) target: Option<Channels>,
}

/// The curves for which there is a kernel of whole layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ResidualCurve {
    Tanh,
    FastTanh,
    /// Of a slope from 0 to 1.
    LeakyRelu {
        slope: f32,
    },
}

/// A function of one number, applied to each sample.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Curve {
    Identity,
    Tanh,
    FastTanh,
    Sigmoid,
    Relu,
    Silu,
    HardSwish,
    Softsign,
    Softsigmoid,
    /// Of a slope from 0 to 1.
    LeakyRelu {
        slope: f32,
    },
    HardTanh {
        min: f32,
        max: f32,
    },
    LeakyHardTanh {
        knees: (f32, f32),
        slopes: (f32, f32),
    },
    Elu {
        alpha: f32,
    },
    /// One slope for each channel, this far into the weights.
    PRelu {
        slopes: usize,
    },
    /// One factor for each channel, then one summand for each, this far into the weights.
    Affine {
        scales: usize,
    },
}

/// `target = curve(source)`, and the result added to a running sum (`sum_to = sum_from + target`) where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Activate {
    pub(crate) curve: Curve,
    pub(crate) source: Channels,
    pub(crate) target: Channels,
    pub(crate) sum: Option<Sum>,
}

/// Where a running sum comes from (nothing: zero) and goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) from: Option<Channels>,
    pub(crate) to: Channels,
}

/// `target = target ⊙ gate`, or, blended with `dry`, `target = dry + gate ⊙ (target − dry)`.
#[derive(Debug, Clone)]
pub(crate) struct Combine {
    pub(crate) target: Channels,
    pub(crate) gate: Channels,
    pub(crate) dry: Option<Channels>,
}

/// `target = source ⊙ scale (+ shift)`.
#[derive(Debug, Clone)]
pub(crate) struct Modulate {
    pub(crate) source: Channels,
    pub(crate) target: Channels,
    pub(crate) scale: Channels,
    pub(crate) shift: Option<Channels>,
}

/// Softmax over the channels of a signal, in place.
#[derive(Debug, Clone)]
pub(crate) struct Softmax {
    pub(crate) target: Channels,
}

/// One channel through a table: its values, or its means over `order + 1` frames.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub(crate) table: Arc<Table>,
    pub(crate) order: usize,
    pub(crate) source: Channels,
    pub(crate) target: Channels,
}

/// Recurrent layers of one kind, each on the output of the one before.
#[derive(Debug, Clone)]
pub(crate) struct Recur {
    pub(crate) cell_kind: CellKind,
    /// Whether the approximations of `Math::Fast` are used.
    pub(crate) fast: bool,
    /// Frames from one state to the next.
    pub(crate) delay: usize,
    /// At most [`MAX_LAYERS`](Self::MAX_LAYERS).
    pub(crate) layers: Vec<RecurrentLayer>,
}

#[derive(Debug, Clone)]
pub(crate) struct RecurrentLayer {
    pub(crate) weights: Range<usize>,
    pub(crate) input: Channels,
    pub(crate) output: Channels,
    /// Cell state of an LSTM.
    pub(crate) cell: Channels,
    pub(crate) units: usize,
    pub(crate) hidden_rows: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    Lstm,
    Gru,
    Rnn,
}

/// A dense layer from frame-major input to channels.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) input: Channels,
    pub(crate) width: usize,
    /// One row of `width` weights for each output channel.
    pub(crate) weights: Range<usize>,
    pub(crate) biases: Range<usize>,
    pub(crate) target: Channels,
}

/// From frame-major to channels.
#[derive(Debug, Clone)]
pub(crate) struct Transpose {
    pub(crate) input: Channels,
    pub(crate) target: Channels,
}

impl Step {
    /// Computes `frames` frames.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        match self {
            Self::Mix(step) => step.run(simd, weights, state, frames),
            Self::Residual(step) => step.run(simd, weights, state, frames),
            Self::Convolve(step) => step.run(simd, state, frames),
            Self::Activate(step) => step.run(simd, weights, state, frames),
            Self::Combine(step) => step.run(simd, state, frames),
            Self::Modulate(step) => step.run(simd, state, frames),
            Self::Softmax(step) => step.run(simd, state, frames),
            Self::Lookup(step) => step.run(simd, state, frames),
            Self::Recur(step) => step.run(simd, weights, state, frames),
            Self::Project(step) => step.run(simd, weights, state, frames),
            Self::Transpose(step) => step.run(state, frames),
        }
    }

    /// Everything that a step reads or writes.
    pub(crate) fn channels_mut(&mut self) -> Vec<&mut Channels> {
        match self {
            Self::Mix(Mix { taps, residual, target, .. }) => {
                let sources = taps.iter_mut().map(|tap| &mut tap.source);
                sources.chain(residual).chain([target]).collect()
            }
            Self::Residual(Residual { layers, condition, head, .. }) => {
                let signals =
                    layers.iter_mut().flat_map(|layer| [Some(&mut layer.source), layer.target.as_mut()]);
                signals.flatten().chain([condition, &mut head.to]).chain(&mut head.from).collect()
            }
            Self::Activate(Activate { source, target, sum: None, .. })
            | Self::Convolve(Convolve { source, target, .. })
            | Self::Lookup(Lookup { source, target, .. }) => vec![source, target],
            Self::Activate(Activate { source, target, sum: Some(Sum { from, to }), .. }) => {
                [source, target, to].into_iter().chain(from).collect()
            }
            Self::Combine(Combine { target, gate, dry }) => [target, gate].into_iter().chain(dry).collect(),
            Self::Modulate(Modulate { source, target, scale, shift }) => {
                [source, target, scale].into_iter().chain(shift).collect()
            }
            Self::Softmax(Softmax { target }) => vec![target],
            Self::Recur(Recur { layers, .. }) => layers
                .iter_mut()
                .flat_map(|layer| [&mut layer.input, &mut layer.output, &mut layer.cell])
                .collect(),
            Self::Project(Project { input, target, .. }) | Self::Transpose(Transpose { input, target }) => {
                vec![input, target]
            }
        }
    }

    /// What a step writes: the start of its rings must be repeated afterwards.
    #[inline(always)]
    pub(crate) fn targets(&self) -> [Option<&Channels>; 2] {
        match self {
            Self::Mix(Mix { target, .. })
            | Self::Convolve(Convolve { target, .. })
            | Self::Combine(Combine { target, .. })
            | Self::Modulate(Modulate { target, .. })
            | Self::Softmax(Softmax { target })
            | Self::Lookup(Lookup { target, .. })
            | Self::Project(Project { target, .. })
            | Self::Transpose(Transpose { target, .. }) => [Some(target), None],
            Self::Activate(Activate { target, sum, .. }) => [Some(target), sum.as_ref().map(|sum| &sum.to)],
            Self::Residual(Residual { layers, head, .. }) => {
                [layers.last().and_then(|layer| layer.target.as_ref()), Some(&head.to)]
            }
            // Frame-major states are no rings.
            Self::Recur(_) => [None, None],
        }
    }
}

/// Frames rounded up to whole groups: what kernels compute.
#[inline(always)]
fn padded(frames: usize) -> usize {
    frames.next_multiple_of(FRAME_GROUP)
}

impl Mix {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        for (tap, rows) in self.taps.iter().zip(&mut state.rows) {
            *rows = Rows { plane: tap.source.plane_at(&state.positions, tap.delay), count: tap.source.count };
        }
        let residual = self.residual.map(|channels| channels.plane(state, 0));
        let target = self.target.plane(state, 0);
        mix(
            simd,
            &self.heights,
            &weights[self.weights.clone()],
            &state.rows[..self.taps.len()],
            residual,
            state.arena.as_mut_slice(),
            target,
            padded(frames),
        );
    }
}

impl Residual {
    /// Rows that a tile of a long block goes through before the next one does, about: they are still in the nearest cache
    /// then.
    const ROWS: usize = 64;

    /// Frames of a block that is one tile, or two: it goes through all layers at once.
    const SHORT: usize = 2 * FRAME_GROUP;

    /// Whether another one can run together with this one: layer after layer, tile by tile.
    pub(crate) fn goes_on_with(&self, next: &Self) -> bool {
        let (Some(last), Some(first)) = (self.layers.last(), next.layers.first()) else { return false };
        self.curve == next.curve
            && last.weights.end == first.weights.start
            && self.condition.signal == next.condition.signal
            && next
                .head
                .from
                .is_some_and(|from| [from.signal, next.head.to.signal] == [self.head.to.signal; 2])
            && last.target.is_some_and(|output| output.signal == first.source.signal)
    }

    /// Puts the layers of another one behind its own.
    pub(crate) fn extend(&mut self, next: &Self) {
        self.layers.extend(next.layers.iter().cloned());
        let rows = self.layers.iter().map(|layer| layer.delays.len()).sum::<usize>() * self.channels;
        self.together = (self.layers.len() * Self::ROWS / rows).max(1);
    }

    /// The same, one layer in each.
    pub(crate) fn singly(&self) -> impl Iterator<Item = Self> {
        self.layers.iter().enumerate().map(|(index, layer)| {
            let from = if index == 0 { self.head.from } else { Some(self.head.to) };
            let head = Sum { from, to: self.head.to };
            Self { layers: vec![layer.clone()], head, ..*self }
        })
    }

    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        let mut places = Places {
            source: Ring::default(),
            condition: Rows { plane: self.condition.plane(state, 0), count: self.condition.count },
            head: self.head.from.map(|head| head.plane(state, 0)),
            head_target: self.head.to.plane(state, 0),
        };
        let positions = &state.positions;
        let arena = state.arena.as_mut_slice();
        let together = if frames <= Self::SHORT { self.layers.len() } else { self.together };
        for layers in self.layers.chunks(together) {
            let Some(first) = layers.first() else { continue };
            places.source = first.source.ring(positions);
            macro_rules! layers {
                (|$x:ident| $y:expr) => {
                    residual_layers(
                        simd,
                        self.channels,
                        #[inline(always)]
                        |$x: S::f32s| $y,
                        &weights[first.weights.start..],
                        layers.len(),
                        #[inline(always)]
                        |index| layers[index].placed(positions),
                        &places,
                        arena,
                        padded(frames),
                    )
                };
            }
            match self.curve {
                ResidualCurve::Tanh => layers!(|x| activation::tanh_soon(simd, x)),
                ResidualCurve::FastTanh => layers!(|x| activation::fast_tanh(simd, x)),
                ResidualCurve::LeakyRelu { slope } => layers!(|x| activation::leaky_relu(simd, x, slope)),
            }
            places.head = Some(places.head_target);
        }
    }
}

impl ResidualLayer {
    /// With the places of its signals in this block.
    #[inline(always)]
    fn placed(&self, positions: &[u32]) -> residual::Layer<'_> {
        residual::Layer {
            delays: &self.delays,
            target: self.target.as_ref().map(|target| target.ring(positions)),
        }
    }
}

impl Activate {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        macro_rules! each {
            (|$channel:pat_param, $x:ident| $y:expr) => {
                self.map(
                    simd,
                    state,
                    frames,
                    #[inline(always)]
                    |$channel: usize, $x: S::f32s| $y,
                )
            };
        }
        match self.curve {
            Curve::Identity => each!(|_, x| x),
            Curve::Tanh => each!(|_, x| activation::tanh(simd, x)),
            Curve::FastTanh => each!(|_, x| activation::fast_tanh(simd, x)),
            Curve::Sigmoid => each!(|_, x| activation::sigmoid(simd, x)),
            Curve::Relu => each!(|_, x| S::f32s::splat(simd, 0.0).max(x)),
            Curve::Silu => each!(|_, x| x * activation::sigmoid(simd, x)),
            Curve::HardSwish => each!(|_, x| activation::hard_swish(simd, x)),
            Curve::Softsign => each!(|_, x| activation::softsign(simd, x)),
            Curve::Softsigmoid => {
                let half = S::f32s::splat(simd, 0.5);
                each!(|_, x| activation::softsign(simd, x).mul_add(half, half));
            }
            Curve::LeakyRelu { slope } => each!(|_, x| activation::leaky_relu(simd, x, slope)),
            Curve::HardTanh { min, max } => each!(|_, x| activation::clamp(simd, x, min, max)),
            Curve::LeakyHardTanh { knees, slopes } => {
                each!(|_, x| activation::leaky_hard_tanh(simd, x, knees, slopes));
            }
            Curve::Elu { alpha } => each!(|_, x| activation::elu(simd, x, alpha)),
            Curve::PRelu { slopes } => {
                each!(|channel, x| activation::prelu(simd, x, weights[slopes + channel]));
            }
            Curve::Affine { scales } => {
                let shifts = scales + self.target.count;
                each!(|channel, x| {
                    let (scale, shift) = (weights[scales + channel], weights[shifts + channel]);
                    x.mul_add(S::f32s::splat(simd, scale), S::f32s::splat(simd, shift))
                });
            }
        }
    }

    #[inline(always)]
    fn map<S: Simd>(
        &self,
        simd: S,
        state: &mut State,
        frames: usize,
        curve: impl Fn(usize, S::f32s) -> S::f32s,
    ) {
        let source = self.source.plane(state, 0);
        let target = self.target.plane(state, 0);
        let sum =
            self.sum.map(|Sum { from, to }| (from.map(|from| from.plane(state, 0)), to.plane(state, 0)));
        let arena = state.arena.as_mut_slice();
        for channel in 0..self.target.count {
            for frame in (0..padded(frames)).step_by(S::f32s::LEN) {
                let [x] = load(simd, arena, source.channel(channel) + frame);
                let mut y = curve(channel, x);
                store::<S, 1>([y], arena, target.channel(channel) + frame);
                if let Some((from, to)) = sum {
                    if let Some(from) = from {
                        let [from] = load(simd, arena, from.channel(channel) + frame);
                        y += from;
                    }
                    store::<S, 1>([y], arena, to.channel(channel) + frame);
                }
            }
        }
    }
}

impl Combine {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, state: &mut State, frames: usize) {
        let target = self.target.plane(state, 0);
        let gate = self.gate.plane(state, 0);
        let dry = self.dry.map(|dry| dry.plane(state, 0));
        let arena = state.arena.as_mut_slice();
        for channel in 0..self.target.count {
            for frame in (0..padded(frames)).step_by(S::f32s::LEN) {
                let at = target.channel(channel) + frame;
                let [x] = load(simd, arena, at);
                let [g] = load(simd, arena, gate.channel(channel) + frame);
                let y = match dry {
                    None => x * g,
                    Some(dry) => {
                        let [dry] = load(simd, arena, dry.channel(channel) + frame);
                        g.mul_add(x - dry, dry)
                    }
                };
                store::<S, 1>([y], arena, at);
            }
        }
    }
}

impl Modulate {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, state: &mut State, frames: usize) {
        let source = self.source.plane(state, 0);
        let target = self.target.plane(state, 0);
        let scale = self.scale.plane(state, 0);
        let shift = self.shift.map(|shift| shift.plane(state, 0));
        let arena = state.arena.as_mut_slice();
        for channel in 0..self.target.count {
            for frame in (0..padded(frames)).step_by(S::f32s::LEN) {
                let [x] = load(simd, arena, source.channel(channel) + frame);
                let [scale] = load(simd, arena, scale.channel(channel) + frame);
                let y = match shift {
                    None => x * scale,
                    Some(shift) => {
                        let [shift] = load(simd, arena, shift.channel(channel) + frame);
                        x.mul_add(scale, shift)
                    }
                };
                store::<S, 1>([y], arena, target.channel(channel) + frame);
            }
        }
    }
}

impl Softmax {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, state: &mut State, frames: usize) {
        let target = self.target.plane(state, 0);
        let arena = state.arena.as_mut_slice();
        for frame in (0..padded(frames)).step_by(S::f32s::LEN) {
            let mut largest = S::f32s::splat(simd, f32::MIN);
            for channel in 0..self.target.count {
                let [x] = load(simd, arena, target.channel(channel) + frame);
                largest = largest.max(x);
            }
            let mut sum = S::f32s::splat(simd, 0.0);
            for channel in 0..self.target.count {
                let at = target.channel(channel) + frame;
                let [x] = load(simd, arena, at);
                let e = activation::exp(simd, x - largest);
                sum += e;
                store::<S, 1>([e], arena, at);
            }
            for channel in 0..self.target.count {
                let at = target.channel(channel) + frame;
                let [e] = load(simd, arena, at);
                store::<S, 1>([e / sum], arena, at);
            }
        }
    }
}

impl Lookup {
    /// The instruction set is that of the function which this becomes a part of.
    #[inline(always)]
    fn run<S: Simd>(&self, _: S, state: &mut State, frames: usize) {
        let source = self.source.plane(state, self.order).offset;
        let target = self.target.plane(state, 0).offset;
        let mut y = [0.0; BLOCK];
        let y = &mut y[..frames];
        let arena = state.arena.as_mut_slice();
        let x = &arena[source..source + self.order + frames];
        match self.order {
            0 => self.table.values(x, y),
            1 => self.table.means(x, y),
            _ => self.table.triangular_means(x, y),
        }
        arena[target..target + frames].copy_from_slice(y);
    }
}

impl Recur {
    /// Layers of one step: what they need to know lies on the stack.
    const MAX_LAYERS: usize = 4;

    /// Whether another one can run together with this one: layer after layer, frame by frame.
    pub(crate) fn goes_on_with(&self, next: &Self) -> bool {
        let feeds = |from: &RecurrentLayer, to: &RecurrentLayer| from.output.signal == to.input.signal;
        (self.cell_kind, self.fast, self.delay) == (next.cell_kind, next.fast, next.delay)
            && self.layers.len() + next.layers.len() <= Self::MAX_LAYERS
            && self.layers.last().zip(next.layers.first()).is_some_and(|(from, to)| feeds(from, to))
    }

    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        let mut layers = [Layer::default(); Self::MAX_LAYERS];
        for (running, layer) in layers.iter_mut().zip(&self.layers) {
            let input = layer.input.plane(state, 0);
            let place = Place {
                input: input.offset,
                input_frame_stride: layer.input.span.frame_stride,
                input_channel_stride: input.stride,
                inputs: layer.input.count,
                output: layer.output.span.offset,
                cell: layer.cell.span.offset,
                delay: self.delay,
                units: layer.units,
                hidden_rows: layer.hidden_rows,
            };
            *running = Layer { weights: &weights[layer.weights.clone()], place };
        }
        let layers = &layers[..self.layers.len()];
        let arena = state.arena.as_mut_slice();
        match (self.cell_kind, self.fast) {
            (CellKind::Lstm, false) => lstm::<S, false>(simd, layers, arena, frames),
            (CellKind::Lstm, true) => lstm::<S, true>(simd, layers, arena, frames),
            (CellKind::Gru, false) => gru::<S, false>(simd, layers, arena, frames),
            (CellKind::Gru, true) => gru::<S, true>(simd, layers, arena, frames),
            (CellKind::Rnn, false) => rnn::<S, false>(simd, layers, arena, frames),
            (CellKind::Rnn, true) => rnn::<S, true>(simd, layers, arena, frames),
        }
    }
}

impl Project {
    #[inline(always)]
    fn run<S: Simd>(&self, simd: S, weights: &[f32], state: &mut State, frames: usize) {
        let input = self.input.plane(state, 0);
        let target = self.target.plane(state, 0);
        let biases = &weights[self.biases.clone()];
        let weights = &weights[self.weights.clone()];
        let arena = state.arena.as_mut_slice();
        for (channel, (row, &bias)) in weights.chunks_exact(self.width).zip(biases).enumerate() {
            project(simd, row, bias, arena, input.offset, target.channel(channel), frames);
        }
    }
}

impl Transpose {
    fn run(&self, state: &mut State, frames: usize) {
        let width = self.input.span.frame_stride;
        let input = self.input.plane(state, 0);
        let target = self.target.plane(state, 0);
        let arena = state.arena.as_mut_slice();
        for channel in 0..self.target.count {
            for frame in 0..frames {
                arena[target.channel(channel) + frame] = arena[input.offset + frame * width + channel];
            }
        }
    }
}
