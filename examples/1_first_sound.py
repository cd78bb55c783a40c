# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # First sound
#
# Load a model, play a guitar through it, and listen.

# %%
import neural_distortion as nd
from IPython.display import Audio
from neural_distortion import analysis

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
