//! The CLAP, played in process.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nd_core::{CompileOptions, Model, ModelSpec};

use crate::host::{Host, Layout};

/// Models that other programs have rendered too: the wheel's tests hold them to that.
const NETWORKS: [&str; 3] = ["wavenet_nano/model.nam", "lstm_2x16/model.nam", "linear_64/model.nam"];

fn model(bytes: &[u8]) -> Model {
    let spec = ModelSpec::from_slice(bytes).expect("a model");
    spec.compile(&CompileOptions::default()).expect("a model that compiles")
}

/// Something like a string that is plucked again and again.
pub(crate) fn guitar(frames: usize) -> Vec<f32> {
    let tone = |n: usize| {
        let (time, since) = (n as f32 / 48_000.0, (n % 24_000) as f32 / 48_000.0);
        0.5 * (-4.0 * since).exp() * ((691.0 * time).sin() + 0.5 * (1382.0 * time).sin())
    };
    (0..frames).map(tone).collect()
}

pub(crate) fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn it_plays_what_the_engine_plays() {
    let input = guitar(10_000);
    for network in NETWORKS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(network);
        let mut output = vec![0.0; input.len()];
        model(&std::fs::read(&path).expect("a file")).process(&input, &mut output);
        let mut host = Host::new();
        host.load(&state_with(&path));
        host.activate(48_000.0, 4096);
        assert_eq!(host.latency(), 0, "samples of {network}");
        assert_eq!(host.play(&input, 512), output, "{network}, with everything else neutral");
    }
}

#[test]
fn blocks_of_any_size_sound_the_same() {
    let input = guitar(12_000);
    let whole = Host::playing().play(&input, 4096);
    for block in [1, 7, 64, 333, 2048] {
        assert_eq!(Host::playing().play(&input, block), whole, "blocks of {block}");
    }
    let (mut host, mut rest, mut output) = (Host::playing(), &input[..], Vec::new());
    for block in [1, 4096, 3, 512, 100, 4000].iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*block));
        output.extend(host.play(now, now.len().max(1)));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(output, whole, "blocks that change");
}

#[test]
fn a_reset_equals_a_new_instance() {
    let input = guitar(5000);
    let mut host = Host::playing();
    let first = host.play(&input, 256);
    host.reset();
    assert_eq!(host.play(&input, 256), first, "the same again");
}

#[test]
fn mono_and_both_channels_of_stereo_sound_the_same() {
    let input = guitar(4000);
    let mut mono = Host::new();
    mono.layout(Layout::Mono).activate(48_000.0, 4096);
    let alone = mono.play(&input, 500);
    let mut stereo = Host::playing();
    for (block, alone) in input.chunks(500).zip(alone.chunks(500)) {
        let output = stereo.block(&[block, block]);
        assert_eq!([&output[0], &output[1]], [alone, alone], "left and right");
    }
}

/// Plays a session for a while: a knob and a switch move, and one channel pauses for so long that it falls asleep.
fn play_on(host: &mut Host, signals: &[&[f32]]) -> Vec<Vec<f32>> {
    let mut output = vec![Vec::new(); signals.len()];
    for (number, from) in (0..signals[0].len()).step_by(600).enumerate() {
        match number {
            3 => _ = host.set_at(250, "Knob 1", "90 %"),
            8 => _ = host.set("Model", "Off"),
            11 => _ = host.set("Model", "On"),
            60 => _ = host.set("Knob 2", "10 %"),
            _ => {}
        }
        let block: Vec<&[f32]> = signals.iter().map(|signal| &signal[from..from + 600]).collect();
        output.iter_mut().zip(host.block(&block)).for_each(|(all, block)| all.extend(block));
    }
    output
}

#[test]
fn each_channel_of_stereo_sounds_as_if_alone() {
    let left = guitar(48_000);
    let mut right: Vec<f32> = left.iter().rev().map(|x| -0.7 * x).collect();
    right[12_000..30_000].fill(0.0);
    for network in ["lstm_2x16/model.nam", "aidax_gru8_cond2/model.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(network);
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            let play = |layout, signals: &[&[f32]]| {
                let mut host = Host::new();
                host.layout(layout).load(&state_with(&path));
                host.activate(rate, 4096);
                play_on(&mut host, signals)
            };
            let stereo = play(Layout::Stereo, &[&left, &right]);
            for (channel, signal) in [&left, &right].into_iter().enumerate() {
                let alone = play(Layout::Mono, &[signal]).swap_remove(0);
                let same = stereo[channel].iter().zip(&alone).position(|(a, b)| a != b);
                assert_eq!(same, None, "first difference of channel {channel} of {network} at {rate} Hz");
            }
        }
    }
}

#[test]
fn an_impulse_comes_out_after_the_latency_at_every_rate() {
    const RATES: [f64; 7] = [22_050.0, 44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0];
    for (rate, anti_aliasing) in
        ["Off", "Eco", "Standard", "Best"].iter().flat_map(|a| RATES.map(|rate| (rate, *a)))
    {
        let mut host = Host::new();
        host.load(&state_with(&file("impulse", "one.json", 1.0)));
        host.set("Anti-aliasing", anti_aliasing).flush();
        host.activate(rate, 4096);
        let mut input = vec![0.0; 8192];
        input[1000] = 0.01;
        let output = host.play(&input, 64);
        let peak = (0..output.len()).max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()));
        assert_eq!(peak, Some(1000 + host.latency()), "at {rate} Hz, {anti_aliasing}");
        host.set("Mix", "0 %");
        host.play(&[0.0; 4096], 64);
        let dry = host.play(&input, 64);
        assert_eq!(dry[1000 + host.latency()], 0.01, "the dry signal at {rate} Hz, {anti_aliasing}");
    }
}

/// Waits until something is true, or for long enough to say that it never will be.
fn wait(host: &mut Host, what: &str, mut done: impl FnMut(&mut Host) -> bool) {
    let start = Instant::now();
    while !done(host) {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn automation_takes_effect_at_its_frame_and_without_a_step() {
    let mut host = Host::neutral();
    host.set("Model", "Off").flush();
    host.activate(48_000.0, 4096);
    let input = vec![0.1; 4096];
    host.play(&input, 4096);
    host.set_at(1000, "Output", "6 dB");
    let output = host.block(&[&input, &input]).swap_remove(0);
    assert_eq!(output[..1000], [0.1; 1000], "before");
    let steps = output.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    assert!(steps.fold(0.0, f32::max) < 0.001, "a smooth way up");
    assert!((output[4095] - 0.1 * 10_f32.powf(0.3)).abs() < 1e-6, "after: {}", output[4095]);
}

#[test]
fn parameters_are_restored_and_a_button_is_not_pressed_again() {
    let mut host = Host::playing();
    host.set("Input", "7.5 dB").set("Channels", "Dual mono").set("Gate", "On").set("Next model", "On");
    host.play(&[0.0; 512], 64);
    let state = host.save();
    let mut other = Host::new();
    other.load(&state);
    other.activate(48_000.0, 4096);
    assert_eq!(other.get("Input"), "7.5 dB", "a knob");
    assert_eq!(other.get("Channels"), "Dual mono", "a choice");
    assert_eq!(other.get("Gate"), "On", "a switch");
    assert_eq!(other.get("Next model"), "Off", "a button");
}

#[test]
fn silence_in_is_silence_out_and_ends_the_work() {
    let mut host = Host::playing();
    host.play(&guitar(4800), 64);
    let output = host.play(&vec![0.0; 96_000], 64);
    assert!(output[90_000..].iter().all(|y| *y == 0.0), "after two seconds");
    let again = host.play(&guitar(4800), 64);
    assert!(again.iter().any(|y| y.abs() > 0.01), "it wakes");
}

#[test]
fn what_is_not_finite_is_muted_and_forgotten() {
    let mut host = Host::playing();
    let mut input = guitar(4800);
    input[100] = f32::NAN;
    input[200] = f32::INFINITY;
    assert!(host.play(&input, 64).iter().all(|y| y.is_finite()), "no NaN comes out");
    assert!(host.play(&guitar(4800), 64).iter().any(|y| y.abs() > 0.01), "and it goes on");
}

/// A model that multiplies what is soft by `gain`, as a file in a folder of its own.
pub(crate) fn file(folder: &str, name: &str, gain: f32) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nd-plugin-{}-{folder}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let path = folder.join(name);
    let text = format!(
        r#"{{"layer1_weights": [0.001], "layer1_bias": [0.0], "layer2_weights": [{}], "layer2_bias": [0.0]}}"#,
        1000.0 * gain
    );
    std::fs::write(&path, text).expect("a file");
    path
}

/// A neutral session with another model than the one that is shipped.
pub(crate) fn session_with(path: &Path) -> serde_json::Value {
    let bytes = Host::neutral().save();
    let mut state: serde_json::Value = serde_json::from_slice(&bytes[8..]).expect("a length, then JSON");
    state["fields"]["model"] = serde_json::json!({ "path": path }).to_string().into();
    state
}

/// A state as the CLAP stores it: its length, then JSON.
pub(crate) fn framed(state: &serde_json::Value) -> Vec<u8> {
    let text = state.to_string();
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn state_with(path: &Path) -> Vec<u8> {
    framed(&session_with(path))
}

/// What the model multiplies by, heard from a long soft note.
fn gain(host: &mut Host) -> f32 {
    gain_of(&host.play(&[0.01; 4096], 64))
}

/// What a note of 0.01 was multiplied by in the end.
pub(crate) fn gain_of(output: &[f32]) -> f32 {
    output[output.len() - 1] / 0.01
}

#[test]
fn a_state_that_is_loaded_while_it_plays_brings_its_model() {
    let mut host = Host::neutral();
    host.activate(48_000.0, 4096);
    host.load(&state_with(&file("state", "three.json", 3.0)));
    wait(&mut host, "the session's model plays", |host| (gain(host) - 3.0).abs() < 1e-3);
}

#[test]
fn a_session_opens_without_its_files() {
    let path = file("moved", "three.json", 3.0);
    let mut host = Host::new();
    host.load(&state_with(&path));
    host.activate(48_000.0, 4096);
    let state = host.save();
    std::fs::remove_file(&path).expect("the file is there");
    let mut other = Host::new();
    other.load(&state);
    other.activate(48_000.0, 4096);
    assert!((gain(&mut other) - 3.0).abs() < 1e-3, "its own copy plays: {}", gain(&mut other));
    file("moved", "three.json", 5.0);
    let mut other = Host::new();
    other.load(&state);
    other.activate(48_000.0, 4096);
    assert!((gain(&mut other) - 3.0).abs() < 1e-3, "not what has taken its place: {}", gain(&mut other));
}

#[test]
fn a_session_remembers_how_its_model_is_read() {
    let path = file("readings", "one.json", 1.0).with_file_name("linear.nam");
    let text = r#"{"version": "0.5.4", "architecture": "Linear", "sample_rate": 48000,
        "config": {"receptive_field": 2, "bias": false}, "weights": [0.5, 0.25]}"#;
    std::fs::write(&path, text).expect("a file");
    let mut input = vec![0.0; 64];
    input[10] = 1.0;
    let mut states = Vec::from([[].as_slice(), &["reverse_linear_taps"]].map(|compat: &[&str]| {
        let mut state = session_with(&path);
        state["fields"]["model"] = serde_json::json!({ "path": path, "compat": compat }).to_string().into();
        framed(&state)
    }));
    let mut taps = Vec::new();
    for _ in 0..2 {
        for state in &mut states {
            let mut host = Host::new();
            host.load(state);
            host.activate(48_000.0, 4096);
            taps.push(host.play(&input, 64)[10..12].to_vec());
            *state = host.save();
        }
        // The second time, from what the first has saved.
        _ = std::fs::remove_file(&path);
    }
    assert_eq!(taps, [[0.5, 0.25], [0.25, 0.5], [0.5, 0.25], [0.25, 0.5]], "as usual, reversed, and again");
}

#[test]
fn levels_are_brought_to_what_the_file_says() {
    let path = file("levels", "one.json", 1.0).with_file_name("levels.nam");
    let text = r#"{"version": "0.5.4", "architecture": "Linear", "sample_rate": 48000,
        "metadata": {"loudness": -24.0, "input_level_dbu": 18.0, "output_level_dbu": 4.0},
        "config": {"receptive_field": 1, "bias": false}, "weights": [1.0]}"#;
    std::fs::write(&path, text).expect("a file");
    let state = state_with(&path);
    // The interface is at 12 dBu, and the loudness that all are brought to is -18 dB.
    for (mode, calibrate, expected) in
        [("Raw", "Off", 0.0), ("Normalised", "Off", 6.0), ("Calibrated", "Off", -8.0), ("Raw", "On", -6.0)]
    {
        let mut host = Host::new();
        host.load(&state);
        host.set("Output mode", mode).set("Calibrate input", calibrate).flush();
        host.activate(48_000.0, 4096);
        let gain_db = 20.0 * gain(&mut host).log10();
        assert!((gain_db - expected).abs() < 1e-3, "{mode}, calibration {calibrate}: {gain_db} dB");
    }
}

#[test]
fn a_model_that_cannot_be_had_leaves_the_old_one_playing() {
    let mut host = Host::neutral();
    host.load(&state_with(&file("broken", "three.json", 3.0)));
    host.activate(48_000.0, 4096);
    host.load(&state_with(&std::env::temp_dir().join("there is no such file.nam")));
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        for y in host.play(&[0.01; 4096], 64) {
            assert!((y / 0.01 - 3.0).abs() < 1e-3, "the old one, and nothing beside it: {}", y / 0.01);
        }
    }
}

#[test]
fn buttons_step_through_the_folder() {
    let first = file("folder", "a.json", 1.0);
    file("folder", "b.json", 2.0);
    file("folder", "c.json", 3.0);
    let mut host = Host::neutral();
    host.load(&state_with(&first));
    host.activate(48_000.0, 4096);
    for (button, expected) in
        [("Next model", 2.0), ("Next model", 3.0), ("Next model", 1.0), ("Previous model", 3.0)]
    {
        host.set(button, "On");
        wait(&mut host, button, |host| (gain(host) - expected).abs() < 1e-3);
        host.set(button, "Off");
        gain(&mut host);
    }
}

#[test]
fn a_render_waits_for_the_model() {
    let mut host = Host::neutral();
    host.offline().activate(48_000.0, 4096);
    host.load(&state_with(&file("offline", "three.json", 3.0)));
    host.reset();
    let output = host.play(&[0.01; 64], 64);
    assert!((output[0] / 0.01 - 3.0).abs() < 1e-3, "from the first sample on: {}", output[0] / 0.01);
}

#[test]
fn an_instance_may_go_while_it_loads_and_another_goes_on() {
    let path = file("two", "three.json", 3.0);
    let mut other = Host::neutral();
    other.activate(48_000.0, 4096);
    for _ in 0..10 {
        let mut host = Host::neutral();
        host.activate(48_000.0, 4096);
        host.load(&state_with(&path));
        drop(host);
    }
    other.load(&state_with(&path));
    wait(&mut other, "the other's model plays", |host| (gain(host) - 3.0).abs() < 1e-3);
}

#[test]
fn one_model_fades_into_another_without_a_click() {
    let mut host = Host::neutral();
    host.load(&state_with(&file("fade", "one.json", 1.0)));
    host.activate(48_000.0, 4096);
    gain(&mut host);
    host.load(&state_with(&file("fade", "three.json", 3.0)));
    let mut last = 0.01;
    wait(&mut host, "the fade is over", |host| {
        let output = host.play(&[0.01; 64], 64);
        for y in &output {
            assert!((y - last).abs() < 1e-3, "from {last} to {y}");
            last = *y;
        }
        (last - 0.03).abs() < 1e-5
    });
}

#[test]
fn it_plays_again_at_another_rate() {
    let mut host = Host::neutral();
    host.activate(48_000.0, 64).deactivate();
    host.activate(96_000.0, 512);
    assert_eq!(host.latency(), 0, "a multiple of the model's rate needs no filter");
    assert!(host.play(&guitar(4800), 512).iter().any(|y| y.abs() > 0.01), "it is heard");
}

#[test]
fn anti_aliasing_is_changed_while_it_plays_without_a_click() {
    let mut host = Host::neutral();
    host.activate(48_000.0, 256);
    let note: Vec<f32> = (0..96_000).map(|n| 0.02 * (0.02 * n as f32).sin()).collect();
    host.play(&note[..4800], 256);
    let mut output = Vec::new();
    for (part, anti_aliasing) in note.chunks(24_000).zip(["Best", "Off", "Standard", "Eco"]) {
        host.set("Anti-aliasing", anti_aliasing);
        for block in part.chunks(256) {
            output.extend(host.play(block, 256));
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    let step = |signal: &[f32]| signal.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    // The gain of the model on a soft note, from its own output.
    let loud = step(&output[..1000]).max(step(&output[90_000..]));
    assert!(step(&output[64..]) < 1.5 * loud, "{} against {loud}", step(&output[64..]));
}

/// An impulse response that is a single one after `delay` frames, on the left, and another on the right.
pub(crate) fn impulse_response(name: &str, delays: [usize; 2]) -> PathBuf {
    let path = file(name, "model.json", 1.0).with_file_name("cabinet.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 48_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&path, spec).expect("a file");
    for n in 0..64 {
        for delay in delays {
            writer.write_sample(if n == delay { 1.0_f32 } else { 0.0 }).expect("a sample");
        }
    }
    writer.finalize().expect("a file");
    path
}

#[test]
fn a_cabinet_convolves_each_side_with_its_channel_and_has_no_latency() {
    let mut state = session_with(&file("cabinet", "model.json", 1.0));
    let cabinet = serde_json::json!({ "path": impulse_response("cabinet", [0, 7]) });
    state["fields"]["cabinet"] = cabinet.to_string().into();
    let mut host = Host::new();
    host.load(&framed(&state));
    host.activate(48_000.0, 4096);
    assert_eq!(host.latency(), 0, "samples");
    let mut input = vec![0.0; 64];
    input[10] = 0.01;
    let output = host.block(&[&input, &input]);
    for (channel, delay) in output.iter().zip([0, 7]) {
        let peak = (0..64).max_by(|&a, &b| channel[a].abs().total_cmp(&channel[b].abs()));
        assert_eq!(peak, Some(10 + delay), "the impulse");
    }
    host.set("Cabinet", "Off");
    host.play(&[0.0; 4096], 512);
    let output = host.block(&[&input, &input]);
    assert!((output[1][10] - 0.01).abs() < 1e-6, "without it: {}", output[1][10]);
    host.set("Cabinet", "On").set("Cabinet side", "Right");
    wait(&mut host, "the right side on the left", |host| host.play(&input, 64)[17].abs() > 0.009);
}

#[test]
fn the_gate_is_one_for_both_channels_of_stereo_and_two_of_dual_mono() {
    for (channels, open) in [("Stereo", true), ("Dual mono", false)] {
        let mut host = Host::neutral();
        host.set("Model", "Off").set("Gate", "On").set("Gate threshold", "-40 dB").set("Channels", channels);
        host.flush();
        host.activate(48_000.0, 4096);
        let output = host.block(&[&vec![0.5; 4096], &vec![0.001; 4096]]);
        assert!((output[0][4095] - 0.5).abs() < 1e-6, "{channels}: what is loud passes");
        assert_eq!(output[1][4095] > 0.0, open, "{channels}: what is soft beside it");
    }
}

#[test]
fn mono_takes_the_channel_that_it_is_told() {
    for (channels, expected) in [("Mono (left)", 0.5), ("Mono (right)", 0.1), ("Mono (sum)", 0.3)] {
        let mut host = Host::neutral();
        host.set("Model", "Off").set("Channels", channels).flush();
        host.activate(48_000.0, 4096);
        for output in host.block(&[&[0.5; 512], &[0.1; 512]]) {
            assert!((output[511] - expected).abs() < 1e-6, "{channels}: {}", output[511]);
        }
    }
}

#[test]
fn a_model_of_another_rate_brings_its_latency_while_it_plays() {
    let path = file("latency", "three.json", 3.0);
    let mut state = session_with(&path);
    state["fields"]["model"] = "{}".into();
    let mut host = Host::new();
    host.load(&framed(&state));
    host.activate(44_100.0, 4096);
    assert_eq!(host.latency(), 0, "without a model");
    host.load(&state_with(&path));
    wait(&mut host, "the host is told", |host| {
        gain(host);
        host.idle();
        host.latency() > 0
    });
    host.play(&vec![0.0; 8192], 64);
    let mut input = vec![0.0; 1024];
    input[100] = 0.01;
    let output = host.play(&input, 64);
    let peak = (0..output.len()).max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()));
    assert_eq!(peak, Some(100 + host.latency()), "what it is told is so");
}
