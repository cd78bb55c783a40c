"""Measure what a model does to a signal, how well it matches a device, and whether it aliases.

Everything here takes a model, or anything that is called like one, ``f(audio, sample_rate) -> audio``; the
metrics take arrays. Measurements are small objects: their fields are the numbers, ``to_dict()`` makes them
plain, ``plot()`` draws them, and a notebook shows both.

>>> from neural_distortion import analysis
>>> round(analysis.harmonics(lambda audio, sample_rate: audio + 0.1 * audio**2, level_db=0.0).thd_db, 1)
-26.0

Drawing needs matplotlib, which is imported when something is drawn.
"""

from neural_distortion.analysis.alias import Aliasing, Spectrogram, aliasing, spectrogram
from neural_distortion.analysis.alignment import Alignment, Delay, align, delay
from neural_distortion.analysis.comparison import Comparison, Match, NullTest, compare, null_test
from neural_distortion.analysis.dynamics import (
    DynamicResponse,
    Loudness,
    NoiseFloor,
    dynamic_response,
    loudness,
    noise_floor,
)
from neural_distortion.analysis.harmonic import Harmonics, Intermodulation, harmonics, intermodulation
from neural_distortion.analysis.impulse import (
    FrequencyResponse,
    ImpulseResponses,
    frequency_response,
    impulse_responses,
)
from neural_distortion.analysis.metric import dc_error, esr, mae, mr_stft
from neural_distortion.analysis.page import Analysis, analyze, report
from neural_distortion.analysis.result import Result
from neural_distortion.analysis.sweep import FrequencySweep, LevelSweep, sweep_frequency, sweep_level
from neural_distortion.analysis.transfer import TransferCurve, transfer_curve
from neural_distortion.analysis.weighting import a_weighting, integrated_loudness, k_weighting

__all__ = [
    "Aliasing",
    "Alignment",
    "Analysis",
    "Comparison",
    "Delay",
    "DynamicResponse",
    "FrequencyResponse",
    "FrequencySweep",
    "Harmonics",
    "ImpulseResponses",
    "Intermodulation",
    "LevelSweep",
    "Loudness",
    "Match",
    "NoiseFloor",
    "NullTest",
    "Result",
    "Spectrogram",
    "TransferCurve",
    "a_weighting",
    "aliasing",
    "align",
    "analyze",
    "compare",
    "dc_error",
    "delay",
    "dynamic_response",
    "esr",
    "frequency_response",
    "harmonics",
    "impulse_responses",
    "integrated_loudness",
    "intermodulation",
    "k_weighting",
    "loudness",
    "mae",
    "mr_stft",
    "noise_floor",
    "null_test",
    "report",
    "spectrogram",
    "sweep_frequency",
    "sweep_level",
    "transfer_curve",
]
