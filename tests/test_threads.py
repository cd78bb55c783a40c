"""One model is one thread's at a time; clones run side by side."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion._typing import Audio

SLOW_MODEL = Path(__file__).parent / "data" / "wavenet_standard" / "model.nam"
RATE = 48_000


@pytest.fixture
def model() -> nd.Model:
    return nd.load(SLOW_MODEL)


@pytest.fixture(scope="module")
def noise() -> Audio:
    return np.random.default_rng(7).uniform(-0.5, 0.5, 2 * RATE).astype(np.float32)


def test_a_second_thread_on_one_model_gets_a_clear_error(model: nd.Model, noise: Audio) -> None:
    """That this thread runs at all while the other is at work shows that the GIL is released."""
    refusals: list[str] = []

    def play(audio: Audio) -> None:
        try:
            model(audio, RATE)
        except RuntimeError as error:
            refusals.append(str(error))

    other = threading.Thread(target=play, args=(noise,))
    other.start()
    while other.is_alive() and not refusals:
        play(noise[:16])
    other.join()
    assert "at work in another thread" in refusals[0]
    assert "copy.copy(model)" in refusals[0]


def test_what_a_model_is_can_be_read_while_it_works(model: nd.Model, noise: Audio) -> None:
    other = threading.Thread(target=model, args=(noise, RATE))
    other.start()
    read = 0
    while other.is_alive():
        assert model.num_parameters == 13_802
        read += 1
    other.join()
    assert read > 0


def test_a_refused_model_plays_on(model: nd.Model, noise: Audio) -> None:
    expected = model(noise, RATE)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(model, noise, RATE)
        second = pool.submit(model, noise, RATE)
    refused = [future for future in (first, second) if future.exception()]
    assert len(refused) <= 1
    np.testing.assert_array_equal(model(noise, RATE), expected)


def test_clones_in_two_threads_give_what_one_thread_gives(model: nd.Model, noise: Audio) -> None:
    expected = [model(noise, RATE), model(-noise, RATE)]
    with ThreadPoolExecutor() as pool:
        found = list(
            pool.map(lambda twin, audio: twin(audio, RATE), [model, copy.copy(model)], [noise, -noise])
        )
    np.testing.assert_array_equal(found, expected)
