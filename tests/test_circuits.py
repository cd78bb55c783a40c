"""Circuits: what ngspice says against what a pencil says."""

import os
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.cli import main
from neural_distortion.training.circuits import CIRCUITS, SEAM_TOLERANCE, Knob, simulate, simulation
from numpy.typing import NDArray

SAMPLE_RATE = 48_000
FREQUENCIES = np.array([80.0, 240.0, 700.0, 1900.0, 5000.0])

DIODE_SATURATION = 2.52e-9
DIODE_EMISSION = 1.752
THERMAL_VOLTAGE = 1.380649e-23 * 300.15 / 1.602176634e-19  # ngspice computes at 27 °C
DIODES = THERMAL_VOLTAGE * DIODE_EMISSION / (2 * DIODE_SATURATION)
"""The resistance of two of them where there is no voltage; they have 8 pF as well."""

GAIN_DB = 0.3
"""How far a hand calculation with ideal amplifiers may be from the circuit."""


def tones(amplitude: float, frequencies: NDArray[np.float64], seconds: float = 0.25) -> NDArray[np.float64]:
    """Return sines of one amplitude, together."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sines: NDArray[np.float64] = np.sin(2 * np.pi * frequencies[:, np.newaxis] * time)
    total: NDArray[np.float64] = amplitude * sines.sum(axis=0)
    return total


def response(
    circuit: str, amplitude: float, frequencies: NDArray[np.float64], *, seconds: float = 0.2, **turns: float
) -> NDArray[np.complex128]:
    """Return the complex gain of a circuit at some frequencies, from its second half."""
    dry = tones(amplitude, frequencies, seconds)
    wet = simulate(circuit, dry, SAMPLE_RATE, jobs=None, on_progress=None, **turns)
    last = slice(dry.size // 2, None)
    window = np.hanning(dry.size - dry.size // 2)
    time = np.arange(dry.size)[last] / SAMPLE_RATE
    probes = window * np.exp(-2j * np.pi * frequencies[:, np.newaxis] * time)
    gain: NDArray[np.complex128] = (probes @ wet[last]) / (probes @ dry[last])
    return gain


def assert_same_gain(actual: NDArray[np.complex128], expected: NDArray[np.complex128]) -> None:
    """Compare complex gains, so that a delay would be seen as well."""
    tolerance = 10 ** (GAIN_DB / 20) - 1
    assert np.all(np.abs(actual / expected - 1) < tolerance), np.abs(actual / expected - 1)


def high_pass(s: NDArray[np.complex128], capacitor: float, resistor: float) -> NDArray[np.complex128]:
    """Return the gain of a coupling capacitor into a resistor."""
    return s * capacitor * resistor / (1 + s * capacitor * resistor)


def overdrive_tone(s: NDArray[np.complex128], tone: float) -> NDArray[np.complex128]:
    """Return the gain of the overdrive's tone stage, whose amplifier keeps both ends of the pot equal."""
    shunt = 1 / (s * 220e-9 + 1 / 10e3)
    to_left, to_right = 20e3 * tone + 1, 20e3 * (1 - tone) + 1
    to_ground = 220 + 1 / (s * 220e-9)
    wiper = to_ground / (to_ground + 1 / (1 / to_left + 1 / to_right))
    # What the wiper takes from the input side loads the fixed low-pass.
    load = 1 / ((1 - wiper) / to_left + 1 / shunt)
    return load / (load + 1e3) * (1 + 1e3 * (1 - wiper) / to_right)


@pytest.mark.parametrize(("drive", "tone"), [(0.0, 0.5), (0.6, 0.0), (0.3, 1.0)])
def test_the_overdrive_has_the_small_signal_gain_of_its_parts(drive: float, tone: float) -> None:
    s = 2j * np.pi * FREQUENCIES
    feedback = 1 / (1 / (51e3 + 500e3 * Knob("audio", 0).wiper(drive)) + 1 / DIODES + s * (51e-12 + 8e-12))
    clipper = 1 / (1 / (1 + feedback / (4.7e3 + 1 / (s * 47e-9))) + s / (2 * np.pi * 3e6))  # 3 MHz wide
    level = 1 / (1 / 100e3 + 1 / 510e3)
    output = high_pass(s, 1e-6, level + 1e3) * high_pass(s, 100e-9, 510e3) * level / (level + 1e3)
    expected = (
        high_pass(s, 20e-9, 510e3) * high_pass(s, 1e-6, 10e3) * clipper * overdrive_tone(s, tone) * output
    )
    actual = response("overdrive", 1e-4, FREQUENCIES, drive=drive, tone=tone, level=1.0)
    assert_same_gain(actual, expected)


@pytest.mark.parametrize(("drive", "turned"), [(0.0, 0.0), (0.3, 0.5)])
def test_the_distortion_has_the_small_signal_gain_of_its_parts(drive: float, turned: float) -> None:
    s = 2j * np.pi * FREQUENCIES
    feedback = 1 / (1 / (100e3 * Knob("audio", 0).wiper(drive) + 10) + s * 100e-12)
    legs = 1 / (47 + 1 / (s * 2.2e-6)) + 1 / (560 + 1 / (s * 4.7e-6))
    wanted = 1 + feedback * legs
    amplifier = 1 / (1 / wanted + s / (2 * np.pi * 1e6))  # 1 MHz wide
    clipper = DIODES / (DIODES + 1e3 + 1 / (s * 4.7e-6))
    low_pass = 1 / (1 + s * 3.3e-9 * (2.5e3 + 100e3 * Knob("audio", 0).wiper(turned)))
    shunt = 1 / (1 / 1e6 + s * 1e-9)
    coupling = shunt / (shunt + 1 / (s * 22e-9)) / (1 + s * 1e3 * 1e-9 * 22 / 23)
    expected = (
        coupling * high_pass(s, 22e-9, 1e6) * amplifier * clipper * low_pass * high_pass(s, 1e-6, 100e3)
    )
    actual = response("distortion", 1e-5, FREQUENCIES, drive=drive, filter=turned, level=1.0)
    assert_same_gain(actual, expected)


def test_the_fuzz_turned_down_has_the_gain_of_its_feedback() -> None:
    # The first base is a virtual ground: the signal's current flows on through 100 kΩ, so the second emitter
    # moves by 100 kΩ / 8 kΩ, and the current that this takes through its 1 kΩ comes through the 470 Ω.
    ideal = 100e3 / 8e3 * 470 / 1e3
    gain = abs(response("fuzz", 1e-4, np.array([700.0]), drive=0.0, level=1.0)[0])
    assert 0.85 * ideal < gain < ideal  # the loop's own gain is about 18


@pytest.mark.parametrize("amplitude", [0.3, 0.6, 1.0])
def test_the_distortion_clips_where_its_diodes_conduct(amplitude: float) -> None:
    # At the peak, the current through 1 kΩ is that of the diodes.
    voltage = np.linspace(0, amplitude, 100_001)
    current = 2 * DIODE_SATURATION * np.sinh(voltage / (DIODE_EMISSION * THERMAL_VOLTAGE))
    expected = np.interp(amplitude, voltage + 1e3 * current, voltage)
    wet = simulate("distortion", tones(amplitude, np.array([500.0])), SAMPLE_RATE, drive=0.0, filter=0.0)
    last = wet[-SAMPLE_RATE // 20 :]
    assert np.max(last) == pytest.approx(expected, rel=0.02)
    assert np.min(last) == pytest.approx(-expected, rel=0.02)


def test_the_overdrive_adds_no_more_than_its_diodes_allow() -> None:
    # The amplifier sends the current of its lower leg, a sine, through resistor and diodes: what they make
    # of it is what the stage adds to its input.
    frequency, amplitude = 1000.0, 0.3
    s = np.array([2j * np.pi * frequency])
    inward = amplitude * abs(high_pass(s, 20e-9, 510e3) * high_pass(s, 1e-6, 10e3))[0]
    current = inward / (4.7e3 + 1 / (s * 47e-9))[0]
    voltage = np.linspace(-1, 1, 20_001)
    taken = voltage / 51e3 + 2 * DIODE_SATURATION * np.sinh(voltage / (DIODE_EMISSION * THERMAL_VOLTAGE))
    sine = np.sin(np.linspace(0, 2 * np.pi, 1000, endpoint=False))
    added = 2 * np.mean(sine * np.interp(abs(current) * sine, taken, voltage))
    stage = inward + added * current / abs(current)
    expected = abs(stage * overdrive_tone(s, 0.5)[0]) * 100 / 101
    gain = abs(response("overdrive", amplitude, np.array([frequency]), drive=0.0, tone=0.5)[0])
    assert gain * amplitude == pytest.approx(expected, rel=0.03)


def test_the_fuzz_stays_between_its_supply_and_saturation() -> None:
    wet = simulate("fuzz", tones(0.5, np.array([1000.0])), SAMPLE_RATE, drive=1.0)
    # The second collector moves from saturation to 9 V, and 470 Ω of its 8.67 kΩ give the output.
    span = 9 * 470 / 8670
    assert 0.7 * span < np.ptp(wet[-SAMPLE_RATE // 20 :]) < 1.1 * span


@pytest.mark.parametrize(
    ("circuit", "knob"),
    [(name, knob) for name in CIRCUITS for knob in ("drive", "level")] + [("overdrive", "tone")],
)
def test_turning_a_knob_up_makes_a_quiet_tone_louder(circuit: str, knob: str) -> None:
    gains = [
        abs(response(circuit, 1e-4, np.array([2500.0]), seconds=0.1, **{knob: turn})[0])
        for turn in (0.1, 0.5, 0.9)
    ]
    assert gains[0] < gains[1] < gains[2]


def test_turning_the_filter_up_makes_the_distortion_darker() -> None:
    gains = [
        abs(response("distortion", 1e-4, np.array([2500.0]), seconds=0.1, filter=turn)[0])
        for turn in (0.1, 0.5, 0.9)
    ]
    assert gains[0] > gains[1] > gains[2]


@pytest.fixture(scope="module")
def guitar() -> Audio:
    """Return a little more than a second of guitar."""
    audio, sample_rate = nd.read(nd.example_audio("guitar"))
    assert sample_rate == SAMPLE_RATE
    return audio[SAMPLE_RATE : SAMPLE_RATE * 205 // 100]


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_pieces_are_as_good_as_the_whole(circuit: str, guitar: Audio) -> None:
    progress: list[float] = []
    whole = simulate(circuit, guitar, SAMPLE_RATE, jobs=1, on_progress=progress.append)
    assert progress == [1.0]
    pieces = simulate(circuit, guitar, SAMPLE_RATE, jobs=2, on_progress=progress.append)
    assert progress == [1.0, 0.5, 1.0]
    assert np.max(np.abs(whole - pieces)) < SEAM_TOLERANCE


def test_a_piece_that_disagrees_is_computed_from_further_back(
    monkeypatch: pytest.MonkeyPatch, guitar: Audio
) -> None:
    attack = guitar[: SAMPLE_RATE // 5]
    whole = simulate("fuzz", attack, SAMPLE_RATE, jobs=1)
    monkeypatch.setattr(simulation, "_WARM_UP_S", 0.01)
    pieces = simulate("fuzz", attack, SAMPLE_RATE, jobs=2)
    assert np.max(np.abs(whole - pieces)) < SEAM_TOLERANCE
    monkeypatch.setattr(simulation, "SEAM_TOLERANCE", 0.0)
    with pytest.raises(ChildProcessError, match=r"fuzz: two pieces .* differ where they meet, at 0\.1 s"):
        simulate("fuzz", attack, SAMPLE_RATE, jobs=2)


def test_smaller_steps_change_little_and_nothing_is_random(guitar: Audio) -> None:
    attack = guitar[: SAMPLE_RATE // 4]
    wet = simulate("distortion", attack, SAMPLE_RATE)
    np.testing.assert_array_equal(wet, simulate("distortion", attack, SAMPLE_RATE))
    finer = simulate("distortion", attack, SAMPLE_RATE, simulation_rate=768_000)
    assert analysis.esr(finer, wet) < 1e-5


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_silence_stays_silent(circuit: str) -> None:
    wet = simulate(circuit, np.zeros(SAMPLE_RATE // 20), SAMPLE_RATE)
    assert np.max(np.abs(wet)) < 1e-4


def test_other_rates_and_channels_are_taken(guitar: Audio) -> None:
    attack = guitar[: SAMPLE_RATE // 10]
    both = simulate("fuzz", np.stack([attack, -attack]), 44_100)
    assert both.shape == (2, attack.size)
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both[1], simulate("fuzz", -attack, 44_100))


def test_what_cannot_be_simulated_is_named() -> None:
    dry = np.zeros(100)
    with pytest.raises(ValueError, match="no circuit 'delay', but overdrive, distortion, fuzz"):
        simulate("delay", dry, SAMPLE_RATE)
    with pytest.raises(ValueError, match="the fuzz has no knob 'tone', but drive, level"):
        simulate("fuzz", dry, SAMPLE_RATE, tone=0.5)
    with pytest.raises(ValueError, match=r"drive to be 0 to 1, got 1\.5"):
        simulate("fuzz", dry, SAMPLE_RATE, drive=1.5)
    with pytest.raises(ValueError, match="one job or more, got 0"):
        simulate("fuzz", dry, SAMPLE_RATE, jobs=0)
    with pytest.raises(ValueError, match="sample_rate to be above 0, got 0"):
        simulate("fuzz", dry, 0)
    with pytest.raises(ValueError, match="not finite"):
        simulate("fuzz", np.full(100, np.nan), SAMPLE_RATE)


def test_a_missing_ngspice_comes_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="apt-get install ngspice"):
        simulate("fuzz", np.zeros(100), SAMPLE_RATE)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_what_ngspice_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in = tmp_path / "ngspice"
    stand_in.write_text("#!/bin/sh\necho 'singular matrix' >&2\nexit 1\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChildProcessError, match="singular matrix"):
        simulate("fuzz", np.zeros(100), SAMPLE_RATE)


def test_the_command_line_simulates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dry = tones(0.2, np.array([300.0]), seconds=0.1).astype(np.float32)
    nd.write("dry.wav", dry, SAMPLE_RATE)
    with pytest.raises(SystemExit) as end:
        main(["simulate", "distortion", "dry.wav", "wet.wav", "--drive", "0.7", "--filter", "0.2"])
    assert not end.value.code
    wet, sample_rate = nd.read("wet.wav")
    np.testing.assert_array_equal(wet, simulate("distortion", dry, sample_rate, drive=0.7, filter=0.2))
    assert "wet.wav: 0.1 s at 48000 Hz, -0.6" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["simulate", "fuzz", "dry.wav", "wet.wav", "--tone", "0.5"])
    assert end.value.code == 1
    assert "the fuzz has no knob 'tone'" in capsys.readouterr().err
