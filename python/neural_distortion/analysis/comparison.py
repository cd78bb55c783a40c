"""How near models or recordings are to a reference, and what is left when they are subtracted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from neural_distortion.analysis.alignment import align as fit
from neural_distortion.analysis.dynamics import third_octave_bands, third_octaves
from neural_distortion.analysis.metric import dc_error, esr, mae, mr_stft
from neural_distortion.analysis.probe import Processor, Real, decibel, performance, run
from neural_distortion.analysis.result import BULK, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRE_EMPHASIS = 0.85
"""The coefficient that tables use, which is that of NAM's trainer."""

_PICTURE_MS = 20.0


@dataclass(frozen=True, kw_only=True)
class Match:
    """How near one candidate is to the reference.

    Attributes
    ----------
    esr, esr_pre_emphasised, mr_stft, mae, dc_error : float
        See the functions of these names; the pre-emphasis has a coefficient of 0.85.
    delay_samples : float
        By how much the candidate came late; undone before measuring where alignment was asked for.
    gain_db : float
        By how much it was amplified to fit; 0 where alignment was not asked for.
    inverts : bool
        Whether its polarity was the other one.
    """

    esr: float
    esr_pre_emphasised: float
    mr_stft: float
    mae: float
    dc_error: float
    delay_samples: float
    gain_db: float
    inverts: bool


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison(Result):
    """Candidates against a reference: :func:`compare`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    matches : mapping of str to Match
        Each candidate's, by its name, nearest first.
    reference : array of float [shape=(frames,)]
        The reference's signal.
    signals : mapping of str to array of float [shape=(frames,)]
        The candidates' signals, as they were measured.
    """

    title: ClassVar[str] = "Comparison: error in third octaves"

    sample_rate: float
    matches: Mapping[str, Match]
    reference: Real = field(metadata=BULK)
    signals: Mapping[str, Real] = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        return {
            name: f"ESR {match.esr:.3g} ({decibel(match.esr) / 2:.1f} dB), MR-STFT {match.mr_stft:.3g}"
            for name, match in self.matches.items()
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, frequency_axis, legend
        from neural_distortion.plot import PALETTE

        bands = third_octave_bands(self.sample_rate)
        target = third_octaves(self.reference, bands, self.sample_rate)
        axes.plot(bands, target, color=axes.xaxis.label.get_color(), linewidth=2.4, label="reference")
        for (name, signal), colour in zip(self.signals.items(), _cycle(PALETTE), strict=False):
            error = third_octaves(self.reference - signal, bands, self.sample_rate)
            axes.plot(bands, error, color=colour, linewidth=1.8, label=f"error of {name}")
        frequency_axis(axes, bands[0], bands[-1])
        decibel_axis(axes, "third-octave level (dBFS)", target, depth_db=100)
        legend(axes)

    def plot_waveforms(self, ax: "Axes | None" = None, *, dark: bool = False) -> "Axes":
        """Draw the signals over each other, where the reference is loudest; as :meth:`plot`."""
        from neural_distortion.analysis.figure import drawing, legend
        from neural_distortion.plot import PALETTE

        frames = min(self.reference.size, round(_PICTURE_MS / 1e3 * self.sample_rate))
        middle = int(np.argmax(np.abs(self.reference)))
        start = int(np.clip(middle - frames // 2, 0, self.reference.size - frames))
        part = slice(start, start + frames)
        time_ms = np.arange(start, start + frames) / self.sample_rate * 1e3
        with drawing(ax, dark=dark, title="Comparison: waveforms") as axes:
            axes.plot(
                time_ms,
                self.reference[part],
                color=axes.xaxis.label.get_color(),
                linewidth=3,
                label="reference",
            )
            for (name, signal), colour in zip(self.signals.items(), _cycle(PALETTE), strict=False):
                axes.plot(time_ms, signal[part], color=colour, linewidth=1.4, label=name)
            axes.set(xlabel="time (ms)", ylabel="amplitude (full scale = 1)", xlim=(time_ms[0], time_ms[-1]))
            legend(axes)
        return axes


def compare(
    candidates: Mapping[str, Processor | npt.ArrayLike],
    reference: Processor | npt.ArrayLike,
    *,
    dry: npt.ArrayLike | None = None,
    sample_rate: float | None = None,
    align: bool = False,
) -> Comparison:
    """Compare models, or recordings, with a reference.

    Parameters
    ----------
    candidates : mapping of str to callable or array of float [shape=(frames,)]
        Models, which are run on ``dry``, or signals, by the names that the table shows.
    reference : callable or array of float [shape=(frames,)]
        The model, or the signal, to match.
    dry : array of float [shape=(frames,)], optional
        What the models hear; by default the guitar that comes with the package.
    sample_rate : float > 0, optional
        The rate of the arrays, in Hz; needed with them.
    align : bool
        Whether to undo each candidate's delay and gain first, see :func:`align`.

    Raises
    ------
    ValueError
        If lengths differ, or the sample rate is missing.

    Examples
    --------
    >>> tone = np.sin(np.arange(4800) * 0.1)
    >>> compare({"half": 0.5 * tone, "most": 0.9 * tone}, tone, sample_rate=48_000)
    <Comparison most ESR 0.01 (-20.0 dB), ..., half ESR 0.25 (-6.0 dB), ...>
    """
    if any(callable(one) for one in (reference, *candidates.values())):
        played, rate = performance(dry, sample_rate)
    elif sample_rate is None:
        msg = "signals need their sample_rate"
        raise ValueError(msg)
    else:
        played, rate = np.zeros(0), float(sample_rate)

    def signal(one: Processor | npt.ArrayLike) -> Real:
        return run(one, played, rate) if callable(one) else np.asarray(one, dtype=np.float64)

    target = signal(reference)
    measured = {name: _match(target, signal(one), align=align) for name, one in candidates.items()}
    nearest = sorted(measured, key=lambda name: measured[name][0].esr)
    return Comparison(
        sample_rate=rate,
        matches={name: measured[name][0] for name in nearest},
        reference=target,
        signals={name: measured[name][1] for name in nearest},
    )


def _match(target: Real, signal: Real, *, align: bool) -> tuple[Match, Real]:
    """Measure one candidate; the signal that is returned is the one that was measured."""
    fitted, done = fit(target, signal)
    if align:
        signal = fitted
    return Match(
        esr=esr(target, signal),
        esr_pre_emphasised=esr(target, signal, pre_emphasis=PRE_EMPHASIS),
        mr_stft=mr_stft(target, signal),
        mae=mae(target, signal),
        dc_error=dc_error(target, signal),
        delay_samples=done.delay_samples,
        gain_db=decibel(done.gain) if align else 0.0,
        inverts=done.gain < 0,
    ), signal


def _cycle(colours: tuple[str, ...]) -> list[str]:
    """Return the colours, over and over."""
    return list(colours) * 8


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NullTest(Result):
    """What is left of one signal when another is subtracted: :func:`null_test`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    depth_db : float
        Energy of the residual against the first signal's, in dB: the lower, the nearer they are.
    residual_peak_db : float
        The largest sample of the residual, in dBFS.
    delay_samples, gain : float
        What was done to the second signal before; 0 and 1 where alignment was not asked for.
    bands_hz : array of float [shape=(bands,)]
        The middles of third octaves.
    signal_levels_db, residual_levels_db : array of float [shape=(bands,)]
        The first signal and the residual in these bands, in dBFS.
    residual : array of float32 [shape=(frames,)]
        The residual, to be listened to.
    """

    title: ClassVar[str] = "Null test"

    sample_rate: float
    depth_db: float
    residual_peak_db: float
    delay_samples: float
    gain: float
    bands_hz: Real
    signal_levels_db: Real
    residual_levels_db: Real
    residual: npt.NDArray[np.float32] = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        return {
            "depth": f"{self.depth_db:.1f} dB",
            "residual's peak": f"{self.residual_peak_db:.1f} dBFS",
            "undone": f"{self.delay_samples:z.3f} samples, gain of {self.gain:.4g}",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, frequency_axis, legend
        from neural_distortion.plot import DRY, WET

        axes.plot(
            self.bands_hz,
            self.signal_levels_db,
            color=DRY,
            linewidth=1.6,
            linestyle=(0, (5, 2)),
            label="signal",
        )
        axes.plot(self.bands_hz, self.residual_levels_db, color=WET, linewidth=2.4, label="residual")
        frequency_axis(axes, self.bands_hz[0], self.bands_hz[-1])
        decibel_axis(axes, "third-octave level (dBFS)", self.signal_levels_db, depth_db=120)
        legend(axes)


def null_test(a: npt.ArrayLike, b: npt.ArrayLike, sample_rate: float, *, align: bool = True) -> NullTest:
    """Subtract ``b`` from ``a``, after fitting it to ``a``, and return what is left.

    Parameters
    ----------
    a, b : array of float [shape=(frames,)]
        Two recordings of the same performance.
    sample_rate : float > 0
        Their rate, in Hz.
    align : bool
        Whether to undo the delay and the gain of ``b`` first, see :func:`align`.

    Examples
    --------
    >>> tone = np.sin(np.arange(4800) * 0.1) * np.hanning(4800)
    >>> round(null_test(tone, 0.5 * tone, 48_000, align=False).depth_db, 1)
    -6.0
    """
    first: Real = np.asarray(a, dtype=np.float64)
    second: Real = np.asarray(b, dtype=np.float64)
    delay_samples, gain = 0.0, 1.0
    if align:
        second, done = fit(first, second)
        delay_samples, gain = done.delay_samples, done.gain
    depth_db = decibel(np.sqrt(esr(first, second)))
    residual = first - second
    bands = third_octave_bands(sample_rate)
    return NullTest(
        sample_rate=sample_rate,
        depth_db=depth_db,
        residual_peak_db=decibel(float(np.abs(residual).max())),
        delay_samples=delay_samples,
        gain=gain,
        bands_hz=bands,
        signal_levels_db=third_octaves(first, bands, sample_rate),
        residual_levels_db=third_octaves(residual, bands, sample_rate),
        residual=residual.astype(np.float32),
    )
