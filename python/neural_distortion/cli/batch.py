"""``neural-distortion render-many``: many recordings through many models."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from neural_distortion import batch
from neural_distortion.cli.console import messages, output
from neural_distortion.cli.option import Loading, with_loading

_SHOWN = 5
"""Errors that are told; the manifest has them all."""


@with_loading
def render_many(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="[LIST] OUT", help="A list of what to render, and the folder of outputs."),
    ],
    inputs: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Recordings, such as 'di/**/*.flac'.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Model files, such as 'captures/**/*.nam'.")
    ] = None,
    gain_db: Annotated[
        str, typer.Option(metavar="DB,…", help="Gains before the model; an output for each.")
    ] = "0",
    level_db: Annotated[float, typer.Option(help="Gain after the model, in dB.")] = 0.0,
    jitter_db: Annotated[
        float, typer.Option(min=0, help="Change each gain at random by up to so much, in dB.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="What that is drawn from.")] = 0,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="KNOB=VALUE,…", help="Settings of a knob; an output for each. Once a knob."),
    ] = None,
    quality: Annotated[float, typer.Option(help="Size, 0 (smallest) to 1 (full).")] = 1.0,
    format_: Annotated[str, typer.Option("--format", help="wav, flac, ogg, mp3, aiff, ….")] = "wav",
    subtype: Annotated[
        str | None, typer.Option(help="PCM_16, PCM_24, FLOAT, …; by default, as exact as the format can.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="Cut the outputs into pieces, such as 10s.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="The table of outputs: .csv, .jsonl or .parquet; by default, OUT/manifest.csv."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; by default, one a core.")] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="auto|ADDRESS", help="Use Ray: this machine's cluster, or another.")
    ] = None,
    *,
    loading: Loading,
) -> None:
    """Render every recording through every model, or what a list says, on all cores.

    What is there already, and whole, is not rendered again: killed, the same command goes on where it was. A
    file that cannot be used is in the manifest with its error, and the others go on; the status is then 1.

    LIST is a .csv, .jsonl or .parquet with the columns input and model and, where they differ from the
    options, output, gain_db, level_db, parameters and seed. --cluster needs: pip install
    'neural-distortion[cluster]'.
    """
    *lists, out = paths
    if len(lists) > 1 or bool(lists) == bool(inputs or models) or bool(inputs) != bool(models):
        msg = "expected OUT with --inputs and --models, or LIST and OUT"
        raise typer.BadParameter(msg)
    manifest = manifest or out / "manifest.csv"
    display = Display()
    options = {
        "gains_db": numbers("--gain-db", gain_db),
        "level_db": level_db,
        "jitter_db": jitter_db,
        "seed": seed,
        "parameters": dict(map(knob, parameter or [])),
        "quality": quality,
        "format": format_,
        "subtype": subtype,
        "segment_s": seconds(segment) if segment else None,
        "manifest": manifest,
        "workers": workers,
        "cluster": cluster,
        "on_progress": display.update,
        **loading,
        "compat": tuple(loading["compat"]),
    }
    with display.progress:
        if lists:
            results = batch.render_listed(lists[0], out, **options)  # type: ignore[arg-type]
        else:
            results = batch.render(inputs or "", models or "", out, **options)  # type: ignore[arg-type]
    display.summarise(out, manifest)
    if results.failures:
        raise typer.Exit(1)


class Display:
    """What is seen of a run: how far it is, how fast, how long yet; and at the end, what came of it."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
            console=messages,
            transient=True,
        )
        self._task = self.progress.add_task("", total=None)
        self._last: batch.Progress | None = None
        self._errors: dict[str, tuple[str, int]] = {}
        self._clipped = 0
        self._seconds = 0.0

    def update(self, reached: batch.Progress) -> None:
        """Show what is done."""
        self._last = reached
        for row in reached.rows:
            self._clipped += row.peak > 1 and not row.output.endswith((".wav", ".aiff", ".au", ".caf"))
            self._seconds += row.duration_s
            if row.error in self._errors or (row.error and len(self._errors) < _SHOWN):
                first, count = self._errors.get(row.error, (row.output, 0))
                self._errors[row.error] = (first, count + 1)
        self.progress.update(
            self._task,
            completed=reached.done + reached.failed + reached.kept,
            total=reached.total,
            description=f"[red]{reached.failed} failed[/]" if reached.failed else "rendering",
        )

    def summarise(self, out: Path, manifest: Path) -> None:
        """Say what came of it."""
        assert self._last is not None
        reached, seconds = self._last, self.progress.tasks[0].finished_time or 0.0
        parts = [f"{reached.done} rendered"]
        if reached.kept:
            parts.append(f"{reached.kept} were there already")
        if reached.failed:
            parts.append(f"[red]{reached.failed} failed[/]")
        output.print(
            f"{escape(str(out))}: {', '.join(parts)}, in {seconds:.1f} s; see {escape(str(manifest))}"
        )
        for error, (first, count) in self._errors.items():
            others = f" and {count - 1} more" if count > 1 else ""
            messages.print(f"[red]failed:[/] {escape(first)}{others}: {escape(error)}")
        rest = reached.failed - sum(count for _, count in self._errors.values())
        if rest:
            messages.print(f"… and {rest} more, with other errors; the manifest has them all")
        if self._clipped:
            messages.print(
                f"[yellow]warning:[/] {self._clipped} outputs clip: lower --level-db, or write --format wav"
            )


class _Speed(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """Return it as text."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


def numbers(option: str, text: str) -> list[float]:
    """Return the numbers in ``"-6,0,6"``."""
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        msg = f"{option} {text}: expected numbers with commas between them, such as -6,0,6"
        raise ValueError(msg) from None


def knob(text: str) -> tuple[str, list[float]]:
    """Return the name and the settings in ``"drive=0,0.5,1"``.

    >>> knob("drive=0,0.5,1")
    ('drive', [0.0, 0.5, 1.0])
    """
    name, equals, values = text.partition("=")
    if not equals:
        msg = f"--parameter {text}: expected the name of a knob and settings, such as drive=0,0.5,1"
        raise ValueError(msg)
    return name.strip(), numbers(f"--parameter {name}", values)


def seconds(text: str) -> float:
    """Return the length in ``"10s"``, ``"1.5"`` or ``"2min"``, in seconds.

    >>> seconds("10s"), seconds("2min"), seconds("1.5")
    (10.0, 120.0, 1.5)
    """
    for unit, length in (("min", 60.0), ("h", 3600.0), ("s", 1.0), ("", 1.0)):
        number = text.strip().removesuffix(unit)
        if text.strip().endswith(unit):
            try:
                return float(number) * length
            except ValueError:
                break
    msg = f"--segment {text}: expected a length, such as 10s"
    raise ValueError(msg)
