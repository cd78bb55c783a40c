//! The line at the top: the model and the way to the next one, and how the instance is doing.

use std::sync::atomic::Ordering::Relaxed;

use egui::{
    Align, Align2, Popup, PopupCloseBehavior, Rect, RectAlign, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};
use nd_core::Format;

use super::icon::{self, Icon};
use super::presets::Presets;
use super::view::Instance;
use super::{button, control, details, theme};
use crate::loader::{Command, ModelInfo, Origin, Status};

/// How long the light burns after something was not finite, in seconds.
const BURN: f32 = 4.0;
/// Time over which the largest load is looked for, in seconds.
const SPAN: f32 = 2.0;

/// Width of the model's menu.
const MENU: f32 = 292.0;

/// What the header remembers.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// Blocks that were muted, when the light was last lit.
    non_finite: u32,
    /// Seconds that the light burns on.
    burning: f32,
    /// The largest load of the last span, and of this one so far.
    worst: [f32; 2],
    /// Seconds since this span began.
    span: f32,
    presets: Presets,
}

impl Header {
    fn listen(&mut self, instance: Instance<'_>, seconds: f32) {
        let telemetry = instance.telemetry;
        let non_finite = telemetry.non_finite.load(Relaxed);
        self.burning = if non_finite == self.non_finite { (self.burning - seconds).max(0.0) } else { BURN };
        self.non_finite = non_finite;
        self.span += seconds;
        self.worst[1] = self.worst[1].max(telemetry.worst_load.take());
        if self.span > SPAN {
            self.worst = [self.worst[1], 0.0];
            self.span = 0.0;
        }
    }

    /// Draws the header; returns what went wrong, in words.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        instance: Instance<'_>,
        seconds: f32,
    ) -> Option<String> {
        self.listen(instance, seconds);
        let middle = rect.center().y;
        let painter = ui.painter();
        let first = pos2(rect.left() + theme::UNIT, middle);
        let drawn = painter.text(first, Align2::LEFT_CENTER, "neural", theme::title(), theme::TEXT);
        let second = pos2(drawn.right() + 5.0, middle);
        let mark = painter.text(second, Align2::LEFT_CENTER, "distortion", theme::title(), theme::ACCENT);

        let width = (0.36 * rect.width()).clamp(320.0, 460.0);
        let model = Rect::from_center_size(rect.center(), vec2(width, rect.height()));
        selector(ui, model, instance);
        self.state(ui, Rect::from_min_max(pos2(model.right(), rect.top()), rect.max), instance);
        let left = mark.right() + 3.0 * theme::GAP;
        let right = (model.left() - 2.0 * theme::GAP).min(left + 240.0);
        let presets = Rect::from_min_max(pos2(left, middle - 16.0), pos2(right, middle + 16.0));
        self.presets.show(ui, presets, instance)
    }

    /// Bypass, mute, rate, latency, load and the light, from the right.
    fn state(&self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
        let telemetry = instance.telemetry;
        let square = vec2(32.0, 32.0);
        let mut right = rect.right();
        let mut take = |width: f32, gap: f32| {
            let part = Rect::from_min_max(
                pos2(right - width, rect.center().y - 0.5 * square.y),
                pos2(right, rect.center().y + 0.5 * square.y),
            );
            right -= width + gap;
            part
        };
        let bypass = &instance.params.bypass;
        let power = take(square.x, theme::GAP);
        if button::toggle(ui, power, "Play (bypass when off)", Icon::Power, !bypass.value()) {
            control::set(instance.setter, bypass, !bypass.value());
        }
        control::toggle(
            ui,
            take(square.x, 3.0 * theme::GAP),
            instance.setter,
            &instance.params.mute,
            "Mute",
            Icon::Mute,
        );
        let rate = telemetry.sample_rate.get();
        let latency = telemetry.latency_samples.load(Relaxed);
        let milliseconds = if rate > 0.0 { 1000.0 * latency as f32 / rate } else { 0.0 };
        let load = 100.0 * telemetry.load.get();
        let worst = 100.0 * self.worst[0].max(self.worst[1]);
        let host = if rate > 0.0 { details::kilohertz(f64::from(rate)) } else { "–".to_owned() };
        figure(ui, take(58.0, theme::GAP), "Host", &host, "Rate of the host", false);
        let hint = format!("Delay that the host is told of: {latency} samples");
        figure(ui, take(54.0, theme::GAP), "Latency", &format!("{milliseconds:.1} ms"), &hint, false);
        let asleep =
            if telemetry.asleep.load(Relaxed) { "\nAsleep: nothing but silence came in" } else { "" };
        let hint =
            format!("Time that this instance takes; the longest block of late took {worst:.0} %{asleep}");
        let share = if load < 99.95 { format!("{load:.1} %") } else { format!("{:.0} %", load.min(999.0)) };
        figure(ui, take(50.0, theme::GAP), "CPU", &share, &hint, worst > 100.0);
        if self.burning > 0.0 {
            let place = take(62.0, 0.0);
            let response = ui.interact(place, ui.make_persistent_id("unstable"), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, "Unstable"));
            let painter = ui.painter();
            icon::light(painter, pos2(place.left() + 6.0, place.center().y), Some(theme::ALARM));
            let text = pos2(place.left() + 16.0, place.center().y);
            painter.text(text, Align2::LEFT_CENTER, "Unstable", theme::label(), theme::ALARM);
            response.on_hover_text(format!(
                "Something in the chain was not finite, and was muted and started anew: {} blocks so far",
                self.non_finite
            ));
        }
    }
}

/// A figure under its name.
fn figure(ui: &mut Ui, rect: Rect, name: &str, value: &str, hint: &str, alarm: bool) {
    let response = ui.interact(rect, ui.make_persistent_id(("figure", name)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let painter = ui.painter();
    painter.text(rect.left_top(), Align2::LEFT_TOP, name, theme::scale(), theme::FAINT);
    let color = if alarm { theme::ALARM } else { theme::TEXT };
    painter.text(rect.left_bottom(), Align2::LEFT_BOTTOM, value, theme::label(), color);
    response.on_hover_text(hint);
}

/// How a `.nam` file is read otherwise than usual: each name among those of [`Compat`](nd_core::format::Compat), what the
/// window calls it, and whom it follows.
const READINGS: [(&str, &str, &str); 3] = [
    (
        "reverse_linear_taps",
        "Linear: oldest sample first",
        "For an impulse response that an old trainer wrote the other way round",
    ),
    (
        "legacy_layer1x1_post_film",
        "FiLM behind the 1x1 in blended layers only",
        "As players once did, for a model that was made for them",
    ),
    (
        "residual_without_layer1x1",
        "Layers without a 1x1 add what they make",
        "As the trainer does; players pass on what came in",
    ),
];

/// What a model is read as otherwise than usual: what the window calls it, and whom that follows.
pub(crate) fn read_as(model: &ModelInfo) -> impl Iterator<Item = (&'static str, &'static str)> {
    let chosen = READINGS.iter().filter(|(name, ..)| model.compat.iter().any(|other| other == name));
    chosen.map(|&(_, title, whom)| (title, whom))
}

/// What can be done to the model that is there.
fn menu(ui: &mut Ui, instance: Instance<'_>) {
    ui.set_min_width(MENU);
    let none = instance.status.model.is_none();
    if button::row(ui, "No model", none).clicked() {
        instance.loader.send(Command::RemoveModel);
        Popup::close_all(ui.ctx());
    }
    let Some(model) = instance.status.model.as_ref().filter(|model| model.format == Format::Nam) else {
        return;
    };
    let (line, _) = ui.allocate_exact_size(vec2(MENU, theme::ROW), Sense::hover());
    let at = pos2(line.left() + theme::GAP, line.center().y);
    let title = "Read the file as other programs do";
    button::line(ui.painter(), at, Align::Min, title, theme::label(), theme::FAINT, MENU);
    for (name, title, whom) in READINGS {
        let on = model.compat.iter().any(|other| other == name);
        let (line, _) = ui.allocate_exact_size(vec2(MENU, theme::ROW), Sense::hover());
        let line = line.shrink2(vec2(theme::GAP, 0.0));
        if button::switch(ui, line, title, theme::label(), on, whom) {
            instance.loader.send(Command::ReadAs(name, !on));
        }
    }
}

/// The model's name and where it came from, between the ways to the previous and the next one.
fn selector(ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
    let status = instance.status;
    icon::card(ui.painter(), rect);
    let arrow = vec2(32.0, 32.0);
    let places = [rect.left() + 24.0, rect.right() - 24.0];
    for (x, name, sign, by) in
        [(places[0], "Previous model", Icon::Left, -1), (places[1], "Next model", Icon::Right, 1)]
    {
        let square = Rect::from_center_size(pos2(x, rect.center().y), arrow);
        if button::bare(ui, square, name, sign).clicked() {
            instance.loader.send(Command::Step(by));
        }
    }
    let space = rect.width() - 96.0;
    let (name, below) = words(status);
    let middle = Rect::from_center_size(rect.center(), vec2(space, rect.height()));
    let response = button::clickable(ui, middle, "Model");
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Model");
        info.current_text_value = Some(name.clone());
        info
    });
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.align(RectAlign::BOTTOM).gap(2.0).width(MENU).show(|ui| menu(ui, instance));
    let lit = response.hovered() || response.has_focus();
    if lit {
        button::frame(ui.painter(), middle.shrink(theme::UNIT), theme::RAISED, response.has_focus());
    }
    let painter = ui.painter();
    let (at, center) = (pos2(rect.center().x, rect.top() + 17.0), Align::Center);
    let color = if status.model.is_some() { theme::TEXT } else { theme::QUIET };
    let drawn = button::line(painter, at, center, &name, theme::title(), color, space - 40.0);
    let sign = if lit { theme::TEXT } else { theme::FAINT };
    icon::paint(painter, pos2(drawn.right() + 14.0, at.y + 1.0), Icon::Down, sign);
    let at = pos2(rect.center().x, rect.top() + 35.0);
    let color = if status.loading.is_some() { theme::ACCENT } else { theme::QUIET };
    button::line(painter, at, center, &below, theme::label(), color, space);
    if let Some(model) = &status.model {
        response.on_hover_text(details::place(&model.origin));
    }
}

/// The model's name, and what to say below it.
fn words(status: &Status) -> (String, String) {
    let Some(model) = &status.model else {
        let below =
            status.loading.as_ref().map_or("The signal passes".to_owned(), |name| format!("Reading {name}…"));
        return ("No model".to_owned(), below);
    };
    let below = if let Some(name) = &status.loading {
        format!("Reading {name}…")
    } else {
        let rate = details::kilohertz(model.sample_rate);
        let from = match &model.origin {
            Origin::Shipped => "shipped".to_owned(),
            Origin::Session(_) => "from the session".to_owned(),
            Origin::File(path) => path.parent().map(folder).unwrap_or_default(),
        };
        format!("{from}  ·  {}  ·  {rate}", model.architecture)
    };
    (model.name.clone(), below)
}

/// The last part of a folder's path.
fn folder(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use nd_core::format::Compat;

    use super::*;

    #[test]
    fn every_reading_of_the_engine_has_a_place_in_the_menu() {
        let mut names = READINGS.map(|(name, ..)| name);
        names.sort_unstable();
        assert_eq!(names, Compat::names(), "names");
    }
}
