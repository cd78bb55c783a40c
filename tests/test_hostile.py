"""Broken, malicious and odd files: each gives its error, or loads; what plays is always numbers."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest

DATA = Path(__file__).parent / "data"
INDEX: list[dict[str, Any]] = json.loads((DATA / "hostile" / "index.json").read_bytes())
REFUSED = [entry for entry in INDEX if entry["error"]]
LOADED = [entry for entry in INDEX if not entry["error"]]
CASES: list[dict[str, Any]] = json.loads((DATA / "index.json").read_bytes())
RATE = 48_000


def test_the_corpus_is_what_its_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_hostile", DATA / "hostile" / "make_hostile.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    made = make.files()
    kept = {*(DATA / "hostile").glob("*.bin"), DATA / "hostile" / "index.json", make.TABLE}
    assert set(made) == kept
    for path, data in made.items():
        assert path.read_bytes() == data, path


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: str(entry["file"]))
def test_a_broken_file_gives_its_error(entry: dict[str, Any]) -> None:
    path = DATA / "hostile" / entry["file"]
    with pytest.raises(nd.ModelError) as raised:
        nd.load(path)
    error = raised.value
    told = {"kind": error.kind, "path": error.path, "expected": error.expected, "found": error.found}
    assert told == entry["error"]
    assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize("entry", LOADED, ids=lambda entry: str(entry["file"]))
def test_an_odd_file_loads_and_plays_numbers(entry: dict[str, Any]) -> None:
    model = nd.load(DATA / "hostile" / entry["file"])
    assert len(model.metadata.warnings) == entry["warnings"]
    wet = model(np.full(300, 0.5, np.float32), RATE)
    assert np.isfinite(wet).all()
    assert model.unstable == (entry["file"] == "valid_diverging.bin")


def test_instability_is_told_until_the_reset() -> None:
    model = nd.load(DATA / "hostile" / "valid_diverging.bin")
    loud = np.full(64, 0.5, np.float32)
    assert not model.unstable
    assert not model.process(loud, 44_100).any()
    assert model.unstable
    assert model.clone().unstable
    model.reset()
    assert not model.unstable


def test_a_self_test_is_run_and_told() -> None:
    def result(name: str) -> nd.SelfTest | None:
        return nd.load(DATA / "hostile" / f"{name}.bin").self_test

    assert result("valid_linear") is None
    assert result("valid_aidax") == nd.SelfTest(max_error=0.0, passed=True)
    assert result("odd_self_test_fails") == nd.SelfTest(max_error=1.0, passed=False)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "folder.nam"
    folder.mkdir()
    with pytest.raises(OSError, match=r"folder\.nam"):
        nd.load(folder)


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "Verstärker ギター 🎸.nam"
    path.write_bytes((DATA / "hostile" / "valid_lstm.bin").read_bytes())
    assert nd.load(path).architecture == "LSTM"
    path.write_bytes(b"{")
    with pytest.raises(nd.ModelError, match="ギター"):
        nd.load(path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_reference_model_matches_whatever_its_file_is_called(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes((DATA / case["model"]).read_bytes())
    compat = [case["compat"]] if case["compat"] else []
    model = nd.load(path, prewarm=case["start"] == "prewarmed", compat=compat)
    if case["quality"] is not None:
        model.quality = case["quality"]
    target = np.load(DATA / case["output"]).astype(np.float64)
    dry = np.load(DATA / case["input"])[: len(target)]
    knobs = np.load(DATA / case["parameters"])[:, : len(target)] if case["parameters"] else None
    error = model(dry, model.sample_rate or RATE, parameters=knobs).astype(np.float64) - target
    if "max_abs" in case["tolerance"]:
        assert np.abs(error).max() <= case["tolerance"]["max_abs"]
    else:
        assert 10 * np.log10(np.sum(error**2) / np.sum(target**2)) <= case["tolerance"]["esr_db"]
