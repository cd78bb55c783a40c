# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Aliasing, and how to lower it
#
# Harmonics above half the sample rate do not vanish: they fold back, to frequencies that have nothing to do
# with the note.

# %%
import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
from neural_distortion import analysis, plot

plt.style.use(plot.STYLE)
model = nd.load(nd.example_model("overdrive"))
analysis.spectrogram(model)

# %% [markdown]
# The aliasing-to-signal ratio (ASR) compares what is between the harmonics with what is at them. Played
# notes end near 1.3 kHz; their overtones do not.

# %%
plain = analysis.aliasing(model)
plain

# %% [markdown]
# A model without memory can run at any rate, so it can run at a multiple of ours: what it adds then has
# room, and a filter takes away what is above half our rate before it can fold.


# %%
def oversampled(factor):
    """Return the model at a multiple of the sample rate, between two equal low-pass filters."""
    taps = np.arange(-32 * factor, 32 * factor + 1) / factor
    low_pass = np.sinc(0.92 * taps) * np.kaiser(taps.size, 10)
    low_pass /= low_pass.sum()

    def run(audio, sample_rate):
        stuffed = np.zeros(audio.size * factor)
        stuffed[::factor] = factor * audio
        driven = model(np.convolve(stuffed, low_pass, "same"), sample_rate * factor)
        return np.convolve(driven, low_pass, "same")[::factor]

    return run


# %%
_, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
for factor in (1, 2, 4, 8):  # 1 is the filters alone, around the model
    measured = analysis.aliasing(oversampled(factor))
    measured.plot(axes)
    axes.lines[-1].set(label=f"{factor}x", color=plot.PALETTE[factor.bit_length() - 1])
    print(f"{factor}x: ASR {measured.near(1_000):6.1f} dB at 1 kHz, {measured.near(5_000):6.1f} dB at 5 kHz")
axes.legend()

# %% [markdown]
# The same picture as above, at four times the rate:

# %%
analysis.spectrogram(oversampled(4))

# %% [markdown]
# A model that remembers, such as a WaveNet, has a sample rate of its own and cannot simply run faster. What
# helps there is a smoother activation at training time (arXiv 2505.04082).
