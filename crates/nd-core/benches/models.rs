//! Whole models: playing, and getting ready to play.

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nd_core::{CompileOptions, InstructionSet, ModelSpec, Pair};

const FRAMES: usize = 64;

const MODELS: [&str; 9] = [
    "wavenet_standard/model.nam",
    "wavenet_lite/model.nam",
    "wavenet_feather/model.nam",
    "wavenet_nano/model.nam",
    "wavenet_a2_ch8/model.nam",
    "wavenet_a2_ch3/model.nam",
    "lstm_2x16/model.nam",
    "convnet_bn/model.nam",
    "proteus_lstm40/model.json",
];

fn file(model: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(model);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn play(criterion: &mut Criterion) {
    let audio: Vec<f32> = (0..FRAMES).map(|n| 0.3 * (n as f32 * 0.1).sin()).collect();
    let mut output = vec![0.0; FRAMES];
    let mut group = criterion.benchmark_group("play");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for name in MODELS {
        let spec = ModelSpec::from_slice(&file(name)).expect("the fixture loads");
        for set in InstructionSet::available() {
            let mut options = CompileOptions::default();
            options.instruction_set = Some(set);
            let mut model = spec.compile(&options).expect("the fixture compiles");
            group.bench_function(BenchmarkId::new(name, set), |bencher| {
                bencher.iter(|| model.process(black_box(&audio), &mut output));
            });
        }
    }
}

/// Two signals through a recurrent network: one after the other, and together.
fn pairs(criterion: &mut Criterion) {
    let dry: Vec<f32> = (0..FRAMES).map(|n| 0.3 * (n as f32 * 0.1).sin()).collect();
    let mut signals = [dry.clone(), dry];
    let mut group = criterion.benchmark_group("two signals");
    group.throughput(Throughput::Elements(2 * FRAMES as u64));
    for name in [
        "lstm_1x8/model.nam",
        "lstm_2x16/model.nam",
        "coreaudioml_gru16/model.json",
        "proteus_lstm40/model.json",
    ] {
        let spec = ModelSpec::from_slice(&file(name)).expect("the fixture loads");
        for set in InstructionSet::available() {
            let mut options = CompileOptions::default();
            options.instruction_set = Some(set);
            let model = spec.compile(&options).expect("the fixture compiles");
            let mut pair = Pair::new(&model);
            let mut models = [model.clone(), model];
            group.bench_function(BenchmarkId::new(format!("apart/{name}"), set), |bencher| {
                bencher.iter(|| {
                    for (model, signal) in models.iter_mut().zip(&mut signals) {
                        model.process_in_place(black_box(signal));
                    }
                });
            });
            group.bench_function(BenchmarkId::new(format!("together/{name}"), set), |bencher| {
                bencher.iter(|| {
                    let audio = black_box(signals.each_mut().map(|signal| &mut signal[..]));
                    pair.process_in_place(models.each_mut(), audio);
                });
            });
        }
    }
}

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    for name in MODELS {
        let bytes = file(name);
        group.bench_function(BenchmarkId::new("read", name), |bencher| {
            bencher.iter(|| ModelSpec::from_slice(black_box(&bytes)));
        });
        let spec = ModelSpec::from_slice(&bytes).expect("the fixture loads");
        group.bench_function(BenchmarkId::new("compile", name), |bencher| {
            bencher.iter(|| spec.compile(&CompileOptions::default()));
        });
    }
}

criterion_group!(benches, play, pairs, load);
criterion_main!(benches);
