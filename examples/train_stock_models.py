"""Make the models that ship: simulate three circuits, train on them, and judge the models on unheard guitar.

Each circuit is simulated at four settings of its drive, for which passages of the capture signal go in. One
network learns all of them, with the drive as a knob of its own: a small LSTM for little computers, a larger
one for the rest. Some are then taught to alias less. The errors are those of the finished file, played by
the engine, on a guitar that no training heard, at the four settings and at one between them.

The full size of the distortion goes on from there with low notes that are in no capture signal: muted
strings, power chords, waves that lean to one side while they swell or fade, and the guitar of that signal
an octave lower. At so much gain what comes out says on which side of its slowly moving middle the input is,
and only such notes move that far. In the end it hears the drive turned up more often than down.

    python examples/train_stock_models.py [FOLDER] [--circuit NAME] [--size NAME] [--quick]

Recordings and checkpoints go to FOLDER, where a second run finds them. Circuits and sizes can run side by
side.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import neural_distortion as nd
import numpy as np
from neural_distortion import analysis, training
from neural_distortion._typing import Audio
from neural_distortion.training import circuits
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Take = tuple[Audio, Audio]
"""What went in and what came out."""

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
LOW_S = 36.0
LOW_PLACE_S = (38.5, 49.5)
"""Where they go in what `SPANS_S` is: instead of the last guitar before what is validated on."""
LOW_JUDGED_S = 9.5
"""What the later trainings are validated on: that, and the last 4 s of the low notes."""
GUITAR_S = (98, 109)
"""Where the capture signal has the guitar as it was played."""
CHORDS = ((0, 7), (0, 7, 12), (0, 7, 12, 16, 19, 24), (0, 5), (0, 12))
"""In semitones."""

SIZES = {"light": "lstm-16", "full": "lstm-40"}
STEPS = 8000
Heard: TypeAlias = tuple[tuple[float, tuple[str, ...]], ...]
"""Settings, each with the low notes that are heard at it: see `low`. One can be there several times."""

_FEW: Heard = ((0.1, ("low-14",)), (0.4, ("low-13",)), (0.7, ("low-12",)), (1.0, ("low-11",)))
_TWICE: Heard = (
    (0.1, ("low-14", "low-18")),
    (0.4, ("low-13", "low-17")),
    (0.7, ("low-12", "low-16")),
    (1.0, ("low-11", "low-15")),
)
_EACH: Heard = (
    (0.1, ("low-14", "lowered", "bright-48")),
    (0.4, ("low-13", "lowered", "bright-47")),
    (0.7, ("low-12", "lowered", "bright-45")),
    (1.0, ("low-11", "lowered", "bright-41")),
)
_MOST: Heard = (
    *_EACH,
    (1.0, ("low-15", "low-19", "bright-42")),
    (1.0, ("low-20", "lowered", "bright-43")),
    (1.0, ("low-21", "low-22", "low-32")),
)
_BRIGHT: Heard = (
    *_EACH,
    (1.0, ("bright-51", "bright-52", "bright-42")),
    (1.0, ("bright-53", "bright-54", "bright-43")),
    (1.0, ("bright-55", "low-20", "bright-56")),
)
LOW_TRAININGS: tuple[tuple[Heard, dict[str, Any]], ...] = (
    (_FEW, {"steps": 8000, "batch": 32, "segment": 512, "learning_rate": 3e-3}),
    (_TWICE, {"steps": 1300, "batch": 16, "segment": 2048, "learning_rate": 1.5e-3}),
    (_TWICE, {"steps": 2400, "batch": 24, "segment": 1024, "learning_rate": 1.2e-3}),
    ((*_TWICE, *2 * _TWICE[-1:]), {"steps": 4200, "batch": 24, "segment": 1024, "learning_rate": 1e-3}),
    (_MOST, {"steps": 7500, "batch": 24, "segment": 1024, "learning_rate": 1.5e-3, "effort": "normal"}),
    (_MOST, {"steps": 3000, "batch": 24, "segment": 1024, "learning_rate": 8e-4, "effort": "quick"}),
    (_BRIGHT, {"steps": 3500, "batch": 24, "segment": 1024, "learning_rate": 1e-3, "effort": "quick"}),
)
"""Of the trainings that follow: what they hear, and how they are done.

The segments of the later ones are longer: they learn how the charges of capacitors come and go.
"""

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


def low(name: str) -> Audio:
    """Return what is called ``"lowered"``, or by a seed: ``"low-11"``, ``"bright-41"``."""
    if name == "lowered":
        return lowered_guitar()
    kind, seed = name.split("-")
    return low_notes(int(seed), bright=kind == "bright")


def low_notes(seed: int, *, bright: bool = False) -> Audio:
    """Return waves and muted strings from 45 to 250 Hz, at levels from -40 to -2 dBFS.

    Bright strings have more of the harmonics than of the note itself, as a pickup near the bridge hears them.
    """
    rng = np.random.default_rng(seed)
    notes = np.concatenate([waves(rng, 0.25 * LOW_S), muted_strings(rng, 0.75 * LOW_S, bright=bright)])
    notes += _amplitude(rng.uniform(-105, -85)) * rng.standard_normal(notes.size)
    return np.clip(notes, -1, 1).astype(np.float32)


def lowered_guitar() -> Audio:
    """Return the guitar of the capture signal an octave lower and slower, then softer and a sixth lower."""
    guitar = excitation([GUITAR_S])
    slower = [_slower(guitar, 2), _amplitude(-9.0) * _slower(guitar, 1.6)]
    return np.concatenate(slower)[: round(LOW_S * SAMPLE_RATE)].astype(np.float32)


def _slower(audio: Audio, factor: float) -> Samples:
    return factor * np.fft.irfft(np.fft.rfft(audio), round(factor * audio.size))


def waves(rng: np.random.Generator, seconds: float) -> Samples:
    """Return harmonics that swell or fade, while their pitch and the shape of the wave change."""
    parts, left = [], round(seconds * SAMPLE_RATE)
    while left > 0:
        frames = min(left, round(rng.uniform(0.3, 1.2) * SAMPLE_RATE))
        time = np.arange(frames) / SAMPLE_RATE
        pitch_hz = np.geomspace(rng.uniform(45, 160), rng.uniform(45, 160), frames)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE
        wave = np.sin(phase)
        for number in range(2, rng.integers(3, 8)):
            strength = rng.uniform(0, 1.5) / number**0.5
            moving = number * phase + rng.uniform(0, 6.28) + rng.normal(0, 4) * time
            pulse = np.sin(2 * np.pi * rng.uniform(0.5, 4) * time + rng.uniform(0, 6)) ** 2
            wave += strength * np.sin(moving) * (0.3 + 0.7 * pulse)
        wave *= np.geomspace(*_amplitude(rng.uniform(-40, -4, 2)), frames) / np.abs(wave).max()
        parts.append(_faded(wave, 96, 96))
        left -= frames
    return np.concatenate(parts)


def muted_strings(rng: np.random.Generator, seconds: float, *, bright: bool) -> Samples:
    """Return bars of muted strings and chords, each bar at a pitch, a level and a tempo of its own."""
    row, at = np.zeros(round(seconds * SAMPLE_RATE)), 0
    while at < row.size:
        beat_s, pitch_hz = rng.uniform(0.11, 0.3), rng.uniform(55, 125)
        level = _amplitude(rng.uniform(-32, -6))
        for _ in range(rng.integers(3, 8)):
            is_chord = rng.uniform() < 0.25
            length_s = beat_s * (rng.choice([2, 3, 4]) if is_chord else rng.choice([1, 1, 1, 2]))
            root_hz = pitch_hz * 2 ** (rng.choice([0, 0, 0, 3, 5, 7, 12]) / 12)
            steps = CHORDS[rng.integers(len(CHORDS))] if is_chord else (0,)
            sound = sum(
                rng.uniform(0.5, 1)
                * string(
                    rng,
                    root_hz * 2 ** (step / 12) * (1 + rng.normal(0, 0.001)),
                    length_s,
                    muted=not is_chord,
                    bright=bright,
                )
                for step in steps
            )
            sound *= level * _amplitude(rng.uniform(-8, 0)) * (2 if is_chord else 1) / np.abs(sound).max()
            frames = min(sound.size, row.size - at)
            if frames <= 0:
                break
            row[at : at + frames] += sound[:frames]
            at += frames
    return row


def string(
    rng: np.random.Generator, pitch_hz: float, seconds: float, *, muted: bool, bright: bool
) -> Samples:
    """Return a plucked string with a peak of 1: its harmonics die away, and the pick is noise."""
    frames = round(seconds * SAMPLE_RATE)
    time, sound = np.arange(frames) / SAMPLE_RATE, np.zeros(frames)
    darkness = rng.uniform(0.0, 2.0) if bright else rng.uniform(1.0, 3.0)
    pickup = rng.uniform(0.04, 0.25) if bright else 0.5
    if muted:
        decay, further = rng.uniform(2, 12), rng.uniform(0.2, 3)
    else:
        decay, further = rng.uniform(0.5, 3), rng.uniform(0.05, 0.5)
    stiffness = 10 ** rng.uniform(-5, -3.8)
    for number in range(1, 41):
        frequency_hz = number * pitch_hz * np.sqrt(1 + stiffness * number * number)
        if frequency_hz > 9000:
            break
        strength = rng.uniform(0.2, 1) / number**darkness * np.exp(-(decay + further * number) * time)
        if bright:
            strength *= np.sin(np.pi * number * pickup)
        sound += strength * np.sin(2 * np.pi * frequency_hz * time + rng.uniform(0, 6.283))
    pick = rng.uniform(0, 0.15) * np.abs(sound).max()
    noise = np.exp(-time / rng.uniform(0.001, 0.01)) * rng.standard_normal(frames)
    spectrum = np.fft.rfft(noise)
    darker = np.sqrt(1 + (np.fft.rfftfreq(frames, 1 / SAMPLE_RATE) / rng.uniform(1000, 8000)) ** 4)
    sound += pick * np.fft.irfft(spectrum / darker, frames)
    ends = (
        min(frames // 3, round(rng.uniform(*times) * SAMPLE_RATE))
        for times in ((0.001, 0.005), (0.002, 0.02))
    )
    sound = _faded(sound, *ends)
    return sound / np.abs(sound).max()


def _faded(sound: Samples, up: int, down: int) -> Samples:
    ramp = np.ones(sound.size)
    ramp[:up] *= np.linspace(0, 1, up)
    ramp[sound.size - down :] *= np.linspace(1, 0, down)
    return sound * ramp


def _amplitude(level_db: float | Samples) -> Samples:
    return np.asarray(10 ** (np.asarray(level_db) / 20))


def recording(folder: Path, circuit: str, drive: float, name: str, dry: Audio) -> Audio:
    """Return what a circuit makes of ``dry``, from the file of an earlier run where there is one."""
    path = folder / circuit / f"{name}-{drive}.wav"
    if not path.exists():
        print(f"{path}: simulating {dry.size / SAMPLE_RATE:.1f} s")
        path.parent.mkdir(parents=True, exist_ok=True)
        nd.write(path, circuits.simulate(circuit, dry, SAMPLE_RATE, drive=drive), SAMPLE_RATE)
    return nd.read(path)[0]


def take(folder: Path, circuit: str, drive: float, size: str, *, quick: bool) -> Take:
    """Return what is learned first at one setting."""
    passages = {"quick": QUICK_SPANS_S} if quick else {"train": SPANS_S}
    if (circuit, size) == HARDEST and not quick:
        passages = {"more": MORE_SPANS_S} | passages
    dry = [excitation(spans_s) for spans_s in passages.values()]
    wet = [recording(folder, circuit, drive, *part) for part in zip(passages, dry, strict=True)]
    return np.concatenate(dry), np.concatenate(wet)


def with_low_notes(folder: Path, circuit: str, drive: float, first: Take, names: Sequence[str]) -> Take:
    """Return most of what was learned first, and low notes."""
    notes = [low(name) for name in names]
    driven = [
        recording(folder, circuit, drive, name, played) for name, played in zip(names, notes, strict=True)
    ]
    end_s = sum(end - start for start, end in SPANS_S)
    before, after = (-round((end_s - place_s) * SAMPLE_RATE) for place_s in LOW_PLACE_S)
    dry, wet = (
        np.concatenate([audio[:before], *parts, audio[after:]])
        for audio, parts in zip(first, (notes, driven), strict=True)
    )
    return dry, wet


def train(folder: Path, models: Path, circuit: str, size: str, *, quick: bool) -> None:
    """Train one size of one circuit, write it, and print the line of it for the table."""
    drives = DRIVES[1:3] if quick else DRIVES
    first = [take(folder, circuit, drive, size, quick=quick) for drive in drives]
    checkpoint = folder / circuit / f"{size}.checkpoint"
    fit = learn(first, drives, circuit, size, checkpoint, steps=40 if quick else STEPS)
    if (circuit, size) == HARDEST and not quick:
        for number, (heard, options) in enumerate(LOW_TRAININGS, start=1):
            start = checkpoint.with_suffix(".nam")
            fit.save(start)
            takes = [
                with_low_notes(folder, circuit, drive, first[drives.index(drive)], names)
                for drive, names in heard
            ]
            frames = takes[0][0].size
            border = frames - round(LOW_JUDGED_S * SAMPLE_RATE)
            checkpoint = checkpoint.with_stem(f"{size}-{number}")
            fit = learn(
                takes,
                [drive for drive, _ in heard],
                circuit,
                size,
                checkpoint,
                start=start,
                learned=(0, border),
                judged=(border, frames),
                **({"effort": "thorough"} | options),
            )
    path = models / f"{circuit}{'-light' if size == 'light' else ''}.nam"
    fit.save(path)
    if path.stem in FEWER_ALIASES:
        trial = {"steps": 2, "num_tones": 4, "num_passages": 0} if quick else {"steps": ALIAS_STEPS}
        reduced = training.reduce_aliasing(path, learning_rate=1e-3, threads=1, **trial)
        reduced.fit.save(path)
        print(f"{path.stem}: {reduced.gain_db.min():.1f} to {reduced.gain_db.max():.1f} dB fewer aliases")
    print(line(folder, circuit, path, fit, [*drives, BETWEEN], quick=quick))


def learn(
    takes: Sequence[Take],
    drives: Sequence[float],
    circuit: str,
    size: str,
    checkpoint: Path,
    **options: Any,  # noqa: ANN401 - of `training.fit`
) -> training.Fit:
    """Return a network that has learned the takes."""
    dry, wet = (np.stack(audio) for audio in zip(*takes, strict=True))
    return training.fit(
        dry,
        wet,
        SAMPLE_RATE,
        arch=SIZES[size],
        knobs={"drive": drives},
        pre_emphasis=0.0,  # it is judged by the plain error, so it learns that
        spectral=0.0,
        checkpoint=checkpoint,
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
        **options,
    )


def line(
    folder: Path, circuit: str, path: Path, fit: training.Fit, drives: Sequence[float], *, quick: bool
) -> str:
    """Return the line of the table: the model on the guitar, and how near the engine is to the training."""
    guitar, _ = nd.read(nd.example_audio("guitar"))
    guitar = guitar[: SAMPLE_RATE // 2] if quick else guitar
    model = nd.load(path)
    found = []
    for drive in sorted(drives):
        target = recording(folder, circuit, drive, "quick-unheard" if quick else "unheard", guitar)
        prediction = model(guitar, SAMPLE_RATE, parameters=[drive])
        found.append(f"{drive}: {analysis.esr(target, prediction):.4f}")
    return (
        f"| `{path.stem}` | {fit.arch} | {model.num_parameters:,} | {path.stat().st_size / 1000:.0f} kB "
        f"| {', '.join(found)} | engine {fit.difference:.1e}, roundings {fit.rounding:.1e} |"
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
