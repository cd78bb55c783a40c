"""Models as files: ``Model.save`` and ``neural-distortion convert``."""

import json
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion.cli import main

DATA = Path(__file__).parent / "data"
NANO = DATA / "wavenet_nano" / "model.nam"
LSTM = DATA / "lstm_2x16" / "model.nam"
PROTEUS = DATA / "proteus_lstm40" / "model.json"
AIDAX = DATA / "aidax_lstm16_skip" / "model.json"
SOFT_CLIP = nd.example_model("soft-clip")

ROUNDED = 1e-6
"""Of sums around 1 in another order."""


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return int(left.value.code or 0)


@pytest.mark.parametrize("path", [NANO, LSTM, PROTEUS, AIDAX, SOFT_CLIP], ids=lambda path: path.parent.name)
def test_a_model_that_is_saved_is_the_same(tmp_path: Path, path: Path) -> None:
    model = nd.load(path)
    assert model.save(tmp_path / path.name) == 0
    again = nd.load(tmp_path / path.name)
    assert again.format == model.format
    assert again.layers == model.layers
    assert again.metadata == model.metadata
    assert again.sample_rate == model.sample_rate


@pytest.mark.parametrize(
    ("path", "name", "format_"),
    [
        (LSTM, "a.json", "rtneural"),
        (LSTM, "a.aidax", "aidax"),
        (PROTEUS, "a.aidax", "aidax"),
        (SOFT_CLIP, "a.nam", "nam"),
        (SOFT_CLIP, "a.json", "mlp"),
    ],
)
def test_the_suffix_says_the_format(tmp_path: Path, path: Path, name: str, format_: str) -> None:
    error = nd.load(path).save(tmp_path / name)
    assert error is not None
    assert error < ROUNDED
    assert nd.load(tmp_path / name).format == format_


def test_what_the_file_says_stays_in_every_format(tmp_path: Path) -> None:
    told = {"name": "Äh", "loudness": -20.5, "t3k": {"id": 7}}
    file = json.loads(LSTM.read_text()) | {"metadata": told, "notes": [1, {"a": None}]}
    model = nd.load(json.dumps(file).encode())
    for format_ in ("nam", "rtneural", "aidax"):
        model.save(tmp_path / "model", format=format_)
        saved = json.loads((tmp_path / "model").read_text())
        assert saved["notes"] == file["notes"]
        assert told.items() <= saved["metadata"].items()
        again = nd.load(tmp_path / "model")
        assert again.metadata.loudness_db == -20.5
        assert again.sample_rate == model.sample_rate


def test_another_reading_of_a_file_is_what_is_saved(tmp_path: Path) -> None:
    linear = DATA / "linear_64" / "model.nam"
    nd.load(linear, compat=["reverse_linear_taps"]).save(tmp_path / "a.nam")
    weights, saved = (json.loads(path.read_text())["weights"] for path in (linear, tmp_path / "a.nam"))
    np.testing.assert_allclose(saved[:64], weights[:64][::-1], rtol=1e-7)


def test_a_format_that_cannot_express_a_model_says_what(tmp_path: Path) -> None:
    with pytest.raises(nd.ModelError, match="cannot be written as proteus: expected layers") as refused:
        nd.load(NANO).save(tmp_path / "a.json", format="proteus")
    assert refused.value.kind == "inexpressible"
    assert refused.value.found == "WaveNet"
    assert str(refused.value).startswith(str(NANO))
    with pytest.raises(nd.ModelError, match="found 48000 Hz") as refused:
        nd.load(LSTM).save(tmp_path / "a.json", format="proteus")
    assert refused.value.path == "sample_rate"
    with pytest.raises(ValueError, match=r"the ending '\.wav' says no format"):
        nd.load(NANO).save(tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.nam").write_text("something else")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        with pytest.raises(OSError, match="No space"):
            nd.load(NANO).save(tmp_path / "a.nam")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["something else"]
    nd.load(NANO).save(tmp_path / "a.nam")
    assert [nd.load(path).architecture for path in tmp_path.iterdir()] == ["WaveNet"]


def test_convert_checks_what_it_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", PROTEUS, tmp_path / "a.json", "--to", "aidax") == 0
    assert "largest error" in capsys.readouterr().out
    assert run("convert", tmp_path / "a.json", tmp_path / "b.nam") == 1
    assert "a.json: cannot be written as nam: skip: expected" in capsys.readouterr().err
    assert run("convert", NANO, tmp_path / "a.hpp", "--math", "fast", "--instruction-set", "baseline") == 0
    assert "largest error" not in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.hpp", "a.json"]


def test_convert_does_not_replace_its_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.nam"
    path.write_bytes(NANO.read_bytes())
    assert run("convert", path, tmp_path / "." / "a.nam") == 1
    assert "onto itself" in capsys.readouterr().err
    assert path.read_bytes() == NANO.read_bytes()


@pytest.mark.parametrize("command", ["info", "analyze", "bench", "doctor", "convert", "render", "compare"])
def test_every_command_that_loads_models_says_how(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    shown = capsys.readouterr().out
    for option in ("--compat", "--math", "--instruction-set"):
        assert option in shown


def test_an_unknown_reading_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", NANO, "--compat", "backwards") == 1
    assert "no compatibility option is called" in capsys.readouterr().err
    assert run("info", NANO, "--math", "slow") == 2
