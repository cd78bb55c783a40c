//! Where the project is, and how its programs are called.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::system;

/// The folder of the checkout and the Python environment in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout whose `cargo xtask` this is; that of the sources where cargo did not start it.
    pub(crate) fn new() -> Self {
        // Cargo says so as the program starts: one built in another checkout may be up to date here too.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).ancestors().nth(2).expect("crates/xtask is two levels deep");
        Self { root: root.to_path_buf() }
    }

    /// A place in the checkout.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// The folder that holds the virtual environment.
    pub(crate) fn environment(&self) -> PathBuf {
        self.root.join(".venv")
    }

    /// The interpreter of the virtual environment, whether or not it exists yet.
    pub(crate) fn python(&self) -> PathBuf {
        let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        self.environment().join(inside)
    }

    /// Where cargo and maturin build.
    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), |folder| self.root.join(folder))
    }

    /// A program that runs at the root of the checkout.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }

    /// `python -m …` in the virtual environment.
    pub(crate) fn module(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(self.python());
        command.arg("-m").args(arguments);
        command
    }
}

/// What `pyproject.toml` lists under `dependencies`, or under the extras of some names.
pub(crate) fn requirements(workspace: &Workspace, names: &[&str]) -> Result<Vec<String>, String> {
    let list = "import sys, tomllib\n\
                project = tomllib.load(open('pyproject.toml', 'rb'))['project']\n\
                lists = project['optional-dependencies'] | {'dependencies': project['dependencies']}\n\
                print(*[package for name in sys.argv[1:] for package in lists[name]], sep='\\n')";
    let listed = read(workspace.command(system::python()?).args(["-c", list]).args(names))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Runs a command with its output on the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}

/// Runs a command and returns what it printed.
pub(crate) fn read(command: &mut Command) -> Result<String, String> {
    let shown = show(command);
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}

/// A command as one would type it; a script given as an argument is left out.
fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(OsStr::to_string_lossy).filter(|word| !word.contains('\n'));
    words.collect::<Vec<_>>().join(" ")
}
