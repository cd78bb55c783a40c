"""What is in a model file, and whether it is sound: :func:`doctor`."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from neural_distortion._typing import Audio, PathLike
from neural_distortion.io import example_audio, read
from neural_distortion.model import Compat, Layer, Metadata, Model, ModelError, Parameter, load

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SECONDS = 3.0
"""How much of the guitar is played."""

GUITAR_RMS_DB = -18.0
"""How loud it is played: about as a guitar is recorded."""

BURST = 4.0
"""Peak of the burst of noise, 12 dB beyond full scale."""

AUDIBLE = 1e-6
"""Difference, over the peak, from which on another reading of a file matters."""

MIN_GAIN_DB, MAX_GAIN_DB = -40.0, 40.0
"""Between these a model may change the level of the guitar."""

MAX_LOUDNESS_DB = 15.0
"""So far the measured loudness may be from the one in the file, which is of another guitar."""

MAX_SIZES_DB = 6.0
"""So far the levels of a model's sizes may be apart."""

MAX_SILENCE_DB = -30.0
"""So loud the answer to silence may be, a constant included."""

_PLACE = re.compile(r"((?:(?:members|models)\[\d+\]\.|condition\.)*)(.*)")
"""The model that a layer is in, and its place there."""

_MEASURING_NS = 200_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a model, or seems so.

    Attributes
    ----------
    kind : str
        What, for code that tells findings apart: ``"loud_in_silence"``, …; of a file that cannot be used,
        the kind of its :class:`ModelError`.
    message : str
        What, for people.
    path : str or None
        The place in the file, where there is one.
    """

    kind: str
    message: str
    path: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What :func:`doctor` found. Levels are in dB below full scale, and -inf for silence.

    Attributes
    ----------
    file : str
        The file.
    status : {"sound", "suspicious", "unreadable"}
        Whether there are findings, or the file cannot be used at all; then nothing below `findings` is known.
    findings : tuple of Finding
        What is wrong, or seems so.
    format, architecture : str or None
        The format of the file, and the kind of network.
    metadata : Metadata or None
        What the file says about the model.
    sample_rate : float or None
        In Hz, where the file says it.
    num_parameters, receptive_field, latency_samples : int or None
        As of :class:`Model`.
    sizes, parameters, layers : tuple
        As of :class:`Model`.
    expected_loudness_db, measured_loudness_db : float or None
        RMS of the output: by the file, for its trainer's guitar; and measured, for the one in this package.
    gain_db : float or None
        How much louder than the guitar its output is.
    peak_db : float or None
        The highest peak of that output.
    dc_offset : float or None
        The mean of the answer to silence.
    silence_db : float or None
        RMS of what else is in the answer to silence.
    burst_peak_db : float or None
        The highest peak while noise plays at 12 dB beyond full scale.
    settles : bool or None
        Whether the answer to silence is what it was, soon after that.
    self_test_error : float or None
        The largest distance from the recording that the file holds of what the model must give.
    ns_per_sample, times_real_time : float or None
        Speed on one core of this machine.
    compat : dict
        How far each other reading of the file is from this one, over the peak; those that change nothing
        are left out.
    """

    file: str
    status: Literal["sound", "suspicious", "unreadable"]
    findings: tuple[Finding, ...] = ()
    format: str | None = None
    architecture: str | None = None
    metadata: Metadata | None = None
    sample_rate: float | None = None
    num_parameters: int | None = None
    receptive_field: int | None = None
    latency_samples: int | None = None
    sizes: tuple[float, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    layers: tuple[Layer, ...] = ()
    expected_loudness_db: float | None = None
    measured_loudness_db: float | None = None
    gain_db: float | None = None
    peak_db: float | None = None
    dc_offset: float | None = None
    silence_db: float | None = None
    burst_peak_db: float | None = None
    settles: bool | None = None
    self_test_error: float | None = None
    ns_per_sample: float | None = None
    times_real_time: float | None = None
    compat: dict[str, float] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        kinds = ", ".join(finding.kind for finding in self.findings)
        return f"<Report {self.file!r}: {self.status}{kinds and ', '}{kinds}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain objects that the json module can write; numbers not finite are None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain

    def facts(self) -> dict[str, str]:
        """Return what was found, ready to be read."""
        if self.status == "unreadable":
            return {}
        rate = self.sample_rate
        field = f"{self.receptive_field:,} samples"
        if rate and self.receptive_field:
            field += f" ({self.receptive_field / rate * 1e3:.3g} ms)"
        loudness = f"{self.measured_loudness_db:.1f} dB for a guitar, {self.gain_db:+.1f} dB"
        if self.expected_loudness_db is not None:
            loudness += f"; the file says {self.expected_loudness_db:.1f} dB"
        error = self.self_test_error
        told = {
            "what": f"{self.architecture} in {self.format}, {self.num_parameters:,} weights",
            "sample rate": f"{rate:g} Hz" if rate else "any (the file has none)",
            "sizes": f"{len(self.sizes)}" if len(self.sizes) > 1 else "",
            "knobs": f"{len(self.parameters)}" if self.parameters else "",
            "receptive field": f"{field}, latency {self.latency_samples} samples",
            "loudness": f"{loudness}; peak {self.peak_db:.1f} dB",
            "silence": f"{self.silence_db:.0f} dB, DC offset {self.dc_offset:.2g}",
            "loud burst": f"peak {self.burst_peak_db:.1f} dB, "
            f"{'then silence as before' if self.settles else 'and no silence as before'}",
            "self-test": "none in the file" if error is None else f"largest error {error:.2g}",
            "speed": f"{self.ns_per_sample:.1f} ns per sample, {self.times_real_time:.0f} x real time",
            "other readings": ", ".join(f"{name} ({size:.2g})" for name, size in self.compat.items())
            or "make no difference",
        }
        return {name: value for name, value in told.items() if value}

    def __rich__(self) -> "RenderableType":
        """Return the report as rich shows it."""
        from rich.console import Group
        from rich.markup import escape
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold")
        for name, value in self.facts().items():
            grid.add_row(name, escape(value))
        colour = {"sound": "green", "suspicious": "yellow", "unreadable": "red"}[self.status]
        parts: list[RenderableType] = [f"[bold]{escape(self.file)}[/]: [{colour}]{self.status}[/]"]
        parts += [grid] if grid.row_count else []
        parts += [f"[{colour}]●[/] {escape(finding.message)}" for finding in self.findings]
        if self.layers:
            parts.append(self._table())
        return Group(*parts)

    def _table(self) -> "Table":
        """Return the layers, those of each model inside of others under its name."""
        from rich.markup import escape
        from rich.table import Table

        table = Table("layer", "kind", "shape", "weights", "details", box=None, pad_edge=False)
        table.columns[3].justify = "right"
        inside = ""
        for layer in self.layers:
            place, path = _PLACE.findall(layer.path)[0]
            if place != inside:
                table.add_row(f"[bold]{escape(place.rstrip('.'))}[/]")
                inside = place
            shape = " x ".join(map(str, layer.shape))
            weights = f"{layer.num_parameters:,}"
            table.add_row(escape(path), layer.kind, shape, weights, escape(layer.details))
        return table


def doctor(
    source: PathLike,
    *,
    compat: Iterable[str] = (),
    math: Literal["exact", "fast"] = "exact",
    instruction_set: str | None = None,
    anti_aliasing: str = "off",
) -> Report:
    """Examine a model file: what is in it, and whether it is sound.

    The model plays silence, a guitar, and noise that is far too loud. A file that cannot be used has a
    report, too.

    Parameters
    ----------
    source : path-like
        The file.
    compat, math, instruction_set, anti_aliasing
        As :func:`load` takes them.

    Raises
    ------
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import neural_distortion as nd
    >>> report = nd.doctor(nd.example_model("soft-clip"))
    >>> report.status, report.architecture, len(report.layers)
    ('sound', 'MLP', 3)
    """
    data = Path(source).read_bytes()

    def read_as(compat: Iterable[str]) -> Model:
        return load(
            data, compat=compat, math=math, instruction_set=instruction_set, anti_aliasing=anti_aliasing
        )

    try:
        model = read_as(compat)
    except ModelError as error:
        return Report(str(source), "unreadable", (Finding(error.kind, str(error), error.path),))
    with np.errstate(over="ignore", invalid="ignore"):  # a broken model gives numbers of any size
        return _examine(str(source), model, read_as, frozenset(compat))


def _examine(
    file: str, model: Model, read_as: Callable[[Iterable[str]], Model], compat: frozenset[str]
) -> Report:
    """Return the report of a model that can be used."""
    guitar, rate = _guitar(model.sample_rate)
    wet = model(guitar, rate)
    unstable = model.unstable
    peak = float(np.abs(wet).max())
    silence = model(np.zeros(round(rate), np.float32), rate)[-round(rate / 4) :]
    offset = float(silence.mean())
    noise = np.random.default_rng(0).uniform(-BURST, BURST, round(rate / 2))
    burst = model(np.concatenate([noise, np.zeros(round(rate))]).astype(np.float32), rate)
    unstable |= model.unstable
    after = burst[-round(rate / 4) :]
    readings = {}
    for name in get_args(Compat):
        other = read_as(compat ^ {name})(guitar, rate)
        distance = float(np.abs(other - wet).max()) / max(peak, 1e-9)
        if not distance <= AUDIBLE:
            readings[name] = distance
    ns_per_sample = _speed(model, guitar, rate)
    report = Report(
        file,
        "sound",
        format=model.format,
        architecture=model.architecture,
        metadata=model.metadata,
        sample_rate=model.sample_rate,
        num_parameters=model.num_parameters,
        receptive_field=model.receptive_field,
        latency_samples=model.latency_samples,
        sizes=model.sizes,
        parameters=model.parameters,
        layers=model.layers,
        expected_loudness_db=model.metadata.loudness_db,
        measured_loudness_db=_rms_db(wet),
        gain_db=_rms_db(wet) - _rms_db(guitar),
        peak_db=_db(peak),
        dc_offset=offset,
        silence_db=_rms_db(silence - offset),
        burst_peak_db=_db(float(np.abs(burst).max())),
        settles=bool(np.abs(after - offset).max() <= 1e-3 * max(1.0, float(np.abs(burst).max()))),
        self_test_error=None if model.self_test is None else model.self_test.max_error,
        ns_per_sample=ns_per_sample,
        times_real_time=1e9 / rate / ns_per_sample,
        compat=readings,
    )
    findings = (*_findings(report, model, wet, unstable=unstable), *_sizes(model, guitar, rate, _rms_db(wet)))
    return dataclasses.replace(report, findings=findings, status="suspicious" if findings else "sound")


def _findings(report: Report, model: Model, wet: Audio, *, unstable: bool) -> Iterable[Finding]:
    """Return what is wrong with a model, or seems so."""
    assert report.gain_db is not None
    assert report.dc_offset is not None
    assert report.silence_db is not None
    if unstable:
        yield Finding(
            "non_finite", "what the network gives is not always a number: the model falls silent then"
        )
    if not report.settles:
        yield Finding("unstable", "after a loud burst, silence does not sound as before")
    if report.gain_db == -math.inf or float(np.ptp(wet)) < 1e-6:
        yield Finding("mute", "nothing comes out, whatever is played")
    elif not MIN_GAIN_DB <= report.gain_db <= MAX_GAIN_DB:
        yield Finding(
            "gain", f"the gain is far off: the output is {report.gain_db:+.0f} dB against the guitar"
        )
    if max(report.silence_db, _db(abs(report.dc_offset))) > MAX_SILENCE_DB:
        level = f"{_db(math.hypot(report.dc_offset, 10 ** (report.silence_db / 20))):.0f} dB"
        yield Finding("loud_in_silence", f"silence does not come out silent, but at {level}")
    expected, measured = report.expected_loudness_db, report.measured_loudness_db
    if expected is not None and measured is not None and abs(expected - measured) > MAX_LOUDNESS_DB:
        message = f"the file says a loudness of {expected:.1f} dB, a guitar gives {measured:.1f} dB"
        yield Finding("loudness", message)
    if model.architecture == "Linear" and _ends_late(model):
        message = "the taps are probably in reverse: most energy is at the end (--compat reverse_linear_taps)"
        yield Finding("reverse_taps", message, "weights")
    if model.self_test is not None and not model.self_test.passed:
        message = f"the model is {model.self_test.max_error:.2g} away from the recording in its file"
        yield Finding("self_test", message, "output_batch")
    for warning in model.metadata.warnings:
        yield Finding("warning", warning)


def _sizes(model: Model, guitar: Audio, rate: float, full_db: float) -> Iterable[Finding]:
    """Return which of the smaller sizes of a model are not as loud as the full one."""
    other = model.clone()
    for size in model.sizes[:-1]:
        other.quality = size
        level_db = _rms_db(other(guitar, rate))
        if not abs(level_db - full_db) <= MAX_SIZES_DB:
            message = f"the size from quality {size:g} gives {level_db:.1f} dB, the full one {full_db:.1f} dB"
            yield Finding("size", message)


def _ends_late(model: Model) -> bool:
    """Return whether an impulse response has most of its energy in its last third."""
    taps = model.receptive_field
    impulse = np.zeros(taps, np.float32)
    rest = model(impulse, model.sample_rate or 48_000)
    impulse[0] = 1
    energy = np.square(model(impulse, model.sample_rate or 48_000) - rest, dtype=np.float64)
    return taps > 8 and energy[-taps // 3 :].sum() > 0.5 * energy.sum()


def _guitar(sample_rate: float | None) -> tuple[Audio, float]:
    """Return some guitar at a usual level, at the model's rate: as notes, whatever their pitch is there."""
    audio, rate = read(example_audio("guitar"))
    audio = audio[: round(SECONDS * rate)]
    return (audio * 10 ** ((GUITAR_RMS_DB - _rms_db(audio)) / 20)).astype(np.float32), sample_rate or rate


def _speed(model: Model, audio: Audio, rate: float) -> float:
    """Return how long a sample takes on one core, in ns: the best of some runs."""
    best, end = math.inf, perf_counter_ns() + _MEASURING_NS
    audio = audio[: round(rate / 4)]
    while perf_counter_ns() < end or best == math.inf:
        start = perf_counter_ns()
        model.process(audio, rate)
        best = min(best, (perf_counter_ns() - start) / audio.size)
    return best


def _rms_db(audio: Audio) -> float:
    """Return the level of audio, in dB below full scale."""
    return _db(float(np.sqrt(np.square(audio, dtype=np.float64).mean())))


def _db(factor: float) -> float:
    """Return a factor in dB."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf if factor == 0 else math.nan


def _plain(value: Any) -> Any:  # noqa: ANN401  (anything that a report has)
    """Return a value as the json module can write it."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
