//! What went wrong, in words, over the foot of the pictures until it is read.

use std::sync::Arc;

use egui::text::LayoutJob;
use egui::{
    Area, Color32, CornerRadius, Galley, Id, Order, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use super::icon::Icon;
use super::{button, theme};
use crate::loader::Status;

/// Which message was put away.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// The one that was put away.
    read: Option<String>,
    /// One of the window's own.
    own: Option<String>,
}

impl Message {
    /// Says something that did not come from the loader.
    pub(crate) fn say(&mut self, text: String) {
        self.own = Some(text);
    }

    /// Draws the message across the foot of the pictures, where it hides no button, if there is one that has not been put
    /// away.
    pub(crate) fn show(&mut self, ui: &Ui, place: Rect, status: &Status) {
        let (text, color) = match (&self.own, &status.error, &status.warning) {
            (Some(own), ..) => (own, theme::ALARM),
            (None, Some(error), _) => (error, theme::ALARM),
            (None, None, Some(warning)) => (warning, theme::ACCENT),
            (None, None, None) => {
                self.read = None;
                return;
            }
        };
        if self.read.as_ref() == Some(text) {
            return;
        }
        let width = (place.width() - 2.0 * theme::GAP).min(680.0);
        let galley = layout(ui, text, width - 64.0);
        let size = vec2(width, galley.size().y + 2.0 * theme::PADDING);
        let rect = Rect::from_min_size(
            pos2(place.center().x - 0.5 * width, place.bottom() - size.y - theme::GAP),
            size,
        );
        let area = Area::new(Id::unique("message")).order(Order::Foreground).fixed_pos(rect.min);
        let closed = area.show(ui.ctx(), |ui| {
            let response = ui.allocate_rect(rect, Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, text));
            paint(ui, rect, galley, color);
            let square = Rect::from_center_size(
                pos2(rect.right() - 20.0, rect.top() + theme::PADDING + 8.0),
                vec2(theme::ROW, theme::ROW),
            );
            button::bare(ui, square, "Put the message away", Icon::Close).clicked()
        });
        if closed.inner && self.own.take().is_none() {
            self.read = status.error.clone().or_else(|| status.warning.clone());
        }
    }
}

fn layout(ui: &Ui, text: &str, width: f32) -> Arc<Galley> {
    let job = LayoutJob::simple(text.to_owned(), theme::body(), theme::TEXT, width);
    ui.painter().layout_job(job)
}

fn paint(ui: &Ui, rect: Rect, galley: Arc<Galley>, color: Color32) {
    let painter = ui.painter();
    let radius = CornerRadius::same(theme::CARD_RADIUS);
    painter.add(ui.visuals().popup_shadow.as_shape(rect, radius));
    painter.rect(rect, radius, theme::RAISED, Stroke::new(1.0, theme::fade(color, 0.7)), StrokeKind::Inside);
    let bar =
        Rect::from_min_size(rect.min + vec2(theme::PADDING, theme::PADDING), vec2(3.0, galley.size().y));
    painter.rect_filled(bar, CornerRadius::same(1), color);
    painter.galley(rect.min + vec2(theme::PADDING + 12.0, theme::PADDING), galley, theme::TEXT);
}
