"""What was rendered, on disk from one moment to the next: it survives the end of everything else."""

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from neural_distortion._extra import needs
from neural_distortion._typing import PathLike
from neural_distortion.batch.item import Rows
from neural_distortion.batch.row import COLUMNS, Row

if TYPE_CHECKING:
    import pandas

FILE = "renders.sqlite"
"""What it is called, in the folder of outputs."""

_ROWS_AT_A_TIME = 4096
"""Of a Parquet file in memory."""

_TABLE = """
create table if not exists renders(
    item text, segment integer, first integer, last integer, status text, row text, primary key(item, segment)
) without rowid
"""


_OF_RUN = ":run between first and last"
"""What a run asked for, a later one may have asked for, too."""


class Journal:
    """The rows of a folder of outputs; one process at a time writes them.

    Those of an item come at once. Should there be no room for them, they are held in memory.

    Raises
    ------
    ValueError
        If another process is at work in the folder.
    OSError
        If the file cannot be made or read.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / FILE
        self._held: dict[str, Rows] = {}
        self._connection = sqlite3.connect(self._path, timeout=0)
        try:
            # Exclusive, it needs no shared memory, which disks in a network do not have; what is written is
            # there when this process is killed, and what a power failure takes away is rendered again.
            for line in ("locking_mode=exclusive", "journal_mode=wal", "synchronous=normal"):
                self._connection.execute(f"pragma {line}")
            self._connection.execute(_TABLE)
            (last,) = self._connection.execute("select coalesce(max(last), 0) from renders").fetchone()
        except sqlite3.Error as error:
            self._connection.close()
            if "locked" in str(error):
                msg = f"{out}: another process is rendering to this folder"
                raise ValueError(msg) from None
            msg = f"{self._path}: {error}"
            raise OSError(msg) from None
        self.run = int(last) + 1

    def recorded(self, item: str) -> Rows:
        """Return the rows of an item that was rendered; none if it was not, or not without an error.

        Raises
        ------
        ValueError
            If it is of this run.
        """
        query = "select last, status, row from renders where item = ? order by segment"
        found = self._connection.execute(query, (item,)).fetchall()
        if item in self._held or any(last == self.run for last, *_ in found):
            msg = f"{item} would be rendered twice"
            raise ValueError(msg)
        return tuple(Row.from_json(text) for _, status, text in found if status == "done")

    def put(self, item: str, rows: Rows) -> None:
        """Write the rows of an item in the place of older ones."""
        try:
            with self._connection as connection:
                query = "select coalesce(min(first), ?) from renders where item = ?"
                (first,) = connection.execute(query, (self.run, item)).fetchone()
                connection.execute("delete from renders where item = ?", (item,))
                connection.executemany(
                    "insert into renders values (?, ?, ?, ?, ?, ?)",
                    [(item, row.segment, first, self.run, row.status, row.to_json()) for row in rows],
                )
        except sqlite3.OperationalError:
            self._held[item] = rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._held = self._held, {}
        for item, rows in held.items():  # what was in the way may be gone
            self.put(item, rows)
        with suppress(sqlite3.OperationalError):
            self._connection.execute("pragma journal_mode=delete")
        self._connection.close()

    def results(self) -> "Results":
        """Return the rows of this run, once the journal is closed."""
        return Results(self._path, self.run, tuple(chain.from_iterable(self._held.values())))


class Results:
    """The rows of a run, in the order of their names; they are read as they are asked for.

    Iterating yields a :class:`~neural_distortion.batch.Row` for each output, and for each input that failed.
    """

    def __init__(self, path: Path, run: int, held: Rows = ()) -> None:
        self._path = path
        self._run = run
        self._held = held

    @property
    def out(self) -> Path:
        """The folder of the outputs."""
        return self._path.parent

    def __iter__(self) -> Iterator[Row]:
        query = f"select row from renders where {_OF_RUN} order by item, segment"
        with closing(sqlite3.connect(self._path)) as connection:
            for (text,) in connection.execute(query, {"run": self._run}):
                yield Row.from_json(text)
        yield from self._held

    def __len__(self) -> int:
        return self._count("done") + self._count("failed")

    def _count(self, status: str) -> int:
        query = f"select count(*) from renders where {_OF_RUN} and status = :status"
        with closing(sqlite3.connect(self._path)) as connection:
            (count,) = connection.execute(query, {"run": self._run, "status": status}).fetchone()
        return int(count) + sum(row.status == status for row in self._held)

    @property
    def failures(self) -> list[Row]:
        """The rows of what failed."""
        return [row for row in self if row.status == "failed"]

    def __repr__(self) -> str:
        return f"<Results {self._count('done')} done, {self._count('failed')} failed, in {self.out}>"

    def to_pandas(self) -> "pandas.DataFrame":
        """Return all rows as a table, in which the parameters are JSON.

        Raises
        ------
        MissingExtra
            If pandas is not installed: ``pip install 'neural-distortion[cluster]'``.
        """
        pandas = needs("pandas", "cluster", "a table of results")
        return pandas.DataFrame([row.flat() for row in self], columns=list(COLUMNS))

    def write(self, path: PathLike) -> None:
        """Write the rows as a manifest, which appears under its name when it is complete.

        Parameters
        ----------
        path : path-like
            ``.csv``, ``.jsonl`` (a JSON object a line) or ``.parquet``, which needs the extra ``cluster``.

        Raises
        ------
        ValueError
            If the suffix is another one.
        OSError
            If it cannot be written.
        """
        target = Path(path)
        write = writer(target)
        partial = target.with_name(f".{target.name}.partial")
        try:
            write(partial, self)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def writer(path: Path) -> Callable[[Path, Iterable[Row]], None]:
    """Return what writes a manifest of the format that a suffix stands for, or say why nothing does."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        needs("pyarrow", "cluster", "a manifest in Parquet")
        return _write_parquet
    if suffix in (".csv", ".jsonl"):
        return _write_csv if suffix == ".csv" else _write_jsonl
    msg = f"{path}: a manifest is a file of .csv, .jsonl or .parquet"
    raise ValueError(msg)


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row.flat() for row in rows)


def _write_jsonl(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{row.to_json()}\n" for row in rows)


def _write_parquet(path: Path, rows: Iterable[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    arrow = {float: pa.float64(), int: pa.int64(), str: pa.string()}
    schema = pa.schema([(name, arrow[kind]) for name, kind in COLUMNS.items()])
    rows = iter(rows)
    with parquet.ParquetWriter(path, schema) as table:
        while group := [row.flat() for row in islice(rows, _ROWS_AT_A_TIME)]:
            table.write_table(pa.Table.from_pylist(group, schema))
