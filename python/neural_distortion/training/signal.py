"""Dry and wet signals to train on: a test signal, and the same signal through a known curve."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neural_distortion._typing import Audio

Signal = Literal["sine", "excitation"]

_OPEN_STRINGS_HZ = (82.41, 110.0, 146.83, 196.0, 246.94, 329.63)
_CHORDS_HZ = (
    (82.41, 123.47, 164.81, 207.65, 246.94, 329.63),  # E major
    (110.0, 164.81, 220.0, 261.63, 329.63),  # A minor
    (98.0, 146.83, 196.0),  # G5, the power chord
    (146.83, 220.0, 293.66, 369.99),  # D major
)
_HARMONICS = 24


def soft_clip(dry: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``tanh(2 x) + 0.15 x**2``: a saturating stage with a little even-order distortion.

    Parameters
    ----------
    dry : array [shape=(..., frames)]
        Input, of any level.

    Returns
    -------
    array [shape=(..., frames)]
        Output. It is not bounded: an input of 5 gives 4.75, so keep it out of integer files.

    Examples
    --------
    >>> soft_clip(np.array([0.0, 5.0]))
    array([0.  , 4.75])
    """
    wet: NDArray[np.float64] = np.tanh(2 * dry) + 0.15 * np.square(dry)
    return wet


def generate(
    signal: Signal = "sine",
    *,
    sample_rate: int = 44_100,
    duration_s: float = 10.0,
    peak: float = 5.0,
    seed: int = 0,
    curve: Callable[[NDArray[np.float64]], NDArray[np.float64]] = soft_clip,
) -> tuple[Audio, Audio]:
    """Return a dry signal and what a memoryless curve makes of it.

    Parameters
    ----------
    signal : {"sine", "excitation"}
        ``"sine"`` is a 110 Hz sine whose envelope rises linearly from 0 to `peak`: it visits every level but
        only one frequency. ``"excitation"`` is, in four equal parts, exponential sweeps, white noise, the
        open strings of a guitar and chords, each from quiet to loud: it visits levels and frequencies alike.
    sample_rate : int > 0
        Frames per second.
    duration_s : float > 0
        Length in seconds.
    peak : float > 0
        Largest magnitude of the dry signal. Full scale is 1: keep to that for a signal that is to be played
        through a converter.
    seed : int >= 0
        Seed of the noise; the same seed gives the same signal.
    curve : callable
        What the wet signal is made with, from an array to one of the same shape.

    Returns
    -------
    dry, wet : Audio [shape=(frames,)]
        Both in float32 and not clipped.

    Raises
    ------
    ValueError
        For an unknown signal, or one without a frame or a level.

    Examples
    --------
    >>> dry, wet = generate("sine", duration_s=1.0)
    >>> dry.shape, wet.shape
    ((44100,), (44100,))
    """
    frames = round(sample_rate * duration_s)
    if sample_rate <= 0 or frames < 1:
        msg = f"expected at least one frame, got {duration_s} s at {sample_rate} Hz"
        raise ValueError(msg)
    if not (np.isfinite(peak) and peak > 0):
        msg = f"expected a peak above 0, got {peak}"
        raise ValueError(msg)
    if signal == "sine":
        dry = _rising_sine(frames, sample_rate)
    elif signal == "excitation":
        dry = _excitation(frames, sample_rate, np.random.default_rng(seed))
    else:
        msg = f"expected the signal 'sine' or 'excitation', got {signal!r}"
        raise ValueError(msg)
    dry *= peak
    return dry.astype(np.float32), curve(dry).astype(np.float32)


def _rising_sine(frames: int, sample_rate: int) -> NDArray[np.float64]:
    """Return a 110 Hz sine whose envelope rises from 0 to 1."""
    time_s = np.arange(frames) / sample_rate
    return np.linspace(0, 1, frames) * np.sin(2 * np.pi * 110 * time_s)


def _excitation(frames: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return sweeps, noise, notes and chords, each from quiet to a peak of 1."""
    lengths = _split(frames, 4)
    quiet, loud = (_sweep(length, sample_rate) for length in _split(lengths[0], 2))
    notes = tuple((frequency_hz,) for frequency_hz in _OPEN_STRINGS_HZ)
    parts = (
        np.concatenate([0.2 * quiet, loud]),
        rng.uniform(-1, 1, lengths[1]) * np.linspace(0, 1, lengths[1]),
        _strum(notes, lengths[2], sample_rate, rng),
        _strum(_CHORDS_HZ, lengths[3], sample_rate, rng),
    )
    return np.concatenate([part / max(np.max(np.abs(part), initial=0), 1e-9) for part in parts])


def _split(frames: int, parts: int) -> list[int]:
    """Return the lengths of almost equal parts."""
    return [(frames * (part + 1)) // parts - (frames * part) // parts for part in range(parts)]


def _sweep(frames: int, sample_rate: int) -> NDArray[np.float64]:
    """Return a sine of constantly rising pitch, from 20 Hz to 20 kHz or close to the Nyquist frequency."""
    octaves = np.log2(min(20_000, 0.45 * sample_rate) / 20)
    position = np.linspace(0, 1, frames)
    duration_s = frames / sample_rate
    phase = 2 * np.pi * 20 * duration_s * (np.exp2(octaves * position) - 1) / (octaves * np.log(2))
    sweep: NDArray[np.float64] = np.sin(phase)
    return sweep


def _strum(
    chords: tuple[tuple[float, ...], ...], frames: int, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the chords one after the other, each louder than the one before and dying away."""
    pieces = []
    for level, length in enumerate(_split(frames, len(chords)), start=1):
        time_s = np.arange(length) / sample_rate
        fade = np.minimum(np.minimum(time_s, time_s[::-1]) / 0.003, 1)
        tone = np.zeros(length)
        for frequency_hz in chords[level - 1]:
            for harmonic in range(1, _HARMONICS + 1):
                if harmonic * frequency_hz < sample_rate / 2:
                    phase = 2 * np.pi * (harmonic * frequency_hz * time_s + rng.uniform())
                    tone += np.exp(-(1 + harmonic) * time_s) * np.sin(phase) / harmonic
        pieces.append(fade * tone * level / max(np.max(np.abs(tone), initial=0), 1e-9))
    return np.concatenate(pieces)
