//! What must pass before a change is good, as a table of stages.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::bench;
use crate::bundle::{self, TESTED};
use crate::fuzz;
use crate::system;
use crate::workspace::{Workspace, requirements, run as execute};

/// One check, or one thing that checks need.
struct Stage {
    name: &'static str,
    group: &'static str,
    /// Stages that must have passed; they stand earlier in the table.
    needs: &'static [&'static str],
    action: fn(&Workspace) -> Result<(), String>,
}

/// In the order of running: what fails fastest and most often comes first.
const STAGES: &[Stage] = &[
    Stage { name: "system", group: "setup", needs: &[], action: system::provide },
    Stage { name: "environment", group: "setup", needs: &["system"], action: environment },
    Stage { name: "rustfmt", group: "lint", needs: &[], action: rustfmt },
    Stage { name: "ruff", group: "lint", needs: &["environment"], action: ruff },
    Stage { name: "mypy", group: "lint", needs: &["environment"], action: mypy },
    Stage { name: "clippy", group: "lint", needs: &["system"], action: clippy },
    Stage { name: "rustdoc", group: "lint", needs: &["system"], action: rustdoc },
    Stage { name: "cargo-test", group: "rust", needs: &["system"], action: cargo_test },
    Stage { name: "fuzz", group: "rust", needs: &["system"], action: fuzz::briefly },
    Stage { name: "wheel", group: "setup", needs: &["environment"], action: wheel },
    Stage { name: "stubtest", group: "python", needs: &["wheel"], action: stubtest },
    Stage { name: "bundle", group: "rust", needs: &["system"], action: bundle },
    Stage { name: "pytest", group: "python", needs: &["wheel", "bundle"], action: pytest },
    Stage { name: "training", group: "python", needs: &["pytest"], action: training },
];

fn rustfmt(workspace: &Workspace) -> Result<(), String> {
    execute(&mut workspace.cargo(&["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<(), String> {
    let arguments = [&["clippy"], TESTED, &["--all-targets", "--", "-D", "warnings"]].concat();
    execute(&mut workspace.cargo(&arguments))
}

fn rustdoc(workspace: &Workspace) -> Result<(), String> {
    let mut doc = workspace.cargo(&[&["doc"], TESTED, &["--no-deps", "--document-private-items"]].concat());
    execute(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn cargo_test(workspace: &Workspace) -> Result<(), String> {
    execute(&mut workspace.cargo(&[&["test"], TESTED, &["--no-fail-fast"]].concat()))
}

/// A virtual environment with everything that `pyproject.toml` asks for, the package itself excepted.
fn environment(workspace: &Workspace) -> Result<(), String> {
    if !workspace.python().exists() {
        let folder = workspace.environment();
        execute(workspace.command(system::python()?).args(["-m", "venv"]).arg(folder))?;
    }
    let wanted = requirements(workspace, &["dependencies", "test"])?;
    execute(workspace.module(&["pip", "install", "--quiet", "--disable-pip-version-check"]).args(wanted))
}

/// The folder of the wheel that is tested.
fn wheels(workspace: &Workspace) -> PathBuf {
    workspace.target().join("wheels-under-test")
}

/// The wheel, built with the profile that the Rust tests use so that both share one build, and installed.
fn wheel(workspace: &Workspace) -> Result<(), String> {
    let folder = wheels(workspace);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut build = workspace.module(&["maturin", "build", "--profile", "dev", "--out"]);
    execute(build.arg(&folder))?;
    install(workspace, &workspace.python())
}

/// Installs the wheel into an environment that has all that it needs.
fn install(workspace: &Workspace, python: &Path) -> Result<(), String> {
    let mut install = workspace.command(python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
    ]);
    install.args(["--force-reinstall", "neural-distortion", "--find-links"]).arg(wheels(workspace));
    execute(&mut install)
}

fn ruff(workspace: &Workspace) -> Result<(), String> {
    execute(&mut workspace.module(&["ruff", "check"]))?;
    execute(&mut workspace.module(&["ruff", "format", "--check"]))
}

fn mypy(workspace: &Workspace) -> Result<(), String> {
    execute(&mut workspace.module(&["mypy"]))
}

fn stubtest(workspace: &Workspace) -> Result<(), String> {
    execute(&mut workspace.module(&["mypy.stubtest", "neural_distortion._native"]))
}

/// The plugin as hosts find it, of the same build as the Rust tests.
fn bundle(workspace: &Workspace) -> Result<(), String> {
    bundle::bundle_under_test(workspace)
}

/// The tests, and the examples in the docstrings of the installed package.
fn pytest(workspace: &Workspace) -> Result<(), String> {
    let [vst3, program] = bundle::under_test(workspace);
    // The last two modules are PyTorch's from their first line on.
    let ignored = [
        "--ignore",
        TRAINING_TESTS,
        "--ignore",
        CLUSTER_TESTS,
        "--ignore-glob=*/training/loss.py",
        "--ignore-glob=*/training/network.py",
    ];
    let mut tests = workspace.module(&["pytest", "tests", "--pyargs", "neural_distortion", "--durations=5"]);
    tests.args(ignored).env("NEURAL_DISTORTION_VST3", vst3).env("NEURAL_DISTORTION_STANDALONE", program);
    execute(&mut tests)
}

/// Tests that need `PyTorch`, which the environment of all others lacks on purpose: the package does without.
const TRAINING_TESTS: &str = "tests/training";

/// Tests that need Ray, which the package does without in the same way.
const CLUSTER_TESTS: &str = "tests/cluster";

/// The tests that need `PyTorch` or Ray, in an environment with both, of several gigabytes.
fn training(workspace: &Workspace) -> Result<(), String> {
    let wanted = requirements(workspace, &["dependencies", "train", "cluster"])?;
    let packages: Vec<&str> = wanted.iter().map(String::as_str).chain(["pytest"]).collect();
    let python = bench::environment(workspace, "training-venv", &packages)?;
    install(workspace, &python)?;
    let mut test = workspace.command(&python);
    test.args(["-m", "pytest", TRAINING_TESTS, CLUSTER_TESTS, "--durations=5"]).env("OMP_NUM_THREADS", "1");
    execute(&mut test)
}

/// What became of a stage.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    /// A stage that it needs did not pass.
    Blocked(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(time) => write!(f, "passed  {:7.1} s", time.as_secs_f64()),
            Self::Failed(time) => write!(f, "FAILED  {:7.1} s", time.as_secs_f64()),
            Self::Blocked(by) => write!(f, "not run (needs {by})"),
        }
    }
}

/// Runs the wanted groups and stages, everything where none is named, and what they need.
///
/// Goes on after a failure, prints a table at the end, and then fails.
pub(crate) fn run(workspace: &Workspace, wanted: &[&str]) -> Result<(), String> {
    let mut outcomes: Vec<(&Stage, Outcome)> = Vec::new();
    for stage in select(wanted)? {
        let passed =
            |name: &str| outcomes.iter().any(|(s, o)| s.name == name && matches!(o, Outcome::Passed(_)));
        let blocked = stage.needs.iter().find(|name| !passed(name));
        let outcome = if let Some(by) = blocked {
            Outcome::Blocked(by)
        } else {
            println!("\n── {} ──", stage.name);
            let start = Instant::now();
            let result = (stage.action)(workspace);
            let time = start.elapsed();
            match result {
                Ok(()) => Outcome::Passed(time),
                Err(message) => {
                    eprintln!("{message}");
                    Outcome::Failed(time)
                }
            }
        };
        outcomes.push((stage, outcome));
    }

    println!("\n{}", "─".repeat(40));
    for (stage, outcome) in &outcomes {
        println!("{:12} {outcome}", stage.name);
    }
    let bad: Vec<&str> = outcomes
        .iter()
        .filter(|(_, o)| !matches!(o, Outcome::Passed(_)))
        .map(|(stage, _)| stage.name)
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(format!("\ndid not pass: {}", bad.join(", "))) }
}

/// The stages of the wanted names and groups and those that they need, in the order of the table.
fn select(wanted: &[&str]) -> Result<Vec<&'static Stage>, String> {
    if let Some(name) =
        wanted.iter().find(|name| !STAGES.iter().any(|s| s.name == **name || s.group == **name))
    {
        return Err(format!("there is no stage or group `{name}`\n\n{}", list()));
    }
    let mut chosen = Vec::new();
    for stage in STAGES.iter().rev() {
        let named = wanted.is_empty() || wanted.contains(&stage.name) || wanted.contains(&stage.group);
        if named || chosen.iter().any(|s: &&Stage| s.needs.contains(&stage.name)) {
            chosen.push(stage);
        }
    }
    chosen.reverse();
    Ok(chosen)
}

/// The stages by group, for somebody who typed a name that does not exist.
pub(crate) fn list() -> String {
    STAGES
        .iter()
        .fold("  stage        group".to_owned(), |text, s| format!("{text}\n  {:12} {}", s.name, s.group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Vec<&'static str> {
        select(wanted).expect("the names exist").iter().map(|stage| stage.name).collect()
    }

    #[test]
    fn every_stage_runs_when_none_is_named() {
        assert_eq!(names(&[]).len(), STAGES.len(), "stages");
    }

    #[test]
    fn a_stage_brings_what_it_needs_and_nothing_else() {
        assert_eq!(names(&["pytest"]), ["system", "environment", "wheel", "bundle", "pytest"], "pytest");
        assert_eq!(names(&["rust"]), ["system", "cargo-test", "fuzz", "bundle"], "rust");
    }

    #[test]
    fn a_stage_stands_behind_what_it_needs() {
        for (index, stage) in STAGES.iter().enumerate() {
            for need in stage.needs {
                assert!(STAGES[..index].iter().any(|s| s.name == *need), "{} needs {need}", stage.name);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(select(&["pyhton"]).is_err(), "a stage that does not exist");
    }
}
