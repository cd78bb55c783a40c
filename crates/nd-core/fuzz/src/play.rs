//! What is asked of a description: that it compiles or says why not, and that what is compiled plays whatever it hears.

use nd_core::format::Limits;
use nd_core::{AntiAliasing, CompileOptions, LoadOptions, Math, ModelSpec};

/// Frames of a block: whole groups of the engine's, and some more.
const FRAMES: usize = 150;

/// The model of a file, where it is a small one: compiling it takes no time to speak of.
pub fn small(bytes: &[u8]) -> Option<ModelSpec> {
    let limits = Limits {
        channels: 32,
        layers: 16,
        total_layers: 32,
        total_models: 8,
        kernel_size: 512,
        receptive_field: 1 << 14,
        hidden_size: 32,
        num_layers: 4,
        weights: 10_000,
        state_size: 1 << 23,
        ..Limits::default()
    };
    let spec = ModelSpec::from_slice_with(bytes, &LoadOptions { limits, ..LoadOptions::default() }).ok()?;
    // A recurrent model hears half a second of silence first: that is fewer frames at a low rate.
    Some(ModelSpec { sample_rate: Some(1000.0), ..spec })
}

/// Compiles a description, and plays audio, then what is no audio, then audio again.
pub fn play(spec: &ModelSpec) {
    let mut options = CompileOptions::default();
    // Something about the description chooses how it is compiled, so that an input says it all.
    let size = spec.network.num_parameters();
    options.math = if size.is_multiple_of(2) { Math::Exact } else { Math::Fast };
    options.anti_aliasing = match size % 7 {
        0 => AntiAliasing::Oversampled { factor: 2 },
        1 => AntiAliasing::Antiderivative { order: 1 },
        _ => AntiAliasing::Off,
    };
    let mut model = match spec.compile(&options) {
        Ok(model) => model,
        Err(error) => {
            assert!(!error.to_string().is_empty() && error.path() != Some(""), "an error says something: {error:?}");
            return;
        }
    };
    let audio: Vec<f32> = (0..FRAMES).map(|frame| (frame as f32 * 0.3).sin()).collect();
    let mut fresh = vec![0.0; FRAMES];
    model.process(&audio, &mut fresh);
    let hostile: Vec<f32> = audio.iter().enumerate().map(|(frame, x)| [f32::NAN, f32::INFINITY, 1e30, *x][frame % 4]).collect();
    let mut output = vec![0.0; FRAMES];
    model.process(&hostile, &mut output);
    model.set_quality(0.0);
    model.process_in_place(&mut output);
    let knobs = vec![&hostile[..]; model.parameters()];
    model.process_automated(&audio, &knobs, &mut output);
    model.set_quality(1.0);
    model.reset();
    model.process(&audio[..FRAMES / 2], &mut output[..FRAMES / 2]);
    model.process(&audio[FRAMES / 2..], &mut output[FRAMES / 2..]);
    assert!(output.iter().all(|y| y.is_finite()), "what comes out is a number");
    let same = output.iter().zip(&fresh).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan());
    assert!(same, "a reset model is a fresh one, and blocks of any length give the same samples");
}
