//! The audio devices of the program of its own.

use std::sync::mpsc::{Receiver, channel};

use egui::{Align, Rect, Ui, pos2, vec2};

use super::{button, theme};
use crate::standalone::{Audio, BACKENDS, BUFFERS, Devices, RATES};

/// What the panel remembers.
#[derive(Debug)]
pub(crate) struct Panel {
    /// As it is chosen in the panel.
    audio: Audio,
    devices: Devices,
    /// Where the devices come from, while they are looked for.
    search: Option<Receiver<Devices>>,
    /// Whether they were looked for.
    searched: bool,
}

impl Default for Panel {
    fn default() -> Self {
        Self { audio: Audio::read(), devices: Devices::default(), search: None, searched: false }
    }
}

impl Panel {
    /// Draws the panel, and returns the choice when it is to be used.
    pub(crate) fn show(&mut self, ui: &mut Ui, rect: Rect) -> Option<Audio> {
        self.look();
        button::frame(ui.painter(), rect, theme::WELL, false);
        let inner = rect.shrink(theme::PADDING);
        let mut top = inner.top();
        let mut line = |ui: &mut Ui, name: &str| {
            let row = Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), theme::ROW));
            top += theme::ROW + theme::GAP;
            let at = pos2(row.left(), row.center().y);
            button::line(ui.painter(), at, Align::Min, name, theme::label(), theme::QUIET, 80.0);
            Rect::from_min_max(pos2(row.left() + 84.0, row.top()), row.max)
        };
        let audio = &mut self.audio;
        let place = line(ui, "System");
        let chosen = audio.backend.clone();
        button::menu(ui, place, "Sound system", &chosen, |ui| {
            for &backend in BACKENDS {
                if button::row(ui, backend, backend == chosen).clicked() {
                    backend.clone_into(&mut audio.backend);
                }
            }
        });
        let place = line(ui, "Input");
        device(ui, place, "Input device", "No input", &self.devices.inputs, &mut audio.input);
        let place = line(ui, "Output");
        device(ui, place, "Output device", "The system's own", &self.devices.outputs, &mut audio.output);
        let place = line(ui, "Rate");
        number(ui, place, "Sample rate", "Hz", RATES, &mut audio.sample_rate);
        let place = line(ui, "Buffer");
        number(ui, place, "Buffer size", "frames", BUFFERS, &mut audio.buffer);
        let milliseconds = 1000.0 * audio.buffer as f32 / audio.sample_rate as f32;
        let place = line(ui, "");
        let at = pos2(place.left(), place.center().y);
        let words = format!("{milliseconds:.1} ms; JACK keeps its own");
        button::line(ui.painter(), at, Align::Min, &words, theme::label(), theme::FAINT, place.width());
        let place = line(ui, "");
        let apply = Rect::from_min_size(place.min, vec2(place.width().min(140.0), theme::ROW + theme::UNIT));
        button::named(ui, apply, "Use these devices").clicked().then(|| self.audio.clone())
    }

    /// Looks for devices, once and on a thread of its own: some systems take seconds.
    fn look(&mut self) {
        if !self.searched {
            self.searched = true;
            let (found, search) = channel();
            let thread = std::thread::Builder::new().name("devices".to_owned());
            // Nobody listens any more when the window was closed meanwhile.
            let spawned = thread.spawn(move || drop(found.send(Devices::find())));
            self.search = spawned.is_ok().then_some(search);
        }
        if let Some(Ok(devices)) = self.search.as_ref().map(Receiver::try_recv) {
            self.devices = devices;
            self.search = None;
        }
    }
}

fn device(ui: &mut Ui, rect: Rect, name: &str, none: &str, all: &[String], chosen: &mut Option<String>) {
    let text = chosen.as_deref().unwrap_or(none).to_owned();
    button::menu(ui, rect, name, &text, |ui| {
        if button::row(ui, none, chosen.is_none()).clicked() {
            *chosen = None;
        }
        for device in all {
            if button::row(ui, device, chosen.as_ref() == Some(device)).clicked() {
                *chosen = Some(device.clone());
            }
        }
    });
}

fn number(ui: &mut Ui, rect: Rect, name: &str, unit: &str, all: &[u32], chosen: &mut u32) {
    let text = format!("{chosen} {unit}");
    button::menu(ui, rect, name, &text, |ui| {
        for &value in all {
            if button::row(ui, &format!("{value} {unit}"), value == *chosen).clicked() {
                *chosen = value;
            }
        }
    });
}
