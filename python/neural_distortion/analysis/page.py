"""Everything at once: all measurements of a model, and a page of them to keep or to send."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from neural_distortion._typing import PathLike
from neural_distortion.analysis import result
from neural_distortion.analysis.alias import Aliasing, Spectrogram, aliasing, spectrogram
from neural_distortion.analysis.alignment import Delay, delay
from neural_distortion.analysis.dynamics import (
    DynamicResponse,
    Loudness,
    NoiseFloor,
    dynamic_response,
    loudness,
    noise_floor,
)
from neural_distortion.analysis.harmonic import Harmonics, Intermodulation, harmonics, intermodulation
from neural_distortion.analysis.impulse import (
    FrequencyResponse,
    ImpulseResponses,
    frequency_response,
    impulse_responses,
)
from neural_distortion.analysis.probe import LEVEL_DB, Processor, amplitude, rate_of
from neural_distortion.analysis.result import Result
from neural_distortion.analysis.sweep import FrequencySweep, LevelSweep, sweep_frequency, sweep_level
from neural_distortion.analysis.transfer import TransferCurve, transfer_curve
from neural_distortion.model import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_THREADS = 2
_SHOWN_LEVELS_DB = (-48, -24, 0)

_TEMPLATE = Path(__file__).parent / "page.html"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Analysis(Result):
    """All measurements of a model: :func:`analyze`. Each field is what the function of its name returns.

    Attributes
    ----------
    name : str
        What the model is called.
    sample_rate, level_db : float
        The rate, in Hz, and the peak, in dBFS, of the tones where a measurement has one level.
    """

    title: ClassVar[str] = "Analysis"

    name: str
    sample_rate: float
    level_db: float
    transfer_curve: TransferCurve
    harmonics: Harmonics
    intermodulation: Intermodulation
    sweep_level: LevelSweep
    sweep_frequency: FrequencySweep
    frequency_response: FrequencyResponse
    impulse_responses: ImpulseResponses
    aliasing: Aliasing
    spectrogram: Spectrogram
    dynamic_response: DynamicResponse
    delay: Delay
    loudness: Loudness
    noise_floor: NoiseFloor

    def _summary(self) -> dict[str, str]:
        return {
            "gain, small signals": f"{self.sweep_level.gain_db:+.1f} dB",
            "compression at 0 dBFS": f"{self.sweep_level.compression_db:.1f} dB",
            f"THD, {self.harmonics.frequency_hz:.0f} Hz": f"{self.harmonics.thd_percent:.3g} %",
            "aliasing near 5 kHz": f"{self.aliasing.near(5_000):.1f} dB",
            "latency": f"{self.delay.delay_ms:z.2f} ms",
            "loudness": f"{self.loudness.wet_lufs:.1f} LUFS",
        }

    def _draw(self, axes: "Axes") -> None:
        self.transfer_curve.plot(axes)

    def to_html(self) -> str:
        """Return a page that needs no other file: the numbers, the pictures, and the numbers as JSON."""
        return document(
            self.name,
            "measured",
            f"measured at {self.sample_rate:g} Hz, with tones of {self.level_db:g} dBFS",
            self.summary(),
            self._sections(),
            json.dumps(self.to_dict(), separators=(",", ":"), allow_nan=False),
        )

    def _sections(self) -> list[str]:
        """Return the parts of the page, in the order in which they are read."""
        from neural_distortion.analysis.figure import svg

        def thd_against_level(ax: "Axes") -> None:
            self.sweep_level.plot_thd(ax)

        distortion = {
            f"THD at {level:g} dBFS": f"{thd_db:.1f} dB ({100 * amplitude(thd_db):.3g} %)"
            for level, thd_db in zip(self.sweep_level.levels_db, self.sweep_level.thd_db, strict=True)
            if level in _SHOWN_LEVELS_DB and np.isfinite(thd_db)
        }
        return [
            _section(
                self.transfer_curve, "Output against input, over one period of a sine. A loop means memory."
            ),
            _section(self.harmonics, "What is added to one tone: the even harmonics and the odd ones."),
            _section(self.sweep_level, "The level of a tone at the output, against its level at the input."),
            card(
                "Distortion against level",
                svg(thd_against_level, LevelSweep.size),
                distortion,
                "The harmonics of a tone, as it becomes louder.",
            ),
            _section(self.sweep_frequency, "Which frequencies distort most."),
            _section(self.intermodulation, "Sums and differences of two tones."),
            _section(
                self.frequency_response, "The gain for a sweep. Where the curves part, the model compresses."
            ),
            _section(self.impulse_responses, "The same sweep, split into the harmonics that it makes."),
            _section(self.aliasing, "Energy between the harmonics of a tone, against energy at them."),
            _section(self.spectrogram, "Harmonics rise from the origin; aliases come back from the top."),
            _section(self.dynamic_response, "A tone that becomes loud, and soft again."),
            _section(self.loudness, "A guitar, before the model and after it."),
            _section(self.delay, "The response to an impulse, near its peak."),
            card(
                self.noise_floor.title, "", self.noise_floor.summary(), "What comes out when nothing goes in."
            ),
        ]


def _section(measured: Result, caption: str) -> str:
    """Return a measurement as a part of the page."""
    return card(measured.title, measured.svg(), measured.summary(), caption)


def document(
    title: str, done: str, facts: str, summary: dict[str, str], sections: list[str], numbers: str
) -> str:
    """Return a page: what it is of and what was done with that, numbers as tiles, cards, and JSON."""
    tiles = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in summary.items()
    )
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        done=done,
        facts=escape(facts),
        tiles=tiles,
        sections="\n".join(sections),
        numbers=numbers.replace("<", "\\u003c"),
    )


def card(title: str, picture: str, rows: dict[str, str], caption: str) -> str:
    """Return a part of a page."""
    return (
        f"<section><h2>{escape(title)}</h2><p>{escape(caption)}</p>"
        f"<figure>{picture}</figure>{result.table(rows)}</section>"
    )


def analyze(
    model: Processor,
    *,
    name: str | None = None,
    level_db: float = LEVEL_DB,
    sample_rate: float | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Analysis:
    """Make all measurements of a model.

    Parameters
    ----------
    model : callable
        See :mod:`neural_distortion.analysis.probe`.
    name : str, optional
        What it is called; by default what it calls itself.
    level_db : float
        Peak of the tones, in dBFS, where a measurement has one level.
    sample_rate : float > 0, optional
        The rate, in Hz; by default the model's own, or 48 kHz.
    progress : callable
        Is called with the name of each measurement before it starts.
    """
    rate = rate_of(model, sample_rate)
    steps: dict[str, Callable[[Processor], Result]] = {
        "frequency_response": lambda model: frequency_response(model, sample_rate=rate),
        "loudness": lambda model: loudness(model),
        "impulse_responses": lambda model: impulse_responses(model, level_db=level_db, sample_rate=rate),
        "aliasing": lambda model: aliasing(model, level_db=level_db, sample_rate=rate),
        "sweep_level": lambda model: sweep_level(model, sample_rate=rate),
        "sweep_frequency": lambda model: sweep_frequency(model, level_db=level_db, sample_rate=rate),
        "spectrogram": lambda model: spectrogram(model, level_db=level_db, sample_rate=rate),
        "dynamic_response": lambda model: dynamic_response(model, sample_rate=rate),
        "transfer_curve": lambda model: transfer_curve(model, sample_rate=rate),
        "harmonics": lambda model: harmonics(model, level_db=level_db, sample_rate=rate),
        "intermodulation": lambda model: intermodulation(model, level_db=level_db, sample_rate=rate),
        "delay": lambda model: delay(model, sample_rate=rate),
        "noise_floor": lambda model: noise_floor(model, sample_rate=rate),
    }

    def measure(step: str) -> Result:
        progress(step)
        return steps[step](model.clone() if isinstance(model, Model) else model)

    # A model of this package plays on several threads, if each has a clone; of others, that is not known.
    with ThreadPoolExecutor(max_workers=_THREADS if isinstance(model, Model) else 1) as pool:
        measured: dict[str, Any] = dict(zip(steps, pool.map(measure, steps), strict=True))
    return Analysis(name=name or _name_of(model), sample_rate=rate, level_db=level_db, **measured)


def _name_of(model: Processor) -> str:
    """Return what a model calls itself."""
    return str(getattr(model, "name", None) or getattr(model, "__name__", None) or type(model).__name__)


def report(
    model: Processor,
    path: PathLike,
    *,
    name: str | None = None,
    level_db: float = LEVEL_DB,
    sample_rate: float | None = None,
) -> Analysis:
    """Write one self-contained HTML page with all measurements of a model, and return them.

    Parameters
    ----------
    path : path-like
        Where to; a file that is there already is replaced.
    model, name, level_db, sample_rate
        As for :func:`analyze`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    measured = analyze(model, name=name, level_db=level_db, sample_rate=sample_rate)
    Path(os.fspath(path)).write_text(measured.to_html(), encoding="utf-8")
    return measured
