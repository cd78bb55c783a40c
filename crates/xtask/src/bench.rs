//! `cargo xtask bench`: whole models against the limit of the machine and against other engines.

use std::process::Command;
use std::thread::available_parallelism;

use crate::workspace::{Workspace, run};

/// Builds the benchmark and runs it with these arguments on one core.
pub(crate) fn bench(workspace: &Workspace, words: &[&str]) -> Result<(), String> {
    run(&mut workspace.cargo(&["build", "--release", "--package", "nd-bench"]))?;
    let program = workspace.target().join("release/nd-bench");
    run(pinned(workspace, &program).args(words))
}

/// A program that stays on the last core, where the system can be told so.
fn pinned(workspace: &Workspace, program: &std::path::Path) -> Command {
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
