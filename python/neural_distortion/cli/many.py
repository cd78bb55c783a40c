"""``neural-distortion train-many``: a model of every pedal of a shelf."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from neural_distortion import training
from neural_distortion.cli.console import messages, output


def train_many(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What to train on what: a YAML file.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]", help="Where everything goes; by default, PLAN without its suffix."
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="A Ray cluster to train on, auto for the one that this machine belongs to, if any; by "
            "default, this machine alone.",
        ),
    ] = None,
) -> None:
    """Train every architecture on every recording of a plan, and compare what comes of it.

    The plan names recordings, architectures, seeds, and how the knobs stood. Each fit has a core, and a part
    of a GPU where there is one; a poor one ends early. FOLDER gets a model and a page for each, and
    comparison.html for all. What was killed, or stopped with Ctrl-C, goes on where it was when the same
    command is given again; so do fits that failed, or that the plan did not have before. It needs Ray, and
    PyTorch for all but an mlp: pip install 'neural-distortion[cluster,train]'.
    """
    wanted = training.FitPlan.read(plan)
    target = folder or Path(plan.stem)
    parts: dict[str, float] = {}
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=messages,
    )
    task = progress.add_task("starting", total=None, figures="")
    done = total = 0

    def show() -> None:
        # Of what runs, the part that is done counts.
        progress.update(
            task,
            description="training",
            completed=done + sum(parts.values()),
            figures=f"{done} of {total} fits",
        )

    def start(fits: int, already: int) -> None:
        nonlocal done, total
        done, total = already, fits
        told = f"{fits} fits" + (f", {already} of which are there already" if already else "")
        messages.print(f"{escape(wanted.name)}: {told}")
        progress.update(task, total=fits, completed=already, figures=f"{already} of {fits} fits")

    def epoch(name: str, epoch: training.Epoch) -> None:
        parts[name] = epoch.number / epoch.total
        show()

    def outcome(found: training.Outcome) -> None:
        nonlocal done
        done += 1
        parts.pop(found.name, None)
        messages.print(f"{escape(found.name)}: {escape(_told(found))}")
        show()

    try:
        with progress:
            fits = training.fit_many(
                wanted, target, cluster=cluster, on_start=start, on_epoch=epoch, on_outcome=outcome
            )
    except KeyboardInterrupt:
        messages.print("[yellow]interrupted:[/] the same command goes on from here")
        raise typer.Exit(130) from None
    failed = [found for found in fits if found.state == "failed"]
    for recording in dict.fromkeys(found.recording for found in fits):
        fitted = [found for found in fits if found.recording == recording and found.model is not None]
        if fitted:
            best = min(fitted, key=lambda found: found.esr)
            output.print(
                f"{escape(recording)}: ESR {best.esr:.2e} ({10 * math.log10(best.esr):.1f} dB), "
                f"{best.num_parameters} weights, {escape(str(best.model))}"
            )
    output.print(f"report: {escape(str(fits.report))}")
    if failed:
        messages.print(f"[yellow]warning:[/] {len(failed)} of {len(fits)} fits failed, the report says how")
        raise typer.Exit(1)


def _told(found: training.Outcome) -> str:
    """Return what became of a fit, in a line."""
    if found.state == "failed":
        return f"failed: {found.reason}"
    told = f"ESR {found.esr:.2e}" + (f", stopped, {found.reason}" if found.reason else "")
    if not found.proven:
        told += f", not proven: {found.difference:.1e} from training to engine, please report it"
    return told
