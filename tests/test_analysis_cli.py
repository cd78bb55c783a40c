"""The commands that measure."""

import json
import re
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion.cli import main

DATA = Path(__file__).parent / "data"
NANO = DATA / "wavenet_nano" / "model.nam"
LSTM = DATA / "lstm_1x8" / "model.nam"
RATE = 48_000


def run(capture: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run a command; return its status, what it printed, and what it complained about."""
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    output, errors = capture.readouterr()
    return int(left.value.code or 0), output, errors


def test_analyze_prints_numbers_and_writes_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, output, _ = run(capsys, "analyze", LSTM, "--html", tmp_path / "page.html")
    assert status == 0
    assert re.search(r"THD +-?\d+\.\d dB", output)
    assert (tmp_path / "page.html").read_text().count("<svg") == 13


def test_analyze_gives_json_that_other_programs_read(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = run(capsys, "analyze", LSTM, "--json", "--level-db", "-20")
    assert status == 0
    numbers = json.loads(output)
    assert numbers["harmonics"]["level_db"] == -20
    assert numbers["harmonics"]["levels_dbc"][0] == 0


def test_compare_lists_candidates_by_names_that_tell_them_apart(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, _ = run(capsys, "compare", NANO, LSTM, DATA / "wavenet_lite" / "model.nam")
    assert status == 0
    lines = output.splitlines()
    assert "against wavenet_nano/model.nam" in lines[0]
    assert {line.split()[-1] for line in lines[1:]} == {"lstm_1x8/model.nam", "wavenet_lite/model.nam"}


def test_compare_holds_models_against_a_recording(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dry = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    nd.write(tmp_path / "dry.wav", dry, RATE)
    nd.write(tmp_path / "wet.wav", nd.load(NANO)(dry, RATE), RATE)
    status, output, _ = run(
        capsys, "compare", tmp_path / "wet.wav", LSTM, NANO, "--input", tmp_path / "dry.wav", "--json"
    )
    assert status == 0
    matches = json.loads(output)["matches"]
    assert list(matches) == ["wavenet_nano/model.nam", "lstm_1x8/model.nam"]
    assert matches["wavenet_nano/model.nam"]["esr"] == 0


def test_compare_says_what_does_not_go_together(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nd.write(tmp_path / "a.wav", np.ones(RATE), RATE)
    nd.write(tmp_path / "b.wav", np.ones(RATE), 44_100)
    nd.write(tmp_path / "stereo.wav", np.ones((2, RATE)), RATE)
    (tmp_path / "text.txt").write_text("neither")
    for arguments, message in (
        ((tmp_path / "a.wav", NANO), "--input"),
        ((tmp_path / "a.wav", tmp_path / "b.wav"), "sample rates differ"),
        ((tmp_path / "a.wav", tmp_path / "stereo.wav"), "2 channels"),
        ((tmp_path / "a.wav", tmp_path / "text.txt"), "not an audio file"),
        ((NANO, NANO), "twice"),
        ((NANO, tmp_path / "missing.nam"), "No such file"),
    ):
        status, _, errors = run(capsys, "compare", *arguments)
        assert status == 1
        assert message in errors


def test_bench_measures_a_model(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_distortion.cli.analysis._MEASURING_SECONDS", 0.02)
    status, output, _ = run(capsys, "bench", LSTM, "--block", "32", "--json")
    assert status == 0
    numbers = json.loads(output)
    assert numbers["block"] == 32
    assert numbers["block_budget_us"] == pytest.approx(32 / 48_000 * 1e6)
    assert numbers["times_real_time"] == pytest.approx(1e9 / 48_000 / numbers["ns_per_sample"])
    assert 0 < numbers["block_median_us"] <= numbers["block_99_percent_us"] <= numbers["block_worst_us"]
    _, shown, _ = run(capsys, "bench", LSTM)
    assert "times real time" in shown
    assert "% of the" in shown
