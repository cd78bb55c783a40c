"""The metrics against their definitions, scipy's filters, and the signals of the standards."""

import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion.analysis.probe import Real
from scipy import signal

RATE = 48_000


def noise(seed: int, frames: int = RATE) -> Real:
    return np.random.default_rng(seed).standard_normal(frames)


def pulse(delay_samples: float, frames: int = 8_192) -> Real:
    """Return tones under a bell, all late by a fraction of a sample: a known delay without a filter."""
    time = np.arange(frames) - frames / 2 - delay_samples
    tones = sum(np.cos(2 * np.pi * f * time + f) for f in (0.003, 0.017, 0.05, 0.11, 0.2, 0.31))
    return np.asarray(tones * np.exp(-((time / 900) ** 2)))


def tone(frequency_hz: float, seconds: float, level_db: float = 0.0) -> Real:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * time))


def test_the_error_of_silence_is_one_and_of_the_signal_itself_nothing() -> None:
    target = noise(0)
    assert analysis.esr(target, np.zeros_like(target)) == 1.0
    assert analysis.esr(target, target) == 0.0


def test_channels_add_up_in_the_error() -> None:
    target = np.stack([noise(0), noise(1)])
    prediction = np.stack([target[0], np.zeros(RATE)])
    expected = np.sum(target[1] ** 2) / np.sum(target**2)
    assert analysis.esr(target, prediction) == pytest.approx(expected, rel=1e-12)


def test_the_pre_emphasis_is_a_first_order_high_pass() -> None:
    target, prediction = noise(0), noise(0) + 0.1 * noise(1)
    t, p = (signal.lfilter([1, -0.85], [1], one) for one in (target, prediction))
    expected = np.sum((t - p) ** 2) / np.sum(t**2)
    assert analysis.esr(target, prediction, pre_emphasis=0.85) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("frequency_hz", "gain_db"),
    [(31.5, -39.4), (100, -19.1), (500, -3.2), (1_000, 0.0), (2_500, 1.3), (10_000, -2.5)],
)
def test_the_a_weighting_is_the_table_of_iec_61672(frequency_hz: float, gain_db: float) -> None:
    band = 1_000 * 10 ** (round(10 * np.log10(frequency_hz / 1_000)) / 10)  # the table's exact frequency
    assert 20 * np.log10(analysis.a_weighting(np.array([band])))[0] == pytest.approx(gain_db, abs=0.05)


def test_an_error_that_is_hardly_heard_counts_for_little_when_weighted() -> None:
    fade = signal.windows.tukey(RATE)
    target, error = fade * tone(1_000, 1), fade * tone(100, 1)
    plain = analysis.esr(target, target + error)
    weighted = analysis.esr(target, target + error, a_weighted=True, sample_rate=RATE)
    assert plain == pytest.approx(1.0, rel=1e-6)
    assert 10 * np.log10(weighted) == pytest.approx(-19.1, abs=0.1)


def test_mean_errors_are_those_of_their_definitions() -> None:
    target, prediction = noise(0), noise(0) + 0.25
    assert analysis.mae(target, prediction) == pytest.approx(0.25)
    assert analysis.dc_error(target, prediction) == pytest.approx(0.0625 / np.mean(target**2))


def test_the_stft_distance_is_that_of_scipys_transforms() -> None:
    target, prediction = noise(0), signal.lfilter([0.4, 0.3, 0.1], [1, -0.2], noise(0))
    distances = []
    for size, length, hop in ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50)):
        window = np.pad(signal.windows.hann(length, sym=False), (size - length) // 2)
        t, p = (
            np.abs(
                signal.stft(
                    one, window=window, nperseg=size, noverlap=size - hop, boundary="even", padded=False
                )[2]
            )
            * window.sum()
            for one in (target, prediction)
        )
        distances.append(np.sqrt(np.sum((t - p) ** 2) / np.sum(t**2)) + np.mean(np.abs(np.log(t / p))))
    assert analysis.mr_stft(target, prediction) == pytest.approx(np.mean(distances), rel=1e-9)


@pytest.mark.parametrize("delay_samples", [0.0, 0.37, -12.5, 733.25])
@pytest.mark.parametrize("gain", [1.0, -0.25])
def test_a_known_delay_and_gain_are_found_to_a_thousandth_of_a_sample(
    delay_samples: float, gain: float
) -> None:
    target = pulse(0.0)
    aligned, found = analysis.align(target, gain * pulse(delay_samples))
    assert found.delay_samples == pytest.approx(delay_samples, abs=1e-3)
    assert found.gain == pytest.approx(1 / gain, rel=1e-3)
    assert analysis.esr(target, aligned) < 1e-6


def test_metrics_align_on_request() -> None:
    target, late = pulse(0.0), 0.5 * pulse(3.5)
    assert analysis.esr(target, late) > 0.2
    assert analysis.esr(target, late, align=True) < 1e-6
    assert analysis.mae(target, late, align=True) < 1e-3 * analysis.mae(target, late)
    assert analysis.mr_stft(target, late, align=True) < 0.01 * analysis.mr_stft(target, late)


def test_the_k_weighting_is_the_filter_of_bs_1770_at_48_khz() -> None:
    shelf = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1.0, -1.69065929318241, 0.73248077421585],
    )
    high_pass = [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621]
    frequencies = np.geomspace(10, 23_000, 200)
    expected = np.prod([signal.freqz(b, a, frequencies, fs=RATE)[1] for b, a in (shelf, high_pass)], axis=0)
    np.testing.assert_allclose(analysis.k_weighting(frequencies, RATE), expected, rtol=1e-6)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_full_scale_sine_of_997_hz_has_the_loudness_that_bs_1770_says(rate: int) -> None:
    sine = np.sin(2 * np.pi * 997 / rate * np.arange(2 * rate))
    assert analysis.integrated_loudness(sine, rate) == pytest.approx(-3.01, abs=0.02)


def test_soft_passages_do_not_count_as_in_ebu_tech_3341() -> None:
    """Cases 1 and 3, with shorter tones."""
    steady = np.stack([tone(1_000, 5, -23)] * 2)
    assert analysis.integrated_loudness(steady, RATE) == pytest.approx(-23, abs=0.1)
    rising = np.concatenate([tone(1_000, 3, -36), tone(1_000, 12, -23), tone(1_000, 3, -36)])
    assert analysis.integrated_loudness(np.stack([rising, rising]), RATE) == pytest.approx(-23, abs=0.1)


def test_silence_is_as_soft_as_can_be() -> None:
    assert analysis.integrated_loudness(np.zeros(RATE), RATE) == -200


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) and \(4,\)"):
        analysis.esr(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="target is silent"):
        analysis.esr(np.zeros(3), np.ones(3))
    with pytest.raises(ValueError, match="needs a sample_rate"):
        analysis.esr(np.ones(3), np.ones(3), a_weighted=True)
    with pytest.raises(ValueError, match="too short"):
        analysis.mr_stft(np.ones(1024), np.ones(1024))
    with pytest.raises(ValueError, match="fits any delay"):
        analysis.align(np.ones(3), np.zeros(3))
    with pytest.raises(ValueError, match="shorter than a block"):
        analysis.integrated_loudness(np.ones(100), RATE)
