"""What every measurement returns: numbers with names, a picture, and both together for a notebook."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Result(ABC):
    """A measurement. Its fields say in their names which units they are in."""

    title: ClassVar[str]
    size: ClassVar[tuple[float, float]] = (7.0, 3.9)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain Python objects that the json module can write.

        Arrays become lists, and numbers that are not finite None; audio and pictures are left out.
        """
        if not dataclasses.is_dataclass(self):
            msg = f"{type(self).__name__} is not a dataclass"
            raise TypeError(msg)
        fields = [field for field in dataclasses.fields(self) if "bulk" not in field.metadata]
        return {field.name: _plain(getattr(self, field.name)) for field in fields}

    def summary(self) -> dict[str, str]:
        """Return the few numbers that matter most, ready to be read."""
        return self._summary()

    def plot(self, ax: "Axes | None" = None, *, dark: bool = False) -> "Axes":
        """Draw the measurement.

        Parameters
        ----------
        ax : Axes, optional
            Where to; by default a new figure of pyplot's, which is not shown.
        dark : bool
            Whether a new figure is for a dark background. Given axes are drawn on as they are.
        """
        from neural_distortion.analysis.figure import drawing

        with drawing(ax, dark=dark, title=self.title, size=self.size) as axes:
            self._draw(axes)
        return axes

    def svg(self) -> str:
        """Return the picture as an SVG element, whose colours follow the page that it is put into."""
        from neural_distortion.analysis import figure

        return figure.svg(self.plot, self.size)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {', '.join(f'{key} {value}' for key, value in self.summary().items())}>"
        )

    def _repr_html_(self) -> str:
        from neural_distortion.analysis import figure

        heading = f"<b>{escape(self.title)}</b>"
        return f"<div style='{figure.NOTEBOOK}'>{heading}{table(self.summary())}{self.svg()}</div>"

    @abstractmethod
    def _summary(self) -> dict[str, str]:
        """Return what :meth:`summary` does."""

    @abstractmethod
    def _draw(self, axes: "Axes") -> None:
        """Draw on axes, while the project's style is in force."""


BULK: Final = {"bulk": True}
"""Marks a field of audio or of a picture, which :meth:`Result.to_dict` leaves out."""


def table(rows: Mapping[str, str]) -> str:
    """Return names and values as an HTML table."""
    cells = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{cells}</table>"


def _plain(value: object) -> object:
    """Return a value in the types of JSON."""
    match value:
        case Result():
            return value.to_dict()
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case float():
            return value if np.isfinite(value) else None
        case list() | tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return value
