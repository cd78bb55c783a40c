"""What a model does over time: to a burst, to a performance, and to silence."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from neural_distortion.analysis.probe import (
    Processor,
    Real,
    amplitude,
    decibel,
    decibels,
    performance,
    rate_of,
    run,
)
from neural_distortion.analysis.result import BULK, Result
from neural_distortion.analysis.weighting import a_weighting, integrated_loudness

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FLOOR_DB = -160.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DynamicResponse(Result):
    """The level of a model's output around a burst: :func:`dynamic_response`.

    Attributes
    ----------
    frequency_hz, sample_rate : float
        The tone, and the rate, in Hz.
    levels_db : (float, float)
        Peak of the tone outside the burst and in it, in dBFS.
    attack_ms, recovery_ms : float
        From the start of the burst, or from its end, until the output stays within ``within_db`` of where it
        settles.
    overshoot_db, undershoot_db : float
        How far the output is above where it settles, just after the burst starts, and below, just after it
        ends.
    within_db : float
        What counts as settled.
    times_ms, output_levels_db : array of float [shape=(points,)]
        The level of the fundamental at the output, in dBFS; the burst starts at 0.
    burst_ms : float
        How long the burst is.
    """

    title: ClassVar[str] = "Dynamic response"

    frequency_hz: float
    sample_rate: float
    levels_db: tuple[float, float]
    attack_ms: float
    recovery_ms: float
    overshoot_db: float
    undershoot_db: float
    within_db: float
    burst_ms: float
    times_ms: Real
    output_levels_db: Real

    def _summary(self) -> dict[str, str]:
        low, high = self.levels_db
        return {
            "burst": f"{self.frequency_hz:.0f} Hz, {low:g} to {high:g} dBFS",
            "attack": f"{self.attack_ms:.1f} ms",
            "recovery": f"{self.recovery_ms:.1f} ms",
            "overshoot": f"{self.overshoot_db:.1f} dB",
            "undershoot": f"{self.undershoot_db:.1f} dB",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, legend
        from neural_distortion.plot import DRY, WET

        low, high = self.levels_db
        inside = (self.times_ms >= 0) & (self.times_ms < self.burst_ms)
        dry = np.where(inside, high, low)
        axes.plot(self.times_ms, dry, color=DRY, linewidth=1.6, linestyle=(0, (5, 2)), label="input")
        axes.plot(self.times_ms, self.output_levels_db, color=WET, linewidth=2.2, label="output, H1")
        axes.set(xlabel="time (ms)", xlim=(self.times_ms[0], self.times_ms[-1]))
        decibel_axis(axes, "level (dBFS)", [*self.output_levels_db, high], depth_db=80)
        legend(axes)


def dynamic_response(
    model: Processor,
    *,
    frequency_hz: float = 1_000.0,
    levels_db: tuple[float, float] = (-40.0, -6.0),
    burst_ms: float = 300.0,
    within_db: float = 1.0,
    sample_rate: float | None = None,
) -> DynamicResponse:
    """Measure how a model's output settles when a tone becomes loud, and soft again.

    Attack and recovery are timed as IEC 60118-2 does for hearing aids, but with limits of 1 dB. The level is
    that of the fundamental over one period, so nothing is resolved that is shorter.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    frequency_hz : float
        The tone; its period becomes a whole number of frames.
    levels_db : (float, float)
        Its peak outside the burst and in it, in dBFS.
    burst_ms : float
        The length of the burst, and of what is watched after it.
    within_db : float > 0
        How near to its last level the output has to stay to be settled.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.
    """
    rate = rate_of(model, sample_rate)
    period = max(2, round(rate / frequency_hz))
    periods = max(2, round(burst_ms / 1e3 * rate / period))
    soft, loud = (amplitude(level) for level in levels_db)
    envelope = np.repeat([soft, loud, soft], periods * period)
    turn = 2 * np.pi / period * np.arange(envelope.size)
    wet = run(model, envelope * np.sin(turn), rate)
    turning = np.concatenate([[0.0], np.cumsum(wet * np.exp(-1j * turn))])
    levels = np.maximum(decibels(2 / period * np.abs(turning[period:] - turning[:-period])), _FLOOR_DB)

    # A level belongs to the period that ends with it: what follows a step is in it from the first sample on.
    start, end = periods * period - period + 1, 2 * periods * period - period + 1
    burst, after = levels[start:end], levels[end:]
    every = max(1, levels.size // 1_500)
    times_ms = (np.arange(levels.size) - start) / rate * 1e3
    shown = times_ms >= -0.2 * burst_ms
    return DynamicResponse(
        frequency_hz=rate / period,
        sample_rate=rate,
        levels_db=levels_db,
        attack_ms=_settled(burst, within_db) / rate * 1e3,
        recovery_ms=_settled(after, within_db) / rate * 1e3,
        overshoot_db=float(burst.max() - burst[-1]),
        undershoot_db=float(after[-1] - after[period:].min()),
        within_db=within_db,
        burst_ms=periods * period / rate * 1e3,
        times_ms=times_ms[shown][::every],
        output_levels_db=levels[shown][::every],
    )


def _settled(levels: Real, within_db: float) -> int:
    """Return after how many frames levels stay near the last one."""
    outside = np.flatnonzero(np.abs(levels - levels[-1]) > within_db)
    return int(outside[-1]) + 1 if outside.size else 0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Loudness(Result):
    """How loud a performance is before a model and after it: :func:`loudness`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    dry_lufs, wet_lufs : float
        Integrated loudness (ITU-R BS.1770-4).
    dry_rms_db, wet_rms_db : float
        Root of the mean square, in dB: the measure of the ``loudness`` in a NAM file, there of another
        performance.
    dry_peak_db, wet_peak_db : float
        The largest sample, in dBFS.
    dry_spectrum_db, wet_spectrum_db : array of float [shape=(bands,)]
        Power in third-octave bands, in dBFS.
    bands_hz : array of float [shape=(bands,)]
        The middles of the bands.
    """

    title: ClassVar[str] = "Loudness"

    sample_rate: float
    dry_lufs: float
    wet_lufs: float
    dry_rms_db: float
    wet_rms_db: float
    dry_peak_db: float
    wet_peak_db: float
    bands_hz: Real
    dry_spectrum_db: Real
    wet_spectrum_db: Real

    def _summary(self) -> dict[str, str]:
        return {
            "dry": f"{self.dry_lufs:.1f} LUFS, peak {self.dry_peak_db:.1f} dBFS",
            "wet": f"{self.wet_lufs:.1f} LUFS, peak {self.wet_peak_db:.1f} dBFS",
            "louder by": f"{self.wet_lufs - self.dry_lufs:.1f} LU",
            "crest factor": f"{self.dry_peak_db - self.dry_rms_db:.1f} dB dry, "
            f"{self.wet_peak_db - self.wet_rms_db:.1f} dB wet",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import decibel_axis, frequency_axis, legend
        from neural_distortion.plot import DRY, WET

        axes.plot(
            self.bands_hz,
            self.dry_spectrum_db,
            color=DRY,
            linewidth=1.6,
            linestyle=(0, (5, 2)),
            label="dry",
        )
        axes.plot(self.bands_hz, self.wet_spectrum_db, color=WET, linewidth=2.4, label="wet")
        frequency_axis(axes, self.bands_hz[0], self.bands_hz[-1])
        loudest = [*self.dry_spectrum_db, *self.wet_spectrum_db]
        decibel_axis(axes, "third-octave level (dBFS)", loudest, depth_db=80)
        legend(axes)


def loudness(
    model: Processor,
    audio: npt.ArrayLike | None = None,
    *,
    sample_rate: float | None = None,
) -> Loudness:
    """Measure how much louder a model makes a performance.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    audio : array of float [shape=(frames,)], optional
        The dry performance, at least 0.4 s; by default the guitar that comes with the package.
    sample_rate : float > 0, optional
        The rate of ``audio``, in Hz; needed with it.
    """
    dry, rate = performance(audio, sample_rate)
    wet = run(model, dry, rate)
    bands = third_octave_bands(rate)
    return Loudness(
        sample_rate=rate,
        dry_lufs=integrated_loudness(dry, rate),
        wet_lufs=integrated_loudness(wet, rate),
        dry_rms_db=_rms_db(dry),
        wet_rms_db=_rms_db(wet),
        dry_peak_db=decibel(float(np.abs(dry).max())),
        wet_peak_db=decibel(float(np.abs(wet).max())),
        bands_hz=bands,
        dry_spectrum_db=third_octaves(dry, bands, rate),
        wet_spectrum_db=third_octaves(wet, bands, rate),
    )


def third_octave_bands(sample_rate: float) -> Real:
    """Return the middles, in Hz, of the third-octave bands (IEC 61260-1) below half the sample rate."""
    bands = 1000 * 2.0 ** (np.arange(-15, 13) / 3)
    return np.asarray(bands[bands * 2 ** (1 / 6) < sample_rate / 2])


def third_octaves(signal: Real, bands_hz: Real, sample_rate: float) -> Real:
    """Return the level of a signal in third-octave bands, in dBFS (a sine that peaks at 1 has 0)."""
    sums = np.concatenate([[0.0], np.cumsum(2 * np.abs(np.fft.rfft(signal) / signal.size) ** 2)])
    edges = np.stack([bands_hz / 2 ** (1 / 6), bands_hz * 2 ** (1 / 6)]) * signal.size / sample_rate
    first, last = np.clip(np.ceil(edges).astype(int), 1, sums.size - 1)
    return decibels(np.sqrt(np.maximum(2 * (sums[last] - sums[first]), 0.0)))


def _rms_db(signal: Real) -> float:
    """Return the root of the mean square, in dB."""
    return decibel(float(np.sqrt(np.mean(signal**2))))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NoiseFloor(Result):
    """What a model puts out in silence: :func:`noise_floor`.

    Attributes
    ----------
    sample_rate : float
        The rate, in Hz.
    dc : float
        The mean, in units of full scale.
    noise_db, a_weighted_db : float
        The rest, in dBFS (AES17: a sine that peaks at 1 has 0), as it is and weighted by hearing (IEC
        61672-1).
    output : array of float [shape=(frames,)]
        What was put out.
    """

    title: ClassVar[str] = "In silence"

    sample_rate: float
    dc: float
    noise_db: float
    a_weighted_db: float
    output: Real = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        return {
            "offset": f"{self.dc:.2g}",
            "noise": "none" if self.noise_db <= _FLOOR_DB else f"{self.noise_db:.1f} dBFS",
            "noise, A-weighted": "none"
            if self.a_weighted_db <= _FLOOR_DB
            else f"{self.a_weighted_db:.1f} dBFS(A)",
        }

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.plot import WET

        time_ms = np.arange(self.output.size) / self.sample_rate * 1e3
        axes.plot(time_ms, decibels(self.output), color=WET, linewidth=1.2)
        axes.set(xlabel="time (ms)", ylabel="magnitude (dBFS)", ylim=(_FLOOR_DB, 0), xlim=(0, time_ms[-1]))


def noise_floor(model: Processor, *, seconds: float = 0.5, sample_rate: float | None = None) -> NoiseFloor:
    """Measure what a model puts out when nothing goes in.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    seconds : float
        For how long.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.
    """
    rate = rate_of(model, sample_rate)
    output = run(model, np.zeros(round(seconds * rate)), rate)
    noise = output - output.mean()
    weight = a_weighting(np.fft.rfftfreq(noise.size, 1 / rate))
    heard = np.fft.irfft(np.fft.rfft(noise) * weight, noise.size)
    return NoiseFloor(
        sample_rate=rate,
        dc=float(output.mean()),
        noise_db=decibel(float(np.sqrt(2 * np.mean(noise**2)))),
        a_weighted_db=decibel(float(np.sqrt(2 * np.mean(heard**2)))),
        output=output,
    )
