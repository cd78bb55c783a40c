"""The signals to train on."""

from typing import get_args

import numpy as np
import pytest
from neural_distortion import training


def test_the_sine_rises_linearly_from_silence_to_its_peak() -> None:
    dry, _ = training.generate("sine", sample_rate=44_100, duration_s=10.0, peak=5.0)
    assert dry.shape == (441_000,)
    for second in range(10):
        loudest = np.max(np.abs(dry[second * 44_100 : (second + 1) * 44_100]))
        assert loudest == pytest.approx(0.5 * (second + 1), rel=1e-2)


def test_the_sine_is_at_110_hz() -> None:
    dry, _ = training.generate("sine", duration_s=1.0)
    assert np.argmax(np.abs(np.fft.rfft(dry))) == 110


@pytest.mark.parametrize("signal", get_args(training.Signal))
def test_the_wet_signal_is_the_curve_of_the_dry_one_and_is_not_clipped(signal: training.Signal) -> None:
    dry, wet = training.generate(signal)
    exact = dry.astype(np.float64)
    np.testing.assert_allclose(wet, np.tanh(2 * exact) + 0.15 * exact**2, atol=1e-6)
    assert np.max(np.abs(dry)) == pytest.approx(5, rel=1e-3)
    assert np.max(wet) > 4.7


def test_the_curve_can_be_chosen() -> None:
    dry, wet = training.generate("sine", curve=np.negative)
    np.testing.assert_array_equal(wet, -dry)


def test_the_excitation_visits_the_whole_audible_range_and_every_level() -> None:
    dry, _ = training.generate("excitation", peak=1.0)
    power = np.square(np.abs(np.fft.rfft(dry)))
    octaves = np.add.reduceat(power, [round(20 * 2**octave * 10) for octave in range(10)])
    assert np.min(octaves) > 1e-3 * np.sum(octaves)
    levels, _ = np.histogram(dry, bins=40, range=(-1, 1))
    assert np.min(levels) > 100


def test_the_same_seed_gives_the_same_signal_and_another_seed_another() -> None:
    first, again, other = (
        training.generate("excitation", duration_s=0.5, seed=seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("signal", get_args(training.Signal))
@pytest.mark.parametrize("duration_s", [1 / 44_100, 3 / 44_100, 0.01])
def test_a_signal_may_be_a_few_frames_long(signal: training.Signal, duration_s: float) -> None:
    dry, wet = training.generate(signal, duration_s=duration_s)
    assert dry.shape == wet.shape == (round(44_100 * duration_s),)
    assert np.isfinite(dry).all()


def test_what_cannot_be_generated_is_said() -> None:
    with pytest.raises(ValueError, match=r"at least one frame, got 0\.0 s"):
        training.generate(duration_s=0.0)
    with pytest.raises(ValueError, match="peak above 0, got -1"):
        training.generate(peak=-1.0)
    with pytest.raises(ValueError, match="got 'square'"):
        training.generate("square")  # type: ignore[arg-type]
