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
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

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
    /// A fifth of the time, for a first look.
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
  --quick                           a fifth of the time
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

/// Times the whole catalogue is gone through: a machine is disturbed for seconds, so a model's passes are minutes apart.
const SWEEPS: usize = 5;

fn run(options: &Options) -> Result<(), String> {
    let input = guitar();
    let load_before = load();
    let mut peers = start_peers(options, &input)?;
    let mut peaks = measure_peaks(&options.sets);

    let entries = catalogue::all();
    let (mut models, mut specs) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| options.wants(entry)) {
        let spec = ModelSpec::from_slice(&entry.file).map_err(|error| format!("{}: {error}", entry.name))?;
        let file = options.scratch.join(format!("{}.nam", entry.name.replace(' ', "-")));
        fs::write(&file, &entry.file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut field = Field::new(&spec, &file, &input, &mut peers, options)?;
        models.push(ModelReport {
            name: entry.name,
            work: Work::of(&spec),
            limit_ns: BTreeMap::new(),
            read_ms: best_ms(|| ModelSpec::from_slice(&entry.file)),
            compile_ms: best_ms(|| spec.compile(&CompileOptions::default())),
            accuracies: field.judge(&reference(&spec, &input))?,
            timings: field.timings,
        });
        specs.push((spec, file));
    }
    for sweep in 1..=SWEEPS {
        for (model, (spec, file)) in models.iter_mut().zip(&specs) {
            eprintln!("{} ({sweep} of {SWEEPS})", model.name);
            let mut field = Field::new(spec, file, &input, &mut peers, options)?;
            field.race(Duration::from_millis(if options.quick { 20 } else { 100 }))?;
            for (best, timing) in model.timings.iter_mut().zip(field.timings) {
                best.ns = best.ns.min(timing.ns);
            }
        }
        for (set, peak) in measure_peaks(&options.sets) {
            peaks.entry(set).and_modify(|before| *before = before.best(peak));
        }
    }

    for model in &mut models {
        model.limit_ns = peaks.iter().map(|(set, peak)| (*set, peak.limit_ns(model.work))).collect();
    }
    let report = Report {
        processor: processor(),
        load: [load_before, load()],
        versions: peers.iter().map(|peer| (peer.name, peer.version.clone())).collect(),
        instruction_sets: options.sets.iter().map(|set| set.name()).collect(),
        models,
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

/// All engines with one model loaded.
struct Field<'a> {
    engines: Vec<Box<dyn Engine + 'a>>,
    /// What is to be timed, and the best so far.
    timings: Vec<Timing>,
    /// Which of the engines each timing is of.
    engine_of: Vec<usize>,
}

impl<'a> Field<'a> {
    fn new(
        spec: &ModelSpec,
        file: &Path,
        input: &[f32],
        peers: &'a mut [Peer],
        options: &Options,
    ) -> Result<Self, String> {
        let mut field = Self { engines: Vec::new(), timings: Vec::new(), engine_of: Vec::new() };
        for &set in &options.sets {
            let mut compile = CompileOptions::default();
            compile.instruction_set = Some(set);
            let model = spec.compile(&compile).map_err(|error| error.to_string())?;
            field.enter(Ours::new(model, input), OURS, Some(set.name()), &options.blocks);
        }
        for peer in peers {
            let (name, blocks) = (peer.name, peer.load(file, &options.blocks)?);
            field.enter(peer, name, None, &blocks);
        }
        Ok(field)
    }

    fn enter(
        &mut self,
        engine: impl Engine + 'a,
        name: &'static str,
        instruction_set: Option<&'static str>,
        blocks: &[usize],
    ) {
        for &block in blocks {
            self.engine_of.push(self.engines.len());
            self.timings.push(Timing { engine: name, instruction_set, block, ns: f64::INFINITY });
        }
        self.engines.push(Box::new(engine));
    }

    /// Holds what each engine makes of the model against the reference.
    fn judge(&mut self, reference: &[f64]) -> Result<Vec<Accuracy>, String> {
        let mut accuracies = Vec::new();
        for (index, engine) in self.engines.iter_mut().enumerate() {
            if let Some(first) = self.engine_of.iter().position(|&engine| engine == index) {
                let Timing { engine: name, instruction_set, .. } = self.timings[first];
                let esr_db = esr_db(reference, &engine.render()?);
                accuracies.push(Accuracy { engine: name, instruction_set, esr_db });
            }
        }
        Ok(accuracies)
    }

    /// Lets all play, a pass of one after a pass of the other, until each has had so much time.
    fn race(&mut self, enough: Duration) -> Result<(), String> {
        let mut spent = vec![Duration::ZERO; self.timings.len()];
        while spent.iter().any(|&spent| spent < enough) {
            for ((timing, &engine), spent) in self.timings.iter_mut().zip(&self.engine_of).zip(&mut spent) {
                if *spent < enough {
                    let ns = self.engines[engine].pass(timing.block)?;
                    timing.ns = timing.ns.min(ns);
                    *spent += Duration::from_secs_f64(ns * 1e-9 * PASS as f64);
                }
            }
        }
        Ok(())
    }
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

/// The shortest of some times, in ms.
fn best_ms<T>(work: impl Fn() -> T) -> f64 {
    let time = || {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    let best = (0..20).map(|_| time()).min().expect("there are twenty");
    best.as_secs_f64() * 1e3
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
