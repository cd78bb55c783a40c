"""``neural-distortion analyze``, ``compare`` and ``bench``: models measured."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn

from neural_distortion.cli.console import messages, output
from neural_distortion.cli.option import Json, Loading, with_loading
from neural_distortion.io import read
from neural_distortion.model import Model, ModelError, load

_MEASURING_SECONDS = 1.0
"""For how long each speed is measured."""

_PRODUCT = """
import time
import numpy
a = numpy.ones((256, 256), numpy.float32)
out, best, end = numpy.empty_like(a), 1e9, time.perf_counter() + 0.3
while (start := time.perf_counter()) < end:
    numpy.matmul(a, a, out=out)
    best = min(best, time.perf_counter() - start)
print(a.shape[0] ** 3 / best / 1e9)
"""
"""Multiply-adds in a nanosecond, in a matrix product that stays in the second cache."""

Align = Annotated[bool, typer.Option("--align", help="Undo each candidate's delay and gain first.")]


@with_loading
def analyze(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    html: Annotated[Path | None, typer.Option(help="Write a page with all pictures here.")] = None,
    json_: Json = False,  # noqa: FBT002  (typer makes it an option)
    level_db: Annotated[float, typer.Option(help="Peak of the tones, in dBFS.")] = -12.0,
    *,
    loading: Loading,
) -> None:
    """Measure what a model does: distortion, aliasing, responses, dynamics, loudness."""
    from neural_distortion import analysis

    loaded = load(model, **loading)
    with _progress() as say:
        measured = analysis.analyze(loaded, name=_name(loaded, model), level_db=level_db, progress=say)
        if html:
            say("drawing")
            html.write_text(measured.to_html(), encoding="utf-8")
    if json_:
        _print_json(measured.to_dict())
    else:
        output.print(f"[bold]{escape(measured.name)}[/]")
        for part in vars(measured).values():
            if isinstance(part, analysis.Result):
                output.print(f"[bold]{part.title}[/]")
                for name, value in part.summary().items():
                    output.print(f"  {escape(f'{name:28}{value}')}")
    if html:
        messages.print(f"All pictures are in {escape(str(html))}.")


@with_loading
def compare(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="A model, or a recording, to match.")
    ],
    candidates: Annotated[list[Path], typer.Argument(metavar="CANDIDATE", help="Models or recordings.")],
    dry: Annotated[
        Path | None, typer.Option("--input", help="What models hear; by default, the guitar of the demo.")
    ] = None,
    align: Align = False,  # noqa: FBT002  (typer makes it an option)
    json_: Json = False,  # noqa: FBT002  (typer makes it an option)
    *,
    loading: Loading,
) -> None:
    """Say how near models, or recordings, are to a reference; the nearest comes first."""
    from neural_distortion import analysis

    names = dict(zip(_short([reference, *candidates]), [reference, *candidates], strict=True))
    rates: dict[Path, int] = {}
    loaded = {name: _model_or_recording(path, rates, loading) for name, path in names.items()}
    played = None
    if dry:
        played = _mono(dry, rates)
    elif rates and any(isinstance(one, Model) for one in loaded.values()):
        msg = "a model and a recording can only be compared with the --input that the recording was made from"
        raise ValueError(msg)
    if len(set(rates.values())) > 1:
        msg = "sample rates differ: " + ", ".join(f"{path} has {rate} Hz" for path, rate in rates.items())
        raise ValueError(msg)
    wanted, *_ = loaded
    with _progress() as say:
        say("comparing")
        result = analysis.compare(
            {name: one for name, one in loaded.items() if name != wanted},
            loaded[wanted],
            dry=played,
            sample_rate=next(iter(rates.values()), None),
            align=align,
        )
    if json_:
        _print_json(result.to_dict())
        return
    rows = [("ESR", "in dB", "emphasised", "MR-STFT", "samples", "gain", f"against {wanted}")]
    for name, match in result.matches.items():
        esr_db = f"{10 * np.log10(match.esr):.1f}" if match.esr > 0 else "none"
        distances = (f"{match.esr:.3g}", esr_db, f"{match.esr_pre_emphasised:.3g}", f"{match.mr_stft:.3g}")
        rows.append((*distances, f"{match.delay_samples:z.2f}", f"{match.gain_db:+.1f} dB", name))
    for *numbers, name in rows:
        output.print(escape("".join(f"{number:>12}" for number in numbers) + f"  {name}"))


@with_loading
def bench(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    block: Annotated[int, typer.Option(min=1, help="Frames in a block.")] = 64,
    json_: Json = False,  # noqa: FBT002  (typer makes it an option)
    *,
    loading: Loading,
) -> None:
    """Measure how fast a model runs on this machine, on one core.

    A multiply-add is one for each weight and sample. A block's time has that of the call from Python in it.
    """
    loaded = load(model, **loading)
    rate = loaded.sample_rate or 48_000
    noise = (0.1 * np.random.default_rng(0).standard_normal(round(rate))).astype(np.float32)
    with _progress() as say:
        say("whole signals")
        whole_ns = min(_timed(loaded, noise, rate)) / noise.size
        say(f"blocks of {block}")
        blocks_ns = _timed(loaded, noise[:block], rate)
        say("what the machine can do")
        limit = _multiply_adds_per_ns()
    speed = loaded.num_parameters / whole_ns
    median_us, nearly_us, worst_us = np.percentile(blocks_ns, [50, 99, 100]) / 1e3
    budget_us = block / rate * 1e6
    if json_:
        _print_json(
            {
                "ns_per_sample": whole_ns,
                "times_real_time": 1e9 / rate / whole_ns,
                "multiply_adds_per_ns": speed,
                "limit_multiply_adds_per_ns": limit,
                "block": block,
                "block_median_us": median_us,
                "block_99_percent_us": nearly_us,
                "block_worst_us": worst_us,
                "block_budget_us": budget_us,
            }
        )
        return
    output.print(f"[bold]{escape(_name(loaded, model))}[/]")
    output.print(
        f"  whole signals  {whole_ns:.1f} ns per sample, {1e9 / rate / whole_ns:.0f} times real time"
    )
    share = 100 * speed / limit
    output.print(f"  multiply-adds  {speed:.1f} per ns, {share:.0f} % of the {limit:.1f} of a matrix product")
    times = f"{median_us:.1f} µs, 99 of 100 within {nearly_us:.1f} µs, worst {worst_us:.1f} µs"
    output.print(f"  blocks of {block:<5}{times}, of {budget_us:.0f} µs")


@contextmanager
def _progress() -> Iterator[Any]:
    """Show what is being done, on standard error, until it is."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=messages, transient=True
    ) as progress:
        task = progress.add_task("loading")
        yield lambda text: progress.update(task, description=escape(text.replace("_", " ")))


def _print_json(found: object) -> None:
    """Print numbers for other programs."""
    sys.stdout.write(json.dumps(found, indent=2, allow_nan=False) + "\n")


def _name(model: Model, path: Path) -> str:
    """Return what the model's file calls it, or what the file is called."""
    return model.metadata.name or path.stem


def _short(paths: list[Path]) -> list[str]:
    """Return the ends of paths, as long as it takes to tell them apart."""
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = [str(Path(*path.parts[-parts:])) for path in paths]
        if len(set(names)) == len(names):
            return names
    msg = "the same file is given twice"
    raise ValueError(msg)


def _model_or_recording(path: Path, rates: dict[Path, int], loading: Loading) -> Model | np.ndarray:
    """Return what is in a file, and note the sample rate of a recording."""
    try:
        return load(path, **loading)
    except ModelError as error:
        if error.kind != "not_json":
            raise
    return _mono(path, rates)


def _mono(path: Path, rates: dict[Path, int]) -> np.ndarray:
    """Return a recording of one channel, and note its sample rate."""
    audio, rates[path] = read(path)
    if audio.ndim != 1:
        msg = f"{path}: {audio.shape[0]} channels, where one is compared"
        raise ValueError(msg)
    return audio


def _timed(model: Model, audio: np.ndarray, rate: float) -> list[int]:
    """Return how long each of many runs took, in ns: a stream, after a first run that warms up."""
    model.process(audio, rate)
    times: list[int] = []
    end = perf_counter() + _MEASURING_SECONDS
    while perf_counter() < end or not times:
        start = perf_counter_ns()
        model.process(audio, rate, reset=False, resample=False)
        times.append(perf_counter_ns() - start)
    return times


def _multiply_adds_per_ns() -> float:
    """Return what one core reaches in a product of matrices: numpy's, kept from using others."""
    alone = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP", "BLIS")}
    alone["VECLIB_MAXIMUM_THREADS"] = "1"
    found = subprocess.run(
        [sys.executable, "-c", _PRODUCT], env=os.environ | alone, capture_output=True, text=True, check=True
    )
    return float(found.stdout)
