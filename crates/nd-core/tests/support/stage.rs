//! Every stage of the chain around a model, each with its settings to turn.

use nd_core::dsp::cabinet::{Cabinet, CabinetOptions};
use nd_core::dsp::dc::DcBlocker;
use nd_core::dsp::delay::Delay;
use nd_core::dsp::gate::{Gate, GateSettings};
use nd_core::dsp::meter::Meter;
use nd_core::dsp::rate::RateChange;
use nd_core::dsp::smooth::{Ramp, Smooth};
use nd_core::dsp::tone::{Band, Tone};
use nd_core::dsp::tuner::{Tuner, TunerInput};

/// What the audio thread asks of a stage.
pub trait Stage {
    fn process(&mut self, audio: &mut [f32]);
    fn reset(&mut self);
    /// Changes every setting there is; the same for the same number.
    fn turn(&mut self, number: usize);
}

/// A stage with a name.
pub struct Subject {
    pub name: &'static str,
    pub stage: fn() -> Box<dyn Stage>,
}

const SAMPLE_RATE: f64 = 48_000.0;

pub fn all() -> Vec<Subject> {
    fn gain(ramp: Ramp) -> Box<dyn Stage> {
        Box::new(Smooth::new(ramp, SAMPLE_RATE, 20.0, 0.5))
    }
    vec![
        Subject { name: "linear gain", stage: || gain(Ramp::Linear) },
        Subject { name: "exponential gain", stage: || gain(Ramp::Exponential) },
        Subject { name: "delay", stage: || Box::new(Delay::new(34, 700)) },
        Subject { name: "DC blocker", stage: || Box::new(DcBlocker::new(SAMPLE_RATE, 10.0)) },
        Subject { name: "gate", stage: || Box::new(Gate::new(SAMPLE_RATE, &gate(0))) },
        Subject { name: "linked gate", stage: || Box::new(LinkedGate(Gate::new(SAMPLE_RATE, &gate(0)))) },
        Subject { name: "tone", stage: || Box::new(Tone::new(SAMPLE_RATE)) },
        Subject { name: "model at a higher rate", stage: || Box::new(Elsewhere::new(44_100.0, 48_000.0)) },
        Subject { name: "model at a lower rate", stage: || Box::new(Elsewhere::new(192_000.0, 44_100.0)) },
        Subject { name: "short cabinet", stage: || Box::new(cabinet(40)) },
        Subject { name: "cabinet", stage: || Box::new(cabinet(3000)) },
        Subject { name: "tuner", stage: || Box::new(Tuner::new(SAMPLE_RATE).0) },
        Subject { name: "meter", stage: || Box::new(Meter::new(SAMPLE_RATE)) },
    ]
}

impl Stage for Smooth {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, number: usize) {
        self.set([0.5, 1.0, 0.0, -2.0][number % 4]);
    }
}

impl Stage for Delay {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, number: usize) {
        self.set([34, 0, 700, 129][number % 4]);
    }
}

impl Stage for DcBlocker {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, number: usize) {
        self.set_cutoff([10.0, 5.0, 100.0, 1e9][number % 4]);
    }
}

impl Stage for TunerInput {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {}
    fn turn(&mut self, _: usize) {}
}

/// Settings that let it open and close on a signal as loud as the tests'.
fn gate(number: usize) -> GateSettings {
    let threshold_db = [-6.0, -12.0, -20.0, -3.0][number % 4];
    let hold_ms = [3.0, 0.0, 0.5, 20.0][number % 4];
    GateSettings { threshold_db, hysteresis_db: 3.0, attack_ms: 0.5, hold_ms, release_ms: 2.0 }
}

impl Stage for Gate {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, number: usize) {
        self.set(&gate(number));
    }
}

/// Two channels of which the second one, the first turned over, opens as well.
struct LinkedGate(Gate);

impl Stage for LinkedGate {
    fn process(&mut self, audio: &mut [f32]) {
        for audio in audio.chunks_mut(256) {
            let mut other = [0.0; 256];
            let other = &mut other[..audio.len()];
            other.iter_mut().zip(&*audio).for_each(|(y, &x)| *y = -1.2 * x);
            self.0.process_linked([audio, other]);
        }
    }
    fn reset(&mut self) {
        self.0.reset();
    }
    fn turn(&mut self, number: usize) {
        self.0.set(&gate(number));
    }
}

impl Stage for Tone {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, number: usize) {
        for (index, band) in Band::ALL.into_iter().enumerate() {
            self.set(band, [0.0, 6.0, -9.0, 0.0, 12.0][(number + index) % 5]);
        }
    }
}

impl Stage for Meter {
    fn process(&mut self, audio: &mut [f32]) {
        Self::process(self, audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, _: usize) {
        self.clear_clip();
    }
}

fn cabinet(frames: usize) -> Cabinet {
    let response = super::made_up::signal(frames, 1.0);
    Cabinet::new(&[response], 48_000.0, SAMPLE_RATE, &CabinetOptions::default()).expect("a response")
}

impl Stage for Cabinet {
    fn process(&mut self, audio: &mut [f32]) {
        self.process(audio);
    }
    fn reset(&mut self) {
        self.reset();
    }
    fn turn(&mut self, _: usize) {}
}

/// Something with a memory, at another rate.
struct Elsewhere {
    change: RateChange,
    memory: f32,
}

impl Elsewhere {
    fn new(host: f64, model: f64) -> Self {
        Self { change: RateChange::new(host, model).expect("the pair is supported"), memory: 0.0 }
    }
}

impl Stage for Elsewhere {
    fn process(&mut self, audio: &mut [f32]) {
        let memory = &mut self.memory;
        self.change.process(audio, |audio| {
            for x in audio {
                *memory = 0.5 * *memory + x.clamp(-0.5, 0.5);
                *x = *memory;
            }
        });
    }
    fn reset(&mut self) {
        self.change.reset();
        self.memory = 0.0;
    }
    fn turn(&mut self, _: usize) {}
}
