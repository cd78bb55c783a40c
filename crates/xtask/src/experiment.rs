//! `cargo xtask experiment`: what a layer's memory layout costs, in numbers and in pictures.

use std::fs;
use std::process::{Command, Stdio};

use crate::bench::{environment, insert, pinned};
use crate::workspace::{Workspace, read, run};

/// Measures, draws a call graph of each way to compute the layer, and puts all of it in `docs`.
pub(crate) fn experiment(workspace: &Workspace) -> Result<(), String> {
    for (program, package) in [("valgrind", "valgrind"), ("dot", "graphviz")] {
        read(Command::new(program).arg(if program == "dot" { "-V" } else { "--version" }))
            .map_err(|error| format!("{error}\nthis needs {package}"))?;
    }
    run(&mut workspace.cargo(&["build", "--release", "--package", "nd-bench", "--bin", "experiment"]))?;
    let folder = workspace.target().join("experiment");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let figures = read(pinned(workspace, &workspace.target().join("release/experiment")).arg(&folder))?;
    println!("{figures}");

    let python = environment(workspace, "experiment-venv", &["gprof2dot"])?;
    for layer in ["naive", "flat", "compiled"] {
        let recording = folder.join(format!("{layer}.callgrind"));
        let text =
            fs::read_to_string(&recording).map_err(|error| format!("{}: {error}", recording.display()))?;
        fs::write(&recording, readable(&text))
            .map_err(|error| format!("{}: {error}", recording.display()))?;
        let mut graph = workspace.command(&python);
        graph.args([
            "-m",
            "gprof2dot",
            "--format=callgrind",
            "--root=*::play",
            "--node-thres=1",
            "--edge-thres=1",
        ]);
        let graph =
            graph.arg(&recording).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let picture = workspace.path(&format!("docs/experiment-{layer}.svg"));
        let dots = graph.stdout.expect("it is piped");
        run(workspace.command("dot").args(["-Tsvg", "-o"]).arg(&picture).stdin(dots))?;
    }
    insert(&workspace.path("docs/experiment.md"), &figures)
}

/// A recording of callgrind without the libraries' file names, and with the end of each function's path as its name.
fn readable(recording: &str) -> String {
    let lines = recording.lines().filter(|line| !line.starts_with("ob=") && !line.starts_with("cob="));
    let shorten = |line: &str| match line.split_once(") ") {
        Some((id, name)) if id.starts_with("fn=") || id.starts_with("cfn=") => {
            format!("{id}) {}\n", short(name))
        }
        _ => format!("{line}\n"),
    };
    lines.map(shorten).collect()
}

/// `Naive::play` for `<experiment::Naive<F> as experiment::Contender>::play`, `RawVec::grow_one` for
/// `alloc::raw_vec::RawVec<T,A>::grow_one`.
fn short(name: &str) -> String {
    let plain = name.strip_prefix('<').map_or_else(
        || name.to_owned(),
        |name| {
            let (implementor, rest) = name.split_once(" as ").unwrap_or((name, ""));
            format!("{implementor}::{}", rest.rsplit("::").next().unwrap_or_default())
        },
    );
    let mut depth = 0;
    let plain: String = plain
        .chars()
        .filter(|&character| {
            depth += i32::from(character == '<');
            let outside = depth == 0;
            depth -= i32::from(character == '>');
            outside
        })
        .collect();
    let segments: Vec<&str> = plain.split("::").collect();
    segments[segments.len().saturating_sub(2)..].join("::")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_function_keeps_its_type_and_loses_its_path() {
        assert_eq!(short("alloc::raw_vec::RawVec<T,A>::grow_one"), "RawVec::grow_one", "a method");
        assert_eq!(short("<a::Naive<F> as a::Contender>::play"), "Naive::play", "a trait's method");
        assert_eq!(short("malloc"), "malloc", "a C function");
    }
}
