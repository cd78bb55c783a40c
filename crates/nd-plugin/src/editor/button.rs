//! Everything that is clicked: buttons, switches, choices and menus.

use egui::{
    Align, Align2, Color32, CornerRadius, CursorIcon, FontId, Id, Painter, Popup, Pos2, Rect, Response, Role,
    Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::icon::{self, Icon};
use super::theme;

/// A button. `name` is what a screen reader says and a pointer that rests shows.
pub(crate) fn button(ui: &mut Ui, rect: Rect, name: &str, sign: Icon) -> Response {
    let response = clickable(ui, rect, name);
    let fill = if response.hovered() { theme::HOVERED } else { theme::RAISED };
    frame(ui.painter(), rect, fill, response.has_focus());
    icon::paint(ui.painter(), rect.center(), sign, theme::TEXT);
    response.on_hover_text(name)
}

/// A button with its name on it.
#[cfg(feature = "standalone")]
pub(crate) fn named(ui: &mut Ui, rect: Rect, name: &str) -> Response {
    let response = clickable(ui, rect, name);
    let fill = if response.hovered() { theme::HOVERED } else { theme::RAISED };
    frame(ui.painter(), rect, fill, response.has_focus());
    let center = Align2::CENTER_CENTER;
    ui.painter().text(rect.center(), center, name, theme::label(), theme::TEXT);
    response
}

/// A button that is nothing but its sign until the pointer is there.
pub(crate) fn bare(ui: &mut Ui, rect: Rect, name: &str, sign: Icon) -> Response {
    let response = clickable(ui, rect, name);
    if response.hovered() || response.has_focus() {
        frame(ui.painter(), rect, theme::RAISED, response.has_focus());
    }
    let color = if response.hovered() { theme::TEXT } else { theme::QUIET };
    icon::paint(ui.painter(), rect.center(), sign, color);
    response.on_hover_text(name)
}

/// A button that stays down. It returns whether it was clicked.
pub(crate) fn toggle(ui: &mut Ui, rect: Rect, name: &str, sign: Icon, on: bool) -> bool {
    let response = clickable(ui, rect, name);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    let fill = match (on, response.hovered()) {
        (true, _) => theme::fade(theme::ACCENT, 0.18),
        (false, true) => theme::HOVERED,
        (false, false) => theme::RAISED,
    };
    frame(ui.painter(), rect, fill, response.has_focus());
    icon::paint(ui.painter(), rect.center(), sign, if on { theme::ACCENT } else { theme::TEXT });
    let clicked = response.clicked();
    response.on_hover_text(name);
    clicked
}

/// A switch with its name to the right. It returns whether it was clicked.
pub(crate) fn switch(ui: &mut Ui, rect: Rect, name: &str, font: FontId, on: bool, hint: &str) -> bool {
    let response = ui
        .interact(rect, ui.make_persistent_id(("switch", name)), Sense::click())
        .on_hover_cursor(CursorIcon::PointingHand);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    let painter = ui.painter();
    let track = Rect::from_center_size(pos2(rect.left() + 11.0, rect.center().y), vec2(22.0, 12.0));
    let moved = ui.ctx().animate_bool_with_time(response.id, on, 0.08);
    let fill = theme::LINE.lerp_to_gamma(theme::ACCENT, moved);
    painter.rect_filled(track, CornerRadius::same(6), fill);
    if response.has_focus() {
        painter.rect_stroke(
            track.expand(2.0),
            CornerRadius::same(8),
            Stroke::new(1.0, theme::ACCENT),
            StrokeKind::Outside,
        );
    }
    let knob = pos2(egui::lerp(track.left() + 6.0..=track.right() - 6.0, moved), track.center().y);
    painter.circle_filled(knob, 4.0, theme::QUIET.lerp_to_gamma(theme::GROUND, moved));
    let color = if on || response.hovered() { theme::TEXT } else { theme::QUIET };
    painter.text(pos2(track.right() + 7.0, rect.center().y), Align2::LEFT_CENTER, name, font, color);
    let clicked = response.clicked();
    response.on_hover_text(hint);
    clicked
}

/// Names side by side, of which one is chosen. It returns the one that was clicked.
pub(crate) fn segments(ui: &mut Ui, rect: Rect, id: &str, names: &[&str], chosen: usize) -> Option<usize> {
    frame(ui.painter(), rect, theme::WELL, false);
    let width = rect.width() / names.len() as f32;
    let mut clicked = None;
    for (index, name) in names.iter().enumerate() {
        let left = rect.left() + width * index as f32;
        let part = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
        let response = ui
            .interact(part, ui.make_persistent_id((id, index)), Sense::click())
            .on_hover_cursor(CursorIcon::PointingHand);
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, index == chosen, name));
        let painter = ui.painter();
        if index == chosen {
            frame(painter, part.shrink(2.0), theme::HOVERED, false);
        }
        if response.has_focus() {
            let stroke = Stroke::new(1.0, theme::ACCENT);
            let radius = CornerRadius::same(theme::RADIUS);
            painter.rect_stroke(part.shrink(2.0), radius, stroke, StrokeKind::Inside);
        }
        let color = if index == chosen || response.hovered() { theme::TEXT } else { theme::QUIET };
        painter.text(part.center(), Align2::CENTER_CENTER, name, theme::label(), color);
        if response.clicked() {
            clicked = Some(index);
        }
    }
    clicked
}

/// A field that shows what is chosen and opens a menu. `rows` draws the menu's rows with [`row`].
pub(crate) fn menu(ui: &mut Ui, rect: Rect, name: &str, text: &str, rows: impl FnOnce(&mut Ui)) -> Response {
    let response = clickable(ui, rect, name);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, name);
        info.current_text_value = Some(text.to_owned());
        info
    });
    let fill = if response.hovered() { theme::HOVERED } else { theme::RAISED };
    frame(ui.painter(), rect, fill, response.has_focus());
    let end = pos2(rect.right() - 12.0, rect.center().y);
    icon::paint(ui.painter(), end, Icon::Down, theme::QUIET);
    let space = rect.width() - 30.0;
    let start = pos2(rect.left() + 8.0, rect.center().y);
    line(ui.painter(), start, Align::Min, text, theme::label(), theme::TEXT, space);
    Popup::menu(&response).gap(2.0).width(rect.width().max(140.0)).show(|ui| {
        ui.set_min_width(rect.width().max(140.0) - 8.0);
        rows(ui);
    });
    response
}

/// A row of a menu or of a list.
pub(crate) fn row(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let size = vec2(ui.available_width(), theme::ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, true, chosen, text));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, CornerRadius::same(4), theme::RAISED);
    }
    let color = if chosen { theme::ACCENT } else { theme::TEXT };
    let start = pos2(rect.left() + 8.0, rect.center().y);
    line(ui.painter(), start, Align::Min, text, theme::body(), color, rect.width() - 16.0);
    response
}

/// Text on one line from `at` (or to it, or around it), cut off where the space ends.
pub(crate) fn line(
    painter: &Painter,
    at: Pos2,
    align: Align,
    text: &str,
    font: FontId,
    color: Color32,
    space: f32,
) -> Rect {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(space.max(0.0));
    let galley = painter.layout_job(job);
    let left = match align {
        Align::Min => at.x,
        Align::Center => at.x - 0.5 * galley.size().x,
        Align::Max => at.x - galley.size().x,
    };
    let rect = Rect::from_min_size(pos2(left, at.y - 0.5 * galley.size().y), galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// The background of something that can be clicked.
pub(crate) fn frame(painter: &Painter, rect: Rect, fill: Color32, focused: bool) {
    let color = if focused { theme::ACCENT } else { theme::LINE };
    painter.rect(rect, CornerRadius::same(theme::RADIUS), fill, Stroke::new(1.0, color), StrokeKind::Inside);
}

/// A place that is clicked. `name` is what a screen reader says.
pub(crate) fn clickable(ui: &mut Ui, rect: Rect, name: &str) -> Response {
    let id: Id = ui.make_persistent_id(("button", name));
    let response = ui.interact(rect, id, Sense::click()).on_hover_cursor(CursorIcon::PointingHand);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    response
}
