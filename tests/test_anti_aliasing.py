"""Fewer aliases, the same sound, and where it comes out."""

from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import numpy.typing as npt
import pytest
from neural_distortion import analysis
from neural_distortion._typing import Audio

SOFT_CLIP = nd.example_model("soft-clip")
DATA = Path(__file__).parent / "data"
WAVENET = DATA / "wavenet_nano" / "model.nam"
KNOBS = DATA / "aidax_gru8_cond2" / "model.json"
TONES_HZ = (1_000, 2_000, 5_000)


def tone(frequency_hz: float, peak: float, frames: int = 12_000) -> Audio:
    cycles = frequency_hz / 48_000 * np.arange(frames)
    return np.asarray(peak * np.sin(2 * np.pi * cycles), dtype=np.float32)


def gain_db(path: Path, method: str) -> npt.NDArray[np.float64]:
    models = (nd.load(path, anti_aliasing=word) for word in ("off", method))
    off, on = (analysis.aliasing(model, TONES_HZ, level_db=-6).asr_db for model in models)
    return off - on


@pytest.mark.parametrize(
    ("method", "at_least"), [("adaa1", 4), ("eco", 9), ("standard", 20), ("minimum-2x", 15), ("best", 60)]
)
def test_the_perceptron_aliases_less(method: str, at_least: float) -> None:
    assert gain_db(SOFT_CLIP, method).min() > at_least


@pytest.mark.parametrize("method", ["2x", "4x", "8x", "minimum-2x", "minimum-8x", "adaa2"])
def test_a_whole_signal_is_aligned(method: str) -> None:
    dry = tone(110, 0.02)
    off, on = nd.load(SOFT_CLIP), nd.load(SOFT_CLIP, anti_aliasing=method)
    assert on.latency_samples > 0
    assert analysis.esr(off(dry, 48_000), on(dry, 48_000)) < 1e-4


@pytest.mark.parametrize("method", ["2x", "minimum-2x", "adaa2"])
def test_a_stream_is_as_late_as_it_says(method: str) -> None:
    dry = tone(110, 0.3)
    model = nd.load(SOFT_CLIP, anti_aliasing=method)
    whole = model(dry, 48_000)
    stream = np.concatenate([model.process(block, 48_000, reset=False) for block in np.split(dry, 100)])
    late = model.latency_samples
    np.testing.assert_array_equal(stream[late:], whole[:-late])


@pytest.mark.parametrize("method", ["4x", "minimum-2x"])
def test_threads_do_not_change_the_samples(method: str) -> None:
    dry = tone(220, 0.5, 100_000)
    model = nd.load(SOFT_CLIP, anti_aliasing=method)
    np.testing.assert_array_equal(model(dry, 48_000, threads=1), model(dry, 48_000, threads=3))


def test_moving_parameters_stay_with_their_audio() -> None:
    dry = tone(220, 0.1, 4_800)
    moving = np.stack([np.linspace(0.5, 1, dry.size)] * 2)  # from where they stand before
    off, on = nd.load(KNOBS), nd.load(KNOBS, anti_aliasing="2x")
    rate = off.sample_rate or 48_000
    assert analysis.esr(off(dry, rate, parameters=moving), on(dry, rate, parameters=moving)) < 1e-3


def test_a_model_can_be_fed_at_a_multiple_of_its_rate() -> None:
    once, twice = nd.load(WAVENET), nd.load(WAVENET, rate_factor=2)
    assert (once.sample_rate, twice.sample_rate) == (48_000, 96_000)
    assert twice.latency_samples == 0
    dry = tone(110, 0.3, 2_000)
    wet = twice(np.repeat(dry, 2), 96_000)
    np.testing.assert_array_equal(wet[::2], once(dry, 48_000))
    np.testing.assert_array_equal(wet[1::2], wet[::2])


@pytest.mark.parametrize("word", ["", "3x", "adaa3", "Best"])
def test_a_word_that_means_nothing_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="no anti-aliasing is called"):
        nd.load(SOFT_CLIP, anti_aliasing=word)


@pytest.mark.parametrize("options", [{"anti_aliasing": "adaa1"}, {"rate_factor": 0}, {"rate_factor": 17}])
def test_what_a_network_cannot_have_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(nd.ModelError) as error:
        nd.load(WAVENET, **options)
    assert error.value.kind in ("unsupported_feature", "limit_exceeded")


def test_the_dial_tells_its_method() -> None:
    assert nd.load(SOFT_CLIP, anti_aliasing="standard").anti_aliasing == "2x"
    assert nd.load(WAVENET, anti_aliasing="best").anti_aliasing == "4x"
    assert nd.load(WAVENET).anti_aliasing == "off"
