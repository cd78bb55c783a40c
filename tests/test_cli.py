"""The command line: what it does, and that every error is one line and a status."""

import json
import math
import subprocess
import sys
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion.cli import main, render

DATA = Path(__file__).parent / "data"
WAVENET = DATA / "wavenet_nano" / "model.nam"
SLIMMABLE = DATA / "wavenet_slimmable" / "model.nam"
KNOBS = DATA / "aidax_gru8_cond2" / "model.json"
RATE = 48_000


class Run:
    """What a command did."""

    def __init__(self, capture: pytest.CaptureFixture[str], *arguments: str | Path) -> None:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        self.status = left.value.code or 0
        self.output, self.errors = capture.readouterr()


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Write a second of stereo."""
    path = tmp_path / "tone.wav"
    nd.write(path, 0.5 * np.sin(np.outer([0.02, 0.03], np.arange(RATE))), RATE)
    return path


def test_info_says_what_a_model_is(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys, "info", WAVENET)
    assert run.status == 0
    for fact in ("WaveNet", "842", "48000 Hz", "4093 samples (85.3 ms)", "0 samples"):
        assert fact in run.output


def test_info_says_what_the_file_tells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = {"name": "[b]rackets", "tone_type": "fuzz", "gain": "much", "loudness": -18.12345}
    named = json.loads(WAVENET.read_text()) | {"metadata": told}
    (tmp_path / "named.nam").write_text(json.dumps(named))
    run = Run(capsys, "info", tmp_path / "named.nam")
    assert "[b]rackets" in run.output
    assert "tone type        fuzz" in run.output
    assert "loudness         -18.12 dB" in run.output
    assert "warning:" in run.errors
    assert "gain" in run.errors


def test_render_can_reduce_aliases(capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path) -> None:
    wet = tmp_path / "wet.wav"
    assert Run(capsys, "render", WAVENET, tone, wet, "--anti-aliasing", "standard").status == 0
    expected = nd.load(WAVENET, anti_aliasing="2x")(nd.read(tone)[0], RATE)
    np.testing.assert_allclose(nd.read(wet)[0], expected, atol=1e-6)
    run = Run(capsys, "bench", WAVENET, "--anti-aliasing", "3x")
    assert run.status == 1
    assert "no anti-aliasing is called" in run.errors


def test_render_gives_what_python_gives(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path
) -> None:
    run = Run(capsys, "render", WAVENET, tone, tmp_path / "wet.wav")
    assert run.status == 0
    assert "1.0 s" in run.output
    dry, rate = nd.read(tone)
    wet, wet_rate = nd.read(tmp_path / "wet.wav")
    assert wet_rate == rate
    np.testing.assert_array_equal(wet, nd.load(WAVENET)(dry, rate))


def test_render_in_blocks_gives_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "WHOLE", 1000)
    monkeypatch.setattr(render, "BLOCK", 1000)
    Run(capsys, "render", WAVENET, tone, tmp_path / "wet.wav")
    np.testing.assert_array_equal(nd.read(tmp_path / "wet.wav")[0], nd.load(WAVENET)(*nd.read(tone)))


def test_render_resamples_where_the_rates_differ(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dry = 0.5 * np.sin(0.02 * np.arange(44_100, dtype=np.float32))
    nd.write(tmp_path / "dry.flac", dry, 44_100)
    Run(capsys, "render", WAVENET, tmp_path / "dry.flac", tmp_path / "wet.wav")
    wet, rate = nd.read(tmp_path / "wet.wav")
    assert rate == 44_100
    np.testing.assert_array_equal(wet, nd.load(WAVENET)(nd.read(tmp_path / "dry.flac")[0], 44_100))


def test_render_has_a_gain_on_either_side(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path
) -> None:
    Run(capsys, "render", WAVENET, tone, tmp_path / "wet.wav", "--gain-db", "6", "--level-db", "-20")
    dry, rate = nd.read(tone)
    expected = 0.1 * nd.load(WAVENET)(10 ** (6 / 20) * dry, rate)
    np.testing.assert_allclose(nd.read(tmp_path / "wet.wav")[0], expected, rtol=1e-5, atol=1e-7)


def test_info_says_which_sizes_and_knobs_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    def lines(model: Path) -> list[str]:
        return [line.rstrip() for line in Run(capsys, "info", model).output.splitlines()]

    assert "sizes            1" in lines(WAVENET)
    assert "sizes            3, from quality 0, 0.333, 0.667" in lines(SLIMMABLE)
    for number in (1, 2):
        assert f"parameter {number}      0 to 1, 0.5 unless set" in lines(KNOBS)


@pytest.mark.parametrize("whole", [1000, 1_000_000])
def test_render_sets_the_size_the_knobs_and_the_threads(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    tone: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: int,
) -> None:
    monkeypatch.setattr(render, "WHOLE", whole)
    dry, rate = nd.read(tone)
    Run(capsys, "render", KNOBS, tone, tmp_path / "wet.wav", *["--parameter", "0.25", "--parameter", "1"])
    expected = nd.load(KNOBS)(dry, rate, parameters=[0.25, 1])
    np.testing.assert_array_equal(nd.read(tmp_path / "wet.wav")[0], expected)
    Run(capsys, "render", SLIMMABLE, tone, tmp_path / "wet.wav", *["--quality", "0", "--threads", "2"])
    small = nd.load(SLIMMABLE)
    small.quality = 0
    np.testing.assert_array_equal(nd.read(tmp_path / "wet.wav")[0], small(dry, rate))


def test_render_warns_where_a_file_clips(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path
) -> None:
    loud = Run(capsys, "render", WAVENET, tone, tmp_path / "wet.flac", "--level-db", "60")
    assert "clips" in loud.errors
    assert (
        "clips" not in Run(capsys, "render", WAVENET, tone, tmp_path / "wet.wav", "--level-db", "60").errors
    )
    assert "clips" not in Run(capsys, "render", WAVENET, tone, tmp_path / "wet.flac").errors


def test_render_takes_many_files_to_a_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tone: Path
) -> None:
    nd.write(tmp_path / "other.flac", np.zeros(100), 96_000)
    run = Run(capsys, "render", WAVENET, tone, tmp_path / "other.flac", tmp_path / "new" / "folder")
    assert run.status == 0
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["other.flac", "tone.wav"]


def test_render_takes_an_empty_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nd.write(tmp_path / "empty.wav", np.zeros(0), 44_100)
    assert Run(capsys, "render", WAVENET, tmp_path / "empty.wav", tmp_path / "wet.wav").status == 0
    assert nd.read(tmp_path / "wet.wav")[0].size == 0


def test_demo_makes_sounds_and_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = Run(capsys, "demo", tmp_path / "demo")
    assert run.status == 0
    assert len(run.output.splitlines()) == 3
    assert "times faster than real time" in run.output
    names = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert names == ["dry.wav", "sine.png", "transfer.png", "wet.wav"]
    dry, rate = nd.read(nd.example_audio("guitar"))
    model = nd.load(nd.example_model("overdrive"))
    np.testing.assert_array_equal(nd.read(tmp_path / "demo" / "wet.wav")[0], model(dry, rate))
    for picture in ("sine.png", "transfer.png"):
        assert (tmp_path / "demo" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("info nowhere.nam", 1, "nowhere.nam: No such file"),
        ("info tone.wav", 1, "tone.wav: not a JSON file"),
        ("info .", 1, ".: Is a directory"),
        ("render nowhere.nam tone.wav wet.wav", 1, "nowhere.nam: No such file"),
        ("render MODEL nowhere.wav wet.wav", 1, "nowhere.wav: No such file"),
        ("render MODEL MODEL wet.wav", 1, "model.nam: not an audio file"),
        ("render MODEL tone.wav wet.xyz", 1, "stands for no audio format"),
        ("render MODEL tone.wav nowhere/wet.wav", 1, "nowhere/wet.wav: No such file"),
        ("render MODEL tone.wav tone.wav", 1, "onto itself"),
        ("render MODEL tone.wav .", 1, "onto itself"),
        ("render MODEL tone.wav ./tone.wav folder", 1, "2 inputs would be rendered to folder/tone.wav"),
        ("render MODEL tone.wav odd.wav tone.wav", 1, "tone.wav"),
        ("render MODEL tone.wav", 2, "INPUT"),
        ("render MODEL tone.wav wet.wav --gain-db loud", 2, "--gain-db"),
        ("render MODEL tone.wav wet.wav --quality 2", 1, "quality=2.0"),
        ("render MODEL tone.wav wet.wav --parameter 0.5", 1, "parameters of shape (1,): expected (0,)"),
        ("render MODEL tone.wav wet.wav --threads 0", 2, "--threads"),
        ("info", 2, "MODEL"),
        ("info a b", 2, "unexpected"),
        ("info --frobnicate", 2, "--frobnicate"),
        ("frobnicate", 2, "frobnicate"),
    ],
)
def test_every_error_is_one_line_and_a_status(
    capsys: pytest.CaptureFixture[str],
    tone: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tone.parent)
    before = tone.read_bytes()
    run = Run(capsys, *arguments.replace("MODEL", str(WAVENET)).split())
    assert run.status == status
    assert run.errors.startswith("error: ")
    assert message in run.errors
    assert len(run.errors.splitlines()) == 1
    assert tone.read_bytes() == before
    assert not list(tone.parent.glob("**/*.partial"))


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(capsys)
    assert run.status == 0
    for command in ("info", "render", "demo"):
        assert command in run.output


def test_the_package_is_a_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "neural_distortion", "info", str(WAVENET)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "WaveNet" in shown.stdout
    refused = subprocess.run(
        [sys.executable, "-m", "neural_distortion", "info", "nowhere"], capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert refused.stderr == "error: nowhere: No such file or directory\n"


@pytest.mark.parametrize(("factor", "gain_db"), [(1.0, 0.0), (10.0, 20.0), (0.5, -6.0206), (0.0, -math.inf)])
def test_decibels_are_of_amplitude(factor: float, gain_db: float) -> None:
    assert render.to_db(factor) == pytest.approx(gain_db, abs=1e-4)
    assert render.from_db(gain_db) == pytest.approx(factor, abs=1e-4)
