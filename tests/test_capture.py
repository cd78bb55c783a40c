"""The signal to capture devices with, and what is found in recordings of it."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import training
from neural_distortion._typing import Audio
from neural_distortion.cli import main
from neural_distortion.training import Finding
from numpy.typing import NDArray
from scipy import signal as dsp

RATE = 48_000
GUIDE = Path(__file__).parent.parent / "docs" / "guide" / "capture.md"
LSTM = Path(__file__).parent / "data" / "proteus_lstm40" / "model.json"

Real = NDArray[np.float64]


@cache
def dry() -> Audio:
    """Return the signal."""
    return training.capture_signal(RATE).audio


@cache
def wet(device: str) -> Real:
    """Return a recording without a fault."""
    played = dry().astype(np.float64)
    match device:
        case "curve":
            return np.asarray(training.soft_clip(3 * played) / 4)
        case "lstm":
            heard = np.asarray(nd.load(LSTM)(dry(), RATE), np.float64)
            return np.asarray(
                heard - heard[100_000]
            )  # random weights have an offset, which no recorder would let pass
        case "fuzz":
            low, high = dsp.butter(1, 120, "high", fs=RATE), dsp.butter(1, (60, 6_000), "band", fs=RATE)
            shaped = np.tanh(200 * dsp.lfilter(*low, played) + 0.3) - np.tanh(0.3)
            return np.asarray(0.5 * dsp.lfilter(*high, shaped))
        case _:
            cabinet = dsp.butter(4, (90, 3_500), "band", fs=RATE, output="sos")
            return np.asarray(0.7 * dsp.sosfilt(cabinet, np.tanh(6 * played)))


def late(heard: Real) -> Real:
    """Return a recording 37.4 samples later."""
    size = 1 << (heard.size + 2_000).bit_length()
    turn = np.exp(-2j * np.pi * 37.4 * np.fft.rfftfreq(size))
    return np.fft.irfft(np.fft.rfft(heard, size) * turn, size)[: heard.size + 38]


def drifting(heard: Real) -> Real:
    """Return a recording by a clock that is 1 % fast."""
    return np.interp(np.arange(int(1.01 * heard.size)) / 1.01, np.arange(heard.size), heard)


def humming(heard: Real) -> Real:
    """Return a recording with the mains in it."""
    turn = 2 * np.pi * 50 / RATE * np.arange(heard.size)
    hum = sum(np.sin(multiple * turn) / multiple for multiple in (1, 2, 3, 5))
    return np.asarray(heard + 0.01 * hum)


def interrupted(heard: Real) -> Real:
    """Return a recording with three gaps."""
    heard = heard.copy()
    for start_s, length_s in ((75.13, 0.02), (100.3, 0.2), (170.2, 0.0107)):
        heard[round(start_s * RATE) : round((start_s + length_s) * RATE)] = 0
    return heard


def another(heard: Real) -> Real:
    """Return a recording of something else."""
    riff = nd.read(nd.example_audio("guitar"))[0]
    return np.tanh(9 * np.resize(riff, heard.size))


FAULTS: dict[str, Callable[[Real], Real]] = {
    "sample rate": lambda heard: np.asarray(dsp.resample_poly(heard, 147, 160)),
    "silence": lambda heard: 0 * heard,
    "wrong file": another,
    "drift": drifting,
    "length": lambda heard: heard[: -8 * RATE],
    "polarity": lambda heard: -heard,
    "delay": late,
    "clipping": lambda heard: np.clip(2 * heard / np.abs(heard).max(), -1, 1),
    "dropout": interrupted,
    "dc": lambda heard: heard + 0.02,
    "noise": lambda heard: heard + 0.004 * np.random.default_rng(5).standard_normal(heard.size),
    "hum": humming,
    "time variance": lambda heard: heard * np.linspace(0.85, 1, heard.size),
}


def found(device: str, fault: str) -> tuple[Finding, ...]:
    """Return what is found in a recording with a fault."""
    return training.check(dry(), FAULTS[fault](wet(device)), RATE).findings


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_no_other(fault: str) -> None:
    assert [finding.name for finding in found("curve", fault)] == [fault]


@pytest.mark.parametrize("device", ["curve", "lstm", "fuzz", "dark"])
def test_nothing_is_wrong_with_a_clean_recording(device: str) -> None:
    assert training.check(dry(), wet(device), RATE).names == ()


@pytest.mark.parametrize(("device", "tolerance"), [("curve", 0.1), ("lstm", 1.0), ("fuzz", 1.0)])
def test_a_delay_is_known_to_a_part_of_a_sample(device: str, tolerance: float) -> None:
    """A filter has no delay of its own: what is left of it is within a sample."""
    (finding,) = found(device, "delay")
    assert finding.name == "delay"
    assert finding.measured == pytest.approx(37.4, abs=tolerance)


def test_a_drift_is_measured() -> None:
    (finding,) = found("fuzz", "drift")
    assert finding.measured == pytest.approx(10_000, abs=1)


def test_a_gap_is_found_where_it_is() -> None:
    (finding,) = found("curve", "dropout")
    assert [round(start, 1) for start, _ in finding.where_s] == [75.1, 100.3, 170.2]


def test_files_of_two_rates_are_told_apart() -> None:
    report = training.check(dry(), wet("curve"), RATE, wet_rate=44_100)
    assert report.names == ("sample rate",)
    assert "time variance" in report.unchecked


def test_the_signal_is_the_same_each_time_and_fits_24_bits() -> None:
    again = training.capture_signal(RATE)
    np.testing.assert_array_equal(again.audio, dry())
    scaled = again.audio.astype(np.float64) * 2**23
    np.testing.assert_array_equal(scaled, np.round(scaled))
    assert np.abs(again.audio).max() < 1


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sections_are_as_loud_as_they_say(rate: int) -> None:
    signal = training.capture_signal(rate)
    assert signal.sections[-1].end_s * rate == signal.audio.size
    for section in signal.sections:
        part = signal.audio[round(section.start_s * rate) : round(section.end_s * rate)]
        peak_db = 20 * np.log10(np.abs(part).max() + 1e-20)
        assert peak_db == pytest.approx(max(section.peaks_db[1], -400), abs=0.5), section


def test_the_guide_has_the_table_of_the_sections() -> None:
    """`training.capture_signal().table()` is what belongs there."""
    assert training.capture_signal(RATE).table() in GUIDE.read_text(encoding="utf-8")


def clicks(frames: int, places: tuple[int, ...]) -> Audio:
    """Return a signal with clicks, as others have them."""
    audio = np.zeros(frames, np.float32)
    audio[list(places)] = 0.9
    return audio


@pytest.mark.parametrize(
    ("name", "rate", "frames", "places", "validation"),
    [
        ("NAM v1", 48_000, 9_000_000, (12_000, 36_000), (8_568_000, 9_000_000)),
        ("NAM v2", 48_000, 9_168_000, (24_000, 72_000, -72_000, -24_000), (8_208_000, 8_640_000)),
        ("NAM v3", 48_000, 9_120_000, (504_000, 552_000), (8_688_000, 9_120_000)),
        ("Proteus", 44_100, 9_298_872, (0, 22_050), (8_857_872, 9_298_872)),
    ],
)
def test_standard_signals_are_known_by_length_and_clicks(
    name: str, rate: int, frames: int, places: tuple[int, ...], validation: tuple[int, int]
) -> None:
    """The places are those of neural-amp-modeler 0.13.0."""
    layout = training.recognise(clicks(frames, places), rate)
    assert (layout.name, layout.validation) == (name, validation)


def test_any_other_signal_keeps_its_last_tenth_for_validation() -> None:
    layout = training.recognise(np.full(1_000, 0.5, np.float32), RATE)
    assert (layout.name, layout.training, layout.validation) == ("any", (0, 900), (900, 1_000))


def test_align_removes_whole_samples_and_keeps_the_validation_apart() -> None:
    recording = training.align(dry(), FAULTS["delay"](wet("curve")), RATE)
    assert recording.dry.shape == recording.wet.shape == dry().shape
    assert recording.removed_samples == 33
    assert recording.layout.name == "neural-distortion"
    again = training.locate(recording.dry, recording.wet, RATE)
    assert again is not None
    assert again.delay_samples == pytest.approx(4.4, abs=0.1)
    heard, judged = recording.training[1], recording.validation[1]
    assert (heard.size, judged.size) == (149 * RATE, 9 * RATE)


def test_align_undoes_a_drift() -> None:
    recording = training.align(dry(), drifting(wet("fuzz")), RATE)
    again = training.locate(recording.dry, recording.wet, RATE)
    assert again is not None
    assert again.ratio == 1


def test_align_refuses_what_does_not_belong_together() -> None:
    with pytest.raises(ValueError, match="nothing in common"):
        training.align(dry()[: 20 * RATE], another(wet("curve"))[: 20 * RATE], RATE)


def run(*arguments: str) -> int:
    """Return the status with which a command ends."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_the_commands_write_a_signal_and_check_a_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played, heard, picture = (str(tmp_path / name) for name in ("dry.wav", "wet.wav", "check.png"))
    assert run("capture-signal", played) == 0
    assert "count-in" in capsys.readouterr().out
    np.testing.assert_array_equal(nd.read(played)[0], dry())
    nd.write(heard, -wet("curve"), RATE)
    assert run("check", played, heard, "--plot", picture) == 3
    assert "warning: polarity: the recording is upside down" in capsys.readouterr().out
    assert Path(picture).stat().st_size > 0
    nd.write(heard, 0 * wet("curve"), RATE)
    assert run("check", played, heard, "--json") == 4
    told = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in told["findings"]] == ["silence"]
    nd.write(heard, wet("curve"), RATE)
    assert run("check", played, heard) == 0
