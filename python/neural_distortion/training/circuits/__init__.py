"""Wet recordings of three pedals from their schematics, by way of ngspice.

`CIRCUITS` has an overdrive, a distortion and a fuzz, `simulate` plays audio through one of them.

>>> sorted(CIRCUITS)
['distortion', 'fuzz', 'overdrive']
"""

from neural_distortion.training.circuits.circuit import CIRCUITS, Circuit, Knob
from neural_distortion.training.circuits.simulation import SEAM_TOLERANCE, SIMULATION_RATE, simulate

__all__ = ["CIRCUITS", "SEAM_TOLERANCE", "SIMULATION_RATE", "Circuit", "Knob", "simulate"]
