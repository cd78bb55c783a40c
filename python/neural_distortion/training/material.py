"""Recordings as they lie in files, read and made to fit each other."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neural_distortion import io
from neural_distortion._typing import Audio
from neural_distortion.training.layout import Span, recognise
from neural_distortion.training.recording import Recording, align


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """What `fit` is given of recordings.

    Attributes
    ----------
    dry : Audio [shape=(frames,)]
        What was played.
    wet : Audio [shape=(frames,) or (takes, frames)]
        What was recorded.
    sample_rate : int
        The rate, in Hz.
    aligned : tuple of Recording
        Each take, if its delay and its drift were undone.
    learned, judged : (int, int)
        What is for what: as :func:`recognise` says of the dry signal.
    """

    dry: Audio
    wet: Audio
    sample_rate: int
    learned: Span
    judged: Span
    aligned: tuple[Recording, ...] = ()

    @property
    def provenance(self) -> dict[str, object]:
        """What a model file says about it under ``training``."""
        return {"delay_samples": [take.delay_samples for take in self.aligned]} if self.aligned else {}


def read_material(
    dry: Path, wet: Sequence[Path], *, memory: bool, undo_delay: bool | None = None
) -> Material:
    """Read recordings to train on.

    Parameters
    ----------
    dry : Path
        What went into the gear.
    wet : sequence of Path
        What came out, once for each setting of the knobs.
    memory : bool
        Whether the model will have one: it can learn a few samples of a delay, which are left to it then.
    undo_delay : bool, optional
        Whether to undo the delay and the drift first; by default, where the dry signal is one that is made
        for capturing.

    Raises
    ------
    OSError
        If a file cannot be opened.
    ValueError
        If one is no audio, or they do not fit together.
    """
    dry_audio, sample_rate = io.read(dry)
    wet_audio = [_read_at(path, sample_rate, dry) for path in wet]
    for path, audio in zip((dry, *wet), (dry_audio, *wet_audio), strict=True):
        if audio.ndim > 1:
            msg = f"{path} has {len(audio)} channels: recordings to train on have one"
            raise ValueError(msg)
    layout = recognise(dry_audio, sample_rate)
    if layout.name != "any" if undo_delay is None else undo_delay:
        return _aligned(dry_audio, wet_audio, sample_rate, wet, memory=memory)
    for path, audio in zip(wet, wet_audio, strict=True):
        if audio.shape != dry_audio.shape:
            msg = f"{dry} and {path} differ in shape: {dry_audio.shape} and {audio.shape}"
            raise ValueError(msg)
    return Material(
        dry=dry_audio,
        wet=_stacked(wet_audio),
        sample_rate=sample_rate,
        learned=layout.training,
        judged=layout.validation,
    )


def _read_at(path: Path, sample_rate: int, dry: Path) -> Audio:
    """Return a recording that must be at the rate of the dry one."""
    audio, rate = io.read(path)
    if rate != sample_rate:
        msg = f"{dry} is at {sample_rate} Hz and {path} at {rate} Hz: they have to be recorded at one rate"
        raise ValueError(msg)
    return audio


def _aligned(
    dry: Audio, wet: list[Audio], sample_rate: int, files: Sequence[Path], *, memory: bool
) -> Material:
    """Return recordings of one length without their delays."""
    takes = []
    for audio, file in zip(wet, files, strict=True):
        try:
            take = align(dry, audio, sample_rate)
        except ValueError as error:
            msg = f"{file}: {error}; neural-distortion check says more"
            raise ValueError(msg) from None
        late = 0 if memory else round(take.delay_samples - take.removed_samples)
        takes.append(
            dataclasses.replace(take, wet=np.concatenate([take.wet[late:], np.zeros(late, np.float32)]))
        )
    shortest = min(takes, key=lambda take: take.dry.size)
    return Material(
        dry=shortest.dry,
        wet=_stacked([take.wet[: shortest.dry.size] for take in takes]),
        sample_rate=sample_rate,
        aligned=tuple(takes),
        learned=shortest.layout.training,
        judged=shortest.layout.validation,
    )


def _stacked(wet: list[Audio]) -> Audio:
    return np.stack(wet) if len(wet) > 1 else wet[0]
