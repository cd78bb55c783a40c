"""``neural-distortion demo``: the shipped guitar through the shipped model."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.markup import escape

from neural_distortion._typing import Audio
from neural_distortion.cli.console import output
from neural_distortion.io import example_audio, read, write
from neural_distortion.model import example_model, load

MODEL = "overdrive"
SINE_HZ = 110
SOFT_DBFS = -12
"""About as loud as a guitar is played."""

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
    kind = f"{MODEL}: {model.architecture}, {model.num_parameters} weights"
    soft, loud = sine(rate, 10 ** (SOFT_DBFS / 20)), sine(rate, 1)
    last = slice(-round(PERIODS * rate / SINE_HZ) - 1, None)
    title = f"A {SINE_HZ} Hz sine, {-SOFT_DBFS} dB below full scale"
    waveforms = plot.waveforms(soft[last], model(soft, rate)[last], rate, title=title, subtitle=kind)
    waveforms.savefig(folder / "sine.png")
    curve = plot.transfer_curve(loud[last], model(loud, rate)[last], title="Transfer curve", subtitle=kind)
    curve.savefig(folder / "transfer.png")

    place = escape(str(folder))
    output.print(f"Played {dry.size / sample_rate:.1f} s of guitar through {kind}.")
    output.print(f"It ran {speed:.0f} times faster than real time: listen to {place}/dry.wav, then wet.wav.")
    output.print(f"What the model does to a sine is in {place}/sine.png and transfer.png.")


def sine(rate: float, amplitude: float) -> Audio:
    """Return a second of a sine, from zero to zero, which is long enough for a model to settle."""
    wave: Audio = np.sin(2 * np.pi * SINE_HZ / rate * np.arange(rate + 1))
    return (amplitude * wave).astype(np.float32)
