"""What a model does to a sine, against its level and against its frequency."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neural_distortion.analysis.harmonic import Harmonics, of_spectrum
from neural_distortion.analysis.probe import (
    LEVEL_DB,
    SHORT_FRAMES,
    Processor,
    Real,
    amplitude,
    bin_of,
    rate_of,
    steady_state,
)
from neural_distortion.analysis.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDERS = 5
"""How many harmonics a sweep follows."""

_COUNT = 20


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LevelSweep(Result):
    """The compression of a model, and its distortion, against the input's level: :func:`sweep_level`.

    Attributes
    ----------
    frequency_hz, sample_rate : float
        The tone's frequency, and the rate, in Hz.
    levels_db : array of float [shape=(levels,)]
        Peaks at the input, in dBFS, rising.
    output_levels_db : array of float [shape=(levels,)]
        Peaks of the fundamental at the output, in dBFS.
    thd_db : array of float [shape=(levels,)]
        Total harmonic distortion, against the fundamental.
    harmonics_dbc : array of float [shape=(levels, 5)]
        H1 to H5 against the fundamental; not a number above half the sample rate.
    gain_db : float
        The gain at the lowest level.
    compression_db : float
        How much less it is at the highest level.
    """

    title: ClassVar[str] = "Compression"

    frequency_hz: float
    sample_rate: float
    levels_db: Real
    output_levels_db: Real
    thd_db: Real
    harmonics_dbc: Real
    gain_db: float
    compression_db: float

    def _summary(self) -> dict[str, str]:
        return {
            "tone": f"{self.frequency_hz:.1f} Hz",
            f"gain at {self.levels_db[0]:g} dBFS": f"{self.gain_db:+.1f} dB",
            f"compression at {self.levels_db[-1]:g} dBFS": f"{self.compression_db:.1f} dB",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, legend
        from neural_distortion.plot import DRY, WET

        linear = self.levels_db + self.gain_db
        axes.plot(self.levels_db, linear, color=DRY, linewidth=1.6, linestyle=(0, (5, 2)), label="without")
        axes.plot(self.levels_db, self.output_levels_db, color=WET, linewidth=2.4, label="output, H1")
        axes.set(xlabel="input (dBFS)", xlim=(self.levels_db[0], self.levels_db[-1]))
        decibel_axis(axes, "output (dBFS)", [0.0, *self.output_levels_db], depth_db=80)
        legend(axes)

    def plot_thd(self, ax: "Axes | None" = None, *, dark: bool = False) -> "Axes":
        """Draw the distortion against the level; as :meth:`plot`."""
        from neural_distortion.analysis.figure import drawing

        with drawing(ax, dark=dark, title="Distortion against level") as axes:
            _orders(axes, self.levels_db, self.thd_db, self.harmonics_dbc)
            axes.set(xlabel="input (dBFS)", xlim=(self.levels_db[0], self.levels_db[-1]))
        return axes


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FrequencySweep(Result):
    """The distortion of a model against frequency: :func:`sweep_frequency`.

    Attributes
    ----------
    level_db : float
        Peak at the input, in dBFS.
    sample_rate : float
        The rate, in Hz.
    frequencies_hz : array of float [shape=(frequencies,)]
        The tones, rising.
    output_levels_db, thd_db : array of float [shape=(frequencies,)]
        Peaks of the fundamental at the output, in dBFS, and total harmonic distortion against it.
    harmonics_dbc : array of float [shape=(frequencies, 5)]
        H1 to H5 against the fundamental; not a number above half the sample rate.
    """

    title: ClassVar[str] = "Distortion against frequency"

    level_db: float
    sample_rate: float
    frequencies_hz: Real
    output_levels_db: Real
    thd_db: Real
    harmonics_dbc: Real

    def _summary(self) -> dict[str, str]:
        worst = int(np.nanargmax(self.thd_db))
        return {
            "level": f"{self.level_db:g} dBFS",
            "most THD": f"{self.thd_db[worst]:.1f} dB at {self.frequencies_hz[worst]:.0f} Hz",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import frequency_axis

        _orders(axes, self.frequencies_hz, self.thd_db, self.harmonics_dbc)
        frequency_axis(axes, self.frequencies_hz[0], self.frequencies_hz[-1])


def sweep_level(
    model: Processor,
    levels_db: Sequence[float] | Real = tuple(range(-60, 1, 3)),
    *,
    frequency_hz: float = 220.0,
    sample_rate: float | None = None,
) -> LevelSweep:
    """Measure a model with a sine of rising level: its compression curve, and its distortion.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    levels_db : sequence of float
        Peaks at the input, in dBFS, rising.
    frequency_hz : float
        The tone; it is moved to the nearest bin.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> sweep_level(lambda audio, sample_rate: np.tanh(2 * audio)).gain_db
    6.0
    """
    rate = rate_of(model, sample_rate)
    levels = np.asarray(levels_db, dtype=np.float64)
    measured = [_measure(model, frequency_hz, level, rate) for level in levels]
    outputs = np.array([one.output_level_db for one in measured])
    gains = outputs - levels
    return LevelSweep(
        frequency_hz=measured[0].frequency_hz,
        sample_rate=rate,
        levels_db=levels,
        output_levels_db=outputs,
        thd_db=np.array([one.thd_db for one in measured]),
        harmonics_dbc=np.array([_first_orders(one) for one in measured]),
        gain_db=float(gains[0]),
        compression_db=float(gains[0] - gains[-1]),
    )


def sweep_frequency(
    model: Processor,
    frequencies_hz: Sequence[float] | Real | None = None,
    *,
    level_db: float = LEVEL_DB,
    sample_rate: float | None = None,
) -> FrequencySweep:
    """Measure a model with a sine of rising frequency: its distortion against frequency.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    frequencies_hz : sequence of float, optional
        The tones, rising; each is moved to the nearest bin. By default 20 of them from 40 Hz to 8 kHz.
    level_db : float
        Peak at the input, in dBFS.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> sweep_frequency(lambda audio, sample_rate: audio + audio**3, [100, 1000], level_db=0.0).thd_db.round(
    ...     1
    ... )
    array([-16.9, -16.9])
    """
    rate = rate_of(model, sample_rate)
    frequencies = np.geomspace(40, min(8_000, 0.4 * rate), 20) if frequencies_hz is None else frequencies_hz
    measured = [_measure(model, float(frequency), level_db, rate) for frequency in frequencies]
    return FrequencySweep(
        level_db=level_db,
        sample_rate=rate,
        frequencies_hz=np.array([one.frequency_hz for one in measured]),
        output_levels_db=np.array([one.output_level_db for one in measured]),
        thd_db=np.array([one.thd_db for one in measured]),
        harmonics_dbc=np.array([_first_orders(one) for one in measured]),
    )


def _measure(model: Processor, frequency_hz: float, level_db: float, rate: float) -> Harmonics:
    """Measure the harmonics of one tone."""
    tone = bin_of(frequency_hz, rate, SHORT_FRAMES)
    spectrum = steady_state(model, [tone], [amplitude(level_db)], SHORT_FRAMES, rate)
    return of_spectrum(spectrum, tone, level_db=level_db, sample_rate=rate, count=_COUNT)


def _first_orders(measured: Harmonics) -> Real:
    """Return the levels of the orders that a sweep follows."""
    levels = np.full(ORDERS, np.nan)
    found = measured.levels_dbc[:ORDERS]
    levels[: found.size] = found
    return levels


def _orders(axes: "Axes", x: Real, thd_db: Real, harmonics_dbc: Real) -> None:
    """Draw the distortion and its parts against something."""
    from neural_distortion.analysis.figure import headroom, legend
    from neural_distortion.plot import PALETTE

    axes.plot(x, thd_db, color=axes.xaxis.label.get_color(), linewidth=2.4, label="THD")
    colours = (PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3])
    for order, colour, style in zip(range(2, ORDERS + 1), colours, ("-", "-", "--", "--"), strict=True):
        axes.plot(x, harmonics_dbc[:, order - 1], style, color=colour, linewidth=1.5, label=f"H{order}")
    axes.set(ylabel="level (dBc)", ylim=(-100, headroom(thd_db)))
    legend(axes, columns=ORDERS)
