"""The model that ships as ``soft-clip``, and the script that made it."""

import runpy
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio

CLOSE = 1e-5
"""The error-to-signal ratio at which nobody hears a difference: -50 dB."""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parent.parent / "examples" / "train_soft_clip.py"))


@pytest.fixture(scope="module")
def guitar() -> tuple[Audio, int]:
    return nd.read(nd.example_audio("guitar"))


def test_the_shipped_model_follows_its_curve_at_every_level(
    script: dict[str, Any], guitar: tuple[Audio, int]
) -> None:
    dry, sample_rate = guitar
    model = nd.load(nd.example_model("soft-clip"))
    for gain in (1, 0.1, 0.01):
        target = script["soft_clip"](gain * dry.astype(np.float64))
        assert analysis.esr(target, model(np.float32(gain) * dry, sample_rate)) < CLOSE


def test_the_shipped_model_is_silent_in_silence() -> None:
    model = nd.load(nd.example_model("soft-clip"))
    assert np.max(np.abs(model(np.zeros(100, np.float32), 48_000))) < 1e-6


def test_the_shipped_model_makes_the_shipped_guitar_dense_but_does_not_clip(
    guitar: tuple[Audio, int],
) -> None:
    dry, sample_rate = guitar
    wet = nd.load(nd.example_model("soft-clip"))(dry, sample_rate)

    def crest_factor(audio: Audio) -> float:
        return float(np.max(np.abs(audio)) / np.sqrt(np.mean(np.square(audio))))

    assert np.max(np.abs(wet)) < 1
    assert crest_factor(wet) < 0.5 * crest_factor(dry)


def test_the_script_makes_the_shipped_model(
    script: dict[str, Any], guitar: tuple[Audio, int], tmp_path: Path
) -> None:
    dry, sample_rate = guitar
    script["main"](tmp_path / "soft-clip.json")
    again = nd.load(tmp_path / "soft-clip.json")(dry, sample_rate)
    assert analysis.esr(nd.load(nd.example_model("soft-clip"))(dry, sample_rate), again) < CLOSE
