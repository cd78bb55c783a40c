"""``neural-distortion simulate``: a wet recording from a schematic."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal

import numpy as np
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from neural_distortion import io
from neural_distortion.cli.console import messages, output
from neural_distortion.training import circuits


def simulate(
    circuit: Annotated[
        Literal["overdrive", "distortion", "fuzz"], typer.Argument(metavar="CIRCUIT", help="Which pedal.")
    ],
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="What goes in; full scale is 1 V.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="Where what comes out goes: a WAV file.")],
    drive: Annotated[float | None, typer.Option(help="Amount of distortion, 0 to 1.")] = None,
    tone: Annotated[float | None, typer.Option(help="Treble of the overdrive, 0 to 1.")] = None,
    filter: Annotated[
        float | None, typer.Option(help="How much treble the distortion loses, 0 to 1.")
    ] = None,
    level: Annotated[float | None, typer.Option(help="Loudness, 0 to 1.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at a time; without it, one for each core.")
    ] = None,
    simulation_rate: Annotated[
        float, typer.Option(help="Least number of time steps per second.")
    ] = circuits.SIMULATION_RATE,
) -> None:
    """Play a recording through the schematic of a pedal, with ngspice.

    The overdrive has the knobs drive, tone and level, the distortion drive, filter and level, the fuzz drive
    and level. One that is not named stands where it usually does.
    """
    knobs = {"drive": drive, "tone": tone, "filter": filter, "level": level}
    turns = {name: turn for name, turn in knobs.items() if turn is not None}
    audio, sample_rate = io.read(dry)
    if not wet.resolve().parent.is_dir():
        msg = f"{wet}: there is no such folder"
        raise ValueError(msg)
    start = perf_counter()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=messages,
    )
    task = progress.add_task(circuit, total=1.0)

    def show(part: float) -> None:
        progress.start()  # not before there is something to show: knobs may be refused
        progress.update(task, completed=part)

    try:
        simulated = circuits.simulate(
            circuit,
            audio,
            sample_rate,
            simulation_rate=simulation_rate,
            jobs=jobs,
            on_progress=show,
            **turns,
        )
    finally:
        if progress.live.is_started:
            progress.stop()
    io.write(wet, simulated, sample_rate, subtype="FLOAT")
    seconds, taken = audio.shape[-1] / sample_rate, perf_counter() - start
    output.print(
        f"{escape(str(wet))}: {seconds:.1f} s at {sample_rate} Hz, {np.min(simulated):.3g} to "
        f"{np.max(simulated):.3g}, in {taken:.1f} s"
    )
