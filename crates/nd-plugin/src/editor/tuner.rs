//! The tuner: the nearest note, and how far from it.

use std::fmt;

use egui::{Align2, CornerRadius, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use nd_core::dsp::tuner::{Pitch, Tuner, TunerInput};

use super::{button, theme};
use crate::telemetry::Tap;

/// Cents within which a string is in tune.
const IN_TUNE: f64 = 2.0;
/// Seconds between two pitches, so that they can be read.
const UPDATE: f32 = 0.05;
/// Part of the way to a new pitch that is gone in that time.
const EASE: f64 = 0.35;
/// Seconds for which a note is shown after it can be heard no more.
const LINGER: f32 = 0.7;

/// Listens to the input and remembers the note.
#[derive(Default)]
pub(crate) struct Ear {
    /// The two ends of the engine's tuner, and the rate that they are for.
    ends: Option<(TunerInput, Tuner, f32)>,
    /// Pairs of the tap that were heard.
    heard: usize,
    pairs: Vec<[f32; 2]>,
    audio: Vec<f32>,
    note: Option<Pitch>,
    /// Seconds since the last pitch.
    waited: f32,
    /// Seconds since the note was heard.
    silent: f32,
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear").field("note", &self.note).finish_non_exhaustive()
    }
}

impl Ear {
    /// Hears what was played in the last `seconds`.
    pub(crate) fn listen(&mut self, tap: &Tap, sample_rate: f32, seconds: f32) {
        if sample_rate <= 0.0 {
            return;
        }
        if self.ends.as_ref().is_none_or(|ends| ends.2 != sample_rate) {
            let (input, tuner) = Tuner::new(f64::from(sample_rate));
            self.ends = Some((input, tuner, sample_rate));
        }
        let Some((input, tuner, _)) = &mut self.ends else { return };
        let written = tap.written();
        self.pairs.resize(written.wrapping_sub(self.heard).min(tap.len()), [0.0; 2]);
        self.heard = written;
        tap.read(&mut self.pairs);
        self.audio.clear();
        self.audio.extend(self.pairs.iter().map(|pair| pair[0]));
        input.process(&self.audio);
        self.waited += seconds;
        self.silent += seconds;
        if self.waited < UPDATE {
            return;
        }
        self.waited = 0.0;
        if let Some(pitch) = tuner.pitch() {
            self.note = Some(follow(self.note, pitch));
            self.silent = 0.0;
        } else if self.silent > LINGER {
            self.note = None;
        }
    }

    /// The note that is played.
    pub(crate) fn note(&self) -> Option<Pitch> {
        self.note
    }
}

/// Goes a part of the way from one pitch to the next, where both are the same note.
fn follow(from: Option<Pitch>, to: Pitch) -> Pitch {
    match from {
        Some(from) if from.note == to.note => Pitch {
            frequency: from.frequency + EASE * (to.frequency - from.frequency),
            cents: from.cents + EASE * (to.cents - from.cents),
            ..to
        },
        _ => to,
    }
}

fn in_tune(note: Pitch) -> bool {
    note.cents.abs() <= IN_TUNE
}

/// Draws the tuner.
pub(crate) fn show(ui: &mut Ui, rect: Rect, note: Option<Pitch>) {
    let response = ui.interact(rect, ui.make_persistent_id("tuner"), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Meter, true, "Tuner");
        info.current_text_value = note.map(|note| {
            let (name, octave) = note.name();
            format!("{name}{octave}")
        });
        info
    });
    let painter = ui.painter();
    button::frame(painter, rect, theme::WELL, false);
    let center = rect.center();
    let color = match note {
        Some(note) if in_tune(note) => theme::ACCENT,
        Some(_) => theme::TEXT,
        None => theme::LINE,
    };
    let size = (0.34 * rect.size().min_elem()).clamp(48.0, 160.0);
    let base = pos2(center.x, center.y - 0.12 * rect.height());
    let letter = note.map_or("–".to_owned(), |note| note.name().0.replace('♯', "#"));
    let drawn = painter.text(base, Align2::CENTER_CENTER, letter, theme::note(size), color);
    if let Some(note) = note {
        let foot = pos2(drawn.right() + 4.0, drawn.bottom() - 0.2 * size);
        painter.text(foot, Align2::LEFT_BOTTOM, note.name().1.to_string(), theme::title(), theme::QUIET);
    }

    let width = (0.8 * rect.width()).min(420.0);
    let scale = Rect::from_center_size(pos2(center.x, center.y + 0.24 * rect.height()), vec2(width, 28.0));
    let x = |cents: f32| scale.center().x + 0.5 * scale.width() * cents / 50.0;
    for step in -10..=10_i32 {
        let height = if step % 5 == 0 { 12.0 } else { 6.0 };
        let color = if step == 0 { theme::QUIET } else { theme::LINE };
        let at = x(5.0 * step as f32);
        let half = 0.5 * height;
        painter.vline(at, scale.center().y - half..=scale.center().y + half, Stroke::new(1.5, color));
    }
    for (cents, name) in [(-50.0, "flat"), (0.0, "0"), (50.0, "sharp")] {
        let at = pos2(x(cents), scale.bottom() + 4.0);
        painter.text(at, Align2::CENTER_TOP, name, theme::scale(), theme::FAINT);
    }
    if let Some(note) = note {
        let bar = Rect::from_center_size(pos2(x(note.cents as f32), scale.center().y), vec2(4.0, 28.0));
        painter.rect_filled(bar, CornerRadius::same(2), color);
        let text = if in_tune(note) {
            "in tune".to_owned()
        } else {
            format!("{:+.0} cents", note.cents).replace('-', "−")
        };
        let at = pos2(center.x, rect.bottom() - 14.0);
        let words = format!("{text}   ·   {:.1} Hz", note.frequency);
        painter.text(at, Align2::CENTER_BOTTOM, words, theme::label(), theme::QUIET);
    } else {
        let at = pos2(center.x, rect.bottom() - 14.0);
        painter.text(at, Align2::CENTER_BOTTOM, "Play one string", theme::label(), theme::FAINT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Telemetry;

    #[test]
    fn the_tuner_hears_what_the_window_is_shown() {
        let telemetry = Telemetry::default();
        let tap = &telemetry.ends;
        let mut ear = Ear::default();
        let sample_rate = 48_000.0;
        // 1600 samples are a thirtieth of a second: the time between two pictures.
        for block in 0..30 {
            let phase = |n: usize| std::f32::consts::TAU * 110.0 * (block * 1600 + n) as f32 / sample_rate;
            let audio: Vec<f32> =
                (0..1600).map(|n| 0.2 * phase(n).sin() + 0.1 * (2.0 * phase(n)).sin()).collect();
            tap.write(&audio, &audio);
            ear.listen(tap, sample_rate, 1.0 / 30.0);
        }
        let note = ear.note().expect("a tone of one second");
        assert_eq!(note.name(), ("A", 2), "the second lowest string");
        assert!(in_tune(note), "{} cents", note.cents);
        for _ in 0..90 {
            tap.write(&[0.0; 1600], &[0.0; 1600]);
            ear.listen(tap, sample_rate, 1.0 / 30.0);
        }
        assert_eq!(ear.note(), None, "after three seconds of silence");
    }
}
