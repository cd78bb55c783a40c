//! What must not change the sound: how it is cut into blocks, what was played before, and who else is playing.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use std::hint::black_box;
use std::num::NonZeroUsize;

use nd_core::engine::BLOCK;
use nd_core::spec::{Conv1d, Dense, Format, Layer, Metadata, Network, Prewarm, Rnn, Stack};
use nd_core::{AntiAliasing, CompileOptions, InstructionSet, Model, ModelSpec, Pair};
use support::stage::{self, Stage};
use support::subject::{self, Subject};

/// Long enough for several turns of every buffer.
const FRAMES: usize = 5000;

fn all() -> Vec<Subject> {
    let mut subjects = subject::all(FRAMES);
    subjects.extend(subject::anti_aliased(FRAMES));
    subjects
}

/// The first difference, in words: two arrays of thousands of numbers help nobody.
fn assert_same(actual: &[f32], expected: &[f32], what: &str) {
    let different = |(a, e): (&f32, &f32)| a.to_bits() != e.to_bits() && !(a.is_nan() && e.is_nan());
    if let Some(n) = actual.iter().zip(expected).position(different) {
        panic!("{what}: frame {n} is {:e} instead of {:e}", actual[n], expected[n]);
    }
    assert_eq!(actual.len(), expected.len(), "{what}");
}

#[test]
fn block_size_does_not_change_the_sound() {
    for set in InstructionSet::available() {
        for subject in all() {
            let mut model = subject.compile(set);
            let whole = subject.render(&mut model.clone(), FRAMES);
            for block in [1, 7, 64, 333, 4096] {
                model.reset();
                let pieces = subject.render(&mut model, block);
                assert_same(&pieces, &whole, &format!("{} on {set}, blocks of {block}", subject.name));
            }
        }
    }
}

#[test]
fn reset_equals_a_fresh_model() {
    for subject in all() {
        let mut model = subject.compile(InstructionSet::best());
        let fresh = subject.render(&mut model, 64);
        model.reset();
        assert_same(&subject.render(&mut model, 64), &fresh, &subject.name);
    }
}

#[test]
fn a_clone_is_independent() {
    for subject in all() {
        let mut original = subject.compile(InstructionSet::best());
        let mut alone = subject.compile(InstructionSet::best());
        let half = Subject { input: subject.input[..FRAMES / 2].to_vec(), ..subject.clone() };
        half.render(&mut original, 64);
        half.render(&mut alone, 64);

        let mut clone = original.clone();
        let noise = support::made_up::signal(500, 1.0);
        clone.process(&noise, &mut vec![0.0; noise.len()]);
        clone.reset();
        assert_same(
            &subject.render(&mut original, 64),
            &subject.render(&mut alone, 64),
            &format!("{}, whose clone played on", subject.name),
        );

        let fresh = subject.render(&mut subject.compile(InstructionSet::best()), 64);
        assert_same(
            &subject.render(&mut clone, 64),
            &fresh,
            &format!("{}, a clone that was reset", subject.name),
        );
    }
}

#[test]
fn a_clone_goes_on_where_the_original_was() {
    for subject in all() {
        let mut original = subject.compile(InstructionSet::best());
        subject.render(&mut original, 64);
        let mut clone = original.clone();
        assert_same(&subject.render(&mut clone, 64), &subject.render(&mut original, 64), &subject.name);
    }
}

#[test]
fn in_place_equals_out_of_place() {
    for subject in all().into_iter().filter(|s| s.parameters.is_empty()) {
        let expected = subject.render(&mut subject.compile(InstructionSet::best()), 64);
        let mut model = subject.compile(InstructionSet::best());
        let mut signal = subject.input.clone();
        for block in signal.chunks_mut(64) {
            model.process_in_place(block);
        }
        assert_same(&signal, &expected, &subject.name);
    }
}

#[test]
fn a_setting_equals_automation_that_stands_still() {
    for mut subject in all().into_iter().filter(|s| !s.parameters.is_empty()) {
        for parameter in &mut subject.parameters {
            parameter.fill(0.25);
        }
        let expected = subject.render(&mut subject.compile(InstructionSet::best()), 64);
        let mut model = subject.compile(InstructionSet::best());
        for index in 0..model.parameters() {
            model.set_parameter(index, 0.25);
        }
        let mut signal = subject.input.clone();
        model.process_in_place(&mut signal);
        assert_same(&signal, &expected, &subject.name);
    }
}

#[test]
fn a_prewarmed_model_starts_from_silence_with_its_parameters_as_they_are_set() {
    let mut settled = 0;
    for mut subject in subject::made_up(FRAMES).into_iter().filter(|s| !s.parameters.is_empty()) {
        if let Network::Stack(stack) = &mut subject.spec.network {
            stack.prewarm = Prewarm::Frames(20_000);
        }
        let mut model = subject.compile(InstructionSet::best());
        let fresh = subject.render(&mut model.clone(), 64);
        model.prewarm();
        assert_same(&subject.render(&mut model, 64), &fresh, &format!("{}, as it was", subject.name));

        for index in 0..model.parameters() {
            model.set_parameter(index, 0.9);
        }
        // How far the first of many samples of silence is from the last.
        let click = |model: &mut Model| {
            let mut silence = vec![0.0; 20_000];
            model.process_in_place(&mut silence);
            model.reset();
            (silence[0] - silence[silence.len() - 1]).abs()
        };
        model.reset();
        let from_the_middle = click(&mut model);
        model.prewarm();
        let (first, after_a_reset) = (click(&mut model), click(&mut model));
        assert_eq!(first, after_a_reset, "{}: a reset goes back to there", subject.name);
        if from_the_middle > 1e-3 {
            settled += 1;
            assert!(first < 1e-2 * from_the_middle, "{}: {first} of {from_the_middle}", subject.name);
        }
    }
    assert!(settled > 0, "no model tells one setting from another in silence");
}

/// Models with several qualities, long enough for a change between them: a rehearsal and a fade.
fn with_several_qualities() -> Vec<Subject> {
    let mut subjects = subject::all(24000);
    subjects.retain(|s| s.compile(InstructionSet::best()).quality_steps().len() > 1);
    subjects
}

#[test]
fn block_size_does_not_change_a_change_of_quality() {
    for subject in with_several_qualities() {
        let changed = |block| {
            let mut model = subject.compile(InstructionSet::best());
            model.set_quality(1.0 - subject.quality);
            subject.render(&mut model, block)
        };
        let whole = changed(subject.input.len());
        for block in [1, 7, 64, 333] {
            assert_same(&changed(block), &whole, &format!("{}, blocks of {block}", subject.name));
        }
    }
}

#[test]
fn a_change_of_quality_ends_at_the_other_quality() {
    for subject in with_several_qualities() {
        if nd_core::reference::receptive_field(&subject.spec, 1.0 - subject.quality).is_none() {
            continue; // It remembers for ever what it has not heard.
        }
        let mut changing = subject.compile(InstructionSet::best());
        changing.set_quality(1.0 - subject.quality);
        let other = Subject { quality: 1.0 - subject.quality, ..subject.clone() };
        let changed = subject.render(&mut changing, 64);
        let expected = other.render(&mut other.compile(InstructionSet::best()), 64);
        let late = changed.len() - 8000;
        assert_same(&changed[late..], &expected[late..], &subject.name);
    }
}

#[test]
fn a_change_between_sizes_that_sound_the_same_is_not_heard() {
    let size = r#"{"version": "0.5.4", "architecture": "Linear", "sample_rate": 48000,
        "config": {"receptive_field": 2, "bias": false}, "weights": [0.5, 0.25]}"#;
    let file = format!(
        r#"{{"version": "0.7.0", "architecture": "SlimmableContainer", "weights": [], "config": {{"submodels":
        [{{"max_value": 0.5, "model": {size}}}, {{"max_value": 1.0, "model": {size}}}]}}}}"#
    );
    let spec = ModelSpec::from_slice(file.as_bytes()).expect("a container of two sizes");
    let mut model = spec.compile(&CompileOptions::default()).expect("it compiles");
    let mut unchanged = model.clone();
    model.set_quality(0.0);
    let input = support::made_up::signal(2000, 0.7);
    let (mut output, mut expected) = (input.clone(), input);
    model.process_in_place(&mut output);
    unchanged.process_in_place(&mut expected);
    for (frame, (y, x)) in output.iter().zip(&expected).enumerate() {
        assert!((y - x).abs() < 1e-6, "frame {frame}: {y} instead of {x}");
    }
}

#[test]
fn asking_again_for_a_quality_does_not_put_off_the_change() {
    for subject in with_several_qualities() {
        let mut once = subject.compile(InstructionSet::best());
        once.set_quality(1.0 - subject.quality);
        let expected = subject.render(&mut once, 64);
        let mut often = subject.compile(InstructionSet::best());
        let mut signal = subject.input.clone();
        for block in signal.chunks_mut(64) {
            often.set_quality(1.0 - subject.quality);
            often.process_in_place(block);
        }
        assert_same(&signal, &expected, &subject.name);
    }
}

#[test]
fn an_empty_block_changes_nothing() {
    for subject in all() {
        let mut model = subject.compile(InstructionSet::best());
        let expected = subject.render(&mut model.clone(), 64);
        model.process(&[], &mut []);
        model.process_in_place(&mut []);
        assert_same(&subject.render(&mut model, 64), &expected, &subject.name);
    }
}

#[test]
fn reset_ends_what_is_not_a_number() {
    for set in InstructionSet::available() {
        for subject in all() {
            let mut model = subject.compile(set);
            let clean = subject.render(&mut model.clone(), 64);
            assert!(clean.iter().all(|y| y.is_finite()), "{} on {set}: finite in, finite out", subject.name);
            for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
                let mut signal = [poison; 40];
                model.process_in_place(&mut signal);
                model.process_in_place(&mut [0.1; 100]);
                model.reset();
                let after = subject.render(&mut model, 64);
                assert_same(&after, &clean, &format!("{} on {set} after {poison}", subject.name));
            }
        }
    }
}

#[test]
fn what_is_no_number_at_the_input_counts_as_silence() {
    for subject in all() {
        let spoil = |signal: &[f32], with: f32| {
            let mut signal = signal.to_vec();
            signal.iter_mut().skip(100).step_by(211).for_each(|x| *x = with);
            signal
        };
        let spoilt = |with: f32| Subject {
            input: spoil(&subject.input, with),
            parameters: subject.parameters.iter().map(|signal| spoil(signal, with)).collect(),
            ..subject.clone()
        };
        let mut model = subject.compile(InstructionSet::best());
        let silent = spoilt(0.0).render(&mut model, 64);
        for with in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            model.reset();
            let name = format!("{} with {with}", subject.name);
            assert_same(&spoilt(with).render(&mut model, 64), &silent, &name);
            assert!(!model.unstable(), "{name}: the model is not at fault");
        }
    }
}

/// The subjects as they are when what comes out overflows every now and then.
fn overflowing() -> Vec<Subject> {
    let overflow = |mut subject: Subject| {
        match &mut subject.spec.network {
            Network::Stack(stack) => stack.out_gain = f32::MAX,
            Network::WaveNet(wavenet) => wavenet.head_scale = f32::MAX,
            Network::Container(_) | Network::Sequential(_) => return None,
        }
        subject.input.iter_mut().for_each(|x| *x *= 3.0);
        // No table follows a curve that overflows.
        let table = matches!(subject.anti_aliasing, AntiAliasing::Antiderivative { .. });
        (!table).then_some(subject)
    };
    all().into_iter().filter_map(overflow).collect()
}

#[test]
fn a_model_that_overflows_is_silent_and_starts_afresh() {
    let (mut muted, mut recovered) = (0, 0);
    for subject in overflowing() {
        let mut model = subject.compile(InstructionSet::best());
        let whole = subject.render(&mut model, FRAMES);
        assert!(whole.iter().all(|y| y.is_finite()), "{}: what comes out is a number", subject.name);
        let unstable = model.unstable();
        muted += usize::from(unstable);
        recovered += usize::from(unstable && whole[FRAMES - 512..].iter().any(|&y| y != 0.0));
        model.reset();
        assert!(!model.unstable(), "{}: a reset model is a fresh one", subject.name);
        for block in [1, 7, 64, 333] {
            model.reset();
            let name = format!("{} in blocks of {block}", subject.name);
            assert_same(&subject.render(&mut model, block), &whole, &name);
            assert_eq!(model.unstable(), unstable, "{name}");
        }
        if !subject.parameters.is_empty() {
            continue;
        }
        model.reset();
        let mut in_place = subject.input.clone();
        in_place.chunks_mut(100).for_each(|block| model.process_in_place(block));
        assert_same(&in_place, &whole, &format!("{} in place", subject.name));
        let threads = NonZeroUsize::new(3).expect("three is not zero");
        // Long enough for several parts.
        let long = subject.input.repeat(10);
        let (mut streamed, mut rendered) = (vec![0.0; long.len()], vec![0.0; long.len()]);
        model.reset();
        model.process(&long, &mut streamed);
        let unstable = model.unstable();
        model.render(&long, &mut rendered, threads);
        assert_same(&rendered, &streamed, &format!("{} rendered", subject.name));
        assert_eq!(model.unstable(), unstable, "{} rendered", subject.name);
    }
    assert!(muted > 10 && recovered > 5, "too few overflow ({muted}) and recover ({recovered})");
}

#[test]
fn each_of_a_pair_sounds_as_if_alone() {
    let (mut subjects, mut faster) = (all(), 0);
    subjects.extend(overflowing());
    for set in InstructionSet::available() {
        for (number, subject) in subjects.iter().enumerate() {
            let model = subject.compile(set);
            let pair = Pair::new(&model);
            // Of the others, a few.
            if !pair.is_faster() && number % 5 > 0 {
                continue;
            }
            faster += usize::from(pair.is_faster());
            let (mut pair, mut apart) = (pair, [model.clone(), model]);
            let mut together = apart.clone();
            let mut expected =
                [1.0, -0.6].map(|gain| subject.input.iter().map(|x| gain * x).collect::<Vec<f32>>());
            let mut audio = expected.clone();
            let mut from = 0;
            for (turn, block) in [1, 700, 64, 35, 500, 129, FRAMES - 1429].into_iter().enumerate() {
                for models in [&mut apart, &mut together] {
                    match turn {
                        1 => {
                            for index in 0..models[1].parameters() {
                                models[1].set_parameter(index, 0.9);
                            }
                        }
                        2 => models[1].reset(),
                        // On its way, or at its end, in what follows.
                        4 => models[0].set_quality(1.0 - subject.quality),
                        6 => models[1].set_quality(1.0 - subject.quality),
                        _ => {}
                    }
                }
                let parts = audio.each_mut().map(|signal| &mut signal[from..from + block]);
                pair.process_in_place(together.each_mut(), parts);
                for (model, signal) in apart.iter_mut().zip(&mut expected) {
                    model.process_in_place(&mut signal[from..from + block]);
                }
                from += block;
            }
            for n in 0..2 {
                let name = format!("{} on {set}, signal {n}", subject.name);
                assert_same(&audio[n], &expected[n], &name);
                assert_eq!(together[n].unstable(), apart[n].unstable(), "{name}");
            }
        }
    }
    // Those without vectors have nothing to gain.
    let lanes = InstructionSet::best().lanes();
    assert!(faster > 10 || lanes < 8, "only {faster} are faster as a pair");
}

#[test]
#[should_panic(expected = "clones of the model")]
fn a_pair_is_of_clones() {
    let model = |kernel_size| support::made_up::filter(kernel_size).compile(&CompileOptions::default());
    let [mut left, mut right] = [3, 4].map(|taps| model(taps).expect("it compiles"));
    Pair::new(&left).process_in_place([&mut left, &mut right], [&mut [0.0], &mut [0.0]]);
}

#[test]
fn a_recurrent_state_that_is_no_number_does_not_stay() {
    // A loud frame makes an infinity of either sign, whose sum the network remembers.
    let split = Dense { in_channels: 1, out_channels: 2, weight: vec![f32::MAX, -f32::MAX], bias: None };
    let sum = Rnn {
        input_size: 2,
        hidden_size: 1,
        weight_ih: vec![1.0, 1.0],
        weight_hh: vec![0.9],
        bias: vec![0.1],
    };
    let mut spec = stack(Layer::Rnn(sum));
    if let Network::Stack(stack) = &mut spec.network {
        stack.layers.insert(0, Layer::Dense(split));
    }
    let mut model = spec.compile(&CompileOptions::default()).expect("it compiles");
    let quiet = |model: &mut Model| {
        let mut audio = [0.0; BLOCK];
        model.process_in_place(&mut audio);
        audio
    };
    let fresh = quiet(&mut model);
    for frame in [0, 1, 100, BLOCK - 1] {
        model.reset();
        let mut audio = [0.0; 2 * BLOCK];
        audio[frame] = 10.0;
        model.process_in_place(&mut audio);
        assert_same(&audio[..frame], &fresh[..frame], "before it");
        assert_same(&audio[frame..BLOCK], &vec![0.0; BLOCK - frame], "silent to the end of the block");
        assert_same(&audio[BLOCK..], &fresh, "a fresh start");
        assert!(model.unstable(), "it tells");
    }
}

fn stack(layer: Layer) -> ModelSpec {
    ModelSpec {
        format: Format::RtNeural,
        network: Network::Stack(Stack::new(vec![layer])),
        sample_rate: None,
        metadata: Metadata::default(),
    }
}

/// Halves its state in every frame of silence.
fn fading() -> ModelSpec {
    stack(Layer::Rnn(Rnn {
        input_size: 1,
        hidden_size: 1,
        weight_ih: vec![1.0],
        weight_hh: vec![0.5],
        bias: vec![0.0],
    }))
}

/// Adds the last two frames.
fn sum() -> ModelSpec {
    stack(Layer::Conv1d(Conv1d {
        in_channels: 1,
        out_channels: 1,
        kernel_size: 2,
        dilation: 1,
        groups: 1,
        weight: vec![1.0, 1.0],
        bias: None,
    }))
}

fn subject(spec: ModelSpec, input: Vec<f32>) -> Subject {
    Subject {
        name: "made by hand".to_owned(),
        spec,
        quality: 1.0,
        prewarm: true,
        anti_aliasing: AntiAliasing::Off,
        input,
        parameters: Vec::new(),
    }
}

#[test]
fn fading_ends_in_silence_and_not_in_subnormal_numbers() {
    let mut input = vec![0.0; 1000];
    input[0] = 1.0;
    let subject = subject(fading(), input);
    for set in InstructionSet::available() {
        let output = subject.render(&mut subject.compile(set), 64);
        assert!(output[20] > 0.0, "on {set}: it fades, it does not stop");
        assert!(!output.iter().any(|y| y.is_subnormal()), "on {set}");
        assert_eq!(output[999], 0.0, "on {set}");
    }
}

#[test]
fn subnormal_input_is_silence() {
    let subject = subject(sum(), vec![f32::MIN_POSITIVE / 2.0; 100]);
    for set in InstructionSet::available() {
        let output = subject.render(&mut subject.compile(set), 64);
        assert!(output.iter().all(|&y| y == 0.0), "on {set}: {:e}", output[50]);
    }
}

#[test]
fn silence_after_sound_leaves_no_subnormal_numbers() {
    for subject in all() {
        let mut model = subject.compile(InstructionSet::best());
        subject.render(&mut model, 64);
        let mut block = [0.0; 4096];
        for _ in 0..48 {
            block.fill(0.0);
            model.process_in_place(&mut block);
            assert!(!block.iter().any(|y| y.is_subnormal()), "{}", subject.name);
        }
    }
}

#[test]
fn processing_leaves_subnormal_numbers_to_the_caller() {
    for subject in all() {
        let mut model = subject.compile(InstructionSet::best());
        model.process_in_place(&mut [0.5; 64]);
        model.reset();
        let half = black_box(f32::MIN_POSITIVE) / black_box(2.0);
        assert!(half.is_subnormal(), "{}: the flag of the caller's thread is as it was", subject.name);
    }
}

#[test]
fn a_split_render_equals_the_streamed_one() {
    let threads = NonZeroUsize::new(3).expect("three is not zero");
    for subject in subject::all(1).into_iter().chain(subject::anti_aliased(1)) {
        let mut model = subject.compile(InstructionSet::best());
        let input = support::made_up::signal(3 * (4 * model.receptive_field() + 7000), 0.5);
        let (mut streamed, mut split) = (vec![0.0; input.len()], vec![0.0; input.len()]);
        model.process(&input, &mut streamed);
        model.render(&input, &mut split, threads);
        assert_same(&split, &streamed, &subject.name);
    }
}

/// What becomes of a signal in blocks of at most `block` frames while the settings turn.
fn play(stage: &mut dyn Stage, block: usize) -> Vec<f32> {
    let mut signal = support::made_up::signal(20_000, 0.7);
    for (number, part) in signal.chunks_mut(1501).enumerate() {
        stage.turn(number);
        part.chunks_mut(block).for_each(|block| stage.process(block));
    }
    signal
}

#[test]
fn block_size_does_not_change_what_a_stage_does() {
    for subject in stage::all() {
        let whole = play(&mut *(subject.stage)(), 4096);
        for block in [1, 7, 64, 333] {
            let pieces = play(&mut *(subject.stage)(), block);
            assert_same(&pieces, &whole, &format!("{}, blocks of {block}", subject.name));
        }
    }
}

#[test]
fn a_reset_stage_equals_a_new_one_with_its_settings() {
    for subject in stage::all() {
        let mut used = (subject.stage)();
        play(&mut *used, 64);
        used.process(&mut [f32::NAN, f32::INFINITY, f32::MAX]);
        let mut new = (subject.stage)();
        for stage in [&mut used, &mut new] {
            stage.turn(3);
            stage.reset();
        }
        assert_same(&play(&mut *used, 64), &play(&mut *new, 64), subject.name);
    }
}
