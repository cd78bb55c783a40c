//! At a multiple of the rate that it was trained at, a model gives what it gives at that rate.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use nd_core::{CompileOptions, InstructionSet};
use support::subject::{self, Subject};

const FRAMES: usize = 1500;

/// Spectra of long filters are rounded otherwise when there are zeros between the taps.
const TOLERANCE: f32 = 5e-6;

/// The same signal `factor` times, each later than the one before, frame by frame in turn.
fn interleave(signal: &[f32], factor: usize) -> Vec<f32> {
    let at = |frame: usize, phase: usize| frame.checked_sub(7 * phase).map_or(0.0, |frame| signal[frame]);
    (0..signal.len()).flat_map(|frame| (0..factor).map(move |phase| at(frame, phase))).collect()
}

#[test]
fn each_of_the_interleaved_signals_sounds_as_if_alone() {
    for factor in [2, 3, 8] {
        for subject in subject::all(FRAMES) {
            let mut options = CompileOptions::default();
            options.prewarm = subject.prewarm;
            options.rate_factor = factor;
            let mut model = subject.spec.compile(&options).expect("a network that compiles at its own rate");
            model.set_quality(subject.quality);
            model.reset();
            let fast = Subject {
                input: interleave(&subject.input, factor),
                parameters: subject.parameters.iter().map(|p| interleave(p, factor)).collect(),
                ..subject.clone()
            };
            let together = fast.render(&mut model, 1000);
            for phase in 0..factor {
                let alone = Subject {
                    input: fast.input.iter().skip(phase).step_by(factor).copied().collect(),
                    parameters: fast
                        .parameters
                        .iter()
                        .map(|p| p.iter().skip(phase).step_by(factor).copied().collect())
                        .collect(),
                    ..subject.clone()
                };
                let alone = alone.render(&mut alone.compile(InstructionSet::best()), 1000);
                let pairs = together.iter().skip(phase).step_by(factor).zip(&alone);
                for (frame, (y, expected)) in pairs.enumerate() {
                    assert!(
                        (y - expected).abs() <= TOLERANCE,
                        "{} at {factor} times its rate, signal {phase}, frame {frame}: {y} instead of {expected}",
                        subject.name
                    );
                }
            }
        }
    }
}
