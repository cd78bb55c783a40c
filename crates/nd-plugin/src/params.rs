//! Every knob and switch that a host sees. The ids are stable: a session saved with one version opens in the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

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
    /// Whether any of these parameters has moved.
    pub moved: Moved,
}

/// Whether a parameter has moved since the audio thread last looked. To ask this is cheaper than to read them all.
#[derive(Debug, Clone, Default)]
pub struct Moved(Arc<AtomicBool>);

impl Moved {
    /// What a parameter calls when it has moved.
    fn callback<T>(&self) -> Arc<dyn Fn(T) + Send + Sync> {
        let moved = Arc::clone(&self.0);
        Arc::new(move |_| moved.store(true, Ordering::Release))
    }

    /// Says whether one has, and forgets it. What has moved before this returns is read with its new value.
    pub(crate) fn take(&self) -> bool {
        // To look first is cheaper: most blocks bring nothing.
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Acquire)
    }
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

impl Moved {
    fn float(&self, name: impl Into<String>, default: f32, range: FloatRange) -> FloatParam {
        FloatParam::new(name, default, range).with_callback(self.callback())
    }

    fn choice<T: Enum + PartialEq + 'static>(&self, name: &str, default: T) -> EnumParam<T> {
        EnumParam::new(name, default).with_callback(self.callback())
    }

    fn decibels(&self, name: &str, default: f32, min: f32, max: f32) -> FloatParam {
        self.float(name, default, FloatRange::Linear { min, max }).with_unit(" dB").with_step_size(0.1)
    }

    /// From 0 % to 100 %.
    fn percent(&self, name: impl Into<String>, default: f32) -> FloatParam {
        self.float(name, default, UNIT)
            .with_unit(" %")
            .with_value_to_string(formatters::v2s_f32_percentage(0))
            .with_string_to_value(formatters::s2v_f32_percentage())
    }

    fn switch(&self, name: &str, default: bool) -> BoolParam {
        switch(name, default).with_callback(self.callback())
    }
}

const UNIT: FloatRange = FloatRange::Linear { min: 0.0, max: 1.0 };

fn switch(name: &str, default: bool) -> BoolParam {
    BoolParam::new(name, default)
        .with_value_to_string(Arc::new(|on| if on { "On" } else { "Off" }.to_owned()))
}

/// A switch that calls for another model when it is turned on. It changes nothing that the audio thread reads.
fn step(name: &str, by: i32, steps: &Arc<AtomicI32>) -> BoolParam {
    let steps = Arc::clone(steps);
    switch(name, false).with_callback(Arc::new(move |on| {
        if on {
            steps.fetch_add(by, Ordering::Relaxed);
        }
    }))
}

impl Default for NdParams {
    fn default() -> Self {
        let steps = Arc::new(AtomicI32::new(0));
        let moved = Moved::default();
        let knob = |index: usize| Knob { value: moved.percent(format!("Knob {}", index + 1), 0.5) };
        let release = FloatRange::Skewed { min: 5.0, max: 1000.0, factor: FloatRange::skew_factor(-1.5) };
        Self {
            model: Chosen::new(Selection::factory("Overdrive")),
            cabinet: Chosen::default(),
            window: WindowSize::default(),
            scale: Scale::default(),
            bypass: moved.switch("Bypass", false).make_bypass(),
            channels: moved.choice("Channels", Channels::Stereo),
            input_gain: moved.decibels("Input", 0.0, -24.0, 24.0),
            calibrate: moved.switch("Calibrate input", false),
            interface_level: moved
                .float("Interface level", 12.0, FloatRange::Linear { min: -10.0, max: 30.0 })
                .with_unit(" dBu")
                .with_step_size(0.1),
            gate: moved.switch("Gate", false),
            gate_threshold: moved.decibels("Gate threshold", -60.0, -100.0, 0.0),
            gate_hysteresis: moved.decibels("Gate hysteresis", 6.0, 0.0, 24.0),
            gate_release: moved.float("Gate release", 100.0, release).with_unit(" ms").with_step_size(1.0),
            amp: moved.switch("Model", true),
            quality: moved
                .float("Quality", 1.0, UNIT)
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
            anti_aliasing: moved.choice("Anti-aliasing", AntiAliasing::Off),
            render_anti_aliasing: moved.choice("Anti-aliasing in renders", RenderAntiAliasing::Live),
            knobs: std::array::from_fn(knob),
            previous: step("Previous model", -1, &steps),
            next: step("Next model", 1, &steps),
            cab: moved.switch("Cabinet", true),
            cab_side: moved.choice("Cabinet side", Side::Both),
            tone: moved.switch("Tone stack", true),
            bass: moved.decibels("Bass", 0.0, -12.0, 12.0),
            mid: moved.decibels("Mid", 0.0, -12.0, 12.0),
            treble: moved.decibels("Treble", 0.0, -12.0, 12.0),
            presence: moved.decibels("Presence", 0.0, -12.0, 12.0),
            dc_blocker: moved.switch("DC blocker", true),
            output_mode: moved.choice("Output mode", OutputMode::Normalised),
            output_gain: moved.decibels("Output", 0.0, -40.0, 24.0),
            mix: moved.percent("Mix", 1.0),
            mute: moved.switch("Mute", false),
            steps,
            moved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audio_thread_hears_of_every_parameter_that_moves() {
        let params = NdParams::default();
        assert!(!params.moved.take(), "nothing has");
        for (id, param, _) in params.param_map() {
            #[expect(unsafe_code, reason = "a parameter is set as the framework sets it")]
            // SAFETY: the parameters outlive the pointer to one of them.
            unsafe {
                let value = param.unmodulated_normalized_value();
                param._internal_set_normalized_value(if value > 0.5 { 0.0 } else { 1.0 });
            }
            assert_eq!(params.moved.take(), !["next", "prev"].contains(&id.as_str()), "{id}");
            assert!(!params.moved.take(), "{id} has moved once");
        }
    }
}
