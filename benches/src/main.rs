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
use std::time::{Duration, Instant};

use nd_core::{CompileOptions, InstructionSet, ModelSpec};

use catalogue::Entry;
use engine::{Engine, Ours, PASS, Peer};
use machine::Peak;
use report::{ModelReport, OURS, Report, Timing};
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
        measured.push((entry.name, Work::of(&spec), race(&spec, &file, &input, &mut peers, options)?));
    }

    // The clock of the processor may have been slower at the start than later.
    for (set, peak) in measure_peaks(&options.sets) {
        peaks.entry(set).and_modify(|before| *before = before.best(peak));
    }
    let models = measured.into_iter().map(|(name, work, timings)| ModelReport {
        name,
        macs: work.macs,
        activations: work.curves + work.kinks,
        limit_ns: peaks.iter().map(|(set, peak)| (*set, peak.limit_ns(work))).collect(),
        timings,
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

/// Lets all engines play one model, a pass of one after a pass of the other, and keeps the best time of each.
fn race(
    spec: &ModelSpec,
    file: &Path,
    input: &[f32],
    peers: &mut [Peer],
    options: &Options,
) -> Result<Vec<Timing>, String> {
    let mut ours = Vec::new();
    for &set in &options.sets {
        let mut compile = CompileOptions::default();
        compile.instruction_set = Some(set);
        ours.push(Ours::new(spec.compile(&compile).map_err(|error| error.to_string())?, input));
    }
    let mut timings = Vec::new();
    let timing =
        |engine, instruction_set, block| Timing { engine, instruction_set, block, ns: f64::INFINITY };
    let mut plan: Vec<(usize, usize)> = Vec::new();
    for (index, set) in options.sets.iter().enumerate() {
        for &block in &options.blocks {
            plan.push((index, block));
            timings.push(timing(OURS, Some(set.name()), block));
        }
    }
    for (index, peer) in peers.iter_mut().enumerate() {
        for block in peer.load(file, &options.blocks)? {
            plan.push((options.sets.len() + index, block));
            timings.push(timing(peer.name, None, block));
        }
    }
    let mut engines: Vec<&mut dyn Engine> = Vec::new();
    engines.extend(ours.iter_mut().map(|engine| engine as &mut dyn Engine));
    engines.extend(peers.iter_mut().map(|engine| engine as &mut dyn Engine));

    let time = Duration::from_millis(if options.quick { 300 } else { 3000 });
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 5 || start.elapsed() < time {
        for (&(engine, block), timing) in plan.iter().zip(&mut timings) {
            timing.ns = timing.ns.min(engines[engine].pass(block)?);
        }
        rounds += 1;
    }
    Ok(timings)
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
