# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Train your own
#
# A model is learned from two recordings: what went into the gear, and what came out. Here the gear is a
# clipper of our own, so that it is known what has to come out.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from neural_distortion import analysis, plot, training
from neural_distortion.training.report import draw_history

plt.style.use(plot.STYLE)
sample_rate = 48_000
dry, _ = training.generate("excitation", sample_rate=sample_rate, duration_s=8, peak=1)


def clipper(x):
    """Return what a diode to one side and a softer one to the other leave of a signal."""
    return np.where(x > 0, np.tanh(3 * x), 0.6 * np.tanh(5 * x)).astype(np.float32)


wet = clipper(dry)

# %% [markdown]
# A perceptron has no memory, which such a clipper does not ask for. It is trained in seconds, without
# PyTorch. The weights that are kept are those with the lowest error on what was held out, as the engine plays
# them.

# %%
fit = training.fit(dry, wet, sample_rate, arch="mlp", hidden=(8,), effort="quick")
print(f"ESR {fit.esr:.1e} with {fit.num_parameters} weights, after {len(fit.history)} epochs")
print(f"the engine plays it as it was trained, to {fit.difference:.0e} of full scale")

# %%
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
draw_history(axes, fit.history)

# %% [markdown]
# What it has learned is a curve.

# %%
analysis.transfer_curve(fit.model, sample_rate=sample_rate)

# %%
x = np.linspace(-1, 1, 2001, dtype=np.float32)
print(f"largest distance from the clipper: {np.abs(fit.model(x, sample_rate) - clipper(x)).max():.1e}")

# %% [markdown]
# Gear with a memory, such as the overdrive that comes along, has filters around its clipping. No curve
# follows it: the error stays high, and that is how one knows.

# %%
overdrive = nd.load(nd.example_model("overdrive"))
poor = training.fit(dry, overdrive(dry, sample_rate), sample_rate, arch="mlp", effort="quick")
print(f"ESR {poor.esr:.2f}: 0 is perfect, 1 is silence")

# %% [markdown]
# For such gear there are networks with a memory, which need PyTorch: `arch="lstm-16"`, `"wavenet-standard"`
# and others. A model is saved as what its name says, with a page about its training that has all of this,
# and the sound.

# %%
folder = Path(tempfile.mkdtemp())
fit.save(folder / "clipper.nam")
fit.report(folder / "clipper.html", name="clipper")
nd.load(folder / "clipper.nam").metadata.validation_esr

# %% [markdown]
# On the command line that is `neural-distortion train dry.wav wet.wav clipper.nam`; for a whole shelf of
# pedals, at several sizes and from several seeds, `neural-distortion train-many shelf.yaml`.
