"""A dry and a wet signal, made to fit each other, to train on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from neural_distortion._typing import Audio
from neural_distortion.training.layout import Layout, recognise
from neural_distortion.training.timing import Timing, cut, locate

_MARGIN: Final = 4
"""So many frames of a delay are left, because a model can learn to be late but not to be early."""

_BLOCK: Final = 1 << 16
_EDGE: Final = 256
_FINE: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """What :func:`align` returns.

    Attributes
    ----------
    dry, wet : Audio [shape=(frames,)]
        What was played, and what was recorded, of one length: wet follows dry by less than a millisecond.
    sample_rate : float
        Their rate, in Hz.
    delay_samples : float
        How late the recording was.
    removed_samples : int
        What of that was removed.
    drift_ppm : float
        By how much the recorder's clock was faster, in millionths; removed too.
    layout : Layout
        What is to be learned from, and what is to judge by.
    """

    dry: Audio
    wet: Audio
    sample_rate: float
    delay_samples: float
    removed_samples: int
    drift_ppm: float
    layout: Layout

    @property
    def training(self) -> tuple[Audio, Audio]:
        """What to learn from: dry and wet."""
        start, end = self.layout.training
        return self.dry[start:end], self.wet[start:end]

    @property
    def validation(self) -> tuple[Audio, Audio]:
        """What to judge by: dry and wet."""
        start, end = self.layout.validation
        return self.dry[start:end], self.wet[start:end]


def align(dry: npt.ArrayLike, wet: npt.ArrayLike, sample_rate: float) -> Recording:
    """Undo the delay and the drift of a recording, and say which part of it is for what.

    Parameters
    ----------
    dry, wet : array of float [shape=(frames,)]
        What was played, and what was recorded; they need not be of one length. Where the recording ends
        early, the end of the dry signal is left out.
    sample_rate : float > 0
        The rate of both, in Hz.

    Raises
    ------
    ValueError
        If the two have nothing in common, or are no mono signals. :func:`check` says more.

    Examples
    --------
    >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 96_000)
    >>> recording = align(noise, np.tanh(np.roll(noise, 120)), 48_000)
    >>> round(recording.delay_samples)
    120
    """
    played, heard = (mono(audio, name) for audio, name in ((dry, "dry"), (wet, "wet")))
    timing = locate(played, heard, sample_rate)
    if timing is None:
        msg = "the recording has nothing in common with the signal that it is said to be made from"
        raise ValueError(msg)
    layout = recognise(played, sample_rate)
    delay = timing.delay_samples
    removed = int(np.floor(delay)) - _MARGIN
    if delay > -1:
        removed = max(removed, 0)
    if timing.ratio == 1:
        frames = min(played.size, heard.size - removed)
        moved = cut(heard, removed, 1.0, frames)
    else:
        frames = min(played.size, int((heard.size - removed) / timing.ratio))
        moved = resampled(heard, removed, timing.ratio, frames)
    return Recording(
        dry=played[:frames],
        wet=moved.astype(np.float32),
        sample_rate=sample_rate,
        delay_samples=delay,
        removed_samples=removed,
        drift_ppm=1e6 * (timing.ratio - 1),
        layout=_shortened(layout, frames),
    )


def on_the_same_clock(wet: Audio, timing: Timing, frames: int) -> Audio:
    """Return what was recorded for each frame that was played, with the delay of the recording removed."""
    if timing.ratio == 1:
        return np.asarray(cut(wet, round(timing.delay_samples), 1.0, frames), dtype=np.float32)
    return resampled(wet, timing.delay_samples, timing.ratio, frames)


def resampled(signal: Audio, place: float, ratio: float, frames: int) -> Audio:
    """Return samples from a place on, ``ratio`` apart; beyond its ends, a signal is silent.

    Blocks are oversampled by their spectra, and cubics lie between the samples of these.
    """
    result = np.empty(frames, np.float32)
    for start in range(0, frames, _BLOCK):
        places = place + ratio * np.arange(start, min(start + _BLOCK, frames))
        first = int(np.floor(places[0])) - _EDGE
        block = cut(signal, first, 1.0, int(places[-1]) - first + _EDGE)
        size = 1 << (block.size - 1).bit_length()
        fine = _FINE * np.fft.irfft(np.fft.rfft(block, size), _FINE * size)
        at = _FINE * (places - first)
        whole = at.astype(np.int64)
        x = at - whole
        before, here, after, later = (fine[whole + step] for step in (-1, 0, 1, 2))
        bend, slope = before + after - 2 * here, (after - before) / 2
        twist = (later - before + 3 * (here - after)) / 6
        result[start : start + places.size] = here + x * (slope - twist + x * (bend / 2 + x * twist))
    return result


def mono(audio: npt.ArrayLike, name: str) -> Audio:
    """Return a signal of one channel, or refuse it."""
    signal: Audio = np.asarray(audio, dtype=np.float32)
    if signal.ndim != 1 or not signal.size:
        msg = f"{name} has the shape {signal.shape}: expected (frames,)"
        raise ValueError(msg)
    if not np.isfinite(signal).all():
        msg = f"{name} has samples that are no finite numbers"
        raise ValueError(msg)
    return signal


def _shortened(layout: Layout, frames: int) -> Layout:
    """Return a layout for what there is; a validation that is lost is taken from the end of the training."""
    if layout.validation[1] <= frames:
        return layout
    start, end = layout.training[0], min(layout.training[1], frames)
    if layout.validation[0] < frames - (frames - start) // 20:
        return Layout(layout.name, (start, end), (layout.validation[0], frames))
    border = end - (end - start) // 10
    return Layout(layout.name, (start, border), (border, end))
