"""Make the case of a model as old players heard it: without the modulation behind most residual convolutions.

The model has every kind of layer with a ``layer1x1_post_film``: plain, gated and blended. Players up to
NeuralAmpModelerCore 0.5.5 apply it in blended layers only. The output is computed here, in float64, by the
equations of the format, with the whole signal at once: nothing of this project's engine is in it.

    python tests/data/make_legacy_film.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
NAME = "wavenet_legacy_film"

CHANNELS = 4
DILATIONS = [1, 2, 4, 8, 3, 5]
GATING = ["none", "gated", "blended", "blended", "none", "gated"]
KERNEL_SIZE = 3

Signal = NDArray[np.float64]


class Weights:
    """Random weights, in the order in which the format has them."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(22)
        self.drawn: list[float] = []

    def draw(self, *shape: int) -> Signal:
        """Return the next ones, as single precision holds them."""
        scale = 0.9 / np.sqrt(np.prod(shape[1:]))
        values = self.random.uniform(-scale, scale, shape).astype(np.float32)
        self.drawn.extend(float(value) for value in values.ravel())
        return values.astype(np.float64)


def conv(weight: Signal, x: Signal, dilation: int = 1) -> Signal:
    """Return a causal convolution, ``weight`` being (out, in, taps) with the oldest tap first."""
    taps = weight.shape[2]
    y = np.zeros((len(weight), x.shape[1]))
    for tap in range(taps):
        late = (taps - 1 - tap) * dilation
        y[:, late:] += weight[:, :, tap] @ x[:, : x.shape[1] - late]
    return y


def sigmoid(z: Signal) -> Signal:
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def render(weights: Weights, dry: Signal) -> Signal:
    """Draw a model's weights and return what the model makes of a signal of one channel."""
    x = dry[np.newaxis]
    y = conv(weights.draw(CHANNELS, 1, 1), x)
    head = np.zeros_like(y)
    for dilation, gating in zip(DILATIONS, GATING, strict=True):
        mid = CHANNELS if gating == "none" else 2 * CHANNELS
        z = conv(weights.draw(mid, CHANNELS, KERNEL_SIZE), y, dilation) + weights.draw(mid, 1)
        z += conv(weights.draw(mid, 1, 1), x)
        first, second = z[:CHANNELS], z[CHANNELS:]
        p = np.tanh(first)
        if gating == "gated":
            p *= sigmoid(second)
        elif gating == "blended":
            p = sigmoid(second) * p + (1 - sigmoid(second)) * first
        residual = conv(weights.draw(CHANNELS, CHANNELS, 1), p) + weights.draw(CHANNELS, 1)
        # The modulation: a factor and an offset for each channel, of the input.
        both = conv(weights.draw(2 * CHANNELS, 1, 1), x) + weights.draw(2 * CHANNELS, 1)
        if gating == "blended":
            residual = residual * both[:CHANNELS] + both[CHANNELS:]
        head += p
        y = y + residual
    out = conv(weights.draw(1, CHANNELS, 1), head) + weights.draw(1, 1)
    return np.ravel(weights.draw(1, 1) * out)


def main() -> None:
    """Write the model, its output and its entry of the index."""
    dry = np.load(HERE / "test_signal.npy").astype(np.float64)
    weights = Weights()
    # A receptive field of silence comes first, as a player lets it through.
    silence = np.zeros(1 + (KERNEL_SIZE - 1) * sum(DILATIONS))
    wet = render(weights, np.concatenate([silence, dry]))[len(silence) :]
    array = {
        "input_size": 1,
        "condition_size": 1,
        "channels": CHANNELS,
        "bottleneck": CHANNELS,
        "kernel_size": KERNEL_SIZE,
        "dilations": DILATIONS,
        "activation": "Tanh",
        "gating_mode": GATING,
        "secondary_activation": [None if gating == "none" else "Sigmoid" for gating in GATING],
        "layer1x1_post_film": {"active": True, "shift": True, "groups": 1},
        "head": {"out_channels": 1, "kernel_size": 1, "bias": True},
    }
    model = {
        "version": "0.7.0",
        "architecture": "WaveNet",
        "config": {"layers": [array], "head": None, "head_scale": weights.drawn[-1]},
        "weights": weights.drawn,
        "sample_rate": 48000,
    }
    folder = HERE / NAME
    folder.mkdir(exist_ok=True)
    (folder / "model.nam").write_text(json.dumps(model) + "\n")
    np.save(folder / "output.npy", wet.astype(np.float32))
    case = {
        "name": NAME,
        "format": "nam",
        "architecture": "WaveNet",
        "model": f"{NAME}/model.nam",
        "input": "test_signal.npy",
        "parameters": None,
        "start": "prewarmed",
        "quality": None,
        "compat": "legacy_layer1x1_post_film",
        "output": f"{NAME}/output.npy",
        "tolerance": {"max_abs": 5e-6},
    }
    index: list[dict[str, Any]] = json.loads((HERE / "index.json").read_text())
    index = [entry for entry in index if entry["name"] != NAME] + [case]
    rows = ",\n".join(f"  {json.dumps(entry)}" for entry in index)
    (HERE / "index.json").write_text(f"[\n{rows}\n]\n")


if __name__ == "__main__":
    main()
