"""Circuits of three pedals as netlists, with the knobs that they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Knob:
    """A potentiometer, turned from 0 (fully anticlockwise) to 1."""

    taper: Literal["linear", "audio"]
    """How the wiper follows the knob: evenly, or slowly first, as pots for loudness do."""
    default: float
    """Where it stands when nobody turns it."""

    def wiper(self, turn: float) -> float:
        """Return the wiper's position on the track, 0 to 1.

        Parameters
        ----------
        turn : float [range=[0, 1]]
            How far the knob is turned.

        Examples
        --------
        >>> Knob("audio", default=0.5).wiper(0.5)  # a tenth of the track at half a turn
        0.1
        """
        if self.taper == "linear":
            return turn
        return float((81.0**turn - 1) / 80)


@dataclass(frozen=True)
class Circuit:
    """A circuit between the nodes ``in`` and ``out``, 1 V at either being full scale."""

    name: str
    """What the command line calls it."""
    knobs: Mapping[str, Knob]
    """Its knobs by name; ``drive`` sets the amount of distortion."""

    def netlist(self, **turns: float) -> str:
        """Return the circuit as ngspice reads it, without source and analysis.

        Parameters
        ----------
        **turns : float [range=[0, 1]]
            How far each knob is turned; those that are not named stand at their default.

        Raises
        ------
        ValueError
            If the circuit has no such knob, or it does not turn so far.

        Examples
        --------
        >>> print(CIRCUITS["fuzz"].netlist(drive=1.0).splitlines()[0])
        .param drive=1
        """
        for name, turn in turns.items():
            if name not in self.knobs:
                msg = f"the {self.name} has no knob {name!r}, but {', '.join(self.knobs)}"
                raise ValueError(msg)
            if not 0 <= turn <= 1:
                msg = f"expected {name} to be 0 to 1, got {turn}"
                raise ValueError(msg)
        wipers = {name: knob.wiper(turns.get(name, knob.default)) for name, knob in self.knobs.items()}
        parameters = [f".param {name}={wiper:.9g}" for name, wiper in wipers.items()]
        files = [(_FOLDER / f"{part}.cir").read_text(encoding="utf-8") for part in (self.name, "parts")]
        return "\n".join(parameters + files)


CIRCUITS: Final[Mapping[str, Circuit]] = {
    circuit.name: circuit
    for circuit in (
        Circuit(
            "overdrive",
            {"drive": Knob("audio", 0.5), "tone": Knob("linear", 0.5), "level": Knob("audio", 1.0)},
        ),
        Circuit(
            "distortion",
            {"drive": Knob("audio", 0.5), "filter": Knob("audio", 0.5), "level": Knob("audio", 1.0)},
        ),
        Circuit("fuzz", {"drive": Knob("linear", 0.8), "level": Knob("audio", 1.0)}),
    )
}
"""The circuits, by name: ``overdrive``, ``distortion`` and ``fuzz``."""
