"""Make this folder: small valid files, and broken and malicious ones, each with the error it must give.

Every broken file is a valid one with one thing changed. ``index.json`` lists them all, ``docs/refused.md``
shows the refused ones as a table for people.

    python tests/data/hostile/make_hostile.py
"""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "docs" / "refused.md"

Json = dict[str, Any]

MISSING = object()
"""In the place of a value: the key goes."""


@dataclass(frozen=True)
class Error:
    """What a loader must say: the kind, the place in the file, what should be there and what is there."""

    kind: str
    path: str | None = None
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True)
class Case:
    """A file, what is the matter with it, and the error that it must give; none where it must load."""

    name: str
    about: str
    data: bytes
    error: Error | None = None
    warnings: int = 0


def nam(architecture: str, config: Json, weights: int) -> Json:
    """Return a complete ``.nam``."""
    return {
        "version": "0.7.0",
        "architecture": architecture,
        "config": config,
        "weights": [0.25] * weights,
        "sample_rate": 48000,
        "metadata": {"name": "a", "loudness": -18.5, "training": {"validation_esr": 0.01}},
    }


def wavenet() -> Json:
    """Return two layer arrays; the first has its layers' options spelled out."""
    first = {
        "input_size": 1,
        "condition_size": 1,
        "channels": 2,
        "bottleneck": 2,
        "kernel_sizes": [2, 1],
        "dilations": [1, 4],
        "activation": ["Tanh", {"type": "PReLU", "negative_slopes": [0.5, 0.25]}],
        "gating_mode": ["none", "gated"],
        "secondary_activation": [None, "Sigmoid"],
        "groups_input": 2,
        "layer1x1": {"active": True, "groups": 1},
        "head1x1": {"active": True, "out_channels": 2, "groups": 1},
        "conv_post_film": {"active": True, "shift": True, "groups": 1},
        "head": {"out_channels": 1, "kernel_size": 1, "bias": True},
    }
    second = {
        "input_size": 2,
        "condition_size": 1,
        "channels": 1,
        "kernel_size": 3,
        "dilations": [2],
        "activation": "ReLU",
        "gated": False,
        "head_size": 1,
        "head_bias": True,
        "slimmable": {"method": "slice_channels_uniform", "kwargs": {"allowed_channels": [1]}},
    }
    return nam("WaveNet", {"layers": [first, second], "head_scale": 0.5, "head": None}, 85)


def legacy() -> Json:
    """Return a WaveNet with the keys of the oldest files, without a sample rate and metadata."""
    array = {
        "input_size": 1,
        "condition_size": 1,
        "channels": 1,
        "kernel_size": 2,
        "dilations": [1, 2],
        "activation": "Tanh",
        "gated": True,
        "head_size": 1,
        "head_bias": False,
    }
    file = nam("WaveNet", {"layers": [array], "head_scale": 0.02, "head": None}, 23)
    del file["sample_rate"], file["metadata"]
    return file | {"version": "0.5.0", "notes": "a key that no program reads"}


def lstm() -> Json:
    """Return an LSTM of two units."""
    return nam("LSTM", {"num_layers": 1, "hidden_size": 2, "input_size": 1}, 39)


def linear() -> Json:
    """Return a filter of three taps."""
    return nam("Linear", {"receptive_field": 3, "bias": False}, 3)


def convnet() -> Json:
    """Return one block with batch normalisation."""
    return nam("ConvNet", {"channels": 1, "dilations": [1], "batchnorm": True, "activation": "Tanh"}, 9)


def container() -> Json:
    """Return a filter and an LSTM as two sizes of one model."""
    submodels = [{"max_value": 0.5, "model": linear()}, {"max_value": 1.0, "model": lstm()}]
    return nam("SlimmableContainer", {"submodels": submodels}, 0)


def sequential() -> Json:
    """Return an LSTM and a filter, one after the other."""
    return nam("Sequential", {"models": [lstm(), linear()]}, 0)


def conditioned() -> Json:
    """Return a WaveNet that a filter conditions."""
    file = legacy() | {"sample_rate": 48000}
    return edit(file, "config.condition_dsp", linear())


def keras() -> Json:
    """Return a layer of every type but the two-dimensional ones."""
    gru = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]], [[1, 2, 3], [4, 5, 6]]]
    layers: list[Json] = [
        {
            "type": "conv1d",
            "activation": "tanh",
            "shape": [None, None, 2],
            "kernel_size": [2],
            "dilation": [1],
            "groups": 1,
            "weights": [[[[1, 2]], [[3, 4]]], [5, 6]],
        },
        {"type": "gru", "activation": "tanh", "shape": [None, None, 1], "weights": gru},
        {"type": "lstm", "shape": [None, None, 1], "weights": [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [1, 2, 3, 4]]},
        {"type": "prelu", "shape": [None, None, 1], "weights": [[[0.5]]]},
        {"type": "batchnorm", "epsilon": 0.001, "shape": [None, None, 1], "weights": [[1], [2], [3], [4]]},
        {"type": "activation", "activation": "elu", "shape": [None, None, 1], "weights": []},
        {"type": "dense", "activation": "", "shape": [None, None, 1], "weights": [[[2]], [0]]},
    ]
    return {"in_shape": [None, None, 1], "layers": layers}


def conv_2d() -> Json:
    """Return a convolution over time and features."""
    return {
        "type": "conv2d",
        "activation": "relu",
        "shape": [None, None, 2, 2],
        "kernel_size_time": 1,
        "kernel_size_feature": 2,
        "dilation": 3,
        "strides": 2,
        "num_filters_in": 1,
        "num_features_in": 5,
        "num_filters_out": 2,
        "padding": "valid",
        "weights": [[[[[1, 2]], [[3, 4]]]], [5, 6]],
    }


def keras_2d() -> Json:
    """Return a convolution over time and features, and its normalisation."""
    layers = [
        {"type": "dense", "shape": [None, None, 5], "weights": [[[1, 2, 3, 4, 5]]]},
        conv_2d(),
        {
            "type": "batchnorm2d",
            "shape": [None, None, 2, 2],
            "num_filters_in": 2,
            "epsilon": 0,
            "weights": [[1, 2], [4, 16]],
        },
        {"type": "dense", "shape": [None, None, 1], "weights": [[[1], [1], [1], [1]]]},
    ]
    return {"in_shape": [None, None, 1], "layers": layers}


def keras_2d_same() -> Json:
    """Return a convolution that looks back and beyond its features, whose weights are all different."""
    kernel = [
        [
            [[round(0.01 * (9 * t + 3 * f + i) - 0.1, 3), round(0.1 - 0.02 * t * f * i, 3)] for i in (0, 1)]
            for f in (0, 1, 2)
        ]
        for t in (0, 1, 2)
    ]
    conv = conv_2d() | {
        "activation": "tanh",
        "shape": [None, None, 3, 2],
        "kernel_size_time": 3,
        "kernel_size_feature": 3,
        "num_filters_in": 2,
        "padding": "same",
        "weights": [kernel, [0.1, -0.2]],
    }
    ten = [round(0.1 * n - 0.4, 1) for n in range(10)]
    layers = [
        {"type": "dense", "shape": [None, None, 10], "weights": [[ten]]},
        conv,
        {
            "type": "dense",
            "shape": [None, None, 1],
            "weights": [[[0.3], [-0.2], [0.5], [0.1], [-0.4], [0.2]]],
        },
    ]
    return {"in_shape": [None, None, 1], "layers": layers}


def aidax() -> Json:
    """Return a static curve with everything that AIDA-X adds; the recording is what it gives."""
    layers = [
        {"type": "dense", "activation": "relu", "shape": [None, None, 1], "weights": [[[2]], [0.5]]},
    ]
    return {
        "in_shape": [None, None, 1],
        "layers": layers,
        "in_skip": 1,
        "in_gain": 0,
        "out_gain": 0,
        "samplerate": "48000",
        "metadata": {"name": "a", "author": "b", "esr": "0.01"},
        "input_batch": [0.0, 0.25, -0.5],
        "output_batch": [0.5, 1.25, -0.5],
    }


def proteus() -> Json:
    """Return a GRU of one unit."""
    return {
        "model_data": {
            "model": "SimpleRNN",
            "input_size": 1,
            "output_size": 1,
            "unit_type": "GRU",
            "num_layers": 1,
            "hidden_size": 1,
            "skip": 1,
            "bias_fl": True,
        },
        "state_dict": {
            "rec.weight_ih_l0": [[1], [2], [3]],
            "rec.weight_hh_l0": [[1], [2], [3]],
            "rec.bias_ih_l0": [1, 2, 3],
            "rec.bias_hh_l0": [4, 5, 6],
            "lin.weight": [[1]],
            "lin.bias": [0],
        },
    }


def mlp() -> Json:
    """Return a perceptron of two units."""
    return {"layer1_weights": [1, 2], "layer1_bias": [0, 0], "layer2_weights": [1, 1], "layer2_bias": [0]}


def diverging() -> Json:
    """Return an RNN whose ReLU-like head overflows: a valid file that plays what is no number."""
    file = proteus()
    file["model_data"] |= {"unit_type": "RNN", "skip": 0}
    file["state_dict"] = {
        "rec.weight_ih_l0": [[1e30]],
        "rec.weight_hh_l0": [[1]],
        "rec.bias_ih_l0": [0],
        "rec.bias_hh_l0": [0],
        "lin.weight": [[3e38]],
        "lin.bias": [3e38],
    }
    return file


def edit(file: Json, path: str, value: object) -> Json:
    """Return a copy of ``file`` with another value at a place such as ``config.layers[0].channels``."""
    file = copy.deepcopy(file)
    steps = [int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[]+)", path)]
    node: Any = file
    for step in steps[:-1]:
        node = node[step]
    if value is MISSING:
        del node[steps[-1]]
    else:
        node[steps[-1]] = value
    return file


def text(file: Json) -> bytes:
    """Return the file as compact JSON, one line."""
    return json.dumps(file, separators=(",", ":"), allow_nan=True).encode() + b"\n"


VALID = {
    "wavenet": wavenet,
    "wavenet_legacy": legacy,
    "wavenet_conditioned": conditioned,
    "lstm": lstm,
    "linear": linear,
    "convnet": convnet,
    "container": container,
    "sequential": sequential,
    "keras": keras,
    "keras_2d": keras_2d,
    "keras_2d_same": keras_2d_same,
    "aidax": aidax,
    "proteus": proteus,
    "mlp": mlp,
    "diverging": diverging,
}


def valid() -> Iterator[Case]:
    """Yield what must load, odd as some of it is."""
    for name, make in VALID.items():
        yield Case(f"valid_{name}", "a small valid file", text(make()))
    yield Case("odd_bom", "a byte order mark at the start", b"\xef\xbb\xbf" + text(linear()))
    yield Case("odd_sample_rate_null", "a sample rate of null", text(linear() | {"sample_rate": None}))
    yield Case("odd_metadata_null", "metadata of null", text(linear() | {"metadata": None}))
    yield Case("odd_metadata_text", "metadata that is a text", text(linear() | {"metadata": "a"}), warnings=1)
    wrong = {
        "name": 1,
        "loudness": "loud",
        "gain": [],
        "training": 1,
        "date": "yesterday",
        "own": {"kept": True},
    }
    yield Case(
        "odd_metadata_types", "metadata of wrong types", text(linear() | {"metadata": wrong}), warnings=4
    )
    yield Case(
        "odd_version", "a version newer than 0.7.0", text(linear() | {"version": "0.7.10"}), warnings=1
    )
    yield Case("odd_float_size", "8.0 where 8 is meant", text(edit(lstm(), "config.hidden_size", 2.0)))
    yield Case("odd_unknown_keys", "keys that no program knows", text(linear() | {"t3k": {}, "notes": "x"}))
    inner = edit(wavenet(), "config.layers[0].t3k", {"seed": 1})
    yield Case("odd_inner_keys", "the same inside of the network", text(inner))
    both = text(linear()).replace(b'{"version"', b'{"version":"0.1.0","version"', 1)
    yield Case("odd_duplicate_key", "a key twice, of which the last counts", both)
    gated = edit(wavenet(), "config.layers[0].secondary_activation[1]", None)
    yield Case("odd_secondary_null", "a gated layer whose second activation is null", text(gated), warnings=1)
    wrong_test = edit(aidax(), "output_batch", [0.5, 1.25, 0.5])
    yield Case("odd_self_test_fails", "a recording that the model does not give", text(wrong_test))


def envelope() -> Iterator[Case]:
    """Yield files whose envelope is broken."""
    hint = "0.5.0 to 0.7"
    for name, version in {"old": "0.4.9", "beta": "0.5.4-beta", "new": "0.8.0", "short": "0.7"}.items():
        yield Case(
            f"version_{name}",
            f"version {version}",
            text(linear() | {"version": version}),
            Error("unsupported_version", "version", hint, version),
        )
    for key in ("version", "architecture", "config", "weights"):
        yield Case(f"no_{key}", f"no {key}", text(edit(linear(), key, MISSING)), Error("missing_key", key))
    yield Case(
        "architecture_unknown",
        "an architecture in lower case",
        text(linear() | {"architecture": "linear"}),
        Error("unsupported_architecture", "architecture", None, "linear"),
    )
    rate = "a sample rate from 1000 to 1000000 Hz"
    rates: dict[str, tuple[object, Error]] = {
        "text": ("48000", Error("wrong_type", "sample_rate", "a number", "a string")),
        "zero": (0, Error("invalid_value", "sample_rate", rate, "0")),
        "negative": (-48000, Error("invalid_value", "sample_rate", rate, "-48000")),
        "huge": (1e300, Error("invalid_value", "sample_rate", rate, "1e+300")),
    }
    for name, (value, error) in rates.items():
        yield Case(
            f"sample_rate_{name}",
            f"a sample rate of {json.dumps(value)}",
            text(linear() | {"sample_rate": value}),
            error,
        )
    yield Case(
        "config_list",
        "a configuration that is a list",
        text(linear() | {"config": []}),
        Error("wrong_type", "config", "an object", "an array"),
    )
    yield Case(
        "metadata_huge",
        "a quarter of a megabyte of metadata",
        text(linear() | {"metadata": {"notes": ["x" * 53_000] * 5}}),
        Error("limit_exceeded", "metadata", "262144", "265034"),
    )


def weights() -> Iterator[Case]:
    """Yield files with wrong lists of weights."""
    for name, count in {"empty": 0, "one_short": 2, "one_long": 4}.items():
        yield Case(
            f"weights_{name}",
            f"{count} weights in the place of 3",
            text(linear() | {"weights": [1] * count}),
            Error("weight_count", "weights", "3", str(count)),
        )
    yield Case(
        "weights_wavenet_short",
        "a WaveNet with a weight too few",
        text(wavenet() | {"weights": [0] * 84}),
        Error("weight_count", "weights", "85", "84"),
    )
    odd: dict[str, tuple[object, Error]] = {
        "null": (None, Error("wrong_type", "weights[1]", "a number", "null")),
        "text": ("1", Error("wrong_type", "weights[1]", "a number", "a string")),
        "nested": ([1], Error("wrong_type", "weights[1]", "a number", "an array")),
        "too_large": (1e39, Error("non_finite_weight", "weights[1]")),
        "far_too_large": (-1e300, Error("non_finite_weight", "weights[1]")),
    }
    for name, (value, error) in odd.items():
        yield Case(
            f"weights_{name}",
            f"a weight of {json.dumps(value)}",
            text(linear() | {"weights": [1, value, 1]}),
            error,
        )
    infinite = text(linear()).replace(b"0.25]", b"1e999]")
    yield Case("weights_1e999", "a weight of 1e999", infinite, Error("non_finite_weight", "weights[2]"))


def layer_arrays() -> Iterator[Case]:
    """Yield WaveNets whose shapes do not fit."""
    array = "config.layers[0]"
    least = "a whole number of at least 1"
    cases: list[tuple[str, str, str, object, Error]] = [
        (
            "layers_empty",
            "no layer arrays",
            "config.layers",
            [],
            Error("invalid_value", "config.layers", "at least one layer array", "[]"),
        ),
        (
            "condition_size",
            "a condition of two channels without a condition_dsp",
            f"{array}.condition_size",
            2,
            Error("shape_mismatch", f"{array}.condition_size", "1", "2"),
        ),
        (
            "input_size",
            "an input of another width than the array before",
            "config.layers[1].input_size",
            3,
            Error("shape_mismatch", "config.layers[1].input_size", "2", "3"),
        ),
        (
            "head_out",
            "a head of another width than the next array's",
            f"{array}.head.out_channels",
            2,
            Error("shape_mismatch", f"{array}.head.out_channels", "1", "2"),
        ),
        (
            "dilations_empty",
            "no dilations",
            f"{array}.dilations",
            [],
            Error("invalid_value", f"{array}.dilations", "at least one dilation", "[]"),
        ),
        (
            "dilation_zero",
            "a dilation of 0",
            f"{array}.dilations[1]",
            0,
            Error("invalid_value", f"{array}.dilations[1]", least, "0"),
        ),
        (
            "dilation_negative",
            "a dilation of -4",
            f"{array}.dilations[1]",
            -4,
            Error("invalid_value", f"{array}.dilations[1]", least, "-4"),
        ),
        (
            "dilation_huge",
            "a dilation of two billion",
            f"{array}.dilations[1]",
            2_000_000_000,
            Error("limit_exceeded", f"{array}.dilations[1]", "65536", "2000000000"),
        ),
        (
            "dilation_fraction",
            "a dilation of 2.5",
            f"{array}.dilations[1]",
            2.5,
            Error("invalid_value", f"{array}.dilations[1]", least, "2.5"),
        ),
        (
            "dilations_many",
            "257 layers in an array",
            f"{array}.dilations",
            [1] * 257,
            Error("limit_exceeded", f"{array}.dilations", "256", "257"),
        ),
        (
            "kernel_size_zero",
            "a kernel size of 0",
            f"{array}.kernel_sizes[0]",
            0,
            Error("invalid_value", f"{array}.kernel_sizes[0]", least, "0"),
        ),
        (
            "kernel_size_twice",
            "both kernel_size and kernel_sizes",
            f"{array}.kernel_size",
            2,
            Error("invalid_value", f"{array}.kernel_sizes", "none, since there is a kernel_size", "[2,1]"),
        ),
        (
            "kernel_sizes_short",
            "fewer kernel sizes than dilations",
            f"{array}.kernel_sizes",
            [2],
            Error("shape_mismatch", f"{array}.kernel_sizes", "2", "1"),
        ),
        (
            "channels_zero",
            "no channels",
            f"{array}.channels",
            0,
            Error("invalid_value", f"{array}.channels", least, "0"),
        ),
        (
            "channels_huge",
            "a billion channels",
            f"{array}.channels",
            10**9,
            Error("limit_exceeded", f"{array}.channels", "1024", "1000000000"),
        ),
        (
            "channels_text",
            "channels as a text",
            f"{array}.channels",
            "2",
            Error("wrong_type", f"{array}.channels", "a number", "a string"),
        ),
        (
            "groups",
            "groups that do not divide the channels",
            f"{array}.groups_input",
            3,
            Error("invalid_value", f"{array}.groups_input", "a divisor of 2 and of 2", "3"),
        ),
        (
            "gated_text",
            "gated as a text",
            "config.layers[1].gated",
            "true",
            Error("wrong_type", "config.layers[1].gated", "true or false", "a string"),
        ),
        (
            "gating_mode",
            "a gating mode that there is not",
            f"{array}.gating_mode[0]",
            "half",
            Error("invalid_value", f"{array}.gating_mode[0]", '"none", "gated" or "blended"', '"half"'),
        ),
        (
            "activation_unknown",
            "an activation in lower case",
            f"{array}.activation[0]",
            "tanh",
            Error("unsupported_activation", f"{array}.activation[0]", None, "tanh"),
        ),
        (
            "prelu_short",
            "fewer slopes than channels",
            f"{array}.activation[1].negative_slopes",
            [0.5],
            Error("shape_mismatch", f"{array}.activation[1].negative_slopes", "2", "1"),
        ),
        (
            "bounds_crossed",
            "a lower bound above the upper one",
            f"{array}.activation[1]",
            {"type": "Hardtanh", "min_val": 0.5, "max_val": -0.5},
            Error(
                "invalid_value",
                f"{array}.activation[1]",
                "a min_val of at most max_val",
                '{"type":"Hardtanh","min_val":0.5,"max_val":-0.5}',
            ),
        ),
        (
            "film_without_conv",
            "a modulation behind a convolution that is not there",
            "config.layers[1].head1x1_post_film",
            {},
            Error(
                "invalid_value",
                "config.layers[1].head1x1_post_film",
                "none, since the convolution before it is inactive",
                "{}",
            ),
        ),
        (
            "slimmable_unknown",
            "a way to be slim that there is not",
            "config.layers[1].slimmable.method",
            "other",
            Error(
                "unsupported_feature",
                "config.layers[1].slimmable.method",
                None,
                'the slimming method "other"',
            ),
        ),
        (
            "head_scale",
            "no head_scale",
            "config.head_scale",
            MISSING,
            Error("missing_key", "config.head_scale"),
        ),
    ]
    for name, about, path, value, error in cases:
        yield Case(f"wavenet_{name}", about, text(edit(wavenet(), path, value)), error)
    far = edit(legacy(), "config.layers[0].dilations", [65_536] * 17)
    yield Case(
        "wavenet_receptive_field",
        "dilations that add up to half a minute",
        text(far),
        Error("limit_exceeded", "config", "1048576", "1114113"),
    )
    wide = edit(
        edit(legacy(), "config.layers[0].dilations", [65_536] * 15), "config.layers[0].channels", 1024
    )
    yield Case(
        "wavenet_memory",
        "a kilobyte that asks for four gigabytes of history",
        text(wide),
        Error("limit_exceeded", "config", "268435456", "4050146816"),
    )
    grouped = edit(edit(legacy(), "config.layers[0].dilations", [1] * 256), "config.layers[0].channels", 1024)
    grouped["config"]["layers"][0]["groups_input"] = 1024
    yield Case(
        "wavenet_groups_many",
        "a kilobyte of groups that asks for half a gigabyte",
        text(grouped),
        Error("limit_exceeded", "config", "268435456", "538149760"),
    )


def other_architectures() -> Iterator[Case]:
    """Yield broken files of the smaller architectures."""
    least = "a whole number of at least 1"
    cases: list[tuple[str, str, Json, str, object, Error]] = [
        (
            "lstm_hidden_negative",
            "a hidden size of -2",
            lstm(),
            "config.hidden_size",
            -2,
            Error("invalid_value", "config.hidden_size", least, "-2"),
        ),
        (
            "lstm_hidden_huge",
            "a hidden size of a billion",
            lstm(),
            "config.hidden_size",
            10**9,
            Error("limit_exceeded", "config.hidden_size", "1024", "1000000000"),
        ),
        (
            "lstm_input_size",
            "another input_size than in_channels",
            lstm(),
            "config.input_size",
            2,
            Error("shape_mismatch", "config.input_size", "1", "2"),
        ),
        (
            "lstm_layers",
            "17 layers",
            lstm(),
            "config.num_layers",
            17,
            Error("limit_exceeded", "config.num_layers", "16", "17"),
        ),
        (
            "linear_zero",
            "no taps",
            linear(),
            "config.receptive_field",
            0,
            Error("invalid_value", "config.receptive_field", least, "0"),
        ),
        (
            "linear_negative",
            "-1 taps",
            linear(),
            "config.receptive_field",
            -1,
            Error("invalid_value", "config.receptive_field", least, "-1"),
        ),
        (
            "linear_mismatch",
            "more taps than weights",
            linear(),
            "config.receptive_field",
            4,
            Error("weight_count", "weights", "4", "3"),
        ),
        (
            "linear_bias",
            "a bias of 0 in the place of false",
            linear(),
            "config.bias",
            0,
            Error("wrong_type", "config.bias", "true or false", "a number"),
        ),
        (
            "convnet_short",
            "a weight too few",
            convnet(),
            "weights[0]",
            MISSING,
            Error("weight_count", "weights", "9", "8"),
        ),
        (
            "convnet_no_dilations",
            "no dilations",
            convnet(),
            "config.dilations",
            MISSING,
            Error("missing_key", "config.dilations"),
        ),
        (
            "convnet_variance",
            "a negative variance",
            convnet(),
            "weights[3]",
            -1,
            Error(
                "invalid_value",
                "weights",
                "variances above 0",
                "[0.25,0.25,0.25,-1,0.25,0.25,0.25,0.25,0.25]",
            ),
        ),
    ]
    for name, about, file, path, value, error in cases:
        yield Case(name, about, text(edit(file, path, value)), error)


def composites() -> Iterator[Case]:
    """Yield broken containers and sequences."""
    members = "config.submodels"
    short = text(container() | {"config": {"submodels": []}})
    yield Case(
        "container_empty", "no models", short, Error("invalid_value", members, "at least one model", "[]")
    )
    low = edit(container(), f"{members}[1].max_value", 0.75)
    found = json.dumps(low["config"]["submodels"], separators=(",", ":"))[:64] + "…"
    yield Case(
        "container_ends_low",
        "a last max_value below 1",
        text(low),
        Error("invalid_value", members, "a last max_value of at least 1", found),
    )
    yield Case(
        "container_descends",
        "sizes that do not ascend",
        text(edit(container(), f"{members}[1].max_value", 0.5)),
        Error("invalid_value", f"{members}[1].max_value", "a number above the one before it", "0.5"),
    )
    yield Case(
        "container_rates",
        "members for different sample rates",
        text(edit(container(), f"{members}[1].model.sample_rate", 44_100)),
        Error("sample_rate_mismatch", f"{members}[1].model.sample_rate", "48000", "44100"),
    )
    yield Case(
        "container_many",
        "17 members",
        text(container() | {"config": {"submodels": [{}] * 17}}),
        Error("limit_exceeded", members, "16", "17"),
    )
    yield Case(
        "container_weights",
        "weights of the container itself",
        text(container() | {"weights": [1]}),
        Error("weight_count", "weights", "0", "1"),
    )
    yield Case(
        "container_member_broken",
        "a member without its version",
        text(edit(container(), f"{members}[0].model.version", MISSING)),
        Error("missing_key", f"{members}[0].model.version"),
    )
    deep = b'{"config":{"submodels":[{"model":' * 3000 + b"0" + b"}]}}" * 3000
    yield Case(
        "container_deep",
        "containers inside one another, 3000 deep",
        deep,
        Error("limit_exceeded", None, "64", "65"),
    )
    nested = linear()
    for _ in range(8):
        nested = nam("Sequential", {"models": [nested]}, 0)
    yield Case(
        "sequential_deep",
        "nine models inside one another",
        text(nested),
        Error("limit_exceeded", ".".join(["config.models[0]"] * 8), "8", "9"),
    )
    yield Case(
        "sequential_flat_weights",
        "one list of weights for all models",
        text(sequential() | {"weights": [1]}),
        Error(
            "unsupported_feature", "weights", None, "a sequence with one list of weights for all its models"
        ),
    )
    shared = nam(
        "Linear", {"receptive_field": 20_000, "bias": False, "in_channels": 900, "out_channels": 900}, 0
    )
    shared["weights"] = [0] * 20_000
    yield Case(
        "linear_repeated",
        "a response that 900 channels share: 70 megabytes of weights",
        text(shared),
        Error("limit_exceeded", "weights", "16000000", "18000000"),
    )


def keras_files() -> Iterator[Case]:
    """Yield broken files of layers."""
    rate = "a sample rate in Hz"
    cases: list[tuple[str, str, Json, str, object, Error]] = [
        ("keras_no_in_shape", "no in_shape", keras(), "in_shape", MISSING, Error("missing_key", "in_shape")),
        (
            "keras_layers_empty",
            "no layers",
            keras(),
            "layers",
            [],
            Error("invalid_value", "layers", "at least one layer", "[]"),
        ),
        (
            "keras_type",
            "a layer that there is not",
            keras(),
            "layers[0].type",
            "conv3d",
            Error("unsupported_feature", "layers[0].type", None, 'a layer of type "conv3d"'),
        ),
        (
            "keras_type_long",
            "a layer whose type is a thousand letters",
            keras(),
            "layers[0].type",
            "x" * 1000,
            Error("unsupported_feature", "layers[0].type", None, 'a layer of type "' + "x" * 63 + "…"),
        ),
        (
            "keras_activation",
            "an activation that there is not",
            keras(),
            "layers[0].activation",
            "gelu",
            Error("unsupported_activation", "layers[0].activation", None, "gelu"),
        ),
        (
            "keras_kernel_size",
            "another kernel size than the weights have",
            keras(),
            "layers[0].kernel_size",
            [3],
            Error("shape_mismatch", "layers[0].weights[0]", "3", "2"),
        ),
        (
            "keras_shape",
            "another width than the weights have",
            keras(),
            "layers[6].shape",
            [None, None, 3],
            Error("shape_mismatch", "layers[6].weights[0][0]", "3", "1"),
        ),
        (
            "keras_shape_huge",
            "a million channels",
            keras(),
            "layers[0].shape[2]",
            10**6,
            Error("limit_exceeded", "layers[0].shape[2]", "1024", "1000000"),
        ),
        (
            "keras_ragged",
            "a row shorter than the others",
            keras(),
            "layers[1].weights[0][1]",
            [1, 2],
            Error("shape_mismatch", "layers[1].weights[0][1]", "3", "2"),
        ),
        (
            "keras_null",
            "a weight of null",
            keras(),
            "layers[1].weights[0][0][2]",
            None,
            Error("wrong_type", "layers[1].weights[0][0][2]", "a number", "null"),
        ),
        (
            "keras_too_large",
            "a weight of 1e39",
            keras(),
            "layers[2].weights[1][0][3]",
            1e39,
            Error("non_finite_weight", "layers[2].weights[1][0][3]"),
        ),
        (
            "keras_groups",
            "groups that do not divide the channels",
            keras(),
            "layers[0].groups",
            2,
            Error("invalid_value", "layers[0].groups", "a divisor of 1 and of 2", "2"),
        ),
        (
            "keras_2d_padding",
            "a padding that there is not",
            keras_2d(),
            "layers[1].padding",
            "causal",
            Error("invalid_value", "layers[1].padding", '"same" or "valid"', '"causal"'),
        ),
        (
            "keras_2d_features",
            "other features than the layer before",
            keras_2d(),
            "layers[1].num_features_in",
            4,
            Error("shape_mismatch", "layers[1].num_features_in", "5", "4"),
        ),
        (
            "keras_2d_taps",
            "a kernel that asks for eighteen gigabytes of taps",
            keras_2d() | {"in_shape": [None, None, 1024]},
            "layers",
            [
                conv_2d()
                | {
                    "kernel_size_time": 4096,
                    "kernel_size_feature": 64,
                    "num_filters_out": 1,
                    "num_features_in": 1024,
                    "padding": "same",
                    "strides": 1,
                }
            ],
            Error("limit_exceeded", "layers[0]", "268435456", "18305896448"),
        ),
        (
            "aidax_in_skip",
            "an in_skip of 2",
            aidax(),
            "in_skip",
            2,
            Error("invalid_value", "in_skip", "0 or 1", "2"),
        ),
        (
            "aidax_in_gain",
            "a gain as a text",
            aidax(),
            "in_gain",
            "3",
            Error("wrong_type", "in_gain", "a number", "a string"),
        ),
        (
            "aidax_rate_text",
            "a sample rate that is no number",
            aidax(),
            "samplerate",
            "fast",
            Error("invalid_value", "samplerate", rate, '"fast"'),
        ),
        (
            "aidax_rate_nan",
            "a sample rate of NaN, as a text",
            aidax(),
            "samplerate",
            "NaN",
            Error("invalid_value", "samplerate", "a sample rate from 1000 to 1000000 Hz", '"NaN"'),
        ),
        (
            "aidax_self_test",
            "a recording of two lengths",
            aidax(),
            "output_batch",
            [1],
            Error("shape_mismatch", "output_batch", "3", "1"),
        ),
        (
            "proteus_model",
            "a variant that is not known",
            proteus(),
            "model_data.model",
            "RecNet",
            Error("unsupported_architecture", "model_data.model", None, "RecNet"),
        ),
        (
            "proteus_unit",
            "a unit in lower case",
            proteus(),
            "model_data.unit_type",
            "gru",
            Error("unsupported_architecture", "model_data.unit_type", None, "gru"),
        ),
        (
            "proteus_skip",
            "more skipped channels than there are",
            proteus(),
            "model_data.skip",
            2,
            Error("invalid_value", "model_data.skip", "no more channels than go in and come out", "2"),
        ),
        (
            "proteus_layers",
            "a layer too many",
            proteus(),
            "model_data.num_layers",
            2,
            Error("missing_key", "state_dict.rec.weight_ih_l1"),
        ),
        (
            "proteus_hidden",
            "another hidden size than the weights have",
            proteus(),
            "model_data.hidden_size",
            2,
            Error("shape_mismatch", "state_dict.rec.weight_ih_l0", "6", "3"),
        ),
        (
            "proteus_no_weights",
            "no weights at all",
            proteus(),
            "state_dict",
            MISSING,
            Error("missing_key", "state_dict"),
        ),
        (
            "mlp_short",
            "a weight too few",
            mlp(),
            "layer1_weights",
            [1],
            Error("shape_mismatch", "layer1_weights", "2", "1"),
        ),
        (
            "mlp_empty",
            "no units",
            mlp(),
            "layer1_bias",
            [],
            Error("invalid_value", "layer1_bias", "at least one unit", "[]"),
        ),
    ]
    for name, about, file, path, value, error in cases:
        yield Case(name, about, text(edit(file, path, value)), error)


def no_models() -> Iterator[Case]:
    """Yield files that are no JSON, or JSON of something else."""
    cases: list[tuple[str, str, bytes, Error]] = [
        ("empty", "nothing", b"", Error("not_json")),
        ("only_bom", "a byte order mark and nothing else", b"\xef\xbb\xbf", Error("not_json")),
        ("utf16", "UTF-16", "\ufeff{}".encode("utf-16-le"), Error("not_json")),
        ("truncated", "half a file", text(lstm())[:120], Error("not_json")),
        ("not_utf8", "a byte that is no UTF-8", text(linear()).replace(b'"a"', b'"\xff"'), Error("not_json")),
        (
            "nan",
            "a bare NaN, as Python writes it",
            text(edit(linear(), "weights[1]", float("nan"))),
            Error("not_json"),
        ),
        ("infinity", "a bare Infinity", text(edit(linear(), "weights[1]", float("-inf"))), Error("not_json")),
        ("two_values", "a second value behind the first", text(linear()) + b"{}", Error("not_json")),
        ("wave", "a sound file", b"RIFF\x24\x00\x00\x00WAVEfmt ", Error("not_json")),
        (
            "namb",
            "the binary form of .nam",
            b"BMAN" + bytes(28),
            Error("unsupported_feature", None, None, "the binary form of .nam (.namb)"),
        ),
        (
            "namb_other_order",
            "the same with its bytes the other way round",
            b"NAMB" + bytes(28),
            Error("unsupported_feature", None, None, "the binary form of .nam (.namb)"),
        ),
        ("brackets", "ten thousand brackets", b"[" * 10_000, Error("limit_exceeded", None, "64", "65")),
        (
            "many_nodes",
            "seventy thousand lists",
            b"[" + b"[]," * 70_000 + b"[]]",
            Error("limit_exceeded", None, "65536", "65537"),
        ),
        ("list", "a list", b"[]", Error("not_a_model", None, None, "none")),
        (
            "other",
            "a file of something else",
            b'{"tempo": 120, "notes": []}',
            Error("not_a_model", None, None, "tempo, notes"),
        ),
        (
            "escape",
            "a key that a terminal would obey",
            b'{"\\u001b[2J": 1}',
            Error("not_a_model", None, None, "\\u{1b}[2J"),
        ),
    ]
    for name, about, data, error in cases:
        yield Case(f"file_{name}", about, data, error)


def cases() -> list[Case]:
    """Return all of them."""
    parts = [valid, envelope, weights, layer_arrays, other_architectures, composites, keras_files, no_models]
    return [case for part in parts for case in part()]


def index() -> str:
    """Return the list of all files."""
    entries = []
    for case in cases():
        error = None if case.error is None else vars(case.error)
        entry = {"file": f"{case.name}.bin", "about": case.about, "error": error, "warnings": case.warnings}
        entries.append(json.dumps(entry, ensure_ascii=False))
    return "[\n" + ",\n".join(entries) + "\n]\n"


def table() -> str:
    """Return the page of what is refused."""
    lines = [
        "# What is refused, and how",
        "",
        "A file that cannot be used raises `nd.ModelError` (in Rust, a `LoadError`), whose `kind`, `path`,",
        "`expected` and `found` say what is wrong where. Each row is a file of the tests, which gives just",
        "this error in both languages. This page is generated, by `tests/data/hostile/make_hostile.py`.",
        "",
        "| what is wrong | `kind` | `path` | `expected` | `found` |",
        "|---|---|---|---|---|",
    ]

    def code(value: str | None) -> str:
        return "" if value is None else f"`{value.replace('|', chr(92) + '|')}`"

    for case in cases():
        if case.error is not None:
            error = case.error
            row = [case.about, code(error.kind), code(error.path), code(error.expected), code(error.found)]
            lines.append(f"| {' | '.join(row)} |")
    lines += ["", "These load, odd as they are:", "", "| what is odd | warnings |", "|---|---|"]
    lines += [f"| {case.about} | {case.warnings} |" for case in cases() if case.name.startswith("odd_")]
    return "\n".join(lines) + "\n"


def files() -> dict[Path, bytes]:
    """Return everything that this script makes."""
    made = {HERE / f"{case.name}.bin": case.data for case in cases()}
    return made | {HERE / "index.json": index().encode(), TABLE: table().encode()}


def main() -> None:
    """Write the folder and the page."""
    for path in HERE.glob("*.bin"):
        path.unlink()
    for path, data in files().items():
        path.write_bytes(data)


if __name__ == "__main__":
    main()
