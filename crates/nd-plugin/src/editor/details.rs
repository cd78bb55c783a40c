//! What is known of the model.

use egui::{Align, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};

use super::view::Instance;
use super::{button, header, theme};
use crate::loader::{CabinetInfo, ModelInfo, Origin, Status};

/// Scales of the window, in percent.
const SCALES: [u32; 3] = [100, 150, 200];

/// Draws a table of what the files say and what was found in them, and how large the window is.
pub(crate) fn show(ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
    let scale = Rect::from_min_max(pos2(rect.left(), rect.bottom() - theme::ROW), rect.max);
    let rect = rect.with_max_y(scale.top() - theme::GAP);
    let at = pos2(scale.left() + theme::PADDING, scale.center().y);
    button::line(ui.painter(), at, Align::Min, "Window", theme::label(), theme::QUIET, 96.0);
    let choice = scale.with_min_x(scale.left() + theme::GAP + 104.0);
    let chosen = SCALES.iter().position(|&percent| percent == instance.params.scale.get());
    let names = SCALES.map(|percent| format!("{percent} %"));
    let names = names.each_ref().map(String::as_str);
    // None of them, where it was changed with the keys.
    if let Some(index) = button::segments(ui, choice, "scale", &names, chosen.unwrap_or(names.len())) {
        ui.ctx().set_zoom_factor(SCALES[index] as f32 / 100.0);
    }
    button::frame(ui.painter(), rect, theme::WELL, false);
    let rows = rows(instance.status);
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect.shrink(theme::GAP)));
    ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
    let height = theme::ROW - 2.0;
    ScrollArea::vertical().id_salt("details").auto_shrink(false).show_rows(
        &mut ui,
        height,
        rows.len(),
        |ui, range| {
            for (name, value) in &rows[range] {
                let (rect, response) =
                    ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
                let middle = rect.center().y;
                let split = rect.left() + 104.0;
                let (painter, font) = (ui.painter(), theme::label());
                let start = pos2(rect.left() + theme::UNIT, middle);
                button::line(painter, start, Align::Min, name, font.clone(), theme::QUIET, 96.0);
                let space = rect.right() - split - theme::UNIT;
                button::line(painter, pos2(split, middle), Align::Min, value, font, theme::TEXT, space);
                response.on_hover_text(value);
            }
        },
    );
}

/// Where something was found, in words.
pub(crate) fn place(origin: &Origin) -> String {
    match origin {
        Origin::Shipped => "Shipped with the plugin".to_owned(),
        Origin::File(path) => path.display().to_string(),
        Origin::Session(None) => "From the session".to_owned(),
        Origin::Session(Some(path)) => format!("From the session; it was {}", path.display()),
    }
}

fn rows(status: &Status) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    match &status.model {
        Some(model) => describe_model(model, &mut rows),
        None => rows.push(("Model", "none: the signal passes".to_owned())),
    }
    if let Some(cabinet) = &status.cabinet {
        describe_cabinet(cabinet, &mut rows);
    }
    rows
}

fn describe_model(model: &ModelInfo, rows: &mut Vec<(&'static str, String)>) {
    let about = &model.metadata;
    let gear =
        [&about.gear_make, &about.gear_model].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let decibels = |level: f64, unit: &str| format!("{level:.1} {unit}").replace('-', "−");
    rows.push(("Model", model.name.clone()));
    rows.push(("Found", place(&model.origin)));
    rows.push(("Network", format!("{}, {} weights", model.architecture, thousands(model.num_parameters))));
    let assumed = if model.sample_rate_is_known { "" } else { " (assumed)" };
    rows.push(("Rate", format!("{}{assumed}", kilohertz(model.sample_rate))));
    if model.fed_at != model.sample_rate {
        rows.push(("Plays at", kilohertz(model.fed_at)));
    }
    if model.anti_aliasing != nd_core::AntiAliasing::Off {
        rows.push(("Anti-aliasing", model.anti_aliasing.to_string()));
    }
    // What a recurrent network remembers has no end.
    if model.receptive_field > 1 {
        let memory = 1000.0 * model.receptive_field as f64 / model.sample_rate;
        rows.push(("Memory", format!("{} samples, {memory:.1} ms", thousands(model.receptive_field))));
    }
    let optional = [
        ("Gear", (!gear.is_empty()).then_some(gear)),
        ("Kind", about.gear_type.clone()),
        ("Tone", about.tone_type.clone()),
        ("Made by", about.modeled_by.clone()),
        ("Loudness", about.loudness_db.map(|level| decibels(level, "dB"))),
        ("Input level", about.input_level_dbu.map(|level| decibels(level, "dBu"))),
        ("Output level", about.output_level_dbu.map(|level| decibels(level, "dBu"))),
        ("Trainer's ESR", about.validation_esr.map(|esr| format!("{esr:.5}"))),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    if !model.knobs.is_empty() {
        rows.push(("Knobs", model.knobs.join(", ")));
    }
    rows.extend(header::read_as(model).map(|(reading, _)| ("Read as", reading.to_owned())));
    if model.quality_steps.len() > 1 {
        rows.push(("Sizes", model.quality_steps.len().to_string()));
    }
    rows.extend(about.warnings.iter().map(|warning| ("Note", warning.clone())));
}

fn describe_cabinet(cabinet: &CabinetInfo, rows: &mut Vec<(&'static str, String)>) {
    let channels = if cabinet.channels == 1 { "mono" } else { "stereo" };
    let length = 1000.0 * cabinet.seconds;
    rows.push(("Cabinet", cabinet.name.clone()));
    rows.push(("Found", place(&cabinet.origin)));
    rows.push(("Response", format!("{channels}, {length:.0} ms, {}", kilohertz(cabinet.sample_rate))));
}

/// A rate, as it is spoken of.
pub(crate) fn kilohertz(sample_rate: f64) -> String {
    format!("{} kHz", (sample_rate / 10.0).round() / 100.0)
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_they_are_spoken() {
        assert_eq!(
            [kilohertz(48_000.0), kilohertz(44_100.0), kilohertz(22_050.0)],
            ["48 kHz", "44.1 kHz", "22.05 kHz"],
            "rates"
        );
        assert_eq!(
            [thousands(7), thousands(1234), thousands(1234567)],
            ["7", "1\u{a0}234", "1\u{a0}234\u{a0}567"],
            "counts"
        );
    }
}
