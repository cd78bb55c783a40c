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
    /// Things that the loader tolerated: a field of the wrong type, say.
    pub warnings: Vec<String>,
}
