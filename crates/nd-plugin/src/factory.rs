//! What comes with the plugin.

/// A shipped model.
#[derive(Debug, Clone, Copy)]
pub struct FactoryModel {
    /// Its name, which sessions save.
    pub name: &'static str,
    /// Its file.
    pub(crate) bytes: &'static [u8],
}

/// The shipped models, from clean to dirty, and smaller ones of the same for a slow computer.
pub const MODELS: &[FactoryModel] = &[
    shipped("Soft clip", include_bytes!("../../../python/neural_distortion/models/soft-clip.json")),
    shipped("Overdrive", include_bytes!("../../../python/neural_distortion/models/overdrive.nam")),
    shipped("Distortion", include_bytes!("../../../python/neural_distortion/models/distortion.nam")),
    shipped("Fuzz", include_bytes!("../../../python/neural_distortion/models/fuzz.nam")),
    shipped(
        "Overdrive (light)",
        include_bytes!("../../../python/neural_distortion/models/overdrive-light.nam"),
    ),
    shipped(
        "Distortion (light)",
        include_bytes!("../../../python/neural_distortion/models/distortion-light.nam"),
    ),
    shipped("Fuzz (light)", include_bytes!("../../../python/neural_distortion/models/fuzz-light.nam")),
];

const fn shipped(name: &'static str, bytes: &'static [u8]) -> FactoryModel {
    FactoryModel { name, bytes }
}

/// A shipped model by its name.
pub(crate) fn model(name: &str) -> Option<&'static FactoryModel> {
    MODELS.iter().find(|model| model.name == name)
}
