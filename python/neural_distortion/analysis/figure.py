"""The parts that the pictures of the measurements share: themes, axes, and SVG."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator

from neural_distortion.analysis.probe import Real
from neural_distortion.plot import DARK, PALETTE, STYLE

_DECADES: Final = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)

_PIXELS_PER_INCH: Final = 90
"""Of the pictures within an SVG."""

_MARGINS: Final = (0.72, 0.12, 0.52, 0.36)
"""Room for the labels of an SVG, in inches: left, right, bottom, top."""

_VARIABLES: Final = {
    STYLE["text.color"]: "ink",
    STYLE["axes.edgecolor"]: "edge",
    STYLE["grid.color"]: "grid",
    **dict(zip(PALETTE, ("blue", "vermilion", "green", "purple", "orange", "sky"), strict=True)),
}
"""The colours that an SVG takes from its page, where that defines CSS variables of these names."""

NOTEBOOK: Final = ";".join(
    f"--{_VARIABLES[colour]}: var(--jp-{theirs}, var(--vscode-{editor}, {colour}))"
    for colour, theirs, editor in (
        (STYLE["text.color"], "content-font-color1", "foreground"),
        (STYLE["axes.edgecolor"], "border-color1", "widget-border"),
        (STYLE["grid.color"], "border-color2", "widget-border"),
    )
)
"""CSS that takes the neutral colours from the theme of Jupyter, or of its like in VS Code."""


@contextmanager
def drawing(
    ax: Axes | None, *, dark: bool, title: str, size: tuple[float, float] = (7.0, 3.9)
) -> Iterator[Axes]:
    """Yield ``ax``, or axes of a new figure, while the project's style is in force."""
    if ax is not None:
        dark = sum(to_rgb(ax.get_facecolor())) < 1.5
    with mpl.rc_context(STYLE | (DARK if dark else {})):
        if ax is None:
            import matplotlib.pyplot as plt

            figure, ax = plt.subplots(figsize=size, layout="constrained")
            figure.suptitle(title, x=0.01, horizontalalignment="left", fontweight="bold", fontsize=13)
        yield ax


def frequency_axis(ax: Axes, low_hz: float, high_hz: float) -> None:
    """Make the x axis one of frequency, logarithmic, with ticks at 1, 2 and 5."""
    ax.set(xscale="log", xlim=(low_hz, high_hz), xlabel="frequency (Hz)")
    ax.xaxis.set_major_locator(FixedLocator([f for f in _DECADES if low_hz <= f <= high_hz]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"))


def legend(ax: Axes, *, columns: int = 4) -> None:
    """Name the curves, above the plot, where none of them passes."""
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        borderaxespad=0.2,
        borderpad=0.2,
        columnspacing=1.4,
        handlelength=1.6,
        fontsize=10,
    )


def headroom(levels_db: Real) -> float:
    """Return where an axis of levels against a reference ends: 6 dB above it, or above what is louder."""
    return float(np.fmax.reduce(levels_db, initial=0.0)) + 6


def decibel_axis(ax: Axes, label: str, values: Iterable[float], *, depth_db: float) -> None:
    """Make the y axis one of dB: it ends at the ten above the values, and starts ``depth_db`` below that."""
    top = 10.0 * np.ceil(np.nanmax(list(values)) / 10.0 + 0.05)
    ax.set(ylabel=label, ylim=(top - depth_db, top))
    ax.yaxis.set_major_locator(MultipleLocator(20))


def svg(plot: Callable[[Axes], object], size: tuple[float, float]) -> str:
    """Return a plot as an SVG element: text stays text, and colours are CSS variables."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": "neural-distortion", "font.family": "sans-serif"}
    with mpl.rc_context(STYLE | settings):
        figure = Figure(figsize=size)
        (width, height), (left, right, bottom, top) = size, _MARGINS
        figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
        plot(figure.subplots())
        page = io.StringIO()
        metadata = {"Date": None, "Creator": None}
        figure.savefig(page, format="svg", transparent=True, dpi=_PIXELS_PER_INCH, metadata=metadata)
    text = page.getvalue()
    text = text[text.index("<svg") :]
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name}, {colour})")
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
