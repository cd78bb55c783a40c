//! One dense layer of 16 by 16, three times: as vectors of vectors, as one flat buffer, and compiled by nd-core.
//!
//! `experiment FOLDER` prints, as a Markdown table, what 240,000 passes cost: time, instructions, heap allocations. The
//! instructions come from callgrind, whose recordings stay in the folder.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks on the terminal"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nd_core::spec::{Activation, Conv1d, Dense, Layer, Stack};
use nd_core::{CompileOptions, Format, InstructionSet, Metadata, Model, ModelSpec, Network};

/// Five seconds at 48 kHz.
const PASSES: usize = 240_000;
/// Inputs and outputs of the layer.
const WIDTH: usize = 16;

/// The system's allocator, with a count of how often it was asked for memory.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A layer as one writes it first: a vector of rows, and a new vector for each output.
struct NaiveLayer {
    rows: Vec<Vec<f32>>,
    biases: Vec<f32>,
}

impl NaiveLayer {
    #[inline(never)]
    fn forward(&self, input: &[f32], activation: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut output = Vec::new();
        for (row, bias) in self.rows.iter().zip(&self.biases) {
            let mut sum = *bias;
            for (weight, x) in row.iter().zip(input) {
                sum += weight * x;
            }
            output.push(activation(sum));
        }
        output
    }
}

/// The same layer with all its rows in one buffer, into an output that exists already.
struct FlatLayer {
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl FlatLayer {
    #[inline(never)]
    fn forward(&self, input: &[f32], output: &mut [f32], activation: impl Fn(f32) -> f32) {
        let rows = self.weights.chunks_exact(input.len());
        for ((row, bias), y) in rows.zip(&self.biases).zip(output) {
            let mut sum = *bias;
            for (weight, x) in row.iter().zip(input) {
                sum += weight * x;
            }
            *y = activation(sum);
        }
    }
}

/// An approximation of `tanh`, wrong by up to 0.024: a Padé approximant, held to where it stays within 1.
fn taylor_tanh_input_clamped(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

/// The layer's numbers, and the signal whose every 16 neighbours are one input.
struct Material {
    weights: Vec<f32>,
    biases: Vec<f32>,
    audio: Vec<f32>,
}

impl Material {
    fn new() -> Self {
        // The same on every machine, and of no period: sines of growing frequency.
        let numbers =
            |count: usize, scale: f32| (0..count).map(move |i| scale * (i as f32 * i as f32 * 0.01).sin());
        Self {
            weights: numbers(WIDTH * WIDTH, 0.4).collect(),
            biases: numbers(WIDTH, 0.1).collect(),
            audio: (0..PASSES + WIDTH - 1).map(|n| 0.8 * (n as f32 * 0.0137).sin()).collect(),
        }
    }
}

/// A way of computing the layer: the sum of the 16 outputs of each of the passes, in order.
trait Contender {
    fn play(&mut self, audio: &[f32], sums: &mut [f32]);
}

struct Naive<F>(NaiveLayer, F);

impl<F: Fn(f32) -> f32> Contender for Naive<F> {
    #[inline(never)]
    fn play(&mut self, audio: &[f32], sums: &mut [f32]) {
        for (input, sum) in audio.windows(WIDTH).zip(sums) {
            *sum = self.0.forward(input, &self.1).iter().sum();
        }
    }
}

struct Flat<F>(FlatLayer, F);

impl<F: Fn(f32) -> f32> Contender for Flat<F> {
    #[inline(never)]
    fn play(&mut self, audio: &[f32], sums: &mut [f32]) {
        let mut output = [0.0; WIDTH];
        for (input, sum) in audio.windows(WIDTH).zip(sums) {
            self.0.forward(input, &mut output, &self.1);
            *sum = output.iter().sum();
        }
    }
}

/// Sixteen neighbours times a matrix is a convolution of 16 taps; the sum of the outputs is a dense layer of ones.
struct Compiled(Model);

impl Compiled {
    fn new(material: &Material) -> Self {
        let layer = Conv1d {
            in_channels: 1,
            out_channels: WIDTH,
            kernel_size: WIDTH,
            dilation: 1,
            groups: 1,
            weight: material.weights.clone(),
            bias: Some(material.biases.clone()),
        };
        let sum = Dense { in_channels: WIDTH, out_channels: 1, weight: vec![1.0; WIDTH], bias: None };
        let layers = vec![Layer::Conv1d(layer), Layer::Activation(Activation::Tanh), Layer::Dense(sum)];
        let spec = ModelSpec {
            format: Format::RtNeural,
            network: Network::Stack(Stack::new(layers)),
            sample_rate: None,
            metadata: Metadata::default(),
        };
        Self(spec.compile(&CompileOptions::default()).expect("the shapes agree"))
    }
}

impl Contender for Compiled {
    #[inline(never)]
    fn play(&mut self, audio: &[f32], sums: &mut [f32]) {
        let (history, audio) = audio.split_at(WIDTH - 1);
        self.0.process(history, &mut [0.0; WIDTH - 1]);
        for (x, y) in audio.chunks(64).zip(sums.chunks_mut(64)) {
            self.0.process(x, y);
        }
    }
}

/// Layer and activation.
const CONTENDERS: [(&str, &str); 5] = [
    ("naive", "clamped rational"),
    ("flat", "clamped rational"),
    ("naive", "exact tanh"),
    ("flat", "exact tanh"),
    ("compiled", "exact tanh"),
];

fn contender(index: usize, material: &Material) -> Box<dyn Contender> {
    let naive = NaiveLayer {
        rows: material.weights.chunks_exact(WIDTH).map(<[f32]>::to_vec).collect(),
        biases: material.biases.clone(),
    };
    let flat = FlatLayer { weights: material.weights.clone(), biases: material.biases.clone() };
    match CONTENDERS[index] {
        ("naive", "clamped rational") => Box::new(Naive(naive, taylor_tanh_input_clamped)),
        ("flat", "clamped rational") => Box::new(Flat(flat, taylor_tanh_input_clamped)),
        ("naive", _) => Box::new(Naive(naive, f32::tanh)),
        ("flat", _) => Box::new(Flat(flat, f32::tanh)),
        _ => Box::new(Compiled::new(material)),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--play", index] => index.parse().map_err(|_| format!("{index}?")).map(play_once),
        [folder] => measure(Path::new(folder)),
        _ => Err("usage: experiment FOLDER".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// What callgrind watches.
fn play_once(index: usize) {
    let material = Material::new();
    let mut contender = contender(index, &material);
    let mut sums = vec![0.0; PASSES];
    contender.play(&material.audio, &mut sums);
    black_box(sums);
    println!("{}", InstructionSet::best());
}

fn measure(folder: &Path) -> Result<(), String> {
    let material = Material::new();
    let mut contenders: Vec<_> = (0..CONTENDERS.len()).map(|index| contender(index, &material)).collect();
    let mut sums = vec![vec![0.0; PASSES]; CONTENDERS.len()];
    let mut best = [Duration::MAX; CONTENDERS.len()];
    let mut allocations = [0; CONTENDERS.len()];
    for _ in 0..30 {
        for (index, contender) in contenders.iter_mut().enumerate() {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let start = Instant::now();
            contender.play(&material.audio, &mut sums[index]);
            best[index] = best[index].min(start.elapsed());
            allocations[index] = ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
    }
    agree(&sums)?;

    let mut instruction_set = String::new();
    println!(
        "| layer | activation | 240,000 passes, ms | one pass, ns | of a core at 48 kHz | instructions | heap allocations |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|");
    for (index, (layer, activation)) in CONTENDERS.into_iter().enumerate() {
        let seconds = best[index].as_secs_f64();
        // The last recording of a layer is that with the exact activation.
        let recording = folder.join(format!("{layer}.callgrind"));
        let (instructions, set) = instructions(index, &recording)?;
        instruction_set = set;
        println!(
            "| {layer} | {activation} | {:.2} | {:.1} | {:.3} % | {:.0} | {} |",
            seconds * 1e3,
            seconds * 1e9 / PASSES as f64,
            100.0 * seconds * 48_000.0 / PASSES as f64,
            instructions as f64 / PASSES as f64,
            allocations[index] / PASSES,
        );
    }
    let share = |index: usize| 77.0 * best[index].as_secs_f64() / best[2].as_secs_f64();
    println!(
        "\nWhere the naive layer takes 77 % of a core, the flat one takes {:.0} % and the compiled one {:.1} % (exact tanh).",
        share(3),
        share(4)
    );
    println!(
        "Measured with {}, instructions counted with {instruction_set}, the best that valgrind knows.",
        InstructionSet::best()
    );
    Ok(())
}

/// Whoever computes something else has not won.
fn agree(sums: &[Vec<f32>]) -> Result<(), String> {
    for (index, name) in CONTENDERS.iter().enumerate() {
        let expected = if name.1 == "exact tanh" { &sums[2] } else { &sums[0] };
        let error = expected.iter().zip(&sums[index]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if error > 1e-5 {
            return Err(format!("{name:?} is off by {error}"));
        }
    }
    Ok(())
}

/// Instructions of all passes, as callgrind counts them.
///
/// Also the name of the instruction set that the engine found there.
fn instructions(index: usize, recording: &Path) -> Result<(u64, String), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--toggle-collect=*Contender*play*"])
        .arg(format!("--callgrind-out-file={}", recording.display()))
        .arg(program)
        .args(["--play", &index.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("valgrind failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = fs::read_to_string(recording).map_err(|error| format!("{}: {error}", recording.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = total.and_then(|total| total.trim().parse().ok()).ok_or("callgrind counted nothing")?;
    Ok((total, String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}
