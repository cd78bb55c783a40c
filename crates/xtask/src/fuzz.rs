//! `cargo xtask fuzz`: files and descriptions that nobody would make, for a while.
//!
//! The targets are those of `cargo fuzz`, built here with its flags but without a sanitizer: that works with the
//! toolchain of the project, and needs nothing installed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{Workspace, read, run};

/// The targets, and the most memory, in MiB, that one allocation of each may ask for.
const TARGETS: [(&str, u32); 6] =
    [("nam", 64), ("rtneural", 64), ("aidax", 64), ("proteus", 64), ("mlp", 64), ("compile", 512)];

/// What makes the compiler count where a program has been, for the fuzzer to see.
const FLAGS: &str = "--cfg fuzzing -Cdebug-assertions -Cpasses=sancov-module \
                     -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Largest file that is tried, in bytes: what there is to find is in the shape of a file, not in its weights.
const MAX_LEN: u64 = 32 << 10;

/// Seconds for each target where every change is tested.
const BRIEF_SECONDS: u64 = 4;

/// Runs the targets that are named, or all, for so many minutes each.
pub(crate) fn fuzz(workspace: &Workspace, words: &[&str]) -> Result<(), String> {
    let usage = || "usage: cargo xtask fuzz [--minutes N] [TARGET]…".to_owned();
    let (minutes, names) = match words {
        ["--minutes", minutes, names @ ..] => (minutes.parse::<u64>().map_err(|_| usage())?, names),
        names => (30, names),
    };
    let known = |name: &&str| TARGETS.iter().any(|(target, _)| target == name);
    if !names.iter().all(known) {
        return Err(format!("{}\nthe targets: {}", usage(), TARGETS.map(|(name, _)| name).join(", ")));
    }
    run_targets(workspace, names, "release", 60 * minutes)
}

/// Runs every target for a moment, on what is built in no time.
pub(crate) fn briefly(workspace: &Workspace) -> Result<(), String> {
    if cfg!(windows) {
        return Ok(()); // its linker knows no such counters
    }
    run_targets(workspace, &[], "brief", BRIEF_SECONDS)
}

fn run_targets(workspace: &Workspace, names: &[&str], profile: &str, seconds: u64) -> Result<(), String> {
    let folder = workspace.target().join("fuzz");
    let seeds = collect_seeds(workspace, &folder)?;
    let host = host(workspace)?;
    let manifest = workspace.path("crates/nd-core/fuzz/Cargo.toml");
    let mut build = workspace.cargo(&["build", "--profile", profile, "--target", &host, "--manifest-path"]);
    run(build.arg(&manifest).arg("--target-dir").arg(&folder).env("RUSTFLAGS", FLAGS))?;
    let mut found = Vec::new();
    for (name, memory) in TARGETS {
        if names.is_empty() || names.contains(&name) {
            let program = folder.join(&host).join(profile).join(name);
            let run = Target { workspace, folder: &folder, seeds: &seeds, name, memory };
            if let Err(message) = run.run(&program, seconds) {
                found.push(message);
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

/// The triple of this machine.
fn host(workspace: &Workspace) -> Result<String, String> {
    let told = read(workspace.command("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("no host in {told}"))
}

/// Copies the small files of the tests to one folder: each target keeps those of its dialect.
fn collect_seeds(workspace: &Workspace, folder: &Path) -> Result<PathBuf, String> {
    let seeds = folder.join("seeds");
    let fail = |error: std::io::Error| format!("{}: {error}", seeds.display());
    if seeds.exists() {
        fs::remove_dir_all(&seeds).map_err(fail)?;
    }
    fs::create_dir_all(&seeds).map_err(fail)?;
    let mut folders = vec![workspace.path("tests/data")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let is_model = ["nam", "json", "bin"].map(OsStr::new).map(Some).contains(&path.extension());
            if path.is_dir() {
                folders.push(path);
            } else if is_model && fs::metadata(&path).map_err(fail)?.len() <= MAX_LEN {
                fs::copy(&path, seeds.join(format!("{count}"))).map_err(fail)?;
                count += 1;
            }
        }
    }
    Ok(seeds)
}

/// A target that is about to run.
struct Target<'a> {
    workspace: &'a Workspace,
    folder: &'a Path,
    seeds: &'a Path,
    name: &'static str,
    memory: u32,
}

impl Target<'_> {
    /// Runs it, prints what it has reached, and fails with what it has found.
    fn run(&self, program: &Path, seconds: u64) -> Result<(), String> {
        let name = self.name;
        let corpus = self.folder.join("corpus").join(name);
        let found = self.folder.join(format!("found-{name}-"));
        let log = self.folder.join(format!("{name}.log"));
        let fail = |error: std::io::Error| format!("{}: {error}", log.display());
        fs::create_dir_all(&corpus).map_err(fail)?;
        let mut command = Command::new(program);
        command.arg(&corpus).arg(self.seeds).args([
            format!("-dict={}", self.workspace.path("crates/nd-core/fuzz/json.dict").display()),
            format!("-artifact_prefix={}", found.display()),
            format!("-max_total_time={seconds}"),
            format!("-max_len={MAX_LEN}"),
            format!("-malloc_limit_mb={}", self.memory),
            "-rss_limit_mb=2048".to_owned(),
            // A second is what refusing the largest file may take; a machine that tests has other things to do.
            "-timeout=60".to_owned(),
        ]);
        let status = command.stderr(File::create(&log).map_err(fail)?).status().map_err(fail)?;
        let text = String::from_utf8_lossy(&fs::read(&log).map_err(fail)?).into_owned();
        let reached = text.lines().rfind(|line| line.contains("cov: ")).unwrap_or("nothing was run");
        println!("{name:9} {reached}");
        if status.success() {
            return Ok(());
        }
        let told = |line: &&str| {
            line.contains("panicked at") || line.starts_with("==") || line.contains("written to")
        };
        let told: Vec<&str> = text.lines().filter(told).flat_map(|line| ["\n  ", line]).collect();
        Err(format!("{name}: {status}, see {}{}", log.display(), told.concat()))
    }
}
