"""A model's output against its input."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from neural_distortion.analysis.probe import (
    FRAMES,
    Complex,
    Processor,
    Real,
    amplitude,
    bin_of,
    decibel,
    rate_of,
    steady_state,
)
from neural_distortion.analysis.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 512


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TransferCurve(Result):
    """The output of a model against its input, over one period of a sine: :func:`transfer_curve`.

    Attributes
    ----------
    frequency_hz, level_db, sample_rate : float
        The sine: its frequency, its peak in dBFS, and the rate in Hz.
    loop_input, loop_output : array of float [shape=(512,)]
        One period at the input and the output, as they come: a delay opens the loop, and so does memory.
    static_input, static_output : array of float [shape=(257,)]
        The curve that is left when the output's fundamental is put in phase with the input, and the way up
        and the way down are averaged.
    memory : float
        What that average leaves out, against the whole output without DC, in amplitude: 0 for a model without
        memory, and for one that only delays.
    gain_db : float
        The slope of the curve at the mean of the input.
    asymmetry_db : float
        The part of the curve that does not change its sign with the input, against the part that does.
    """

    title: ClassVar[str] = "Transfer curve"
    size: ClassVar[tuple[float, float]] = (4.6, 4.6)

    frequency_hz: float
    level_db: float
    sample_rate: float
    loop_input: Real
    loop_output: Real
    static_input: Real
    static_output: Real
    memory: float
    gain_db: float
    asymmetry_db: float

    def _summary(self) -> dict[str, str]:
        return {
            "tone": f"{self.frequency_hz:.1f} Hz at {self.level_db:g} dBFS",
            "slope in the middle": f"{self.gain_db:+.1f} dB",
            "asymmetry": f"{self.asymmetry_db:.1f} dB",
            "memory": f"{100 * self.memory:.2f} %",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import legend
        from neural_distortion.plot import PALETTE, WET

        neutral = axes.spines["left"].get_edgecolor()
        axes.axhline(0, color=neutral, linewidth=0.8)
        axes.axvline(0, color=neutral, linewidth=0.8)
        closed = np.arange(self.loop_input.size + 1) % self.loop_input.size
        axes.plot(
            self.loop_input[closed],
            self.loop_output[closed],
            color=PALETTE[0],
            linewidth=1.2,
            label="loop",
        )
        axes.plot(self.static_input, self.static_output, color=WET, linewidth=2.6, label="static curve")
        reach = 1.06 * float(np.abs(self.loop_output).max())
        edge = 1.06 * float(np.abs(self.loop_input).max())
        axes.set(
            xlabel="input (full scale = 1)",
            ylabel="output (full scale = 1)",
            xlim=(-edge, edge),
            ylim=(-reach, reach),
        )
        axes.locator_params(nbins=5)
        legend(axes)


def transfer_curve(
    model: Processor, *, frequency_hz: float = 110.0, level_db: float = 0.0, sample_rate: float | None = None
) -> TransferCurve:
    """Measure the output of a model against its input, with and without its memory.

    The output for a sine is split into its harmonics. What they have in phase with the input, as Chebyshev
    polynomials of it, is the static curve; what is left is the opening of the loop.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    frequency_hz : float
        The sine; it is moved to the nearest bin.
    level_db : float
        Its peak, in dBFS: how far the curve reaches.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> curve = transfer_curve(lambda audio, sample_rate: np.roll(np.tanh(audio), 3))
    >>> bool(np.allclose(curve.static_output, np.tanh(curve.static_input), atol=1e-6))
    True
    """
    rate = rate_of(model, sample_rate)
    tone = bin_of(frequency_hz, rate, FRAMES)
    peak = amplitude(level_db)
    spectrum = steady_state(model, [tone], [peak], FRAMES, rate)
    parts = spectrum[tone::tone][: _POINTS // 2 - 1]
    dc = float(spectrum[0].real)
    order = np.arange(1, parts.size + 1)

    turn = float(np.angle(parts[0]))
    if abs(turn) > np.pi / 2:  # an inverted output stays one
        turn -= np.copysign(np.pi, turn)
    aligned = parts * np.exp(-1j * turn * order)
    odd = order % 2 == 1
    in_phase = np.where(odd, aligned.real, 1j * aligned.imag)
    energy = float(np.sum(np.abs(aligned) ** 2))

    even, uneven = float(np.linalg.norm(aligned.imag[~odd])), float(np.linalg.norm(aligned.real[odd]))
    half = slice(None, _POINTS // 2 + 1)
    phase = -np.pi / 2 + 2 * np.pi / _POINTS * np.arange(_POINTS)
    static = _period(in_phase, order, phase[half])
    slope = float(np.sum(order[odd] * aligned.real[odd])) / peak
    return TransferCurve(
        frequency_hz=tone * rate / FRAMES,
        level_db=level_db,
        sample_rate=rate,
        loop_input=peak * np.sin(phase),
        loop_output=dc + _period(parts, order, phase),
        static_input=peak * np.sin(phase[half]),
        static_output=dc + static,
        memory=float(np.sqrt(np.sum(np.abs(aligned - in_phase) ** 2) / energy)) if energy else 0.0,
        gain_db=decibel(slope),
        asymmetry_db=decibel(even / uneven) if uneven else 0.0,
    )


def _period(parts: Complex, order: npt.NDArray[np.integer[Any]], phase: Real) -> Real:
    """Return the sum of ``abs(part) * sin(order * phase + angle(part))``."""
    return np.asarray((parts[:, np.newaxis] * np.exp(1j * order[:, np.newaxis] * phase)).imag.sum(axis=0))
