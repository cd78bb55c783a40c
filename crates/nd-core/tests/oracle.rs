//! The engine against other programs' renderings and against the reference evaluator, on each instruction set.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use nd_core::{CompileOptions, InstructionSet, reference};
use support::{esr_db, fixture, max_abs_error, subject, widen};

/// Single precision rounds each of a network's thousands of sums; 5e-6 of the largest value bounds what they add up
/// to in networks of a few dozen layers.
const ROUNDING: f64 = 5e-6;

/// Far below the last bit of a 16-bit recording. Single precision reaches about -114 dB on this capture with perfectly
/// rounded activations: its sums have 49 terms, some of which cancel.
const CAPTURE_ESR_DB: f64 = -108.5;

/// A recurrent network feeds its own rounding back to itself; this one's output is the small difference (0.005) of
/// states near one.
const RECURRENT_ESR_DB: f64 = -104.0;

#[test]
fn every_fixture_sounds_as_the_other_program_rendered_it() {
    let mut wrong = Vec::new();
    for case in fixture::cases() {
        let subject = case.subject(usize::MAX);
        for set in InstructionSet::available() {
            let output = subject.render(&mut subject.compile(set), 64);
            if let Err(error) = case.tolerance.judge(&case.output(), &widen(&output)) {
                wrong.push(format!("{} on {set}: {error}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_real_capture_is_as_close_to_the_reference_as_single_precision_lets_it() {
    let limits = [("real_wavenet_a1_standard", CAPTURE_ESR_DB), ("real_lstm", RECURRENT_ESR_DB)];
    for (name, limit) in limits {
        let case = fixture::cases().into_iter().find(|c| c.name == name).expect("the index has it");
        let subject = case.subject(usize::MAX);
        let target = subject.reference();
        for set in InstructionSet::available() {
            let output = widen(&subject.render(&mut subject.compile(set), 64));
            let esr = esr_db(&target, &output);
            assert!(esr <= limit, "{name} on {set}: {esr:.1} dB, limit {limit} dB");
        }
    }
}

#[test]
fn every_kind_of_layer_computes_what_the_reference_does() {
    let mut wrong = Vec::new();
    for subject in subject::made_up(1500) {
        let target = subject.reference();
        let peak = target.iter().fold(1.0_f64, |peak, y| peak.max(y.abs()));
        for set in InstructionSet::available() {
            let output = widen(&subject.render(&mut subject.compile(set), 64));
            let error = max_abs_error(&target, &output);
            if error > ROUNDING * peak {
                wrong.push(format!("{} on {set}: {error:.2e} at a peak of {peak:.1}", subject.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_filter_of_any_length_computes_what_the_reference_does() {
    // Around the lengths at which the engine changes its way, with whole and with broken partitions.
    for taps in [31, 32, 33, 64, 65, 128, 384, 385, 511, 512, 513, 1024, 1025, 4096, 5000] {
        let subject = subject::filter(taps, 2 * taps + 1000);
        let target = subject.reference();
        for set in InstructionSet::available() {
            let output = widen(&subject.render(&mut subject.compile(set), 50));
            let error = max_abs_error(&target, &output);
            assert!(error <= ROUNDING, "{taps} taps on {set}: {error:.2e}");
        }
    }
}

#[test]
fn without_prewarming_every_history_is_silence() {
    let mut wrong = Vec::new();
    for mut subject in subject::made_up(300) {
        subject.prewarm = false;
        let target = subject.reference();
        let peak = target.iter().fold(1.0_f64, |peak, y| peak.max(y.abs()));
        let output = subject.render(&mut subject.compile(InstructionSet::best()), 64);
        let error = max_abs_error(&target, &widen(&output));
        if error > ROUNDING * peak {
            wrong.push(format!("{}: {error:.2e} at a peak of {peak:.1}", subject.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_receptive_field_is_the_references() {
    // Of the full model: the memory of a smaller one may be shorter.
    for subject in subject::all(1).into_iter().filter(|s| s.quality == 1.0) {
        let model = subject.compile(InstructionSet::best());
        if let Some(frames) = reference::receptive_field(&subject.spec, subject.quality) {
            assert_eq!(model.receptive_field(), frames, "{}", subject.name);
        }
    }
}

#[test]
fn a_standard_capture_has_its_13802_weights() {
    let case = fixture::cases().into_iter().find(|c| c.name == "real_wavenet_a1_standard");
    let subject = case.expect("the index has it").subject(0);
    let model = subject.compile(InstructionSet::best());
    assert_eq!(model.num_parameters(), 13802);
}

#[test]
fn a_recurrent_network_of_few_units_leaves_no_half_of_a_vector_idle() {
    let best = InstructionSet::best();
    for (name, idle) in [("lstm_1x8", true), ("rtn_gru12", false), ("lstm_2x16", false)] {
        let case =
            fixture::cases().into_iter().find(|case| case.name == name).expect("a fixture of that name");
        let spec = case.subject(1).spec;
        let mut options = CompileOptions::default();
        let lanes =
            |options: &CompileOptions| spec.compile(options).expect("it compiles").instruction_set().lanes();
        // Vectors of 8 are the shortest that are worth it.
        let halved = idle && best.lanes() > 8;
        assert_eq!(lanes(&options), if halved { 8 } else { best.lanes() }, "{name}");
        // Two frames side by side need the registers.
        options.rate_factor = 2;
        assert_eq!(lanes(&options), best.lanes(), "{name} at twice its rate");
        options.instruction_set = Some(InstructionSet::baseline());
        assert_eq!(lanes(&options), InstructionSet::baseline().lanes(), "{name} as it was asked for");
    }
}
