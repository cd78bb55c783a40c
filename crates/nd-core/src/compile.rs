//! From a description to something that runs: validate, plan, pack.
//!
//! Everything that costs memory or time beyond the arithmetic itself is paid here: shapes are checked, weights are
//! put in the order in which the kernels read them, each signal gets its place in the arena, and silence runs through
//! the network until it is settled.

mod anti_aliasing;
mod network;
mod pack;
mod plan;
mod stack;
mod wavenet;

use crate::dsp::Oversampler;
use crate::dsp::oversample::MAX_FACTOR;
use crate::engine::{BLOCK, Model, Prewarm, Program, SelfTestOutcome, Shared, without_denormals};
use crate::error::CompileError;
pub use crate::kernel::InstructionSet;
use crate::spec::{ModelSpec, Network, SelfTest};
pub use anti_aliasing::{AntiAliasing, ParseAntiAliasingError};

use network::Lowering;

/// How to compile a model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompileOptions {
    /// The instructions to use; those that play this network fastest on this processor where `None`.
    pub instruction_set: Option<InstructionSet>,
    /// How exact the activation functions are.
    pub math: Math,
    /// Whether silence runs through the model until it is settled. Without, every past is zero and recurrent layers
    /// start from the state that the file stores.
    pub prewarm: bool,
    /// How many times the rate that it was trained at the model is fed at, from 1 to 16: all its delays become that many
    /// times as long, so that in frames so far apart it sees what it was trained on.
    pub rate_factor: usize,
    /// What to do against aliases.
    pub anti_aliasing: AntiAliasing,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            instruction_set: None,
            math: Math::Exact,
            prewarm: true,
            rate_factor: 1,
            anti_aliasing: AntiAliasing::Off,
        }
    }
}

/// How exact the activation functions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Math {
    /// `tanh` and the sigmoid to 5e-7.
    #[default]
    Exact,
    /// NAM's rational approximation of `tanh` (4e-4), and of the sigmoid inside recurrent layers: what NAM's plugin
    /// plays.
    Fast,
}

impl ModelSpec {
    /// Compiles the model: checks its shapes, plans its memory, packs its weights, and lets silence run through it.
    ///
    /// # Errors
    ///
    /// If parts of the model disagree about their shapes, if it needs more memory than
    /// [`MAX_ARENA_LEN`], or if it is not a model of one audio signal.
    pub fn compile(&self, options: &CompileOptions) -> Result<Model, CompileError> {
        let method = options.anti_aliasing.method(self);
        let rates = Rates::new(options.rate_factor, method)?;
        let quality_steps = self.quality_steps();
        // What needs no plan is checked before there is one: a plan of a large model takes memory and time.
        network::expect_size("", 1, self.out_channels())?;
        let weights = quality_steps.iter().map(|&quality| self.network.num_parameters_at(quality));
        expect_room(weights.sum::<f64>() as usize)?;
        let mut programs = Vec::with_capacity(quality_steps.len());
        let mut rehearsal = Vec::with_capacity(quality_steps.len());
        let mut receptive_field = 1;
        let mut len = 0;
        for &quality in &quality_steps {
            let lowering = match &quality_steps[..] {
                [_] => Lowering::of(self, options, method, rates.inside)?,
                _ => Lowering::of(&self.at_quality(quality), options, method, rates.inside)?,
            };
            let mut program = lowering.program;
            network::expect_size("submodels", self.in_channels(), program.input.count)?;
            len += program.arena_len + program.weights.as_slice().len();
            expect_room(len)?;
            if options.prewarm {
                let affordable = affordable_frames(&program) / quality_steps.len();
                program.prewarm = lowering
                    .prewarm_frames
                    .map_or(Prewarm::Pass, |frames| Prewarm::Frames(frames.min(affordable)));
            }
            let recurrent = lowering.prewarm_frames.map_or(0, |_| RECURRENT_REHEARSAL);
            rehearsal.push(program.rehearsal(lowering.receptive_field - 1 + recurrent));
            programs.push(program);
            receptive_field = lowering.receptive_field;
        }
        let model = Model::new(Shared {
            programs: programs.into(),
            quality_steps: quality_steps.into(),
            rehearsal: rehearsal.into(),
            parameters: self.in_channels() - 1,
            sample_rate: self.known_sample_rate().map(|rate| rate * options.rate_factor as f64),
            receptive_field: (receptive_field - 1).div_ceil(rates.oversampling) + 1,
            anti_aliasing: method,
            latency_samples: usize::from(method == (AntiAliasing::Antiderivative { order: 2 })),
            num_parameters: self.network.num_parameters(),
            self_test: self.self_test(options)?,
        });
        let set = model.instruction_set();
        let filters = match method {
            AntiAliasing::MinimumPhase { .. } => Oversampler::minimum_phase,
            _ => Oversampler::new,
        };
        Ok(model.oversampled(filters(rates.oversampling, BLOCK / rates.oversampling, set)))
    }

    /// Plays the recording that the description holds, exactly, and compares.
    fn self_test(&self, options: &CompileOptions) -> Result<Option<SelfTestOutcome>, CompileError> {
        let Network::Stack(stack) = &self.network else { return Ok(None) };
        let Some(test) = &stack.self_test else { return Ok(None) };
        let exact = CompileOptions { math: Math::Exact, ..options.clone() };
        Ok(Some(play_test(&Lowering::of(self, &exact, AntiAliasing::Off, 1)?.program, test)))
    }
}

/// Refuses more samples and weights of all sizes than there may be.
fn expect_room(len: usize) -> Result<(), CompileError> {
    if len <= MAX_LEN {
        return Ok(());
    }
    let what = "samples and weights of all sizes";
    Err(CompileError::LimitExceeded { path: String::new(), what, max: MAX_LEN as u64, found: len as u64 })
}

/// The rates that a network runs at.
#[derive(Debug, Clone, Copy)]
struct Rates {
    /// Of the network against the one that it was trained at: how much longer its delays are.
    inside: usize,
    /// Of the network against its surroundings.
    oversampling: usize,
}

impl Rates {
    fn new(rate_factor: usize, method: AntiAliasing) -> Result<Self, CompileError> {
        let oversampling = method.factor();
        let inside = match method {
            AntiAliasing::PlainOversampled { .. } => rate_factor,
            _ => rate_factor.saturating_mul(oversampling),
        };
        if rate_factor == 0 || oversampling == 0 || !oversampling.is_power_of_two() {
            let what = format!("{rate_factor} times its rate, oversampled {oversampling} times,");
            return Err(CompileError::UnsupportedFeature { path: String::new(), what });
        }
        let max = MAX_FACTOR;
        let found = inside.max(oversampling);
        if found > max {
            let (max, found) = (max as u64, found as u64);
            let what = "the rate, in times that of the training,";
            return Err(CompileError::LimitExceeded { path: String::new(), what, max, found });
        }
        Ok(Self { inside, oversampling })
    }
}

/// Frames that a recurrent network hears before it may be heard, when the quality changes: what it remembers has no
/// end, but after a tenth of a second little is left of where it started.
const RECURRENT_REHEARSAL: usize = 4800;

/// Samples that a model's arena may have: 256 MiB.
pub const MAX_ARENA_LEN: usize = 1 << 26;

/// Samples and weights that all sizes of a model may have together: 512 MiB.
pub const MAX_LEN: usize = 1 << 27;

/// Multiply-adds for silence, or for a recording, while a model is compiled: about a second of work. The usual models
/// need far fewer; for those that are so large that they cannot be played anyway, it ends the silence early.
const MAX_WORK: usize = 1 << 34;

/// Frames that a program can compute with [`MAX_WORK`].
fn affordable_frames(program: &Program) -> usize {
    MAX_WORK / (program.weights.as_slice().len() + BLOCK * program.steps.len() + 1)
}

/// Plays a recording from the stored state, and compares what comes out.
fn play_test(program: &Program, test: &SelfTest) -> SelfTestOutcome {
    let mut state = program.zero_state();
    program.reset(&mut state, &program.stored);
    let frames = test.input.len().min(affordable_frames(program));
    let mut max_error = 0.0_f32;
    without_denormals(|| {
        for (input, expected) in test.input[..frames].chunks(BLOCK).zip(test.output.chunks(BLOCK)) {
            let plane = program.input.plane(&state, 0);
            let arena = state.arena.as_mut_slice();
            arena[plane.offset..][..input.len()].copy_from_slice(input);
            for parameter in 1..program.input.count {
                arena[plane.channel(parameter)..][..input.len()].fill(0.0);
            }
            program.run(&mut state, input.len());
            let at = program.output.plane(&state, 0).offset;
            for (y, expected) in state.arena.as_slice()[at..].iter().zip(expected).take(input.len()) {
                let error = (y - expected).abs();
                max_error = if error.is_finite() { max_error.max(error) } else { f32::INFINITY };
            }
            program.advance(&mut state, input.len());
        }
    });
    SelfTestOutcome { max_error, passed: max_error <= SelfTestOutcome::TOLERANCE }
}
