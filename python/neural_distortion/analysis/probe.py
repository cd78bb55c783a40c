"""Test signals, and running a model on them.

A model is anything that is called like one: ``model(audio, sample_rate)`` returns audio of the same shape. So
is a pedalboard plugin, and ``lambda audio, sample_rate: numpy.tanh(audio)``.

Levels are peaks: a sine at ``level_db=0`` swings between -1 and 1, and at the output, too, 0 dBFS is such a
sine (AES17). Tones are coherent: a whole number of periods fits into the frames that are measured, so no
window is needed and nothing leaks. The number of frames is a prime, as arXiv 2505.04082 has it: a harmonic
that folds back at half the sample rate then meets no other harmonic, until their orders add up to the number
of frames.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from neural_distortion._typing import Audio

Processor: TypeAlias = Callable[[Audio, float], npt.ArrayLike]
"""What can be measured: a :class:`neural_distortion.Model`, or another callable of audio and its rate."""

Real: TypeAlias = npt.NDArray[np.floating[Any]]
Complex: TypeAlias = npt.NDArray[np.complexfloating[Any, Any]]

LEVEL_DB: Final = -12.0
"""Peak of a guitar that is neither played softly nor dug into."""

FRAMES: Final = 16_381
"""A prime: 3 Hz between bins at 48 kHz."""

SHORT_FRAMES: Final = 8_191
"""A prime, for measurements that are repeated many times."""

SETTLE_SECONDS: Final = 1.0
"""What a model hears before it is measured, if not more: the bias of a fuzz takes as long to settle."""

TAIL_SECONDS: Final = 0.01
"""What follows the part that is measured: the end of a signal disturbs a model that resamples."""

FLOOR_DB: Final = -200.0
"""Stands for nothing at all: below what float32 resolves."""


def rate_of(model: Processor, sample_rate: float | None) -> float:
    """Return ``sample_rate``, or else the model's own, or 48 kHz."""
    rate = float(sample_rate or getattr(model, "sample_rate", None) or 48_000)
    if not (rate > 0 and np.isfinite(rate)):
        msg = f"sample_rate={sample_rate!r} is not a positive number of Hz"
        raise ValueError(msg)
    return rate


def run(model: Processor, dry: npt.ArrayLike, sample_rate: float) -> Real:
    """Return what ``model`` makes of a mono signal.

    Raises
    ------
    ValueError
        If the output has another shape than the input, or is not finite: nothing can be measured then.
    """
    samples = np.ascontiguousarray(dry, dtype=np.float32)
    wet = np.asarray(model(samples, sample_rate), dtype=np.float64)
    if wet.shape != samples.shape:
        msg = f"the model returned audio of shape {wet.shape} for audio of shape {samples.shape}"
        raise ValueError(msg)
    if not np.isfinite(wet).all():
        msg = "the model returned samples that are no finite numbers"
        raise ValueError(msg)
    return wet


def performance(audio: npt.ArrayLike | None, sample_rate: float | None) -> tuple[Real, float]:
    """Return a performance and its sample rate: without one, the guitar that comes with the package.

    Raises
    ------
    ValueError
        If a performance comes without its sample rate, or another one is asked for than the guitar's.
    """
    if audio is not None:
        if sample_rate is None:
            msg = "audio needs its sample_rate"
            raise ValueError(msg)
        return np.asarray(audio, dtype=np.float64), float(sample_rate)
    from neural_distortion.io import example_audio, read

    guitar, rate = read(example_audio("guitar"))
    if sample_rate not in (None, rate):
        msg = f"the guitar that comes with the package is at {rate} Hz, not {sample_rate:g} Hz: pass audio"
        raise ValueError(msg)
    return np.asarray(guitar, dtype=np.float64), float(rate)


def amplitude(level_db: float) -> float:
    """Return the peak of a sine at a level in dBFS."""
    return float(10.0 ** (level_db / 20.0))


def decibels(ratio: npt.ArrayLike) -> Real:
    """Return ``20 log10(ratio)``, and the floor of -200 dB for anything less."""
    return np.asarray(20.0 * np.log10(np.maximum(np.abs(ratio), 10.0 ** (FLOOR_DB / 20.0))))


def decibel(ratio: float) -> float:
    """Return one ratio in dB; see :func:`decibels`."""
    return float(decibels(ratio))


def bin_of(frequency_hz: float, sample_rate: float, frames: int) -> int:
    """Return the bin of the DFT that is nearest to a frequency.

    Raises
    ------
    ValueError
        If the frequency is not between 0 and half the sample rate.
    """
    if not 0 < frequency_hz < sample_rate / 2:
        msg = f"frequency_hz={frequency_hz!r} is not between 0 and half the sample rate of {sample_rate:g} Hz"
        raise ValueError(msg)
    return min(max(1, round(frequency_hz * frames / sample_rate)), (frames - 1) // 2)


def tones(
    bins: Sequence[int], amplitudes: Sequence[float], frames: int, *, lead: int = 0, tail: int = 0
) -> Real:
    """Return a sum of sines with a period of ``frames``, with a ``lead`` of it before and a ``tail`` after.

    The sines start at phase 0 where the lead ends. The phase is reduced in integers, so that it is exact.
    """
    time = np.arange(-lead, frames + tail)
    sines = [np.sin(2 * np.pi / frames * (k * time % frames)) for k in bins]
    return np.asarray(np.array(amplitudes) @ np.array(sines))


def settle_frames(model: Processor, sample_rate: float) -> int:
    """Return for how long a tone runs before the model is taken to be in its steady state."""
    return max(round(SETTLE_SECONDS * sample_rate), getattr(model, "receptive_field", 0))


def steady_state(
    model: Processor, bins: Sequence[int], amplitudes: Sequence[float], frames: int, sample_rate: float
) -> Complex:
    """Return the spectrum of a model's steady output for a sum of sines.

    Returns
    -------
    spectrum : complex array [shape=(frames // 2 + 1,)]
        ``a * exp(1j * p)`` for each component ``a * sin(w t + p)`` of the output, and the mean in bin 0.
    """
    lead, tail = settle_frames(model, sample_rate), round(TAIL_SECONDS * sample_rate)
    dry = tones(bins, amplitudes, frames, lead=lead, tail=tail)
    wet = run(model, dry, sample_rate)[lead : lead + frames]
    spectrum: Complex = np.fft.rfft(wet) * (2j / frames)
    spectrum[0] = wet.mean()
    return spectrum
