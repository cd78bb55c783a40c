//! Signs, drawn rather than taken from a font so that they are sharp at any size.

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Back, or what came before.
    Left,
    /// On, or what comes next.
    Right,
    /// There is a list below.
    Down,
    /// The folder above.
    Up,
    /// A folder.
    Folder,
    /// Away with it.
    Close,
    /// Look for something.
    Search,
    /// On and off.
    Power,
    /// Keep it.
    Save,
    /// No sound.
    Mute,
}

/// Draws a sign in a square of 12 pixels around `center`.
pub(crate) fn paint(painter: &Painter, center: Pos2, icon: Icon, color: Color32) {
    let stroke = Stroke::new(1.5, color);
    let at = |x: f32, y: f32| center + vec2(x, y);
    let line = |points: &[Pos2]| Shape::line(points.to_vec(), stroke);
    match icon {
        Icon::Left => {
            painter.add(line(&[at(2.0, -4.5), at(-2.5, 0.0), at(2.0, 4.5)]));
        }
        Icon::Right => {
            painter.add(line(&[at(-2.0, -4.5), at(2.5, 0.0), at(-2.0, 4.5)]));
        }
        Icon::Down => {
            painter.add(line(&[at(-4.0, -2.0), at(0.0, 2.0), at(4.0, -2.0)]));
        }
        Icon::Up => {
            painter.add(line(&[at(-4.0, 0.0), at(0.0, -4.0), at(4.0, 0.0)]));
            painter.line_segment([at(0.0, -4.0), at(0.0, 5.0)], stroke);
        }
        Icon::Folder => {
            let outline =
                [at(-6.0, 4.5), at(-6.0, -4.5), at(-2.0, -4.5), at(-0.5, -2.5), at(6.0, -2.5), at(6.0, 4.5)];
            painter.add(Shape::closed_line(outline.to_vec(), Stroke::new(1.3, color)));
        }
        Icon::Close => {
            painter.line_segment([at(-3.5, -3.5), at(3.5, 3.5)], stroke);
            painter.line_segment([at(3.5, -3.5), at(-3.5, 3.5)], stroke);
        }
        Icon::Search => {
            painter.circle_stroke(at(-1.0, -1.0), 4.0, stroke);
            painter.line_segment([at(2.0, 2.0), at(5.5, 5.5)], stroke);
        }
        Icon::Power => {
            let points = (0..=24).map(|step| {
                let angle = (-55.0 + step as f32 / 24.0 * 290.0_f32).to_radians();
                center + 5.0 * Vec2::angled(angle)
            });
            painter.add(Shape::line(points.collect(), stroke));
            painter.line_segment([at(0.0, -6.0), at(0.0, -1.0)], stroke);
        }
        Icon::Save => {
            painter.line_segment([at(0.0, -5.5), at(0.0, 2.0)], stroke);
            painter.add(line(&[at(-3.5, -1.5), at(0.0, 2.0), at(3.5, -1.5)]));
            painter.add(line(&[at(-5.5, 2.0), at(-5.5, 5.5), at(5.5, 5.5), at(5.5, 2.0)]));
        }
        Icon::Mute => {
            let body =
                [at(-6.0, -2.0), at(-3.5, -2.0), at(0.0, -5.0), at(0.0, 5.0), at(-3.5, 2.0), at(-6.0, 2.0)];
            painter.add(Shape::closed_line(body.to_vec(), Stroke::new(1.3, color)));
            painter.line_segment([at(2.5, -2.5), at(6.5, 2.5)], stroke);
            painter.line_segment([at(6.5, -2.5), at(2.5, 2.5)], stroke);
        }
    }
}

/// A light that is on or off.
pub(crate) fn light(painter: &Painter, center: Pos2, color: Option<Color32>) {
    if let Some(color) = color {
        painter.circle_filled(center, 6.0, color.gamma_multiply(0.18));
        painter.circle_filled(center, 3.5, color);
    } else {
        painter.circle(center, 3.0, super::theme::WELL, Stroke::new(1.0, super::theme::LINE));
    }
}

/// The two lines of a corner that can be dragged.
pub(crate) fn corner(painter: &Painter, rect: Rect, color: Color32) {
    for inset in [4.0, 8.0] {
        let from = pos2(rect.right() - inset, rect.bottom() - 2.0);
        painter
            .line_segment([from, pos2(rect.right() - 2.0, rect.bottom() - inset)], Stroke::new(1.2, color));
    }
}

/// A card with a name.
pub(crate) fn card(painter: &Painter, rect: Rect) {
    painter.rect(
        rect,
        CornerRadius::same(super::theme::CARD_RADIUS),
        super::theme::CARD,
        Stroke::new(1.0, super::theme::LINE.gamma_multiply(0.7)),
        StrokeKind::Inside,
    );
}
