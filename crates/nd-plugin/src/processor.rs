//! The signal chain, on the audio thread.
//!
//! A [`Strip`] for each channel goes through input gain, gate, model, cabinet, tone stack, DC blocker and output gain; a
//! stage that is off or neutral costs nothing. Model and cabinet stand in a [`Rig`], which the loader sends: a new one
//! listens along until it knows the past, then fades in.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use nd_core::dsp::crossfade::Crossfade;
use nd_core::dsp::dc::DcBlocker;
use nd_core::dsp::delay::Delay;
use nd_core::dsp::gate::{Gate, GateSettings};
use nd_core::dsp::smooth::{Ramp, Smooth};
use nd_core::dsp::tone::{Band, Tone};
use rtrb::{Consumer, Producer};

use crate::params::{Channels, NdParams};
use crate::rig::{Rig, SMOOTHING_MS, Settings, Setup, from_db};
use crate::telemetry::Telemetry;

/// Frames that go through the whole chain at a time.
pub(crate) const CHUNK: usize = 512;

/// Time in which one rig fades into another, and one routing of the channels into another.
const FADE_MS: f64 = 20.0;

/// The longest delay of a rig, in seconds.
const MAX_LATENCY: f64 = 0.1;

/// Amplitude that counts as silence at the input: 180 dB below full scale.
const SILENT_INPUT: f32 = 1e-9;

/// Amplitude that counts as silence at the output: 120 dB below full scale.
const SILENT_OUTPUT: f32 = 1e-6;

/// Below what the DC blocker takes away.
const DC_CUTOFF_HZ: f64 = 8.0;

/// Everything that plays.
#[derive(Debug)]
pub(crate) struct Processor {
    params: Arc<NdParams>,
    telemetry: Arc<Telemetry>,
    setup: Setup,
    /// What the parameters say.
    now: Now,
    /// One for both channels where they are linked, or one each.
    gates: [Gate; 2],
    gate_settings: GateSettings,
    strips: [Strip; 2],
    player: Player,
    /// How the channels go through the strips now.
    routing: Channels,
    /// Silence for the time of another routing.
    duck: Smooth,
}

/// The rig that plays, and the one that will.
#[derive(Debug)]
struct Player {
    rigs: Consumer<Box<Rig>>,
    retired: Producer<Box<Rig>>,
    rig: Option<Box<Rig>>,
    next: Option<Next>,
    /// Whether nothing has been heard of the rig yet, so that another one takes its place at once.
    fresh: bool,
    /// Whether there is a rig that has not been told what the parameters say.
    new: bool,
    fade_frames: usize,
}

/// A rig that listens along, then fades in.
#[derive(Debug)]
struct Next {
    rig: Box<Rig>,
    /// Frames that it still has to hear or, when it fades in, until it is alone.
    left: usize,
    fading: bool,
}

/// What a channel owns of the chain.
#[derive(Debug)]
struct Strip {
    input_gain: Gain,
    /// How much of the model is heard, and how much of the signal that passes it by.
    amp: Smooth,
    passing: Delay,
    /// The same of the cabinet.
    cab: Smooth,
    fade: Crossfade,
    tone: Tone,
    tone_db: [f64; 4],
    dc: Smooth,
    dc_blocker: DcBlocker,
    output_gain: Gain,
    mix: Smooth,
    dry: Delay,
    audible: Smooth,
    /// Frames of silence at the input and at the output.
    silent: usize,
    /// Whether the wet path has not been computed, so that it has to start anew.
    stale: bool,
    buffers: Buffers,
}

/// A gain that moves smoothly, and how many dB it was set to.
#[derive(Debug)]
struct Gain {
    db: f64,
    factor: Smooth,
}

/// Room for a chunk each.
#[derive(Debug)]
struct Buffers {
    /// The input, as the host gave it.
    input: Box<[f32]>,
    /// The input, delayed as the wet path is.
    dry: Box<[f32]>,
    /// The model's input, delayed as the model is.
    passing: Box<[f32]>,
    /// What the next rig plays.
    next: Box<[f32]>,
    /// What goes into a stage that is on its way in or out.
    stage: Box<[f32]>,
}

/// What the parameters say.
#[derive(Debug, Clone, Copy)]
struct Now {
    settings: Settings,
    channels: Channels,
    input_gain_db: f64,
    calibrate: bool,
    gate: bool,
    amp: f32,
    cab: f32,
    tone_db: [f64; 4],
    dc: f32,
    output_gain_db: f64,
    mix: f32,
    audible: f32,
}

/// What becomes of the next rig in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fade {
    /// It is not heard: there is none, or it listens along.
    None,
    /// It begins to be heard.
    Start,
    /// It is on its way in.
    Running,
}

impl Processor {
    pub(crate) fn new(
        params: &Arc<NdParams>,
        telemetry: &Arc<Telemetry>,
        setup: Setup,
        rigs: Consumer<Box<Rig>>,
        retired: Producer<Box<Rig>>,
    ) -> Self {
        let rate = setup.sample_rate;
        let gate_settings = GateSettings::default();
        Self {
            params: Arc::clone(params),
            telemetry: Arc::clone(telemetry),
            setup,
            now: Now::read(params),
            gates: [0, 1].map(|_| Gate::new(rate, &gate_settings)),
            gate_settings,
            strips: [0, 1].map(|_| Strip::new(rate)),
            player: Player {
                rigs,
                retired,
                rig: None,
                next: None,
                fresh: true,
                new: false,
                fade_frames: frames_of_fade(rate),
            },
            routing: params.channels.value(),
            duck: Smooth::new(Ramp::Linear, rate, FADE_MS / 2.0, 1.0),
        }
    }

    /// Takes what the loader has ready. Before anything was heard it plays at once, later it fades in.
    pub(crate) fn take_rig(&mut self) {
        if self.player.take() {
            let latency = self.latency();
            for strip in &mut self.strips {
                strip.set_latency(latency);
                strip.dry.reset();
                strip.passing.reset();
            }
        }
    }

    /// Delay of the output against the input, in samples.
    pub(crate) fn latency(&self) -> usize {
        self.player.rig.as_ref().map_or(0, |rig| rig.latency())
    }

    /// Whether silence has come in for so long that nothing but silence comes out.
    pub(crate) fn is_asleep(&self) -> bool {
        self.telemetry.asleep.load(Relaxed)
    }

    /// Goes back to silence: whatever moves is where it was going.
    pub(crate) fn reset(&mut self) {
        self.player.fresh = true;
        self.player.settle();
        self.take_rig();
        let latency = self.latency();
        self.read();
        self.aim();
        for (channel, strip) in self.strips.iter_mut().enumerate() {
            strip.set_latency(latency);
            strip.dry.reset();
            strip.mix.reset();
            strip.audible.reset();
            strip.reset(channel, &mut self.player);
        }
        self.gates.iter_mut().for_each(Gate::reset);
        if !self.now.gate {
            // A gate that is off is open from the first sample on.
            for gate in &mut self.gates {
                gate.set(&GateSettings { attack_ms: 0.0, ..self.gate_settings });
                gate.process(&mut [0.0]);
                gate.set(&self.gate_settings);
            }
        }
        self.routing = self.now.channels;
        self.duck.jump(1.0);
    }

    /// Reads the parameters.
    fn read(&mut self) {
        self.now = Now::read(&self.params);
        self.set_gates();
    }

    /// Sets out for what the parameters say.
    fn aim(&mut self) {
        self.player.set(&self.now.settings);
        for strip in &mut self.strips {
            strip.aim(&self.now, self.player.rig.as_deref());
        }
    }

    /// Takes a rig if there is one, and does what the parameters say, where anything has changed since the last time.
    fn update(&mut self) {
        self.take_rig();
        let moved = self.params.moved.take();
        if moved {
            self.read();
        }
        if moved || self.player.new {
            self.aim();
        }
    }

    /// Plays a block in place.
    pub(crate) fn process(&mut self, channels: &mut [&mut [f32]]) {
        let frames = channels.first().map_or(0, |channel| channel.len());
        let start = self.telemetry.watched.load(Relaxed).then(Instant::now);
        for from in (0..frames).step_by(CHUNK) {
            let to = frames.min(from + CHUNK);
            self.update();
            match channels {
                [left, right] => self.stereo([&mut left[from..to], &mut right[from..to]]),
                [mono] => self.chunk([&mut mono[from..to]]),
                _ => {}
            }
        }
        if let Some(start) = start.filter(|_| frames > 0) {
            let load = (start.elapsed().as_secs_f64() * self.setup.sample_rate / frames as f64) as f32;
            // A quarter of a second, whatever the length of a block.
            let share = (frames as f32 / (0.25 * self.setup.sample_rate as f32)).min(1.0);
            let before = self.telemetry.load.get();
            self.telemetry.load.set(before + share * (load - before));
            self.telemetry.worst_load.hold(load);
        }
    }

    /// A chunk of two channels, by as many strips as the routing wants.
    fn stereo(&mut self, [left, right]: [&mut [f32]; 2]) {
        if self.setup.inputs == 1 {
            self.chunk([&mut *left]);
            right.copy_from_slice(left);
            return;
        }
        let wanted = self.now.channels;
        self.duck.set(if wanted == self.routing { 1.0 } else { 0.0 });
        if wanted != self.routing && !self.duck.is_moving() {
            // Nothing is heard now. A strip that has slept through the other routing starts anew.
            if self.routing.is_mono() {
                self.strips[1].stale = true;
            }
            self.routing = wanted;
            self.duck.set(1.0);
        }
        if self.routing.is_mono() {
            match self.routing {
                Channels::Sum => {
                    left.iter_mut().zip(&*right).for_each(|(left, right)| *left = 0.5 * (*left + right));
                }
                Channels::Right => left.copy_from_slice(right),
                _ => {}
            }
            self.chunk([&mut *left]);
            right.copy_from_slice(left);
        } else {
            self.chunk([&mut *left, &mut *right]);
        }
        let mut duck = self.duck.clone();
        duck.process(left);
        self.duck.process(right);
    }

    /// A chunk, a strip for each channel.
    fn chunk<const N: usize>(&mut self, mut channels: [&mut [f32]; N]) {
        let watched = self.telemetry.watched.load(Relaxed);
        let mut loudest = [0.0; N];
        for (channel, audio) in channels.iter_mut().enumerate() {
            loudest[channel] = peak(audio);
            if !loudest[channel].is_finite() {
                audio.fill(0.0);
                loudest[channel] = 0.0;
                self.telemetry.non_finite.fetch_add(1, Relaxed);
            }
            self.telemetry.input[channel].hold(loudest[channel]);
            let strip = &mut self.strips[channel];
            strip.begin(audio, &self.player, watched && channel == 0);
        }
        if self.gate(&mut channels) {
            loudest = channels.each_ref().map(|audio| peak(audio));
        }
        let telemetry = &*self.telemetry;
        let frames = channels[0].len();
        let fade = self.player.begin(frames);
        let mut asleep = true;
        let silent = loudest.map(|loudest| loudest <= SILENT_INPUT);
        if let [left, right] = &channels[..]
            && self.strips.iter().zip(silent).all(|(strip, silent)| strip.wants_model(silent, &self.player))
        {
            self.player.play_models([left, right]);
        }
        for (channel, audio) in channels.iter_mut().enumerate() {
            let strip = &mut self.strips[channel];
            if let Some(next) = &self.player.next
                && fade == Fade::Start
            {
                strip.fade.start();
                strip.set_latency(next.rig.latency());
            }
            let taps = (watched && channel == 0).then_some(telemetry);
            let (loudest, finite) =
                strip.process(channel, audio, silent[channel], &mut self.player, fade, taps);
            if !finite {
                telemetry.non_finite.fetch_add(1, Relaxed);
            }
            asleep &= strip.is_asleep(&self.player);
            telemetry.output[channel].hold(loudest);
        }
        telemetry.asleep.store(asleep, Relaxed);
        self.player.end(fade, frames);
    }

    /// Tells the gates what the parameters say. A gate that is off opens for anything.
    fn set_gates(&mut self) {
        let params = &self.params;
        let settings = GateSettings {
            threshold_db: if self.now.gate { f64::from(params.gate_threshold.value()) } else { -1e4 },
            hysteresis_db: f64::from(params.gate_hysteresis.value()),
            release_ms: f64::from(params.gate_release.value()),
            ..GateSettings::default()
        };
        if settings != self.gate_settings {
            self.gate_settings = settings;
            self.gates.iter_mut().for_each(|gate| gate.set(&settings));
        }
    }

    /// Gates the channels: all of them alike, or in dual mono each for itself. Says whether one is not open in the end.
    fn gate<const N: usize>(&mut self, channels: &mut [&mut [f32]; N]) -> bool {
        if self.now.gate || self.gates.iter().take(N).any(|gate| gate.gain() < 1.0) {
            if N == 2 && self.routing == Channels::DualMono {
                for (gate, audio) in self.gates.iter_mut().zip(channels) {
                    gate.process(audio);
                }
            } else {
                self.gates[0].process_linked(channels.each_mut().map(|audio| &mut **audio));
                self.gates[1] = self.gates[0].clone();
            }
        }
        self.telemetry.gate.set(self.gates[0].gain());
        self.gates.iter().take(N).any(|gate| gate.gain() < 1.0)
    }
}

impl Now {
    fn read(params: &NdParams) -> Self {
        let tone = |gain: &nice_plug::prelude::FloatParam| {
            if params.tone.value() { f64::from(gain.value()) } else { 0.0 }
        };
        let on = |on: bool| if on { 1.0 } else { 0.0 };
        Self {
            settings: Settings {
                quality: f64::from(params.quality.value()),
                knobs: std::array::from_fn(|index| params.knobs[index].value.value()),
                output_mode: params.output_mode.value(),
                interface_level_dbu: f64::from(params.interface_level.value()),
            },
            channels: params.channels.value(),
            input_gain_db: f64::from(params.input_gain.value()),
            calibrate: params.calibrate.value(),
            gate: params.gate.value(),
            amp: on(params.amp.value()),
            cab: on(params.cab.value()),
            tone_db: [&params.bass, &params.mid, &params.treble, &params.presence].map(tone),
            dc: on(params.dc_blocker.value()),
            output_gain_db: f64::from(params.output_gain.value()),
            mix: if params.bypass.value() { 0.0 } else { params.mix.value() },
            audible: on(!params.mute.value()),
        }
    }
}

impl Player {
    /// Takes a rig if one is ready and there is room for the old one. Says whether it plays at once.
    fn take(&mut self) -> bool {
        let mut taken = false;
        // Nothing is freed here: a rig leaves only through the queue.
        while self.next.is_none() && self.retired.slots() > 0 {
            let Ok(rig) = self.rigs.pop() else { break };
            self.new = true;
            if self.fresh {
                if let Some(old) = self.rig.replace(rig) {
                    self.retire(old);
                }
                taken = true;
            } else {
                let left = rig.rehearsal();
                self.next = Some(Next { rig, left, fading: false });
            }
        }
        taken
    }

    /// Whether a signal that is heard beside a rig's has to be kept for it: the rig takes time, or another one may.
    fn is_late(&self, delay: &Delay) -> bool {
        // A rig that listens along does so for longer than it takes.
        self.next.is_some() || !delay.is_neutral()
    }

    fn retire(&mut self, old: Box<Rig>) {
        self.retired.push(old).expect("a rig is taken only when there is a slot for the old one");
    }

    fn set(&mut self, settings: &Settings) {
        self.new = false;
        let next = self.next.as_mut().map(|next| &mut next.rig);
        for rig in self.rig.iter_mut().chain(next) {
            rig.set(settings);
        }
    }

    fn begin(&mut self, frames: usize) -> Fade {
        self.fresh = false;
        let Some(next) = &mut self.next else { return Fade::None };
        if next.fading {
            return Fade::Running;
        }
        if next.left > 0 {
            next.left = next.left.saturating_sub(frames);
            return Fade::None;
        }
        next.fading = true;
        next.left = self.fade_frames;
        Fade::Start
    }

    fn end(&mut self, fade: Fade, frames: usize) {
        if let Some(next) = &mut self.next
            && fade != Fade::None
        {
            next.left = next.left.saturating_sub(frames);
            if next.left == 0 {
                self.settle();
            }
        }
    }

    /// Plays the next rig alone.
    fn settle(&mut self) {
        if let Some(next) = self.next.take() {
            self.new = true;
            if let Some(old) = self.rig.replace(next.rig) {
                self.retire(old);
            }
        }
    }

    /// Plays the models of both channels, for strips that are about to [want](Strip::wants_model) them.
    fn play_models(&mut self, audio: [&[f32]; 2]) {
        let next = self.next.as_mut().map(|next| &mut next.rig);
        for rig in self.rig.iter_mut().chain(next) {
            rig.amps(audio);
        }
    }

    fn reset(&mut self, channel: usize) {
        let next = self.next.as_mut().map(|next| &mut next.rig);
        for rig in self.rig.iter_mut().chain(next) {
            rig.reset(channel);
        }
    }
}

impl Strip {
    fn new(rate: f64) -> Self {
        let smooth = |value| Smooth::new(Ramp::Linear, rate, SMOOTHING_MS, value);
        let longest = (MAX_LATENCY * rate) as usize;
        let buffer = || vec![0.0; CHUNK].into();
        Self {
            input_gain: Gain { db: 0.0, factor: smooth(1.0) },
            amp: smooth(1.0),
            passing: Delay::new(0, longest),
            cab: smooth(1.0),
            fade: Crossfade::new(frames_of_fade(rate)),
            tone: Tone::new(rate),
            tone_db: [0.0; 4],
            dc: smooth(0.0),
            dc_blocker: DcBlocker::new(rate, DC_CUTOFF_HZ),
            output_gain: Gain { db: 0.0, factor: smooth(1.0) },
            mix: smooth(1.0),
            dry: Delay::new(0, longest),
            audible: smooth(1.0),
            silent: 0,
            stale: false,
            buffers: Buffers {
                input: buffer(),
                dry: buffer(),
                passing: buffer(),
                next: buffer(),
                stage: buffer(),
            },
        }
    }

    fn set_latency(&mut self, latency: usize) {
        self.dry.set(latency);
        self.passing.set(latency);
    }

    /// Sets out for what the parameters say.
    fn aim(&mut self, now: &Now, rig: Option<&Rig>) {
        let calibration_db = match rig {
            Some(rig) if now.calibrate => rig.calibration_db(now.settings.interface_level_dbu),
            _ => 0.0,
        };
        self.input_gain.set(now.input_gain_db + calibration_db);
        self.amp.set(now.amp);
        self.cab.set(now.cab);
        if now.tone_db != self.tone_db {
            self.tone_db = now.tone_db;
            for (band, gain_db) in Band::ALL.into_iter().zip(now.tone_db) {
                self.tone.set(band, gain_db);
            }
        }
        self.dc.set(now.dc);
        self.output_gain.set(now.output_gain_db);
        self.mix.set(now.mix);
        self.audible.set(now.audible);
    }

    /// Whether only the dry signal is heard.
    fn is_dry(&self) -> bool {
        is_at(&self.mix, 0.0)
    }

    /// Whether silence has come in for so long that nothing but silence can come out.
    fn is_asleep(&self, player: &Player) -> bool {
        let memory = player.rig.as_ref().map_or(0, |rig| rig.memory());
        player.next.is_none() && self.silent > memory + CHUNK
    }

    /// Whether [`process`](Self::process) is going to play the model as it stands.
    fn wants_model(&self, silent: bool, player: &Player) -> bool {
        !(self.is_dry() || self.stale || silent && self.is_asleep(player) || is_at(&self.amp, 0.0))
    }

    /// Remembers the input and the dry signal, where they are wanted, and applies the input gain.
    fn begin(&mut self, audio: &mut [f32], player: &Player, watched: bool) {
        let frames = audio.len();
        if watched {
            self.buffers.input[..frames].copy_from_slice(audio);
        }
        if !is_at(&self.mix, 1.0) || player.is_late(&self.dry) {
            let dry = &mut self.buffers.dry[..frames];
            dry.copy_from_slice(audio);
            self.dry.process(dry);
        }
        self.input_gain.factor.process(audio);
    }

    /// Everything behind the gate. Returns the largest magnitude that goes out, and whether everything was finite; what was
    /// not is muted.
    fn process(
        &mut self,
        channel: usize,
        audio: &mut [f32],
        silent: bool,
        player: &mut Player,
        fade: Fade,
        taps: Option<&Telemetry>,
    ) -> (f32, bool) {
        let (mut loudest, mut finite) = (0.0, true);
        if self.is_dry() {
            self.stale = true;
        } else if silent && self.is_asleep(player) {
            audio.fill(0.0);
        } else {
            if self.stale {
                self.reset(channel, player);
            }
            self.wet(channel, audio, player, fade, taps);
            loudest = peak(audio);
            finite = loudest.is_finite();
            if !finite {
                self.reset(channel, player);
                audio.fill(0.0);
                loudest = 0.0;
            }
            self.silent = if silent && loudest <= SILENT_OUTPUT { self.silent + audio.len() } else { 0 };
        }
        if !(is_at(&self.mix, 1.0) && is_at(&self.audible, 1.0)) {
            blend(&mut self.mix, audio, &self.buffers.dry[..audio.len()]);
            self.audible.process(audio);
            loudest = peak(audio);
        }
        if let Some(taps) = taps {
            taps.ends.write(&self.buffers.input[..audio.len()], audio);
        }
        (loudest, finite)
    }

    /// Model, cabinet, tone stack, DC blocker, output gain.
    fn wet(
        &mut self,
        channel: usize,
        audio: &mut [f32],
        player: &mut Player,
        fade: Fade,
        taps: Option<&Telemetry>,
    ) {
        let frames = audio.len();
        let stage = &mut self.buffers.stage[..frames];
        let passing = &mut self.buffers.passing[..frames];
        if taps.is_some() || !is_at(&self.amp, 1.0) || player.is_late(&self.passing) {
            passing.copy_from_slice(audio);
            self.passing.process(passing);
        }
        if let Some(next) = &mut player.next {
            let new = &mut self.buffers.next[..frames];
            new.copy_from_slice(audio);
            let (mut amp, mut cab) = (self.amp.clone(), self.cab.clone());
            through(&mut next.rig, channel, new, passing, stage, &mut amp, &mut cab, None);
        }
        if let Some(rig) = &mut player.rig {
            through(rig, channel, audio, passing, stage, &mut self.amp, &mut self.cab, taps);
        }
        if fade != Fade::None {
            let new = &mut self.buffers.next[..frames];
            self.fade.mix(audio, new);
            audio.copy_from_slice(new);
        }
        self.tone.process(audio);
        if is_at(&self.dc, 0.0) {
            self.dc_blocker.reset();
        } else {
            stage.copy_from_slice(audio);
            self.dc_blocker.process(audio);
            blend(&mut self.dc, audio, stage);
        }
        self.output_gain.factor.process(audio);
    }

    /// Goes back to silence, the dry signal excepted.
    fn reset(&mut self, channel: usize, player: &mut Player) {
        for smooth in [&mut self.input_gain.factor, &mut self.amp, &mut self.cab, &mut self.dc] {
            smooth.reset();
        }
        self.output_gain.factor.reset();
        self.passing.reset();
        self.tone.reset();
        self.dc_blocker.reset();
        self.fade.reset();
        self.silent = 0;
        self.stale = false;
        player.reset(channel);
    }
}

impl Gain {
    fn set(&mut self, db: f64) {
        if db != self.db {
            self.db = db;
            self.factor.set(from_db(db));
        }
    }
}

/// Plays a channel of a rig in place. `passing` is what is heard where the model is off, `stage` is room for a signal.
fn through(
    rig: &mut Rig,
    channel: usize,
    audio: &mut [f32],
    passing: &[f32],
    stage: &mut [f32],
    amp: &mut Smooth,
    cab: &mut Smooth,
    taps: Option<&Telemetry>,
) {
    if is_at(amp, 0.0) {
        audio.copy_from_slice(passing);
        rig.skip_amp(channel);
    } else {
        rig.amp(channel, audio);
        if let Some(taps) = taps {
            taps.model.write(passing, audio);
        }
        rig.level(channel, audio);
        blend(amp, audio, passing);
    }
    if is_at(cab, 0.0) {
        rig.skip_cabinet(channel);
    } else if rig.has_cabinet() && peak(audio).is_finite() {
        // What is not finite goes on to where it is noticed: a cabinet would make silence of it.
        stage.copy_from_slice(audio);
        rig.cabinet(channel, audio);
        blend(cab, audio, stage);
    }
}

/// Whether something has come to rest at `value`.
fn is_at(smooth: &Smooth, value: f32) -> bool {
    smooth.target() == value && !smooth.is_moving()
}

/// So much of `wet`, and the rest of `dry`. At 1 it costs nothing, at 0 a copy.
fn blend(amount: &mut Smooth, wet: &mut [f32], dry: &[f32]) {
    for at in 0..wet.len() {
        if is_at(amount, 1.0) {
            return;
        }
        if is_at(amount, 0.0) {
            wet[at..].copy_from_slice(&dry[at..]);
            return;
        }
        let amount = amount.advance();
        wet[at] = dry[at] + amount * (wet[at] - dry[at]);
    }
}

/// The largest magnitude; not a finite number where one of them is not.
fn peak(audio: &[f32]) -> f32 {
    // Several of each, so that they need not wait for each other. What is not finite, times 0, is
    // not 0.
    let (mut largest, mut nothing) = ([0.0_f32; 8], [0.0_f32; 8]);
    let mut hear = |frames: &[f32]| {
        for ((largest, nothing), x) in largest.iter_mut().zip(&mut nothing).zip(frames) {
            let x = x.abs();
            *largest = if x > *largest { x } else { *largest };
            *nothing += 0.0 * x;
        }
    };
    let (groups, rest) = audio.as_chunks::<8>();
    for group in groups {
        hear(group);
    }
    hear(rest);
    largest.into_iter().fold(0.0, f32::max) + nothing.iter().sum::<f32>()
}

fn frames_of_fade(rate: f64) -> usize {
    (FADE_MS * 1e-3 * rate) as usize
}
