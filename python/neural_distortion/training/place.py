"""A value within a document, which knows where it stands, so that what is wrong with it can be found."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

from neural_distortion._extra import needs

_DEPTH = 8
"""How far down lines are looked for: deeper than any plan goes."""

_SHOWN = 60
"""Characters of a value in a message."""


class PlanError(ValueError):
    """A plan that cannot be followed.

    Attributes
    ----------
    place : str
        Where, ``"recordings[1].wet"``; empty for the whole.
    expected, found : str
        What has to be there, and what is.
    document : str
        What the plan is called: its file, or ``"plan"``.
    line : int or None
        The line in the file, counted from 1.
    """

    def __init__(self, *, place: str, expected: str, found: str, document: str, line: int | None) -> None:
        self.place, self.expected, self.found = place, expected, found
        self.document, self.line = document, line
        where = document if line is None else f"{document}, line {line}"
        super().__init__(f"{', '.join(filter(None, (where, place)))}: expected {expected}, found {found}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A value of a document.

    Attributes
    ----------
    value
        What stands there.
    path : str
        Where, ``"recordings[1].wet"``.
    document : str
        What the document is called.
    lines : mapping of str to int
        The lines of all paths, where the document is a file.
    """

    value: Any
    path: str = ""
    document: str = "plan"
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML file."""
        yaml = needs("yaml", "cluster", "reading a plan")
        text = path.read_bytes()
        try:
            value, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else None
            found = str(getattr(error, "problem", None) or error)
            raise PlanError(place="", expected="YAML", found=found, document=str(path), line=line) from None
        lines: dict[str, int] = {}
        for at, line in _lines(node, "", 1) if node else ():
            if at in lines:
                expected = f"it once, after line {lines[at]}"
                raise PlanError(place=at, expected=expected, found="it again", document=str(path), line=line)
            lines[at] = line
        return cls(value=value, document=str(path), lines=lines)

    def refuse(self, expected: str, found: str | None = None) -> NoReturn:
        """Say that something else stands here than was expected."""
        raise PlanError(
            place=self.path,
            expected=expected,
            found=_shown(self.value) if found is None else found,
            document=self.document,
            line=self.lines.get(self.path),
        )

    def _at(self, key: str | int, value: object) -> Self:
        path = _joined(self.path, key)
        return type(self)(value=value, path=path, document=self.document, lines=self.lines)

    def fields(self, allowed: Sequence[str], required: Sequence[str] = ()) -> dict[str, Self]:
        """Return the fields of a mapping; those of none are left out."""
        if not isinstance(self.value, Mapping):
            self.refuse(f"a mapping with {', '.join(required or allowed)}")
        for key, value in self.value.items():
            if key not in allowed:
                self._at(str(key), value).refuse(f"one of {', '.join(allowed)}", repr(key))
        for key in required:
            if self.value.get(key) is None:
                self.refuse(f"a {key}", "none")
        return {key: self._at(key, value) for key, value in self.value.items() if value is not None}

    def entries(self, meaning: str) -> dict[str, Self]:
        """Return the entries of a mapping whose keys are free."""
        if not isinstance(self.value, Mapping) or not self.value:
            self.refuse(meaning)
        return {str(key): self._at(str(key), value) for key, value in self.value.items()}

    def items(self, meaning: str) -> list[Self]:
        """Return the items of a list, of which there is one at least."""
        if not isinstance(self.value, Sequence) or isinstance(self.value, str) or not self.value:
            self.refuse(f"a list of {meaning}")
        return [self._at(index, value) for index, value in enumerate(self.value)]

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("a text")
        return str(self.value)

    def choice(self, options: Sequence[str]) -> str:
        """Return one of several texts."""
        if self.value not in options:
            self.refuse(f"one of {', '.join(options)}")
        return str(self.value)

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            self.refuse("true or false")
        return bool(self.value)

    def whole(self, least: int) -> int:
        """Return a whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least:
            self.refuse(f"a whole number of {least} or more")
        return int(self.value)

    def number(self, meaning: str, low: float, high: float, *, above: bool = False) -> float:
        """Return a number within bounds, the lower of which may be left out."""
        value = self.value
        if isinstance(value, str):  # YAML takes 1e-3, without a point, for a text
            with suppress(ValueError):
                value = float(value)
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.refuse(meaning)
        if not low <= value <= high or (above and value == low):
            self.refuse(meaning)
        return float(value)

    def file(self, folder: Path) -> Path:
        """Return the path of a file that exists."""
        path = folder / Path(self.text()).expanduser()
        if not path.is_file():
            self.refuse("a file", f"none at {path}")
        return path


def _lines(node: Any, path: str, line: int, depth: int = 0) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - of YAML
    """Yield where each value stands; one that is given twice comes twice."""
    yield path, line
    if depth < _DEPTH and node.id == "mapping":
        for key, value in node.value:
            yield from _lines(value, _joined(path, str(key.value)), key.start_mark.line + 1, depth + 1)
    elif depth < _DEPTH and node.id == "sequence":
        for index, item in enumerate(node.value):
            yield from _lines(item, _joined(path, index), item.start_mark.line + 1, depth + 1)


def _joined(path: str, key: str | int) -> str:
    """Return the path of what is within another."""
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".removeprefix(".")


def _shown(value: object) -> str:
    """Return a value as far as it takes to know it again."""
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
