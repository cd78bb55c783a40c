"""Make the models that ship: simulate three circuits, train on them, and judge the models on unheard guitar.

Each circuit is simulated at four settings of its drive, for which passages of the capture signal go in. One
network learns all of them, with the drive as a knob of its own: a small LSTM for little computers, a larger
one for the rest. Some are then taught to alias less. The errors are those of the
finished file, played by the engine, on a guitar that no training heard, at the four settings and at one
between them.

    python examples/train_stock_models.py [FOLDER] [--circuit NAME] [--size NAME] [--quick]

Recordings and checkpoints go to FOLDER, where a second run finds them. Circuits and sizes can run side by
side.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import neural_distortion as nd
import numpy as np
from neural_distortion import analysis, training
from neural_distortion._typing import Audio
from neural_distortion.training import circuits

SHIPPED = Path(__file__).parent.parent / "python" / "neural_distortion" / "models"
SAMPLE_RATE = 48_000

DRIVES = (0.1, 0.4, 0.7, 1.0)
BETWEEN = 0.55
"""A setting that nothing is trained on."""

SPANS_S = ((23, 32), (35.5, 38), (82, 98), (98, 109), (153, 164), (165, 170.5))
"""Of the capture signal: loud sweeps and noise, plucks, chords, guitar, and last what is validated on."""

MORE_SPANS_S = ((38, 44), (50, 60), (74, 82), (122, 133), (133, 147), (147, 153))
"""Before that, for the hardest: pink noise, swells, more plucks, and the guitar loud, low and high."""

QUICK_SPANS_S = ((100, 101.5), (165, 165.6))

HARDEST = ("distortion", "full")

SIZES = {"light": "lstm-16", "full": "lstm-40"}
STEPS = 8000

FEWER_ALIASES = ("overdrive", "overdrive-light", "fuzz")
"""What is then taught to alias less: the distortion would no longer be as silent in silence, and the light
fuzz has too few weights to sound the same."""

ALIAS_STEPS = 640

FULL_SCALE_DBU = 20 * np.log10(np.sqrt(0.5) / np.sqrt(0.6))
"""Of a sine that peaks at 1 V."""


def excitation(spans_s: Sequence[tuple[float, float]]) -> Audio:
    """Return what is played into a circuit."""
    signal = training.capture_signal(SAMPLE_RATE).audio
    return np.concatenate(
        [signal[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] for start, end in spans_s]
    )


def recording(folder: Path, circuit: str, drive: float, name: str, dry: Audio) -> Audio:
    """Return what a circuit makes of ``dry``, from the file of an earlier run where there is one."""
    path = folder / circuit / f"{name}-{drive}.wav"
    if not path.exists():
        print(f"{path}: simulating {dry.size / SAMPLE_RATE:.1f} s")
        path.parent.mkdir(parents=True, exist_ok=True)
        nd.write(path, circuits.simulate(circuit, dry, SAMPLE_RATE, drive=drive), SAMPLE_RATE)
    return nd.read(path)[0]


def train(folder: Path, models: Path, circuit: str, size: str, *, quick: bool) -> None:
    """Train one size of one circuit, write it, and print the line of it for the table."""
    name, spans_s, drives, steps = "train", SPANS_S, DRIVES, STEPS
    if quick:
        name, spans_s, drives, steps = "quick", QUICK_SPANS_S, DRIVES[1:3], 40
    elif (circuit, size) == HARDEST:
        name, spans_s = "train-more", (*MORE_SPANS_S, *SPANS_S)
    dry = excitation(spans_s)
    wet = np.stack([recording(folder, circuit, drive, name, dry) for drive in drives])
    fit = training.fit(
        dry,
        wet,
        SAMPLE_RATE,
        arch=SIZES[size],
        knobs={"drive": drives},
        steps=steps,
        pre_emphasis=0.0,  # it is judged by the plain error, so it learns that
        spectral=0.0,
        checkpoint=folder / circuit / f"{size}.checkpoint",
        metadata={
            "name": circuit.capitalize() + (" (light)" if size == "light" else ""),
            "modeled_by": "neural-distortion",
            "gear_type": "pedal",
            "gear_model": f"the circuit `{circuit}`, simulated",
            "tone_type": circuit,
            "input_level_dbu": FULL_SCALE_DBU,
            "output_level_dbu": FULL_SCALE_DBU,
        },
        on_epoch=lambda epoch: print(f"{circuit} {size} {epoch.number}/{epoch.total}: ESR {epoch.esr:.4f}"),
    )
    path = models / f"{circuit}{'-light' if size == 'light' else ''}.nam"
    fit.save(path)
    if path.stem in FEWER_ALIASES:
        trial = {"steps": 2, "num_tones": 4, "num_passages": 0} if quick else {"steps": ALIAS_STEPS}
        reduced = training.reduce_aliasing(path, learning_rate=1e-3, threads=1, **trial)
        reduced.fit.save(path)
        print(f"{path.stem}: {reduced.gain_db.min():.1f} to {reduced.gain_db.max():.1f} dB fewer aliases")

    guitar, _ = nd.read(nd.example_audio("guitar"))
    guitar = guitar[: SAMPLE_RATE // 2] if quick else guitar
    model = nd.load(path)
    found = []
    for drive in sorted({*drives, BETWEEN}):
        target = recording(folder, circuit, drive, "quick-unheard" if quick else "unheard", guitar)
        prediction = model(guitar, SAMPLE_RATE, parameters=[drive])
        found.append(f"{drive}: {analysis.esr(target, prediction):.4f}")
    print(
        f"| `{path.stem}` | {fit.arch} | {model.num_parameters:,} | {path.stat().st_size / 1000:.0f} kB "
        f"| {', '.join(found)} | engine against training: {fit.difference:.1e} |"
    )


def main() -> None:
    """Make the models of the circuits and sizes asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("stock-models"), metavar="FOLDER")
    parser.add_argument("--circuit", choices=list(circuits.CIRCUITS), help="this one alone")
    parser.add_argument("--size", choices=list(SIZES), help="this one alone")
    parser.add_argument("--quick", action="store_true", help="a trial of seconds, whose models go to FOLDER")
    options = parser.parse_args()
    models = options.folder if options.quick else SHIPPED
    options.folder.mkdir(parents=True, exist_ok=True)
    for circuit in [options.circuit] if options.circuit else circuits.CIRCUITS:
        for size in [options.size] if options.size else SIZES:
            train(options.folder, models, circuit, size, quick=options.quick)


if __name__ == "__main__":
    main()
