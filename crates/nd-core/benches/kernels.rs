//! Single kernels: activations on a buffer, and each kind of layer in the smallest model that has one.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fearless_simd::{Level, Simd, SimdBase, dispatch};
use nd_core::kernel::activation;
use nd_core::spec::{Activation, Conv1d, Dense, Gru, Layer, Lstm, Stack};
use nd_core::{CompileOptions, Format, InstructionSet, Metadata, ModelSpec, Network};

const FRAMES: usize = 64;

/// Small numbers of both signs.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| 0.3 * (i as f32 * 1.7).sin()).collect()
}

#[inline(always)]
fn map<S: Simd>(simd: S, audio: &[f32], output: &mut [f32], function: impl Fn(S::f32s) -> S::f32s) {
    let lanes = S::f32s::LEN;
    for (x, y) in audio.chunks_exact(lanes).zip(output.chunks_exact_mut(lanes)) {
        function(S::f32s::from_slice(simd, x)).store_slice(y);
    }
}

fn activations(criterion: &mut Criterion) {
    let (audio, mut output) = (numbers(1024), vec![0.0; 1024]);
    let level = Level::new();
    let mut group = criterion.benchmark_group("activation");
    group.throughput(Throughput::Elements(1024));
    macro_rules! bench {
        ($name:ident) => {
            group.bench_function(stringify!($name), |bencher| {
                bencher.iter(|| {
                    dispatch!(level, simd => map(simd, black_box(&audio), &mut output, |x| activation::$name(simd, x)));
                });
            });
        };
    }
    bench!(tanh);
    bench!(fast_tanh);
    bench!(sigmoid);
    bench!(exp);
    bench!(softsign);
}

fn conv(in_channels: usize, out_channels: usize, kernel_size: usize, dilation: usize) -> Layer {
    Layer::Conv1d(Conv1d {
        in_channels,
        out_channels,
        kernel_size,
        dilation,
        groups: 1,
        weight: numbers(out_channels * in_channels * kernel_size),
        bias: Some(numbers(out_channels)),
    })
}

fn dense(in_channels: usize, out_channels: usize) -> Layer {
    Layer::Dense(Dense { in_channels, out_channels, weight: numbers(out_channels * in_channels), bias: None })
}

fn lstm(hidden_size: usize) -> Layer {
    Layer::Lstm(Lstm {
        input_size: 1,
        hidden_size,
        weight_ih: numbers(4 * hidden_size),
        weight_hh: numbers(4 * hidden_size * hidden_size),
        bias: numbers(4 * hidden_size),
        initial_hidden: vec![0.0; hidden_size],
        initial_cell: vec![0.0; hidden_size],
    })
}

fn gru(hidden_size: usize) -> Layer {
    Layer::Gru(Gru {
        input_size: 1,
        hidden_size,
        weight_ih: numbers(3 * hidden_size),
        weight_hh: numbers(3 * hidden_size * hidden_size),
        bias_ih: numbers(3 * hidden_size),
        bias_hh: numbers(3 * hidden_size),
    })
}

fn layers(criterion: &mut Criterion) {
    let audio = numbers(FRAMES);
    let mut output = vec![0.0; FRAMES];
    let stacks = [
        ("mix/1-16-1", vec![dense(1, 16), dense(16, 1)]),
        ("mix/1-16-16-1", vec![dense(1, 16), dense(16, 16), dense(16, 1)]),
        ("mix/1-16-16-1, 3 taps", vec![dense(1, 16), conv(16, 16, 3, 8), dense(16, 1)]),
        ("mix/1-3-3-1, 6 taps", vec![dense(1, 3), conv(3, 3, 6, 17), dense(3, 1)]),
        ("mix/1-16-1 with tanh", vec![dense(1, 16), Layer::Activation(Activation::Tanh), dense(16, 1)]),
        ("lstm/8", vec![lstm(8), dense(8, 1)]),
        ("lstm/16", vec![lstm(16), dense(16, 1)]),
        ("lstm/40", vec![lstm(40), dense(40, 1)]),
        ("gru/16", vec![gru(16), dense(16, 1)]),
        ("gru/40", vec![gru(40), dense(40, 1)]),
        ("taps/256", vec![conv(1, 1, 256, 1)]),
        ("taps/8192", vec![conv(1, 1, 8192, 1)]),
    ];
    for (name, layers) in stacks {
        let spec = ModelSpec {
            format: Format::RtNeural,
            network: Network::Stack(Stack::new(layers)),
            sample_rate: None,
            metadata: Metadata::default(),
        };
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(FRAMES as u64));
        for set in InstructionSet::available() {
            let mut options = CompileOptions::default();
            options.instruction_set = Some(set);
            let mut model = spec.compile(&options).expect("the shapes agree");
            group.bench_function(set.name(), |bencher| {
                bencher.iter(|| model.process(black_box(&audio), &mut output));
            });
        }
    }
}

criterion_group!(benches, activations, layers);
criterion_main!(benches);
