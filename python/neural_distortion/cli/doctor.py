"""``neural-distortion doctor``: what is in model files, and whether they are sound."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from neural_distortion import health
from neural_distortion.cli.console import messages
from neural_distortion.cli.option import Json, Loading, with_loading
from neural_distortion.health import Finding, Report

STATUS = {"sound": 0, "suspicious": 1, "unreadable": 2}
"""What the command leaves with: the worst of all files."""

WIDTH = 120
"""Columns of a report that goes to a file."""


@with_loading
def doctor(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL", help="Model files.")],
    json_: Json = False,  # noqa: FBT002  (typer makes it an option)
    *,
    loading: Loading,
) -> None:
    """Examine model files: what is in them, and whether they are sound.

    The status is 0 where all are sound, 1 where one is suspicious, and 2 where one cannot be used. Of several
    files there is a line each.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
        transient=True,
    )
    reports = []
    with progress:
        task = progress.add_task("", total=len(models))
        for path in models:
            progress.update(task, description=escape(path.name))
            reports.append(examine(path, loading))
            progress.advance(task)
    if json_:
        found = [report.to_dict() for report in reports]
        text = json.dumps(found if len(found) > 1 else found[0], indent=2, allow_nan=False)
        sys.stdout.write(text + "\n")
    elif len(reports) == 1:
        console().print(reports[0])
    else:
        console().print(summary(reports))
    raise typer.Exit(max(STATUS[report.status] for report in reports))


def console() -> Console:
    """Return where reports go: as wide as the terminal or, in a file, as they need."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def examine(path: Path, loading: Loading) -> Report:
    """Return the report of a file, also of one that cannot be read."""
    try:
        return health.doctor(path, **loading)
    except OSError as error:
        reason = error.strerror or str(error)
        return Report(str(path), "unreadable", (Finding("io", reason),))


def summary(reports: list[Report]) -> Table:
    """Return a line for each report."""
    table = Table(box=None, pad_edge=False)
    for heading, justify in (
        ("", "left"),
        ("model", "left"),
        ("network", "left"),
        ("weights", "right"),
        ("loudness", "right"),
        ("ns/sample", "right"),
        ("findings", "left"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for report in reports:
        colour = {"sound": "green", "suspicious": "yellow", "unreadable": "red"}[report.status]
        table.add_row(
            f"[{colour}]{report.status}[/]",
            escape(report.file),
            report.architecture or "",
            "" if report.num_parameters is None else f"{report.num_parameters:,}",
            "" if report.measured_loudness_db is None else f"{report.measured_loudness_db:.1f} dB",
            "" if report.ns_per_sample is None else f"{report.ns_per_sample:.0f}",
            escape("; ".join(finding.message for finding in report.findings)),
        )
    return table
