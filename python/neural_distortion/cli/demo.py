"""``neural-distortion demo``: the shipped guitar through the shipped model."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from neural_distortion.cli.console import output
from neural_distortion.io import example_audio, read, write
from neural_distortion.model import example_model, load

MODEL = "overdrive"
SINE_HZ = 110
PERIODS = 3


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where the files go.")] = Path(
        "neural-distortion-demo"
    ),
) -> None:
    """Render the shipped guitar through the shipped model, and draw what the model does."""
    from neural_distortion import plot  # only this command needs matplotlib, which takes long to import

    folder.mkdir(parents=True, exist_ok=True)
    model = load(example_model(MODEL))
    dry, sample_rate = read(example_audio("guitar"))
    start = perf_counter()
    wet = model(dry, sample_rate)
    speed = dry.size / sample_rate / (perf_counter() - start)
    write(folder / "dry.wav", dry, sample_rate)
    write(folder / "wet.wav", wet, sample_rate)

    rate = model.sample_rate or sample_rate
    sine = np.sin(2 * np.pi * SINE_HZ / rate * np.arange(rate), dtype=np.float32)
    driven = model(sine, rate)
    last = slice(-round(PERIODS * rate / SINE_HZ) - 1, None)
    kind = f"{MODEL}: {model.architecture}, {model.num_parameters} parameters"
    plot.waveforms(
        sine[last], driven[last], rate, title=f"A {SINE_HZ} Hz sine, before and after", subtitle=kind
    ).savefig(folder / "sine.png")
    plot.transfer_curve(sine[last], driven[last], title="Transfer curve", subtitle=kind).savefig(
        folder / "transfer.png"
    )

    place = escape(str(folder))
    output.print(f"Played {dry.size / sample_rate:.1f} s of guitar through {kind}.")
    output.print(f"It ran {speed:.0f} times faster than real time: listen to {place}/dry.wav, then wet.wav.")
    output.print(f"What the model does to a sine is in {place}/sine.png and transfer.png.")
