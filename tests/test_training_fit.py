"""Fitting a perceptron."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neural_distortion import analysis, training
from neural_distortion._typing import Audio

GOAL = 1e-4
"""The error-to-signal ratio that sixteen hidden units are to reach on the unclipped sine."""


def short_pair() -> tuple[Audio, Audio]:
    return training.generate("excitation", duration_s=0.5)


@pytest.fixture(scope="module")
def sine_fit() -> training.PerceptronFit:
    return training.fit_perceptron(*training.generate("sine"), 44_100)


def test_sixteen_units_follow_the_unclipped_sine(sine_fit: training.PerceptronFit) -> None:
    assert sine_fit.perceptron.hidden == (16,)
    assert sine_fit.esr <= GOAL
    dry, wet = training.generate("sine")
    assert analysis.esr(wet, sine_fit.perceptron(dry)) <= GOAL


def test_adam_alone_reaches_the_goal_too(sine_fit: training.PerceptronFit) -> None:
    assert min(epoch.esr for epoch in sine_fit.history if epoch.stage == "adam") <= GOAL


def test_the_perceptron_follows_signals_that_it_was_not_trained_on(sine_fit: training.PerceptronFit) -> None:
    dry, wet = training.generate("excitation", seed=1)
    assert analysis.esr(wet, sine_fit.perceptron(dry)) <= GOAL


def test_the_best_epoch_is_kept(sine_fit: training.PerceptronFit) -> None:
    assert sine_fit.esr == min(epoch.esr for epoch in sine_fit.history) == sine_fit.history[-1].best_esr


def test_epochs_are_counted_through_both_stages(sine_fit: training.PerceptronFit) -> None:
    history = sine_fit.history
    assert [epoch.number for epoch in history] == list(range(1, len(history) + 1))
    assert [epoch.stage for epoch in history] == sorted(epoch.stage for epoch in history)
    assert history[-1].loss < history[0].loss


@pytest.mark.parametrize("hidden", [(6,), (8, 8), (6, 5, 4), (12, 8)])
def test_any_number_of_layers_and_widths_can_be_trained(hidden: tuple[int, ...]) -> None:
    fit = training.fit_perceptron(*short_pair(), 44_100, hidden=hidden, epochs=5, polish=20)
    assert fit.perceptron.hidden == hidden
    assert fit.esr < 0.01


def test_the_same_seed_gives_the_same_perceptron_and_another_seed_another() -> None:
    first, again, other = (
        training.fit_perceptron(*short_pair(), 44_100, hidden=(4,), epochs=2, polish=2, seed=seed).perceptron
        for seed in (1, 1, 2)
    )
    dry = short_pair()[0]
    np.testing.assert_array_equal(first(dry), again(dry))
    assert not np.array_equal(first(dry), other(dry))


def test_the_level_of_the_recordings_does_not_matter() -> None:
    dry, wet = short_pair()
    fits = [
        training.fit_perceptron(np.float32(a) * dry, np.float32(b) * wet, 44_100, hidden=(8,), epochs=5)
        for a, b in ((1, 1), (1e-3, 1e3))
    ]
    assert all(fit.esr < GOAL for fit in fits)


def test_a_constant_offset_of_the_wet_recording_is_learned() -> None:
    dry, wet = short_pair()
    fit = training.fit_perceptron(dry, wet + np.float32(3), 44_100, hidden=(8,), epochs=5)
    assert float(fit.perceptron(np.zeros(1, np.float32))[0]) == pytest.approx(3, abs=0.05)


def test_channels_are_trained_on_together() -> None:
    dry, wet = (np.stack([audio, audio[::-1]]) for audio in short_pair())
    assert training.fit_perceptron(dry, wet, 44_100, hidden=(8,), epochs=5).esr < GOAL


def test_training_stops_when_nothing_gets_better() -> None:
    rng = np.random.default_rng(0)
    dry, wet = rng.standard_normal((2, 2000)).astype(np.float32)
    fit = training.fit_perceptron(dry, wet, 44_100, hidden=(2,), epochs=500, polish=0, patience=5)
    assert len(fit.history) < 500
    assert all(epoch.esr >= fit.esr for epoch in fit.history[-5:])


def test_every_epoch_is_reported() -> None:
    reported: list[training.Epoch] = []
    fit = training.fit_perceptron(
        *short_pair(), 44_100, hidden=(2,), epochs=3, polish=2, on_epoch=reported.append
    )
    assert tuple(reported) == fit.history


def test_an_interrupt_keeps_the_best_so_far() -> None:
    def interrupt_the_third(epoch: training.Epoch) -> None:
        if epoch.number == 3:
            raise KeyboardInterrupt

    fit = training.fit_perceptron(*short_pair(), 44_100, hidden=(4,), on_epoch=interrupt_the_third)
    assert fit.interrupted
    assert len(fit.history) == 3
    assert fit.esr == min(epoch.esr for epoch in fit.history)


@pytest.mark.parametrize("hidden", [(4,), (4, 3)])
def test_a_saved_fit_is_read_back_without_loss(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    dry, wet = short_pair()
    fit = training.fit_perceptron(dry, wet, 44_100, hidden=hidden, epochs=2, polish=2)
    fit.save(tmp_path / "model.json")
    np.testing.assert_array_equal(training.Perceptron.read(tmp_path / "model.json")(dry), fit.perceptron(dry))


def test_recordings_that_teach_nothing_are_refused() -> None:
    dry, wet = short_pair()
    silence = np.zeros_like(dry)
    broken = wet.copy()
    broken[7] = np.nan
    refused: list[tuple[Audio, Audio, str]] = [
        (dry, wet[:-1], r"differ in shape: \(22050,\) and \(22049,\)"),
        (dry[:10], wet[:10], "too short: 10 samples"),
        (silence, wet, "the dry recording is silent"),
        (dry, silence, "the wet recording is silent"),
        (dry, silence + 1, "the wet recording is silent: every sample is 1"),
        (dry, np.where(np.arange(len(dry)) < 40, wet, np.float32(0)), "silent almost everywhere"),
        (dry, broken, "the wet recording has samples that are not finite"),
        (dry[np.newaxis, np.newaxis], wet[np.newaxis, np.newaxis], r"audio of shape \(1, 1, 22050\)"),
    ]
    for bad_dry, bad_wet, reason in refused:
        with pytest.raises(ValueError, match=reason):
            training.fit_perceptron(bad_dry, bad_wet, 44_100)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"hidden": ()}, "one or more hidden layers"),
        ({"hidden": (4, 0)}, r"got \(4, 0\)"),
        ({"epochs": 0}, "epochs to be 1 or more, got 0"),
        ({"polish": -1}, "polish to be 0 or more, got -1"),
        ({"patience": 0}, "patience to be 1 or more, got 0"),
        ({"learning_rate": 0.0}, "learning rate above 0 and up to 1, got 0.0"),
        ({"noise": -1.0}, "noise level of 0 to 1, got -1.0"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        training.fit_perceptron(*short_pair(), 44_100, **options)


def test_layers_that_do_not_fit_each_other_are_refused() -> None:
    def dense(outputs: int, inputs: int) -> training.Dense:
        return training.Dense(np.ones((outputs, inputs), np.float32), np.ones(outputs, np.float32))

    with pytest.raises(ValueError, match=r"layer 2: expected weights of shape \(outputs, 4\)"):
        training.Perceptron((dense(4, 1), dense(1, 3)))
    with pytest.raises(ValueError, match="expected one output, got 2"):
        training.Perceptron((dense(2, 1),))
    with pytest.raises(ValueError, match="got no layer"):
        training.Perceptron(())
    with pytest.raises(ValueError, match="layer 1: a weight is not finite"):
        training.Perceptron((dense(1, 1)._replace(bias=np.full(1, np.inf, np.float32)),))
