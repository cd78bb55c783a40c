"""From inputs, models and settings to outputs and their manifest."""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from neural_distortion._typing import PathLike
from neural_distortion.batch import pool
from neural_distortion.batch.item import UNFINISHED, Rows, failed
from neural_distortion.batch.journal import Journal, Results, writer
from neural_distortion.batch.plan import Item, Plan, Settings, listed, planned


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done, failed, kept : int
        Items, an input through a model at a setting, that are rendered, that failed, and that were there
        already.
    total : int
        How many there are in all.
    rows : tuple of Row
        What came last.
    """

    done: int
    failed: int
    kept: int
    total: int
    rows: Rows = ()


def render(
    inputs: PathLike | Iterable[PathLike],
    models: PathLike | Iterable[PathLike],
    out: PathLike,
    *,
    gains_db: Sequence[float] = (0.0,),
    parameters: Mapping[str, Sequence[float]] | None = None,
    manifest: PathLike | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,  # noqa: ANN401  (those of Settings)
) -> Results:
    """Render every input through every model at every setting.

    An input of any length is streamed: a worker needs no more memory for it. What is at fault with one is in
    its row, and the others go on. Killed, the same call goes on where it was: an output is left as it is if
    it was recorded as the same work, from files of the same content, and still has the bytes that were
    written. Outputs appear under their names when they are complete.

    The name of an output is ``MODEL/INPUT``, as both are called from the folder where the search for them
    begins, with the gain (unless it is 0 dB), the parameters and the number of the segment behind it.

    Parameters
    ----------
    inputs, models : path-like, or iterable of path-like
        A pattern, such as ``"di/**/*.flac"``, which finds nothing in ``out``; or files.
    out : path-like
        The folder of the outputs; it is made. The workers of a cluster must see it, the inputs and the models
        at the same places.
    gains_db : sequence of float
        Gains before the model, in dB; there is an output for each.
    parameters : mapping of str to sequence of float, optional
        Settings of knobs, by the names of these; there is an output for each combination.
    manifest : path-like, optional
        Where a table of the results goes: ``.csv``, ``.jsonl`` or ``.parquet``.
    workers : int > 0, optional
        Threads; by default, as many as there are cores. Not for a cluster.
    cluster : str, optional
        The address of a Ray cluster, or ``"auto"``: the one that this machine is part of, else one on this
        machine alone.
    on_progress : callable, optional
        Called with a :class:`Progress` at the start and after each item.
    **settings
        The other fields of :class:`Settings`.

    Returns
    -------
    results : Results
        A row for each output.

    Raises
    ------
    ValueError
        If nothing matches, two outputs would have one name, a setting makes no sense, or another process is
        at work in the folder.
    OSError
        If the folder cannot be written to.
    MissingExtra
        If Ray, or pyarrow for Parquet, is needed and not installed.
    """
    chosen = Settings(
        gains_db=tuple(gains_db),
        parameters={name: tuple(values) for name, values in (parameters or {}).items()},
        **settings,
    )
    plan = planned(inputs, models, chosen, Path(out))
    return _run(plan, Path(out), chosen, manifest, workers, cluster, on_progress)


def render_listed(
    rows: PathLike | Iterable[Mapping[str, Any]],
    out: PathLike,
    *,
    gains_db: Sequence[float] = (0.0,),
    parameters: Mapping[str, Sequence[float]] | None = None,
    manifest: PathLike | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,  # noqa: ANN401  (those of Settings)
) -> Results:
    """Render what a list says.

    Parameters
    ----------
    rows : path-like, or iterable of mapping
        Rows with an ``input`` and a ``model``, files seen from the folder of the list; and, where it is to be
        another than for all, with ``output`` (a name in the folder of outputs, the suffix of which does not
        count), ``gain_db``, ``level_db``, ``parameters`` (a mapping, or JSON) and ``seed``. A file is
        ``.csv``, ``.jsonl`` or ``.parquet``.
    out, gains_db, parameters, manifest, workers, cluster, on_progress, **settings
        As for :func:`render`.

    Returns
    -------
    results : Results
        A row for each output.

    Raises
    ------
    ValueError, OSError, MissingExtra
        As for :func:`render`; also if a row lacks a column, or has one that means nothing.
    """
    chosen = Settings(
        gains_db=tuple(gains_db),
        parameters={name: tuple(values) for name, values in (parameters or {}).items()},
        **settings,
    )
    return _run(listed(rows, chosen), Path(out), chosen, manifest, workers, cluster, on_progress)


def _run(
    plan: Plan,
    out: Path,
    settings: Settings,
    manifest: PathLike | None,
    workers: int | None,
    cluster: str | None,
    on_progress: Callable[[Progress], None] | None,
) -> Results:
    """Render a plan."""
    _check_format(settings)
    if manifest is not None:
        writer(Path(manifest))
    if workers is not None and (workers < 1 or cluster is not None):
        msg = f"workers={workers!r}: expected a positive number, and none for a cluster, which has its own"
        raise ValueError(msg)
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    with Journal(out) as journal:
        unfinished = out / UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(exist_ok=True)
        working = (
            pool.threads(workers, str(out), settings)
            if cluster is None
            else pool.cluster(cluster, str(out), settings)
        )
        with working as (submit, count):
            _work(plan, journal, submit, count, settings, on_progress or (lambda _: None))
        shutil.rmtree(unfinished, ignore_errors=True)
    results = journal.results()
    if manifest is not None:
        results.write(manifest)
    return results


def _work(
    plan: Plan,
    journal: Journal,
    submit: pool.Submit,
    workers: int,
    settings: Settings,
    on_progress: Callable[[Progress], None],
) -> None:
    """Do all items of a plan."""
    begun: set[str] = set()

    def jobs() -> Iterator[tuple[Item, Rows]]:
        for item in plan.items():
            if item.name in begun:
                msg = f"{item.name} would be rendered twice"
                raise ValueError(msg)
            begun.add(item.name)
            yield item, journal.recorded(item.name)

    progress = Progress(0, 0, 0, plan.total)
    on_progress(progress)
    for item, future in pool.in_order_of_completion(jobs(), submit, workers):
        try:
            rows, kept = future.result()
        except Exception as error:  # a worker that was killed again and again
            rows, kept = (failed(item, settings, error),), False
        journal.put(item.name, rows)
        begun.remove(item.name)
        bad = rows[0].status == "failed"
        progress = Progress(
            progress.done + (not bad and not kept),
            progress.failed + bad,
            progress.kept + kept,
            plan.total,
            rows,
        )
        on_progress(progress)


def _check_format(settings: Settings) -> None:
    """Refuse a format that no output could have, before there are a million of them."""
    kind, subtype = settings.format.upper(), settings.subtype
    if kind not in soundfile.available_formats():
        msg = f"format={settings.format!r} is no audio format; wav, flac, ogg, mp3 and aiff are"
        raise ValueError(msg)
    if subtype is not None and not soundfile.check_format(kind, subtype):
        known = ", ".join(soundfile.available_subtypes(kind))
        msg = f"subtype={subtype!r} is none of {settings.format}: expected {known}"
        raise ValueError(msg)
