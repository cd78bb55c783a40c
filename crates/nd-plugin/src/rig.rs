//! What is swapped as a whole when another model or impulse response is chosen.

use std::sync::Arc;

use nd_core::dsp::cabinet::{self, Cabinet, CabinetError, CabinetOptions};
use nd_core::dsp::rate::RateChange;
use nd_core::dsp::smooth::{Ramp, Smooth};
use nd_core::{AntiAliasing, CompileOptions, Model, ModelSpec, Pair};

use crate::impulse::Impulse;
use crate::params::{KNOBS, OutputMode, Side};
use crate::processor::CHUNK;

/// What the host has announced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Setup {
    /// Rate of the host, in Hz.
    pub(crate) sample_rate: f64,
    /// Channels that come in, 1 or 2.
    pub(crate) inputs: usize,
    /// Channels that go out, 1 or 2.
    pub(crate) outputs: usize,
    /// Whether the host renders, and has time.
    pub(crate) offline: bool,
}

/// Time in which a gain or a knob follows its parameter.
pub(crate) const SMOOTHING_MS: f64 = 20.0;

/// Loudness, in dB, that every model is brought to in [`OutputMode::Normalised`].
const LOUDNESS_DB: f64 = -18.0;

/// Frames in which a turning knob stands still.
const KNOB_STEP: usize = 16;

/// The most frames that a new rig listens to before it is heard.
const MAX_REHEARSAL: usize = 16384;

/// A model to play, and what its file says about it.
#[derive(Debug)]
pub(crate) struct Amp {
    pub(crate) spec: Arc<ModelSpec>,
    /// Freshly reset.
    pub(crate) model: Model,
    /// The rate, in Hz, that it is fed at.
    pub(crate) sample_rate: f64,
    levels: Levels,
    /// Freshly reset.
    rate: RateChange,
    /// What was asked for against aliases.
    pub(crate) anti_aliasing: AntiAliasing,
    host_rate: f64,
}

/// Rate, in Hz, of a model that says none.
pub(crate) const USUAL_RATE: f64 = 48_000.0;

/// How many times its rate a model is fed at, at the most.
const MAX_RATE_FACTOR: f64 = 16.0;

impl Amp {
    /// Compiles a model for a host of this kind.
    ///
    /// At a multiple of the model's rate it plays as it is, with longer delays. At other rates it plays at the nearest
    /// multiple, and what is done against aliases is to make that multiple a higher one: the change of rate has its
    /// filters anyway.
    pub(crate) fn new(
        spec: &Arc<ModelSpec>,
        setup: &Setup,
        anti_aliasing: AntiAliasing,
    ) -> Result<Self, String> {
        let trained = spec.sample_rate.unwrap_or(USUAL_RATE);
        let ratio = setup.sample_rate / trained;
        let multiple = ratio.round().clamp(1.0, MAX_RATE_FACTOR) as usize;
        let mut options = CompileOptions::default();
        options.rate_factor = multiple;
        options.anti_aliasing = anti_aliasing.method(spec);
        if let AntiAliasing::Oversampled { factor } = options.anti_aliasing {
            // What the host's rate has in excess counts.
            let wanted = factor.div_ceil(multiple).next_power_of_two();
            options.anti_aliasing = match wanted {
                1 => AntiAliasing::Off,
                factor if ratio == multiple as f64 => AntiAliasing::Oversampled { factor },
                factor => {
                    options.rate_factor = multiple * factor;
                    AntiAliasing::Off
                }
            };
        }
        let sample_rate = trained * options.rate_factor as f64;
        Ok(Self {
            spec: Arc::clone(spec),
            model: spec.compile(&options).map_err(|error| error.to_string())?,
            sample_rate,
            rate: RateChange::new(setup.sample_rate, sample_rate).map_err(|error| error.to_string())?,
            anti_aliasing,
            host_rate: setup.sample_rate,
            levels: Levels {
                loudness_db: spec.metadata.loudness_db,
                input_dbu: spec.metadata.input_level_dbu,
                output_dbu: spec.metadata.output_level_dbu,
            },
        })
    }

    /// Whether it plays in this host.
    pub(crate) fn suits(&self, setup: &Setup) -> bool {
        self.host_rate == setup.sample_rate
    }
}

/// An impulse response to play.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) impulse: Arc<Impulse>,
    /// For the left and the right channel.
    cabinets: [Cabinet; 2],
    pub(crate) side: Side,
    host_rate: f64,
}

impl Response {
    /// Resamples and transforms an impulse response for a host of this kind.
    pub(crate) fn new(impulse: &Arc<Impulse>, setup: &Setup, side: Side) -> Result<Self, CabinetError> {
        let cabinet = |side| {
            let mut options = CabinetOptions::default();
            options.side = side;
            Cabinet::new(&impulse.channels, impulse.sample_rate, setup.sample_rate, &options)
        };
        let left = cabinet(if side == Side::Right { cabinet::Side::Right } else { cabinet::Side::Left })?;
        let differ = side == Side::Both && impulse.channels.len() > 1;
        let right = if differ { cabinet(cabinet::Side::Right)? } else { left.clone() };
        Ok(Self { impulse: Arc::clone(impulse), cabinets: [left, right], side, host_rate: setup.sample_rate })
    }

    /// Whether it plays in this host.
    pub(crate) fn suits(&self, setup: &Setup) -> bool {
        self.host_rate == setup.sample_rate
    }
}

/// What a model's file says about levels.
#[derive(Debug, Clone, Copy)]
struct Levels {
    loudness_db: Option<f64>,
    input_dbu: Option<f64>,
    output_dbu: Option<f64>,
}

/// What a rig is asked to do in the next block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub(crate) quality: f64,
    pub(crate) knobs: [f32; KNOBS],
    pub(crate) output_mode: OutputMode,
    pub(crate) interface_level_dbu: f64,
}

/// A model and a cabinet for each channel, ready to play.
#[derive(Debug)]
pub(crate) struct Rig {
    levels: Option<Levels>,
    voices: [Option<Voice>; 2],
    /// Where two models take less time together.
    duo: Option<Duo>,
    cabinets: [Option<Cab>; 2],
    latency: usize,
    memory: usize,
    /// What it was last asked for.
    settings: Option<Settings>,
}

/// A channel's model.
#[derive(Debug)]
struct Voice {
    rate: RateChange,
    model: Model,
    /// At the model's rate.
    knobs: [Smooth; KNOBS],
    gain: Smooth,
    /// Whether a block has been left out.
    skipped: bool,
}

/// The models of both channels, played before either channel asks for its own.
#[derive(Debug)]
struct Duo {
    pair: Pair,
    /// What they have played.
    audio: [Box<[f32]>; 2],
    /// Whether the channel has not asked for it yet.
    waiting: [bool; 2],
}

/// A channel's cabinet.
#[derive(Debug)]
struct Cab {
    cabinet: Cabinet,
    /// Whether a block has been left out.
    skipped: bool,
}

impl Rig {
    /// A rig of what there is, all of it made for a host of this kind.
    pub(crate) fn new(setup: &Setup, amp: Option<&Amp>, response: Option<&Response>) -> Self {
        let voice = |amp: &Amp| {
            let knob = || Smooth::new(Ramp::Linear, amp.sample_rate, SMOOTHING_MS, 0.5);
            Voice {
                rate: amp.rate.clone(),
                model: amp.model.clone(),
                knobs: std::array::from_fn(|_| knob()),
                gain: Smooth::new(Ramp::Linear, setup.sample_rate, SMOOTHING_MS, 1.0),
                skipped: false,
            }
        };
        let channels = [true, setup.inputs > 1];
        let voices = channels.map(|used| amp.filter(|_| used).map(voice));
        let duo = amp.filter(|_| setup.inputs > 1).map(|amp| Duo {
            pair: Pair::new(&amp.model),
            audio: [0, 1].map(|_| vec![0.0; CHUNK].into()),
            waiting: [false; 2],
        });
        let cabinet = |channel: usize| {
            let response = response.filter(|_| channels[channel])?;
            Some(Cab { cabinet: response.cabinets[channel].clone(), skipped: false })
        };
        let cabinets = [cabinet(0), cabinet(1)];
        // The model's own delay is in frames of the host, or so short that a fraction of it does not count.
        let own = |amp: &Amp| amp.model.latency_samples() as f64 * setup.sample_rate / amp.sample_rate;
        let latency = amp.map_or(0, |amp| amp.rate.latency_samples() + own(amp).round() as usize);
        let remembered =
            amp.map_or(0.0, |amp| amp.model.receptive_field() as f64 * setup.sample_rate / amp.sample_rate);
        let tail = cabinets.iter().flatten().map(|cab| cab.cabinet.frames()).max();
        Self {
            levels: amp.map(|amp| amp.levels),
            voices,
            duo: duo.filter(|duo| duo.pair.is_faster()),
            cabinets,
            latency,
            memory: latency + remembered as usize + tail.unwrap_or_default(),
            settings: None,
        }
    }

    /// Delay of the output against the input, in samples of the host's rate.
    pub(crate) fn latency(&self) -> usize {
        self.latency
    }

    /// Frames after which what came in has gone out again, as far as the rig knows.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Frames that it has to listen to before it may be heard in the place of another rig.
    pub(crate) fn rehearsal(&self) -> usize {
        self.memory.min(MAX_REHEARSAL).max(self.latency)
    }

    /// By how many dB the input has to be louder for the level that the model was made with.
    pub(crate) fn calibration_db(&self, interface_level_dbu: f64) -> f64 {
        let level = self.levels.and_then(|levels| levels.input_dbu);
        level.map_or(0.0, |level| interface_level_dbu - level)
    }

    fn output_gain(&self, settings: &Settings) -> f32 {
        let Some(levels) = self.levels else { return 1.0 };
        let db = match settings.output_mode {
            OutputMode::Raw => None,
            OutputMode::Normalised => levels.loudness_db.map(|loudness| LOUDNESS_DB - loudness),
            OutputMode::Calibrated => levels.output_dbu.map(|level| level - settings.interface_level_dbu),
        };
        db.map_or(1.0, from_db)
    }

    /// What the next blocks are played with.
    pub(crate) fn set(&mut self, settings: &Settings) {
        if self.settings.as_ref() == Some(settings) {
            return;
        }
        let first = self.settings.replace(*settings).is_none();
        let gain = self.output_gain(settings);
        for voice in self.voices.iter_mut().flatten() {
            voice.gain.set(gain);
            voice.model.set_quality(settings.quality);
            for (knob, &value) in voice.knobs.iter_mut().zip(&settings.knobs) {
                knob.set(value);
            }
            if first {
                voice.reset();
            }
        }
    }

    /// Plays the models of both channels, where that takes less time, for when either channel asks for its own: it must ask
    /// with the same audio, before anything else happens to its model.
    pub(crate) fn amps(&mut self, audio: [&[f32]; 2]) {
        let ([Some(left), Some(right)], Some(duo)) = (&mut self.voices, &mut self.duo) else { return };
        let [first, second] = duo.audio.each_mut().map(|buffer| &mut buffer[..audio[0].len()]);
        first.copy_from_slice(audio[0]);
        second.copy_from_slice(audio[1]);
        Voice::play_together([left, right], &mut duo.pair, [first, second]);
        duo.waiting = [true; 2];
    }

    /// Plays the model of a channel in place.
    pub(crate) fn amp(&mut self, channel: usize, audio: &mut [f32]) {
        if let Some(duo) = &mut self.duo
            && std::mem::take(&mut duo.waiting[channel])
        {
            audio.copy_from_slice(&duo.audio[channel][..audio.len()]);
        } else if let Some(voice) = &mut self.voices[channel] {
            voice.play(audio);
        }
    }

    /// Brings the output of a channel's model to its level, in place.
    pub(crate) fn level(&mut self, channel: usize, audio: &mut [f32]) {
        if let Some(voice) = &mut self.voices[channel] {
            voice.gain.process(audio);
        }
    }

    /// Leaves the model of a channel out of a block: it starts anew when it is wanted again.
    pub(crate) fn skip_amp(&mut self, channel: usize) {
        if let Some(voice) = &mut self.voices[channel] {
            voice.skipped = true;
        }
    }

    /// Whether there is an impulse response.
    pub(crate) fn has_cabinet(&self) -> bool {
        self.cabinets[0].is_some()
    }

    /// Convolves with the impulse response of a channel in place.
    pub(crate) fn cabinet(&mut self, channel: usize, audio: &mut [f32]) {
        if let Some(cab) = &mut self.cabinets[channel] {
            if cab.skipped {
                cab.reset();
            }
            cab.cabinet.process(audio);
        }
    }

    /// Leaves the cabinet of a channel out of a block: it starts anew when it is wanted again.
    pub(crate) fn skip_cabinet(&mut self, channel: usize) {
        if let Some(cab) = &mut self.cabinets[channel] {
            cab.skipped = true;
        }
    }

    /// Goes back to silence, with everything as it was last [`set`](Self::set).
    pub(crate) fn reset(&mut self, channel: usize) {
        if let Some(voice) = &mut self.voices[channel] {
            voice.reset();
        }
        if let Some(cab) = &mut self.cabinets[channel] {
            cab.reset();
        }
    }
}

impl Cab {
    fn reset(&mut self) {
        self.skipped = false;
        self.cabinet.reset();
    }
}

impl Voice {
    fn play(&mut self, audio: &mut [f32]) {
        if self.skipped {
            self.reset();
        }
        let (model, knobs) = (&mut self.model, &mut self.knobs);
        self.rate.process(audio, |audio| turn_and_play(model, knobs, audio));
    }

    /// What [`play`](Self::play) does, with both.
    fn play_together(mut voices: [&mut Self; 2], pair: &mut Pair, audio: [&mut [f32]; 2]) {
        for voice in &mut voices {
            if voice.skipped {
                voice.reset();
            }
        }
        let [left, right] = voices;
        let mut models = [&mut left.model, &mut right.model];
        let mut knobs = [&mut left.knobs, &mut right.knobs];
        RateChange::process_together([&mut left.rate, &mut right.rate], audio, |audio| {
            if audio[0].len() == audio[1].len() {
                let play =
                    |models: [&mut Model; 2], audio: [&mut [f32]; 2]| pair.process_in_place(models, audio);
                turn_and_play_all(&mut models, &mut knobs, audio, play);
            } else {
                // One of them was reset: their frames come at other times.
                for ((model, knobs), audio) in models.iter_mut().zip(&mut knobs).zip(audio) {
                    turn_and_play(model, knobs, audio);
                }
            }
        });
    }

    fn reset(&mut self) {
        self.skipped = false;
        self.gain.reset();
        for (index, knob) in self.knobs.iter_mut().enumerate() {
            knob.reset();
            if index < self.model.parameters() {
                self.model.set_parameter(index, knob.value());
            }
        }
        self.rate.reset();
        self.model.reset();
    }
}

/// Plays a model while its knobs turn.
fn turn_and_play(model: &mut Model, knobs: &mut [Smooth; KNOBS], audio: &mut [f32]) {
    turn_and_play_all(&mut [model], &mut [knobs], [audio], |[model], [audio]| model.process_in_place(audio));
}

/// Plays models while their knobs turn.
fn turn_and_play_all<const N: usize>(
    models: &mut [&mut Model; N],
    knobs: &mut [&mut [Smooth; KNOBS]; N],
    mut audio: [&mut [f32]; N],
    mut play: impl FnMut([&mut Model; N], [&mut [f32]; N]),
) {
    let used = models.iter().map(|model| model.parameters()).max().unwrap_or(0).min(KNOBS);
    let frames = audio.iter().map(|audio| audio.len()).max().unwrap_or(0);
    let mut from = 0;
    while from < frames {
        let turning = knobs.iter().any(|knobs| knobs[..used].iter().any(Smooth::is_moving));
        let len = if turning { KNOB_STEP.min(frames - from) } else { frames - from };
        for (model, knobs) in models.iter_mut().zip(&mut *knobs) {
            for (index, knob) in knobs[..used].iter_mut().enumerate() {
                if turning {
                    (0..len).for_each(|_| _ = knob.advance());
                }
                model.set_parameter(index, knob.value());
            }
        }
        play(
            models.each_mut().map(|model| &mut **model),
            audio.each_mut().map(|audio| &mut audio[from..from + len]),
        );
        from += len;
    }
}

/// A gain as a factor.
pub(crate) fn from_db(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}
