# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A thousand renders
#
# Data for machine learning: many clips, through several models, at random levels, on all cores.

# %%
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import neural_distortion as nd
import numpy as np

folder = Path(tempfile.mkdtemp())
dry, sample_rate = nd.read(nd.example_audio("guitar"))
models = {
    "soft-clip": nd.load(nd.example_model("soft-clip")),
    "lstm": nd.load("../tests/data/models/lstm.nam"),
}

# %% [markdown]
# A model is one thread's at a time; a clone shares its weights and has a state of its own. The engine lets
# go of Python's lock while it plays, so that threads are enough. One long signal is spread over the cores
# by itself; here it is the clips that are spread.


# %%
def render(job):
    """Render one clip; the job's number is its seed, so that every clip can be made again."""
    random = np.random.default_rng(job)
    name = random.choice(list(models))
    start = random.integers(0, dry.size - sample_rate // 2)
    gain = 10 ** (random.uniform(-12, 12) / 20)
    clip = gain * dry[start : start + sample_rate // 2]
    return name, models[name].clone()(clip, sample_rate, threads=1)


begin = perf_counter()
with ThreadPoolExecutor() as pool:
    clips = list(pool.map(render, range(1_000)))
seconds = perf_counter() - begin
played = sum(clip.size for _, clip in clips) / sample_rate
print(f"{len(clips)} clips, {played:.0f} s of audio, in {seconds:.1f} s")

# %% [markdown]
# Files are written as soundfile's 32-bit float, and read back the same.

# %%
for number, (name, clip) in enumerate(clips[:20]):
    nd.write(folder / f"{number:04d}_{name}.wav", clip, sample_rate)
again, _ = nd.read(sorted(folder.glob("*.wav"))[0])
assert np.array_equal(again, clips[0][1])
sorted(path.name for path in folder.iterdir())[:5]

# %% [markdown]
# For files that are there already, the command line does the same: `neural-distortion render model.nam
# *.wav folder/`.
