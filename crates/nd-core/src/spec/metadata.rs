//! What a model file says about the model.

/// The facts that a player or a listing needs, in one form for every dialect; what the file says beyond them is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// The model's name.
    pub name: Option<String>,
    /// Who made the model.
    pub modeled_by: Option<String>,
    /// Maker of the modelled gear.
    pub gear_make: Option<String>,
    /// The modelled gear.
    pub gear_model: Option<String>,
    /// Kind of gear, as the file words it: `amp`, `pedal`, `amp_cab`, …
    pub gear_type: Option<String>,
    /// Kind of tone, as the file words it: `clean`, `crunch`, `hi_gain`, …
    pub tone_type: Option<String>,
    /// Loudness of the output, in dB (20·log10 of its RMS), for the trainer's guitar-like input.
    pub loudness_db: Option<f64>,
    /// How compressed the model is, from 0 to 1.
    pub gain: Option<f64>,
    /// Level, in dBu RMS, of a sine that peaks at 0 dBFS at the input.
    pub input_level_dbu: Option<f64>,
    /// Level, in dBu RMS, of a sine that peaks at 0 dBFS at the output.
    pub output_level_dbu: Option<f64>,
    /// Error-to-signal ratio that the trainer measured on unheard audio.
    pub validation_esr: Option<f64>,
    /// Names of the knobs, in the order of the inputs behind the audio.
    pub knobs: Vec<String>,
    /// The file's own metadata object as JSON text, unread keys included.
    pub raw: Option<String>,
    /// The file's other keys of which nothing is known, each with its value as JSON text.
    pub other: Vec<(String, String)>,
    /// Keys of which nothing is known inside of the file's description of the network: they are written again where the
    /// file is of the same dialect and describes such an object.
    pub inner: Vec<InnerKey>,
    /// Things that the loader tolerated: a field of the wrong type, say.
    pub warnings: Vec<String>,
}

/// A key of which nothing is known, in one of the objects that describe a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerKey {
    /// Where the object stands in the model's file, such as `config.layers[0]`.
    pub place: String,
    /// The key.
    pub key: String,
    /// Its value as JSON text.
    pub value: String,
}
