"""Recordings to train on: a dry signal and what the gear made of it at one or several settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neural_distortion._typing import Audio
from neural_distortion.model import as_audio

Span: TypeAlias = tuple[int, int]
"""From a frame on, up to another that is not in it."""

_HELD_OUT = 0.1
"""Part of the recordings, at their end, that is for validation."""


@dataclass(frozen=True, eq=False)
class Takes:
    """Recordings of one length.

    Attributes
    ----------
    dry, wet : Audio [shape=(takes, frames)]
        What went in and what came out.
    knobs : tuple of str
        The names of the knobs.
    settings : array of float32 [shape=(takes, knobs)]
        Where they stood.
    sample_rate : int
        The rate, in Hz.
    learned, judged : (int, int)
        What is to be learned from, and what is kept to judge by: from a frame on, up to another.
    """

    dry: Audio
    wet: Audio
    knobs: tuple[str, ...]
    settings: NDArray[np.float32]
    sample_rate: int
    learned: Span
    judged: Span

    def label(self, take: int) -> str:
        """Return the settings of a take, as one says them."""
        settings = zip(self.knobs, self.settings[take], strict=True)
        return ", ".join(f"{knob} {value:g}" for knob, value in settings)

    @classmethod
    def of(
        cls,
        dry: ArrayLike,
        wet: ArrayLike | Sequence[ArrayLike],
        sample_rate: float,
        knobs: Mapping[str, Sequence[float]],
        learned: Span | None,
        judged: Span | None,
    ) -> Self:
        """Return the takes, or say what is wrong with them; the arguments are those of `fit`."""
        whole_rate = int(sample_rate)
        if whole_rate != sample_rate or whole_rate <= 0:
            msg = f"expected a sample rate of a positive whole number of Hz, got {sample_rate}"
            raise ValueError(msg)
        dry_audio, wet_audio = as_audio(dry), as_audio(np.asarray(wet))
        if dry_audio.ndim < wet_audio.ndim:
            dry_audio = np.broadcast_to(dry_audio, (len(wet_audio), *dry_audio.shape))
        if dry_audio.shape != wet_audio.shape:
            msg = f"the dry and the wet recording differ in shape: {dry_audio.shape} and {wet_audio.shape}"
            raise ValueError(msg)
        dry_audio, wet_audio = np.atleast_2d(dry_audio), np.atleast_2d(wet_audio)
        for name, audio in (("dry", dry_audio), ("wet", wet_audio)):
            if not np.isfinite(audio).all():
                msg = f"the {name} recording has samples that are not finite"
                raise ValueError(msg)
            if not np.ptp(audio, axis=1).all():
                msg = f"the {name} recording is silent"
                raise ValueError(msg)
        frames = dry_audio.shape[1]
        border = frames - max(1, round(_HELD_OUT * frames))
        takes = cls(
            dry=dry_audio,
            wet=wet_audio,
            knobs=tuple(knobs),
            settings=_settings(knobs, len(wet_audio)),
            sample_rate=whole_rate,
            learned=learned or (0, border),
            judged=judged or (border, frames),
        )
        for name, (start, end) in (("learned", takes.learned), ("judged", takes.judged)):
            if not 0 <= start < end <= frames:
                msg = f"expected {name} to be two frames in a row from 0 to {frames}, got {start} and {end}"
                raise ValueError(msg)
            if not takes.wet[:, start:end].any(axis=1).all():
                msg = f"{start / whole_rate:.1f} to {end / whole_rate:.1f} s, to be {name}, are silent"
                raise ValueError(msg)
        return takes


def _settings(knobs: Mapping[str, Sequence[float]], takes: int) -> NDArray[np.float32]:
    """Return the settings of all knobs in each take."""
    settings = np.zeros((takes, len(knobs)), np.float32)
    for index, (name, values) in enumerate(knobs.items()):
        if len(values) != takes:
            msg = f"the knob {name} has {len(values)} settings for {takes} wet recordings"
            raise ValueError(msg)
        if not all(0 <= value <= 1 for value in values):
            msg = f"the knob {name} has a setting outside of 0 to 1: {', '.join(f'{v:g}' for v in values)}"
            raise ValueError(msg)
        if takes > 1 and len(set(values)) == 1:
            msg = (
                f"the knob {name} stands at {values[0]:g} in every recording: nothing is to be learned of it"
            )
            raise ValueError(msg)
        settings[:, index] = values
    if takes > 1 and not knobs:
        msg = f"{takes} wet recordings, and no knob that tells them apart"
        raise ValueError(msg)
    return settings
