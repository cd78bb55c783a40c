//! How evenly a long filter works: the mean block, and the one that has most to do.
//!
//! A filter does the same work at the same place of each period, so the best of many passes at each place is free of
//! what else the machine did meanwhile. `cargo bench --package nd-core --bench convolution`

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::time::Instant;

use nd_core::spec::{Conv1d, Format, Layer, Metadata, Network, Stack};
use nd_core::{CompileOptions, InstructionSet, Model, ModelSpec};

/// Frames after which everything repeats.
const PERIOD: usize = 4096;

const PASSES: usize = 400;

fn filter(taps: usize, set: InstructionSet) -> Model {
    let weight = (0..taps).map(|n| ((n * n) as f32 * 0.37).sin() / (1.0 + n as f32)).collect();
    let conv = Conv1d {
        in_channels: 1,
        out_channels: 1,
        kernel_size: taps,
        dilation: 1,
        groups: 1,
        weight,
        bias: None,
    };
    let spec = ModelSpec {
        format: Format::Nam,
        network: Network::Stack(Stack::new(vec![Layer::Conv1d(conv)])),
        sample_rate: None,
        metadata: Metadata::default(),
    };
    let mut options = CompileOptions::default();
    options.instruction_set = Some(set);
    spec.compile(&options).expect("a filter compiles")
}

fn main() {
    println!(
        "{:>8} {:>9} {:>6} {:>11} {:>12} {:>8}",
        "taps", "", "block", "ns a frame", "worst block", "to mean"
    );
    for set in InstructionSet::available() {
        for taps in [1024, 2048, 8192, 48_000, 192_000] {
            for block in [16, 64, 256] {
                let mut model = filter(taps, set);
                let mut audio: Vec<f32> = (0..PERIOD).map(|n| (n as f32 * 0.1).sin()).collect();
                let mut best = vec![f64::INFINITY; PERIOD / block];
                for _ in 0..PASSES {
                    for (best, audio) in best.iter_mut().zip(audio.chunks_mut(block)) {
                        let start = Instant::now();
                        model.process_in_place(audio);
                        *best = best.min(start.elapsed().as_secs_f64());
                    }
                    for x in &mut audio {
                        *x = x.clamp(-1.0, 1.0);
                    }
                }
                let mean = best.iter().sum::<f64>() / best.len() as f64;
                let worst = best.iter().copied().fold(0.0, f64::max);
                println!(
                    "{taps:>8} {:>9} {block:>6} {:>11.1} {:>9.1} µs {:>8.1}",
                    set.name(),
                    1e9 * mean / block as f64,
                    1e6 * worst,
                    worst / mean
                );
            }
        }
    }
}
