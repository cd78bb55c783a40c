"""Perceptrons as files."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neural_distortion._typing import PathLike
from neural_distortion.model import Format, load
from neural_distortion.training.perceptron import Perceptron


def export(model: Perceptron | PathLike, path: PathLike, *, to: Format | None = None) -> None:
    """Write a perceptron as a model file or as a program.

    Parameters
    ----------
    model : Perceptron or path-like
        The perceptron, or a model file that holds one.
    path : path-like
        Where to.
    to : str, optional
        As what; see :meth:`neural_distortion.Model.save`. If missing, the ending of `path` decides, of which
        ``.json`` is the flat JSON of a perceptron (``layer1_weights``, ``layer1_bias``, …) with one hidden
        layer, and else RTNeural's.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    ValueError
        If the model is not a perceptron, or the form cannot hold it, or the ending says no form.
    """
    perceptron = model if isinstance(model, Perceptron) else Perceptron.read(model)
    if to is None and Path(path).suffix.lower() == ".json":
        to = "mlp" if len(perceptron.hidden) == 1 else "rtneural"
    load(_rtneural(perceptron)).save(path, format=to)


def _rtneural(perceptron: Perceptron) -> bytes:
    """Return RTNeural's JSON, whose matrices are transposed."""
    layers = [
        {
            "type": "dense",
            "activation": "tanh" if number < len(perceptron.layers) else "",
            "shape": [None, None, len(bias)],
            "weights": [[_numbers(column) for column in weight.T], _numbers(bias)],
        }
        for number, (weight, bias) in enumerate(perceptron.layers, start=1)
    ]
    return json.dumps({"in_shape": [None, None, 1], "layers": layers}).encode()


def _numbers(values: NDArray[np.float32]) -> list[float]:
    """Return the shortest decimals that are read back as the same float32 values."""
    return [float(str(value)) for value in values.ravel()]
