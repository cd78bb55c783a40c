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
from pathlib import Path
from time import perf_counter

import neural_distortion as nd
import numpy as np

folder = Path(tempfile.mkdtemp())
guitar, sample_rate = nd.read(nd.example_audio("phrases"))
(folder / "di").mkdir()
for number, clip in enumerate(guitar[: 20 * sample_rate].reshape(50, -1)):
    nd.write(folder / "di" / f"{number:02d}.wav", clip, sample_rate)

# %% [markdown]
# Every clip goes through every model, at every setting of its knob, at two gains that are each changed at
# random by up to 3 dB. The seed and the name of an output decide by how much, so that every one of them can
# be made again, on any machine.

# %%
render = {
    "inputs": f"{folder}/di/*.wav",
    "models": [nd.example_model(name) for name in ("overdrive-light", "distortion-light")],
    "out": folder / "wet",
    "parameters": {"drive": [0, 0.25, 0.5, 0.75, 1]},
    "gains_db": [-6, 6],
    "jitter_db": 3,
    "seed": 1,
}
begin = perf_counter()
results = nd.batch.render(**render, format="flac", subtype="PCM_16", level_db=-12)
seconds = perf_counter() - begin
print(f"{len(results)} clips, {sum(row.duration_s for row in results):.0f} s of audio, in {seconds:.1f} s")

# %% [markdown]
# Each output has a row, which says all that made it.

# %%
row = next(iter(results))
print(row.output)
print(f"  {Path(row.input).name} at {row.gain_db:+.2f} dB through {Path(row.model).name} at {row.parameters}")
print(f"  {row.loudness_in_lufs:.1f} LUFS in, {row.loudness_out_lufs:.1f} LUFS out, a peak of {row.peak:.2f}")
print(f"  input {row.input_sha256[:8]}…, model {row.model_sha256[:8]}…, output {row.output_sha256[:8]}…")

# %% [markdown]
# What is there and whole is left as it is: a run that was killed goes on where it was, when it is asked for
# again. Here one output is lost, and made again.

# %%
lost = folder / "wet" / row.output
before = lost.read_bytes()
lost.unlink()
last = []
again = nd.batch.render(**render, format="flac", subtype="PCM_16", level_db=-12, on_progress=last.append)
assert lost.read_bytes() == before
print(f"{last[-1].kept} kept, {last[-1].done} rendered")

# %% [markdown]
# The rows are a table, too: `results.write("out.csv")`, or `results.to_pandas()` with the extra `cluster`.
# Quiet clips gain more from a distortion than loud ones:

# %%
dry = np.array([row.loudness_in_lufs for row in results])
wet = np.array([row.loudness_out_lufs for row in results])
for low in range(-40, -15, 5):
    chosen = (low <= dry) & (dry < low + 5)
    if chosen.any():
        print(
            f"{low} to {low + 5} LUFS: {np.mean(wet[chosen] - dry[chosen]):+.1f} LU in {chosen.sum()} clips"
        )

# %% [markdown]
# A file that cannot be used does not stop the others: it has a row with its error. The command line does the
# same, `neural-distortion render-many --inputs 'di/*.wav' --models 'captures/*.nam' wet`, and so does a
# cluster, with `cluster="auto"`.
