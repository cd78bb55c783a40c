//! What each stage around a model costs, in blocks of 64 frames: the best of many passes.
//!
//! `cargo bench --package nd-core --bench chain`

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::time::Instant;

use nd_core::dsp::cabinet::{Cabinet, CabinetOptions};
use nd_core::dsp::dc::DcBlocker;
use nd_core::dsp::delay::Delay;
use nd_core::dsp::gate::{Gate, GateSettings};
use nd_core::dsp::meter::Meter;
use nd_core::dsp::rate::RateChange;
use nd_core::dsp::smooth::{Ramp, Smooth};
use nd_core::dsp::tone::{Band, Tone};
use nd_core::dsp::tuner::Tuner;

const SAMPLE_RATE: f64 = 48_000.0;

const BLOCK: usize = 64;

const PASSES: usize = 300;

/// Prints nanoseconds a frame.
fn measure(name: &str, mut process: impl FnMut(&mut [f32])) {
    let input: Vec<f32> = (0..64 * BLOCK).map(|n| 0.5 * (n as f32 * 0.1).sin()).collect();
    let mut audio = input.clone();
    let mut best = f64::INFINITY;
    for _ in 0..PASSES {
        audio.copy_from_slice(&input);
        let start = Instant::now();
        audio.chunks_mut(BLOCK).for_each(&mut process);
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<32} {:>8.2}", 1e9 * best / input.len() as f64);
}

fn response(frames: usize) -> [Vec<f32>; 1] {
    [(0..frames).map(|n| ((n * n) as f32 * 0.37).sin()).collect()]
}

fn main() {
    println!("{:<32} {:>8}", "", "ns/frame");
    for gain in [1.0, 0.5] {
        let mut stage = Smooth::new(Ramp::Linear, SAMPLE_RATE, 20.0, gain);
        measure(&format!("gain of {gain}"), |audio| stage.process(audio));
    }
    for (name, threshold_db) in [("gate, open", -60.0), ("gate, closed", 0.0)] {
        let mut stage = Gate::new(SAMPLE_RATE, &GateSettings { threshold_db, ..GateSettings::default() });
        measure(name, |audio| stage.process(audio));
    }
    for (name, gain_db) in [("tone, flat", 0.0), ("tone, all four bands", 6.0)] {
        let mut stage = Tone::new(SAMPLE_RATE);
        for band in Band::ALL {
            stage.set(band, gain_db);
        }
        stage.reset();
        measure(name, |audio| stage.process(audio));
    }
    let mut stage = DcBlocker::new(SAMPLE_RATE, 5.0);
    measure("DC blocker", |audio| stage.process(audio));
    let mut stage = Delay::new(31, 4800);
    measure("delay", |audio| stage.process(audio));
    let mut stage = Meter::new(SAMPLE_RATE);
    measure("meter", |audio| stage.process(audio));
    let (mut stage, _tuner) = Tuner::new(SAMPLE_RATE);
    measure("tuner's input", |audio| stage.process(audio));
    for frames in [500, 2048, 8192, 48_000] {
        let mut stage = Cabinet::new(&response(frames), SAMPLE_RATE, SAMPLE_RATE, &CabinetOptions::default())
            .expect("a response");
        measure(&format!("cabinet of {frames} frames"), |audio| stage.process(audio));
    }
    for (host, model) in
        [(44_100.0, 48_000.0), (96_000.0, 48_000.0), (192_000.0, 48_000.0), (48_000.0, 96_000.0)]
    {
        let mut stage = RateChange::new(host, model).expect("the pair is supported");
        measure(&format!("{host} Hz to {model} Hz and back"), |audio| stage.process(audio, |_| ()));
    }
}
