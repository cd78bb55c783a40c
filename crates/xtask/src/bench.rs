//! `cargo xtask bench`: whole models against the limit of the machine and against other engines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use crate::system;
use crate::workspace::{Workspace, read, run};

/// Builds the benchmark and the other engines, and runs it on one core.
///
/// `words` are its own options and `--without-python`, which leaves out the engines that are installed from `PyPI`,
/// several gigabytes, as `--quick` does too. Without any, it is the complete run, of which the report in `benches` is made.
pub(crate) fn bench(workspace: &Workspace, words: &[&str]) -> Result<(), String> {
    run(&mut workspace.cargo(&["build", "--release", "--package", "nd-bench"]))?;
    // A library of others gets every instruction that this processor has; ours finds them out by itself.
    let native = workspace.target().join("native");
    let mut build = workspace.cargo(&["build", "--release", "--package", "peer-nam-rs", "--target-dir"]);
    run(build.arg(&native).env("RUSTFLAGS", "-C target-cpu=native"))?;

    let mut bench = pinned(workspace, &workspace.target().join("release/nd-bench"));
    bench.arg("--nam-rs").arg(native.join("release/peer-nam-rs"));
    let scratch = workspace.target().join("bench");
    fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    bench.arg("--scratch").arg(scratch);
    let own: Vec<&str> = words.iter().copied().filter(|word| *word != "--without-python").collect();
    if own.len() < words.len() || own.contains(&"--quick") {
        return run(bench.args(own));
    }
    let packages = ["matplotlib", "neural-amp-modeler", "numpy", "onnx", "onnxruntime"];
    let python = environment(workspace, "bench-venv", &packages)?;
    bench.arg("--python").arg(&python);
    if !own.is_empty() {
        return run(bench.args(own));
    }
    let report = workspace.path("benches/report.json");
    let table = read(bench.arg("--json").arg(&report))?;
    println!("{table}");
    run(workspace.command(&python).arg("benches/chart.py").arg(report).arg("benches/chart.svg"))?;
    insert(&workspace.path("benches/README.md"), &table)
}

/// A virtual environment beside the build, with the newest versions of some packages.
pub(crate) fn environment(workspace: &Workspace, name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = workspace.target().join(name);
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        run(workspace.command(system::python()?).args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = workspace.command(&python);
    run(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    Ok(python)
}

/// Puts `text` between the two marks of a document, in the place of what stood there.
pub(crate) fn insert(document: &Path, text: &str) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", document.display());
    let before = fs::read_to_string(document).map_err(failed)?;
    let parts = before.split_once(START).zip(before.split_once(END));
    let Some(((head, _), (_, tail))) = parts else {
        return Err(format!("{} has no {START} … {END}", document.display()));
    };
    fs::write(document, format!("{head}{START}\n\n{}\n\n{END}{tail}", text.trim())).map_err(failed)
}

const START: &str = "<!-- measured -->";
const END: &str = "<!-- end -->";

/// A program that stays on the last core, where the system can be told so.
pub(crate) fn pinned(workspace: &Workspace, program: &Path) -> Command {
    let core = available_parallelism().map_or(0, |cores| cores.get() - 1).to_string();
    let works = Command::new("taskset").args(["--cpu-list", &core, "true"]).status();
    if works.is_ok_and(|status| status.success()) {
        let mut command = workspace.command("taskset");
        command.args(["--cpu-list", &core]).arg(program);
        command
    } else {
        workspace.command(program)
    }
}
