"""How renders scale from one worker to all cores: ``python benches/scaling.py``, with the package installed.

Every model renders the same recordings with 1, 2, … workers: threads of one process, and processes of a
Ray cluster on this machine. What is measured is `nd.batch.render` from its call to its return: reading,
rendering, measuring, hashing and writing. Beside it stands what the machine itself gives: as many processes
at a time, which do nothing but run the engine on audio in memory. Times are the shortest of several rounds,
in which all settings take turns.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

import neural_distortion as nd
import numpy as np

ROOT = Path(__file__).resolve().parents[1]

MODELS = {
    "WaveNet (A1 standard)": ROOT / "tests/data/models/wavenet_a1_standard.nam",
    "LSTM (overdrive)": nd.example_model("overdrive"),
}

ITEMS = 24
"""Outputs of each measurement: as many for each of 1, 2, 3, 4, 6, 8, 12 or 24 workers."""

WAYS = ("engine alone", "threads", "cluster")


def main() -> None:
    """Measure in processes of their own, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=list(range(1, cores() + 1)))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one", nargs=3, metavar=("WAY", "MODEL", "WORKERS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        way, model, workers = asked.one
        print(json.dumps(measured(way, MODELS[model], int(workers))))
        return
    best: dict[tuple[str, str, int], float] = {}
    loads = [os.getloadavg()[0]] if hasattr(os, "getloadavg") else []
    settings = [(way, model, n) for model in MODELS for n in asked.workers for way in asked.ways]
    for done in range(asked.rounds):
        for way, model, workers in settings:
            command = [sys.executable, __file__, "--one", way, model, str(workers)]
            seconds = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            key = (way, model, workers)
            best[key] = min(best.get(key, np.inf), seconds)
            print(f"round {done + 1}: {way}, {model}, {workers}: {seconds:.2f} s", file=sys.stderr)
        loads += [os.getloadavg()[0]] if hasattr(os, "getloadavg") else []
    print(table(best, asked.ways, asked.workers))
    print(f"\nLoad from {min(loads, default=0):.1f} to {max(loads, default=0):.1f}, {cores()} cores.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def recording() -> np.ndarray:
    """Return what is rendered."""
    return nd.read(nd.example_audio("guitar"))[0]


def measured(way: str, model: Path, workers: int) -> float:
    """Return the seconds that all outputs take."""
    if way == "engine alone":
        return alone(model, workers)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nd.write(folder / "dry.wav", recording(), 48_000)
        options: dict[str, object] = {"workers": workers}
        if way == "cluster":
            import ray

            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
            options = {"cluster": "auto"}
        # What a long run does once: starting processes and compiling the model.
        nd.batch.render([folder / "dry.wav"], [model], folder / "first", gains_db=range(workers), **options)
        start = perf_counter()
        gains_db = -np.arange(ITEMS) / 2
        results = nd.batch.render([folder / "dry.wav"], [model], folder / "out", gains_db=gains_db, **options)
        seconds = perf_counter() - start
        assert len(results) == ITEMS
        assert not results.failures
        return seconds


def alone(model: Path, workers: int) -> float:
    """Return the seconds that the engine takes, with as many processes."""
    context = multiprocessing.get_context("spawn")
    barrier, times = context.Barrier(workers), context.Queue()
    work = (model, ITEMS // workers, barrier, times)
    processes = [context.Process(target=play, args=work) for _ in range(workers)]
    for process in processes:
        process.start()
    starts, ends = zip(*(times.get() for _ in processes), strict=True)
    for process in processes:
        process.join()
    return max(ends) - min(starts)


def play(
    model: Path, count: int, barrier: Barrier, times: "multiprocessing.Queue[tuple[float, float]]"
) -> None:
    """Run the engine ``count`` times, and say when, by the clock that all processes have."""
    loaded, dry = nd.load(model), recording()
    loaded(dry, 48_000, threads=1)
    barrier.wait()
    start = perf_counter()
    for _ in range(count):
        loaded(dry, 48_000, threads=1)
    times.put((start, perf_counter()))


def table(best: dict[tuple[str, str, int], float], ways: list[str], counts: list[int]) -> str:
    """Return the times as Markdown: how fast one worker is, and the efficiency of more."""
    samples = ITEMS * recording().size
    more = [count for count in counts if count > 1]
    lines = [
        "| model | way | ns a sample with one worker | "
        + " | ".join(f"{count} workers" for count in more)
        + " |",
        "|---|---|---:|" + "---:|" * len(more),
    ]
    for model in MODELS:
        for way in ways:
            one = best[way, model, 1]
            shares = [f"{one / count / best[way, model, count]:.2f}" for count in more]
            lines.append(f"| {model} | {way} | {1e9 * one / samples:.0f} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
