"""Training with numpy alone: signals to train on, a perceptron, and the forms it is written in.

`generate` makes a dry and a wet signal, `fit_perceptron` fits a perceptron to any such pair, `export` writes
it for this engine, for RTNeural, for a C++ compiler or for a Rust compiler.
"""

from neural_distortion.training.aliasing import AliasReduction, reduce_aliasing
from neural_distortion.training.architecture import ARCHITECTURES, ArchitectureName
from neural_distortion.training.capture import CaptureSignal, Section, capture_signal
from neural_distortion.training.cluster import Fits, fit_many
from neural_distortion.training.dialect import export
from neural_distortion.training.fit_plan import FitPlan, PlannedFit, Stop
from neural_distortion.training.inspection import CaptureReport, Finding, check
from neural_distortion.training.layout import Layout, recognise
from neural_distortion.training.outcome import Outcome
from neural_distortion.training.perceptron import Dense, Perceptron
from neural_distortion.training.perceptron_fit import Epoch, PerceptronFit, fit_perceptron
from neural_distortion.training.place import PlanError
from neural_distortion.training.plan import EFFORTS, Effort
from neural_distortion.training.proof import Fit
from neural_distortion.training.recording import Recording, align
from neural_distortion.training.signal import Signal, generate, soft_clip
from neural_distortion.training.timing import Timing, locate
from neural_distortion.training.trainer import Outlook, fit

__all__ = [
    "ARCHITECTURES",
    "EFFORTS",
    "AliasReduction",
    "ArchitectureName",
    "CaptureReport",
    "CaptureSignal",
    "Dense",
    "Effort",
    "Epoch",
    "Finding",
    "Fit",
    "FitPlan",
    "Fits",
    "Layout",
    "Outcome",
    "Outlook",
    "Perceptron",
    "PerceptronFit",
    "PlanError",
    "PlannedFit",
    "Recording",
    "Section",
    "Signal",
    "Stop",
    "Timing",
    "align",
    "capture_signal",
    "check",
    "export",
    "fit",
    "fit_many",
    "fit_perceptron",
    "generate",
    "locate",
    "recognise",
    "reduce_aliasing",
    "soft_clip",
]
