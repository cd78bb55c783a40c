//! `cargo xtask bundle` and `cargo xtask install`: the plugin as hosts want to find it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{Workspace, run};

/// What a host and a player see.
const NAME: &str = "Neural Distortion";

/// How macOS tells programs apart.
const IDENTIFIER: &str = "com.neural-distortion.neural-distortion";

/// The systems that bundles are made for, as Rust calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Linux,
    MacOs,
    Windows,
}

impl System {
    fn this() -> Self {
        match std::env::consts::OS {
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            _ => Self::Linux,
        }
    }

    /// What cargo calls the plugin's library and the standalone program.
    fn built(self) -> [&'static str; 2] {
        match self {
            Self::Linux => ["libnd_plugin.so", "nd-plugin"],
            Self::MacOs => ["libnd_plugin.dylib", "nd-plugin"],
            Self::Windows => ["nd_plugin.dll", "nd-plugin.exe"],
        }
    }

    /// Where the library goes, as a VST3 and as a CLAP, and where the program goes.
    fn places(self) -> [PathBuf; 3] {
        let arch = std::env::consts::ARCH;
        let places = match self {
            Self::Linux => [
                format!("{NAME}.vst3/Contents/{arch}-linux/{NAME}.so"),
                format!("{NAME}.clap"),
                NAME.to_owned(),
            ],
            Self::MacOs => {
                ["vst3", "clap", "app"].map(|ending| format!("{NAME}.{ending}/Contents/MacOS/{NAME}"))
            }
            Self::Windows => {
                let arch = if arch == "aarch64" { "arm64" } else { arch };
                [
                    format!("{NAME}.vst3/Contents/{arch}-win/{NAME}.vst3"),
                    format!("{NAME}.clap"),
                    format!("{NAME}.exe"),
                ]
            }
        };
        places.map(PathBuf::from)
    }

    /// Every file of the bundles, in the order of their names.
    fn tree(self) -> Vec<PathBuf> {
        let mut files = self.places().to_vec();
        if self == Self::MacOs {
            for ending in ["vst3", "clap", "app"] {
                let contents = PathBuf::from(format!("{NAME}.{ending}/Contents"));
                files.extend([contents.join("Info.plist"), contents.join("PkgInfo")]);
            }
        }
        files.sort();
        files
    }
}

/// Builds everything and puts it in `target/bundled`. `--universal`, on macOS, builds for both of its processors.
pub(crate) fn bundle(workspace: &Workspace, words: &[&str]) -> Result<(), String> {
    let system = System::this();
    let targets: &[Option<&str>] = match words {
        [] => &[None],
        ["--universal"] if system == System::MacOs => {
            &[Some("aarch64-apple-darwin"), Some("x86_64-apple-darwin")]
        }
        _ => return Err("usage: cargo xtask bundle [--universal], the latter on macOS alone".to_owned()),
    };
    let [library, program] = system.built();
    // Two builds: the plugin itself does not link the audio interface that the program needs. The first is put in its place
    // before the second overwrites it.
    let folder = folder(workspace);
    empty(&folder)?;
    let built = build(workspace, targets, &["--lib"], library)?;
    place_library(&built, &folder, system)?;
    let built = build(workspace, targets, &["--bin", "nd-plugin", "--features", "standalone"], program)?;
    place_program(&built, &folder, system)?;
    finish(&folder, system)
}

/// The same for the tests: what `cargo test` builds for its own, so that nothing is built twice, and somewhere else.
pub(crate) fn bundle_under_test(workspace: &Workspace) -> Result<(), String> {
    let system = System::this();
    let arguments = [&["test"], TESTED, &["--test", "hosts", "--no-run"]].concat();
    run(&mut workspace.cargo(&arguments))?;
    let built = workspace.target().join("debug");
    let [library, program] = system.built();
    let folder = folder_under_test(workspace);
    empty(&folder)?;
    // Tests link the library where cargo keeps what others depend on.
    place_library(&built.join("deps").join(library), &folder, system)?;
    place_program(&built.join(program), &folder, system)?;
    finish(&folder, system)
}

/// What cargo checks and tests: everything, the standalone program too.
pub(crate) const TESTED: &[&str] = &["--workspace", "--features", "nd-plugin/standalone"];

/// The VST3 and the standalone program that [`bundle_under_test`] makes.
pub(crate) fn under_test(workspace: &Workspace) -> [PathBuf; 2] {
    let [.., program] = System::this().places();
    let folder = folder_under_test(workspace);
    [folder.join(format!("{NAME}.vst3")), folder.join(program)]
}

fn folder_under_test(workspace: &Workspace) -> PathBuf {
    workspace.target().join("bundled-under-test")
}

fn empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| failed(folder, &error))?;
    }
    Ok(())
}

fn place_library(built: &Path, folder: &Path, system: System) -> Result<(), String> {
    let [vst3, clap, _] = system.places();
    copy(built, &folder.join(vst3))?;
    copy(built, &folder.join(clap))
}

fn place_program(built: &Path, folder: &Path, system: System) -> Result<(), String> {
    let [.., program] = system.places();
    copy(built, &folder.join(program))
}

/// Adds what the system wants to know, and checks the whole.
fn finish(folder: &Path, system: System) -> Result<(), String> {
    if system == System::MacOs {
        for (ending, kind) in [("vst3", "BNDL"), ("clap", "BNDL"), ("app", "APPL")] {
            let bundle = folder.join(format!("{NAME}.{ending}"));
            write(&bundle.join("Contents/PkgInfo"), &format!("{kind}????"))?;
            write(&bundle.join("Contents/Info.plist"), &property_list(ending, kind))?;
            // Without a signature, an ad-hoc one at least, processors of ARM run nothing.
            run(Command::new("codesign").args(["--force", "--sign", "-"]).arg(&bundle))?;
        }
    }
    check(folder, system)?;
    for file in system.tree() {
        let size = fs::metadata(folder.join(&file)).map_err(|error| failed(&file, &error))?.len();
        println!("{:7.1} MB  {}", size as f64 / 1e6, folder.join(file).display());
    }
    Ok(())
}

/// Copies what `bundle` has made to where this user's hosts look.
pub(crate) fn install(workspace: &Workspace) -> Result<(), String> {
    let system = System::this();
    bundle(workspace, &[])?;
    let home = std::env::home_dir().ok_or("there is no home folder")?;
    let folders = match system {
        System::Linux => [".vst3", ".clap", ".local/bin"].map(|folder| home.join(folder)),
        System::MacOs => ["Library/Audio/Plug-Ins/VST3", "Library/Audio/Plug-Ins/CLAP", "Applications"]
            .map(|folder| home.join(folder)),
        System::Windows => {
            let local =
                std::env::var_os("LOCALAPPDATA").map_or_else(|| home.join("AppData/Local"), PathBuf::from);
            ["Common/VST3", "Common/CLAP", NAME].map(|folder| local.join("Programs").join(folder))
        }
    };
    for (place, target) in system.places().iter().zip(folders) {
        let bundle = place.components().next().expect("a place is not empty");
        let (from, to) = (folder(workspace).join(bundle), target.join(bundle));
        if to.is_dir() {
            fs::remove_dir_all(&to).map_err(|error| failed(&to, &error))?;
        }
        copy(&from, &to)?;
        println!("{}", to.display());
    }
    Ok(())
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("bundled")
}

/// Builds a part of the plugin for one or several processors, and returns where it is.
fn build(
    workspace: &Workspace,
    targets: &[Option<&str>],
    what: &[&str],
    name: &str,
) -> Result<PathBuf, String> {
    let mut built = Vec::new();
    for target in targets {
        let mut cargo = workspace.cargo(&["build", "--release", "--package", "nd-plugin"]);
        cargo.args(what);
        let mut folder = workspace.target();
        if let Some(target) = target {
            cargo.args(["--target", target]);
            folder.push(target);
        }
        run(&mut cargo)?;
        built.push(folder.join("release").join(name));
    }
    if let [only] = built.as_slice() {
        return Ok(only.clone());
    }
    let both = workspace.target().join(name);
    run(Command::new("lipo").arg("-create").args(&built).arg("-output").arg(&both))?;
    Ok(both)
}

/// Copies a file or a folder, with the folders above it.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if from.is_dir() {
        for entry in fs::read_dir(from).map_err(|error| failed(from, &error))? {
            let entry = entry.map_err(|error| failed(from, &error))?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    let above = to.parent().expect("a file is in a folder");
    fs::create_dir_all(above).map_err(|error| failed(above, &error))?;
    fs::copy(from, to).map(drop).map_err(|error| failed(from, &error))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn property_list(ending: &str, kind: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    // A program has to say what it wants the microphone for, or hears nothing.
    let microphone = "<key>NSMicrophoneUsageDescription</key><string>To play your guitar.</string>\n";
    let microphone = if ending == "app" { microphone } else { "" };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
<key>CFBundleExecutable</key><string>{NAME}</string>
<key>CFBundleIdentifier</key><string>{IDENTIFIER}.{ending}</string>
<key>CFBundleName</key><string>{NAME}</string>
<key>CFBundlePackageType</key><string>{kind}</string>
<key>CFBundleShortVersionString</key><string>{version}</string>
<key>CFBundleVersion</key><string>{version}</string>
<key>NSHighResolutionCapable</key><true/>
{microphone}</dict>
</plist>
"#
    )
}

/// Makes sure that the folder holds what a host looks for, and nothing else.
fn check(folder: &Path, system: System) -> Result<(), String> {
    let mut found = Vec::new();
    files(folder, Path::new(""), &mut found).map_err(|error| failed(folder, &error))?;
    // What `codesign` adds is its own business.
    found.retain(|path| !path.components().any(|part| part.as_os_str() == "_CodeSignature"));
    found.sort();
    if found != system.tree() {
        return Err(format!("the bundles should be {:#?}, but are {found:#?}", system.tree()));
    }
    let entrance = match system {
        System::Linux => "ModuleEntry",
        System::MacOs => "bundleEntry",
        System::Windows => "InitDll",
    };
    let [vst3, clap, _] = system.places();
    for (place, symbol) in [(&vst3, "GetPluginFactory"), (&vst3, entrance), (&clap, "clap_entry")] {
        let bytes = fs::read(folder.join(place)).map_err(|error| failed(place, &error))?;
        if !bytes.windows(symbol.len()).any(|window| window == symbol.as_bytes()) {
            return Err(format!("{} has no {symbol}", place.display()));
        }
    }
    Ok(())
}

/// Every file below a folder, as seen from there.
fn files(folder: &Path, inside: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder.join(inside))? {
        let entry = entry?;
        let path = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files(folder, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_lacks_something_or_has_something_else_is_refused() {
        let folder = std::env::temp_dir().join(format!("bundled-{}", std::process::id()));
        for system in [System::Linux, System::MacOs, System::Windows] {
            for file in system.tree() {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, "GetPluginFactory ModuleEntry bundleEntry InitDll clap_entry")
                    .expect("a file");
            }
            assert_eq!(check(&folder, system), Ok(()), "{system:?}");
            let [vst3, ..] = system.places();
            fs::write(folder.join(&vst3), "nothing").expect("a file");
            assert!(check(&folder, system).is_err(), "{system:?} without an entry");
            fs::remove_file(folder.join(vst3)).expect("it is there");
            assert!(check(&folder, system).is_err(), "{system:?} without a VST3");
            fs::remove_dir_all(&folder).expect("it is there");
        }
    }
}
