//! What comes with the plugin.

/// A shipped model.
#[derive(Debug, Clone, Copy)]
pub struct FactoryModel {
    /// Its name, which sessions save.
    pub name: &'static str,
    /// Its file.
    pub(crate) bytes: &'static [u8],
}

/// The shipped models, from clean to dirty.
pub const MODELS: &[FactoryModel] = &[FactoryModel {
    name: "Overdrive",
    bytes: include_bytes!("../../../python/neural_distortion/models/soft-clip.json"),
}];

/// A shipped model by its name.
pub(crate) fn model(name: &str) -> Option<&'static FactoryModel> {
    MODELS.iter().find(|model| model.name == name)
}
