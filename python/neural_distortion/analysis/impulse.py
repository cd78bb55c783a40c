"""What a model does to all frequencies: impulse responses from an exponential sweep, one for each order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neural_distortion.analysis.probe import (
    LEVEL_DB,
    Complex,
    Processor,
    Real,
    amplitude,
    decibels,
    rate_of,
    run,
)
from neural_distortion.analysis.result import BULK, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOW_HZ = 20.0
"""Where responses start."""

_START_HZ = 10.0
"""Where sweeps start: an octave lower, because a response rings at the edge of its sweep."""

_TAIL_SECONDS = 0.3
_LEAD_SECONDS = 0.02
_SPAN_SECONDS = 0.25
_FADE_SECONDS = 0.02
_BANDS_PER_OCTAVE = 24


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ImpulseResponses(Result):
    """The responses of a model, split by order: :func:`impulse_responses`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    level_db : float
        Peak of the sweep, in dBFS.
    responses : array of float [shape=(orders, frames)]
        The impulse response of H1, H2, …; each begins ``lead`` samples before its time.
    lead : int
        How many samples of the responses are before time 0.
    frequencies_hz : array of float [shape=(bands,)]
        Where the levels are, 24 to an octave.
    levels_db : array of float [shape=(orders, bands)]
        Level of the order at a frequency *of the output*, against the sweep; not a number where the sweep
        does not reach.
    """

    title: ClassVar[str] = "Harmonic responses"

    sample_rate: float
    level_db: float
    lead: int
    frequencies_hz: Real
    levels_db: Real
    responses: Real = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        middle = int(np.argmin(np.abs(self.frequencies_hz - 1000)))
        return {
            "level": f"{self.level_db:g} dBFS",
            **{
                f"H{order} at 1 kHz": f"{levels[middle]:.1f} dB"
                for order, levels in enumerate(self.levels_db, start=1)
                if np.isfinite(levels[middle])
            },
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, frequency_axis, legend
        from neural_distortion.plot import PALETTE

        colours = (axes.xaxis.label.get_color(), *PALETTE)
        for order, (levels, colour) in enumerate(zip(self.levels_db, colours, strict=False), start=1):
            axes.plot(
                self.frequencies_hz,
                levels,
                color=colour,
                linewidth=2.2 if order == 1 else 1.4,
                label=f"H{order}",
            )
        frequency_axis(axes, LOW_HZ, self.sample_rate / 2)
        decibel_axis(axes, "level (dB)", self.levels_db.ravel(), depth_db=100)
        legend(axes, columns=6)


def impulse_responses(
    model: Processor,
    level_db: float = LEVEL_DB,
    *,
    orders: int = 5,
    seconds: float = 3.0,
    sample_rate: float | None = None,
) -> ImpulseResponses:
    """Measure a model with an exponential sweep, and split what it does by the order of the harmonic.

    Follows Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine technique"
    (AES 108th Convention, 2000), with the sweep and the analytic inverse of Novák, Lotton and Simon,
    "Synchronized swept-sine" (JAES 63, 2015), which keep the phases of the orders.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    level_db : float
        Peak of the sweep, in dBFS.
    orders : int > 0
        How many orders to split off.
    seconds : float
        Duration of the sweep from 10 Hz to just below half the sample rate. The longer, the further apart the
        orders.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> cubic = impulse_responses(lambda audio, sample_rate: audio + audio**3, level_db=0.0, orders=3)
    >>> middle = np.argmin(np.abs(cubic.frequencies_hz - 1000))
    >>> cubic.levels_db[[0, 2], middle].round(1)  # 7/4 and 1/4
    array([  4.9, -12. ])
    """
    rate = rate_of(model, sample_rate)
    high_hz = 0.95 * rate / 2
    octaves = np.log(high_hz / _START_HZ)
    pace = (
        round(_START_HZ * seconds / octaves) / _START_HZ
    )  # a whole number of periods: the orders stay in phase
    frames = int(pace * octaves * rate)
    lead, span = round(_LEAD_SECONDS * rate), round(_SPAN_SECONDS * rate)

    dry = np.zeros(frames + round(_TAIL_SECONDS * rate))
    dry[:frames] = amplitude(level_db) * np.sin(
        2 * np.pi * _START_HZ * pace * np.exp(np.arange(frames) / rate / pace)
    )
    fade = round(_FADE_SECONDS * rate) // 2
    dry[frames - fade : frames] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    wet = run(model, dry, rate) / amplitude(level_db)
    wet -= wet[-1]  # what the model puts out in silence

    length = 1 << (dry.size - 1).bit_length()
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    whole = np.fft.rfft(wet, length) * _inverse(frequencies, pace) / rate

    responses = np.zeros((orders, lead + span))
    bands = LOW_HZ * 2.0 ** np.arange(0, np.log2(rate / 2 / LOW_HZ), 1 / _BANDS_PER_OCTAVE)
    levels = np.full((orders, bands.size), np.nan)
    for index in range(orders):
        order = index + 1
        arrival = -pace * np.log(order) * rate
        gap = span if order == 1 else min(span, round(pace * np.log(order / (order - 1)) * rate) - 2 * lead)
        if gap <= 0:
            msg = f"seconds={seconds!r} is too short to tell {orders} orders apart"
            raise ValueError(msg)
        moved = np.fft.irfft(whole * np.exp(2j * np.pi * frequencies / rate * (arrival - lead)), length)
        responses[index, : lead + gap] = moved[: lead + gap] * _taper(lead, gap)
        reached = (bands >= 2 * order * _START_HZ) & (bands <= min(order * high_hz, rate / 2))
        levels[index, reached] = decibels(_smooth(responses[index], bands[reached], rate))
    return ImpulseResponses(
        sample_rate=rate,
        level_db=level_db,
        lead=lead,
        frequencies_hz=bands,
        levels_db=levels,
        responses=responses,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FrequencyResponse(Result):
    """The gain of a model against frequency: :func:`frequency_response`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    levels_db : array of float [shape=(levels,)]
        Peaks at the input, in dBFS.
    frequencies_hz : array of float [shape=(bands,)]
        Where the gains are, 24 to an octave.
    gains_db : array of float [shape=(levels, bands)]
        The fundamental at the output against the input, in dB.
    """

    title: ClassVar[str] = "Frequency response"

    sample_rate: float
    levels_db: Real
    frequencies_hz: Real
    gains_db: Real

    def _summary(self) -> dict[str, str]:
        middle = int(np.argmin(np.abs(self.frequencies_hz - 1000)))
        return {
            f"gain at 1 kHz, {level:g} dBFS": f"{gains[middle]:+.1f} dB"
            for level, gains in zip(self.levels_db, self.gains_db, strict=True)
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, frequency_axis, legend
        from neural_distortion.plot import PALETTE

        styles = ("-", "--", "-.", ":", "-", "--")
        for level, gains, colour, style in zip(self.levels_db, self.gains_db, PALETTE, styles, strict=False):
            axes.plot(self.frequencies_hz, gains, style, color=colour, linewidth=2, label=f"{level:g} dBFS")
        frequency_axis(axes, LOW_HZ, self.sample_rate / 2)
        decibel_axis(axes, "gain (dB)", self.gains_db.ravel(), depth_db=100)
        legend(axes)


def frequency_response(
    model: Processor,
    levels_db: Sequence[float] = (-60.0, -30.0, -12.0, 0.0),
    *,
    seconds: float = 1.5,
    sample_rate: float | None = None,
) -> FrequencyResponse:
    """Measure the gain of a model against frequency, at several levels.

    It is that of the fundamental, by the sweep of :func:`impulse_responses`. The curves of a linear model lie
    on each other; where they part, the model compresses.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    levels_db : sequence of float
        Peaks of the sweeps, in dBFS.
    seconds, sample_rate
        As for :func:`impulse_responses`.
    """
    measured = [
        impulse_responses(model, level, orders=1, seconds=seconds, sample_rate=sample_rate)
        for level in levels_db
    ]
    return FrequencyResponse(
        sample_rate=measured[0].sample_rate,
        levels_db=np.asarray(levels_db, dtype=np.float64),
        frequencies_hz=measured[0].frequencies_hz,
        gains_db=np.array([one.levels_db[0] for one in measured]),
    )


def _inverse(frequencies: Real, pace: float) -> Complex:
    """Return one over the spectrum of the synchronized sweep (Novák, Lotton and Simon 2015)."""
    positive = np.maximum(frequencies, frequencies[1])
    phase = 2 * np.pi * positive * pace * (1 - np.log(positive / _START_HZ)) - np.pi / 4
    inverse = 2 * np.sqrt(positive / pace) * np.exp(-1j * phase)
    inverse[0] = 0
    return np.asarray(inverse)


def _taper(lead: int, gap: int) -> Real:
    """Return a window that rises over ``lead`` samples, and falls over the last quarter of the ``gap``."""
    window = np.ones(lead + gap)
    window[:lead] = 0.5 - 0.5 * np.cos(np.pi * np.arange(lead) / lead)
    fall = gap // 4
    window[-fall:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return window


def _smooth(response: Real, bands: Real, rate: float) -> Real:
    """Return the root mean square of a response's magnitude, in bands around some frequencies."""
    length = 1 << 17
    power = np.abs(np.fft.rfft(response, length)) ** 2
    sums = np.concatenate([[0.0], np.cumsum(power)])
    half = 2 ** (0.5 / _BANDS_PER_OCTAVE)
    first = np.floor(bands / half * length / rate).astype(int)
    last = np.minimum(np.ceil(bands * half * length / rate).astype(int), power.size - 1)
    return np.asarray(np.sqrt((sums[last + 1] - sums[first]) / (last + 1 - first)))
