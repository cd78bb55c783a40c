//! Several signals through one model.

use super::{BLOCK, Model};

/// Several signals at once through one network, each as if alone: two channels, or many tracks.
///
/// A frame of a recurrent network waits for the one before it, and the processor with it; the frame of another signal is
/// what it can do meanwhile. So the signals take turns in a single one, frame by frame, for a network whose delays are as many
/// times as long. With [512-bit vectors](crate::InstructionSet), two signals take less time together than one after the
/// other; elsewhere, and for networks without recurrence, as long.
///
/// [`ModelSpec::compile_streams`](crate::ModelSpec::compile_streams) makes one.
#[derive(Debug, Clone)]
pub struct Streams {
    /// At as many times its rate as there are signals.
    model: Model,
    count: usize,
    /// A frame of each signal, side by side, some times.
    interleaved: Box<[f32]>,
}

impl Streams {
    pub(crate) fn new(model: Model, count: usize) -> Self {
        Self { model, count, interleaved: vec![0.0; BLOCK * count].into() }
    }

    /// Processes each signal in place. State carries over from call to call. It neither allocates nor locks.
    ///
    /// # Panics
    ///
    /// If there are not as many signals as the model was compiled for, or one is not as long as the others.
    pub fn process_in_place(&mut self, signals: &mut [&mut [f32]]) {
        assert_eq!(signals.len(), self.count, "as many signals as the model was compiled for");
        let frames = signals[0].len();
        assert!(signals.iter().all(|signal| signal.len() == frames), "signals of the same length");
        for from in (0..frames).step_by(BLOCK) {
            let len = BLOCK.min(frames - from);
            let interleaved = &mut self.interleaved[..len * self.count];
            for (n, signal) in signals.iter().enumerate() {
                let places = interleaved.iter_mut().skip(n).step_by(self.count);
                places.zip(&signal[from..from + len]).for_each(|(place, &x)| *place = x);
            }
            self.model.process_in_place(interleaved);
            for (n, signal) in signals.iter_mut().enumerate() {
                let places = interleaved.iter().skip(n).step_by(self.count);
                signal[from..from + len].iter_mut().zip(places).for_each(|(y, &place)| *y = place);
            }
        }
    }

    /// Sets a parameter, of all signals, as [`Model::set_parameter`] does.
    ///
    /// # Panics
    ///
    /// If the model has no parameter `index`.
    pub fn set_parameter(&mut self, index: usize, value: f32) {
        self.model.set_parameter(index, value);
    }

    /// Sets the quality, of all signals, as [`Model::set_quality`] does.
    pub fn set_quality(&mut self, quality: f64) {
        self.model.set_quality(quality);
    }

    /// Forgets all signals.
    pub fn reset(&mut self) {
        self.model.reset();
    }

    /// Whether something that is no number has come out, of any of the signals, since the last [`reset`](Self::reset):
    /// all of them were silent then, and started afresh.
    pub fn unstable(&self) -> bool {
        self.model.unstable()
    }
}
