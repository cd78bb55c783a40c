"""Training with PyTorch, and the proof that the engine plays what was trained."""

import itertools
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
from neural_distortion.training import ArchitectureName, proof
from numpy.typing import NDArray

pytest.importorskip("torch", reason="pip install 'neural-distortion[train]'")

RATE = 48_000

EXACT = 5e-6
"""How far the engine may be from PyTorch, in units of full scale."""

LEARNED = 0.25
"""The error-to-signal ratio that every network has to reach here: a straight line has 0.45, no curve less."""


@pytest.fixture(params=[name for name in training.ARCHITECTURES if name != "mlp"])
def network(request: pytest.FixtureRequest) -> ArchitectureName:
    """Return an architecture that needs PyTorch."""
    name: ArchitectureName = request.param
    return name


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


@pytest.fixture(scope="module")
def dry() -> Audio:
    """Return ten seconds: sweeps, noise, notes and chords, twice and not alike."""
    halves = [
        training.generate("excitation", sample_rate=RATE, duration_s=5, peak=1, seed=s)[0] for s in (0, 1)
    ]
    return np.concatenate(halves)


@pytest.fixture(scope="module")
def wet(dry: Audio) -> Audio:
    """Return what the pedal makes of it."""
    return pedal(dry, 0.2)


def brief(dry: Audio, wet: Audio, **chosen: Any) -> training.Fit:  # noqa: ANN401 - those of `fit`
    """Return a fit of a few steps on a second and a half."""
    frames = RATE * 3 // 2
    options: dict[str, Any] = {"arch": "lstm-16", "steps": 32, "effort": "quick", "threads": 1}
    options |= {"batch": 4, "segment": 2048, "spectral": 0.0}
    return training.fit(dry[..., -frames:], wet[..., -frames:], RATE, **(options | chosen))


def test_a_network_learns_and_the_engine_plays_what_it_learned(
    network: ArchitectureName, dry: Audio, wet: Audio
) -> None:
    recurs = network.startswith(("lstm", "gru"))
    options: dict[str, Any] = {"steps": 240, "batch": 32, "segment": 256, "spectral": 0.0}
    fit = training.fit(
        dry,
        wet,
        RATE,
        arch=network,
        effort="quick",
        threads=1,
        **(options if recurs else {"steps": 200, "batch": 1, "segment": 4096}),
    )
    assert fit.esr <= LEARNED
    assert max(np.mean(errors) for errors in fit.errors) <= LEARNED
    assert 0 < fit.difference <= EXACT
    assert analysis.esr(fit.target, fit.prediction) == pytest.approx(fit.esr)
    model = fit.model
    assert model.metadata.validation_esr == pytest.approx(fit.esr)
    assert model.sample_rate == RATE


def test_no_curve_without_a_memory_is_taken_for_a_network_that_learned(dry: Audio, wet: Audio) -> None:
    fit = training.fit(dry, wet, RATE, arch="mlp")
    assert analysis.esr(fit.target, fit.prediction) > 1.5 * LEARNED


@pytest.mark.parametrize("arch", ["lstm-16", "gru-16", "wavenet-nano", "a2-packed", "convnet"])
def test_a_knob_is_an_input_of_the_model(arch: ArchitectureName, dry: Audio, wet: Audio) -> None:
    fit = brief(dry, np.stack([wet, 0.5 * wet]), arch=arch, steps=2, knobs={"drive": (0.1, 0.9)})
    assert fit.difference <= EXACT
    assert fit.settings == ("drive 0.1", "drive 0.9")
    model = fit.model
    assert [parameter.name for parameter in model.parameters] == ["drive"]
    low, high = (model(dry[:RATE], RATE, parameters=[setting]) for setting in (0.1, 0.9))
    assert np.abs(low - high).max() > 1e-5


def test_a_file_that_is_not_what_was_trained_is_not_proven(
    dry: Audio, wet: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert brief(dry, wet, steps=2).proven
    whole = proof._complete

    def altered(description: dict[str, Any], *rest: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on
        *weights, bias = description["weights"]
        return whole({**description, "weights": [*weights, bias + 1e-4]}, *rest)

    monkeypatch.setattr(proof, "_complete", altered)
    fit = brief(dry, wet, steps=2)
    assert fit.difference > EXACT
    assert not fit.proven


@pytest.mark.parametrize("arch", ["lstm-16", "wavenet-nano"])
def test_a_training_starts_from_another_model(
    arch: ArchitectureName, dry: Audio, wet: Audio, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.nam"
    first = brief(dry, wet, arch=arch, steps=2)
    first.save(earlier)
    second = brief(dry, 0.9 * wet, arch=arch, start=earlier, steps=1, learning_rate=1e-9)
    np.testing.assert_allclose(second.file["weights"], first.file["weights"], atol=1e-6)
    with pytest.raises(ValueError, match="not the file of another lstm-40 with 0 knobs"):
        brief(dry, wet, arch="lstm-40", start=earlier)


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
    assert looked[0].done == 16
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
    fit = brief(dry, wet, arch="wavenet-nano", steps=12, batch=1, learning_rate=0.3)
    assert fit.esr < fit.history[-1].esr
    assert fit.esr == pytest.approx(min(epoch.esr for epoch in fit.history))


def test_the_mean_of_the_last_epochs_is_kept_where_it_is_better(
    dry: Audio, wet: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[NDArray[np.float32]] = []

    def judged(network: Any, _: Any) -> list[list[float]]:  # noqa: ANN401 - what `errors` takes
        tried.append(network.arrays[0].rechannel.weight.detach().numpy().ravel().copy())
        is_mean = len(tried) % 2
        return [[1 / len(tried) if is_mean else 2.0]]

    monkeypatch.setattr("neural_distortion.training.trainer.errors", judged)
    fit = brief(dry, wet, arch="wavenet-nano", steps=6, batch=1, learning_rate=0.1)
    means, epochs = tried[::2], tried[1::2]
    np.testing.assert_allclose(means[-1], np.mean(epochs[-4:], axis=0), atol=1e-6)
    np.testing.assert_allclose(fit.file["weights"][: means[-1].size], means[-1], atol=1e-6)


def test_a_training_that_finds_nothing_better_ends_early(
    dry: Audio, wet: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse = itertools.count(1.0)
    monkeypatch.setattr("neural_distortion.training.trainer.errors", lambda *_: [[next(worse)]])
    fit = brief(dry, wet, arch="wavenet-nano", steps=40, batch=1, segment=8192, effort="normal")
    assert [epoch.esr for epoch in fit.history] == list(range(1, 42, 2))  # two are tried at each
    assert fit.history[0].total == 40


def test_a_saved_model_says_what_it_is(dry: Audio, wet: Audio, tmp_path: Path) -> None:
    fit = brief(dry, wet, metadata={"name": "Pedal", "input_level_dbu": 12.5})
    fit.save(tmp_path / "pedal.nam")
    told = nd.load(tmp_path / "pedal.nam").metadata
    assert (told.name, told.input_level_dbu) == ("Pedal", 12.5)
    assert told.loudness_db is not None
    assert json.loads((tmp_path / "pedal.nam").read_bytes())["version"] == "0.5.0"


@pytest.mark.parametrize(("arch", "name"), [("lstm-16", "pedal.aidax"), ("gru-16", "pedal.json")])
def test_a_model_is_written_as_its_suffix_says(
    arch: ArchitectureName, name: str, dry: Audio, wet: Audio, tmp_path: Path
) -> None:
    fit = brief(dry, wet, arch=arch, steps=2)
    fit.save(tmp_path / name)
    own, other = (model(dry[:RATE], RATE) for model in (fit.model, nd.load(tmp_path / name)))
    np.testing.assert_allclose(own, other, atol=EXACT)


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
    assert Path("low.training.png").read_bytes().startswith(b"\x89PNG")
    page = Path("low.training.html").read_text(encoding="utf-8")
    assert page.count("<audio controls src='data:audio/flac;base64,") == 3
    assert "<th scope='row'>drive 1</th>" in page


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
        (
            {"knobs": {"drive": (0, 1)}, "segment": 128, "spectral": 1},
            "segments of 128 frames are too short for the spec",
        ),
        ({"knobs": {"drive": (0, 1)}, "spectral": -1.0}, "spectral distance of 0 or more, got -1"),
    ],
)
def test_what_cannot_be_trained_is_said(dry: Audio, wet: Audio, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        brief(dry, np.stack([wet, wet]), **options)
