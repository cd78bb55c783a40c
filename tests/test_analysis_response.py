"""Responses against filters and envelopes that are known."""

import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.analysis.probe import Processor, Real
from scipy import signal

RATE = 48_000


def late(fraction: float) -> Processor:
    """Return a filter that delays by 63 samples and a fraction."""
    taps = np.sinc(np.arange(127) - 63 - fraction) * signal.windows.kaiser(127, 8)
    return lambda audio, _: signal.lfilter(taps, [1], audio.astype(np.float64))


@pytest.mark.parametrize("fraction", [0.0, 0.25, -0.4])
def test_the_delay_of_a_fractional_delay_filter_is_its_own(fraction: float) -> None:
    measured = analysis.delay(late(fraction))
    assert measured.delay_samples == pytest.approx(63 + fraction, abs=0.01)
    assert measured.delay_ms == pytest.approx((63 + fraction) / 48, abs=0.01)
    assert not measured.inverts


def test_inverted_polarity_is_seen_through_an_offset() -> None:
    measured = analysis.delay(lambda audio, _: 0.2 - np.roll(audio, 100))
    assert measured.delay_samples == pytest.approx(100, abs=1e-3)
    assert measured.inverts


def test_the_frequency_response_is_that_of_the_filter_at_every_level() -> None:
    sections = np.concatenate([signal.butter(2, [120, 4_000], "bandpass", fs=RATE, output="sos")])

    def model(audio: Audio, _sample_rate: float) -> Real:
        return np.asarray(signal.sosfilt(sections, audio.astype(np.float64)))

    measured = analysis.frequency_response(model, [-40, 0])
    heard = (measured.frequencies_hz > 40) & (measured.frequencies_hz < 18_000)
    gain = np.abs(signal.freqz_sos(sections, measured.frequencies_hz, fs=RATE)[1])
    for gains_db in measured.gains_db:
        np.testing.assert_allclose(gains_db[heard], 20 * np.log10(gain[heard]), atol=0.1)


def test_the_sweep_tells_the_orders_of_a_waveshaper_before_a_filter_apart() -> None:
    b, a = signal.butter(1, 2_000, fs=RATE)
    peak = 0.5

    def model(audio: Audio, _sample_rate: float) -> Real:
        x = audio.astype(np.float64)
        return np.asarray(signal.lfilter(b, a, x + 0.3 * x**2 + 0.2 * x**3))

    measured = analysis.impulse_responses(model, 20 * np.log10(peak), orders=3)
    expected = np.array([1 + 0.2 * 3 / 4 * peak**2, 0.3 / 2 * peak, 0.2 / 4 * peak**2])
    heard = (measured.frequencies_hz > 100) & (measured.frequencies_hz < 10_000)
    gain = np.abs(signal.freqz(b, a, measured.frequencies_hz[heard], fs=RATE)[1])
    np.testing.assert_allclose(
        measured.levels_db[:, heard], 20 * np.log10(expected[:, np.newaxis] * gain), atol=0.1
    )


def test_the_first_response_of_a_delay_is_an_impulse_at_its_time() -> None:
    measured = analysis.impulse_responses(lambda audio, _: 0.5 * np.roll(audio, 30), orders=1)
    assert np.argmax(np.abs(measured.responses[0])) == measured.lead + 30
    assert measured.responses[0].max() == pytest.approx(
        0.5, rel=0.1
    )  # less what is above 95 % of half the rate


def test_a_sweep_too_short_for_its_orders_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        analysis.impulse_responses(lambda audio, _: audio, orders=30, seconds=0.5)


def test_attack_and_recovery_are_those_of_an_exponential() -> None:
    """The gain jumps by 6 dB where the burst starts, falls by 6 dB where it ends, and settles each time."""
    constant = 0.02 * RATE

    def model(audio: Audio, _sample_rate: float) -> Real:
        loud = np.flatnonzero(np.abs(audio) > 0.1)
        since_start, since_end = np.arange(audio.size) - loud[0], np.arange(audio.size) - loud[-1]
        boost = np.where(since_start >= 0, np.exp(-np.maximum(since_start, 0) / constant), 0)
        drop = np.where(since_end > 0, 0.5 * np.exp(-np.maximum(since_end, 0) / constant), 0)
        return audio * np.where(since_end > 0, 1 - drop, 1 + boost)

    measured = analysis.dynamic_response(model, burst_ms=400)
    period_ms = 1e3 / measured.frequency_hz
    limit = 10 ** (1 / 20)
    assert measured.attack_ms == pytest.approx(-20 * np.log(limit - 1), abs=1.5 * period_ms)
    assert measured.recovery_ms == pytest.approx(-20 * np.log((1 - 1 / limit) / 0.5), abs=1.5 * period_ms)
    assert measured.overshoot_db == pytest.approx(20 * np.log10(2), abs=0.3)
    assert measured.undershoot_db == pytest.approx(20 * np.log10(2), abs=0.5)


def test_a_model_without_memory_settles_within_a_period() -> None:
    measured = analysis.dynamic_response(lambda audio, _: np.tanh(audio))
    assert measured.attack_ms <= 1.0
    assert measured.recovery_ms <= 1.0
    assert measured.output_levels_db[-1] == pytest.approx(-40, abs=0.01)


def test_twice_the_signal_is_six_loudness_units_more() -> None:
    measured = analysis.loudness(lambda audio, _: 2 * audio)
    assert measured.wet_lufs - measured.dry_lufs == pytest.approx(20 * np.log10(2), abs=0.01)
    assert measured.wet_peak_db - measured.dry_peak_db == pytest.approx(20 * np.log10(2), abs=1e-3)
    np.testing.assert_allclose(
        measured.wet_spectrum_db - measured.dry_spectrum_db, 20 * np.log10(2), atol=1e-3
    )


def test_a_sine_fills_its_third_octave() -> None:
    sine = np.sin(2 * np.pi * 1_000 / RATE * np.arange(RATE))
    measured = analysis.loudness(lambda audio, _: audio, sine, sample_rate=RATE)
    middle = int(np.argmin(np.abs(measured.bands_hz - 1_000)))
    assert measured.dry_spectrum_db[middle] == pytest.approx(0, abs=1e-3)
    assert np.delete(measured.dry_spectrum_db, middle).max() < -100
    assert measured.dry_rms_db == pytest.approx(-3.01, abs=0.01)


def test_hum_and_offset_are_told_apart_in_silence() -> None:
    def model(audio: Audio, sample_rate: float) -> Real:
        hum = 1e-3 * np.sin(2 * np.pi * 100 / sample_rate * np.arange(audio.size))
        return np.asarray(audio + 0.01 + hum)

    measured = analysis.noise_floor(model)
    assert measured.dc == pytest.approx(0.01, abs=1e-6)
    assert measured.noise_db == pytest.approx(-60, abs=0.01)
    assert measured.a_weighted_db == pytest.approx(-60 - 19.1, abs=0.1)


def test_a_silent_model_has_no_noise() -> None:
    assert analysis.noise_floor(lambda audio, _: audio).noise_db == -200
    with pytest.raises(ValueError, match="silent"):
        analysis.delay(lambda audio, _: 0 * audio)


def test_audio_without_its_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        analysis.loudness(lambda audio, _: audio, np.ones(RATE))
    with pytest.raises(ValueError, match="guitar"):
        analysis.loudness(lambda audio, _: audio, sample_rate=44_100)
    with pytest.raises(ValueError, match="positive"):
        analysis.delay(lambda audio, _: audio, sample_rate=-1)
