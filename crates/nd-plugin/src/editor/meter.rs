//! Meters with peak hold and clip lights.

use egui::{Align2, CornerRadius, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{icon, theme};

/// The lowest and the highest level on the scale, in dB of full scale.
const RANGE: [f32; 2] = [-60.0, 6.0];
/// Levels that are written beside the scale.
const MARKS: [f32; 6] = [0.0, -6.0, -12.0, -24.0, -36.0, -48.0];
/// How fast a level falls, in dB per second.
const FALL: f32 = 24.0;
/// How long the line above a level stays before it falls, in seconds.
const HOLD: f32 = 1.5;

/// Level of one channel as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    /// In dB of full scale.
    now: f32,
    /// The line above it, in dB of full scale.
    held: f32,
    /// Seconds since the line rose.
    age: f32,
    /// The largest level since the meter was clicked, in dB of full scale.
    largest: f32,
}

impl Default for Level {
    fn default() -> Self {
        let silence = f32::NEG_INFINITY;
        Self { now: silence, held: silence, age: 0.0, largest: silence }
    }
}

impl Level {
    /// Takes the largest magnitude of the last `seconds`.
    pub(crate) fn update(&mut self, peak: f32, seconds: f32) {
        let level = 20.0 * peak.log10();
        self.now = level.max(self.now - FALL * seconds);
        self.age += seconds;
        if level >= self.held {
            (self.held, self.age) = (level, 0.0);
        } else if self.age > HOLD {
            self.held = self.now.max(self.held - FALL * seconds);
        }
        self.largest = self.largest.max(level);
    }

    /// Whether a sample was beyond full scale since the meter was clicked.
    pub(crate) fn clipped(&self) -> bool {
        self.largest > 0.0
    }
}

/// Draws a meter of so many channels. A click forgets the largest level and puts out the clip light.
pub(crate) fn show(ui: &mut Ui, rect: Rect, name: &str, levels: &mut [Level]) {
    let response = ui.interact(rect, ui.make_persistent_id(("meter", name)), Sense::click());
    if response.clicked() {
        for level in levels.iter_mut() {
            level.largest = f32::NEG_INFINITY;
        }
    }
    let clipped = levels.iter().any(Level::clipped);
    let largest = levels.iter().map(|level| level.largest).fold(f32::NEG_INFINITY, f32::max);
    response.widget_info(|| {
        let mut info = WidgetInfo::selected(Role::Meter, true, clipped, format!("{name} meter"));
        info.current_text_value = Some(words(largest));
        info
    });

    let painter = ui.painter();
    icon::card(painter, rect);
    let top = rect.top() + 10.0;
    painter.text(pos2(rect.center().x, top), Align2::CENTER_TOP, name, theme::heading(), theme::QUIET);
    icon::light(painter, pos2(rect.center().x, top + 27.0), clipped.then_some(theme::ALARM));
    let color = if clipped { theme::ALARM } else { theme::QUIET };
    let foot = pos2(rect.center().x, rect.bottom() - 10.0);
    painter.text(foot, Align2::CENTER_BOTTOM, words(largest), theme::label(), color);

    let well = Rect::from_min_max(
        pos2(rect.left() + 10.0, top + 42.0),
        pos2(rect.right() - 24.0, rect.bottom() - 32.0),
    );
    let height = |level: f32| {
        let part = (level.clamp(RANGE[0], RANGE[1]) - RANGE[0]) / (RANGE[1] - RANGE[0]);
        well.bottom() - part * well.height()
    };
    for mark in MARKS {
        let at = pos2(well.right() + 5.0, height(mark));
        let color = if mark == 0.0 { theme::QUIET } else { theme::FAINT };
        painter.text(at, Align2::LEFT_CENTER, format!("{:.0}", mark.abs()), theme::scale(), color);
    }
    let gap = 3.0;
    let width = (well.width() - gap * (levels.len() - 1) as f32) / levels.len() as f32;
    for (index, level) in levels.iter().enumerate() {
        let left = well.left() + index as f32 * (width + gap);
        let bar = Rect::from_min_size(pos2(left, well.top()), vec2(width, well.height()));
        painter.rect_filled(bar, CornerRadius::same(2), theme::WELL);
        let lit =
            |from: f32, to: f32| Rect::from_min_max(pos2(left, height(to)), pos2(bar.right(), height(from)));
        if level.now > RANGE[0] {
            painter.rect_filled(lit(RANGE[0], level.now.min(0.0)), CornerRadius::same(2), theme::ACCENT);
        }
        if level.now > 0.0 {
            painter.rect_filled(lit(0.0, level.now), CornerRadius::same(2), theme::ALARM);
        }
        if level.held > RANGE[0] {
            let color = if level.held > 0.0 { theme::ALARM } else { theme::TEXT };
            painter.hline(bar.x_range(), height(level.held), Stroke::new(1.5, color));
        }
        for mark in MARKS {
            painter.hline(bar.x_range(), height(mark), Stroke::new(1.0, theme::fade(theme::CARD, 0.7)));
        }
    }
    response.on_hover_text("Largest sample in dBFS. A click starts anew.");
}

/// A level in words.
fn words(level: f32) -> String {
    if level < -99.9 { "−∞".to_owned() } else { format!("{level:+.1}").replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_held_and_then_falls() {
        let mut level = Level::default();
        level.update(0.5, 0.03);
        level.update(0.0, 1.0);
        assert!((level.held - 20.0 * 0.5_f32.log10()).abs() < 1e-4, "held {}", level.held);
        assert!(level.now < level.held - 20.0, "the bar fell, to {}", level.now);
        level.update(0.0, 1.0);
        assert!(level.held < -20.0, "the line fell too, to {}", level.held);
    }

    #[test]
    fn the_light_stays_lit_after_a_sample_beyond_full_scale() {
        let mut level = Level::default();
        level.update(1.0, 0.03);
        assert!(!level.clipped(), "full scale itself does not clip");
        level.update(1.01, 0.03);
        level.update(0.0, 60.0);
        assert!(level.clipped(), "a minute later");
    }

    #[test]
    fn a_level_is_written_with_its_sign() {
        assert_eq!([words(-6.02), words(0.5), words(f32::NEG_INFINITY)], ["−6.0", "+0.5", "−∞"], "words");
    }
}
