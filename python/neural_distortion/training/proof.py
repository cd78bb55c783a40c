"""From trained weights to a file, and the proof that the engine plays it as it was trained."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neural_distortion import io
from neural_distortion._typing import Audio, PathLike
from neural_distortion.analysis import esr
from neural_distortion.model import Format, Model, load
from neural_distortion.training.architecture import Description, describe_perceptron
from neural_distortion.training.dialect import export
from neural_distortion.training.perceptron import Perceptron
from neural_distortion.training.perceptron_fit import Epoch, PerceptronFit
from neural_distortion.training.take import Takes

if TYPE_CHECKING:
    from torch import Tensor

    from neural_distortion.training.network import Network

_LEAD_IN_S = 1.0
"""What is played before the part that counts, so that a model has heard something."""

_BLOCK = 8192
"""Frames that PyTorch computes at a time."""

EXACT = 5e-6
"""How far the engine may be from what was trained, in units of full scale, if no rounding is amplified."""

ROUNDINGS = 5e-7 / 2**-25
"""The error of an activation in the engine over that in PyTorch: what is stated for the one, over half a unit
in the last place of a float32 below 1."""

_GAINS = np.linspace(0, 1, 11)


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A trained model, and how good it is.

    Attributes
    ----------
    arch : str
        What was trained.
    file : dict
        What the model file holds.
    esr : float
        Error-to-signal ratio on what was held out, played by the engine: 0 is perfect, 1 is silence. With
        knobs, the mean over the recordings; of several sizes, that of the largest.
    errors : tuple of tuple of float
        The same for each size, the smallest first, and within it for each recording.
    difference : float
        The largest difference, in units of full scale, between what the engine plays on what was held out and
        what was trained, which PyTorch computes with 64 bits.
    rounding : float
        The same for PyTorch with the 32 bits of the training. A network of much gain, or one that feeds much
        of itself back, makes it large.
    history : tuple of Epoch
        Every validation, in order.
    interrupted : bool
        Whether Ctrl-C ended the training.
    sample_rate : int
        The rate, in Hz.
    settings : tuple of str
        What the knobs of each recording were set to, ``"drive 0.2"``; empty without knobs.
    dry, target, prediction : Audio [shape=(takes, frames)]
        What was held out, and what the engine makes of it.
    """

    arch: str
    file: Description
    esr: float
    errors: tuple[tuple[float, ...], ...]
    difference: float
    rounding: float
    history: tuple[Epoch, ...]
    interrupted: bool
    sample_rate: int
    settings: tuple[str, ...]
    dry: Audio
    target: Audio
    prediction: Audio
    perceptron: Perceptron | None = None
    """An ``"mlp"``, for the forms that only a perceptron has."""

    @property
    def model(self) -> Model:
        """The model, ready to play."""
        return load(to_bytes(self.file))

    @property
    def proven(self) -> bool:
        """Whether the engine is as near to what was trained as the roundings of its activations explain."""
        return self.difference <= max(EXACT, ROUNDINGS * self.rounding)

    @property
    def num_parameters(self) -> int:
        """The number of weights."""
        return (self.perceptron or self.model).num_parameters

    def save(self, path: PathLike, *, format: Format | None = None) -> None:
        """Write the model file, in one go.

        Parameters
        ----------
        path : path-like
            Where to; a file that is there already is replaced.
        format : {"nam", "rtneural", "aidax", "proteus", "mlp", "onnx", "cpp", "rust"}, optional
            As what; by default, as the suffix says. A GRU is not to be had as ``.nam``.

        Raises
        ------
        ModelError
            If the format cannot express the model.
        ValueError
            If the suffix stands for no format.
        OSError
            If the file cannot be written.
        """
        target = Path(path)
        own = "nam" if "architecture" in self.file else "aidax"
        if (format or target.suffix.removeprefix(".").replace("json", "aidax")) == own:
            partial = target.with_name(f".{target.name}.partial")
            partial.write_bytes(to_bytes(self.file))
            partial.replace(target)
        elif self.perceptron is not None:
            export(self.perceptron, target, to=format)
        else:
            self.model.save(target, format=format)

    def report(self, path: PathLike, *, name: str | None = None) -> None:
        """Write one self-contained HTML page: learning, errors, spectrum, transfer curve, and audio.

        Parameters
        ----------
        path : path-like
            Where to; a file that is there already is replaced.
        name : str, optional
            What the model is called; by default what its file says, or its architecture.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from neural_distortion.training.report import to_html

        name = name or self.model.metadata.name or self.arch
        Path(path).write_text(to_html(self, name=name), encoding="utf-8")


def errors(network: "Network", takes: Takes) -> list[list[float]]:
    """Return the error-to-signal ratios of each size in each take, as the engine plays the network."""
    if not all(bool(weight.isfinite().all()) for weight in network.parameters()):
        return [[math.inf]]
    model = load(to_bytes(_complete(network.describe(), takes, {})))
    return [_judge(played, takes) for played in _play(model, takes)]


def prove(
    network: "Network",
    takes: Takes,
    *,
    arch: str,
    history: tuple[Epoch, ...],
    interrupted: bool,
    metadata: Mapping[str, Any],
) -> Fit:
    """Return the fit of a network: its file, complete, and compared with the network itself."""
    import copy

    import torch

    def trained() -> tuple[NDArray[np.float64], float]:
        inputs = torch.from_numpy(_inputs(takes))
        exact = _render(copy.deepcopy(network).double(), inputs.double(), takes.sample_rate)
        return exact, float(np.max(np.abs(_render(network, inputs, takes.sample_rate) - exact)))

    return _finish(
        network.describe(),
        takes,
        trained,
        arch=arch,
        history=history,
        interrupted=interrupted,
        metadata=metadata,
    )


def _render(network: "Network", x: "Tensor", sample_rate: float) -> NDArray[np.float64]:
    """Return what PyTorch makes of an input [shape=(sizes, takes, frames)]."""
    import torch

    with torch.inference_mode():
        state = network.rest(sample_rate, x)
        outputs = []
        for block in x.split(_BLOCK, dim=-1):
            y, state = network(block, state)
            outputs.append(y)
    return np.asarray(torch.cat(outputs, dim=-1).permute(1, 0, 2).double().numpy())


def prove_perceptron(fitted: PerceptronFit, takes: Takes, *, metadata: Mapping[str, Any]) -> Fit:
    """Return the fit of a perceptron, which was validated on passages throughout the recordings."""
    perceptron = fitted.perceptron
    fit = _finish(
        describe_perceptron(perceptron),
        takes,
        lambda: (perceptron(_inputs(takes)[:, 0])[np.newaxis].astype(np.float64), 0.0),
        arch="mlp",
        history=fitted.history,
        interrupted=fitted.interrupted,
        metadata=metadata,
        found=((fitted.esr,),),
    )
    return dataclasses.replace(fit, perceptron=perceptron)


def num_parameters(network: "Network", takes: Takes) -> int:
    """Return the number of weights in the file of a network."""
    return load(to_bytes(_complete(network.describe(), takes, {}))).num_parameters


def _finish(
    description: Description,
    takes: Takes,
    trained: Callable[[], tuple[NDArray[np.float64], float]],
    *,
    arch: str,
    history: tuple[Epoch, ...],
    interrupted: bool,
    metadata: Mapping[str, Any],
    found: tuple[tuple[float, ...], ...] | None = None,
) -> Fit:
    """Return the fit of a description.

    ``trained`` gives what its network makes of `_inputs` [shape=(sizes, takes, frames)] and how far roundings
    move that, and ``found`` the errors where they are known already.
    """
    model = load(to_bytes(_complete(description, takes, {})))
    played = list(_play(model, takes))
    exact, rounding = trained()
    difference = float(np.max(np.abs(np.stack(played) - exact)))
    found = found or tuple(tuple(_judge(audio, takes)) for audio in played)
    error = float(np.mean(found[-1]))
    told = {
        **metadata,
        **_levels(model),
        "training": {
            **metadata.get("training", {}),
            "validation_esr": error,
            "trainer": "neural-distortion",
            "arch": arch,
            "epochs": len(history),
            "engine_difference": difference,
            "pytorch_difference": rounding,
            "validation_esr_by_size": [float(np.mean(size)) for size in found],
        },
    }
    if takes.knobs:
        told["knobs"] = list(takes.knobs)
    kept = _kept(takes)
    return Fit(
        arch=arch,
        file=_complete(description, takes, told),
        esr=error,
        errors=found,
        difference=difference,
        rounding=rounding,
        history=history,
        interrupted=interrupted,
        sample_rate=takes.sample_rate,
        settings=tuple(takes.label(take) for take in range(len(takes.settings))),
        dry=np.array(takes.dry[:, slice(*takes.judged)]),
        target=np.array(takes.wet[:, slice(*takes.judged)]),
        prediction=played[-1][:, kept],
    )


def _inputs(takes: Takes) -> Audio:
    """Return what is played for the validation [shape=(takes, 1 + knobs, frames)]."""
    start, end = takes.judged
    lead_in = round(_LEAD_IN_S * takes.sample_rate)
    # Silence lies before a recording, with its knobs as they stand.
    dry = np.pad(takes.dry, ((0, 0), (lead_in, 0)))[:, start : lead_in + end]
    settings = np.broadcast_to(takes.settings[..., np.newaxis], (*takes.settings.shape, dry.shape[1]))
    return np.concatenate([dry[:, np.newaxis], settings], axis=1)


def _play(model: Model, takes: Takes) -> Iterator[Audio]:
    """Yield what each size of a model makes of the validation [shape=(takes, frames)]."""
    inputs = _inputs(takes)
    for size in model.sizes:
        model.quality = size
        yield np.stack(
            [
                model(audio, takes.sample_rate, parameters=settings)
                for audio, settings in zip(inputs[:, 0], takes.settings, strict=True)
            ]
        )


def _judge(played: Audio, takes: Takes) -> list[float]:
    """Return the error-to-signal ratio of each take, where it is held out."""
    wet, kept = takes.wet[:, slice(*takes.judged)], played[:, _kept(takes)]
    return [esr(target, prediction) for target, prediction in zip(wet, kept, strict=True)]


def _kept(takes: Takes) -> slice:
    """Return the part of what is played that counts: all but the lead-in."""
    start, end = takes.judged
    return slice(start - end, None)


def _levels(model: Model) -> dict[str, float]:
    """Return how loud a model is for a guitar, in dB, and how much it compresses, from 0 to 1.

    The second compares the levels at eleven gains with those of a model whose level rises in a straight line.
    """
    guitar, rate = io.read(io.example_audio("guitar"))
    levels = [float(np.sqrt(np.mean(np.square(model(gain * guitar, rate))))) for gain in _GAINS]
    straight = 0.5 * len(levels) * levels[-1]
    if straight == 0:
        return {}
    return {"loudness": 20 * float(np.log10(levels[-1])), "gain": (sum(levels) - straight) / straight}


def _complete(description: Description, takes: Takes, metadata: Mapping[str, Any]) -> Description:
    """Return a description with its rate and what it says about itself."""
    if "architecture" in description:
        return {**description, "sample_rate": takes.sample_rate, "metadata": dict(metadata)}
    told = {**metadata, "samplerate": takes.sample_rate}
    if "training" in metadata:
        told["esr"] = metadata["training"]["validation_esr"]
    return {**description, "metadata": told}


def to_bytes(file: Description) -> bytes:
    """Return a model file."""
    return (json.dumps(file, allow_nan=False) + "\n").encode()
