//! A knob: dragged, scrolled, typed, stepped with the keyboard, and reset.

use egui::epaint::PathStroke;
use egui::{
    Align, Align2, CursorIcon, EventFilter, Id, Key, Modifiers, MouseWheelUnit, Painter, Pos2, Rect,
    Response, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::field::{self, Typed};
use super::{button, theme};

/// Pixels that a knob is dragged from one end to the other.
const TRAVEL: f32 = 180.0;
/// How much less a knob moves while Shift is held.
const FINE: f32 = 0.1;
/// Part of the range that an arrow key moves by.
const STEP: f32 = 0.02;
/// Part of the range that a page key moves by.
const PAGE: f32 = 0.1;
/// Where the scale starts and ends, clockwise from the right: 135° and 405°.
const ARC: [f32; 2] = [0.75 * std::f32::consts::PI, 2.25 * std::f32::consts::PI];

/// What a knob shows.
#[derive(Debug, Clone)]
pub(crate) struct Knob<'a> {
    pub(crate) name: &'a str,
    /// From 0 to 1.
    pub(crate) value: f32,
    /// Where it goes when it is reset.
    pub(crate) default: f32,
    /// Where the lit part of the scale starts: 0 for an amount, 0.5 for more or less of something.
    pub(crate) origin: f32,
    /// The value with its unit.
    pub(crate) text: String,
    /// Whether it has an effect now.
    pub(crate) active: bool,
    /// What it does.
    pub(crate) hint: &'a str,
}

/// What was done to a knob.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Edit {
    /// A gesture began.
    pub(crate) began: bool,
    /// The new value, from 0 to 1.
    pub(crate) value: Option<f32>,
    /// A value was typed.
    pub(crate) typed: Option<String>,
    /// The gesture ended.
    pub(crate) ended: bool,
}

impl Edit {
    fn once(value: f32) -> Self {
        Self { began: true, value: Some(value.clamp(0.0, 1.0)), typed: None, ended: true }
    }
}

/// What a knob remembers from frame to frame.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// The value that is dragged, which the parameter follows in its own steps.
    dragged: f32,
    /// What is being typed.
    typing: Option<String>,
}

impl Knob<'_> {
    /// Draws the knob with its name above and its value below, and says what was done to it.
    pub(crate) fn show(&self, ui: &mut Ui, rect: Rect) -> Edit {
        let id = ui.make_persistent_id(("knob", self.name));
        let mut memory: Memory = ui.data_mut(|data| data.get_temp(id)).unwrap_or_default();
        let line = ui.painter().layout_no_wrap(String::new(), theme::label(), theme::QUIET).size().y.ceil();
        let value = Rect::from_min_max(pos2(rect.left(), rect.bottom() - line - 2.0), rect.right_bottom());
        let dial = Rect::from_min_max(pos2(rect.left(), rect.top() + line + 2.0), value.right_top());
        let radius = (0.5 * dial.size().min_elem()).floor() - 1.0;

        let response = ui
            .interact(Rect::from_min_max(rect.min, value.right_top()), id, Sense::click_and_drag())
            .on_hover_cursor(CursorIcon::ResizeVertical);
        response.widget_info(|| {
            let mut info = WidgetInfo::slider(self.active, f64::from(self.value), self.name);
            info.current_text_value = Some(self.text.clone());
            info
        });
        let mut edit = self.turn(ui, &response, &mut memory);

        let number = ui.interact(value, id.with("value"), Sense::click()).on_hover_cursor(CursorIcon::Text);
        number.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Label, self.active, format!("{} value", self.name))
        });
        if number.clicked() {
            memory.typing = Some(self.text.clone());
        }
        match memory.typing.as_mut().map(|text| field::entry(ui, value, id.with("typing"), self.name, text)) {
            Some(Typed::Done) => edit.typed = memory.typing.take(),
            Some(Typed::Cancelled) => memory.typing = None,
            Some(Typed::Going) | None => {}
        }
        if memory.typing.is_none() && ui.memory(|memory| memory.had_focus_last_frame(id.with("typing"))) {
            response.request_focus();
        }

        let lit = response.hovered() || response.dragged() || number.hovered();
        let painter = ui.painter();
        let middle = pos2(rect.center().x, rect.top() + 0.5 * line);
        let space = rect.width() - 2.0;
        button::line(painter, middle, Align::Center, self.name, theme::label(), theme::QUIET, space);
        self.paint(painter, dial.center(), radius, lit, response.has_focus());
        if memory.typing.is_none() {
            let color = if lit { theme::TEXT } else { theme::QUIET };
            let color = if self.active { color } else { theme::FAINT };
            painter.text(value.center(), Align2::CENTER_CENTER, &self.text, theme::label(), color);
        }
        if !response.dragged() && memory.typing.is_none() {
            response.on_hover_text(format!(
                "{}\nDrag, or Shift-drag for fine steps; double-click resets; Enter types a value",
                self.hint
            ));
        }
        ui.data_mut(|data| data.insert_temp(id, memory));
        edit
    }

    /// What the pointer and the keys do to the dial.
    fn turn(&self, ui: &Ui, response: &Response, memory: &mut Memory) -> Edit {
        if response.double_clicked() {
            return Edit::once(self.default);
        }
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        let fine = if ui.input(|input| input.modifiers.shift) { FINE } else { 1.0 };
        let mut edit = Edit::default();
        if response.drag_started() {
            memory.dragged = self.value;
            edit.began = true;
        }
        if response.dragged() {
            let way = response.drag_delta();
            if way != Vec2::ZERO {
                memory.dragged = (memory.dragged + (way.x - way.y) * fine / TRAVEL).clamp(0.0, 1.0);
                edit.value = Some(memory.dragged);
            }
            return edit;
        }
        if response.drag_stopped() {
            edit.ended = true;
            return edit;
        }
        if response.hovered() {
            let turned: f32 = ui.input(|input| {
                let wheel = input.events.iter().filter_map(|event| match event {
                    egui::Event::MouseWheel { unit: MouseWheelUnit::Point, delta, .. } => {
                        Some(delta.y / 50.0)
                    }
                    egui::Event::MouseWheel { delta, .. } => Some(delta.y),
                    _ => None,
                });
                wheel.sum()
            });
            if turned != 0.0 {
                return Edit::once(self.value + turned * STEP * fine);
            }
        }
        if response.has_focus() {
            let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
            return self.press(ui, response.id, memory);
        }
        edit
    }

    /// What the keys do to the knob that has the focus.
    fn press(&self, ui: &Ui, id: Id, memory: &mut Memory) -> Edit {
        let pressed = |key| {
            ui.input_mut(|input| {
                let plain = input.count_and_consume_key(Modifiers::NONE, key) as f32;
                plain + FINE * input.count_and_consume_key(Modifiers::SHIFT, key) as f32
            })
        };
        let up = pressed(Key::ArrowUp) + pressed(Key::ArrowRight);
        let down = pressed(Key::ArrowDown) + pressed(Key::ArrowLeft);
        let page = pressed(Key::PageUp) - pressed(Key::PageDown);
        let moved = (up - down) * STEP + page * PAGE;
        if moved != 0.0 {
            return Edit::once(self.value + moved);
        }
        if pressed(Key::Home) > 0.0 {
            return Edit::once(0.0);
        }
        if pressed(Key::End) > 0.0 {
            return Edit::once(1.0);
        }
        if pressed(Key::Delete) + pressed(Key::Backspace) > 0.0 {
            return Edit::once(self.default);
        }
        if pressed(Key::Enter) > 0.0 {
            memory.typing = Some(self.text.clone());
        }
        // A figure starts the typing, as in a table.
        let figure = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Text(text) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    Some(text.clone())
                }
                _ => None,
            })
        });
        if let Some(figure) = figure {
            memory.typing = Some(figure);
            ui.data_mut(|data| data.insert_temp(field::fresh(id.with("typing")), true));
        }
        Edit::default()
    }

    fn paint(&self, painter: &Painter, center: Pos2, radius: f32, lit: bool, focused: bool) {
        let angle = |value: f32| ARC[0] + value * (ARC[1] - ARC[0]);
        let ring = |from: f32, to: f32, stroke: Stroke| {
            let points = 2 + (48.0 * (to - from).abs()) as usize;
            let at = |index: usize| {
                let part = index as f32 / (points - 1) as f32;
                center + radius * Vec2::angled(angle(from + part * (to - from)))
            };
            Shape::line((0..points).map(at).collect(), PathStroke::from(stroke))
        };
        painter.add(ring(0.0, 1.0, Stroke::new(3.0, theme::LINE)));
        let color = if self.active { theme::ACCENT } else { theme::FAINT };
        if (self.value - self.origin).abs() > 1e-3 {
            painter.add(ring(self.origin, self.value, Stroke::new(3.0, color)));
        }
        let body = radius - 5.0;
        painter.circle_filled(center + vec2(0.0, 1.5), body + 0.5, theme::GROUND);
        let fill = if lit { theme::HOVERED } else { theme::RAISED };
        painter.circle(center, body, fill, Stroke::new(1.0, theme::LINE));
        if focused {
            painter.circle_stroke(center, body + 1.0, Stroke::new(1.5, theme::ACCENT));
        }
        let way = Vec2::angled(angle(self.value));
        let pointer = if self.active { theme::TEXT } else { theme::FAINT };
        painter.line_segment(
            [center + 0.4 * body * way, center + (body - 2.5) * way],
            Stroke::new(2.0, pointer),
        );
    }
}
