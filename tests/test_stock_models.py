"""The models that ship, against the circuits that they were trained on."""

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.training import circuits

RATE = 48_000
LARGEST_ESR = {"overdrive": 0.01, "distortion": 0.01, "fuzz": 0.03}
NAMES = [f"{name}{size}" for name in LARGEST_ESR for size in ("", "-light")]


@pytest.fixture(scope="module")
def guitar() -> Audio:
    """Return a second and a half of the guitar that no model was trained on."""
    return nd.read(nd.example_audio("guitar"))[0][RATE : RATE * 5 // 2]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_says_what_it_is(name: str) -> None:
    model = nd.load(nd.example_model(name))
    assert model.sample_rate == RATE
    assert [parameter.name for parameter in model.parameters] == ["drive"]
    assert model.metadata.gear_type == "pedal"


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_silent_in_silence(name: str) -> None:
    model = nd.load(nd.example_model(name))
    silence = np.zeros(RATE // 10, np.float32)
    for drive in (0.1, 1.0):
        assert np.max(np.abs(model(silence, RATE, parameters=[drive]))) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_starts_without_a_click(name: str) -> None:
    model = nd.load(nd.example_model(name))
    silence = np.zeros(RATE // 10, np.float32)
    for drive in (0.1, 1.0):
        rest = model(silence, RATE, parameters=[drive])
        # A click is a step. What is left of the start drifts on, too slowly to be heard.
        assert np.abs(np.diff(rest)).max() < 1e-5
        assert np.ptp(rest) < 1e-3
        assert np.array_equal(rest, model.process(silence, RATE, parameters=[drive], reset=True))


@pytest.mark.parametrize(("name", "largest"), LARGEST_ESR.items())
def test_a_shipped_model_sounds_like_its_circuit(name: str, largest: float, guitar: Audio) -> None:
    target = circuits.simulate(name, guitar, RATE, drive=0.7)
    model = nd.load(nd.example_model(name))
    assert analysis.esr(target, model(guitar, RATE, parameters=[0.7])) < largest


@pytest.mark.parametrize("name", NAMES)
def test_turning_the_drive_up_makes_quiet_playing_louder(name: str, guitar: Audio) -> None:
    model = nd.load(nd.example_model(name))
    quiet = np.float32(0.02) * guitar
    levels = [float(np.std(model(quiet, RATE, parameters=[drive]))) for drive in (0.1, 0.4, 0.7, 1.0)]
    assert levels == sorted(levels)
