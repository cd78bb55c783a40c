//! The signal chain, on the audio thread.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use rtrb::{Consumer, Producer};

use crate::params::NdParams;
use crate::rig::{Rig, Setup};
use crate::telemetry::Telemetry;

/// Everything that plays.
#[derive(Debug)]
pub(crate) struct Processor {
    params: Arc<NdParams>,
    telemetry: Arc<Telemetry>,
    setup: Setup,
    rig: Option<Box<Rig>>,
    rigs: Consumer<Box<Rig>>,
    retired: Producer<Box<Rig>>,
    /// The input of a channel, then the input of its model.
    dry: Vec<f32>,
}

impl Processor {
    pub(crate) fn new(
        params: &Arc<NdParams>,
        telemetry: &Arc<Telemetry>,
        setup: Setup,
        rigs: Consumer<Box<Rig>>,
        retired: Producer<Box<Rig>>,
    ) -> Self {
        Self {
            params: Arc::clone(params),
            telemetry: Arc::clone(telemetry),
            setup,
            rig: None,
            rigs,
            retired,
            dry: vec![0.0; setup.max_block],
        }
    }

    pub(crate) fn reset(&mut self) {
        if let Some(rig) = &mut self.rig {
            rig.reset();
        }
    }

    /// Plays a block in place.
    pub(crate) fn process(&mut self, channels: &mut [&mut [f32]]) {
        let start = Instant::now();
        let frames = channels.first().map_or(0, |channel| channel.len());
        // A rig is taken only when the old one can be handed back: nothing is freed here.
        if self.retired.slots() > 0
            && let Ok(rig) = self.rigs.pop()
            && let Some(old) = self.rig.replace(rig)
        {
            self.retired.push(old).expect("there was a free slot, and nobody else fills them");
        }
        let watched = self.telemetry.watched.load(Relaxed);
        for (index, audio) in channels.iter_mut().enumerate() {
            self.telemetry.input[index].hold(peak(audio));
            let dry = &mut self.dry[..frames];
            dry.copy_from_slice(audio);
            if !self.params.bypass.value()
                && let Some(rig) = &mut self.rig
            {
                rig.play(index, audio);
            }
            self.telemetry.output[index].hold(peak(audio));
            if watched && index == 0 {
                self.telemetry.model.write(dry, audio);
                self.telemetry.ends.write(dry, audio);
            }
        }
        let load = start.elapsed().as_secs_f64() * self.setup.sample_rate / frames.max(1) as f64;
        self.telemetry.load.set(self.telemetry.load.get() * 0.95 + load as f32 * 0.05);
        self.telemetry.worst_load.hold(load as f32);
    }
}

fn peak(audio: &[f32]) -> f32 {
    audio.iter().fold(0.0, |peak, x| x.abs().max(peak))
}
