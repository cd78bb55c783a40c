"""What is wrong with a recording that a model is to be trained on, fault by fault."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from neural_distortion._typing import Audio
from neural_distortion.analysis.result import BULK, Result
from neural_distortion.training.layout import Layout, Span, recognise
from neural_distortion.training.recording import mono, on_the_same_clock
from neural_distortion.training.timing import SAMPLE_RATES, Timing, locate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Real = npt.NDArray[np.float64]

Severity = Literal["note", "warning", "error"]

Fault = Literal[
    "sample rate",
    "silence",
    "wrong file",
    "drift",
    "length",
    "polarity",
    "delay",
    "clipping",
    "dropout",
    "dc",
    "noise",
    "hum",
    "time variance",
]

_SILENT_DB: Final = -80.0
_CLIPPED_RUN: Final = 3
_CLIPPED_RUNS: Final = 10
_FULL_SCALE_DB: Final = -0.5
_FLAT_A_SECOND: Final = 20
"""How many flat peaks there are, below full scale, if it is not a computed device that makes them."""

_DELAY_SAMPLES: Final = 6.0
"""A delay that is shorter is learned as a part of the sound."""

_MISSING_S: Final = 0.1
_LOST_PERCENT: Final = 10.0
_DC: Final = 0.003
_NOISE_DB: Final = -50.0
_NOISE_SEVERE_DB: Final = -25.0
_HUM_DB: Final = -55.0
_QUIETER: Final = {
    "noise": "raise the level that is recorded, lower the gain, or look for a bad cable",
    "hum": "break the ground loop, and move the device away from transformers and screens",
}
_REPEAT_DB: Final = -30.0
_REPEAT_SEVERE_DB: Final = -15.0
_DRIFT_SEVERE_PPM: Final = 200.0
_CLEAR: Final = 0.5
_RATE_WITHIN: Final = 1e-3
_GAP_DB: Final = -50.0
_RING_S: Final = 0.35
"""How long a device rings on into silence."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    name : str
        Which fault it is, one of thirteen.
    severity : {"note", "warning", "error"}
        A note is for information: training mends it. With a warning the model becomes worse than it could
        be; with an error there is no use in training.
    where_s : tuple of (float, float)
        Where in the recording, in seconds; empty where it is everywhere.
    measured : float
        What was found.
    unit : str
        Its unit.
    expected : str
        What is usual.
    text : str
        What is wrong, as a sentence.
    mend : str
        What to do.
    """

    name: Fault
    severity: Severity
    where_s: tuple[tuple[float, float], ...] = ()
    measured: float
    unit: str
    expected: str
    text: str
    mend: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CaptureReport(Result):
    """What :func:`check` finds. The measurements are None where a fault kept them from being made.

    Attributes
    ----------
    sample_rate : float
        The rate of the dry signal, in Hz.
    layout : str
        Which signal was played: see :class:`Layout`.
    findings : tuple of Finding
        What is wrong, the worst first.
    unchecked : mapping of str to str
        Faults that could not be looked for, and why.
    delay_samples : float or None
        How late the recording is.
    drift_ppm : float or None
        By how much the recorder's clock was faster, in millionths.
    peak_db : float
        Of the recording, in dBFS.
    dc : float or None
        What is recorded in silence: its mean, in units of full scale,
    noise_db, hum_db : float or None
        the noise, and the hum of the mains, both in dB below the level while playing.
    repeat_db : float or None
        How far passages that come twice differ, in dB below their level.
    """

    title: ClassVar[str] = "Capture"
    size: ClassVar[tuple[float, float]] = (9.0, 3.9)

    sample_rate: float
    layout: str
    findings: tuple[Finding, ...]
    unchecked: dict[str, str]
    delay_samples: float | None = None
    drift_ppm: float | None = None
    peak_db: float
    dc: float | None = None
    noise_db: float | None = None
    hum_db: float | None = None
    repeat_db: float | None = None
    timing: Timing | None = field(default=None, metadata=BULK)
    envelopes: tuple[_Real, _Real] = field(metadata=BULK)
    floor: tuple[_Real, _Real] | None = field(default=None, metadata=BULK)

    @property
    def severity(self) -> Severity | None:
        """The worst that was found, or None."""
        return self.findings[0].severity if self.findings else None

    @property
    def names(self) -> tuple[Fault, ...]:
        """The names of what was found."""
        return tuple(finding.name for finding in self.findings)

    def _summary(self) -> dict[str, str]:
        return {finding.name: finding.text for finding in self.findings} or {"capture": "nothing is wrong"}

    def _draw(self, axes: "Axes") -> None:
        from neural_distortion.training.picture import draw_levels

        draw_levels(self, axes)

    def figure(self) -> "Figure":
        """Return a page of pictures: levels over time with what was found, delays, and the noise floor."""
        from neural_distortion.training.picture import draw_page

        return draw_page(self)


def check(
    dry: npt.ArrayLike, wet: npt.ArrayLike, sample_rate: float, *, wet_rate: float | None = None
) -> CaptureReport:
    """Say what is wrong with a recording, before a training is wasted on it.

    Parameters
    ----------
    dry : array of float [shape=(frames,)]
        What was played: the signal of :func:`capture_signal`, one of NAM's, or any other.
    wet : array of float [shape=(frames,)]
        What was recorded.
    sample_rate : float > 0
        The rate of ``dry``, in Hz.
    wet_rate : float > 0, optional
        The rate of ``wet``, if it is another one.

    Raises
    ------
    ValueError
        If one is no mono signal, or has samples that are no finite numbers.

    Examples
    --------
    >>> from neural_distortion.training import capture_signal, check
    >>> dry = capture_signal().audio
    >>> check(dry, -0.5 * dry, 48_000).names
    ('polarity',)
    """
    played, heard = mono(dry, "dry"), mono(wet, "wet")
    layout = recognise(played, sample_rate)
    peak_db = _db(np.abs(heard).max())
    looked = _Look(played, heard, sample_rate, layout)
    if wet_rate is not None and wet_rate != sample_rate:
        looked.found.append(
            Finding(
                name="sample rate",
                severity="error",
                measured=wet_rate,
                unit="Hz",
                expected=f"{sample_rate:g} Hz",
                text=f"the recording is at {wet_rate:g} Hz, and what was played at {sample_rate:g} Hz",
                mend=f"set the project to {sample_rate:g} Hz and record again, or export both at one rate",
            )
        )
        looked.skip("the rates differ", after="sample rate")
    elif peak_db < _SILENT_DB or _db(np.abs(played).max()) < _SILENT_DB:
        which = "the recording" if peak_db < _SILENT_DB else "the dry signal"
        looked.found.append(
            Finding(
                name="silence",
                severity="error",
                measured=peak_db if which == "the recording" else _db(np.abs(played).max()),
                unit="dBFS",
                expected=f"a peak above {_SILENT_DB:g} dBFS",
                text=f"{which} is silent",
                mend="look at the cables, at what is switched on, and at which track was exported",
            )
        )
        looked.skip("there is nothing to hear", after="silence")
    else:
        looked.look()
    order = {"error": 0, "warning": 1, "note": 2}
    return CaptureReport(
        sample_rate=sample_rate,
        layout=layout.name,
        findings=tuple(sorted(looked.found, key=lambda finding: order[finding.severity])),
        unchecked=looked.unchecked,
        peak_db=peak_db,
        delay_samples=looked.timing.delay_samples if looked.timing else None,
        drift_ppm=1e6 * (looked.timing.ratio - 1) if looked.timing else None,
        dc=looked.dc,
        noise_db=looked.noise_db,
        hum_db=looked.hum_db,
        repeat_db=looked.repeat_db,
        timing=looked.timing,
        envelopes=(_envelope(played, sample_rate), _envelope(heard, sample_rate)),
        floor=looked.floor,
    )


class _Look:
    """One look at a recording, fault by fault: each may need what was found before."""

    def __init__(self, dry: Audio, wet: Audio, rate: float, layout: Layout) -> None:
        self.dry, self.wet, self.rate, self.layout = dry, wet, rate, layout
        self.found: list[Finding] = []
        self.unchecked: dict[str, str] = {}
        self.timing: Timing | None = None
        self.dc: float | None = None
        self.noise_db: float | None = None
        self.hum_db: float | None = None
        self.repeat_db: float | None = None
        self.floor: tuple[_Real, _Real] | None = None
        self._gaps: list[Span] = []

    def skip(self, why: str, *, after: Fault) -> None:
        """Note that all that comes after a fault cannot be looked for."""
        names: tuple[Fault, ...] = get_args(Fault)
        self.unchecked.update(dict.fromkeys(names[names.index(after) + 1 :], why))

    def look(self) -> None:
        """Look for everything that there is."""
        self.timing = timing = locate(self.dry, self.wet, self.rate)
        if timing is None:
            self.found.append(
                Finding(
                    name="wrong file",
                    severity="error",
                    measured=0.0,
                    unit="of the windows agree",
                    expected="most of them",
                    text="the recording has nothing in common with the dry signal",
                    mend="take the recording that was made from this very signal",
                )
            )
            self.skip("the recording is of something else", after="wrong file")
            return
        if self._relabelled(timing):
            self.skip("the recording runs at another speed", after="wrong file")
            return
        self._drift(timing)
        self._length(timing)
        self._polarity(timing)
        self._delay(timing)
        self._clipping()
        heard = on_the_same_clock(self.wet, timing, self.dry.size)
        heard[max(0, round((self.wet.size - timing.delay_samples) / timing.ratio)) :] = 0
        ambient = self._ambience(heard, timing)
        self._dropouts(heard, timing)
        self._repeats(heard, timing, ambient)

    def _relabelled(self, timing: Timing) -> bool:
        """Look for a recording whose file claims another rate than it was made at."""
        for true in SAMPLE_RATES:
            if true != self.rate and abs(timing.ratio * self.rate / true - 1) < _RATE_WITHIN:
                self.found.append(
                    Finding(
                        name="sample rate",
                        severity="error",
                        measured=float(true),
                        unit="Hz",
                        expected=f"{self.rate:g} Hz",
                        text=f"the recording was made at {true} Hz, but its file says {self.rate:g} Hz",
                        mend=f"record at {self.rate:g} Hz, or convert the file: its pitch is wrong as it is",
                    )
                )
                return True
        return False

    def _drift(self, timing: Timing) -> None:
        if timing.ratio == 1:
            return
        ppm = 1e6 * (timing.ratio - 1)
        amount = f"{abs(ppm) / 1e4:.2f} %" if abs(ppm) > 1_000 else f"{abs(ppm):.1f} millionths"
        self.found.append(
            Finding(
                name="drift",
                severity="error" if abs(ppm) > _DRIFT_SEVERE_PPM else "warning",
                measured=ppm,
                unit="ppm",
                expected="none",
                text=f"the recorder's clock runs {amount} too {'fast' if ppm > 0 else 'slow'}",
                mend="play and record with one interface, with no stretching in the project",
            )
        )

    def _length(self, timing: Timing) -> None:
        missing_s = (timing.place(self.dry.size) - self.wet.size) / self.rate
        if missing_s <= _MISSING_S:
            return
        end_s = self.wet.size / self.rate
        lost = 100 * missing_s * self.rate / self.dry.size
        self.found.append(
            Finding(
                name="length",
                severity="error" if lost > _LOST_PERCENT else "warning",
                where_s=((end_s, end_s + missing_s),),
                measured=missing_s,
                unit="s",
                expected="a recording that ends no sooner than what was played",
                text=f"the last {missing_s:.2f} s of what was played were not recorded",
                mend="record and export the whole length",
            )
        )

    def _polarity(self, timing: Timing) -> None:
        if timing.polarity > 0 or timing.clarity < _CLEAR:
            return
        self.found.append(
            Finding(
                name="polarity",
                severity="warning",
                measured=-1.0,
                unit="",
                expected="1",
                text="the recording is upside down",
                mend="invert it, unless the device itself does so and the model is to do the same",
            )
        )

    def _delay(self, timing: Timing) -> None:
        late = timing.delay_samples
        if abs(late) <= _DELAY_SAMPLES:
            return
        self.found.append(
            Finding(
                name="delay",
                severity="note",
                measured=late,
                unit="samples",
                expected=f"at most {_DELAY_SAMPLES:g} samples",
                text=f"the recording is {abs(late):.1f} samples ({abs(late) / self.rate * 1e3:.2f} ms) "
                f"{'late' if late > 0 else 'early'}",
                mend="nothing: training removes it",
            )
        )

    def _clipping(self) -> None:
        spans: list[Span] = []
        peak = float(np.abs(self.wet).max())
        for side in (self.wet, -self.wet):
            top = float(side.max())
            if top > 0.5 * peak:
                spans += [run for run in _runs(side >= top * (1 - 1e-6)) if run[1] - run[0] >= _CLIPPED_RUN]
        full = _db(peak) > _FULL_SCALE_DB
        usual = _CLIPPED_RUNS if full else _FLAT_A_SECOND * self.wet.size / self.rate
        if len(spans) < usual:
            return
        self.found.append(
            Finding(
                name="clipping",
                severity="error" if full else "warning",
                where_s=self._seconds(sorted(spans)),
                measured=float(len(spans)),
                unit="peaks",
                expected=f"fewer than {usual:.0f}",
                text=f"{len(spans)} peaks are cut off flat at {_db(peak):.1f} dBFS",
                mend="turn the recording level down and record again"
                if full
                else "lower the level before the recorder, unless a computed device makes them",
            )
        )

    def _ambience(self, heard: Audio, timing: Timing) -> float:
        """Look at what is recorded in silence; return its power."""
        span = self._quiet()
        if span is None:
            for name in ("dc", "noise", "hum"):
                self.unchecked[name] = "the dry signal is nowhere silent for long enough"
            return 0.0
        still = heard[slice(*span)].astype(np.float64)
        self.dc = float(still.mean())
        where = self._seconds([_place(timing, span)])
        still -= self.dc
        playing = np.abs(self.dry) > 1e-4
        loud_db = 10 * np.log10(np.mean((heard[playing] - self.dc) ** 2) + 1e-20)
        lines, rest, mains = _mains(still, self.rate)
        self.noise_db = float(10 * np.log10(rest + 1e-20) - loud_db)
        self.hum_db = float(10 * np.log10(lines + 1e-20) - loud_db)
        self.floor = _spectrum(still, self.rate)
        if abs(self.dc) > _DC:
            self.found.append(
                Finding(
                    name="dc",
                    severity="warning",
                    where_s=where,
                    measured=self.dc,
                    unit="of full scale",
                    expected=f"at most {_DC:g} of full scale",
                    text=f"the recording has an offset of {100 * self.dc:.2f} % of full scale",
                    mend="look for a fault in the interface, or use its low cut",
                )
            )
        self._below("noise", self.noise_db, _NOISE_DB, "noise is", where)
        self._below("hum", self.hum_db, _HUM_DB, f"mains of {mains} Hz hum", where)
        return lines + rest

    def _below(
        self,
        name: Literal["noise", "hum"],
        level_db: float,
        most_db: float,
        subject: str,
        where_s: tuple[tuple[float, float], ...],
    ) -> None:
        """Look at how far below the sound something is that is always there."""
        if level_db > most_db:
            self.found.append(
                Finding(
                    name=name,
                    severity="error" if level_db > _NOISE_SEVERE_DB else "warning",
                    where_s=where_s,
                    measured=level_db,
                    unit="dB",
                    expected=f"at most {most_db:g} dB",
                    text=f"{subject} {-level_db:.0f} dB below the sound",
                    mend=_QUIETER[name],
                )
            )

    def _quiet(self) -> Span | None:
        """Return the longest time in which only what the device adds is to be heard, or None."""
        ring = round(_RING_S * self.rate)
        quiet = []
        for start, end in _runs(np.abs(self.dry) < 1e-5):
            after = min(ring, (end - start) // 2) if start else 0
            quiet.append((start + after, end - round(0.01 * self.rate)))
        spans = [span for span in quiet if span[1] - span[0] > 0.1 * self.rate]
        return max(spans, key=lambda span: span[1] - span[0], default=None)

    def _dropouts(self, heard: Audio, timing: Timing) -> None:
        self._gaps = _gaps(self.dry, heard - (self.dc or 0.0), self.rate, 10 ** (_GAP_DB / 20))
        if not self._gaps:
            return
        spans = [_place(timing, gap) for gap in self._gaps]
        longest_ms = max(end - start for start, end in spans) / self.rate * 1e3
        self.found.append(
            Finding(
                name="dropout",
                severity="error",
                where_s=self._seconds(spans),
                measured=float(len(spans)),
                unit="gaps",
                expected="none",
                text=f"the sound is missing {_times(len(spans))}, for up to {longest_ms:.0f} ms",
                mend="make the buffer of the interface larger, close what else runs, and look at the cables",
            )
        )

    def _repeats(self, heard: Audio, timing: Timing, ambient: float) -> None:
        if not self.layout.repeats:
            self.unchecked["time variance"] = "the dry signal has no passage that is known to come twice"
            return
        if timing.ratio != 1:
            self.unchecked["time variance"] = "the drift changes every passage"
            return
        (start, end), (again, _) = self.layout.repeats
        if timing.place(again + end - start) > self.wet.size:
            self.unchecked["time variance"] = "the recording ends before the second passage does"
            return
        first, second = (heard[at : at + end - start].astype(np.float64) for at in (start, again))
        kept = np.ones(end - start, bool)
        around = round(0.1 * self.rate)
        for gap in self._gaps:
            for at in (start, again):
                kept[max(gap[0] - at - around, 0) : max(gap[1] - at + around, 0)] = False
        difference = np.mean((first - second)[kept] ** 2) - 2.5 * ambient
        level = np.mean((first - first.mean())[kept] ** 2)
        self.repeat_db = float(10 * np.log10(max(difference, 0) / (level + 1e-20) + 1e-12))
        if self.repeat_db > _REPEAT_DB:
            places = [_place(timing, (at, at + end - start)) for at in (start, again)]
            self.found.append(
                Finding(
                    name="time variance",
                    severity="error" if self.repeat_db > _REPEAT_SEVERE_DB else "warning",
                    where_s=self._seconds(places),
                    measured=self.repeat_db,
                    unit="dB",
                    expected=f"at most {_REPEAT_DB:g} dB",
                    text=f"a passage differs the second time, {-self.repeat_db:.0f} dB below its level",
                    mend="switch off reverb, delay, chorus and tremolo, let tubes warm up, and turn no knob",
                )
            )

    def _seconds(self, spans: list[Span]) -> tuple[tuple[float, float], ...]:
        """Return spans of frames in seconds; what is close together becomes one."""
        merged: list[list[float]] = []
        for start, end in spans:
            if merged and start / self.rate - merged[-1][1] < 0.5:
                merged[-1][1] = end / self.rate
            else:
                merged.append([start / self.rate, end / self.rate])
        return tuple((start, end) for start, end in merged)


def _place(timing: Timing, span: Span) -> Span:
    """Return where a span of the dry signal is in the wet one."""
    return round(timing.place(span[0])), round(timing.place(span[1]))


def _runs(wanted: npt.NDArray[np.bool_]) -> list[Span]:
    """Return where something is so, from a frame on, up to another."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _gaps(dry: Audio, wet: Audio, rate: float, depth: float) -> list[Span]:
    """Return where the wet signal is missing for less than half a second while the dry one goes on.

    What a gate or a high-pass filter makes of the signal is no gap: sound has to stop at once, and to be back
    while the dry signal is no louder than before.
    """
    step = max(1, round(0.001 * rate))
    count = min(dry.size, wet.size) // step
    played, heard = (audio[: count * step].reshape(count, step) for audio in (dry, wet))
    dry_power = np.mean(played.astype(np.float64) ** 2, axis=1)
    peaks = np.abs(heard).max(axis=1)
    turns = np.diff(np.signbit(dry[: count * step]), prepend=False).reshape(count, step).sum(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(peaks, 20), 41).max(axis=1)
    gaps: list[Span] = []
    for start, _ in _runs(peaks < depth * around):
        if start < 20 or (gaps and start * step < gaps[-1][1]):
            continue
        before = float(np.max(peaks[start - 10 : start]))
        back = np.flatnonzero(peaks[start : start + 500] > 0.1 * before)
        end = start + int(back[0]) if back.size else count
        if end in (start, count) or before < 1e-3:
            continue
        inside = dry_power[start:end].mean()
        outside = max(dry_power[start - 10 : start].mean(), dry_power[end : end + 10].mean())
        goes_on = inside > max(0.1 * outside, 1e-6)
        low_pitched = turns[start - 20 : end + 20].sum() < 0.15 * (end - start + 40)
        if goes_on and not low_pitched and peaks[start + 1 : end - 1].max(initial=0) < depth * before:
            gaps.append((start * step, end * step))
    return gaps


def _mains(still: _Real, rate: float) -> tuple[float, float, int]:
    """Return the power of the mains' hum, of the rest, and the mains' frequency in Hz."""
    frequencies, power = _powers(still, rate)
    seconds = still.size / rate
    best: tuple[float, int] = (0.0, 50)
    for mains in (50, 60):
        lines = 0.0
        for multiple in range(1, 21):
            line_hz = mains * multiple
            width_hz = 2.5 / seconds + 0.001 * line_hz
            if 2 * width_hz > mains / 2:
                continue
            at = np.abs(frequencies - line_hz) <= width_hz
            beside = (np.abs(frequencies - line_hz) < min(6 * width_hz, mains / 2)) & ~at
            usual = float(np.median(power[beside])) / np.log(2) * at.sum() if beside.any() else 0.0
            strength = float(power[at].sum())
            if strength > 8 * usual + 1e-18:
                lines += strength - usual
        if lines > best[0]:
            best = (lines, mains)
    total = float(power.sum())
    return best[0], max(total - best[0], 0.0), best[1]


def _powers(still: _Real, rate: float) -> tuple[_Real, _Real]:
    """Return frequencies, and the mean power of a signal at each."""
    taper = np.hanning(still.size)
    power = 2 * np.abs(np.fft.rfft(still * taper)) ** 2 / (still.size * np.sum(taper**2))
    return np.asarray(np.fft.rfftfreq(still.size, 1 / rate), dtype=np.float64), power


def _spectrum(still: _Real, rate: float) -> tuple[_Real, _Real]:
    """Return the spectrum of what is recorded in silence, in dBFS, for a picture."""
    frequencies, power = _powers(still, rate)
    shown = (frequencies > 15) & (frequencies < 20_000)
    edges = np.unique(np.round(np.geomspace(1, shown.sum(), 1_500)).astype(int)) - 1
    levels = 10 * np.log10(2 * np.maximum.reduceat(power[shown], edges) + 1e-20)
    return frequencies[shown][edges], levels


def _envelope(signal: Audio, rate: float) -> _Real:
    """Return the peaks of a signal, one for each 50 ms, in dBFS."""
    step = round(0.05 * rate)
    peaks = np.maximum.reduceat(np.abs(signal), np.arange(0, signal.size, step))
    return np.asarray(20 * np.log10(np.maximum(peaks, 1e-6)), dtype=np.float64)


def _db(amplitude: float) -> float:
    """Return an amplitude in dB; silence is far below everything."""
    return float(20 * np.log10(max(float(amplitude), 1e-10)))


def _times(count: int) -> str:
    """Return how often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
