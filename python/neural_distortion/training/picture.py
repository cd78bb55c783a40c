"""What is seen of a recording that was checked."""

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from neural_distortion.analysis.figure import frequency_axis, legend
from neural_distortion.plot import DRY, PALETTE, STYLE, WET

if TYPE_CHECKING:
    from neural_distortion.training.inspection import CaptureReport

_ENVELOPE_S = 0.05
_SEVERITIES = {"error": "#b3261e", "warning": PALETTE[4], "note": PALETTE[5]}
_FINE = PALETTE[2]


def draw_levels(report: "CaptureReport", axes: Axes) -> None:
    """Draw the levels of both signals over time, and where faults are."""
    for name, levels_db, colour, width in (
        ("dry", report.envelopes[0], DRY, 1.0),
        ("wet", report.envelopes[1], WET, 1.4),
    ):
        time_s = np.arange(levels_db.size) * _ENVELOPE_S
        axes.plot(time_s, levels_db, color=colour, linewidth=width, label=name)
    end_s = max(levels_db.size for levels_db in report.envelopes) * _ENVELOPE_S
    for finding in report.findings:
        colour = _SEVERITIES[finding.severity]
        for number, (start, end) in enumerate(finding.where_s):
            label = finding.name if number == 0 else None
            width_s = max(end - start, end_s / 400)
            axes.axvspan(start, start + width_s, ymin=0.94, color=colour, linewidth=0, label=label)
    axes.set(xlabel="time (s)", ylabel="peak (dBFS)", xlim=(0, end_s), ylim=(-120, 10))
    legend(axes, columns=8)


def draw_page(report: "CaptureReport") -> Figure:
    """Return a figure with all that there is to see."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 8.2), layout="constrained")
        heights = [1.1 + 0.32 * max(1, len(report.findings)), 4, 4]
        top, middle, bottom = np.asarray(figure.subfigures(3, 1, height_ratios=heights)).tolist()
        _draw_findings(report, top)
        draw_levels(report, middle.subplots())
        left, right = bottom.subplots(1, 2)
        _draw_delays(report, left)
        _draw_floor(report, right)
    return figure


def _draw_findings(report: "CaptureReport", figure: SubFigure) -> None:
    """Write what was found."""
    lines = [(_SEVERITIES[f.severity], f"{f.severity}: {f.name}", f.text) for f in report.findings]
    lines = lines or [(_FINE, "fine", "nothing is wrong with this recording")]
    count = len(lines) + 1.6
    text = figure.text
    text(0.01, 1 - 0.8 / count, "The recording, checked", fontsize=14, fontweight="bold", va="center")
    for number, (colour, name, told) in enumerate(lines):
        height = 1 - (number + 1.9) / count
        text(0.01, height, "■", color=colour, fontsize=11, va="center")
        text(0.03, height, name, fontsize=11, fontweight="bold", va="center")
        text(0.20, height, told, fontsize=11, va="center")


def _draw_delays(report: "CaptureReport", axes: Axes) -> None:
    """Draw how late each window is, and the line through those that agree."""
    axes.set_title("Delay", loc="left", fontweight="bold", fontsize=12, pad=22)
    axes.set(xlabel="time (s)", ylabel="delay (samples)")
    timing = report.timing
    if timing is None:
        axes.text(0.5, 0.5, "not found", transform=axes.transAxes, ha="center", color="#6f6f6f")
        return
    time_s = timing.frames / report.sample_rate
    agrees = timing.agrees
    line = timing.delay_samples + (timing.ratio - 1) * timing.frames
    axes.plot(time_s[agrees], timing.delays_samples[agrees], "o", color=WET, markersize=4, label="windows")
    axes.plot(time_s, line, color=DRY, linewidth=1.4, linestyle=(0, (5, 2)), label="found")
    around = max(4.0, 1.2 * np.ptp(line))
    axes.set_ylim(line.mean() - around, line.mean() + around)
    legend(axes)


def _draw_floor(report: "CaptureReport", axes: Axes) -> None:
    """Draw the spectrum of what is recorded in silence."""
    axes.set_title("In silence", loc="left", fontweight="bold", fontsize=12, pad=22)
    frequency_axis(axes, 20, 20_000)
    axes.set(ylabel="level (dBFS)", ylim=(-160, 0))
    if report.floor is None:
        axes.text(0.5, 0.5, "not looked at", transform=axes.transAxes, ha="center", color="#6f6f6f")
        return
    frequencies_hz, levels_db = report.floor
    axes.plot(frequencies_hz, np.maximum(levels_db, -200), color=WET, linewidth=1.2)
