"""A multi-layer perceptron with tanh between its layers: a memoryless waveshaper."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neural_distortion._typing import Audio, PathLike

_BLOCK = 4096  # frames evaluated at a time: their hidden layers stay in the cache


class Dense(NamedTuple):
    """One layer: ``y = weight @ x + bias``."""

    weight: NDArray[np.float32]
    """Shape ``(outputs, inputs)``."""
    bias: NDArray[np.float32]
    """Shape ``(outputs,)``."""


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Dense layers with tanh between them and none after the last, from one sample to one sample.

    Parameters
    ----------
    layers : tuple of Dense
        At least one; the first has one input, the last one output.

    Raises
    ------
    ValueError
        If the shapes of the layers do not fit each other, or a weight is not finite.

    Examples
    --------
    >>> inverter = Perceptron((Dense(np.float32([[-1.0]]), np.float32([0.0])),))
    >>> inverter(np.float32([0.25, 0.5]))
    array([-0.25, -0.5 ], dtype=float32)
    """

    layers: tuple[Dense, ...]

    def __post_init__(self) -> None:
        """Check the shapes."""
        width = 1
        for number, (weight, bias) in enumerate(self.layers, start=1):
            if weight.ndim != 2 or weight.shape[1] != width or bias.shape != weight.shape[:1]:
                msg = (
                    f"layer {number}: expected weights of shape (outputs, {width}) and a bias of shape "
                    f"(outputs,), got {weight.shape} and {bias.shape}"
                )
                raise ValueError(msg)
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                msg = f"layer {number}: a weight is not finite"
                raise ValueError(msg)
            width = len(bias)
        if not self.layers or width != 1:
            msg = f"expected one output, got {width if self.layers else 'no layer'}"
            raise ValueError(msg)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers, from the input."""
        return tuple(len(layer.bias) for layer in self.layers[:-1])

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.weight.size + layer.bias.size for layer in self.layers)

    def __call__(self, dry: Audio) -> Audio:
        """Return the output for an input, sample by sample.

        Parameters
        ----------
        dry : Audio [shape=(..., frames)]
            Input.

        Returns
        -------
        Audio [shape=(..., frames)]
            Output, computed in float32.
        """
        flat = np.asarray(dry, dtype=np.float32).reshape(-1)
        wet = np.empty_like(flat)
        for start in range(0, len(flat), _BLOCK):
            x = flat[start : start + _BLOCK, np.newaxis]
            for weight, bias in self.layers[:-1]:
                x = np.tanh(x @ weight.T + bias)
            weight, bias = self.layers[-1]
            wet[start : start + _BLOCK] = (x @ weight.T + bias)[:, 0]
        return wet.reshape(np.shape(dry))

    @classmethod
    def read(cls, path: PathLike) -> Self:
        """Return the perceptron in a model file.

        Parameters
        ----------
        path : path-like
            The flat JSON of a 1-H-1 perceptron (``layer1_weights``, …) or RTNeural's JSON with dense layers
            alone.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it holds anything else.
        """
        source = Path(path)
        try:
            model = json.loads(source.read_bytes())
            layers = _from_rtneural(model) if "layers" in model else _from_mlp(model)
            return cls(layers)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            msg = f"{source.name} is not a tanh perceptron as JSON: {reason}"
            raise ValueError(msg) from error


def _from_mlp(model: dict[str, Any]) -> tuple[Dense, ...]:
    """Return the layers of the flat JSON."""
    return (
        Dense(_float32(model["layer1_weights"])[:, np.newaxis], _float32(model["layer1_bias"])),
        Dense(_float32(model["layer2_weights"])[np.newaxis, :], _float32(model["layer2_bias"])),
    )


def _from_rtneural(model: dict[str, Any]) -> tuple[Dense, ...]:
    """Return the layers of RTNeural's JSON, whose matrices are transposed."""
    layers = []
    count = len(model["layers"])
    for number, layer in enumerate(model["layers"], start=1):
        found = (layer["type"], layer["activation"])
        expected = ("dense", "tanh" if number < count else "")
        if found != expected:
            msg = f"layer {number}: expected (type, activation) {expected}, got {found}"
            raise ValueError(msg)
        weight, bias = layer["weights"]
        layers.append(Dense(_float32(weight).T, _float32(bias)))
    return tuple(layers)


def _float32(values: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
