"""How late a signal is, and how loud, to a fraction of a sample."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from neural_distortion.analysis.probe import (
    Complex,
    Processor,
    Real,
    amplitude,
    rate_of,
    run,
)
from neural_distortion.analysis.result import BULK, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEWTON_STEPS = 20
_NOISE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """What was undone to make one signal fit another.

    Attributes
    ----------
    delay_samples : float
        By how much the prediction came late; negative where it was early.
    gain : float
        What the prediction was multiplied with; negative where its polarity was the other one.
    """

    delay_samples: float
    gain: float


def align(target: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Real, Alignment]:
    """Shift and scale ``prediction`` so that it fits ``target`` best, in the sense of least squares.

    The delay is where the magnitude of the cross-correlation of the band-limited signals is largest, refined
    between samples by Newton's method; the gain follows by projection.

    Parameters
    ----------
    target, prediction : array of float [shape=(frames,)]
        The signal to match, and the one to change. What is shifted in from outside is silence.

    Returns
    -------
    aligned : array of float64 [shape=(frames,)]
        The changed prediction.
    alignment : Alignment
        What was done.

    Raises
    ------
    ValueError
        If the shapes differ, or a signal is silent.

    Examples
    --------
    >>> tone = np.sin(np.arange(4800) * 0.1) * np.hanning(4800)
    >>> align(tone[:-2], 0.5 * tone[2:])[1]
    Alignment(delay_samples=-2.0, gain=2.0)
    """
    wanted, given = np.asarray(target, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if wanted.ndim != 1 or wanted.shape != given.shape:
        msg = f"signals of shape {wanted.shape} and {given.shape}: expected (frames,) twice"
        raise ValueError(msg)
    if not (wanted.any() and given.any()):
        msg = "a silent signal fits any delay"
        raise ValueError(msg)
    delay, _ = lag(wanted, given)
    shifted = advance(given, delay)
    gain = float(wanted @ shifted / (shifted @ shifted))
    return gain * shifted, Alignment(delay_samples=delay, gain=gain)


def advance(signal: Real, delay_samples: float) -> Real:
    """Return a signal played earlier by some samples, whole or not; beyond its ends there is silence."""
    length = _padded(signal.size)
    turn = np.exp(2j * np.pi * delay_samples * np.fft.rfftfreq(length))
    return np.asarray(np.fft.irfft(np.fft.rfft(signal, length) * turn, length)[: signal.size])


def lag(target: Real, prediction: Real) -> tuple[float, float]:
    """Return by how many samples ``prediction`` is late, and the sign of its polarity."""
    length = _padded(target.size)
    cross: Complex = np.fft.rfft(prediction, length) * np.conj(np.fft.rfft(target, length))
    correlation = np.fft.irfft(cross, length)
    peak = int(np.argmax(np.abs(correlation)))
    sign = float(np.sign(correlation[peak]))
    whole = peak - length if peak > length // 2 else peak
    turn = 2 * np.pi * np.fft.rfftfreq(length)
    offset = 0.0
    for _ in range(_NEWTON_STEPS):
        parts = cross * np.exp(1j * turn * (whole + offset))
        slope, bend = -(turn * parts.imag).sum(), -(turn**2 * parts.real).sum()
        step = slope / bend if sign * bend < 0 else 0.0
        offset = float(np.clip(offset - step, -1.0, 1.0))
        if abs(step) < 1e-9:
            break
    return whole + offset, sign


def _padded(frames: int) -> int:
    """Return a length of which a fast transform wraps nothing around."""
    return 1 << (2 * frames - 1).bit_length()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Delay(Result):
    """How late a model is: :func:`delay`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    level_db : float
        Peak of the noise that was played, in dBFS.
    delay_samples, delay_ms : float
        Where the model's response to an impulse is largest.
    inverts : bool
        Whether it is negative there.
    response : array of float [shape=(frames,)]
        The response, relative to its largest value; it starts ``lead`` samples early.
    """

    title: ClassVar[str] = "Delay"

    sample_rate: float
    level_db: float
    delay_samples: float
    delay_ms: float
    inverts: bool
    lead: int
    response: Real = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        return {
            "delay": f"{self.delay_samples:z.2f} samples ({self.delay_ms:z.3f} ms)",
            "polarity": "inverted" if self.inverts else "kept",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.plot import DRY, WET

        time = np.arange(self.response.size) - self.lead
        axes.plot(time, self.response, color=WET, linewidth=2)
        axes.axvline(self.delay_samples, color=DRY, linewidth=1.4, linestyle=(0, (5, 2)))
        axes.set(
            xlabel="time (samples)",
            ylabel="correlation (peak = 1)",
            xlim=(time[0], time[-1]),
            ylim=(-1.1, 1.1),
        )


def delay(model: Processor, *, level_db: float = -30.0, sample_rate: float | None = None) -> Delay:
    """Measure by how much a model's output comes late.

    White noise goes in; its cross-correlation with what comes out is the response to an impulse (of a model
    that is linear at this level), and the delay is where that is largest, to a fraction of a sample.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    level_db : float
        Peak of the noise, in dBFS.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> delay(lambda audio, sample_rate: -np.roll(audio, 12))
    <Delay delay 12.00 samples (0.250 ms), polarity inverted>
    """
    rate = rate_of(model, sample_rate)
    frames = round(_NOISE_SECONDS * rate)
    dry = np.zeros(frames)
    noise = np.random.default_rng(0).uniform(-1, 1, frames // 2)
    dry[: noise.size] = amplitude(level_db) * noise
    wet = run(model, dry, rate)
    wet -= wet[-1]  # what the model puts out in silence
    if not wet.any():
        msg = f"the model is silent at {level_db:g} dBFS"
        raise ValueError(msg)
    late, sign = lag(dry, wet)
    length = _padded(frames)
    correlation = np.fft.irfft(np.fft.rfft(wet, length) * np.conj(np.fft.rfft(dry, length)), length)
    lead = 16
    window = np.roll(correlation, lead)[: max(96, round(2 * late) + 2 * lead)]
    return Delay(
        sample_rate=rate,
        level_db=level_db,
        delay_samples=late,
        delay_ms=late / rate * 1e3,
        inverts=sign < 0,
        lead=lead,
        response=window / np.abs(correlation).max(),
    )
