"""Harmonics and products of tones against closed forms."""

import numpy as np
import numpy.typing as npt
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.analysis.harmonic import Method
from neural_distortion.analysis.probe import Processor, Real
from scipy import signal

TOLERANCE_DB = 0.01
"""What a measurement may be off by; single precision in the models makes far less of it."""

COEFFICIENTS = (0.02, 0.9, 0.3, -0.25, 0.1, 0.05)
"""Of a waveshaper: a constant, x, x**2, …"""


def waveshaper(audio: Audio, _sample_rate: float) -> Real:
    return np.polynomial.polynomial.polyval(audio.astype(np.float64), COEFFICIENTS)


def harmonics_of_waveshaper(peak: float) -> Real:
    """Return the amplitudes of the sines 1 to 5, by the power-reduction formulas."""
    _, c1, c2, c3, c4, c5 = (c * peak**n for n, c in enumerate(COEFFICIENTS))
    return np.array(
        [c1 + 3 / 4 * c3 + 10 / 16 * c5, c2 / 2 + c4 / 2, c3 / 4 + 5 / 16 * c5, c4 / 8, c5 / 16],
    )


def decibels(ratio: npt.ArrayLike) -> Real:
    return np.asarray(20 * np.log10(np.abs(ratio)))


@pytest.mark.parametrize("level_db", [0.0, -6.0, -20.0])
@pytest.mark.parametrize("frequency_hz", [82.4, 440.0, 3_000.0])
def test_the_harmonics_of_a_polynomial_are_those_of_its_closed_form(
    level_db: float, frequency_hz: float
) -> None:
    expected = harmonics_of_waveshaper(10 ** (level_db / 20))
    measured = analysis.harmonics(waveshaper, frequency_hz, level_db)
    found = measured.levels_dbc[:5]
    np.testing.assert_allclose(found, decibels(expected / expected[0]), atol=TOLERANCE_DB)
    assert measured.output_level_db == pytest.approx(decibels(expected[0]), abs=TOLERANCE_DB)
    assert measured.thd_db == pytest.approx(
        decibels(np.linalg.norm(expected[1:]) / expected[0]), abs=TOLERANCE_DB
    )
    assert measured.even_db == pytest.approx(
        decibels(np.linalg.norm(expected[1::2]) / expected[0]), abs=TOLERANCE_DB
    )
    assert measured.odd_db == pytest.approx(
        decibels(np.linalg.norm(expected[2::2]) / expected[0]), abs=TOLERANCE_DB
    )


def test_the_phases_are_those_of_sines() -> None:
    found = analysis.harmonics(waveshaper, 440.0, 0.0).phases_rad[:4]
    # x**2 and x**4 of sines hold -cos(2 t) and +cos(4 t); the third coefficient's sine is positive here
    np.testing.assert_allclose(np.exp(1j * found), [1, -1j, 1, 1j], atol=1e-3)


def test_the_mean_is_no_harmonic() -> None:
    measured = analysis.harmonics(lambda audio, _: audio + 0.5, 440.0, 0.0)
    assert measured.dc == pytest.approx(0.5, abs=1e-6)
    assert measured.thd_n_db < -120


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
def test_hard_clipping_has_the_harmonics_of_its_fourier_series(ratio: float) -> None:
    start = np.arcsin(ratio)  # where the sine meets the limit

    def coefficient(n: int) -> float:
        rising = start if n == 1 else np.sin((n - 1) * start) / (n - 1)
        return float(
            4 / np.pi * ((rising - np.sin((n + 1) * start) / (n + 1)) / 2 + ratio * np.cos(n * start) / n)
        )

    expected = np.array([coefficient(n) for n in range(1, 20, 2)])
    measured = analysis.harmonics(lambda audio, _: np.clip(audio, -ratio, ratio), 100.0, 0.0, count=19)
    np.testing.assert_allclose(measured.levels_dbc[::2], decibels(expected / expected[0]), atol=TOLERANCE_DB)
    assert measured.output_level_db == pytest.approx(decibels(expected[0]), abs=TOLERANCE_DB)
    assert measured.even_db < -100


def test_noise_counts_as_noise_and_not_as_distortion() -> None:
    deviation = 0.001

    def noisy(audio: Audio, _sample_rate: float) -> Real:
        return audio + deviation * np.random.default_rng(0).standard_normal(audio.size)

    measured = analysis.harmonics(noisy, 440.0, 0.0)
    expected_db = 10 * np.log10(0.5 / deviation**2)
    assert measured.sinad_db == pytest.approx(expected_db, abs=0.2)
    assert measured.thd_n_db == pytest.approx(-expected_db, abs=0.2)
    assert measured.thd_db < -expected_db - 15


def test_harmonics_above_half_the_rate_are_not_there() -> None:
    assert analysis.harmonics(waveshaper, 9_000.0).levels_dbc.size == 2
    assert analysis.harmonics(waveshaper, 9_000.0, sample_rate=96_000).levels_dbc.size == 5


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("SMPTE", 0.8, 0.2), ("CCIF", 0.5, 0.5)],
)
def test_intermodulation_is_that_of_a_cubic(method: Method, low: float, high: float) -> None:
    square, cube = 0.2, 0.1
    measured = analysis.intermodulation(
        lambda audio, _: audio + square * audio**2 + cube * audio**3, method, 0.0
    )
    tone = high + cube * (3 / 4 * high**3 + 3 / 2 * high * low**2)
    if method == "SMPTE":  # H±L and H±2L against H
        second, third = 2 * square * low * high / tone, 2 * cube * 3 / 4 * low**2 * high / tone
    else:  # H-L, and 2L-H with 2H-L, against L+H
        second, third = square * low * high / (2 * tone), 2 * cube * 3 / 4 * low**3 / (2 * tone)
    assert measured.second_db == pytest.approx(decibels(second), abs=TOLERANCE_DB)
    assert measured.third_db == pytest.approx(decibels(third), abs=TOLERANCE_DB)
    assert measured.imd_db == pytest.approx(decibels(np.hypot(second, third)), abs=TOLERANCE_DB)


def test_a_level_sweep_draws_the_curve_of_a_clipper() -> None:
    measured = analysis.sweep_level(lambda audio, _: np.clip(100 * audio, -1, 1), [-60, -50, 0])
    assert measured.gain_db == pytest.approx(40, abs=TOLERANCE_DB)
    assert measured.output_levels_db[-1] == pytest.approx(
        decibels(4 / np.pi), abs=TOLERANCE_DB
    )  # a square wave
    assert measured.thd_db[0] < -100
    assert measured.harmonics_dbc[-1, 2] == pytest.approx(decibels(1 / 3), abs=TOLERANCE_DB)


def test_a_gate_that_closes_leaves_a_gap_in_the_sweep() -> None:
    measured = analysis.sweep_level(lambda audio, _: audio * (np.abs(audio).max() > 0.1), [-40, 0])
    assert measured.output_levels_db[0] == -200
    assert np.isnan(measured.thd_db[0])
    assert measured.to_dict()["thd_db"][0] is None


def test_a_frequency_sweep_sees_what_is_filtered_away() -> None:
    b, a = signal.butter(4, 2_000, fs=48_000)

    def model(audio: Audio, _sample_rate: float) -> Real:
        return np.asarray(signal.lfilter(b, a, waveshaper(audio, 48_000)))

    measured = analysis.sweep_frequency(model, [100, 1_000], level_db=0.0)
    expected = harmonics_of_waveshaper(1.0)
    gain = np.abs(signal.freqz(b, a, np.outer(measured.frequencies_hz, [1, 2, 3]), fs=48_000)[1])
    found = measured.harmonics_dbc[:, :3]
    np.testing.assert_allclose(
        found, decibels(expected[:3] * gain / (expected[0] * gain[:, :1])), atol=TOLERANCE_DB
    )


@pytest.mark.parametrize("delay", [0, 1, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_static_curve_is_that_of_the_model_whatever_its_delay_or_polarity(delay: int, sign: int) -> None:
    def model(audio: Audio, sample_rate: float) -> Real:
        return sign * np.roll(waveshaper(audio, sample_rate), delay)

    measured = analysis.transfer_curve(model)
    expected = sign * np.polynomial.polynomial.polyval(measured.static_input, COEFFICIENTS)
    np.testing.assert_allclose(measured.static_output, expected, atol=1e-5)
    assert measured.memory < 1e-4
    assert measured.gain_db == pytest.approx(decibels(COEFFICIENTS[1]), abs=TOLERANCE_DB)


def test_memory_is_what_the_static_curve_leaves_out() -> None:
    bend, delay = 0.2, 20

    def model(audio: Audio, _sample_rate: float) -> Real:
        return audio + bend * np.roll(audio, delay) ** 2

    measured = analysis.transfer_curve(model)
    turn = 2 * np.pi * measured.frequency_hz / 48_000 * delay
    second = bend / 2
    assert measured.memory == pytest.approx(second * abs(np.sin(2 * turn)) / np.hypot(1, second), rel=1e-3)


@pytest.mark.parametrize("frequency_hz", [0.0, -5.0, 24_000.0])
def test_a_frequency_that_is_none_is_refused(frequency_hz: float) -> None:
    with pytest.raises(ValueError, match="frequency_hz"):
        analysis.harmonics(waveshaper, frequency_hz)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda audio, _: 0 * audio, "silent"),
        (lambda audio, _: audio[:-1], "shape"),
        (lambda audio, _: audio * np.nan, "finite"),
    ],
)
def test_a_model_that_cannot_be_measured_is_refused(model: Processor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analysis.harmonics(model)


def test_intermodulation_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="'SMPTE' or 'CCIF'"):
        analysis.intermodulation(waveshaper, "DIN")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(ValueError, match="lower and a higher"):
        analysis.intermodulation(waveshaper, frequencies_hz=(5_000, 400))
