//! The chain of knobs, in the order that the signal takes.

use egui::{Align, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::browser::{Browser, Shelf};
use super::control::{self, Look};
use super::icon::{self, Icon};
use super::view::Instance;
use super::{button, details, theme};
use crate::loader::{Command, Kind};
use crate::params::KNOBS;

/// Height of a card's name.
const TITLE: f32 = 28.0;
/// Width of a knob where there is room.
const WIDEST: f32 = 76.0;

/// A card of the chain, divided into cells of two rows.
#[derive(Debug, Clone, Copy)]
struct Card {
    rect: Rect,
    cell: f32,
}

impl Card {
    fn title(&self) -> Rect {
        let top = self.rect.top() + 6.0;
        Rect::from_min_max(
            pos2(self.rect.left() + theme::PADDING, top),
            pos2(self.rect.right() - theme::PADDING, top + TITLE - 6.0),
        )
    }

    /// So many cells of a row, from a column on.
    fn cells(&self, row: usize, column: usize, count: usize) -> Rect {
        let top = self.rect.top() + TITLE + 6.0;
        let height = 0.5 * (self.rect.bottom() - theme::GAP - top);
        let left = self.rect.left() + theme::PADDING + column as f32 * self.cell;
        Rect::from_min_size(
            pos2(left, top + row as f32 * height),
            vec2(count as f32 * self.cell, height - theme::UNIT),
        )
    }

    /// A line in a row: the first or the second of the two that fit.
    fn line(&self, row: usize, column: usize, count: usize, second: bool) -> Rect {
        let cells = self.cells(row, column, count);
        let step = 0.5 * cells.height();
        let top = cells.top() + if second { step } else { 0.0 } + 0.5 * (step - theme::ROW);
        Rect::from_min_size(pos2(cells.left(), top), vec2(cells.width(), theme::ROW))
    }
}

/// Which of the cards is the cabinet's.
const CABINET: usize = 3;

/// Draws the chain.
pub(crate) fn show(ui: &mut Ui, rect: Rect, instance: Instance<'_>, browser: &mut Browser) {
    let knobs = instance.status.model.as_ref().map_or(0, |model| model.knobs.len().min(KNOBS));
    let model = (knobs + 3).div_ceil(2).max(2);
    let counts = [2, 2, model, 3, 2, 2];
    let total: usize = counts.iter().sum();
    let free = rect.width() - 5.0 * theme::GAP - 12.0 * theme::PADDING;
    let cell = (free / total as f32).min(WIDEST);
    // What the knobs leave goes to the cabinet, which has the longest name.
    let rest = free - cell * total as f32;
    let mut left = rect.left();
    let cards: [Card; 6] = std::array::from_fn(|index| {
        let count = counts[index];
        let more = if index == CABINET { rest } else { 0.0 };
        let width = count as f32 * cell + 2.0 * theme::PADDING + more;
        let card = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
        left += width + theme::GAP;
        icon::card(ui.painter(), card);
        Card { rect: card, cell: cell + more / count as f32 }
    });
    for pair in cards.windows(2) {
        let middle = pos2(0.5 * (pair[0].rect.right() + pair[1].rect.left()), rect.top() + 17.0);
        ui.painter().hline(middle.x - 4.0..=middle.x + 4.0, middle.y, egui::Stroke::new(1.0, theme::LINE));
    }
    input(ui, cards[0], instance);
    gate(ui, cards[1], instance);
    amp(ui, cards[2], instance, knobs);
    cabinet(ui, cards[3], instance, browser);
    tone(ui, cards[4], instance);
    output(ui, cards[5], instance);
}

fn heading(ui: &Ui, rect: Rect, name: &str) {
    let at = pos2(rect.left(), rect.center().y);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, name, theme::heading(), theme::TEXT);
}

fn look<'a>(name: &'a str, around: bool, active: bool, hint: &'a str) -> Look<'a> {
    Look { name, around, active, hint }
}

fn input(ui: &mut Ui, card: Card, instance: Instance<'_>) {
    let (params, setter) = (instance.params, instance.setter);
    heading(ui, card.title(), "Input");
    let gain = look("Gain", true, true, "Gain before everything else");
    control::knob(ui, card.cells(0, 0, 1), setter, &params.input_gain, gain);
    let hint = "Level of a sine that peaks at full scale at the input: look it up for your audio interface";
    let level = look("Interface", false, params.calibrate.value(), hint);
    control::knob(ui, card.cells(0, 1, 1), setter, &params.interface_level, level);
    let hint = "Brings the input to the level that the model was made with, where its file says so";
    control::switch(ui, card.line(1, 0, 2, false), setter, &params.calibrate, "Calibrate", hint);
    let hint = "Which channels go through how many chains";
    control::menu(ui, card.line(1, 0, 2, true), setter, &params.channels, "", hint);
}

fn gate(ui: &mut Ui, card: Card, instance: Instance<'_>) {
    let (params, setter) = (instance.params, instance.setter);
    let on = params.gate.value();
    control::title(ui, card.title(), setter, &params.gate, "Gate");
    let open = instance.telemetry.gate.get();
    let light = pos2(card.title().right() - 5.0, card.title().center().y);
    let response = ui.interact(
        Rect::from_center_size(light, vec2(14.0, 14.0)),
        ui.make_persistent_id("gate state"),
        Sense::hover(),
    );
    let state = match (on, open > 0.5) {
        (false, _) => "Gate is off",
        (true, true) => "Gate is open",
        (true, false) => "Gate is closed",
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, state));
    icon::light(ui.painter(), light, (on && open > 0.01).then(|| theme::fade(theme::ACCENT, open)));
    response.on_hover_text(state);

    let knobs = [
        (0, 0, "Threshold", false, "Level below which the gate closes"),
        (0, 1, "Hysteresis", false, "How far above the threshold the gate opens"),
        (1, 0, "Release", false, "Time in which the gate closes"),
    ];
    let all = [&params.gate_threshold, &params.gate_hysteresis, &params.gate_release];
    for ((row, column, name, around, hint), param) in knobs.into_iter().zip(all) {
        control::knob(ui, card.cells(row, column, 1), setter, param, look(name, around, on, hint));
    }
    let cell = card.cells(1, 1, 1);
    let color = if on && open > 0.5 { theme::ACCENT } else { theme::QUIET };
    let word = match (on, open > 0.5) {
        (false, _) => "off",
        (true, true) => "open",
        (true, false) => "closed",
    };
    let at = pos2(cell.center().x, cell.center().y - 8.0);
    button::line(ui.painter(), at, Align::Center, word, theme::heading(), color, cell.width());
    let bar = Rect::from_center_size(pos2(cell.center().x, at.y + 18.0), vec2(cell.width() - 20.0, 4.0));
    ui.painter().rect_filled(bar, egui::CornerRadius::same(2), theme::LINE);
    let lit = Rect::from_min_size(bar.min, vec2(bar.width() * if on { open } else { 0.0 }, bar.height()));
    ui.painter().rect_filled(lit, egui::CornerRadius::same(2), theme::ACCENT);
}

fn amp(ui: &mut Ui, card: Card, instance: Instance<'_>, knobs: usize) {
    let (params, setter) = (instance.params, instance.setter);
    let on = params.amp.value() && instance.status.model.is_some();
    control::title(ui, card.title(), setter, &params.amp, "Model");
    let sizes = instance.status.model.as_ref().map_or(0, |model| model.quality_steps.len());
    let hint = "Size of a model that has several: smaller ones take less time";
    control::knob(
        ui,
        card.cells(0, 0, 1),
        setter,
        &params.quality,
        look("Quality", false, on && sizes > 1, hint),
    );
    let columns = (knobs + 3).div_ceil(2).max(2);
    let names = instance.status.model.iter().flat_map(|model| &model.knobs);
    for (index, (name, knob)) in names.zip(&params.knobs).enumerate() {
        let (row, column) = ((index + 1) / columns, (index + 1) % columns);
        let hint = format!("A knob of the model itself; hosts call it Knob {}", index + 1);
        // The model may call it as another knob of the window is called.
        ui.push_id(index, |ui| {
            let name = capitalised(name);
            let look = look(&name, false, on, &hint);
            control::knob(ui, card.cells(row, column, 1), setter, &knob.value, look);
        });
    }
    let hint = "Anti-aliasing, against harmonics that fold back: standard takes about twice the time, best several times";
    control::menu(ui, card.line(1, columns - 2, 2, false), setter, &params.anti_aliasing, "AA: ", hint);
    let hint = "The same where the host renders and has time";
    control::menu(
        ui,
        card.line(1, columns - 2, 2, true),
        setter,
        &params.render_anti_aliasing,
        "Renders: ",
        hint,
    );
}

/// A name as the window writes names.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn cabinet(ui: &mut Ui, card: Card, instance: Instance<'_>, browser: &mut Browser) {
    let (params, setter) = (instance.params, instance.setter);
    let status = instance.status;
    control::title(ui, card.title(), setter, &params.cab, "Cabinet");
    let name = status.cabinet.as_ref().map_or("No impulse response", |cabinet| &cabinet.name);
    let line = card.line(0, 0, 3, false);
    let square = theme::ROW + 4.0;
    let buttons = [
        Rect::from_min_size(pos2(line.right() - square, line.top()), vec2(square, theme::ROW)),
        Rect::from_min_size(
            pos2(line.right() - 2.0 * square - theme::UNIT, line.top()),
            vec2(square, theme::ROW),
        ),
    ];
    // Without one, there is nothing to remove, and the other button takes the place.
    let browse = buttons[usize::from(status.cabinet.is_some())];
    let box_ = Rect::from_min_max(line.min, pos2(browse.left() - theme::UNIT, line.bottom()));
    let response = ui.interact(box_, ui.make_persistent_id("cabinet"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Show impulse responses"));
    button::frame(ui.painter(), box_, theme::WELL, response.has_focus());
    let color = if status.cabinet.is_some() { theme::TEXT } else { theme::FAINT };
    let at = pos2(box_.left() + 8.0, box_.center().y);
    button::line(ui.painter(), at, Align::Min, name, theme::label(), color, box_.width() - 16.0);
    if response.clicked() {
        browser.shelf = Shelf::Cabinets;
    }
    if button::button(ui, browse, "Browse for an impulse response", Icon::Folder).clicked() {
        browser.shelf = Shelf::Cabinets;
        browser.ask(Kind::Cabinet);
    }
    if status.cabinet.is_some()
        && button::button(ui, buttons[0], "Remove the impulse response", Icon::Close).clicked()
    {
        instance.loader.send(Command::RemoveCabinet);
    }
    let facts = status.cabinet.as_ref().map_or_else(
        || "wav, flac or aiff, up to 1 s".to_owned(),
        |cabinet| {
            let channels = if cabinet.channels == 1 { "mono" } else { "stereo" };
            let rate = details::kilohertz(cabinet.sample_rate);
            format!("{channels}  ·  {:.0} ms  ·  {rate}", 1000.0 * cabinet.seconds)
        },
    );
    let below = card.line(0, 0, 3, true);
    let at = pos2(below.left(), below.top() + 8.0);
    button::line(ui.painter(), at, Align::Min, &facts, theme::label(), theme::QUIET, below.width());
    control::segments(ui, card.line(1, 0, 3, false), setter, &params.cab_side, &["Both", "Left", "Right"]);
}

fn tone(ui: &mut Ui, card: Card, instance: Instance<'_>) {
    let (params, setter) = (instance.params, instance.setter);
    let on = params.tone.value();
    control::title(ui, card.title(), setter, &params.tone, "Tone");
    let bands = [
        ("Bass", &params.bass),
        ("Mid", &params.mid),
        ("Treble", &params.treble),
        ("Presence", &params.presence),
    ];
    for (index, (name, param)) in bands.into_iter().enumerate() {
        let cell = card.cells(index / 2, index % 2, 1);
        control::knob(
            ui,
            cell,
            setter,
            param,
            look(name, true, on, "More or less of this part of the sound"),
        );
    }
}

fn output(ui: &mut Ui, card: Card, instance: Instance<'_>) {
    let (params, setter) = (instance.params, instance.setter);
    heading(ui, card.title(), "Output");
    let gain = look("Level", true, true, "Gain after everything else");
    control::knob(ui, card.cells(0, 0, 1), setter, &params.output_gain, gain);
    let mix = look(
        "Mix",
        false,
        true,
        "How much of the sound is the chain's; the rest is the input, delayed to match",
    );
    control::knob(ui, card.cells(0, 1, 1), setter, &params.mix, mix);
    let hint = "Raw: as the model gives it. Normalised: the same loudness for each model. Calibrated: the gear's level";
    control::menu(ui, card.line(1, 0, 2, false), setter, &params.output_mode, "", hint);
    let hint = "Takes away what does not move";
    control::switch(ui, card.line(1, 0, 2, true), setter, &params.dc_blocker, "DC blocker", hint);
}
