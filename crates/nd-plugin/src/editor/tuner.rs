//! The tuner: the nearest note, and how far from it.

#![cfg_attr(not(test), expect(dead_code, reason = "nothing finds the pitch yet"))]

use egui::{Align2, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::theme;

/// Names of the notes from C on.
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
/// Cents within which a string is in tune.
const IN_TUNE: f32 = 2.0;
/// Frequency of the A above the middle C, in Hz.
const CONCERT_PITCH: f32 = 440.0;

/// A note that is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Note {
    /// In Hz.
    frequency: f32,
    name: &'static str,
    octave: i32,
    /// How much higher than the note it is, from −50 to 50.
    cents: f32,
}

impl Note {
    /// The note nearest to a frequency in Hz, in equal temperament.
    pub(crate) fn nearest(frequency: f32) -> Self {
        // Counted from the C that is five octaves below the middle one.
        let semitones = 69.0 + 12.0 * (frequency / CONCERT_PITCH).log2();
        let note = semitones.round() as i32;
        Self {
            frequency,
            name: NAMES[note.rem_euclid(12) as usize],
            octave: note.div_euclid(12) - 1,
            cents: 100.0 * (semitones - note as f32),
        }
    }

    fn in_tune(&self) -> bool {
        self.cents.abs() <= IN_TUNE
    }
}

/// Draws the tuner.
pub(crate) fn show(ui: &mut Ui, rect: Rect, note: Option<Note>) {
    let response = ui.interact(rect, ui.make_persistent_id("tuner"), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Meter, true, "Tuner");
        info.current_text_value = note.map(|note| format!("{}{}", note.name, note.octave));
        info
    });
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(theme::RADIUS),
        theme::WELL,
        Stroke::new(1.0, theme::LINE),
        StrokeKind::Inside,
    );
    let center = rect.center();
    let color = match note {
        Some(note) if note.in_tune() => theme::ACCENT,
        Some(_) => theme::TEXT,
        None => theme::LINE,
    };
    let size = (0.34 * rect.size().min_elem()).clamp(48.0, 160.0);
    let base = pos2(center.x, center.y - 0.12 * rect.height());
    let letter = note.map_or("–", |note| note.name);
    let drawn = painter.text(base, Align2::CENTER_CENTER, letter, theme::note(size), color);
    if let Some(note) = note {
        let foot = pos2(drawn.right() + 4.0, drawn.bottom() - 0.2 * size);
        painter.text(foot, Align2::LEFT_BOTTOM, note.octave.to_string(), theme::title(), theme::QUIET);
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
    for (cents, name) in [(-50.0, "♭ 50"), (0.0, "cents"), (50.0, "50 ♯")] {
        let at = pos2(x(cents), scale.bottom() + 4.0);
        painter.text(at, Align2::CENTER_TOP, name, theme::scale(), theme::FAINT);
    }
    if let Some(note) = note {
        let bar = Rect::from_center_size(pos2(x(note.cents), scale.center().y), vec2(4.0, 28.0));
        painter.rect_filled(bar, CornerRadius::same(2), color);
        let text = if note.in_tune() {
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

    #[test]
    fn the_strings_of_a_guitar_have_their_names() {
        let strings = [82.41, 110.0, 146.83, 196.0, 246.94, 329.63];
        let names = strings.map(|hertz| {
            let note = Note::nearest(hertz);
            assert!(note.cents.abs() < 0.2, "{hertz} Hz is {} cents off", note.cents);
            (note.name, note.octave)
        });
        assert_eq!(names, [("E", 2), ("A", 2), ("D", 3), ("G", 3), ("B", 3), ("E", 4)], "names");
        assert!((Note::nearest(445.0).cents - 19.56).abs() < 0.01, "a sharp A");
        assert!(Note::nearest(435.0).cents < -19.0, "a flat A");
    }
}
