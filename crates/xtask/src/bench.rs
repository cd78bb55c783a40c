//! `cargo xtask bench`: whole models against the limit of the machine and against other engines.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use crate::system;
use crate::workspace::{Workspace, run};

/// Builds the benchmark and the other engines, and runs it on one core; `words` are its own options and
/// `--without-python`, which leaves out the engines that are installed from `PyPI`.
pub(crate) fn bench(workspace: &Workspace, words: &[&str]) -> Result<(), String> {
    run(&mut workspace.cargo(&["build", "--release", "--package", "nd-bench"]))?;
    // A library of others gets every instruction that this processor has; ours finds them out by itself.
    let native = workspace.target().join("native");
    let mut build = workspace.cargo(&["build", "--release", "--package", "peer-nam-rs", "--target-dir"]);
    run(build.arg(&native).env("RUSTFLAGS", "-C target-cpu=native"))?;

    let mut bench = pinned(workspace, &workspace.target().join("release/nd-bench"));
    bench.arg("--nam-rs").arg(native.join("release/peer-nam-rs"));
    let own = words.iter().filter(|word| **word != "--without-python");
    if words.contains(&"--without-python") {
        return run(bench.args(own));
    }
    let python = environment(workspace)?;
    run(bench.arg("--python").arg(&python).args(own))
}

/// A virtual environment with the engines that Python's users have, several gigabytes of it.
fn environment(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.target().join("bench-venv");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        run(workspace.command(system::python()?).args(["-m", "venv"]).arg(&folder))?;
    }
    let packages = ["matplotlib", "neural-amp-modeler", "numpy", "onnx", "onnxruntime"];
    let mut install = workspace.command(&python);
    run(install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))?;
    Ok(python)
}

/// A program that stays on the last core, where the system can be told so.
fn pinned(workspace: &Workspace, program: &Path) -> Command {
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
