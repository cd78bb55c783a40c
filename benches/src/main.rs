//! Whole models against the limit of the machine and against other engines, in one run.
//!
//! `cargo xtask bench` builds this, gives it a processor core and the other engines, and draws the chart.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks on the terminal"
)]

mod catalogue;
mod engine;
mod machine;
mod report;
mod work;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nd_core::{CompileOptions, InstructionSet, ModelSpec};

use catalogue::Entry;
use engine::{Engine, Ours, PASS, Peer};
use machine::Peak;
use report::{Accuracy, ModelReport, OURS, Report, Timing};
use work::Work;

/// What is asked for on the command line.
struct Options {
    sets: Vec<InstructionSet>,
    blocks: Vec<usize>,
    /// Parts of names; all models where empty.
    models: Vec<String>,
    /// A tenth of the time, for a first look.
    quick: bool,
    /// The program that plays with the crate nam-rs.
    nam_rs: Option<PathBuf>,
    /// A Python that has the Python engines.
    python: Option<PathBuf>,
    /// Where the report goes as JSON.
    json: Option<PathBuf>,
    /// Where the models and the input are put for the other engines.
    scratch: PathBuf,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            sets: InstructionSet::available(),
            blocks: vec![16, 64, 128, 512],
            models: Vec::new(),
            quick: false,
            nam_rs: None,
            python: None,
            json: None,
            scratch: std::env::temp_dir(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--instruction-set" => options.sets = list(&value()?)?,
                "--block" => options.blocks = list(&value()?)?,
                "--model" => options.models = list(&value()?)?,
                "--quick" => options.quick = true,
                "--nam-rs" => options.nam_rs = Some(value()?.into()),
                "--python" => options.python = Some(value()?.into()),
                "--json" => options.json = Some(value()?.into()),
                "--scratch" => options.scratch = value()?.into(),
                "--help" => return Err(USAGE.to_owned()),
                _ => return Err(format!("{word}?\n\n{USAGE}")),
            }
        }
        if options.blocks.is_empty() || options.blocks.iter().any(|&block| block == 0 || block > PASS) {
            return Err(format!("a block has 1 to {PASS} frames"));
        }
        Ok(options)
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.models.is_empty() || self.models.iter().any(|part| entry.name.contains(part))
    }
}

const USAGE: &str = "  --instruction-set avx512,avx2,…   those of this processor
  --block 16,64,…                   frames in a block
  --model \"A1 nano\",LSTM,…          models with one of these in their name
  --quick                           a tenth of the time
  --nam-rs PROGRAM  --python PYTHON the other engines
  --json FILE  --scratch FOLDER";

fn list<T: std::str::FromStr<Err: ToString>>(words: &str) -> Result<Vec<T>, String> {
    words.split(',').map(|word| word.parse().map_err(|error: T::Err| error.to_string())).collect()
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let input = guitar();
    let load_before = load();
    let mut peers = start_peers(options, &input)?;
    let mut peaks = measure_peaks(&options.sets);

    let mut measured = Vec::new();
    for entry in catalogue::all().iter().filter(|entry| options.wants(entry)) {
        eprintln!("{}", entry.name);
        let spec = ModelSpec::from_slice(&entry.file).map_err(|error| format!("{}: {error}", entry.name))?;
        let file = options.scratch.join(format!("{}.nam", entry.name.replace(' ', "-")));
        fs::write(&file, &entry.file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (timings, accuracies) = race(&spec, &file, &input, &mut peers, options)?;
        measured.push((entry.name, Work::of(&spec), timings, accuracies));
    }

    // The clock of the processor may have been slower at the start than later.
    for (set, peak) in measure_peaks(&options.sets) {
        peaks.entry(set).and_modify(|before| *before = before.best(peak));
    }
    let models = measured.into_iter().map(|(name, work, timings, accuracies)| ModelReport {
        name,
        macs: work.macs,
        activations: work.curves + work.kinks,
        limit_ns: peaks.iter().map(|(set, peak)| (*set, peak.limit_ns(work))).collect(),
        timings,
        accuracies,
    });
    let report = Report {
        processor: processor(),
        load: [load_before, load()],
        versions: peers.iter().map(|peer| (peer.name, peer.version.clone())).collect(),
        instruction_sets: options.sets.iter().map(|set| set.name()).collect(),
        models: models.collect(),
        peaks,
    };
    println!("{}", report.table(&options.blocks));
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report).expect("it is plain data");
        fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn measure_peaks(sets: &[InstructionSet]) -> BTreeMap<&'static str, Peak> {
    sets.iter().map(|&set| (set.name(), Peak::measure(set))).collect()
}

fn start_peers(options: &Options, input: &[f32]) -> Result<Vec<Peer>, String> {
    let path = options.scratch.join("input.f32");
    let bytes: Vec<u8> = input.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut peers = Vec::new();
    if let Some(program) = &options.nam_rs {
        peers.push(Peer::start("nam-rs", &mut Command::new(program), &path)?);
    }
    if let Some(python) = &options.python {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peer.py");
        peers.push(Peer::start("PyTorch", Command::new(python).args([script, "torch"]), &path)?);
        peers.push(Peer::start("ONNX Runtime", Command::new(python).args([script, "onnx"]), &path)?);
    }
    Ok(peers)
}

/// An engine at one block size.
struct Racer {
    /// Which of the engines.
    engine: usize,
    timing: Timing,
    /// Spent so far.
    time: Duration,
}

/// Lets all engines play one model, a pass of one after a pass of the other, and keeps the best time of each.
fn race(
    spec: &ModelSpec,
    file: &Path,
    input: &[f32],
    peers: &mut [Peer],
    options: &Options,
) -> Result<(Vec<Timing>, Vec<Accuracy>), String> {
    let mut engines: Vec<Box<dyn Engine + '_>> = Vec::new();
    let mut racers = Vec::new();
    let mut enter = |engine, name, instruction_set, blocks: &[usize]| {
        racers.extend(blocks.iter().map(|&block| {
            let timing = Timing { engine: name, instruction_set, block, ns: f64::INFINITY };
            Racer { engine, timing, time: Duration::ZERO }
        }));
    };
    for &set in &options.sets {
        let mut compile = CompileOptions::default();
        compile.instruction_set = Some(set);
        let model = spec.compile(&compile).map_err(|error| error.to_string())?;
        enter(engines.len(), OURS, Some(set.name()), &options.blocks);
        engines.push(Box::new(Ours::new(model, input)));
    }
    for peer in peers {
        let blocks = peer.load(file, &options.blocks)?;
        if !blocks.is_empty() {
            enter(engines.len(), peer.name, None, &blocks);
            engines.push(Box::new(peer));
        }
    }

    let reference = reference(spec, input);
    let mut accuracies: Vec<Accuracy> = Vec::new();
    for racer in &racers {
        let Timing { engine, instruction_set, .. } = racer.timing;
        if !accuracies.iter().any(|a| a.engine == engine && a.instruction_set == instruction_set) {
            let esr_db = esr_db(&reference, &engines[racer.engine].render()?);
            accuracies.push(Accuracy { engine, instruction_set, esr_db });
        }
    }

    let enough = Duration::from_millis(if options.quick { 50 } else { 400 });
    for round in 0.. {
        let mut rested = true;
        for racer in racers.iter_mut().filter(|racer| round < 5 || racer.time < enough) {
            let ns = engines[racer.engine].pass(racer.timing.block)?;
            racer.timing.ns = racer.timing.ns.min(ns);
            racer.time += Duration::from_secs_f64(ns * 1e-9 * PASS as f64);
            rested = false;
        }
        if rested {
            break;
        }
    }
    Ok((racers.into_iter().map(|racer| racer.timing).collect(), accuracies))
}

/// What the model makes of the input, in `f64`.
fn reference(spec: &ModelSpec, input: &[f32]) -> Vec<f64> {
    let input = input.iter().copied().map(f64::from).collect();
    let mut output = nd_core::reference::render(spec, &[input], &nd_core::reference::Options::default());
    output.swap_remove(0)
}

/// Error-to-signal ratio of the second half, in which it no longer matters how an engine starts.
fn esr_db(reference: &[f64], output: &[f32]) -> f64 {
    let pairs = || reference.iter().zip(output).skip(PASS / 2);
    let error: f64 = pairs().map(|(&t, &p)| (t - f64::from(p)).powi(2)).sum();
    let signal: f64 = pairs().map(|(&t, _)| t * t).sum();
    10.0 * (error / signal).log10()
}

/// The first pass of two seconds of sampled guitar.
fn guitar() -> Vec<f32> {
    let file = include_bytes!("../../tests/data/guitar.npy");
    let header = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let (samples, _) = file[10 + header..].as_chunks();
    samples.iter().copied().map(f32::from_le_bytes).take(PASS).collect()
}

/// Name of the processor, where the system tells.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Processes that wanted a core during the last minute, where the system tells.
fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}
