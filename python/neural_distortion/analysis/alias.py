"""What folds back at half the sample rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from neural_distortion.analysis.probe import (
    FRAMES,
    LEVEL_DB,
    Complex,
    Processor,
    Real,
    amplitude,
    bin_of,
    decibels,
    rate_of,
    run,
    steady_state,
)
from neural_distortion.analysis.result import BULK, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SPECTROGRAM_FLOOR_DB = -100.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Aliasing(Result):
    """How much of a model's output is aliases, against frequency: :func:`aliasing`.

    Attributes
    ----------
    level_db : float
        Peak of the tones, in dBFS.
    sample_rate : float
        The rate, in Hz.
    frequencies_hz : array of float [shape=(frequencies,)]
        The tones, rising.
    asr_db : array of float [shape=(frequencies,)]
        The aliasing-to-signal ratio of each, in dB: energy between the harmonics against energy at them.
    """

    title: ClassVar[str] = "Aliasing"

    level_db: float
    sample_rate: float
    frequencies_hz: Real
    asr_db: Real

    def _summary(self) -> dict[str, str]:
        worst = int(np.argmax(self.asr_db))
        return {
            "level": f"{self.level_db:g} dBFS",
            "ASR near 1 kHz": f"{self.near(1_000):.1f} dB",
            "ASR near 5 kHz": f"{self.near(5_000):.1f} dB",
            "worst ASR": f"{self.asr_db[worst]:.1f} dB at {self.frequencies_hz[worst]:.0f} Hz",
        }

    def near(self, frequency_hz: float) -> float:
        """Return the ASR, in dB, at a frequency between those measured, or at the nearest of them."""
        return float(np.interp(np.log(frequency_hz), np.log(self.frequencies_hz), self.asr_db))

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.analysis.figure import frequency_axis
        from neural_distortion.plot import WET

        axes.plot(
            self.frequencies_hz, np.maximum(self.asr_db, -140), "o-", color=WET, linewidth=2, markersize=4
        )
        frequency_axis(axes, self.frequencies_hz[0], self.frequencies_hz[-1])
        axes.set(ylabel="ASR (dB)", ylim=(-140, 6))


def aliasing(
    model: Processor,
    frequencies_hz: Sequence[float] | Real | None = None,
    *,
    level_db: float = LEVEL_DB,
    sample_rate: float | None = None,
) -> Aliasing:
    """Measure the aliasing-to-signal ratio (ASR) of a model against frequency.

    Follows Sato and Smith, "Aliasing reduction in neural amp modeling by smoothing activations" (arXiv
    2505.04082): of a DFT of prime length, the energy of all bins that are not multiples of the tone's,
    against that of those that are. The mean of the output, which is no alias, is in neither.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    frequencies_hz : sequence of float, optional
        The tones, rising; each is moved to the nearest bin. By default 16 of them from 200 Hz to 12 kHz.
    level_db : float
        Their peak, in dBFS.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.

    Examples
    --------
    >>> clean = aliasing(lambda audio, sample_rate: 2 * audio, [1000, 5000])
    >>> bool((clean.asr_db < -120).all())
    True
    """
    rate = rate_of(model, sample_rate)
    wanted = np.geomspace(200, min(12_000, 0.45 * rate), 16) if frequencies_hz is None else frequencies_hz
    bins = [bin_of(float(frequency), rate, FRAMES) for frequency in wanted]
    peak = amplitude(level_db)
    spectra = [steady_state(model, [tone], [peak], FRAMES, rate) for tone in bins]
    return Aliasing(
        level_db=level_db,
        sample_rate=rate,
        frequencies_hz=np.array(bins) * rate / FRAMES,
        asr_db=np.array([asr_db(spectrum, tone) for spectrum, tone in zip(spectra, bins, strict=True)]),
    )


def asr_db(spectrum: Complex, tone: int) -> float:
    """Return the aliasing-to-signal ratio of a spectrum whose tone is at a bin."""
    power = np.abs(spectrum) ** 2
    harmonic = float(power[tone::tone].sum())
    power[0] = 0
    power[tone::tone] = 0
    if harmonic <= amplitude(-360.0):
        msg = "the model is silent: nothing can be compared with its harmonics"
        raise ValueError(msg)
    return float(decibels(np.sqrt(power.sum() / harmonic)))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Spectrogram(Result):
    """What a model makes of a sine that rises: :func:`spectrogram`.

    Attributes
    ----------
    level_db, sample_rate : float
        Peak of the sine, in dBFS, and the rate, in Hz.
    tones_hz : array of float [shape=(times,)]
        Where the sine is at each time.
    frequencies_hz : array of float [shape=(bins,)]
        The bins of the transforms.
    levels_db : array of float [shape=(bins, times)]
        Against the loudest, in dB.
    """

    title: ClassVar[str] = "A rising sine"

    level_db: float
    sample_rate: float
    tones_hz: Real = field(metadata=BULK)
    frequencies_hz: Real = field(metadata=BULK)
    levels_db: Real = field(metadata=BULK)

    def _summary(self) -> dict[str, str]:
        return {"level": f"{self.level_db:g} dBFS", "sine": f"0 to {self.sample_rate / 2000:g} kHz"}

    def _draw(self, axes: "Axes") -> None:

        picture = axes.imshow(
            self.levels_db,
            aspect="auto",
            origin="lower",
            cmap="magma",
            vmin=_SPECTROGRAM_FLOOR_DB,
            vmax=0,
            interpolation="bilinear",
            extent=(
                self.tones_hz[0] / 1000,
                self.tones_hz[-1] / 1000,
                self.frequencies_hz[0] / 1000,
                self.frequencies_hz[-1] / 1000,
            ),
        )
        axes.grid(visible=False)
        axes.set(xlabel="input (kHz)", ylabel="output (kHz)")
        figure = cast("Figure", axes.get_figure(root=True))
        bar = figure.colorbar(picture, ax=axes, label="level (dB)", pad=0.02)
        bar.outline.set_visible(False)


def spectrogram(
    model: Processor, *, level_db: float = LEVEL_DB, seconds: float = 2.0, sample_rate: float | None = None
) -> Spectrogram:
    """Watch what a model makes of a sine that rises from 0 Hz to half the sample rate.

    Harmonics are straight lines from the origin; aliases are lines that come back from the top. The window is
    Nuttall's minimal four-term one (IEEE Trans. ASSP 29, 1981), whose side lobes are below -98 dB.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    level_db : float
        Peak of the sine, in dBFS.
    seconds : float
        How long it rises.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.
    """
    rate = rate_of(model, sample_rate)
    frames, size = round(seconds * rate), 512
    time = np.arange(frames)
    dry = amplitude(level_db) * np.sin(np.pi / 2 * time**2 / frames)
    wet = run(model, dry, rate)
    hop = max(1, (frames - size) // 400)
    pieces = np.lib.stride_tricks.sliding_window_view(wet, size)[::hop]
    turn = 2 * np.pi / size * np.arange(size)
    window = (
        0.3635819 - 0.4891775 * np.cos(turn) + 0.1365995 * np.cos(2 * turn) - 0.0106411 * np.cos(3 * turn)
    )
    levels = np.abs(np.fft.rfft(pieces * window, axis=-1)).T
    if not levels.any():
        msg = f"the model is silent at {level_db:g} dBFS"
        raise ValueError(msg)
    centres = np.arange(pieces.shape[0]) * hop + size / 2
    return Spectrogram(
        level_db=level_db,
        sample_rate=rate,
        tones_hz=centres / frames * rate / 2,
        frequencies_hz=np.fft.rfftfreq(size, 1 / rate),
        levels_db=np.maximum(decibels(levels / levels.max()), _SPECTROGRAM_FLOOR_DB),
    )
