"""How a training went, as a picture that can be looked at meanwhile, and as a page at its end."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from neural_distortion import analysis
from neural_distortion._typing import Audio, PathLike
from neural_distortion.training.perceptron_fit import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neural_distortion.training.proof import Fit

_PICTURE_MS = 20.0

_AUDIBLE_S = 8.0
"""The longest passage to listen to."""


def draw_history(axes: "Axes", history: Sequence[Epoch]) -> None:
    """Draw the loss and the error over the epochs, while the project's style is in force."""
    from matplotlib.ticker import LogLocator, NullFormatter

    from neural_distortion.analysis.figure import legend
    from neural_distortion.plot import DRY, WET

    numbers = [epoch.number for epoch in history]
    mark = "o" if len(history) == 1 else None
    for name, colour, width, values in (
        ("loss", DRY, 1.6, [epoch.loss for epoch in history]),
        ("ESR", WET, 2.4, [epoch.esr for epoch in history]),
    ):
        axes.plot(numbers, values, color=colour, linewidth=width, label=name, marker=mark)
    best = min(history, key=lambda epoch: epoch.esr)
    axes.plot(best.number, best.esr, "o", color=WET, markersize=8, label="best")
    axes.set(xlabel="epoch", yscale="log", xlim=(0, history[0].total))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    legend(axes)


def plot_history(history: Sequence[Epoch], path: PathLike, *, title: str) -> None:
    """Write a picture of the training so far, in one go, so that it can be looked at meanwhile.

    Parameters
    ----------
    history : sequence of Epoch
        At least one.
    path : path-like
        Where to: a PNG file.
    title : str
        What is trained.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from neural_distortion.plot import STYLE

    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    last = history[-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        told = f"{title}: ESR {last.best_esr:.2e} after {last.number} of {last.total} epochs"
        figure.suptitle(told, x=0.01, horizontalalignment="left", fontweight="bold", fontsize=13)
        draw_history(figure.subplots(), history)
        figure.savefig(partial, format="png")
    partial.replace(target)


def to_html(fit: "Fit", *, name: str) -> str:
    """Return a page that needs no other file: how the training went, and how the model sounds."""
    from neural_distortion.analysis.figure import svg
    from neural_distortion.analysis.page import card, document

    worst = int(np.argmax(fit.errors[-1]))
    target, prediction = fit.target[worst], fit.prediction[worst]
    rate = fit.sample_rate
    null = analysis.null_test(target, prediction, rate, align=False)
    last = fit.history[-1]
    summary = {
        "ESR": f"{fit.esr:.3g}",
        "ESR in dB": f"{10 * np.log10(fit.esr):.1f} dB",
        "weights": f"{fit.num_parameters:,}",
        "epochs": f"{last.number} of {last.total}",
        "engine against training": f"{fit.difference:.1e}",
        "roundings of PyTorch": f"{fit.rounding:.1e}",
    }
    sizes = {
        f"size {number} of {len(fit.errors)}": f"ESR {np.mean(errors):.3g}"
        for number, errors in enumerate(fit.errors, start=1)
        if len(fit.errors) > 1
    }
    takes = {
        setting: f"ESR {error:.3g}"
        for setting, error in zip(fit.settings, fit.errors[-1], strict=True)
        if len(fit.settings) > 1
    }
    knobs = ", ".join(f"{knob.name} {knob.default:g}" for knob in fit.model.parameters)
    which = f" Of the worst recording, {fit.settings[worst]}." if len(fit.settings) > 1 else ""
    sections = [
        card(
            "Learning",
            svg(lambda axes: draw_history(axes, fit.history), (7.0, 3.9)),
            {"lowest error": f"in epoch {min(fit.history, key=lambda epoch: epoch.esr).number}"},
            "What was minimised, and the error on what was held out, as the engine plays it.",
        ),
        card(
            "Waveform",
            svg(lambda axes: _draw_waveforms(axes, target, prediction, rate), (7.0, 3.9)),
            {},
            f"Where it is loudest.{which}",
        ),
        card(
            "Spectrum",
            null.svg(),
            {"residual's peak": f"{null.residual_peak_db:.1f} dBFS"},
            f"The recording, and what the model misses of it.{which}",
        ),
        card(
            "Transfer curve",
            analysis.transfer_curve(fit.model).svg(),
            {},
            "Output of the model against its input, over one period of a sine. A loop means memory."
            + (f" With {knobs}." if knobs else ""),
        ),
        card("To listen to", _players(target, prediction, rate), {}, f"A passage that was held out.{which}"),
    ]
    if takes or sizes:
        told = "On what was held out: 0 is perfect, 1 is silence."
        sections.append(card("Errors", "", {**takes, **sizes}, told))
    numbers = {
        "arch": fit.arch,
        "esr": fit.esr,
        "errors": fit.errors,
        "difference": fit.difference,
        "rounding": fit.rounding,
        "history": [vars(epoch) for epoch in fit.history],
    }
    return document(
        name,
        "trained",
        f"{fit.arch} at {rate} Hz, on {fit.dry.shape[1] / rate:.1f} s that were held out",
        summary,
        sections,
        json.dumps(numbers, separators=(",", ":"), default=str),
    )


def _draw_waveforms(axes: "Axes", target: Audio, prediction: Audio, sample_rate: int) -> None:
    """Draw the recording and the model over each other, where the recording is loudest."""
    from neural_distortion.analysis.figure import legend
    from neural_distortion.plot import DRY, WET

    reach = round(_PICTURE_MS / 2e3 * sample_rate)
    middle = int(np.argmax(np.abs(target)))
    part = slice(max(0, middle - reach), middle + reach)
    time_ms = np.arange(target.size)[part] / sample_rate * 1e3
    axes.plot(time_ms, target[part], color=DRY, linewidth=2.6, label="recording")
    axes.plot(time_ms, prediction[part], color=WET, linewidth=1.6, label="model")
    axes.set(xlabel="time (ms)", ylabel="amplitude (full scale = 1)", xlim=(time_ms[0], time_ms[-1]))
    legend(axes)


def _players(target: Audio, prediction: Audio, sample_rate: int) -> str:
    """Return the loudest passage of the recording, of the model, and of their difference, to be played."""
    frames = min(round(_AUDIBLE_S * sample_rate), target.size)
    energy = np.concatenate([[0.0], np.cumsum(np.square(target, dtype=np.float64))])
    start = int(np.argmax(energy[frames:] - energy[:-frames]))
    part = slice(start, start + frames)
    signals = {
        "recording": target[part],
        "model": prediction[part],
        "difference": target[part] - prediction[part],
    }
    peak = max(float(np.abs(signal).max()) for signal in signals.values())
    return "".join(
        f"<label>{name}<audio controls src='{_source(signal / peak, sample_rate)}'></audio></label>"
        for name, signal in signals.items()
    )


def _source(signal: Audio, sample_rate: int) -> str:
    """Return audio as the address of an audio element."""
    content = io.BytesIO()
    soundfile.write(content, signal, sample_rate, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(content.getvalue()).decode()
