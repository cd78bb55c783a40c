"""``neural-distortion generate``, ``train`` and ``export``: a perceptron from two recordings."""

import math
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from neural_distortion import io, training
from neural_distortion.cli.console import messages, output

POOR_ESR = 0.1
"""From this error-to-signal ratio on, the perceptron is likely to be the wrong kind of model."""


def generate(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="Where the input goes: a WAV file.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="Where the output goes: a WAV file.")],
    signal: Annotated[
        training.Signal, typer.Option(help="A sine that rises from silence, or a mix of many sounds.")
    ] = "sine",
    peak: Annotated[float, typer.Option(help="Largest magnitude of the input; full scale is 1.")] = 5.0,
    seconds: Annotated[float, typer.Option(help="Length.")] = 10.0,
    sample_rate: Annotated[int, typer.Option(help="In Hz.")] = 44_100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
) -> None:
    """Write a dry and a wet recording to train on.

    The dry one is a 110 Hz sine that rises from silence to its peak, or an excitation: sweeps, noise, notes
    and chords, each from quiet to loud.

    The wet one is tanh(2x) + 0.15x² of the dry one. Both go beyond full scale at the default peak; they are
    written as 32-bit float, which does not clip. With a peak of 1 or less, DRY can also be played through
    real gear, to record a WET of one's own.
    """
    audio = training.generate(signal, sample_rate=sample_rate, duration_s=seconds, peak=peak, seed=seed)
    for path, samples in zip((dry, wet), audio, strict=True):
        io.write(path, samples, sample_rate, subtype="FLOAT")
        output.print(
            f"{escape(str(path))}: {len(samples) / sample_rate:g} s at {sample_rate} Hz, "
            f"{np.min(samples):.3g} to {np.max(samples):.3g}"
        )


def train(
    dry: Annotated[Path, typer.Argument(metavar="DRY", help="What went into the gear.")],
    wet: Annotated[Path, typer.Argument(metavar="WET", help="What came out, aligned to the sample.")],
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Where the model goes: a JSON file.")],
    hidden: Annotated[
        str, typer.Option(metavar="WIDTH,…", help="Widths of the hidden layers, from the input.")
    ] = "16",
    epochs: Annotated[int, typer.Option(help="Most epochs of Adam.")] = 20,
    polish: Annotated[int, typer.Option(help="Most Levenberg-Marquardt steps after them.")] = 60,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start.")] = 0.02,
    noise: Annotated[float, typer.Option(help="Noise added to the input, over its peak.")] = 1e-3,
    patience: Annotated[int, typer.Option(help="Epochs without improvement before stopping.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
) -> None:
    """Train a perceptron on a dry and a wet recording.

    A tenth of the recordings is held out, and the perceptron that does best on it is kept. Ctrl-C ends the
    training and keeps the best so far. The model has no memory: it suits gear whose output depends on the
    present sample alone.
    """
    widths = parse_widths(hidden)
    if not model.resolve().parent.is_dir():
        msg = f"{model}: there is no such folder"
        raise ValueError(msg)
    (dry_audio, dry_rate), (wet_audio, wet_rate) = io.read(dry), io.read(wet)
    if dry_rate != wet_rate:
        msg = f"{dry} is at {dry_rate} Hz and {wet} at {wet_rate} Hz: they have to be recorded at one rate"
        raise ValueError(msg)
    start = perf_counter()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=messages,
    )
    task = progress.add_task("", figures="")

    def show(epoch: training.Epoch) -> None:
        progress.start()  # not before there is something to show: recordings may be refused
        progress.update(
            task,
            description=epoch.stage,
            completed=epoch.number,
            total=epoch.total,
            figures=f"loss {epoch.loss:.2e}, ESR {epoch.esr:.2e}, best {epoch.best_esr:.2e}",
        )

    try:
        fit = training.fit_perceptron(
            dry_audio,
            wet_audio,
            dry_rate,
            hidden=widths,
            epochs=epochs,
            polish=polish,
            learning_rate=learning_rate,
            noise=noise,
            patience=patience,
            seed=seed,
            on_epoch=show,
        )
    finally:
        if progress.live.is_started:
            progress.stop()
    fit.save(model)
    if fit.interrupted:
        messages.print("[yellow]interrupted:[/] this is the best so far")
    output.print(
        f"{escape(str(model))}: {'-'.join(map(str, (1, *widths, 1)))}, "
        f"{fit.perceptron.num_parameters} parameters, ESR {fit.esr:.2e} ({10 * math.log10(fit.esr):.1f} dB) "
        f"on what it had not heard, in {perf_counter() - start:.1f} s"
    )
    if fit.esr > POOR_ESR:
        messages.print(
            "[yellow]warning:[/] that is a poor fit: either the recordings are not aligned to the sample, "
            "or the gear has a memory, which this kind of model has not"
        )


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A perceptron, as train writes it.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where to.")],
    to: Annotated[
        training.Dialect | None,
        typer.Option(help="What to write; without it, the suffix (.json, .hpp or .rs) says."),
    ] = None,
) -> None:
    """Write a perceptron as another kind of file.

    mlp is a flat JSON for one hidden layer, rtneural RTNeural's JSON; cpp is a C++17 header and rust a Rust
    module with the weights compiled in.
    """
    training.export(model, target, to=to)
    output.print(f"{escape(str(target))}: {target.stat().st_size:,} bytes")


def parse_widths(text: str) -> tuple[int, ...]:
    """Return the numbers in ``"16,8"``."""
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        msg = f"--hidden {text}: expected widths with commas between them, such as 16 or 16,8"
        raise ValueError(msg) from None
