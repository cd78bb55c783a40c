//! What is swapped as a whole when another model or impulse response is chosen.

use nd_core::Model;

/// What the host has announced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Setup {
    /// Rate of the host, in Hz.
    pub(crate) sample_rate: f64,
    /// The longest block.
    pub(crate) max_block: usize,
    /// 1 or 2.
    pub(crate) channels: usize,
}

/// A model for each channel, ready to play.
#[derive(Debug)]
pub(crate) struct Rig {
    voices: [Option<Model>; 2],
}

impl Rig {
    pub(crate) fn new(_setup: &Setup, model: Option<&Model>) -> Self {
        Self { voices: [model.cloned(), model.cloned()] }
    }

    /// Plays the model of a channel.
    pub(crate) fn play(&mut self, channel: usize, audio: &mut [f32]) {
        if let Some(model) = &mut self.voices[channel] {
            model.process_in_place(audio);
        }
    }

    pub(crate) fn reset(&mut self) {
        self.voices.iter_mut().flatten().for_each(Model::reset);
    }
}
