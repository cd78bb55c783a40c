"""How long each kind of network is trained, and on what at a time."""

import dataclasses
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from neural_distortion.analysis.metric import RESOLUTIONS

Effort: TypeAlias = Literal["quick", "normal", "thorough"]
"""How much time a training takes: to see whether it works, to play, to publish."""

EFFORTS: Final = get_args(Effort)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The lengths and sizes of a training.

    Attributes
    ----------
    steps : int >= 1
        Changes of the weights, in all.
    epochs : int >= 1
        How often the network is validated meanwhile.
    patience : int >= 1
        The training ends after so many epochs without a lower error.
    batch : int >= 1
        Passages that are trained on at a time, drawn at random.
    segment : int >= 1
        Frames of each for one step.
    segments : int >= 1
        Steps on the same passages, one behind the other: a recurrent network goes on from what it remembers
        (truncated backpropagation through time).
    warm_up : int >= 0
        Frames before them that a recurrent network hears first.
    learning_rate : float > 0
        Of Adam, at its highest.
    spectral : float >= 0
        Weight of the spectral distance in the loss.
    """

    steps: int
    epochs: int
    patience: int
    batch: int
    segment: int
    segments: int
    warm_up: int
    learning_rate: float
    spectral: float


_RECURRENT: Final = Plan(
    steps=0,
    epochs=0,
    patience=0,
    batch=64,
    segment=512,
    segments=64,
    warm_up=12_000,
    learning_rate=8e-3,
    spectral=2e-4,
)
_CONVOLUTION: Final = dataclasses.replace(
    _RECURRENT, batch=8, segment=8192, segments=1, warm_up=0, learning_rate=6e-3
)
_LENGTHS: Final[dict[Effort, tuple[int, int, int]]] = {
    "quick": (600, 15, 15),
    "normal": (4000, 50, 20),
    "thorough": (24_000, 120, 40),
}
"""Steps, epochs and patience."""

MLP_EPOCHS: Final[dict[Effort, int]] = {"quick": 5, "normal": 20, "thorough": 60}
"""Epochs of Adam of a perceptron."""


def fitting(frames: int) -> tuple[tuple[int, int, int], ...]:
    """Return the resolutions of the spectral distance whose transforms fit so many frames."""
    return tuple(resolution for resolution in RESOLUTIONS if resolution[0] // 2 < frames)


def plan(
    *,
    recurrent: bool,
    frames: int,
    effort: Effort,
    steps: int | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    segment: int | None = None,
    spectral: float | None = None,
) -> Plan:
    """Return the plan for a kind of network.

    Parameters
    ----------
    recurrent : bool
        Whether it is a recurrent network, or one of convolutions.
    frames : int >= 1
        How many there are to train on.
    effort : {"quick", "normal", "thorough"}
        How long.
    steps, learning_rate, batch, segment, spectral
        What to have instead. The passages stay as long, of so many more segments as these are shorter.

    Raises
    ------
    ValueError
        If one of them is out of range.
    """
    if effort not in _LENGTHS:
        msg = f"expected an effort of {', '.join(EFFORTS)}, got {effort!r}"
        raise ValueError(msg)
    for name, value in (("steps", steps), ("batch", batch), ("segment", segment)):
        if value is not None and value < 1:
            msg = f"expected {name} to be 1 or more, got {value}"
            raise ValueError(msg)
    if learning_rate is not None and not 0 < learning_rate <= 1:
        msg = f"expected a learning rate above 0 and up to 1, got {learning_rate}"
        raise ValueError(msg)
    base = _RECURRENT if recurrent else _CONVOLUTION
    spectral = base.spectral if spectral is None else spectral
    if spectral < 0:
        msg = f"expected a weight of the spectral distance of 0 or more, got {spectral}"
        raise ValueError(msg)
    segment = min(segment or base.segment, frames)
    if spectral and not fitting(segment):
        msg = (
            f"segments of {segment} frames are too short for the spectral distance: leave it out, spectral=0"
        )
        raise ValueError(msg)
    segments = max(1, min(base.segments * base.segment, frames) // segment)
    usual, epochs, patience = _LENGTHS[effort]
    segments = min(segments, steps or usual)
    rounds = -(-(steps or usual) // segments)
    return dataclasses.replace(
        base,
        steps=rounds * segments,
        segment=segment,
        segments=segments,
        epochs=min(epochs, rounds),
        patience=patience,
        batch=batch or base.batch,
        learning_rate=learning_rate or base.learning_rate,
        spectral=spectral,
    )
