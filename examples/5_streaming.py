# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Streaming in blocks, and real-time budgets
#
# A plugin gets audio in blocks, and each must be ready before the next one comes.

# %%
from time import perf_counter_ns

import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from neural_distortion import plot

plt.style.use(plot.STYLE)
model = nd.load("../tests/data/models/A2.nam")
sample_rate = 48_000
dry, _ = nd.read(nd.example_audio("guitar"))
dry = dry[: 2 * sample_rate]
model

# %% [markdown]
# With `reset=False` a call goes on where the last one ended. Blocks of any length give the samples that one
# call would have given, to the last bit.

# %%
whole = model(dry, sample_rate)
for block in (1, 7, 64, 1_000):
    model.reset()
    part = dry[: min(dry.size, 2_000 * block)]
    pieces = [
        model.process(part[start : start + block], sample_rate, reset=False)
        for start in range(0, part.size, block)
    ]
    assert np.array_equal(np.concatenate(pieces), whole[: part.size])

# %% [markdown]
# The budget of a block is its own length. A smaller block is a shorter delay, and less room for anything
# else that the computer may want to do.

# %%
blocks = (16, 32, 64, 128, 256, 512)
times_us = {}
for block in blocks:
    model.reset()
    times_us[block] = []
    for start in range(0, min(dry.size, 400 * block) - block, block):
        begin = perf_counter_ns()
        model.process(dry[start : start + block], sample_rate, reset=False)
        times_us[block].append((perf_counter_ns() - begin) / 1e3)

for block, times in times_us.items():
    budget_us = block / sample_rate * 1e6
    middle, worst = np.median(times), max(times)
    print(f"{block:4d} frames: {middle:7.1f} µs, worst {worst:7.1f} µs, of {budget_us:7.1f} µs")

# %%
_, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
axes.loglog(blocks, [block / sample_rate * 1e6 for block in blocks], "--", color=plot.DRY, label="budget")
axes.loglog(blocks, [np.median(times_us[block]) for block in blocks], "o-", color=plot.WET, label="median")
axes.loglog(
    blocks,
    [np.percentile(times_us[block], 99) for block in blocks],
    "s:",
    color=plot.WET,
    label="99 of 100 are faster",
)
axes.set(xlabel="block (frames)", ylabel="time (µs)")
axes.set_xticks(blocks, blocks)
axes.minorticks_off()
axes.legend()
