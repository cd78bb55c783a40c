//! The spectrum of what goes out, over that of what comes in.

use std::fmt;
use std::sync::Arc;

use egui::epaint::PathStroke;
use egui::{Align2, Mesh, Pos2, Rect, Shape, Stroke, Ui, pos2};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use super::{button, theme};

/// Frames that are looked at.
pub(crate) const FRAMES: usize = 8192;
/// Points of the picture, from the lowest to the highest frequency.
const POINTS: usize = 220;
/// Lowest and highest frequency, in Hz.
const BAND: [f32; 2] = [30.0, 20_000.0];
/// Lowest and highest level, in dB: a sine of full scale is at 0.
const RANGE: [f32; 2] = [-100.0, 0.0];
/// How fast a level falls, in dB per second.
const FALL: f32 = 60.0;

/// Transforms signals and remembers their spectra.
pub(crate) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    frames: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// Levels of the input and of the output, in dB.
    levels: [Vec<f32>; 2],
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectrum").finish_non_exhaustive()
    }
}

impl Default for Spectrum {
    fn default() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FRAMES);
        let window =
            (0..FRAMES).map(|n| (std::f32::consts::PI * n as f32 / FRAMES as f32).sin().powi(2)).collect();
        Self {
            window,
            frames: vec![0.0; FRAMES],
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            levels: [vec![RANGE[0]; POINTS], vec![RANGE[0]; POINTS]],
            fft,
        }
    }
}

impl Spectrum {
    /// Takes the latest [`FRAMES`] pairs of input and output, `seconds` after the last time.
    pub(crate) fn update(&mut self, pairs: &[[f32; 2]], sample_rate: f32, seconds: f32) {
        for side in [0, 1] {
            for ((frame, pair), weight) in self.frames.iter_mut().zip(pairs).zip(&self.window) {
                *frame = if pair[side].is_finite() { pair[side] * weight } else { 0.0 };
            }
            self.fft
                .process_with_scratch(&mut self.frames, &mut self.bins, &mut self.scratch)
                .expect("the buffers were made for this transform");
            // The window's mean is a half, and each real sine has half of its amplitude at its positive frequency.
            let scale = 4.0 / FRAMES as f32;
            for (point, level) in self.levels[side].iter_mut().enumerate() {
                let magnitude = strongest(&self.bins, point, sample_rate) * scale;
                *level = (20.0 * magnitude.log10()).max(*level - FALL * seconds).clamp(RANGE[0], 20.0);
            }
        }
    }

    /// Draws both spectra.
    pub(crate) fn show(&self, ui: &mut Ui, rect: Rect) {
        let painter = ui.painter();
        button::frame(painter, rect, theme::WELL, false);
        let inner = rect.shrink(1.0);
        let plot = Rect::from_min_max(inner.min, pos2(inner.right(), inner.bottom() - 18.0));
        let x = |part: f32| plot.left() + part * plot.width();
        let y = |level: f32| {
            let part = ((level - RANGE[0]) / (RANGE[1] - RANGE[0])).clamp(0.0, 1.0);
            plot.bottom() - part * plot.height()
        };
        let grid = Stroke::new(1.0, theme::fade(theme::LINE, 0.5));
        for (hertz, name) in [(100.0, "100"), (1000.0, "1k"), (10_000.0, "10k")] {
            let at = x(place(hertz));
            painter.vline(at, plot.y_range(), grid);
            let foot = pos2(at, inner.bottom() - 4.0);
            painter.text(foot, Align2::CENTER_BOTTOM, name, theme::scale(), theme::FAINT);
        }
        let foot = pos2(inner.right() - 5.0, inner.bottom() - 4.0);
        painter.text(foot, Align2::RIGHT_BOTTOM, "Hz", theme::scale(), theme::FAINT);
        for level in [-20.0, -40.0, -60.0, -80.0] {
            painter.hline(plot.x_range(), y(level), grid);
            let at = pos2(plot.left() + 5.0, y(level) - 1.0);
            let text = format!("{level:.0}").replace('-', "−");
            painter.text(at, Align2::LEFT_BOTTOM, text, theme::scale(), theme::FAINT);
        }

        let points = |side: usize| -> Vec<Pos2> {
            let part = |index: usize| (index as f32 + 0.5) / POINTS as f32;
            self.levels[side].iter().enumerate().map(|(i, &level)| pos2(x(part(i)), y(level))).collect()
        };
        let [input, output] = [points(0), points(1)];
        let clipped = ui.painter_at(plot);
        let mut fill = Mesh::default();
        for (index, point) in output.iter().enumerate() {
            let height = (plot.bottom() - point.y) / plot.height();
            fill.colored_vertex(*point, theme::fade(theme::ACCENT, 0.05 + 0.35 * height));
            fill.colored_vertex(pos2(point.x, plot.bottom()), theme::fade(theme::ACCENT, 0.03));
            if index > 0 {
                let last = 2 * index as u32;
                fill.add_triangle(last - 2, last - 1, last);
                fill.add_triangle(last - 1, last, last + 1);
            }
        }
        clipped.add(fill);
        clipped.add(Shape::line(input, PathStroke::new(1.0, theme::fade(theme::QUIET, 0.6))));
        clipped.add(Shape::line(output, PathStroke::new(1.5, theme::ACCENT)));

        let legend = pos2(inner.right() - 8.0, inner.top() + 8.0);
        let out = painter.text(legend, Align2::RIGHT_TOP, "out", theme::scale(), theme::ACCENT);
        painter.text(
            out.left_top() - egui::vec2(8.0, 0.0),
            Align2::RIGHT_TOP,
            "in",
            theme::scale(),
            theme::QUIET,
        );
    }
}

/// Where a frequency lies between the ends of the picture, from 0 to 1.
fn place(hertz: f32) -> f32 {
    (hertz / BAND[0]).ln() / (BAND[1] / BAND[0]).ln()
}

/// The frequency at a place between the ends of the picture.
fn frequency(place: f32) -> f32 {
    BAND[0] * (BAND[1] / BAND[0]).powf(place)
}

/// The largest magnitude of the bins that a point stands for; between two bins where there is none.
fn strongest(bins: &[Complex32], point: usize, sample_rate: f32) -> f32 {
    let bin = |place: f32| frequency(place) * FRAMES as f32 / sample_rate.max(1.0);
    let [low, high] = [point, point + 1].map(|index| bin(index as f32 / POINTS as f32));
    let magnitude = |index: usize| bins.get(index).map_or(0.0, |bin| bin.norm());
    let [first, last] = [low.ceil() as usize, high.floor() as usize];
    if first <= last {
        (first..=last.min(bins.len())).map(magnitude).fold(0.0, f32::max)
    } else {
        let at = 0.5 * (low + high);
        egui::lerp(magnitude(at as usize)..=magnitude(at as usize + 1), at.fract())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f32, sample_rate: f32) -> Vec<[f32; 2]> {
        let angle = |n: usize| std::f32::consts::TAU * hertz * n as f32 / sample_rate;
        (0..FRAMES).map(|n| [0.0, angle(n).sin()]).collect()
    }

    #[test]
    fn a_sine_of_full_scale_stands_at_its_frequency_and_at_0_db() {
        for sample_rate in [44_100.0, 96_000.0] {
            let mut spectrum = Spectrum::default();
            spectrum.update(&sine(1000.0, sample_rate), sample_rate, 1.0);
            let levels = &spectrum.levels[1];
            let highest =
                (0..POINTS).max_by(|&a, &b| levels[a].total_cmp(&levels[b])).expect("there are points");
            let wanted = place(1000.0) * POINTS as f32;
            assert!((highest as f32 - wanted).abs() < 2.0, "at {highest}, not {wanted}");
            assert!(levels[highest].abs() < 1.5, "level {} dB", levels[highest]);
            assert!(levels[POINTS / 8] < -80.0, "elsewhere {} dB", levels[POINTS / 8]);
            assert_eq!(spectrum.levels[0], vec![RANGE[0]; POINTS], "the silent input");
        }
    }
}
