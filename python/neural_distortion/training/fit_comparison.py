"""Many fits side by side, as a page."""

import functools
import json
import math
import posixpath
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from neural_distortion.training.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from neural_distortion.training.cluster import Fits

_HEADINGS: Final = (
    "recording",
    "knobs",
    "network",
    "seed",
    "ESR",
    "in dB",
    "weights",
    "ns per sample",
    "epochs",
    "model",
    "remarks",
)

_SIZE: Final = (7.0, 3.9)


def to_html(fits: "Fits") -> str:
    """Return a page that needs no other file but links to those of the fits beside it."""
    from neural_distortion.analysis.figure import svg
    from neural_distortion.analysis.page import card, document

    groups: dict[str, list[Outcome]] = {}
    for outcome in fits:
        groups.setdefault(outcome.recording, []).append(outcome)
    with_model = [outcome for outcome in fits if outcome.model is not None]
    failed = [outcome for outcome in fits if outcome.model is None]
    sections = [_table(fits)]
    if with_model:
        sections.append(
            card(
                "What an error costs",
                svg(lambda axes: _draw_cost(axes, fits, with_model), _SIZE),
                {},
                "A dot is a model: further down it errs less, further left it plays faster.",
            )
        )
    for recording, outcomes in groups.items():
        if any(outcome.history for outcome in outcomes):
            sections.append(
                card(
                    recording,
                    svg(functools.partial(_draw_histories, outcomes=outcomes), _SIZE),
                    {},
                    "The error on what was held out, as each fit went on.",
                )
            )
    if failed:
        sections.append(
            card("Failed", "", {one.name: one.reason for one in failed}, "What came to nothing, and why.")
        )
    states: list[str] = [outcome.state for outcome in fits]
    summary: dict[str, str] = {
        state: str(states.count(state)) for state in ("trained", "stopped", "failed") if state in states
    }
    if with_model:
        best = min(with_model, key=lambda outcome: outcome.esr)
        summary["least ESR"] = f"{best.esr:.3g}"
        summary["engine against training"] = f"{max(outcome.difference for outcome in with_model):.1e}"
    numbers = [
        {
            **{
                key: getattr(one, key)
                for key in ("name", "recording", "setting", "network", "arch", "seed", "state")
            },
            "reason": one.reason,
            "esr": one.esr if one.model else None,
            "num_parameters": one.num_parameters,
            "ns_per_sample": fits.ns_per_sample.get(one.name),
            "history": [(epoch.number, epoch.esr) for epoch in one.history if epoch.esr < math.inf],
        }
        for one in fits
    ]
    many = f"{len(fits)} fits" if len(fits) > 1 else "1 fit"
    return document(
        fits.name,
        "compared",
        f"{many} to {len(groups)} recording{'s' if len(groups) > 1 else ''}",
        summary,
        sections,
        json.dumps(numbers, separators=(",", ":"), allow_nan=False),
    )


def _table(fits: "Fits") -> str:
    """Return all fits as a part of the page: of those to one thing, the best first."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in fits:
        groups.setdefault((outcome.recording, outcome.setting), []).append(outcome)
    rows = []
    for outcomes in groups.values():
        ranked = sorted(outcomes, key=lambda one: (one.model is None, one.esr if one.model else 0.0))
        rows += [_row(one, fits, best=index == 0 and len(ranked) > 1) for index, one in enumerate(ranked)]
    heading = "".join(f"<th scope='col'>{name}</th>" for name in _HEADINGS)
    return (
        "<section class='wide'><h2>All fits</h2>"
        "<p>The best of each recording and setting first. The error-to-signal ratio (ESR) is that on what "
        "was held out: 0 is perfect, 1 is silence. Speed is that of one core.</p>"
        f"<figure></figure><table><tr>{heading}</tr>{''.join(rows)}</table></section>"
    )


def _row(one: Outcome, fits: "Fits", *, best: bool) -> str:
    """Return a row of the table."""
    names = [escape(one.recording), escape(one.setting), escape(one.network), str(one.seed)]
    if one.model is None or one.report is None:
        cells = [*names, "", "", "", "", "", "", f"failed: {escape(one.reason)}"]
    else:
        cells = [
            *names,
            f"{one.esr:.3g}",
            f"{_decibels(one.esr):.1f}",
            f"{one.num_parameters:,}",
            f"{fits.ns_per_sample[one.name]:.1f}",
            f"{len(one.history)} of {one.history[-1].total}",
            f"{_link(one, one.model, one.model.suffix)}, {_link(one, one.report, 'training')}",
            escape(one.reason) if one.proven else f"not proven, {escape(one.reason)}".removesuffix(", "),
        ]
    shown = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr class='best'>{shown}</tr>" if best and one.model else f"<tr>{shown}</tr>"


def _link(one: Outcome, path: Path, text: str) -> str:
    """Return a link to a file of a fit, from the page beside its folder."""
    address = quote(posixpath.join(posixpath.dirname(one.name), path.name))
    return f"<a href='{address}'>{escape(text)}</a>"


def _decibels(esr: float) -> float:
    return 10 * math.log10(esr) if esr > 0 else -math.inf


def _colours(names: Sequence[str]) -> dict[str, str]:
    """Return a colour of the palette for each name, as long as there are any."""
    from neural_distortion.plot import PALETTE

    unique = list(dict.fromkeys(names))
    return {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(unique)}


def _draw_histories(axes: "Axes", *, outcomes: Sequence[Outcome]) -> None:
    """Draw the errors of all fits to a recording as they went on, in a colour for each network."""
    from neural_distortion.analysis.figure import legend

    colours = _colours([one.network for one in outcomes])
    named = set()
    for one in outcomes:
        if not one.history:
            continue
        done = [100 * epoch.number / epoch.total for epoch in one.history]
        errors = [epoch.esr for epoch in one.history]
        label = None if one.network in named else one.network
        named.add(one.network)
        colour = colours[one.network]
        axes.plot(done, errors, color=colour, linewidth=1.4, label=label)
        axes.plot(done[-1], errors[-1], "x" if one.state == "stopped" else "o", color=colour, markersize=5)
    axes.set(xlabel="epochs (%)", xlim=(0, 101))
    _error_axis(axes, [epoch.esr for one in outcomes for epoch in one.history])
    legend(axes)


def _draw_cost(axes: "Axes", fits: "Fits", outcomes: Sequence[Outcome]) -> None:
    """Draw the errors over the time of a sample, in a colour for each network."""
    from neural_distortion.analysis.figure import legend

    for network, colour in _colours([one.network for one in outcomes]).items():
        these = [one for one in outcomes if one.network == network]
        speeds = [fits.ns_per_sample[one.name] for one in these]
        axes.plot(speeds, [one.esr for one in these], "o", color=colour, markersize=6, label=network)
    axes.set(xlabel="time of a sample (ns)", xscale="log")
    _plain(axes.xaxis)
    _error_axis(axes, [one.esr for one in outcomes])
    legend(axes)


def _error_axis(axes: "Axes", errors: Sequence[float]) -> None:
    """Make the y axis one of errors, of a decade at least: smaller differences are to look small."""
    finite = [error for error in errors if 0 < error < math.inf] or [1.0]
    low, high = min(finite) / 1.2, max(finite) * 1.2
    axes.set(ylabel="ESR", yscale="log", ylim=(min(low, high / 10), high))
    _plain(axes.yaxis)


def _plain(axis: "Axis") -> None:
    """Have numbers as one writes them on a logarithmic axis, at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
