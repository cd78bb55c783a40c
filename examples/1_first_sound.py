# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # First sound
#
# Load a model, play a guitar through it, and listen.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from IPython.display import Audio
from neural_distortion import analysis, plot

plt.style.use(plot.STYLE)
model = nd.load(nd.example_model("overdrive"))
model

# %% [markdown]
# Audio is float32, `(frames,)` or `(channels, frames)`, and a sample rate goes along with it.

# %%
dry, sample_rate = nd.read(nd.example_audio("guitar"))
dry.shape, dry.dtype, sample_rate

# %%
wet = model(dry, sample_rate)
Audio(dry[: 3 * sample_rate], rate=sample_rate)

# %%
Audio(wet[: 3 * sample_rate], rate=sample_rate)

# %% [markdown]
# A distortion and a fuzz come with the package too, each learned from its circuit. Here is a power chord, and
# what the three make of it:

# %%
chord = slice(round(2.0 * sample_rate), round(2.025 * sample_rate))
time_ms = 1e3 * np.arange(dry[chord].size) / sample_rate
_, row = plt.subplots(1, 3, figsize=(13, 3.8), sharey=True, layout="constrained")
for name, axes in zip(("overdrive", "distortion", "fuzz"), row, strict=True):
    pedal = nd.load(nd.example_model(name))
    axes.plot(time_ms, dry[chord], color=plot.DRY, linestyle="--", label="guitar")
    axes.plot(time_ms, pedal(dry, sample_rate)[chord], color=plot.WET, linewidth=2.2, label=name)
    axes.set(xlabel="time (ms)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    axes.margins(x=0)
_ = row[0].set(ylabel="amplitude (full scale = 1)")

# %% [markdown]
# The harder a model is driven, the more it distorts: its input level is the gain knob.

# %%
for gain_db in (-24, -12, 0):
    driven = analysis.harmonics(model, 220, level_db=-12 + gain_db)
    print(f"{gain_db:+3d} dB: THD {driven.thd_percent:5.1f} %")

# %% [markdown]
# What became of the guitar, band by band:

# %%
analysis.loudness(model)

# %% [markdown]
# `nd.write("wet.wav", wet, sample_rate)` would write it to a file.
