"""``neural-distortion info``: what a model is."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from neural_distortion.cli.console import messages, output
from neural_distortion.cli.option import Loading, with_loading
from neural_distortion.model import Model, load


@with_loading
def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")], *, loading: Loading
) -> None:
    """Say what a model is: its kind, size and rate, and what its file tells about it."""
    loaded = load(model, **loading)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for name, value in facts(loaded).items():
        table.add_row(name, escape(value))
    output.print(f"[bold]{escape(model.name)}[/]")
    output.print(table)
    for warning in loaded.metadata.warnings:
        messages.print(f"[yellow]warning:[/] {escape(warning)}")


def facts(model: Model) -> dict[str, str]:
    """Return what there is to say about ``model``, ready to be shown."""
    rate = model.sample_rate
    memory = f"{model.receptive_field} samples"
    if rate:
        memory += f" ({model.receptive_field / rate * 1e3:.3g} ms)"
    told = dataclasses.asdict(model.metadata)
    del told["raw"], told["warnings"]
    sizes = [f"{size:.3g}" for size in model.sizes]
    return {
        "architecture": model.architecture,
        "weights": f"{model.num_parameters:,}",
        "sizes": f"{len(sizes)}, from quality {', '.join(sizes)}" if len(sizes) > 1 else "1",
        **{
            knob.name: f"{knob.minimum:g} to {knob.maximum:g}, {knob.default:g} unless set"
            for knob in model.parameters
        },
        "sample rate": f"{rate:g} Hz" if rate else "any (the file has none)",
        "receptive field": memory,
        "latency": f"{model.latency_samples} samples",
        **dict(_told(name, value) for name, value in told.items() if value is not None),
    }


def _told(name: str, value: str | float) -> tuple[str, str]:
    """Return a field of the metadata as a line of the table."""
    words = name.replace("esr", "ESR").split("_")
    unit = {"db": " dB", "dbu": " dBu"}.get(words[-1], "")
    shown = value if isinstance(value, str) else f"{value:.4g}"
    return " ".join(words[:-1] if unit else words), shown + unit
