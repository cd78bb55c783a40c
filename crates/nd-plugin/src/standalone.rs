//! What the program of its own remembers: its audio devices, and the sound that it last had.
//!
//! The framework reads devices from the command line alone, so another choice is a new start: the window keeps the sound,
//! writes the [`Audio`], and starts the program again in its own place.

use std::path::PathBuf;

use nice_plug::prelude::nice_export_standalone_with_args;
use serde::{Deserialize, Serialize};

use crate::NeuralDistortion;
use crate::preset::Preset;
use crate::state::library;

/// Interfaces to the sound hardware, as the command line names them.
pub const BACKENDS: &[&str] = if cfg!(target_os = "macos") {
    &["auto", "jack", "core-audio", "dummy"]
} else if cfg!(windows) {
    &["auto", "jack", "wasapi", "dummy"]
} else {
    &["auto", "jack", "alsa", "dummy"]
};

/// Rates to choose from, in Hz.
pub const RATES: &[u32] = &[44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

/// Lengths of a buffer to choose from, in frames.
pub const BUFFERS: &[u32] = &[32, 64, 128, 256, 512, 1024];

/// Which devices are used, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Audio {
    /// One of [`BACKENDS`].
    pub backend: String,
    /// Name of the device that is listened to; without one there is no input.
    pub input: Option<String>,
    /// Name of the device that plays; the system's own without one.
    pub output: Option<String>,
    /// In Hz.
    pub sample_rate: u32,
    /// In frames.
    pub buffer: u32,
}

impl Default for Audio {
    fn default() -> Self {
        Self { backend: "auto".to_owned(), input: None, output: None, sample_rate: 48_000, buffer: 256 }
    }
}

impl Audio {
    /// What was saved last, or the default.
    pub fn read() -> Self {
        let bytes = file("audio.json").and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Saves the choice for the next start.
    ///
    /// # Errors
    ///
    /// In words, if the file cannot be written.
    pub fn write(&self) -> Result<(), String> {
        write("audio.json", self)
    }

    /// The options that stand for it on the command line.
    fn options(&self) -> Vec<String> {
        let mut options = vec![
            format!("--backend={}", self.backend),
            format!("--sample-rate={}", self.sample_rate),
            format!("--period-size={}", self.buffer),
        ];
        options.extend(self.input.iter().map(|name| format!("--input-device={name}")));
        options.extend(self.output.iter().map(|name| format!("--output-device={name}")));
        options
    }
}

/// The devices that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// Names of those that can be listened to.
    pub inputs: Vec<String>,
    /// Names of those that can play.
    pub outputs: Vec<String>,
}

impl Devices {
    /// Looks for them. That may take a while.
    pub fn find() -> Self {
        use cpal::traits::{DeviceTrait, HostTrait};
        let host = cpal::default_host();
        let name = |device: cpal::Device| device.description().ok().map(|about| about.name().to_owned());
        Self {
            inputs: host.input_devices().map(|all| all.filter_map(name).collect()).unwrap_or_default(),
            outputs: host.output_devices().map(|all| all.filter_map(name).collect()).unwrap_or_default(),
        }
    }
}

/// Runs the program: with the options on the command line, or else with the devices that were chosen last. Says whether it
/// ended well.
///
/// A device that is not there any more leaves it without sound but with a window, where another can be chosen.
pub fn run() -> bool {
    let mut arguments: Vec<String> = std::env::args().collect();
    if arguments.len() > 1 {
        return nice_export_standalone_with_args::<NeuralDistortion, _>(arguments);
    }
    let name = arguments.remove(0);
    let with = |options: Vec<String>| std::iter::once(name.clone()).chain(options);
    nice_export_standalone_with_args::<NeuralDistortion, _>(with(Audio::read().options()))
        || nice_export_standalone_with_args::<NeuralDistortion, _>(with(vec!["--backend=dummy".to_owned()]))
}

/// Ends the program and starts it again without options, which reads what was saved.
///
/// # Errors
///
/// In words, if it cannot be started.
pub fn restart() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = std::process::Command::new(&program);
    let failed = |error: std::io::Error| format!("{}: {error}", program.display());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(failed(command.exec()))
    }
    #[cfg(not(unix))]
    {
        command.spawn().map_err(failed)?;
        std::process::exit(0)
    }
}

/// The sound that the program last had.
#[cfg(feature = "gui")]
pub(crate) fn last_sound() -> Option<Preset> {
    Preset::read(&file("last sound.json")?).ok()
}

/// Remembers the sound for the next start.
#[cfg(feature = "gui")]
pub(crate) fn remember(sound: &Preset) {
    // Without it the next start has the sound of the first one, which is not worth a message at the end.
    _ = write("last sound.json", sound);
}

fn file(name: &str) -> Option<PathBuf> {
    Some(library()?.join("Settings").join(name))
}

fn write(name: &str, what: &impl Serialize) -> Result<(), String> {
    let path = file(name).ok_or("there is no folder for settings")?;
    let text = serde_json::to_string_pretty(what).map_err(|error| error.to_string())?;
    let folder = path.parent().ok_or("there is no folder for settings")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_devices_becomes_options() {
        let audio = Audio { input: Some("Scarlett 2i2, USB".to_owned()), ..Audio::default() };
        assert_eq!(
            audio.options(),
            [
                "--backend=auto",
                "--sample-rate=48000",
                "--period-size=256",
                "--input-device=Scarlett 2i2, USB"
            ],
            "the output is the system's"
        );
    }
}
