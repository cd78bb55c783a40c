//! The transfer curve of the model, with the signal on it.

use egui::epaint::PathStroke;
use egui::{Align2, CornerRadius, Mesh, Painter, Pos2, Rect, Shape, Stroke, Ui, pos2};

use super::{button, theme};

/// Pairs of samples that are shown.
pub(crate) const DOTS: usize = 2048;
/// The ranges that the horizontal axis goes through, as the signal gets softer.
const RANGES: [f32; 5] = [1.0, 0.5, 0.25, 0.125, 0.0625];
/// Part of the way to a new range that is gone in a frame.
const EASE: f32 = 0.2;

/// How far the axes reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axes {
    input: f32,
    output: f32,
}

impl Default for Axes {
    fn default() -> Self {
        Self { input: 1.0, output: 1.0 }
    }
}

impl Axes {
    /// Moves towards what the signal and the curve need.
    ///
    /// The range changes in steps, and back only when the signal is well within the next one, so that it does not
    /// follow each note. Silence leaves it.
    pub(crate) fn follow(&mut self, curve: &[[f32; 2]], dots: &[[f32; 2]]) {
        let loudest = dots.iter().map(|dot| dot[0].abs()).filter(|x| x.is_finite()).fold(0.0, f32::max);
        let settled =
            RANGES.into_iter().min_by(|a, b| (a - self.input).abs().total_cmp(&(b - self.input).abs()));
        let mut wanted = settled.unwrap_or(1.0);
        if loudest > wanted {
            wanted = RANGES.into_iter().rev().find(|&range| range >= loudest).unwrap_or(1.0);
        } else if loudest > 1e-3 {
            wanted = RANGES
                .into_iter()
                .rev()
                .find(|&range| range > 2.2 * loudest)
                .map_or(wanted, |range| range.min(wanted));
        }
        self.input += (wanted - self.input) * EASE;
        let within = curve.iter().filter(|point| point[0].abs() <= wanted).map(|point| point[1]);
        let highest = within
            .chain(dots.iter().map(|dot| dot[1]))
            .map(f32::abs)
            .filter(|y| y.is_finite())
            .fold(0.05, f32::max);
        self.output += (1.1 * highest - self.output) * EASE;
    }
}

/// Draws the curve and the dots: pairs of input and output, the newest last.
pub(crate) fn show(ui: &mut Ui, rect: Rect, axes: Axes, curve: &[[f32; 2]], dots: &[[f32; 2]]) {
    let painter = ui.painter();
    button::frame(painter, rect, theme::WELL, false);
    let inner = rect.shrink(1.0);
    let at = |point: [f32; 2]| {
        pos2(
            inner.center().x + 0.5 * inner.width() * point[0] / axes.input,
            inner.center().y - 0.5 * inner.height() * point[1] / axes.output,
        )
    };
    let clipped = ui.painter_at(inner);
    for part in [-0.5, 0.5] {
        let at = at([part * axes.input, part * axes.output]);
        clipped.vline(at.x, inner.y_range(), Stroke::new(1.0, theme::fade(theme::LINE, 0.5)));
        clipped.hline(inner.x_range(), at.y, Stroke::new(1.0, theme::fade(theme::LINE, 0.5)));
    }
    clipped.vline(inner.center().x, inner.y_range(), Stroke::new(1.0, theme::LINE));
    clipped.hline(inner.x_range(), inner.center().y, Stroke::new(1.0, theme::LINE));

    if !curve.is_empty() {
        let points: Vec<Pos2> = curve.iter().copied().map(at).collect();
        // It is a period of a sine, so its end is its start.
        clipped.add(Shape::closed_line(points, PathStroke::new(1.5, theme::fade(theme::TEXT, 0.75))));
    }
    paint_dots(&clipped, dots, at);

    let mark = |at: Pos2, align: Align2, text: String| {
        let galley = painter.layout_no_wrap(text, theme::scale(), theme::FAINT);
        let place = align.anchor_size(at, galley.size());
        // The curve may go through it.
        painter.rect_filled(place.expand(2.0), CornerRadius::ZERO, theme::fade(theme::WELL, 0.8));
        painter.galley(place.min, galley, theme::FAINT);
    };
    let inset = 6.0;
    mark(
        pos2(inner.right() - inset, inner.center().y + 3.0),
        Align2::RIGHT_TOP,
        format!("in {:.2}", axes.input),
    );
    mark(
        pos2(inner.center().x + 5.0, inner.top() + inset),
        Align2::LEFT_TOP,
        format!("out {:.2}", axes.output),
    );
}

/// Dots that fade with their age. One mesh, because there are many.
fn paint_dots(painter: &Painter, dots: &[[f32; 2]], at: impl Fn([f32; 2]) -> Pos2) {
    let mut mesh = Mesh::default();
    for (index, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.iter().all(|x| x.is_finite())) {
        let age = (index + 1) as f32 / dots.len() as f32;
        let color = theme::fade(theme::ACCENT, 0.08 + 0.6 * age * age);
        mesh.add_colored_rect(Rect::from_center_size(at(*dot), egui::Vec2::splat(1.8)), color);
    }
    painter.add(mesh);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(axes: &mut Axes, loudest: f32) {
        for _ in 0..100 {
            axes.follow(&[[-1.0, -0.5], [1.0, 0.5]], &[[loudest, 0.1], [-loudest, -0.1]]);
        }
    }

    #[test]
    fn a_soft_signal_fills_the_picture() {
        let mut axes = Axes::default();
        settle(&mut axes, 0.05);
        assert!((axes.input - 0.125).abs() < 1e-3, "range {}", axes.input);
        settle(&mut axes, 0.0);
        assert!((axes.input - 0.125).abs() < 1e-3, "silence leaves it");
        settle(&mut axes, 0.9);
        assert!((axes.input - 1.0).abs() < 1e-3, "a loud one opens it again, to {}", axes.input);
    }
}
