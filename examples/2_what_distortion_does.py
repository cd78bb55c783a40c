# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # What distortion does
#
# A model changes the shape of a wave. Its spectrum says how that sounds, and its transfer curve says why.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from neural_distortion import analysis, plot

plt.style.use(plot.STYLE)
model = nd.load(nd.example_model("soft-clip"))
sample_rate = 48_000

# %% [markdown]
# Three periods of a low A, at the level of a guitar, before and after:

# %%
sine = (0.25 * np.sin(2 * np.pi * 110 / sample_rate * np.arange(1_310))).astype(np.float32)
plot.waveforms(sine, model(sine, sample_rate), sample_rate, title="A 110 Hz sine, before and after")

# %% [markdown]
# The flattened tops are new frequencies: multiples of the tone. A curve that treats both halves of the wave
# alike makes odd harmonics only, and one that does not makes even ones too.

# %%
analysis.harmonics(model, 110)

# %% [markdown]
# Three pedals come with the package, each trained on its circuit. An overdrive bends the wave softly, a
# distortion clips it hard, a fuzz squares it and moves its middle. They remember, so that their curves are
# loops: on the way up they answer otherwise than on the way down.

# %%
pedals = {name: nd.load(nd.example_model(name)) for name in ("overdrive", "distortion", "fuzz")}
_, rows = plt.subplots(2, len(pedals), figsize=(11, 7), layout="constrained")
for (name, pedal), curve, bars in zip(pedals.items(), *rows, strict=True):
    analysis.transfer_curve(pedal, level_db=-12).plot(curve)
    measured = analysis.harmonics(pedal, 110, level_db=-12, count=12)
    measured.plot(bars)
    curve.set_title(name, pad=24, fontweight="bold")
    knob = pedal.parameters[0].name
    print(f"{name}: {pedal.architecture}, knob {knob!r}, THD {measured.thd_percent:.0f} %")

# %% [markdown]
# Anything that is called like a model can be measured: a plugin in pedalboard, or a plain function.


# %%
def hard(audio, _sample_rate):
    return np.clip(8 * audio, -0.5, 0.5)


def fold(audio, _sample_rate):
    return 0.5 * np.sin(16 * audio)


candidates = {"soft": model, "hard": hard, "fold": fold}
_, rows = plt.subplots(2, len(candidates), figsize=(11, 7), layout="constrained")
for (name, candidate), curve, bars in zip(candidates.items(), *rows, strict=True):
    analysis.transfer_curve(candidate, level_db=-6).plot(curve)
    analysis.harmonics(candidate, 110, count=12).plot(bars)
    curve.set_title(name, pad=24, fontweight="bold")

# %% [markdown]
# How much is added depends on the level: this is what players call touch.

# %%
_, (left, right) = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
swept = analysis.sweep_level(model)
swept.plot(left)
swept.plot_thd(right)
swept

# %% [markdown]
# Two tones make more than their harmonics: sums and differences, which is why chords sound rough.

# %%
analysis.intermodulation(model, frequencies_hz=(110, 880))
