"""Training with PyTorch, and the proof that the engine plays what was trained."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import analysis, training
from neural_distortion._typing import Audio
from neural_distortion.training import ArchitectureName
from numpy.typing import NDArray

pytest.importorskip("torch", reason="pip install 'neural-distortion[train]'")

RATE = 48_000

EXACT = 5e-6
"""How far the engine may be from PyTorch, in units of full scale."""

NETWORKS: tuple[ArchitectureName, ...] = tuple(name for name in training.ARCHITECTURES if name != "mlp")


def pedal(dry: Audio, drive: float) -> Audio:
    """Return what an asymmetric clipper between a high-pass and a low-pass makes of a signal."""
    x = one_pole(dry, 700, high=True) + 0.2 * dry
    clipped = np.tanh(10 ** (0.2 + drive) * x + 0.1) - np.tanh(0.1)
    return (0.3 * one_pole(clipped, 5000, high=False)).astype(np.float32)


def one_pole(x: NDArray[np.floating], cutoff_hz: float, *, high: bool) -> NDArray[np.float64]:
    """Return a signal behind a filter of the first order, by way of its spectrum."""
    padded = np.concatenate([x, np.zeros(RATE)])
    ratio = 1j * np.fft.rfftfreq(len(padded), 1 / RATE) / cutoff_hz
    spectrum = np.fft.rfft(padded) * (ratio if high else 1) / (1 + ratio)
    return np.asarray(np.fft.irfft(spectrum, len(padded))[: len(x)])


@pytest.fixture(scope="session")
def dry() -> Audio:
    """Return ten seconds of sweeps, noise, notes and chords."""
    return training.generate("excitation", sample_rate=RATE, duration_s=10.0, peak=1.0)[0]


@pytest.fixture(scope="session")
def wet(dry: Audio) -> Audio:
    """Return what the pedal makes of it."""
    return pedal(dry, 0.5)


def brief(dry: Audio, wet: Audio, **chosen: Any) -> training.Fit:  # noqa: ANN401 - those of `fit`
    """Return a fit of a few steps on a second and a half."""
    frames = RATE * 3 // 2
    options: dict[str, Any] = {"arch": "lstm-16", "steps": 16, "effort": "quick", "batch": 4, "threads": 1}
    options |= chosen
    return training.fit(dry[..., -frames:], wet[..., -frames:], RATE, **options)


@pytest.mark.parametrize("arch", NETWORKS)
def test_the_engine_plays_what_was_trained(arch: ArchitectureName, dry: Audio, wet: Audio) -> None:
    fit = brief(dry, wet, arch=arch, steps=4)
    assert fit.difference <= EXACT
    assert np.abs(fit.prediction).max() > 1e-3
    assert fit.model.metadata.validation_esr == pytest.approx(fit.esr)
    assert fit.model.sample_rate == RATE
    np.testing.assert_allclose(analysis.esr(fit.target, fit.prediction), fit.esr)


@pytest.mark.parametrize("arch", NETWORKS)
def test_a_knob_is_an_input_of_the_model(arch: ArchitectureName, dry: Audio, wet: Audio) -> None:
    fit = brief(dry, np.stack([wet, 0.5 * wet]), arch=arch, steps=2, knobs={"drive": (0.1, 0.9)})
    assert fit.difference <= EXACT
    model = fit.model
    assert len(model.parameters) == 1
    low, high = (model(dry[:RATE], RATE, parameters=[setting]) for setting in (0.1, 0.9))
    assert np.abs(low - high).max() > 1e-5


def test_a_killed_training_goes_on_to_the_same_result(dry: Audio, wet: Audio, tmp_path: Path) -> None:
    whole = brief(dry, wet)

    class Kill(BaseException):
        pass

    def kill(epoch: training.Epoch) -> None:
        if epoch.number == 1:
            raise Kill

    checkpoint = tmp_path / "model.checkpoint"
    with pytest.raises(Kill):
        brief(dry, wet, checkpoint=checkpoint, on_epoch=kill)
    looked: list[training.Outlook] = []
    resumed = brief(dry, wet, checkpoint=checkpoint, on_start=looked.append)
    assert looked[0].done == 8
    assert resumed.file == whole.file
    assert [epoch.esr for epoch in resumed.history] == [epoch.esr for epoch in whole.history]


def test_a_checkpoint_of_another_training_is_not_gone_on_from(dry: Audio, wet: Audio, tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.checkpoint"
    brief(dry, wet, checkpoint=checkpoint)
    looked: list[training.Outlook] = []
    brief(dry, wet, checkpoint=checkpoint, seed=1, on_start=looked.append)
    assert looked[0].done == 0
    checkpoint.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="not a checkpoint that can be read"):
        brief(dry, wet, checkpoint=checkpoint)


def test_the_seed_decides_everything_that_is_random(dry: Audio, wet: Audio) -> None:
    first, again, other = (brief(dry, wet, seed=seed, steps=8).file["weights"] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_best_epoch_is_kept(dry: Audio, wet: Audio) -> None:
    fit = brief(dry, wet, steps=40, learning_rate=0.3)
    assert fit.esr == pytest.approx(min(epoch.esr for epoch in fit.history))


def test_a_training_that_finds_nothing_better_ends_early(dry: Audio, wet: Audio) -> None:
    fit = brief(dry, wet, steps=400, learning_rate=1.0, effort="normal")
    assert len(fit.history) < fit.history[0].total


def test_a_saved_model_says_what_it_is(dry: Audio, wet: Audio, tmp_path: Path) -> None:
    fit = brief(dry, wet, metadata={"name": "Pedal", "input_level_dbu": 12.5})
    fit.save(tmp_path / "pedal.nam")
    told = nd.load(tmp_path / "pedal.nam").metadata
    assert (told.name, told.input_level_dbu) == ("Pedal", 12.5)
    assert told.loudness_db is not None
    assert json.loads((tmp_path / "pedal.nam").read_bytes())["version"] == "0.5.0"


def test_the_command_trains_and_tells_how_well(
    dry: Audio, wet: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, audio in (("dry", dry), ("low", wet), ("high", 0.5 * wet)):
        nd.write(f"{name}.wav", audio[: RATE * 2], RATE)
    command = "train dry.wav drive=0:low.wav --knob drive=1:high.wav --arch lstm-16 --steps 8 --batch 2"
    ran = subprocess.run(
        [sys.executable, "-m", "neural_distortion", *command.split()],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "lstm-16, 1233 weights: 8 steps; at most " in ran.stderr
    assert "low.nam: lstm-16, 1233 weights, ESR " in ran.stdout
    assert "proof: the engine plays it as it was trained, to " in ran.stdout
    assert len(nd.load("low.nam").parameters) == 1
    assert not Path("low.nam.checkpoint").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"knobs": {"drive": (0.1,)}}, "the knob drive has 1 settings for 2 wet recordings"),
        ({"knobs": {"drive": (0.1, 1.5)}}, "outside of 0 to 1: 0.1, 1.5"),
        ({"knobs": {"drive": (0.5, 0.5)}}, "the knob drive stands at 0.5 in every recording"),
        ({}, "2 wet recordings, and no knob"),
        ({"knobs": {"drive": (0, 1)}, "steps": 0}, "expected steps to be 1 or more, got 0"),
        ({"knobs": {"drive": (0, 1)}, "arch": "lstm"}, "expected one of mlp, lstm-16"),
        ({"knobs": {"drive": (0, 1)}, "arch": "mlp"}, "an mlp has no knobs"),
        ({"knobs": {"drive": (0, 1)}, "threads": -1}, "expected threads to be 1 or more, got -1"),
        ({"knobs": {"drive": (0, 1)}, "segment": 0}, "expected segment to be 1 or more, got 0"),
        ({"knobs": {"drive": (0, 1)}, "segment": 128}, "segments of 128 frames are too short for the spec"),
        ({"knobs": {"drive": (0, 1)}, "spectral": -1.0}, "spectral distance of 0 or more, got -1"),
    ],
)
def test_what_cannot_be_trained_is_said(dry: Audio, wet: Audio, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        brief(dry, np.stack([wet, wet]), **options)
