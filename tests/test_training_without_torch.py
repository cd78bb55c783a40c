"""What there is without PyTorch."""

import importlib.util
import sys
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import training
from neural_distortion._extra import MissingExtra
from neural_distortion.cli import main

INSTALL = r"training lstm-16 needs torch: pip install 'neural-distortion\[train\]'"


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take PyTorch away, where it is installed."""
    if importlib.util.find_spec("torch") is not None:
        monkeypatch.setitem(sys.modules, "torch", None)


def test_a_network_says_how_to_install_it() -> None:
    dry, wet = training.generate(duration_s=2.0)
    with pytest.raises(MissingExtra, match=INSTALL):
        training.fit(dry, wet, 44_100, arch="lstm-16")


def test_the_command_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, audio in zip(("dry", "wet"), training.generate(duration_s=2.0), strict=True):
        nd.write(f"{name}.wav", audio, 44_100)
    with pytest.raises(SystemExit) as end:
        main(["train", "dry.wav", "wet.wav", "--arch", "wavenet-nano"])
    assert end.value.code == 1
    told = capsys.readouterr().err
    assert told == "error: training wavenet-nano needs torch: pip install 'neural-distortion[train]'\n"


@pytest.mark.parametrize("hidden", [(16,), (6, 4, 5)])
def test_a_perceptron_is_trained_and_proven(hidden: tuple[int, ...]) -> None:
    dry, wet = training.generate("excitation", duration_s=2.0, peak=1.0)
    fit = training.fit(dry, wet, 44_100, arch="mlp", hidden=hidden)
    assert fit.esr < 1e-4
    assert fit.difference < 1e-6
    assert fit.model.metadata.validation_esr == pytest.approx(fit.esr)
    assert fit.perceptron is not None
    np.testing.assert_allclose(fit.model(dry, 44_100), fit.perceptron(dry), atol=1e-6)


def test_many_fits_say_how_to_install_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("ray") is not None:
        monkeypatch.setitem(sys.modules, "ray", None)
    for name in ("dry", "wet"):
        (tmp_path / f"{name}.wav").touch()
    recording = {"dry": str(tmp_path / "dry.wav"), "wet": str(tmp_path / "wet.wav")}
    install = r"fitting many models needs ray: pip install 'neural-distortion\[cluster\]'"
    with pytest.raises(MissingExtra, match=install):
        training.fit_many({"recordings": [recording], "architectures": ["mlp"]}, tmp_path / "out")
