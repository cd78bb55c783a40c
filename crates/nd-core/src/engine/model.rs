//! The public face of the engine.

use std::sync::Arc;

use super::{BLOCK, Program, State, without_denormals};
use crate::kernel::InstructionSet;

/// A model that is ready to play.
///
/// See the [crate's documentation](crate) for the contract.
#[derive(Debug, Clone)]
pub struct Model {
    shared: Arc<Shared>,
    state: State,
}

/// What all clones of a model have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) program: Program,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) receptive_field: usize,
    pub(crate) num_parameters: usize,
}

impl Model {
    pub(crate) fn new(shared: Shared) -> Self {
        let mut state = shared.program.zero_state();
        shared.program.reset(&mut state);
        Self { shared: Arc::new(shared), state }
    }

    /// Computes one output sample for each input sample. State carries over from call to call.
    ///
    /// # Panics
    ///
    /// If `output` is not as long as `input`.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), output.len(), "one output sample for each input sample");
        without_denormals(|| {
            for (x, y) in input.chunks(BLOCK).zip(output.chunks_mut(BLOCK)) {
                self.put(x);
                self.run(x.len());
                self.take(y);
            }
        });
    }

    /// [`process`](Self::process) with the output in the place of the input.
    pub fn process_in_place(&mut self, audio: &mut [f32]) {
        without_denormals(|| {
            for block in audio.chunks_mut(BLOCK) {
                self.put(block);
                self.run(block.len());
                self.take(block);
            }
        });
    }

    fn put(&mut self, input: &[f32]) {
        let program = &self.shared.program;
        let at = program.plane(&self.state, program.input, 0).offset;
        self.state.arena.as_mut_slice()[at..at + input.len()].copy_from_slice(input);
    }

    fn run(&mut self, frames: usize) {
        self.shared.program.run(&mut self.state, frames);
    }

    fn take(&mut self, output: &mut [f32]) {
        let program = &self.shared.program;
        let at = program.plane(&self.state, program.output, 0).offset;
        output.copy_from_slice(&self.state.arena.as_slice()[at..at + output.len()]);
        program.advance(&mut self.state, output.len());
    }

    /// Goes back to the state of a freshly compiled model.
    pub fn reset(&mut self) {
        self.shared.program.reset(&mut self.state);
    }

    /// The rate, in Hz, that the model was trained at, where its file says so.
    pub fn sample_rate(&self) -> Option<f64> {
        self.shared.sample_rate
    }

    /// How many input samples, the present one included, can change one output sample; of a recurrent model, how many
    /// its feed-forward part sees.
    pub fn receptive_field(&self) -> usize {
        self.shared.receptive_field
    }

    /// Delay of the output against the input: none, for all models are causal and answer at once.
    pub fn latency_samples(&self) -> usize {
        0
    }

    /// Number of trained weights.
    pub fn num_parameters(&self) -> usize {
        self.shared.num_parameters
    }

    /// The instructions that it was compiled for.
    pub fn instruction_set(&self) -> InstructionSet {
        self.shared.program.instruction_set
    }
}
