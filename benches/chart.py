"""The bar chart of a report: ``chart.py report.json chart.svg``."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

BLOCK = 64
# Okabe and Ito's colours, which everybody can tell apart; also of different lightness, for print.
COLOURS = ["#0072B2", "#56B4E9", "#BBBBBB", "#E69F00", "#D55E00", "#009E73"]


def time_of(model: dict[str, Any], engine: str, instruction_set: str | None) -> float:
    """Return the nanoseconds of a sample, NaN where the engine does not play the model."""
    found = [
        timing
        for timing in model["timings"]
        if timing["engine"] == engine and timing["instruction_set"] == instruction_set
    ]
    usual = [timing for timing in found if timing["block"] == BLOCK] or found
    return float(usual[0]["ns"]) if usual else float("nan")


def main() -> None:
    """Draw the times of all engines, and the limits."""
    report = json.loads(Path(sys.argv[1]).read_text())
    models = report["models"]
    ours = [("neural-distortion", name) for name in report["instruction_sets"]]
    series = ours + [(name, None) for name in report["versions"]]

    mpl.rcParams["svg.hashsalt"] = "neural-distortion"  # the same picture from the same figures
    figure, axes = plt.subplots(figsize=(10, 0.62 * len(models) + 1.6), layout="constrained")
    rows = np.arange(len(models))
    height = 0.84 / len(series)
    for index, ((engine, instruction_set), colour) in enumerate(zip(series, COLOURS, strict=False)):
        times = np.array([time_of(model, engine, instruction_set) for model in models])
        label = f"{engine}, {instruction_set}" if instruction_set else engine
        y = rows + (index - (len(series) - 1) / 2) * height
        axes.barh(y, times, height, color=colour, label=label)
        if instruction_set:
            limits = [model["limit_ns"][instruction_set] for model in models]
            label = "limit of the machine" if index == 0 else None
            axes.vlines(limits, y - height / 2, y + height / 2, color="black", linewidth=2, label=label)
    axes.set(
        xscale="log",
        xlabel=f"nanoseconds a sample, blocks of {BLOCK}: shorter is faster. {report['processor']}",
        ylim=(-0.6, len(models) - 0.4),
    )
    axes.axvline(1e9 / 48_000, color="black", linestyle=":", linewidth=1)
    axes.annotate(
        "real time\nat 48 kHz",
        (1e9 / 48_000, 0),
        (4, 0),
        textcoords="offset points",
        fontsize="small",
        va="center",
    )
    axes.set_yticks(rows, [model["name"] for model in models])
    axes.invert_yaxis()
    axes.grid(axis="x", which="major", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    axes.xaxis.set_major_formatter("{x:g}")
    figure.savefig(sys.argv[2], metadata={"Date": None} if sys.argv[2].endswith("svg") else None)


if __name__ == "__main__":
    main()
