"""Aliasing against the definition of the ratio, and against folding by hand."""

import numpy as np
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.analysis.probe import Real

RATE = 48_000
FRAMES = 16_381  # a prime


def tanh(audio: Audio, _sample_rate: float) -> Real:
    return np.tanh(8 * audio.astype(np.float64))


@pytest.mark.parametrize("frequency_hz", [1_244.5, 2_000.0, 5_000.0, 11_000.0])
def test_the_ratio_of_tanh_is_that_of_its_definition_the_long_way(frequency_hz: float) -> None:
    """E_H is summed from the definition of the DFT, bin by bin, and E_Y by Parseval's theorem."""
    fundamental = round(frequency_hz * FRAMES / RATE)
    time = np.arange(FRAMES)
    sine = 0.5 * np.sin(2 * np.pi / FRAMES * (fundamental * time % FRAMES))
    y = tanh(sine.astype(np.float32), RATE)
    total = (FRAMES * np.sum(y**2) - np.sum(y) ** 2) / 2
    harmonic = sum(
        abs(np.sum(y * np.exp(-2j * np.pi / FRAMES * (k * time % FRAMES)))) ** 2
        for k in range(fundamental, (FRAMES - 1) // 2 + 1, fundamental)
    )
    expected_db = 10 * np.log10((total - harmonic) / harmonic)
    measured = analysis.aliasing(tanh, [frequency_hz], level_db=20 * np.log10(0.5), sample_rate=RATE)
    assert measured.asr_db[0] == pytest.approx(expected_db, abs=0.01)
    assert measured.frequencies_hz[0] == pytest.approx(fundamental * RATE / FRAMES)


def test_the_third_harmonic_of_10_khz_folds_and_counts() -> None:
    measured = analysis.aliasing(lambda audio, _: audio + audio**3, [5_000, 10_000], level_db=0.0)
    assert measured.asr_db[0] < -120  # 15 kHz has room
    assert measured.asr_db[1] == pytest.approx(
        20 * np.log10(1 / 7), abs=0.01
    )  # 30 kHz does not: 1/4 against 7/4


def test_an_offset_is_no_alias() -> None:
    assert analysis.aliasing(lambda audio, _: audio + 0.1, [1_000]).asr_db[0] < -120


def test_a_value_between_two_tones_is_found_between_them() -> None:
    measured = analysis.aliasing(tanh, [1_000, 4_000])
    assert min(measured.asr_db) < measured.near(2_000) < max(measured.asr_db)
    assert measured.near(20_000) == measured.asr_db[-1]


def test_the_spectrogram_shows_a_harmonic_until_it_folds_and_where_it_folds_to() -> None:
    picture = analysis.spectrogram(lambda audio, _: audio**3, level_db=0.0)
    bin_hz = picture.frequencies_hz[1]
    for tone_hz, others_hz in ((4_000, 12_000), (10_000, 48_000 - 30_000), (20_000, 60_000 - 48_000)):
        column = picture.levels_db[:, int(np.argmin(np.abs(picture.tones_hz - tone_hz)))]
        near = [round(hz / bin_hz) for hz in (tone_hz, others_hz)]
        levels = [column[place - 8 : place + 9].max() for place in near]
        assert levels[0] - levels[1] == pytest.approx(20 * np.log10(3), abs=0.5)
        rest = np.delete(column, [index for place in near for index in range(place - 12, place + 13)])
        assert rest.max() < -80


def test_silence_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="silent"):
        analysis.aliasing(lambda audio, _: 0 * audio)
    with pytest.raises(ValueError, match="silent"):
        analysis.spectrogram(lambda audio, _: 0 * audio)
