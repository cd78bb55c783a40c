# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Is a capture any good?
#
# A capture is good where what is left after subtracting it from the device is not heard. The "device" here
# is the curve that the shipped model learned; for a real one, `target` is a recording of it.

# %%
import neural_distortion as nd
import numpy as np
from IPython.display import Audio
from neural_distortion import analysis


def device(audio, _sample_rate):
    """Saturate softly, and sooner upwards than downwards."""
    headroom = np.where(audio >= 0, 0.5, 0.7)
    return headroom * np.tanh(8 * audio / headroom)


model = nd.load(nd.example_model("soft-clip"))
dry, sample_rate = nd.read(nd.example_audio("guitar"))
target = device(dry.astype(np.float64), sample_rate)

# %% [markdown]
# The error-to-signal ratio is what trainers report: 0 is perfect, 1 is what silence gets, and 0.01 means
# that the error is 20 dB below the signal. The pre-emphasis lifts the highs, where the ear is keener than
# the energy.

# %%
prediction = model(dry, sample_rate)
print(f"ESR                {analysis.esr(target, prediction):.2e}")
print(f"ESR, emphasised    {analysis.esr(target, prediction, pre_emphasis=0.85):.2e}")
print(f"ESR, A-weighted    {analysis.esr(target, prediction, a_weighted=True, sample_rate=sample_rate):.2e}")
print(f"MR-STFT            {analysis.mr_stft(target, prediction):.3f}")

# %% [markdown]
# Against coarser ideas of the same device:

# %%
comparison = analysis.compare(
    {
        "soft clip": model,
        "symmetric": lambda audio, _: 0.6 * np.tanh(8 * audio / 0.6),
        "hard": lambda audio, _: np.clip(8 * audio, -0.7, 0.5),
    },
    device,
)
comparison

# %%
comparison.plot_waveforms()

# %% [markdown]
# The null test is the ear's version: listen to what is left, here 40 dB louder than it is.

# %%
null = analysis.null_test(target, prediction, sample_rate)
null

# %%
Audio(100 * null.residual[: 3 * sample_rate], rate=sample_rate, normalize=False)

# %% [markdown]
# A recording comes late and at another level. Neither is an error of the model, and `align` undoes both.

# %%
late = 0.7 * np.roll(prediction, 123)
_, found = analysis.align(target, late)
print(found)
print(f"ESR as it is {analysis.esr(target, late):.2f}, aligned {analysis.esr(target, late, align=True):.2e}")
