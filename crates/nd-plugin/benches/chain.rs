//! What the chain adds to a model: blocks of 64 at 48 kHz, the plugin in a host of its own against the bare engine.
//!
//! ```text
//! cargo bench --package nd-plugin --no-default-features -- MODEL…
//! ```

#![expect(clippy::print_stdout, reason = "a benchmark talks on the terminal")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nd_core::{CompileOptions, ModelSpec};

#[allow(dead_code, reason = "the tests' host can do more than this needs")]
#[path = "../tests/hosts/host.rs"]
mod host;

use host::{Host, Layout};

const BLOCK: usize = 64;
const RATE: f64 = 48_000.0;

/// Seconds of sound of a round, and how many rounds the fastest is taken of: many short ones, so that one of each contender
/// meets a quiet moment of a machine that others use as well.
const SECONDS: f64 = 0.1;
const ROUNDS: usize = 1500;

/// Something that plays a block.
type Play<'a> = &'a mut dyn FnMut(&[f32]);

/// Plays rounds of two contenders in turn, and returns nanoseconds per sample of the fastest round of each.
fn race(mut contenders: [Play<'_>; 2]) -> [f64; 2] {
    let frames = (SECONDS * RATE) as usize;
    let sound: Vec<f32> = (0..frames).map(|n| 0.2 * (0.05 * n as f32).sin()).collect();
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (play, best) in contenders.iter_mut().zip(&mut best) {
            let start = Instant::now();
            sound.chunks_exact(BLOCK).for_each(&mut *play);
            *best = start.elapsed().min(*best);
        }
    }
    best.map(|time| time.as_nanos() as f64 / (frames / BLOCK * BLOCK) as f64)
}

fn session(path: &Path, stages: bool) -> Vec<u8> {
    let mut host = Host::new();
    if stages {
        host.set("Gate", "On").set("Input", "3 dB").set("Output", "-3 dB");
    } else {
        host.set("DC blocker", "Off").set("Output mode", "Raw");
    }
    host.flush();
    let bytes = host.save();
    let mut state: serde_json::Value = serde_json::from_slice(&bytes[8..]).expect("a length, then JSON");
    state["fields"]["model"] = serde_json::json!({ "path": path }).to_string().into();
    let text = state.to_string();
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn main() {
    let models: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .filter(|word| !word.to_string_lossy().starts_with('-'))
        .map(PathBuf::from)
        .collect();
    println!(
        "| model | engine | plugin, neutral | plugin, gate, gains and DC blocker | in stereo, against two engines | stereo \
         instances per core |"
    );
    println!("|---|---|---|---|---|---|");
    for path in models {
        let bytes = std::fs::read(&path).expect("a file");
        let spec = ModelSpec::from_slice(&bytes).expect("a model");
        let mut model = spec.compile(&CompileOptions::default()).expect("a model that compiles");
        let mut output = [0.0; BLOCK];
        let mut bare = |input: &[f32]| model.process(input, &mut output);
        let plugin = |layout, stages| {
            let mut host = Host::new();
            host.layout(layout).load(&session(&path, stages));
            host.activate(RATE, BLOCK as u32);
            host.player(BLOCK)
        };
        let mut neutral = plugin(Layout::Mono, false);
        let [engine, chain] = race([&mut bare, &mut |input| neutral.play(input)]);
        let mut full = plugin(Layout::Mono, true);
        let [again, stages] = race([&mut bare, &mut |input| full.play(input)]);
        let mut wide = plugin(Layout::Stereo, true);
        let [_, stereo] = race([&mut bare, &mut |input| wide.play(input)]);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let more = |ns: f64, than: f64| 100.0 * (ns / than - 1.0);
        println!(
            "| {name} | {engine:.1} ns/sample | {chain:.1} ({:+.1} %) | {stages:.1} ({:+.1} %) | {stereo:.1} ({:+.1} %) | {:.0} |",
            more(chain, engine),
            more(stages, again),
            more(stereo, 2.0 * again),
            1e9 / RATE / stereo
        );
    }
}
