//! Fields for typing.

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, CornerRadius, Frame, Id, Key, Margin, Rect, Response, Stroke, StrokeKind, TextEdit, Ui};

use super::theme;

/// What became of an [`entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It is still being typed.
    Going,
    /// It was confirmed with Enter, or by going elsewhere.
    Done,
    /// It was taken back with Escape.
    Cancelled,
}

/// Where an entry finds whether its text was typed already rather than shown: then it is not selected.
pub(crate) fn fresh(id: Id) -> Id {
    id.with("fresh")
}

/// A value that is typed in the place of the number that was shown there. It takes the focus.
pub(crate) fn entry(ui: &mut Ui, rect: Rect, id: Id, name: &str, text: &mut String) -> Typed {
    let first = !ui.memory(|memory| memory.has_focus(id) || memory.had_focus_last_frame(id));
    ui.painter().rect(
        rect.expand2(egui::vec2(0.0, 1.0)),
        CornerRadius::same(3),
        theme::WELL,
        Stroke::new(1.0, theme::ACCENT),
        StrokeKind::Inside,
    );
    let edit = TextEdit::singleline(text)
        .id(id)
        .font(theme::label())
        .frame(Frame::NONE.inner_margin(Margin::symmetric(2, 0)))
        .align(Align2::CENTER_CENTER)
        .desired_width(rect.width());
    let output = ui.scope_builder(egui::UiBuilder::new().max_rect(rect), |ui| edit.show(ui)).inner;
    let response = output.response.response.clone();
    response.clone().accessible_name(format!("{name} entry"));
    if first {
        response.request_focus();
        let typed = ui.data_mut(|data| data.remove_temp::<bool>(fresh(id)).unwrap_or_default());
        let end = CCursor::new(text.chars().count());
        let start = if typed { end } else { CCursor::default() };
        let mut state = output.state;
        state.cursor.set_char_range(Some(CCursorRange::two(start, end)));
        state.store(ui.ctx(), id);
        return Typed::Going;
    }
    if !response.lost_focus() {
        return Typed::Going;
    }
    if ui.input(|input| input.key_pressed(Key::Escape)) { Typed::Cancelled } else { Typed::Done }
}

/// A line of text that can be edited, with a hint while it is empty.
pub(crate) fn line(ui: &mut Ui, rect: Rect, id: Id, name: &str, hint: &str, text: &mut String) -> Response {
    let focused = ui.memory(|memory| memory.has_focus(id));
    let stroke = Stroke::new(1.0, if focused { theme::ACCENT } else { theme::LINE });
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS), theme::WELL, stroke, StrokeKind::Inside);
    let edit = TextEdit::singleline(text)
        .id(id)
        .font(theme::body())
        .frame(Frame::NONE.inner_margin(Margin::symmetric(8, 0)))
        .hint_text(egui::RichText::new(hint).color(theme::FAINT))
        .align(Align2::LEFT_CENTER)
        .min_size(rect.size())
        .desired_width(rect.width());
    let response = ui.put(rect, edit);
    response.clone().accessible_name(name);
    response
}
