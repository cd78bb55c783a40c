//! What the processor could do at best: the yardstick of every other figure.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, dispatch};
use nd_core::InstructionSet;
use nd_core::kernel::activation;
use serde::Serialize;

use crate::work::Work;

/// What one core can do with one instruction set.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(clippy::struct_field_names, reason = "a time has its unit in its name")]
pub(crate) struct Peak {
    /// Multiply-adds in a nanosecond, out of registers.
    pub(crate) macs_per_ns: f64,
    /// One `tanh` of a buffer in the first cache.
    pub(crate) tanh_ns: f64,
    /// One leaky rectifier of such a buffer.
    pub(crate) relu_ns: f64,
}

impl Peak {
    /// The best of many short runs.
    pub(crate) fn measure(set: InstructionSet) -> Self {
        let level = level(set);
        let macs = dispatch!(level, simd => count_multiply_adds(simd)) as f64;
        let mut input = [0.0; BUFFER + SLACK];
        let mut output = input;
        let (input, output) = (aligned(&mut input), aligned(&mut output));
        for (index, x) in input.iter_mut().enumerate() {
            *x = 4.0 * (index as f32 / BUFFER as f32 - 0.5);
        }
        Self {
            macs_per_ns: macs / best_ns(|| dispatch!(level, simd => multiply_add(simd))),
            tanh_ns: best_ns(|| dispatch!(level, simd => tanh(simd, input, output)))
                / (REPEATS * BUFFER) as f64,
            relu_ns: best_ns(|| dispatch!(level, simd => leaky_relu(simd, input, output)))
                / (REPEATS * BUFFER) as f64,
        }
    }

    /// The better of two measurements.
    pub(crate) fn best(self, other: Self) -> Self {
        Self {
            macs_per_ns: self.macs_per_ns.max(other.macs_per_ns),
            tanh_ns: self.tanh_ns.min(other.tanh_ns),
            relu_ns: self.relu_ns.min(other.relu_ns),
        }
    }

    /// The time that some work takes if nothing but its arithmetic costs any, in ns.
    pub(crate) fn limit_ns(&self, work: Work) -> f64 {
        work.macs as f64 / self.macs_per_ns
            + work.curves as f64 * self.tanh_ns
            + work.kinks as f64 * self.relu_ns
    }
}

/// Numbers in a buffer: its input and its output fit in the first cache together.
const BUFFER: usize = 1024;
/// How often a buffer is computed while the clock runs: reading the clock must not count.
const REPEATS: usize = 50;
/// Numbers between two buffers, so that they do not lie on the same lines of the cache.
const SLACK: usize = 256;

/// The part of a buffer that starts with a line of the cache, as the engine's buffers do.
fn aligned(buffer: &mut [f32; BUFFER + SLACK]) -> &mut [f32] {
    let start = buffer.as_ptr().align_offset(64);
    &mut buffer[start..start + BUFFER]
}

fn level(set: InstructionSet) -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let best = Level::new();
        match set.name() {
            "avx512" => return best.as_avx512().expect("the set is available").level(),
            "avx2" => return best.as_avx2().expect("the set is available").level(),
            _ => {}
        }
    }
    debug_assert_eq!(set, InstructionSet::baseline(), "a set without a level of its own");
    Level::baseline()
}

/// The shortest time of `work`, in ns.
fn best_ns<T>(mut work: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed() < Duration::from_millis(200) {
        let start = Instant::now();
        black_box(work());
        best = best.min(start.elapsed());
    }
    best.as_secs_f64() * 1e9
}

/// Sums that do not wait for each other: enough to hide a multiply-add's latency, few enough for 16 registers.
const CHAINS: usize = 12;
const LINKS: usize = 2000;

#[inline(always)]
fn count_multiply_adds<S: Simd>(_: S) -> usize {
    CHAINS * LINKS * S::f32s::LEN
}

#[inline(always)]
fn multiply_add<S: Simd>(simd: S) -> f32 {
    let scale = S::f32s::splat(simd, black_box(0.999));
    let shift = S::f32s::splat(simd, black_box(0.001));
    let mut sums = [S::f32s::splat(simd, black_box(1.0)); CHAINS];
    for _ in 0..LINKS {
        for sum in &mut sums {
            *sum = sum.mul_add(scale, shift);
        }
    }
    sums.into_iter().map(S::f32s::reduce_sum).sum()
}

#[inline(always)]
fn tanh<S: Simd>(simd: S, input: &[f32], output: &mut [f32]) {
    map(simd, input, output, |x| activation::tanh(simd, x));
}

#[inline(always)]
fn leaky_relu<S: Simd>(simd: S, input: &[f32], output: &mut [f32]) {
    map(simd, input, output, |x| activation::leaky_relu(simd, x, 0.01));
}

#[inline(always)]
fn map<S: Simd>(simd: S, input: &[f32], output: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    let lanes = S::f32s::LEN;
    for _ in 0..REPEATS {
        for (x, y) in black_box(input).chunks_exact(lanes).zip(output.chunks_exact_mut(lanes)) {
            f(S::f32s::from_slice(simd, x)).store_slice(y);
        }
    }
}
