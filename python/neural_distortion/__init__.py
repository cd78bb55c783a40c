"""Neural models of guitar distortion: load a capture, play through it, measure it, train it.

>>> import neural_distortion as nd
>>> model = nd.load(nd.example_model("overdrive"))
>>> dry, sample_rate = nd.read(nd.example_audio("guitar"))
>>> wet = model(dry, sample_rate)
>>> wet.shape == dry.shape
True

Audio is float32 and of shape ``(frames,)`` or ``(channels, frames)``; its sample rate, in Hz, goes along.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from neural_distortion._native import __version__
from neural_distortion.health import Finding, Report, doctor
from neural_distortion.io import example_audio, read, write
from neural_distortion.model import (
    Layer,
    Metadata,
    Model,
    ModelError,
    Parameter,
    SelfTest,
    example_model,
    instruction_sets,
    load,
)

if TYPE_CHECKING:
    from neural_distortion import analysis, batch, training

__all__ = [
    "Finding",
    "Layer",
    "Metadata",
    "Model",
    "ModelError",
    "Parameter",
    "Report",
    "SelfTest",
    "__version__",
    "analysis",
    "batch",
    "doctor",
    "example_audio",
    "example_model",
    "instruction_sets",
    "load",
    "read",
    "training",
    "write",
]

if not TYPE_CHECKING:  # which would take any name for a part

    def __getattr__(name: str) -> ModuleType:
        """Import a part that only some need, when it is asked for."""
        if name in ("analysis", "batch", "training"):
            return import_module(f"{__name__}.{name}")
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
