"""``neural-distortion render``: audio files through a model."""

import math
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from neural_distortion.cli.console import messages, output
from neural_distortion.cli.option import Loading, with_loading
from neural_distortion.io import Reader, Writer
from neural_distortion.model import Model, load

WHOLE = 1 << 25
"""Samples in a file that is rendered as a whole, on all cores; longer ones are streamed."""

BLOCK = 1 << 16
"""Frames of a stream in memory at a time."""


@with_loading
def render(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="Audio files of any format.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="An audio file, or a folder (made where there is none).")
    ],
    gain_db: Annotated[
        float, typer.Option(help="Gain before the model, in dB: how hard it is driven.")
    ] = 0.0,
    level_db: Annotated[float, typer.Option(help="Gain after the model, in dB.")] = 0.0,
    quality: Annotated[float, typer.Option(help="Size, 0 (smallest) to 1 (full).")] = 1.0,
    parameter: Annotated[list[float] | None, typer.Option(help="A knob, 0 to 1; once for each.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use; by default, all.")] = None,
    *,
    loading: Loading,
) -> None:
    """Render audio files through a model.

    The output is as long as the input and at its sample rate. Its suffix says the format; in a folder, the
    names and formats are those of the inputs.
    """
    loaded = load(model, **loading)
    loaded.quality = quality
    for source, destination in pairs(inputs, target):
        render_file(
            loaded,
            source,
            destination,
            gain=from_db(gain_db),
            level=from_db(level_db),
            parameters=parameter or None,
            threads=threads,
        )


def pairs(inputs: list[Path], target: Path) -> list[tuple[Path, Path]]:
    """Return each input with the file that it is rendered to; a target without a suffix is a folder."""
    if len(inputs) == 1 and target.suffix and not target.is_dir():
        destinations = [target]
    else:
        target.mkdir(parents=True, exist_ok=True)
        destinations = [target / source.name for source in inputs]
    name, count = Counter(destinations).most_common(1)[0]
    if count > 1:
        msg = f"{count} inputs would be rendered to {name}"
        raise ValueError(msg)
    for source, destination in zip(inputs, destinations, strict=True):
        if destination.exists() and destination.samefile(source):
            msg = f"{destination} would be rendered onto itself"
            raise ValueError(msg)
    return list(zip(inputs, destinations, strict=True))


def render_file(
    model: Model,
    source: Path,
    destination: Path,
    *,
    gain: float,
    level: float,
    parameters: list[float] | None,
    threads: int | None,
) -> None:
    """Render one file and say how it went; long ones block by block, unless their rate is not the model's."""
    start = perf_counter()
    peak = 0.0
    with Reader(source) as reader:
        rate = reader.sample_rate
        streams = model.sample_rate in (None, rate) and reader.frames * reader.channels > WHOLE
        seconds = reader.frames / rate
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=messages,
            transient=True,
            disable=not streams,
        )
        with Writer(destination, rate, reader.channels, frames=reader.frames) as writer, progress:
            bar = progress.add_task(escape(source.name), total=reader.frames)
            model.reset()
            for dry in reader.blocks(BLOCK if streams else reader.frames):
                if streams:
                    wet = model.process(gain * dry, rate, parameters=parameters, reset=False)
                else:
                    wet = model(gain * dry, rate, parameters=parameters, threads=threads)
                wet *= level
                writer.write(wet)
                peak = np.maximum(peak, np.abs(wet).max())
                progress.advance(bar, dry.shape[-1])
    speed = seconds / (perf_counter() - start)
    output.print(
        f"{escape(str(destination))}: {seconds:.1f} s, {speed:.0f} times faster than real time, "
        f"peak {to_db(peak):+.1f} dBFS"
    )
    if not math.isfinite(peak):
        messages.print("[yellow]warning:[/] the output has samples that are no finite numbers")
    elif writer.clips and peak > 1:
        messages.print(
            f"[yellow]warning:[/] {to_db(peak):.1f} dB too loud: it clips; lower --level-db, or write a .wav"
        )


def from_db(gain_db: float) -> float:
    """Return the factor that a gain in dB stands for."""
    return float(10 ** (gain_db / 20))


def to_db(factor: float) -> float:
    """Return a factor in dB."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf
