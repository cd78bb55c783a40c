# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The speed story
#
# One small network, three ways: the equations in plain Python, the same in numpy, and the engine.

# %%
import cProfile
import json
import math
import pstats
from time import perf_counter

import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from neural_distortion import plot

plt.style.use(plot.STYLE)
path = nd.example_model("soft-clip")
model = nd.load(path)
dry, sample_rate = nd.read(nd.example_audio("guitar"))
weights = json.loads(path.read_text())
list(weights), model.num_parameters

# %% [markdown]
# ## As one writes it down
#
# An object for each neuron, a call for each sum. It is clear, and nearly all of its time goes into calls.


# %%
class Neuron:
    def __init__(self, weights, bias, curve):
        self.weights, self.bias, self.curve = weights, bias, curve

    def add_up(self, inputs):
        return sum(weight * x for weight, x in zip(self.weights, inputs, strict=True)) + self.bias

    def __call__(self, inputs):
        return self.curve(self.add_up(inputs))


hidden = [
    Neuron([weight], bias, math.tanh)
    for weight, bias in zip(weights["layer1_weights"], weights["layer1_bias"], strict=True)
]
output = Neuron(weights["layer2_weights"], weights["layer2_bias"][0], lambda x: x)


def naive(samples):
    return [output([neuron([x]) for neuron in hidden]) for x in samples]


# %% [markdown]
# ## Flat
#
# The same network without objects: two lists and a loop.

# %%
rows = list(zip(weights["layer1_weights"], weights["layer1_bias"], weights["layer2_weights"], strict=True))
rest = weights["layer2_bias"][0]


def flat(samples, tanh=math.tanh):
    return [sum(out * tanh(weight * x + bias) for weight, bias, out in rows) + rest for x in samples]


# %% [markdown]
# ## In arrays
#
# numpy runs the loops in C, over the whole signal at once, and keeps every intermediate result in memory.

# %%
inner, bias, outer = (np.array(column, dtype=np.float32) for column in zip(*rows, strict=True))


def arrays(samples):
    return np.tanh(np.outer(samples, inner) + bias) @ outer + np.float32(rest)


# %% [markdown]
# ## Compiled
#
# The engine takes the samples in vectors, and their way through the network stays in registers.


# %%
def engine(samples):
    return model(samples, sample_rate, threads=1)


def time_ns(function, frames):
    """Return the time for a sample: the best of three runs, which are as long as the method allows."""
    best = math.inf
    for _ in range(3):
        begin = perf_counter()
        function(dry[:frames])
        best = min(best, perf_counter() - begin)
    return best / frames * 1e9


ways = {naive: 2_000, flat: 10_000, arrays: 200_000, engine: 400_000}
for way in ways:  # they all play the same
    assert np.allclose(way(dry[:2_000]), engine(dry[:2_000]), atol=1e-5)
times = {way.__name__: time_ns(way, frames) for way, frames in ways.items()}
times

# %%
_, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
bars = axes.barh(list(times), list(times.values()), color=[*plot.PALETTE[3:0:-1], plot.DRY])
axes.bar_label(bars, [f"{value:,.0f} ns" for value in times.values()], padding=4)
axes.axvline(1e9 / sample_rate, color="0.4", linestyle="--", linewidth=1)
axes.set_title(" real time", x=np.log(1e9 / sample_rate) / np.log(1e6), loc="left", fontsize=10)
axes.set(xscale="log", xlabel="time for a sample (ns)", xlim=(1, 1e6))
axes.grid(visible=False, axis="y")
axes.invert_yaxis()

# %% [markdown]
# ## Where the time goes
#
# Calls that Python makes for a hundred samples; those of arrays and of the engine do not depend on how many
# there are:


# %%
def calls(function):
    """Return how often each function is called for a hundred samples."""
    profile = cProfile.Profile()
    profile.runcall(function, dry[:100])
    found = pstats.Stats(profile).stats
    return {name.strip("<>"): count for (_, _, name), (count, *_) in found.items() if count >= 100}


counted = {way.__name__: calls(way) for way in ways}
_, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
for name, found in counted.items():
    start = 0
    axes.barh(name, 0)
    for index, (function, count) in enumerate(sorted(found.items(), key=lambda item: -item[1])[:6]):
        axes.barh(name, count, left=start, edgecolor="white", color=plot.PALETTE[index])
        if count > 600:
            axes.text(
                start + count / 2,
                name,
                function.split()[-1],
                ha="center",
                va="center",
                fontsize=8,
            )
        start += count
axes.set(xlabel="calls of functions for 100 samples")
axes.grid(visible=False, axis="y")
axes.invert_yaxis()

# %% [markdown]
# The same for a model of any kind, against what this machine can do: `neural-distortion bench MODEL`.
