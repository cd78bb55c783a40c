//! Every knob and switch that a host sees. The ids are stable: a session saved with one version opens in the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use nice_plug::prelude::*;

use crate::state::{Chosen, Scale, Selection, WindowSize};

/// How many knobs of a model a host can automate.
pub const KNOBS: usize = 8;

/// What a host sees of the plugin, and what a session saves.
#[derive(Debug, Params)]
pub struct NdParams {
    /// The model that was chosen.
    #[persist = "model"]
    pub model: Chosen,
    /// The impulse response that was chosen.
    #[persist = "cabinet"]
    pub cabinet: Chosen,
    /// The window's size in logical pixels.
    #[persist = "window"]
    pub window: WindowSize,
    /// The window's scale.
    #[persist = "scale"]
    pub scale: Scale,

    /// Everything off: the input, delayed as the chain would.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Which channels go through how many chains.
    #[id = "chans"]
    pub channels: EnumParam<Channels>,

    /// Gain before everything else, in dB.
    #[id = "ingain"]
    pub input_gain: FloatParam,
    /// Whether the input is brought to the level that the model was made with, where its file says so.
    #[id = "calon"]
    pub calibrate: BoolParam,
    /// Level, in dBu RMS, of a sine that peaks at 0 dBFS at the plugin's input: the audio interface's.
    #[id = "caldbu"]
    pub interface_level: FloatParam,

    /// Whether the noise gate works.
    #[id = "gateon"]
    pub gate: BoolParam,
    /// Level, in dBFS, below which the gate closes.
    #[id = "gateth"]
    pub gate_threshold: FloatParam,
    /// How far above the threshold the gate opens, in dB.
    #[id = "gatehy"]
    pub gate_hysteresis: FloatParam,
    /// Time in which the gate closes.
    #[id = "gatere"]
    pub gate_release: FloatParam,

    /// Whether the model plays.
    #[id = "modon"]
    pub amp: BoolParam,
    /// Size of a model that has several: 1 is the full one.
    #[id = "qualit"]
    pub quality: FloatParam,
    /// What is done against aliases.
    #[id = "aalias"]
    pub anti_aliasing: EnumParam<AntiAliasing>,
    /// What is done against them where the host renders and has time.
    #[id = "aarend"]
    pub render_anti_aliasing: EnumParam<RenderAntiAliasing>,
    /// The model's own knobs.
    #[nested(array, group = "Knob")]
    pub knobs: [Knob; KNOBS],
    /// Chooses the previous model of the folder when it is switched on.
    #[id = "prev"]
    pub previous: BoolParam,
    /// Chooses the next model of the folder when it is switched on.
    #[id = "next"]
    pub next: BoolParam,

    /// Whether the cabinet's impulse response is convolved.
    #[id = "cabon"]
    pub cab: BoolParam,
    /// Which channel of the impulse response.
    #[id = "cabsid"]
    pub cab_side: EnumParam<Side>,

    /// Whether the tone stack works.
    #[id = "toneon"]
    pub tone: BoolParam,
    /// In dB.
    #[id = "bass"]
    pub bass: FloatParam,
    /// In dB.
    #[id = "mid"]
    pub mid: FloatParam,
    /// In dB.
    #[id = "treble"]
    pub treble: FloatParam,
    /// In dB.
    #[id = "presen"]
    pub presence: FloatParam,

    /// Whether direct current is removed.
    #[id = "dcon"]
    pub dc_blocker: BoolParam,
    /// What the output's level is brought to.
    #[id = "outmod"]
    pub output_mode: EnumParam<OutputMode>,
    /// Gain after everything else, in dB.
    #[id = "outgn"]
    pub output_gain: FloatParam,
    /// From 0 (dry) to 1 (wet).
    #[id = "mix"]
    pub mix: FloatParam,
    /// Silence at the output, for tuning.
    #[id = "mute"]
    pub mute: BoolParam,

    /// Models to go forward by, counted up by `next` and down by `previous`.
    pub steps: Arc<AtomicI32>,
}

/// A knob of the model.
#[derive(Debug, Params)]
pub struct Knob {
    /// From 0 to 1; 0.5 is the middle.
    #[id = "knob"]
    pub value: FloatParam,
}

/// Which channels go through how many chains, where the host gives two. With one, all of these are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Channels {
    /// Each channel through its own chain; the gate opens for both together.
    #[id = "stereo"]
    Stereo,
    /// Each channel through its own chain.
    #[id = "dual"]
    #[name = "Dual mono"]
    DualMono,
    /// The mean of both channels through one chain.
    #[id = "sum"]
    #[name = "Mono (sum)"]
    Sum,
    /// The left channel through one chain.
    #[id = "left"]
    #[name = "Mono (left)"]
    Left,
    /// The right channel through one chain.
    #[id = "right"]
    #[name = "Mono (right)"]
    Right,
}

impl Channels {
    /// Whether one chain does for both channels.
    pub(crate) fn is_mono(self) -> bool {
        matches!(self, Self::Sum | Self::Left | Self::Right)
    }
}

/// Which channel of a stereo impulse response plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Side {
    /// The left one on the left channel, the right one on the right.
    #[id = "both"]
    Both,
    /// The left one on both.
    #[id = "left"]
    Left,
    /// The right one on both.
    #[id = "right"]
    Right,
}

/// What is done against aliases: harmonics that fold back at half the sample rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum AntiAliasing {
    /// Nothing: the model as it was trained.
    #[id = "off"]
    Off,
    /// What costs little.
    #[id = "eco"]
    Eco,
    /// What costs about twice the model.
    #[id = "std"]
    Standard,
    /// What costs several times the model.
    #[id = "best"]
    Best,
}

/// The same for a host that renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RenderAntiAliasing {
    /// What is heard while playing.
    #[id = "live"]
    #[name = "As live"]
    Live,
    /// What costs about twice the model.
    #[id = "std"]
    Standard,
    /// What costs several times the model.
    #[id = "best"]
    Best,
}

impl NdParams {
    /// What is to be done against aliases, live or in a render.
    pub(crate) fn anti_aliasing(&self, offline: bool) -> nd_core::AntiAliasing {
        match self.render_anti_aliasing.value() {
            RenderAntiAliasing::Standard if offline => nd_core::AntiAliasing::Standard,
            RenderAntiAliasing::Best if offline => nd_core::AntiAliasing::Best,
            _ => match self.anti_aliasing.value() {
                AntiAliasing::Off => nd_core::AntiAliasing::Off,
                AntiAliasing::Eco => nd_core::AntiAliasing::Eco,
                AntiAliasing::Standard => nd_core::AntiAliasing::Standard,
                AntiAliasing::Best => nd_core::AntiAliasing::Best,
            },
        }
    }
}

/// What the output's level is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OutputMode {
    /// Nothing: as the model gives it.
    #[id = "raw"]
    Raw,
    /// The same loudness for each model, where its file says how loud it is.
    #[id = "norm"]
    Normalised,
    /// The level of the gear itself, where the file says which level that is.
    #[id = "cal"]
    Calibrated,
}

fn decibels(name: &str, default: f32, min: f32, max: f32) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min, max }).with_unit(" dB").with_step_size(0.1)
}

fn switch(name: &str, default: bool) -> BoolParam {
    BoolParam::new(name, default)
        .with_value_to_string(Arc::new(|on| if on { "On" } else { "Off" }.to_owned()))
}

fn percent(param: FloatParam) -> FloatParam {
    param
        .with_unit(" %")
        .with_value_to_string(formatters::v2s_f32_percentage(0))
        .with_string_to_value(formatters::s2v_f32_percentage())
}

/// A switch that calls for another model when it is turned on.
fn step(name: &str, by: i32, steps: &Arc<AtomicI32>) -> BoolParam {
    let steps = Arc::clone(steps);
    switch(name, false).with_callback(Arc::new(move |on| {
        if on {
            steps.fetch_add(by, Relaxed);
        }
    }))
}

impl Default for NdParams {
    fn default() -> Self {
        let steps = Arc::new(AtomicI32::new(0));
        let unit = FloatRange::Linear { min: 0.0, max: 1.0 };
        let knob =
            |index: usize| Knob { value: percent(FloatParam::new(format!("Knob {}", index + 1), 0.5, unit)) };
        let release = FloatRange::Skewed { min: 5.0, max: 1000.0, factor: FloatRange::skew_factor(-1.5) };
        Self {
            model: Chosen::new(Selection::factory("Overdrive")),
            cabinet: Chosen::default(),
            window: WindowSize::default(),
            scale: Scale::default(),
            bypass: switch("Bypass", false).make_bypass(),
            channels: EnumParam::new("Channels", Channels::Stereo),
            input_gain: decibels("Input", 0.0, -24.0, 24.0),
            calibrate: switch("Calibrate input", false),
            interface_level: FloatParam::new(
                "Interface level",
                12.0,
                FloatRange::Linear { min: -10.0, max: 30.0 },
            )
            .with_unit(" dBu")
            .with_step_size(0.1),
            gate: switch("Gate", false),
            gate_threshold: decibels("Gate threshold", -60.0, -100.0, 0.0),
            gate_hysteresis: decibels("Gate hysteresis", 6.0, 0.0, 24.0),
            gate_release: FloatParam::new("Gate release", 100.0, release)
                .with_unit(" ms")
                .with_step_size(1.0),
            amp: switch("Model", true),
            quality: FloatParam::new("Quality", 1.0, unit)
                .with_value_to_string(Arc::new(|quality| {
                    if quality >= 1.0 { "Full".to_owned() } else { format!("{:.0} %", 100.0 * quality) }
                }))
                .with_string_to_value(Arc::new(|text| {
                    if text.trim().eq_ignore_ascii_case("full") {
                        return Some(1.0);
                    }
                    text.trim()
                        .trim_end_matches('%')
                        .trim()
                        .parse::<f32>()
                        .ok()
                        .map(|percent| percent / 100.0)
                })),
            anti_aliasing: EnumParam::new("Anti-aliasing", AntiAliasing::Off),
            render_anti_aliasing: EnumParam::new("Anti-aliasing in renders", RenderAntiAliasing::Live),
            knobs: std::array::from_fn(knob),
            previous: step("Previous model", -1, &steps),
            next: step("Next model", 1, &steps),
            cab: switch("Cabinet", true),
            cab_side: EnumParam::new("Cabinet side", Side::Both),
            tone: switch("Tone stack", true),
            bass: decibels("Bass", 0.0, -12.0, 12.0),
            mid: decibels("Mid", 0.0, -12.0, 12.0),
            treble: decibels("Treble", 0.0, -12.0, 12.0),
            presence: decibels("Presence", 0.0, -12.0, 12.0),
            dc_blocker: switch("DC blocker", true),
            output_mode: EnumParam::new("Output mode", OutputMode::Normalised),
            output_gain: decibels("Output", 0.0, -40.0, 24.0),
            mix: percent(FloatParam::new("Mix", 1.0, unit)),
            mute: switch("Mute", false),
            steps,
        }
    }
}
