"""What a model adds to one tone, and to two."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from neural_distortion.analysis.probe import (
    FRAMES,
    LEVEL_DB,
    Complex,
    Processor,
    Real,
    amplitude,
    bin_of,
    decibel,
    decibels,
    rate_of,
    steady_state,
)
from neural_distortion.analysis.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method: TypeAlias = Literal["SMPTE", "CCIF"]
"""How intermodulation is measured."""

FLOOR_DBC = -120.0
"""Where pictures of harmonics end."""

_SILENCE = amplitude(-180.0)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Harmonics(Result):
    """The harmonics of one tone: :func:`harmonics`.

    Attributes
    ----------
    frequency_hz, level_db : float
        The tone at the input: its frequency, and its peak in dBFS.
    sample_rate : float
        The rate, in Hz.
    output_level_db : float
        Peak of the fundamental at the output, in dBFS.
    levels_dbc : array of float [shape=(count,)]
        H1, H2, … relative to the fundamental, in dB; the first is 0.
    phases_rad : array of float [shape=(count,)]
        Phases of sines, from -pi to pi, where the input has phase 0.
    dc : float
        The mean of the output.
    thd_db : float
        All harmonics from H2 on, against the fundamental (IEEE Std 1241).
    thd_n_db : float
        All that is neither the fundamental nor DC, against the whole output without DC (AES17).
    sinad_db : float
        The fundamental against all that is neither it nor DC (IEEE Std 1241).
    even_db, odd_db : float
        H2, H4, … and H3, H5, … against the fundamental.
    """

    title: ClassVar[str] = "Harmonics"

    frequency_hz: float
    level_db: float
    sample_rate: float
    output_level_db: float
    levels_dbc: Real
    phases_rad: Real
    dc: float
    thd_db: float
    thd_n_db: float
    sinad_db: float
    even_db: float
    odd_db: float

    @property
    def thd_percent(self) -> float:
        """The total harmonic distortion, in percent."""
        return 100 * amplitude(self.thd_db)

    def _summary(self) -> dict[str, str]:
        return {
            "tone": f"{self.frequency_hz:.1f} Hz at {self.level_db:g} dBFS",
            "THD": f"{self.thd_db:.1f} dB ({self.thd_percent:.3g} %)",
            "THD+N": f"{self.thd_n_db:.1f} dB",
            "SINAD": f"{self.sinad_db:.1f} dB",
            "even harmonics": f"{self.even_db:.1f} dBc",
            "odd harmonics": f"{self.odd_db:.1f} dBc",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import headroom, legend
        from neural_distortion.plot import DRY, WET

        order = np.arange(1, self.levels_dbc.size + 1)
        heights = np.maximum(self.levels_dbc - FLOOR_DBC, 0)
        for name, first, colour, marker in (("odd", 0, WET, "o"), ("even", 1, DRY, "s")):
            part = slice(first, None, 2)
            axes.bar(order[part], heights[part], bottom=FLOOR_DBC, width=0.16, color=colour)
            axes.plot(order[part], FLOOR_DBC + heights[part], marker, color=colour, markersize=6, label=name)
        axes.set(
            xlabel=f"harmonic of {self.frequency_hz:.1f} Hz",
            ylabel="level (dBc)",
            ylim=(FLOOR_DBC, headroom(self.levels_dbc)),
            xlim=(0.4, order[-1] + 0.6),
        )
        axes.set_xticks(order if order.size <= 24 else order[::4])
        axes.grid(visible=False, axis="x")
        legend(axes)


def harmonics(
    model: Processor,
    frequency_hz: float = 220.0,
    level_db: float = LEVEL_DB,
    *,
    count: int = 20,
    sample_rate: float | None = None,
) -> Harmonics:
    """Measure the harmonics that a model adds to a sine.

    The sine is sampled coherently, so that each harmonic is one bin of a DFT; see
    :mod:`neural_distortion.analysis.probe`. Ratios are those of IEEE Std 1241-2010 and AES17-2020.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    frequency_hz : float
        The tone; it is moved to the nearest bin, and the result says where to.
    level_db : float
        Its peak, in dBFS.
    count : int > 0
        How many harmonics to look at, the fundamental included; those above half the sample rate are not
        there.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Raises
    ------
    ValueError
        If the model is silent, or the frequency is not below half the sample rate.

    Examples
    --------
    >>> cubic = harmonics(lambda audio, sample_rate: audio + audio**3, level_db=0.0)
    >>> cubic.levels_dbc[[0, 2]].round(1)  # 1/4 against 7/4
    array([  0. , -16.9])
    """
    rate = rate_of(model, sample_rate)
    tone = bin_of(frequency_hz, rate, FRAMES)
    spectrum = steady_state(model, [tone], [amplitude(level_db)], FRAMES, rate)
    if abs(spectrum[tone]) <= _SILENCE:
        msg = f"the model is silent at {frequency_hz:g} Hz and {level_db:g} dBFS"
        raise ValueError(msg)
    return of_spectrum(spectrum, tone, level_db=level_db, sample_rate=rate, count=count)


def of_spectrum(
    spectrum: Complex, tone: int, *, level_db: float, sample_rate: float, count: int
) -> Harmonics:
    """Read the harmonics of bin ``tone`` from a spectrum as :func:`steady_state` returns it.

    Where there is silence, what is relative to the fundamental is not a number.
    """
    frames = 2 * spectrum.size - 1
    parts = spectrum[tone::tone][:count]
    levels = np.abs(parts)
    fundamental = float(levels[0]) if levels[0] > _SILENCE else np.nan
    total = float(np.sum(np.abs(spectrum[1:]) ** 2))
    residue = max(total - float(levels[0] ** 2), 0.0)
    return Harmonics(
        frequency_hz=tone * sample_rate / frames,
        level_db=level_db,
        sample_rate=sample_rate,
        output_level_db=decibel(float(levels[0])),
        levels_dbc=decibels(levels / fundamental),
        phases_rad=np.angle(parts),
        dc=float(spectrum[0].real),
        thd_db=decibel(_root_of_squares(levels[1:]) / fundamental),
        thd_n_db=decibel(np.sqrt(residue) / np.sqrt(total)) if total else np.nan,
        sinad_db=-decibel(np.sqrt(residue) / fundamental),
        even_db=decibel(_root_of_squares(levels[1::2]) / fundamental),
        odd_db=decibel(_root_of_squares(levels[2::2]) / fundamental),
    )


def _root_of_squares(levels: Real) -> float:
    """Return the level of several sines together."""
    return float(np.sqrt(np.sum(levels**2)))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Intermodulation(Result):
    """What two tones make of each other: :func:`intermodulation`.

    Attributes
    ----------
    method : str
        ``"SMPTE"`` or ``"CCIF"``.
    frequencies_hz : array of float [shape=(2,)]
        The tones, the lower first.
    level_db : float
        Peak of both together, in dBFS.
    sample_rate : float
        The rate, in Hz.
    product_frequencies_hz, product_levels_db : array of float [shape=(products,)]
        The products of second to fifth order, where they are, and their levels against the reference.
    product_orders : array of int [shape=(products,)]
        Their orders.
    second_db, third_db : float
        The products of an order, added up, against the reference, in dB.
    imd_db : float
        Both together: the root of the sum of their squares.
    """

    title: ClassVar[str] = "Intermodulation"

    method: str
    frequencies_hz: Real
    level_db: float
    sample_rate: float
    product_frequencies_hz: Real
    product_levels_db: Real
    product_orders: Real
    second_db: float
    third_db: float
    imd_db: float

    @property
    def imd_percent(self) -> float:
        """The intermodulation distortion, in percent."""
        return 100 * amplitude(self.imd_db)

    def _summary(self) -> dict[str, str]:
        low, high = self.frequencies_hz
        return {
            "method": f"{self.method}, {low:.0f} Hz and {high:.0f} Hz at {self.level_db:g} dBFS",
            "IMD": f"{self.imd_db:.1f} dB ({self.imd_percent:.3g} %)",
            "second order": f"{self.second_db:.1f} dB",
            "third order": f"{self.third_db:.1f} dB",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import headroom, legend
        from neural_distortion.plot import PALETTE

        for order, colour, marker in zip((2, 3, 4, 5), PALETTE, "osD^", strict=False):
            those = self.product_orders == order
            heights = np.maximum(self.product_levels_db[those] - FLOOR_DBC, 0)
            where = self.product_frequencies_hz[those] / 1000
            axes.vlines(where, FLOOR_DBC, FLOOR_DBC + heights, color=colour, linewidth=2)
            axes.plot(where, FLOOR_DBC + heights, marker, color=colour, markersize=6, label=f"order {order}")
        axes.plot(self.frequencies_hz / 1000, [0, 0], "v", color=axes.xaxis.label.get_color(), label="tones")
        low, high = self.frequencies_hz / 1000
        reach = (high - 5 * low, high + 5 * low) if self.method == "SMPTE" else (0, self.sample_rate / 2000)
        top = headroom(self.product_levels_db)
        axes.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=reach, ylim=(FLOOR_DBC, top))
        legend(axes, columns=5)


def intermodulation(
    model: Processor,
    method: Method = "SMPTE",
    level_db: float = LEVEL_DB,
    *,
    frequencies_hz: tuple[float, float] | None = None,
    sample_rate: float | None = None,
) -> Intermodulation:
    """Measure the sums and differences that a model makes of two tones.

    With the lower tone L and the higher H, and each pair of products added up in amplitude (IEC 60268-3):

    - ``"SMPTE"`` (SMPTE RP 120): 60 Hz and 7 kHz, the low one four times as strong; H±L and H±2L against H.
    - ``"CCIF"`` (difference frequencies): 19 and 20 kHz, equally strong; H-L and 2L-H, 2H-L against L+H.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    method : ``"SMPTE"`` or ``"CCIF"``
        The tones, and which products count.
    level_db : float
        Peak of both tones together, in dBFS.
    frequencies_hz : (float, float), optional
        Other tones, the lower first; each is moved to the nearest bin.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> round(intermodulation(lambda audio, sample_rate: audio + 0.1 * audio**2, "CCIF", 0.0).second_db, 1)
    -32.0
    """
    rate = rate_of(model, sample_rate)
    if method not in ("SMPTE", "CCIF"):
        msg = f"method={method!r}: expected 'SMPTE' or 'CCIF'"
        raise ValueError(msg)
    smpte = method == "SMPTE"
    low_hz, high_hz = frequencies_hz or ((60.0, 7_000.0) if smpte else (19_000.0, 20_000.0))
    low, high = bin_of(low_hz, rate, FRAMES), bin_of(high_hz, rate, FRAMES)
    if low >= high:
        msg = f"frequencies_hz={low_hz, high_hz}: expected a lower and a higher one"
        raise ValueError(msg)
    peak = amplitude(level_db)
    levels = (0.8 * peak, 0.2 * peak) if smpte else (0.5 * peak, 0.5 * peak)
    spectrum = np.abs(steady_state(model, [low, high], levels, FRAMES, rate))
    reference = spectrum[high] + (0.0 if smpte else spectrum[low])
    if reference <= _SILENCE:
        msg = f"the model is silent at {low_hz:g} Hz and {high_hz:g} Hz"
        raise ValueError(msg)

    products = {
        (a, b): abs(a * low + b * high)
        for a in range(-4, 5)
        for b in range(5)
        if 2 <= abs(a) + b <= 5 and a and b and 0 < abs(a * low + b * high) < spectrum.size
    }
    found = {pair: spectrum[place] / reference for pair, place in products.items()}
    second = [(1, 1), (-1, 1)] if smpte else [(-1, 1)]
    third = [(2, 1), (-2, 1)] if smpte else [(-1, 2), (-2, 1)]
    d2, d3 = (sum(float(found.get(pair, 0.0)) for pair in pairs) for pairs in (second, third))
    return Intermodulation(
        method=method,
        frequencies_hz=np.array([low, high]) * rate / FRAMES,
        level_db=level_db,
        sample_rate=rate,
        product_frequencies_hz=np.array(list(products.values())) * rate / FRAMES,
        product_levels_db=decibels(np.array(list(found.values()))),
        product_orders=np.array([abs(a) + b for a, b in products]),
        second_db=decibel(d2),
        third_db=decibel(d3),
        imd_db=decibel(float(np.hypot(d2, d3))),
    )
