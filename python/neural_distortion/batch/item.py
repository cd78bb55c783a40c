"""One item rendered: an input through a model, streamed, so that its length does not matter."""

import dataclasses
import hashlib
import json
import math
import os
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from neural_distortion import _native
from neural_distortion._typing import Audio
from neural_distortion.batch.plan import MODELS_AT_A_TIME, Item, Settings
from neural_distortion.batch.row import COLUMNS, Row
from neural_distortion.io import Reader, Writer
from neural_distortion.model import Model, ModelError, load

BLOCK = 1 << 16
"""Frames in memory at a time."""

UNFINISHED = ".unfinished"
"""The folder, in that of outputs, of what is not yet whole."""

_UNKNOWN = 1 << 62
"""More frames than that has a file of which nobody knows how many it has."""

Rows: TypeAlias = tuple[Row, ...]


class Outcome(NamedTuple):
    """What came of an item: its rows, and whether they were true before."""

    rows: Rows
    kept: bool = False


class Stopped(Exception):
    """Nobody wants the output any more."""


def render_item(
    item: Item,
    recorded: Rows,
    out: str,
    settings: Settings,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Return the rows of an item: those ``recorded`` if they are true, or new ones once it is rendered.

    What goes wrong with the item is in a row. It is the same whichever thread or machine does it, and doing
    it twice changes nothing.
    """
    try:
        return _render(item, recorded, Path(out), settings, stopped)
    except Stopped:
        raise
    except Exception as error:  # the others go on
        return Outcome((failed(item, settings, error),))


def failed(item: Item, settings: Settings, error: BaseException) -> Row:
    """Return the row of an item that could not be rendered."""
    kind = type(error).__name__
    if isinstance(error, ModelError):
        kind = f"{kind}: {error.kind}"
    message = " ".join(str(error).split()) or kind
    return dataclasses.replace(_asked(item, settings), status="failed", error_kind=kind, error=message)


def _asked(item: Item, settings: Settings) -> Row:
    """Return the row of an item of which nothing is known yet."""
    return Row(
        output=item.name,
        input=item.input,
        model=item.model,
        gain_db=item.gain_db,
        level_db=item.level_db,
        parameters=item.parameters,
        quality=settings.quality,
        anti_aliasing=settings.anti_aliasing,
        math=settings.math,
        compat=",".join(settings.compat),
        instruction_set=settings.instruction_set,
        seed=item.seed,
        version=_native.__version__,
    )


def _render(
    item: Item, recorded: Rows, out: Path, settings: Settings, stopped: Callable[[], bool]
) -> Outcome:
    """Return what comes of an item, or raise what goes wrong."""
    model, model_sha256 = _model(item.model, settings)
    asked = dataclasses.replace(
        _asked(item, settings), input_sha256=_known_sha256(*_state(item.input)), model_sha256=model_sha256
    )
    recipe = _recipe(asked, settings)
    if recorded and all(row.recipe_sha256 == recipe and _is_whole(row, out) for row in recorded):
        return Outcome(recorded, kept=True)
    asked = dataclasses.replace(asked, recipe_sha256=recipe, instruction_set=model.instruction_set)
    rows: list[Row] = []
    try:
        with Reader(item.input) as reader:
            rows.extend(_segments(item, asked, model, reader, out, settings, stopped))
    except BaseException:
        for row in rows:
            (out / row.output).unlink(missing_ok=True)
        raise
    return Outcome(tuple(rows))


def _segments(
    item: Item,
    asked: Row,
    model: Model,
    reader: Reader,
    out: Path,
    settings: Settings,
    stopped: Callable[[], bool],
) -> Iterator[Row]:
    """Write the outputs of an item one after the other, and yield the row of each."""
    rate, channels = reader.sample_rate, reader.channels
    length = max(1, round(settings.segment_s * rate)) if settings.segment_s else sys.maxsize
    knobs = _knobs(model, item.parameters)
    gain, level = _factor(item.gain_db), _factor(item.level_db)
    heard: defaultdict[int, _native.Loudness] = defaultdict(lambda: _native.Loudness(rate, channels=channels))

    def dry() -> Iterator[Audio]:
        frames = 0
        for number, block in cut(reader.blocks(BLOCK), length):
            if stopped():
                raise Stopped
            audio = np.ascontiguousarray(gain * np.atleast_2d(block))
            heard[number].process(audio)
            frames += audio.shape[1]
            yield audio
        if frames == 0 or frames < reader.frames < _UNKNOWN:
            msg = f"{item.input}: there are {frames} frames of audio in it, of {reader.frames}"
            raise ValueError(msg)

    wet = cut(model.stream(dry(), rate, parameters=knobs), length)
    for number, pieces in groupby(wet, key=itemgetter(0)):
        suffix = f"_{number + 1:04d}" if settings.segment_s else ""
        row = dataclasses.replace(
            asked,
            output=f"{item.name}{suffix}.{settings.format}",
            segment=number + 1 if settings.segment_s else 0,
            start_s=number * length / rate if number else 0.0,
            sample_rate=rate,
            channels=channels,
        )
        unfinished = out / UNFINISHED / f"{uuid.uuid4()}.{settings.format}"
        target = out / row.output
        try:
            said = _write(
                (level * piece for _, piece in pieces),
                unfinished,
                (rate, channels, min(length, reader.frames)),
                settings.subtype,
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(target)
        except OSError as error:
            if error.filename == str(unfinished):  # which tells nobody anything
                error.filename = str(target)
            raise
        finally:
            unfinished.unlink(missing_ok=True)
        yield dataclasses.replace(row, loudness_in_lufs=_lufs(heard.pop(number)), **said)


def _write(
    pieces: Iterable[Audio], path: Path, size: tuple[int, int, int], subtype: str | None
) -> dict[str, Any]:
    """Write pieces of audio as a file, and return what there is to say of it."""
    rate, channels, frames = size
    loudness = _native.Loudness(rate, channels=channels)
    peak, written = 0.0, 0
    with Writer(path, rate, channels, frames=frames, subtype=subtype) as writer:
        for piece in pieces:
            audio = np.ascontiguousarray(piece)
            writer.write(audio)
            loudness.process(audio)
            peak = max(peak, float(audio.max()), -float(audio.min()))
            written += audio.shape[1]
    if not math.isfinite(peak):
        msg = "the output has samples that are no finite numbers: level_db is too high"
        raise ValueError(msg)
    return {
        "duration_s": written / rate,
        "peak": peak,
        "loudness_out_lufs": _lufs(loudness),
        "output_sha256": _sha256(path),
    }


def cut(pieces: Iterable[Audio], length: int) -> Iterator[tuple[int, Audio]]:
    """Yield pieces of audio, none of which goes over a multiple of ``length`` frames, and in which one it is.

    >>> [(number, part.size) for number, part in cut([np.zeros(5), np.zeros(2)], 3)]
    [(0, 3), (1, 2), (1, 1), (2, 1)]
    """
    position = 0
    for piece in pieces:
        rest = piece
        while rest.size:
            number, before = divmod(position, length)
            part, rest = rest[..., : length - before], rest[..., length - before :]
            position += part.shape[-1]
            yield number, part


def _knobs(model: Model, wanted: Mapping[str, float]) -> list[float] | None:
    """Return a setting for each knob of a model, of which ``wanted`` names some."""
    names = [knob.name for knob in model.parameters]
    for name in wanted:
        if name not in names:
            msg = f"the model has no knob called {name!r}: it has {', '.join(names) or 'none'}"
            raise ValueError(msg)
    return [wanted.get(knob.name, knob.default) for knob in model.parameters] if wanted else None


def _model(path: str, settings: Settings) -> tuple[Model, str]:
    """Return the model in a file, whose weights all threads of a process share, and the file's hash."""
    compiled = (settings.math, settings.compat, settings.instruction_set, settings.anti_aliasing)
    return _loaded(*_state(path), compiled, settings.quality)


@lru_cache(MODELS_AT_A_TIME)
def _loaded(
    path: str, _size: int, _changed: int, compiled: tuple[Any, ...], quality: float
) -> tuple[Model, str]:
    """Return the model in a file of some state, and its hash."""
    data = Path(path).read_bytes()
    how, compat, instruction_set, anti_aliasing = compiled
    model = load(data, math=how, compat=compat, instruction_set=instruction_set, anti_aliasing=anti_aliasing)
    model.quality = quality
    return model, hashlib.sha256(data).hexdigest()


def _state(path: str) -> tuple[str, int, int]:
    """Return a path with what changes when its file does."""
    found = os.stat(path)  # noqa: PTH116
    return path, found.st_size, found.st_mtime_ns


@lru_cache(1024)
def _known_sha256(path: str, _size: int, _changed: int) -> str:
    """Return the hash of a file of some state: it is looked at once for all models."""
    return _sha256(Path(path))


def _sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(row: Row, out: Path) -> bool:
    """Return whether an output is there, to the last bit."""
    try:
        return row.output_sha256 == _sha256(out / row.output)
    except OSError:
        return False


def _recipe(asked: Row, settings: Settings) -> str:
    """Return the hash of all that decides what is in the output."""
    told = {name: getattr(asked, name) for name in COLUMNS if name not in ("input", "model")}
    told |= {"format": settings.format, "subtype": settings.subtype, "segment_s": settings.segment_s}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _factor(gain_db: float) -> float:
    """Return the factor that a gain in dB stands for."""
    return float(10 ** (gain_db / 20))


def _lufs(meter: _native.Loudness) -> float | None:
    """Return what a meter shows, None for silence and for what is too short."""
    shown = meter.integrated
    return shown if shown is not None and math.isfinite(shown) else None
