//! What the machine must have, and how a missing part is installed or named.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::workspace::{Workspace, read, run};

/// Something outside the checkout that a stage needs.
struct Need {
    /// What it is for, as said to somebody who has to install it.
    purpose: &'static str,
    /// Whether it is there.
    probe: fn() -> bool,
    /// Debian's package of it.
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need { purpose: "a C compiler and linker", probe: || succeeds("cc", "--version"), package: "gcc" },
    Need {
        purpose: "a C++ compiler, for exported headers",
        probe: || succeeds("c++", "--version"),
        package: "g++",
    },
    Need {
        purpose: "ngspice, which simulates the circuits",
        probe: || succeeds("ngspice", "--version"),
        package: "ngspice",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "pkg-config, which finds ALSA and JACK",
        probe: || succeeds("pkg-config", "--version"),
        package: "pkg-config",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "ALSA, for the standalone program",
        probe: || quiet(Command::new("pkg-config").args(["--exists", "alsa"])),
        package: "libasound2-dev",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "JACK, for the standalone program",
        probe: || quiet(Command::new("pkg-config").args(["--exists", "jack"])),
        package: "libjack-jackd2-dev",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "a screen that nobody sees, for the plugin's window",
        probe: || succeeds("Xvfb", "-help"),
        package: "xvfb",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "OpenGL without a graphics card, for the same",
        probe: has_software_gl,
        package: "libgl1-mesa-dri",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "xdotool, which moves the pointer there",
        probe: || succeeds("which", "xdotool"),
        package: "xdotool",
    },
    #[cfg(target_os = "linux")]
    Need {
        purpose: "ImageMagick, which looks at it",
        probe: || succeeds("import", "-version"),
        package: "imagemagick",
    },
    Need { purpose: "Python's venv and ensurepip", probe: has_venv, package: "python3-venv" },
];

/// Makes sure that the machine has what the stages need: as root on Debian by installing it.
pub(crate) fn provide(workspace: &Workspace) -> Result<(), String> {
    if cfg!(windows) {
        return Ok(()); // Rust's own prerequisites and Python's installer bring all of it
    }
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.probe)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0") && succeeds("apt-get", "--version") {
        let apt = |arguments: &[&str]| {
            run(workspace.command("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        apt(&["update", "--quiet"])?;
        return apt(
            &[&["install", "--quiet", "--yes", "--no-install-recommends"], packages.as_slice()].concat()
        );
    }
    let list = missing.iter().map(|need| format!("\n  {} (Debian: {})", need.purpose, need.package));
    Err(format!("this machine lacks:{}", list.collect::<String>()))
}

/// The first Python on the path that is new enough.
///
/// `PYTHON` in the environment names another.
pub(crate) fn python() -> Result<PathBuf, String> {
    let named = std::env::var_os("PYTHON").map(PathBuf::from);
    let usual =
        ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"].map(PathBuf::from);
    let check = "import sys; sys.exit(sys.version_info < (3, 11))";
    named
        .into_iter()
        .chain(usual)
        .find(|python| quiet(Command::new(python).args(["-c", check])))
        .ok_or_else(|| "no Python 3.11 or newer on the path (PYTHON=… names one elsewhere)".to_owned())
}

/// Whether Mesa's software driver lies where Debian puts it, below the folder of the architecture.
#[cfg(target_os = "linux")]
fn has_software_gl() -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join("dri/swrast_dri.so").exists())
}

fn has_venv() -> bool {
    python().is_ok_and(|python| quiet(Command::new(python).args(["-c", "import ensurepip, venv"])))
}

fn succeeds(program: &str, argument: &str) -> bool {
    quiet(Command::new(program).arg(argument))
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
