"""What is to be rendered: the product of inputs, models and settings, or what a list says, one at a time."""

import csv
import dataclasses
import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import has_magic
from itertools import islice, product
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from neural_distortion._extra import needs
from neural_distortion._typing import PathLike

MODELS_AT_A_TIME = 32
"""Models that an input goes through before the next: a worker keeps as many, and reads neither twice."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How everything is rendered, unless a list says otherwise.

    Attributes
    ----------
    gains_db : tuple of float
        Gains before the model, in dB: how hard it is driven. There is an output for each.
    level_db : float
        Gain after the model, in dB.
    parameters : mapping of str to tuple of float
        Knobs by their names; there is an output for each combination.
    jitter_db : float
        By how much each gain is changed at random, up and down, in dB.
    seed : int
        What that is drawn from, together with the name of the output.
    quality : float
        Size of the models, from 0 (smallest) to 1 (full).
    anti_aliasing, math, compat, instruction_set
        As for :func:`neural_distortion.load`.
    format : str
        What is written: ``"wav"``, ``"flac"``, ….
    subtype : str, optional
        How samples are stored, as for :func:`neural_distortion.write`.
    segment_s : float, optional
        The length, in seconds, of the pieces that an output is cut into; together they are the whole.
    """

    gains_db: tuple[float, ...] = (0.0,)
    level_db: float = 0.0
    parameters: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    jitter_db: float = 0.0
    seed: int = 0
    quality: float = 1.0
    anti_aliasing: str = "off"
    math: str = "exact"
    compat: tuple[str, ...] = ()
    instruction_set: str | None = None
    format: str = "wav"
    subtype: str | None = None
    segment_s: float | None = None

    def __post_init__(self) -> None:
        if self.segment_s is not None and not self.segment_s > 0:
            msg = f"segment_s={self.segment_s!r} is not a positive number of seconds"
            raise ValueError(msg)
        if not 0 <= self.quality <= 1:
            msg = f"quality={self.quality!r} is not from 0 (smallest) to 1 (full)"
            raise ValueError(msg)
        if not self.gains_db or not all(self.parameters.values()):
            msg = "there is nothing to render without a gain, or with a parameter that has no setting"
            raise ValueError(msg)

    @property
    def variants(self) -> int:
        """How many outputs there are of an input through a model, if they are not cut."""
        return math.prod([len(self.gains_db), *map(len, self.parameters.values())])


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One input through one model, at one setting: what a worker does at a time.

    Attributes
    ----------
    name : str
        Of the output, without suffix and number, from the folder of outputs.
    input, model : str
        Their files.
    gain_db, level_db, parameters, seed
        As a :class:`~neural_distortion.batch.Row` has them.
    """

    name: str
    input: str
    model: str
    gain_db: float
    level_db: float
    parameters: Mapping[str, float]
    seed: int


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Items that are made one by one, and how many there will be."""

    total: int
    items: Callable[[], Iterator[Item]]


def planned(
    inputs: PathLike | Iterable[PathLike],
    models: PathLike | Iterable[PathLike],
    settings: Settings,
    out: Path,
) -> Plan:
    """Return every input through every model at every setting; what a pattern finds in ``out`` is none."""
    sources, captures = Files.find(inputs, "input", out), Files.find(models, "model", out)

    def items() -> Iterator[Item]:
        remaining = iter(captures.paths)
        while group := list(islice(remaining, MODELS_AT_A_TIME)):
            for source, model in product(sources.paths, group):
                yield from _items(source, model, f"{captures.name(model)}/{sources.name(source)}", settings)

    return Plan(len(sources.paths) * len(captures.paths) * settings.variants, items)


def _items(source: str, model: str, name: str, settings: Settings) -> Iterator[Item]:
    """Yield an input through a model at every setting."""
    knobs = settings.parameters
    for gain_db, *values in product(settings.gains_db, *knobs.values()):
        parameters = dict(zip(knobs, values, strict=True))
        own = name + _suffix(gain_db, parameters)
        yield Item(
            name=own,
            input=source,
            model=model,
            gain_db=_drawn(gain_db, own, settings),
            level_db=settings.level_db,
            parameters=parameters,
            seed=settings.seed,
        )


def _suffix(gain_db: float, parameters: Mapping[str, float]) -> str:
    """Return what tells the settings of an input apart; nothing for the usual one."""
    gain = f"_{gain_db:+g}dB" if gain_db else ""
    return gain + "".join(f"_{name.replace('/', '-')}={value:g}" for name, value in parameters.items())


def _drawn(gain_db: float, name: str, settings: Settings) -> float:
    """Return a gain with its random part, which depends on the seed and the name alone."""
    if not settings.jitter_db:
        return gain_db
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    random = np.random.default_rng([settings.seed, *words])
    return gain_db + float(random.uniform(-settings.jitter_db, settings.jitter_db))


@dataclasses.dataclass(frozen=True, slots=True)
class Files:
    """Files in order, and what outputs are called by them: their paths from a folder, without suffix."""

    base: str
    paths: Sequence[str]

    @classmethod
    def find(cls, wanted: PathLike | Iterable[PathLike], kind: str, out: Path) -> "Files":
        """Return the files that a pattern matches outside of ``out``, or those of a list; no folders."""
        if isinstance(wanted, str | os.PathLike):
            base, paths = _matches(Path(wanted), out)
        else:
            paths = [os.path.abspath(path) for path in wanted]  # noqa: PTH100 (a million of them)
            folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120
            base = os.path.commonpath(folders) if folders else ""
        if not paths:
            msg = f"no {kind}: nothing matches {wanted}" if base else f"no {kind} is given"
            raise ValueError(msg)
        found = cls(base, paths)
        name, count = Counter(map(found.name, paths)).most_common(1)[0]
        if count > 1:
            msg = f"{count} {kind}s would give outputs of one name: {name}"
            raise ValueError(msg)
        return found

    def name(self, path: str) -> str:
        """Return what outputs are called by the file."""
        return PurePath(os.path.splitext(path)[0]).relative_to(self.base).as_posix()  # noqa: PTH122


def _matches(pattern: Path, out: Path) -> tuple[str, list[str]]:
    """Return the folder that a pattern starts from, and what it matches outside of ``out``, in order."""
    parts = pattern.parts
    fixed = next((n for n, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    base = Path(*parts[:fixed]).absolute()
    inside = os.path.join(out.absolute(), "")  # noqa: PTH118  (a folder ends in a separator there)
    found = (path for path in base.glob(str(Path(*parts[fixed:]))) if path.is_file())
    return str(base), sorted(path for path in map(str, found) if not path.startswith(inside))


LISTED = ("input", "model", "output", "gain_db", "level_db", "parameters", "seed")
"""The columns that a list can have."""


def listed(rows: PathLike | Iterable[Mapping[str, Any]], settings: Settings) -> Plan:
    """Return what a list says: a file of CSV, of a JSON object a line, or Parquet; or rows themselves."""
    if isinstance(rows, str | os.PathLike):
        folder, read = Path(rows).absolute().parent, _reader(Path(rows))
    else:
        folder, read = Path.cwd(), list(rows).__iter__
    total = sum(_own(row, number, settings).variants for number, row in enumerate(read(), 1))
    if not total:
        msg = f"nothing is in {rows}"
        raise ValueError(msg)

    def items() -> Iterator[Item]:
        for number, row in enumerate(read(), 1):
            own = _own(row, number, settings)
            source, model = (os.path.abspath(folder / row[name]) for name in ("input", "model"))  # noqa: PTH100
            name = f"{PurePath(model).stem}/{PurePath(source).stem}"
            if row.get("output"):
                name = PurePath(row["output"]).with_suffix("").as_posix()
            found = list(_items(source, model, name, own))
            if row.get("output") and len(found) == 1:
                found = [dataclasses.replace(found[0], name=name)]
            yield from found

    return Plan(total, items)


def _own(row: Mapping[str, Any], number: int, settings: Settings) -> Settings:
    """Return the settings of a row of a list, whose empty columns say nothing; refuse what nobody knows."""
    told = {name: value for name, value in row.items() if value not in (None, "")}
    unknown = [str(name) for name in told if name not in LISTED]
    missing = [name for name in ("input", "model") if name not in told]
    if missing or unknown:
        what = f"no {missing[0]}" if missing else f"{unknown[0]!r}, which is none of {', '.join(LISTED)}"
        msg = f"row {number} of the list has {what}"
        raise ValueError(msg)
    changes: dict[str, Any] = {}
    try:
        if "gain_db" in told:
            changes["gains_db"] = (float(told["gain_db"]),)
        if "level_db" in told:
            changes["level_db"] = float(told["level_db"])
        if "seed" in told:
            changes["seed"] = int(told["seed"])
        if "parameters" in told:
            given = told["parameters"]
            knobs = json.loads(given) if isinstance(given, str) else given
            changes["parameters"] = {str(name): (float(value),) for name, value in knobs.items()}
    except (TypeError, ValueError, AttributeError) as error:
        msg = f"row {number} of the list: {error}"
        raise ValueError(msg) from None
    return dataclasses.replace(settings, **changes)


def _reader(path: Path) -> Callable[[], Iterator[Mapping[str, Any]]]:
    """Return what reads the rows of a file, from the start, one at a time."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl", ".parquet"):
        msg = f"{path}: a list is a file of .csv, .jsonl or .parquet"
        raise ValueError(msg)

    def lines() -> Iterator[Mapping[str, Any]]:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if suffix == ".csv":
                yield from csv.DictReader(file)
                return
            for number, line in enumerate(file, 1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    msg = f"{path}, line {number}: {error}"
                    raise ValueError(msg) from None

    def groups() -> Iterator[Mapping[str, Any]]:
        needs("pyarrow", "cluster", "a list in Parquet")
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            for group in file.iter_batches(batch_size=1024):
                yield from group.to_pylist()

    return groups if suffix == ".parquet" else lines
