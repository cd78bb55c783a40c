"""Pictures of what a model does, all in one style.

The colours are of the palette of Okabe and Ito (2008), which colour-blind readers tell apart; the dry signal
is always blue and dashed, the wet one vermilion and bold.
"""

from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neural_distortion._typing import Audio

DRY: Final = "#0072b2"
WET: Final = "#d55e00"
_INK: Final = "#262626"
_PALE: Final = "#6f6f6f"

STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#b8b8b8",
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "text.color": _INK,
    "xtick.color": "#b8b8b8",
    "xtick.labelcolor": _INK,
    "xtick.labelsize": 10,
    "ytick.color": "#b8b8b8",
    "ytick.labelcolor": _INK,
    "ytick.labelsize": 10,
}

DARK: Final[dict[Any, Any]] = {
    "axes.edgecolor": "#5a5a5a",
    "axes.facecolor": "#16181c",
    "axes.labelcolor": "#e4e4e4",
    "figure.facecolor": "#16181c",
    "grid.color": "#303338",
    "savefig.facecolor": "#16181c",
    "text.color": "#e4e4e4",
    "xtick.color": "#5a5a5a",
    "xtick.labelcolor": "#e4e4e4",
    "ytick.color": "#5a5a5a",
    "ytick.labelcolor": "#e4e4e4",
}
"""What a dark background changes in the style."""

PALETTE: Final = (DRY, WET, "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""The colours of curves, in order; the first four can be told from a white and from a dark background."""


def waveforms(dry: Audio, wet: Audio, sample_rate: float, *, title: str, subtitle: str = "") -> Figure:
    """Plot a dry and a wet signal over time.

    Parameters
    ----------
    dry, wet : Audio [shape=(frames,)]
        A few periods.
    sample_rate : float > 0
        Their rate, in Hz.
    title, subtitle : str
        What is seen, and of which model.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _page((9, 4.8), title, subtitle)
        time_ms = np.arange(dry.size) / sample_rate * 1e3
        axes.axhline(0, color="#b8b8b8", linewidth=0.8)
        axes.plot(time_ms, dry, color=DRY, linewidth=1.6, linestyle=(0, (5, 2)), label="dry")
        axes.plot(time_ms, wet, color=WET, linewidth=2.6, label="wet")
        axes.set(xlabel="time (ms)", ylabel="amplitude (full scale = 1)")
        axes.margins(x=0)
        axes.locator_params(axis="y", nbins=8)
        _legend(axes)
    return figure


def transfer_curve(dry: Audio, wet: Audio, *, title: str, subtitle: str = "") -> Figure:
    """Plot the output of a model against its input; a model with memory draws a loop.

    Parameters
    ----------
    dry, wet : Audio [shape=(frames,)]
        One period of a sine and what became of it.
    title, subtitle : str
        What is seen, and of which model.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _page((6, 6.4), title, subtitle)
        full = float(np.abs(dry).max())
        edge = 1.08 * max(full, float(np.abs(wet).max()))
        axes.axhline(0, color="#b8b8b8", linewidth=0.8)
        axes.axvline(0, color="#b8b8b8", linewidth=0.8)
        axes.plot([-full, full], [-full, full], color=DRY, linewidth=1.6, linestyle=(0, (5, 2)), label="dry")
        axes.plot(dry, wet, color=WET, linewidth=2.6, label="wet")
        axes.locator_params(nbins=5)
        axes.set(
            xlabel="input (full scale = 1)",
            ylabel="output (full scale = 1)",
            xlim=(-edge, edge),
            ylim=(-edge, edge),
            aspect="equal",
        )
        _legend(axes)
    return figure


def _page(size: tuple[float, float], title: str, subtitle: str) -> tuple[Figure, Axes]:
    """Return an empty figure of a size in inches, with its heading."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=14, fontweight="bold", pad=28 if subtitle else 12)
    axes.annotate(
        subtitle,
        (0, 1),
        (0, 10),
        xycoords="axes fraction",
        textcoords="offset points",
        color=_PALE,
        fontsize=10.5,
    )
    return figure, axes


def _legend(axes: Axes) -> None:
    """Name the curves, above the plot and at its right, where none of them passes."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0.3, fontsize=11
    )
