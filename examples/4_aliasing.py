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
from neural_distortion import analysis, plot

plt.style.use(plot.STYLE)
model = nd.load(nd.example_model("soft-clip"))
analysis.spectrogram(model)

# %% [markdown]
# The aliasing-to-signal ratio (ASR) compares what is between the harmonics with what is at them. Played
# notes end near 1.3 kHz; their overtones do not.

# %%
plain = analysis.aliasing(model)
plain

# %% [markdown]
# `load` takes what to do about it. `"2x"`, `"4x"`, … run the network at a multiple of its rate, between
# filters: what it adds then has room, and is taken away before it can fold. All delays inside are as many
# times as long, so a network that remembers still sees what it was trained on.

# %%
_, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
for number, method in enumerate(("off", "2x", "4x", "8x")):
    measured = analysis.aliasing(nd.load(nd.example_model("soft-clip"), anti_aliasing=method))
    measured.plot(axes)
    axes.lines[-1].set(label=method, color=plot.PALETTE[number])
    print(f"{method}: ASR {measured.near(1_000):6.1f} dB at 1 kHz, {measured.near(5_000):6.1f} dB at 5 kHz")
axes.legend()

# %% [markdown]
# The same picture as above, at four times the rate:

# %%
analysis.spectrogram(nd.load(nd.example_model("soft-clip"), anti_aliasing="4x"))

# %% [markdown]
# A network without memory is a curve, and of a curve the mean between two frames can be had from its
# antiderivative: less for less work. `"eco"`, `"standard"` and `"best"` choose for each network what
# suits it.

# %%
for dial in ("eco", "standard", "best"):
    chosen = nd.load(nd.example_model("soft-clip"), anti_aliasing=dial)
    measured = analysis.aliasing(chosen, [1_000, 2_000, 5_000])
    late = f"{chosen.latency_samples} frames of latency in a stream"
    print(f"{dial}: {chosen.anti_aliasing}, {late}, worst ASR {measured.asr_db.max():.1f} dB")

# %% [markdown]
# Where nothing aliases, the sound is the trained one:

# %%
guitar, rate = nd.read(nd.example_audio("guitar"))
soft = 0.02 * guitar
print(f"ESR {analysis.esr(model(soft, rate), chosen(soft, rate)):.1e}")
