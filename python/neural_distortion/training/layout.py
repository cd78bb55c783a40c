"""Which part of a dry signal is for what: of this project's signal, of others that are in use, and of any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from neural_distortion.training.capture import sections
from neural_distortion.training.timing import Samples

Span = tuple[int, int]
"""From a frame on, up to another that is not in it."""

_ANY: Final = "any"


@dataclass(frozen=True)
class Layout:
    """What the parts of a dry signal are for, in frames.

    Attributes
    ----------
    name : str
        ``"neural-distortion"``; ``"NAM v1"``, ``"NAM v2"``, ``"NAM v3"`` or ``"Proteus"``; else ``"any"``.
    training, validation : (int, int)
        What is to be learned from, and what is kept to judge by: from a frame on, up to another.
    repeats : tuple of (int, int)
        Passages that are the same, two or more, or none.
    """

    name: str
    training: Span
    validation: Span
    repeats: tuple[Span, ...] = ()


def recognise(dry: Samples, sample_rate: float) -> Layout:
    """Return the layout of a dry signal.

    Standard signals are known by their length and by where their clicks are; the level does not matter. Of
    any other signal the last tenth is for validation.

    Parameters
    ----------
    dry : array of float [shape=(frames,)]
        The signal.
    sample_rate : float > 0
        Its rate, in Hz.

    Examples
    --------
    >>> from neural_distortion.training import capture_signal
    >>> recognise(capture_signal(44_100).audio, 44_100).name
    'neural-distortion'
    """
    for layout, rate, frames, clicks in _standards(dry.size, sample_rate):
        if rate == sample_rate and frames in (None, dry.size) and _clicks_at(dry, sample_rate, clicks):
            return layout
    played = np.flatnonzero(np.abs(dry) > 1e-4)
    first, last = (int(played[0]), int(played[-1]) + 1) if played.size else (0, dry.size)
    border = last - (last - first) // 10
    return Layout(_ANY, (0, border), (border, dry.size))


def _standards(frames: int, rate: float) -> list[tuple[Layout, float, int | None, Sequence[int]]]:
    """Return the layouts that are known, with their rate, length and clicks.

    Those of others are as ``nam/train/core.py`` of neural-amp-modeler 0.13.0 has them.
    """
    end, again, out = 9_120_000, 8_640_000, 9_072_000
    second, only = (8_688_000, end), (frames - 432_000, frames)
    return [
        _own(rate),
        (
            Layout("NAM v3", (480_000, 8_688_000), second, ((0, 432_000), second)),
            48_000,
            end,
            (504_000, 552_000),
        ),
        (
            Layout("NAM v2", (0, 8_208_000), (8_208_000, again), ((8_208_000, again), (again, out))),
            48_000,
            9_168_000,
            (24_000, 72_000, 9_096_000, 9_144_000),
        ),
        # Its first click is on the first sample, with no silence before.
        (Layout("Proteus", (44_100, 8_857_872), (8_857_872, 9_298_872)), 44_100, 9_298_872, (22_050,)),
        (Layout("NAM v1", (0, only[0]), only), 48_000, None, (12_000, 36_000)),
    ]


def _own(rate: float) -> tuple[Layout, float, int, Sequence[int]]:
    """Return the layout of this project's signal at a rate."""
    parts = sections()
    spans = [(round(part.start_s * rate), round(part.end_s * rate)) for part in parts]
    first, last = (span for span, part in zip(spans, parts, strict=True) if part.use == "validation")
    clicks = [
        round((part.start_s + second) * rate)
        for part in parts
        if part.name.startswith("count")
        for second in (0.5, 1.0, 1.5)
    ]
    layout = Layout("neural-distortion", (first[1], last[0]), last, (first, last))
    return layout, rate, round(parts[-1].end_s * rate), clicks


def _clicks_at(dry: Samples, sample_rate: float, clicks: Sequence[int]) -> bool:
    """Return whether a signal has a click, with silence before it, at each of these places."""
    silence, width = round(0.1 * sample_rate), round(0.002 * sample_rate)
    for click in clicks:
        if click + width > dry.size or click < silence:
            return False
        before, at = (
            np.abs(dry[click - silence : click - width]),
            np.abs(dry[click - width // 2 : click + width]),
        )
        if not at.max() > max(0.01, 20 * before.max()):
            return False
    return True
