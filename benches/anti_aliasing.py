"""Measure every method against aliases on some models, and print the table of docs/anti-aliasing.md.

python benches/anti_aliasing.py MODEL ...
"""

import sys
import time
from pathlib import Path

import neural_distortion as nd
import numpy as np
from neural_distortion import analysis
from neural_distortion._typing import Audio

METHODS = ("2x", "4x", "8x", "minimum-2x", "minimum-4x", "adaa1", "adaa2")
TONES_HZ = np.geomspace(1_000, 5_000, 9)
LEVEL_DB = -6.0
BLOCK = 2_048  # so that the calls from Python do not count
ROUNDS = 100


def seconds(models: list[nd.Model], rate: float, audio: Audio) -> list[float]:
    """Return the shortest time of a block for each model, all measured in turn."""
    best = [np.inf] * len(models)
    for number in range(ROUNDS):
        start = number * BLOCK % (audio.size - BLOCK)
        block = audio[start : start + BLOCK]
        for index, model in enumerate(models):
            before = time.perf_counter()
            model.process(block, rate, reset=False)
            best[index] = min(best[index], time.perf_counter() - before)
    return best


def rows(path: str) -> list[str]:
    """Return a row of the table for each method that the model can have."""
    off = nd.load(path)
    rate = off.sample_rate or 48_000.0
    models = {"off": off}
    for method in METHODS:
        try:
            models[method] = nd.load(path, anti_aliasing=method)
        except nd.ModelError:
            continue
    guitar, _ = nd.read(nd.example_audio("guitar"))
    low = (0.02 * np.sin(2 * np.pi * 110 / rate * np.arange(24_000))).astype(np.float32)
    times = dict(zip(models, seconds(list(models.values()), rate, guitar[: int(rate)]), strict=True))
    aliases = {
        method: analysis.aliasing(model, TONES_HZ, level_db=LEVEL_DB, sample_rate=rate).asr_db
        for method, model in models.items()
    }
    table = []
    for method, model in models.items():
        gain = aliases["off"] - aliases[method]
        esr = analysis.esr(off(low, rate)[4_000:], model(low, rate)[4_000:])
        table.append(
            f"| {Path(path).stem} | {method} | {aliases[method].max():.0f} | "
            f"{gain.min():.0f} to {gain.max():.0f} | {esr:.0e} | {model.latency_samples} | "
            f"{1e9 * times[method] / BLOCK:.0f} | {times[method] / times['off']:.1f} |"
        )
    return table


print(
    "| model | method | worst ASR (dB) | better by (dB) | ESR of a low note | latency (frames) | ns | times |"
)
print("|---|---|---|---|---|---|---|---|")
for argument in sys.argv[1:]:
    for row in rows(argument):
        print(row, flush=True)
