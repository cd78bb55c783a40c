"""The commands ``generate`` and ``train``."""

from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import analysis, training
from neural_distortion.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which the commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    """Return the status with which a command ends."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int | None)
    return end.value.code or 0


def test_a_pair_of_recordings_becomes_a_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "dry.wav", "wet.wav", "--seconds", "1") == 0
    assert run("train", "dry.wav", "wet.wav", "model.json", "--hidden", "8") == 0
    assert run("convert", "model.json", "model.hpp") == 0
    assert run("convert", "model.json", "deep.json", "--to", "rtneural") == 0
    told = capsys.readouterr().out
    assert "dry.wav: 1 s at 44100 Hz, -4.99 to 4.97" in told
    assert "model.json: mlp, 25 weights, ESR " in told
    dry, sample_rate = nd.read(folder / "dry.wav")
    wet, _ = nd.read(folder / "wet.wav")
    for name in ("model.json", "deep.json"):
        assert analysis.esr(wet, nd.load(folder / name)(dry, sample_rate)) < 1e-4


def test_generated_files_hold_the_signals_unclipped(folder: Path) -> None:
    options = ("--signal", "excitation", "--seconds", "0.5", "--sample-rate", "48000", "--seed", "3")
    assert run("generate", "dry.wav", "wet.wav", *options) == 0
    pair = training.generate("excitation", sample_rate=48_000, duration_s=0.5, seed=3)
    for name, expected in zip(("dry.wav", "wet.wav"), pair, strict=True):
        audio, sample_rate = nd.read(folder / name)
        assert sample_rate == 48_000
        np.testing.assert_array_equal(audio, expected)


def test_training_reports_its_progress(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("generate", "dry.wav", "wet.wav", "--seconds", "0.1")
    options = ("--hidden", "3,2", "--effort", "quick", "--seed", "4")
    assert run("train", "dry.wav", "wet.wav", "model.json", *options) == 0
    told = capsys.readouterr().err
    assert "/65 loss " in told
    assert nd.load(folder / "model.json").num_parameters == 17


def test_silence_at_the_end_of_a_recording_is_not_what_a_model_is_judged_by(folder: Path) -> None:
    dry, wet = training.generate(sample_rate=44_100, duration_s=1.0)
    for name, audio in (("dry", dry), ("wet", wet)):
        nd.write(f"{name}.wav", np.pad(audio, (0, 44_100)), 44_100, subtype="FLOAT")
    assert run("train", "dry.wav", "wet.wav", "model.json", "--effort", "quick") == 0
    error = nd.load(folder / "model.json")(dry, 44_100) - wet
    assert np.mean(error**2) < 1e-3 * np.mean(wet**2)


def test_a_delay_is_undone_where_the_dry_signal_is_known(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dry = training.capture_signal(44_100).audio
    nd.write(folder / "dry.wav", dry, 44_100)
    nd.write(folder / "wet.wav", np.tanh(np.roll(dry, 137)), 44_100)
    assert run("train", "dry.wav", "wet.wav", "--hidden", "4", "--effort", "quick") == 0
    assert "wet.wav: 137.0 samples late, drift 0.0 ppm; both undone" in capsys.readouterr().out
    metadata = nd.load(folder / "wet.nam").metadata
    assert metadata.validation_esr is not None
    assert metadata.validation_esr < 1e-3
    assert metadata.raw["training"]["delay_samples"] == pytest.approx([137], abs=0.1)


def test_gear_with_a_memory_gets_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry, _ = training.generate("excitation", duration_s=0.5, peak=1.0)
    nd.write(folder / "dry.wav", dry, 44_100)
    nd.write(folder / "wet.wav", np.roll(dry, 20), 44_100)
    assert run("train", "dry.wav", "wet.wav", "model.json", "--hidden", "2") == 0
    assert "try --arch lstm-16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("generate dry.flac wet.flac", "dry.flac: no FLAC"),
        ("generate a.wav b.wav --peak 0", "expected a peak above 0, got 0.0"),
        ("train dry.wav missing.wav model.json", "missing.wav: No such file or directory"),
        ("train dry.wav other_rate.wav model.json", "dry.wav is at 44100 Hz and other_rate.wav at 48000 Hz"),
        (
            "train dry.wav longer.wav model.json",
            "dry.wav and longer.wav differ in shape: (4410,) and (8820,)",
        ),
        ("train dry.wav wet.wav model.json --hidden many", "--hidden many: expected widths with commas"),
        ("train dry.wav wet.wav model.json --hidden 0", "each at least 1 wide, got (0,)"),
        ("train dry.wav drive=loud:wet.wav model.json", "expected settings and a file, such as drive=0.2:a"),
        ("train dry.wav wet.wav model.json --arch gru-16", "too short: 0.09 s to train on, of at least 1"),
        ("train dry.wav stereo.wav model.json", "stereo.wav has 2 channels"),
        ("train dry.wav wet.wav model.nam --arch gru-16", "no .nam can hold a GRU: write model.aidax or"),
        ("train dry.wav wet.wav nowhere/model.json", "nowhere/model.json: there is no such folder"),
        ("convert dry.wav model.rs", "dry.wav: not a JSON file"),
    ],
)
def test_what_goes_wrong_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, reason: str
) -> None:
    pair = training.generate(duration_s=0.1)
    for name, audio, sample_rate in (
        ("dry.wav", pair[0], 44_100),
        ("wet.wav", pair[1], 44_100),
        ("other_rate.wav", pair[1], 48_000),
        ("longer.wav", np.tile(pair[1], 2), 44_100),
        ("stereo.wav", np.stack(pair), 44_100),
    ):
        nd.write(folder / name, audio, sample_rate)
    assert run(*command.split()) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert reason in told
    assert told.count("\n") == 1
    assert not (folder / "model.json").exists()
