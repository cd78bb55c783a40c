//! At a multiple of the rate that it was trained at, a model gives what it gives at that rate.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use std::f64::consts::TAU;

use nd_core::dsp::process_at;
use nd_core::dsp::rate::RateChange;
use nd_core::spec::{Activation, Conv1d, Dense, Format, Layer, Metadata, Network, Stack};
use nd_core::{AntiAliasing, CompileError, CompileOptions, InstructionSet, Math, Model, ModelSpec};
use support::subject::{self, Subject};
use support::{esr_db, fixture, widen};

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

fn spec(layers: Vec<Layer>) -> ModelSpec {
    ModelSpec {
        format: Format::Nam,
        network: Network::Stack(Stack::new(layers)),
        sample_rate: Some(48_000.0),
        metadata: Metadata::default(),
    }
}

fn dense(weight: &[f32], bias: &[f32]) -> Layer {
    let (out_channels, in_channels) = (bias.len(), weight.len() / bias.len());
    Layer::Dense(Dense { in_channels, out_channels, weight: weight.to_vec(), bias: Some(bias.to_vec()) })
}

/// A perceptron of two units: `0.7 tanh(8x + 0.3) − 0.2 tanh(1.5x − 1) + 0.1`.
fn perceptron() -> ModelSpec {
    let tanh = Layer::Activation(Activation::Tanh);
    spec(vec![dense(&[8.0, 1.5], &[0.3, -1.0]), tanh, dense(&[0.7, -0.2], &[0.1])])
}

/// Of two taps, the larger `delay` frames later: what it makes of an impulse tells how late it is.
fn echo(delay: usize) -> ModelSpec {
    let mut weight = vec![0.0; delay + 1];
    (weight[0], weight[delay]) = (1.0, 0.5);
    spec(vec![Layer::Conv1d(Conv1d {
        in_channels: 1,
        out_channels: 1,
        kernel_size: delay + 1,
        dilation: 1,
        groups: 1,
        weight,
        bias: None,
    })])
}

fn compile(spec: &ModelSpec, anti_aliasing: AntiAliasing) -> Result<Model, CompileError> {
    let mut options = CompileOptions::default();
    options.anti_aliasing = anti_aliasing;
    spec.compile(&options)
}

fn methods() -> Vec<AntiAliasing> {
    ["2x", "4x", "8x", "16x", "minimum-2x", "minimum-8x", "adaa1", "adaa2"]
        .map(|word| word.parse().expect("a method"))
        .to_vec()
}

fn render(model: &mut Model, input: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    model.process(input, &mut output);
    output
}

#[test]
fn an_impulse_comes_as_late_as_the_latency_says() {
    for method in methods() {
        // A network whose curve is a straight line, and one with an echo where that can be had.
        let straight = spec(vec![dense(&[1.0], &[0.0])]);
        for (spec, delay) in [(straight, 0), (echo(5), 5)] {
            let Ok(mut model) = compile(&spec, method) else {
                assert!(matches!(method, AntiAliasing::Antiderivative { .. }) && delay > 0, "{method}");
                continue;
            };
            let mut impulse = vec![0.0; 300];
            impulse[100] = 1.0;
            let output = render(&mut model, &impulse);
            if let AntiAliasing::MinimumPhase { .. } = method {
                // It spreads an impulse: where its middle lies is the delay at low frequencies, in part of a frame.
                let (mass, moment) = output.iter().enumerate().fold((0.0, 0.0), |(mass, moment), (n, y)| {
                    (mass + f64::from(*y), moment + n as f64 * f64::from(*y))
                });
                // Of an echo, two thirds are in its second half.
                let echo = delay as f64 * 2.0 / 3.0;
                let late = moment / mass - echo - 100.0 - model.latency_samples() as f64;
                assert!(late.abs() <= 0.5, "{method}: {late}");
                continue;
            }
            let peak = (0..300).max_by(|&a, &b| output[a].total_cmp(&output[b])).expect("not empty");
            // The mean of two frames is as large in both: half a frame late.
            assert_eq!(
                peak - usize::from(method.to_string() == "adaa1"),
                100 + delay + model.latency_samples()
            );
        }
    }
}

/// How far a model with anti-aliasing is from the model without, in dB of its energy, the latency removed.
fn distance_db(spec: &ModelSpec, method: AntiAliasing, input: &[f32]) -> f64 {
    let native = render(&mut compile(spec, AntiAliasing::Off).expect("a network that compiles"), input);
    let mut model = compile(spec, method).expect("a network that compiles oversampled");
    let latency = model.latency_samples();
    let output = render(&mut model, input);
    esr_db(&widen(&native[2000..native.len() - latency]), &widen(&output[2000 + latency..]))
}

/// A low note, so soft that no harmonic worth the name comes near half the rate.
fn low_note() -> Vec<f32> {
    (0..12_000).map(|n| (0.02 * (TAU * 110.0 / 48_000.0 * f64::from(n)).sin()) as f32).collect()
}

#[test]
fn where_nothing_aliases_the_sound_is_the_trained_one() {
    let fixtures = fixture::cases();
    for name in
        ["real_wavenet_a1_standard", "real_A2", "real_wavenet", "real_wavenet_condition_dsp", "real_lstm"]
    {
        let case = fixtures.iter().find(|case| case.name == name).expect("a fixture of that name");
        let spec = case.subject(1).spec;
        for factor in [2, 4] {
            let distance = distance_db(&spec, AntiAliasing::Oversampled { factor }, &low_note());
            // 1e-4 of the energy where there is no recurrence, 1e-3 where there is.
            let bound = if name.contains("lstm") { -30.0 } else { -40.0 };
            assert!(distance < bound, "{name}, {factor} times: {distance} dB");
        }
    }
    for method in methods() {
        let distance = distance_db(&perceptron(), method, &low_note());
        let bound = if method.to_string() == "adaa1" { -30.0 } else { -40.0 };
        assert!(distance < bound, "the perceptron, {method}: {distance} dB");
    }
}

#[test]
fn a_host_of_another_rate_hears_what_the_models_rate_would_have_given() {
    let a1 = fixture::cases().into_iter().find(|case| case.name == "real_wavenet_a1_standard");
    let a1 = a1.expect("a fixture of that name").subject(1).spec;
    for spec in [
        a1,
        fixture::shipped("distortion.nam"),
        fixture::shipped("fuzz.nam"),
        fixture::shipped("soft-clip.json"),
    ] {
        // The host's rate, how much faster the model runs so as to be near it, and the latency asked for.
        for (host, rate_factor, at_most) in [(44_100.0, 1, 32), (88_200.0, 2, 32)] {
            let mut options = CompileOptions::default();
            options.rate_factor = rate_factor;
            let mut model = spec.compile(&options).expect("a network that compiles");
            let inside = 48_000.0 * rate_factor as f64;
            let guitar = fixture::guitar();
            let ideal = process_at(host, &guitar, inside, |audio| model.process_in_place(audio));
            let ideal = ideal.expect("whole numbers of Hz");
            model.reset();
            let mut change = RateChange::new(host, inside).expect("a supported ratio");
            let mut output = guitar;
            change.process(&mut output, |audio| model.process_in_place(audio));
            let latency = change.latency_samples();
            assert!(latency <= at_most, "{latency} frames at {host} Hz");
            let distance = esr_db(
                &widen(&ideal[2000..ideal.len() - latency - 2000]),
                &widen(&output[2000 + latency..output.len() - 2000]),
            );
            assert!(distance < -30.0, "{:?} at {host} Hz: {distance} dB", spec.format);
        }
    }
}

#[test]
fn a_mean_of_the_curve_is_a_difference_of_its_antiderivative() {
    let mut model = compile(&perceptron(), AntiAliasing::Antiderivative { order: 1 }).expect("no memory");
    let input: Vec<f32> = (0..500).map(|n| 0.9 * (n as f32 * 1.3).sin()).collect();
    let output = render(&mut model, &input);
    let log_cosh = |u: f64| u.cosh().ln();
    let antiderivative =
        |x: f64| 0.7 / 8.0 * log_cosh(8.0 * x + 0.3) - 0.2 / 1.5 * log_cosh(1.5 * x - 1.0) + 0.1 * x;
    for (pair, y) in input.windows(2).zip(&output[1..]) {
        let [a, b] = [0, 1].map(|n| f64::from(pair[n]));
        let expected = (antiderivative(b) - antiderivative(a)) / (b - a);
        assert!((f64::from(*y) - expected).abs() < 1e-6, "between {a} and {b}: {y}, not {expected}");
    }
}

#[test]
fn fast_math_makes_a_table_of_a_network_without_memory() {
    let mut options = CompileOptions::default();
    options.math = Math::Fast;
    let mut table = perceptron().compile(&options).expect("a network that compiles");
    let input: Vec<f32> = (-3000..3000).map(|n| n as f32 / 1000.0).collect();
    for (x, y) in input.iter().zip(render(&mut table, &input)) {
        let x = f64::from(*x);
        let exact = 0.7 * (8.0 * x + 0.3).tanh() - 0.2 * (1.5 * x - 1.0).tanh() + 0.1;
        // The table's error and the rounding to single precision.
        assert!((f64::from(y) - exact).abs() < 1.2e-6, "at {x}: {y}, not {exact}");
    }
}

#[test]
fn the_dial_means_nothing_where_nothing_distorts() {
    for dial in [AntiAliasing::Eco, AntiAliasing::Standard, AntiAliasing::Best] {
        let model = compile(&echo(5), dial).expect("a network that compiles");
        assert_eq!((model.anti_aliasing(), model.latency_samples()), (AntiAliasing::Off, 0));
        let model = compile(&perceptron(), dial).expect("a network that compiles");
        assert_ne!(model.anti_aliasing(), AntiAliasing::Off);
        assert_ne!(model.anti_aliasing(), dial, "a method, not the dial");
    }
}

#[test]
fn methods_are_written_as_they_are_read() {
    let words = ["off", "eco", "standard", "best", "2x", "16x", "minimum-4x", "plain-8x", "adaa1", "adaa2"];
    for word in words {
        assert_eq!(word.parse::<AntiAliasing>().map(|method| method.to_string()).as_deref(), Ok(word));
    }
    for word in ["3x", "1x", "32x", "adaa3", "", "Best"] {
        let error = word.parse::<AntiAliasing>().expect_err("no method of that name");
        assert!(error.to_string().contains(word) && error.to_string().contains("plain-2x"), "{error}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let fixtures = fixture::cases();
    let memory = fixtures.iter().find(|case| case.name == "real_wavenet").expect("a fixture").subject(1).spec;
    let corner =
        spec(vec![dense(&[1.0], &[0.0]), Layer::Activation(Activation::HardTanh { min: -0.001, max: 0.7 })]);
    let method = |word: &str| word.parse().expect("a method");
    let kind = |result: Result<Model, CompileError>| result.expect_err("cannot be done").kind();
    assert_eq!(kind(compile(&memory, method("adaa1"))), "unsupported_feature");
    assert_eq!(kind(compile(&memory, AntiAliasing::Oversampled { factor: 3 })), "unsupported_feature");
    assert_eq!(kind(compile(&memory, AntiAliasing::Oversampled { factor: 0 })), "unsupported_feature");
    assert_eq!(kind(compile(&memory, AntiAliasing::Oversampled { factor: 32 })), "limit_exceeded");
    assert_eq!(
        kind(compile(&perceptron(), AntiAliasing::Antiderivative { order: 3 })),
        "unsupported_feature"
    );
    assert!(compile(&corner, method("adaa1")).is_ok(), "a corner's table is good enough for means");
    for (rate_factor, expected) in
        [(0, "unsupported_feature"), (17, "limit_exceeded"), (usize::MAX, "limit_exceeded")]
    {
        let mut options = CompileOptions::default();
        options.rate_factor = rate_factor;
        assert_eq!(kind(memory.compile(&options)), expected, "{rate_factor} times its rate");
    }
}

#[test]
fn at_a_multiple_of_its_rate_a_model_says_so() {
    let mut options = CompileOptions::default();
    options.rate_factor = 2;
    let model = echo(5).compile(&options).expect("a network that compiles");
    assert_eq!(
        (model.sample_rate(), model.receptive_field(), model.latency_samples()),
        (Some(96_000.0), 11, 0)
    );
}
