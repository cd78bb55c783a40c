//! Everything that the engine is tried on: the fixtures' models and the made-up ones, at each of their qualities.

use nd_core::{AntiAliasing, CompileError, CompileOptions, InstructionSet, Model, ModelSpec, reference};

use super::{fixture, made_up, widen};

/// A model to try, and what to feed it.
#[derive(Debug, Clone)]
pub struct Subject {
    pub name: String,
    pub spec: ModelSpec,
    pub quality: f64,
    pub prewarm: bool,
    pub anti_aliasing: AntiAliasing,
    pub input: Vec<f32>,
    /// One vector for each parameter, frame by frame.
    pub parameters: Vec<Vec<f32>>,
}

/// All fixtures and all made-up networks, with at most `frames` of input.
pub fn all(frames: usize) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = fixture::cases().iter().map(|case| case.subject(frames)).collect();
    subjects.extend(made_up(frames));
    subjects
}

/// Every made-up network with `frames` of a made-up signal.
pub fn made_up(frames: usize) -> Vec<Subject> {
    // One that moves, in steps that no block size divides.
    let knob: Vec<f32> = (0..frames).map(|n| (n / 97 % 5) as f32 / 4.0).collect();
    let mut subjects = Vec::new();
    for network in made_up::networks() {
        for &quality in network.qualities {
            subjects.push(Subject {
                name: format!("{} at quality {quality}", network.name),
                spec: network.spec.clone(),
                quality,
                prewarm: true,
                anti_aliasing: AntiAliasing::Off,
                input: made_up::signal(frames, 0.7),
                parameters: (1..network.spec.in_channels()).map(|_| knob.clone()).collect(),
            });
        }
    }
    subjects
}

/// Every third made-up network with one of the methods against aliases that it can have, in turn.
pub fn anti_aliased(frames: usize) -> Vec<Subject> {
    let factors = [
        AntiAliasing::Oversampled { factor: 2 },
        AntiAliasing::Oversampled { factor: 4 },
        AntiAliasing::MinimumPhase { factor: 8 },
    ];
    let orders = [1, 2].map(|order| AntiAliasing::Antiderivative { order });
    let mut subjects: Vec<Subject> = made_up(frames).into_iter().step_by(3).collect();
    for (index, subject) in subjects.iter_mut().enumerate() {
        let memoryless =
            matches!(AntiAliasing::Eco.method(&subject.spec), AntiAliasing::Antiderivative { .. });
        subject.anti_aliasing = if memoryless { orders[index % 2] } else { factors[index % 3] };
        subject.name = format!("{}, {}", subject.name, subject.anti_aliasing);
    }
    // A corner that no table follows has no means.
    subjects.retain(|subject| subject.try_compile(InstructionSet::best()).is_ok());
    subjects
}

/// A convolution of so many taps with `frames` of a made-up signal.
pub fn filter(taps: usize, frames: usize) -> Subject {
    Subject {
        name: format!("{taps} taps"),
        spec: made_up::filter(taps),
        quality: 1.0,
        prewarm: true,
        anti_aliasing: AntiAliasing::Off,
        input: made_up::signal(frames, 0.7),
        parameters: Vec::new(),
    }
}

impl Subject {
    pub fn compile(&self, instruction_set: InstructionSet) -> Model {
        self.try_compile(instruction_set).unwrap_or_else(|e| panic!("{} does not compile: {e}", self.name))
    }

    fn try_compile(&self, instruction_set: InstructionSet) -> Result<Model, CompileError> {
        let mut options = CompileOptions::default();
        options.instruction_set = Some(instruction_set);
        options.prewarm = self.prewarm;
        options.anti_aliasing = self.anti_aliasing;
        let mut model = self.spec.compile(&options)?;
        model.set_quality(self.quality);
        model.reset();
        Ok(model)
    }

    /// Render the input in blocks of at most `block` frames.
    pub fn render(&self, model: &mut Model, block: usize) -> Vec<f32> {
        let mut output = vec![0.0; self.input.len()];
        for start in (0..self.input.len()).step_by(block) {
            let frames = start..self.input.len().min(start + block);
            let parameters: Vec<&[f32]> = self.parameters.iter().map(|p| &p[frames.clone()]).collect();
            model.process_automated(&self.input[frames.clone()], &parameters, &mut output[frames]);
        }
        output
    }

    /// What the input becomes in double precision.
    pub fn reference(&self) -> Vec<f64> {
        let mut input = vec![widen(&self.input)];
        input.extend(self.parameters.iter().map(|p| widen(p)));
        let options = reference::Options { prewarm: self.prewarm, quality: self.quality };
        let mut output = reference::render(&self.spec, &input, &options);
        assert_eq!(output.len(), 1, "{}: one channel comes out", self.name);
        output.swap_remove(0)
    }
}
