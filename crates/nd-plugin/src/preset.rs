//! Settings with a name: some come with the plugin, others are files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::{ParamPtr, Params};
use serde::{Deserialize, Serialize};

use crate::params::NdParams;
use crate::state::{Selection, library};

/// The form in which presets are written now. Older ones can still be read.
const FORMAT: u32 = 1;

/// The ending of a preset's file.
pub const ENDING: &str = "ndpreset";

/// Parameters that a preset leaves as they are: what belongs to the room and the hands, not to the sound.
const NOT_SOUND: [&str; 6] = ["bypass", "caldbu", "chans", "mute", "next", "prev"];

/// Every setting of the sound, with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::unsafe_derive_deserialize, reason = "nothing that is read is a pointer")]
pub struct Preset {
    /// The form in which it is written.
    format: u32,
    /// What a player calls it.
    pub name: String,
    /// Parameters by their id, as plain values: dB, ms, 0 and 1, the place in a list. One that is not there has its default.
    params: BTreeMap<String, f32>,
    model: Selection,
    cabinet: Selection,
}

impl Preset {
    /// The sound as it is now.
    pub fn of(params: &NdParams, name: &str) -> Self {
        #[expect(unsafe_code, reason = "the framework's only way to any parameter")]
        let value = |param: ParamPtr| {
            // SAFETY: the parameter is a part of `params`, which is alive.
            unsafe { param.unmodulated_plain_value() }
        };
        let sound = params.param_map().into_iter().filter(|(id, ..)| !NOT_SOUND.contains(&id.as_str()));
        Self {
            format: FORMAT,
            name: name.to_owned(),
            params: sound.map(|(id, param, _)| (id, value(param))).collect(),
            model: params.model.get(),
            cabinet: params.cabinet.get(),
        }
    }

    /// Makes the sound this one: `set` is told each parameter and its normalised value, and has to tell the host.
    pub fn apply(&self, params: &NdParams, mut set: impl FnMut(ParamPtr, f32)) {
        for (id, param, _) in params.param_map() {
            if NOT_SOUND.contains(&id.as_str()) {
                continue;
            }
            #[expect(unsafe_code, reason = "the framework's only way to any parameter")]
            // SAFETY: the parameter is a part of `params`, which is alive.
            let normalised = unsafe {
                match self.params.get(&id) {
                    Some(&plain) => param.preview_normalized(plain),
                    None => param.default_normalized_value(),
                }
            };
            set(param, normalised.clamp(0.0, 1.0));
        }
        params.model.set(self.model.clone());
        params.cabinet.set(self.cabinet.clone());
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// In words, if it cannot be read or is of a newer form than this version knows.
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
        let preset: Self = serde_json::from_slice(&bytes).map_err(|error| failed(&error))?;
        if preset.format > FORMAT {
            return Err(failed(&"a newer version of the plugin has written this preset"));
        }
        Ok(preset)
    }

    /// Writes a file among the user's presets, in the place of one of the same name, and returns where it is.
    ///
    /// # Errors
    ///
    /// In words, if it cannot be written.
    pub fn write(&self) -> Result<PathBuf, String> {
        let folder = folder().ok_or("there is no folder for presets")?;
        let allowed =
            |letter: char| if letter.is_alphanumeric() || " -_()".contains(letter) { letter } else { '_' };
        let name: String = self.name.trim().chars().map(allowed).collect();
        if name.is_empty() {
            return Err("a preset needs a name".to_owned());
        }
        let path = folder.join(name).with_extension(ENDING);
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

/// The folder of the user's presets. It need not exist.
pub fn folder() -> Option<PathBuf> {
    Some(library()?.join("Presets"))
}

/// The user's presets by name, from A to Z.
pub fn files() -> Vec<(String, PathBuf)> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let presets =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|x| x == ENDING));
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut files: Vec<_> = presets.map(|path| (name(&path), path)).collect();
    files.sort_by_key(|(name, _)| name.to_lowercase());
    files
}

/// The presets that come with the plugin.
pub fn factory() -> Vec<Preset> {
    let preset = |name: &str, model: Selection, params: &[(&str, f32)]| Preset {
        format: FORMAT,
        name: name.to_owned(),
        params: params.iter().map(|&(id, value)| (id.to_owned(), value)).collect(),
        model,
        cabinet: Selection::default(),
    };
    // The first knob of the shipped pedals is their drive.
    vec![
        preset("Clean boost", Selection::default(), &[("outgn", 9.0), ("treble", 1.0)]),
        preset("Overdrive", Selection::factory("Overdrive"), &[("knob_1", 0.5)]),
        preset("Overdrive, pushed", Selection::factory("Overdrive"), &[("ingain", 6.0), ("knob_1", 0.8)]),
        preset("Distortion", Selection::factory("Distortion"), &[("knob_1", 0.6)]),
        preset("Fuzz", Selection::factory("Fuzz"), &[("knob_1", 0.8), ("outgn", -2.0)]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(preset: &Preset) -> BTreeMap<String, f32> {
        let params = NdParams::default();
        let mut values = BTreeMap::new();
        let ids: Vec<_> = params.param_map().into_iter().map(|(id, param, _)| (param, id)).collect();
        preset.apply(&params, |param, value| {
            let (_, id) = ids.iter().find(|(other, _)| *other == param).expect("one of them");
            values.insert(id.clone(), value);
        });
        values
    }

    #[test]
    fn what_a_preset_does_not_name_gets_its_default() {
        let values = all(&factory()[2]);
        assert_eq!(values["ingain"], 0.625, "6 dB of -24 to 24");
        assert_eq!(values["bass"], 0.5, "0 dB");
        assert!(!values.contains_key("bypass"), "what is not sound stays");
    }

    #[test]
    fn factory_presets_name_models_and_parameters_that_exist() {
        let ids: Vec<String> = NdParams::default().param_map().into_iter().map(|(id, ..)| id).collect();
        for preset in factory() {
            if !preset.model.is_none() {
                let found = preset.model.find();
                assert!(found.is_ok(), "{}: {found:?}", preset.name);
            }
            for id in preset.params.keys() {
                assert!(ids.contains(id), "{}: {id}", preset.name);
            }
        }
    }

    #[test]
    fn a_preset_is_the_same_after_it_was_written_and_read() {
        let preset = Preset::of(&NdParams::default(), "As it comes");
        let text = serde_json::to_vec(&preset).expect("JSON");
        let path = std::env::temp_dir().join(format!("nd-preset-{}.{ENDING}", std::process::id()));
        std::fs::write(&path, &text).expect("a file");
        assert_eq!(Preset::read(&path), Ok(preset), "the same");
        std::fs::write(&path, String::from_utf8_lossy(&text).replace("\"format\":1", "\"format\":9"))
            .expect("a file");
        assert!(Preset::read(&path).is_err(), "one that a newer version has written");
        std::fs::remove_file(path).expect("it is there");
    }
}
