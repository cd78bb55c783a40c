"""The networks that can be trained, each as the model file that it becomes, without its weights."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from neural_distortion.training.perceptron import Perceptron

ArchitectureName: TypeAlias = Literal[
    "mlp",
    "lstm-16",
    "lstm-40",
    "gru-16",
    "wavenet-nano",
    "wavenet-feather",
    "wavenet-lite",
    "wavenet-standard",
    "a2-lite",
    "a2",
    "a2-packed",
    "convnet",
]
"""What can be trained, from the lightest to the heaviest of each kind."""

Description: TypeAlias = dict[str, Any]
"""The object that a model file holds."""

ARCHITECTURES: Final = get_args(ArchitectureName)

_OLDEST: Final = "0.5.0"
_NEWEST: Final = "0.7.0"

_OCTAVES: Final = tuple(1 << octave for octave in range(10))
_SHORT: Final = _OCTAVES[:7]
_LONG: Final = _OCTAVES[7:] + _OCTAVES

_WAVENETS: Final[dict[str, tuple[tuple[int, int], tuple[Sequence[int], Sequence[int]]]]] = {
    "wavenet-nano": ((4, 2), (_SHORT, _LONG)),
    "wavenet-feather": ((8, 4), (_SHORT, _LONG)),
    "wavenet-lite": ((12, 6), (_SHORT, _LONG)),
    "wavenet-standard": ((16, 8), (_OCTAVES, _OCTAVES)),
}
"""Channels and dilations of the two layer arrays of Neural Amp Modeler's first generation."""

_A2_DILATIONS: Final = (1, 3, 7, 17, 41, 101, 239) * 2 + (1, 13) + (1, 3, 7, 17, 41, 101, 239)
_A2_KERNEL_SIZES: Final = (6,) * 14 + (15, 15) + (6,) * 7

_HEAD_SCALE: Final = 0.2
"""Of every WaveNet at the start: its output is then so large that the error falls from the first step on."""

_CONVNET_CHANNELS: Final = 16
_CONVNET_DILATIONS: Final = tuple(1 << octave for octave in range(12))


def describe(arch: ArchitectureName, knobs: int) -> Description:
    """Return the model file of an architecture, with neither weights nor sample rate.

    It is a ``.nam`` in the oldest version that can say it, and for a GRU, which no ``.nam`` can hold,
    AIDA-X's JSON. A knob is one more input channel.

    Parameters
    ----------
    arch : ArchitectureName
        Any but ``"mlp"``, which :func:`neural_distortion.training.fit_perceptron` makes.
    knobs : int >= 0
        The number of inputs beside the audio.
    """
    inputs = 1 + knobs
    if arch in _WAVENETS:
        return _nam("WaveNet", _first_generation(arch, inputs), inputs)
    match arch:
        case "lstm-16" | "lstm-40":
            hidden_size = int(arch.removeprefix("lstm-"))
            config: Description = {"num_layers": 1, "input_size": inputs, "hidden_size": hidden_size}
            return _nam("LSTM", config, inputs)
        case "gru-16":
            return _gru(16, inputs)
        case "convnet":
            config = {
                "channels": _CONVNET_CHANNELS,
                "dilations": list(_CONVNET_DILATIONS),
                "batchnorm": False,
                "activation": "Tanh",
            }
            return _nam("ConvNet", config, inputs)
        case "a2" | "a2-lite":
            return _nam("WaveNet", _second_generation(8 if arch == "a2" else 3, inputs), inputs, _NEWEST)
        case "a2-packed":
            sizes = ((0.5, describe("a2-lite", knobs)), (1.0, describe("a2", knobs)))
            members = [{"max_value": value, "model": model} for value, model in sizes]
            return {
                "version": _NEWEST,
                "architecture": "SlimmableContainer",
                "config": {"submodels": members},
                "weights": [],
            }
        case _:
            msg = f"expected one of {', '.join(ARCHITECTURES)}, got {arch!r}"
            raise ValueError(msg)


def _nam(architecture: str, config: Description, inputs: int, version: str = _OLDEST) -> Description:
    """Return a ``.nam``; versions before the newest know one input alone."""
    if inputs > 1:
        config, version = {**config, "in_channels": inputs}, _NEWEST
    return {"version": version, "architecture": architecture, "config": config, "weights": []}


def _first_generation(arch: str, inputs: int) -> Description:
    """Return the configuration of a WaveNet with tanh, in two layer arrays."""
    (wide, narrow), (first, second) = _WAVENETS[arch]
    shared = {"condition_size": inputs, "kernel_size": 3, "activation": "Tanh", "gated": False}
    return {
        "layers": [
            {
                "input_size": inputs,
                "channels": wide,
                "head_size": narrow,
                "dilations": list(first),
                "head_bias": False,
                **shared,
            },
            {
                "input_size": wide,
                "channels": narrow,
                "head_size": 1,
                "dilations": list(second),
                "head_bias": True,
                **shared,
            },
        ],
        "head": None,
        "head_scale": _HEAD_SCALE,
    }


def _second_generation(channels: int, inputs: int) -> Description:
    """Return the configuration of a WaveNet with leaky ReLU, in one layer array with a longer head."""
    array = {
        "input_size": inputs,
        "condition_size": inputs,
        "channels": channels,
        "bottleneck": channels,
        "dilations": list(_A2_DILATIONS),
        "kernel_sizes": list(_A2_KERNEL_SIZES),
        "activation": {"type": "LeakyReLU", "negative_slope": 0.01},
        "gating_mode": "none",
        "head": {"out_channels": 1, "kernel_size": 16, "bias": True},
        "layer1x1": {"active": True, "groups": 1},
        "head1x1": {"active": False, "out_channels": channels, "groups": 1},
    }
    return {"layers": [array], "head": None, "head_scale": _HEAD_SCALE}


def _gru(hidden_size: int, inputs: int) -> Description:
    """Return a GRU and a dense layer as AIDA-X's JSON."""
    return {
        "in_shape": [None, None, inputs],
        "in_skip": 0,
        "layers": [
            {"type": "gru", "activation": "", "shape": [None, None, hidden_size], "weights": []},
            {"type": "dense", "activation": "", "shape": [None, None, 1], "weights": []},
        ],
    }


def describe_perceptron(perceptron: Perceptron) -> Description:
    """Return the model file of a perceptron: a ``ConvNet`` of ``.nam``, whose older taps are zero.

    Its layers are all as wide as the widest: what is added to the others is zero.
    """
    *hidden, last = perceptron.layers
    width = max(perceptron.hidden)
    weights: list[np.float32] = []
    inputs = 1
    for weight, bias in hidden:
        taps = np.zeros((width, inputs, 2), np.float32)
        taps[: weight.shape[0], : weight.shape[1], 1] = weight
        weights += [*taps.ravel(), *_padded(bias, width)]
        inputs = width
    weights += [*_padded(last.weight[0], width), *last.bias]
    config = {"channels": width, "dilations": [1] * len(hidden), "batchnorm": False, "activation": "Tanh"}
    return {**_nam("ConvNet", config, 1), "weights": [float(str(weight)) for weight in weights]}


def _padded(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    return np.pad(values, (0, width - len(values)))
