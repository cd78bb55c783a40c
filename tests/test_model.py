"""Models in Python: what they play, and every shape, type and rate that they accept or refuse."""

import copy
import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import numpy.typing as npt
import pytest
from neural_distortion._typing import Audio

DATA = Path(__file__).parent / "data"
RATE = 48_000

CASES = {case["name"]: case for case in json.loads((DATA / "index.json").read_text())}

WAVENET = DATA / "wavenet_nano" / "model.nam"
SLIMMABLE = DATA / "wavenet_slimmable" / "model.nam"
KNOBS = DATA / "aidax_gru8_cond2" / "model.json"
LSTM = DATA / "lstm_1x3_state" / "model.nam"
DEEP_LSTM = DATA / "lstm_2x16" / "model.nam"


@pytest.fixture(scope="module")
def guitar() -> Audio:
    audio: Audio = np.load(DATA / "guitar.npy")
    return audio[:8000]


@pytest.fixture
def model() -> nd.Model:
    """Load a model with memory and a rate of 48 kHz."""
    return nd.load(WAVENET)


@pytest.fixture
def waveshaper() -> nd.Model:
    """Load a model without either."""
    return nd.load(nd.example_model("soft-clip"))


def esr_db(target: Audio, prediction: Audio) -> float:
    error = np.square(target.astype(np.float64) - prediction).sum()
    return float(10 * np.log10(error / np.square(target.astype(np.float64)).sum() + 1e-30))


# What it plays


@pytest.mark.parametrize("name", CASES)
def test_models_play_what_other_programs_play(name: str) -> None:
    case = CASES[name]
    compat = [case["compat"]] if case["compat"] else []
    model = nd.load(DATA / case["model"], prewarm=case["start"] == "prewarmed", compat=compat)
    if case["quality"] is not None:
        model.quality = case["quality"]
    target = np.load(DATA / case["output"])
    dry = np.load(DATA / case["input"])[: target.size]
    parameters = np.load(DATA / case["parameters"])[:, : dry.size] if case["parameters"] else None
    # Rendered as it is, whatever rate the file names: the reference was, too.
    wet = model(dry, model.sample_rate or RATE, parameters=parameters)
    if "esr_db" in case["tolerance"]:
        assert esr_db(target, wet) <= case["tolerance"]["esr_db"]
    else:
        np.testing.assert_allclose(wet, target, rtol=0, atol=case["tolerance"]["max_abs"])


@pytest.mark.parametrize("path", [WAVENET, LSTM])
@pytest.mark.parametrize("block", [1, 7, 64, 333, 4096])
def test_block_size_does_not_change_the_sound(guitar: Audio, path: Path, block: int) -> None:
    model = nd.load(path)
    whole = model(guitar, RATE)
    model.reset()
    pieces = [
        model.process(guitar[at : at + block], RATE, reset=False) for at in range(0, guitar.size, block)
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_call_starts_afresh_and_a_stream_goes_on(model: nd.Model, guitar: Audio) -> None:
    whole = model(guitar, RATE)
    np.testing.assert_array_equal(model(guitar, RATE), whole)
    np.testing.assert_array_equal(model.process(guitar, RATE), whole)
    assert not np.array_equal(model.process(guitar, RATE, reset=False), whole)


def test_reset_equals_a_fresh_model(model: nd.Model, guitar: Audio) -> None:
    whole = nd.load(WAVENET)(guitar, RATE)
    model.process(guitar[::-1], RATE, reset=False)
    model.reset()
    np.testing.assert_array_equal(model.process(guitar, RATE, reset=False), whole)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, nd.Model.clone])
def test_a_clone_goes_on_from_the_same_state_by_itself(
    model: nd.Model, guitar: Audio, duplicate: Callable[[nd.Model], nd.Model]
) -> None:
    model.process(guitar[:4000], RATE, reset=False)
    clone = duplicate(model)
    rest = model.process(guitar[4000:], RATE, reset=False)
    np.testing.assert_array_equal(clone.process(guitar[4000:], RATE, reset=False), rest)
    assert clone.metadata == model.metadata


def test_channels_do_not_hear_each_other(model: nd.Model, guitar: Audio) -> None:
    left, right = guitar, guitar[::-1].copy()
    alone = [model(left, RATE), model(right, RATE)]
    np.testing.assert_array_equal(model(np.stack([left, right]), RATE), alone)


def test_channels_do_not_hear_each_other_in_a_stream(model: nd.Model, guitar: Audio) -> None:
    stereo = np.stack([guitar, guitar[::-1]])
    whole = model(stereo, RATE)
    model.reset()
    pieces = [model.process(stereo[:, at : at + 777], RATE, reset=False) for at in range(0, guitar.size, 777)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_another_number_of_channels_needs_a_reset(model: nd.Model, guitar: Audio) -> None:
    model.process(guitar, RATE, reset=False)
    with pytest.raises(ValueError, match=r"1 channel.*this block 2.*reset\(\)"):
        model.process(np.stack([guitar, guitar]), RATE, reset=False)
    model.reset()
    assert model.process(np.stack([guitar, guitar]), RATE, reset=False).shape == (2, guitar.size)


# Threads


@pytest.fixture(scope="module")
def long() -> Audio:
    """Make enough noise for several threads to have a part of it."""
    return np.random.default_rng(11).uniform(-0.5, 0.5, 3 * RATE).astype(np.float32)


@pytest.mark.parametrize("path", [WAVENET, SLIMMABLE, LSTM])
@pytest.mark.parametrize("threads", [2, 3, 8, None])
def test_threads_do_not_change_the_sound(long: Audio, path: Path, threads: int | None) -> None:
    model = nd.load(path)
    streamed = np.concatenate([model.process(block, RATE, reset=False) for block in np.split(long, 9)])
    np.testing.assert_array_equal(model(long, RATE, threads=1), streamed)
    np.testing.assert_array_equal(model(long, RATE, threads=threads), streamed)


@pytest.mark.parametrize("path", [WAVENET, LSTM, DEEP_LSTM])
@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_stereo_is_two_times_mono(long: Audio, path: Path, threads: int | None) -> None:
    model = nd.load(path)
    alone = [model(channel, RATE, threads=1) for channel in (long, -long, long[::-1])]
    stereo = model(np.stack([long, -long, long[::-1]]), RATE, threads=threads)
    np.testing.assert_array_equal(stereo, alone)


@pytest.mark.parametrize("path", [WAVENET, LSTM, DEEP_LSTM])
def test_a_stereo_stream_is_two_mono_ones(long: Audio, path: Path) -> None:
    model = nd.load(path)
    signals = np.stack([long[:8000], long[8000:16_000], -long[:8000]])
    blocks = [model.process(block, RATE, reset=False) for block in np.split(signals, [1, 700, 764], axis=1)]
    alone = [model(channel, RATE, threads=1) for channel in signals]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), alone)


@pytest.mark.parametrize("parameters", [[0.9, 0.1], np.linspace([0, 1], [1, 0], 8000, axis=1)])
def test_stereo_with_knobs_is_two_times_mono(long: Audio, parameters: npt.ArrayLike) -> None:
    model = nd.load(KNOBS)
    stereo = np.stack([long[:8000], long[8000:16_000]])
    alone = [model(channel, RATE, parameters=parameters) for channel in stereo]
    wet = model(stereo, RATE, parameters=parameters, threads=1)
    np.testing.assert_array_equal(wet, alone)
    np.testing.assert_array_equal(model.process(stereo, RATE, parameters=parameters), alone)


def test_resampled_stereo_is_two_times_mono(long: Audio) -> None:
    model = nd.load(DEEP_LSTM)
    stereo = np.stack([long[:8000], long[8000:16_000]])
    alone = [model(channel, 44_100, threads=1) for channel in stereo]
    np.testing.assert_array_equal(model(stereo, 44_100, threads=1), alone)


def test_threads_do_not_change_resampled_sound(model: nd.Model, long: Audio) -> None:
    stereo = np.stack([long, -long])
    np.testing.assert_array_equal(model(stereo, 44_100, threads=4), model(stereo, 44_100, threads=1))
    np.testing.assert_array_equal(model.process(stereo, 44_100), model(stereo, 44_100))


def test_a_whole_signal_leaves_no_stream(model: nd.Model, guitar: Audio) -> None:
    whole = model(guitar, RATE)
    np.testing.assert_array_equal(model.process(guitar, RATE, reset=False), whole)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_a_positive_number(model: nd.Model, guitar: Audio, threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads={threads}"):
        model(guitar, RATE, threads=threads)


# Sizes


def test_a_model_is_full_unless_set(guitar: Audio) -> None:
    model = nd.load(SLIMMABLE)
    assert model.sizes == pytest.approx((0, 1 / 3, 2 / 3))
    assert model.quality == 1
    full = model(guitar, RATE)
    model.quality = 0
    assert model.quality == 0
    small = model(guitar, RATE)
    assert not np.array_equal(small, full)
    model.quality = 0.3
    np.testing.assert_array_equal(model(guitar, RATE), small)
    model.quality = model.sizes[-1]
    np.testing.assert_array_equal(model(guitar, RATE), full)


def test_a_stream_fades_to_another_size_in_all_channels_at_once(guitar: Audio) -> None:
    model, small = nd.load(SLIMMABLE), nd.load(SLIMMABLE)
    small.quality = 0
    full = model(guitar, RATE)
    assert model.receptive_field + 512 < 2000
    model.process(np.stack([guitar[:4000], guitar[:4000]]), RATE, reset=False)
    model.quality = 0
    wet = model.process(np.stack([guitar[4000:], guitar[4000:]]), RATE, reset=False)
    np.testing.assert_array_equal(wet[0], wet[1])
    np.testing.assert_array_equal(wet[0, :100], full[4000:4100])
    np.testing.assert_array_equal(wet[0, 2000:], small(guitar, RATE)[6000:])
    model.reset()
    np.testing.assert_array_equal(model.process(guitar, RATE, reset=False), small(guitar, RATE))


def test_a_clone_has_its_own_size(guitar: Audio) -> None:
    model = nd.load(SLIMMABLE)
    model.quality = 0
    clone = model.clone()
    assert clone.quality == 0
    np.testing.assert_array_equal(clone(guitar, RATE), model(guitar, RATE))
    clone.quality = 1
    assert model.quality == 0


def test_a_model_of_one_size_is_the_same_at_every_quality(model: nd.Model, guitar: Audio) -> None:
    whole = model(guitar, RATE)
    assert model.sizes == (0,)
    model.quality = 0
    np.testing.assert_array_equal(model(guitar, RATE), whole)


@pytest.mark.parametrize("quality", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_quality_is_from_0_to_1(model: nd.Model, quality: float) -> None:
    with pytest.raises(ValueError, match="quality="):
        model.quality = quality
    assert model.quality == 1


# Parameters


def test_a_model_has_the_knobs_of_its_file(model: nd.Model) -> None:
    assert model.parameters == ()
    assert nd.load(KNOBS).parameters == (
        nd.Parameter("parameter 1", 0, 1, 0.5),
        nd.Parameter("parameter 2", 0, 1, 0.5),
    )


def test_settings_hold_for_one_call(guitar: Audio) -> None:
    model = nd.load(KNOBS)
    rest = model(guitar, RATE)
    turned = model(guitar, RATE, parameters=[0.1, 0.9])
    assert not np.array_equal(turned, rest)
    np.testing.assert_array_equal(model(guitar, RATE), rest)
    np.testing.assert_array_equal(model(guitar, RATE, parameters=(0.5, 0.5)), rest)
    pieces = [model.process(block, RATE, parameters=[0.1, 0.9], reset=False) for block in np.split(guitar, 5)]
    np.testing.assert_array_equal(np.concatenate(pieces), turned)
    model.reset()
    model.process(guitar[:1], RATE, parameters=[0.1, 0.9], reset=False)
    again = nd.load(KNOBS)
    again.process(guitar[:1], RATE, parameters=[0.1, 0.9])
    np.testing.assert_array_equal(
        model.process(guitar, RATE, reset=False),
        again.process(guitar, RATE, parameters=[0.5, 0.5], reset=False),
    )


def test_settings_are_signals_that_stand_still(guitar: Audio) -> None:
    model = nd.load(KNOBS)
    settings = np.array([0.1, 0.9])
    signals = np.repeat(settings[:, np.newaxis], guitar.size, axis=1)
    turned = model(guitar, RATE, parameters=settings)
    np.testing.assert_array_equal(model(guitar, RATE, parameters=signals), turned)
    np.testing.assert_array_equal(model(guitar, RATE, parameters=np.asfortranarray(signals)), turned)


def test_automation_is_the_same_in_blocks_and_in_all_channels(guitar: Audio) -> None:
    model = nd.load(KNOBS)
    stereo = np.stack([guitar, -guitar])
    sweep = np.linspace([0, 1], [1, 0], guitar.size, axis=1)
    whole = model(stereo, RATE, parameters=sweep)
    np.testing.assert_array_equal(whole[1], model(-guitar, RATE, parameters=sweep))
    model.reset()
    pieces = [
        model.process(stereo[:, part], RATE, parameters=sweep[:, part], reset=False)
        for part in (slice(0, 1), slice(1, 1), slice(1, 700), slice(700, None))
    ]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_settings_go_with_resampling_and_automation_does_not(guitar: Audio) -> None:
    file = json.loads(KNOBS.read_text()) | {"samplerate": RATE}
    model = nd.load(json.dumps(file).encode())
    assert model.sample_rate == RATE
    turned = model(guitar, 44_100, parameters=[0.1, 0.9])
    assert turned.shape == guitar.shape
    assert not np.array_equal(turned, model(guitar, 44_100))
    for play in (model, model.process):
        with pytest.raises(ValueError, match=r"at 44100 Hz: parameters that move are not resampled"):
            play(guitar, 44_100, parameters=np.zeros((2, guitar.size)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (0.5, r"shape \(\): expected \(2,\) or \(2, 8000\)"),
        ([], r"shape \(0,\): expected"),
        ([0.5], r"shape \(1,\): expected"),
        ([0.5, 0.5, 0.5], r"shape \(3,\): expected"),
        (np.zeros((2, 7999)), r"shape \(2, 7999\): expected"),
        (np.zeros((8000, 2)), r"shape \(8000, 2\): expected"),
        ([0.5, float("nan")], "not finite"),
        ([0.5, 1e300], "not finite"),
    ],
)
def test_settings_that_do_not_fit_are_refused(guitar: Audio, parameters: npt.ArrayLike, message: str) -> None:
    model = nd.load(KNOBS)
    for play in (model, model.process):
        with pytest.raises(ValueError, match=f"parameters .*{message}"):
            play(guitar, RATE, parameters=parameters)


def test_settings_that_are_not_numbers_are_refused(guitar: Audio) -> None:
    with pytest.raises(TypeError, match="parameters of type"):
        nd.load(KNOBS)(guitar, RATE, parameters=["low", "high"])


def test_a_model_without_knobs_takes_none(model: nd.Model, guitar: Audio) -> None:
    np.testing.assert_array_equal(model(guitar, RATE, parameters=[]), model(guitar, RATE))
    with pytest.raises(ValueError, match=r"shape \(1,\): expected \(0,\)"):
        model(guitar, RATE, parameters=[0.5])


# Shapes and types


@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (1, 5), (2, 1), (2, 0), (64, 2)])
def test_the_shape_that_comes_in_goes_out(model: nd.Model, shape: tuple[int, ...]) -> None:
    wet = model(np.zeros(shape, np.float32), RATE)
    assert wet.shape == shape
    assert wet.dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), r"shape \(\): expected"),
        ((1, 2, 3), r"shape \(1, 2, 3\): expected"),
        ((0, 5), r"shape \(0, 5\): expected"),
        ((48_000, 2), r"shape \(48000, 2\).*pass audio\.T for 2 channel\(s\) of 48000 frames"),
        ((65, 100), r"shape \(65, 100\): expected .* 1 to 64 channels$"),
    ],
)
def test_other_shapes_are_refused_by_name(model: nd.Model, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(np.zeros(shape, np.float32), RATE)


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.bool_, np.complex64])
def test_samples_that_are_not_floats_are_refused(model: nd.Model, dtype: type) -> None:
    with pytest.raises(TypeError, match=np.dtype(dtype).name):
        model(np.zeros(5, dtype), RATE)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_are_converted(model: nd.Model, guitar: Audio, dtype: type) -> None:
    narrow: npt.NDArray[np.floating] = guitar.astype(dtype)
    np.testing.assert_array_equal(model(narrow, RATE), model(narrow.astype(np.float32), RATE))


def test_memory_order_does_not_matter(model: nd.Model, guitar: Audio) -> None:
    stereo = np.stack([guitar, -guitar])
    np.testing.assert_array_equal(model(guitar[::2], RATE), model(guitar[::2].copy(), RATE))
    np.testing.assert_array_equal(model(guitar[::-1], RATE), model(guitar[::-1].copy(), RATE))
    np.testing.assert_array_equal(model(np.asfortranarray(stereo), RATE), model(stereo, RATE))
    np.testing.assert_array_equal(model(guitar.astype(">f4"), RATE), model(guitar, RATE))
    np.testing.assert_array_equal(model(list(map(float, guitar[:9])), RATE), model(guitar[:9], RATE))


def test_the_input_is_left_alone(model: nd.Model, guitar: Audio) -> None:
    before = guitar.copy()
    guitar.flags.writeable = False
    model(guitar, RATE)
    guitar.flags.writeable = True
    np.testing.assert_array_equal(guitar, before)


def test_what_is_no_number_counts_as_silence(model: nd.Model, guitar: Audio) -> None:
    spoilt, silent = guitar.copy(), guitar.copy()
    spoilt[100:300:50] = [np.nan, np.inf, -np.inf, np.nan]
    silent[100:300:50] = 0
    np.testing.assert_array_equal(model(spoilt, RATE), model(silent, RATE))
    assert not model.unstable


# Sample rates


@pytest.mark.parametrize("rate", [22_050, 44_100, 88_200, 96_000, 47_999])
@pytest.mark.parametrize("frames", [0, 1, 999, 12_345])
def test_resampled_audio_is_as_long_as_it_was(model: nd.Model, rate: int, frames: int) -> None:
    assert model(np.zeros((2, frames), np.float32), rate).shape == (2, frames)


def test_resampled_audio_is_aligned_to_the_sample(model: nd.Model) -> None:
    """A tone that is resampled to the model's rate and back sounds as it does at the model's rate."""

    def play(rate: int) -> Audio:
        time = np.arange(2 * rate) / rate
        return model(0.02 * np.sin(2 * np.pi * 500 * time) * np.sin(np.pi * time / 2) ** 2, rate)

    # Every 147th frame at 44.1 kHz is at the same instant as every 160th at 48 kHz.
    np.testing.assert_allclose(play(44_100)[::147], play(48_000)[::160], rtol=0, atol=2e-6)


def test_without_resampling_another_rate_is_an_error(model: nd.Model, guitar: Audio) -> None:
    with pytest.raises(ValueError, match=r"runs at 48000 Hz.*at 44100 Hz.*resample=False"):
        model(guitar, 44_100, resample=False)
    np.testing.assert_array_equal(model(guitar, RATE, resample=False), model(guitar, RATE))


def test_a_stream_at_another_rate_is_an_error(model: nd.Model, guitar: Audio) -> None:
    with pytest.raises(ValueError, match=r"runs at 48000 Hz.*at 96000 Hz.*reset=False"):
        model.process(guitar, 96_000, reset=False)


def test_a_rate_beyond_resampling_is_an_error(model: nd.Model, guitar: Audio) -> None:
    with pytest.raises(ValueError, match=r"cannot resample from 44100.5 Hz to 48000 Hz"):
        model(guitar, 44_100.5)


def test_a_model_without_a_rate_takes_any(waveshaper: nd.Model, guitar: Audio) -> None:
    assert waveshaper.sample_rate is None
    np.testing.assert_array_equal(waveshaper(guitar, 44_100), waveshaper(guitar, 96_000))
    np.testing.assert_array_equal(
        waveshaper.process(guitar, 12_345.6, reset=False), waveshaper(guitar, RATE, resample=False)
    )


@pytest.mark.parametrize("rate", [0, -48_000, float("nan"), float("inf")])
def test_a_rate_is_a_positive_number(waveshaper: nd.Model, rate: float) -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        waveshaper(np.zeros(5, np.float32), rate)


# What it says about itself


def test_a_model_says_what_it_is(model: nd.Model) -> None:
    assert model.architecture == "WaveNet"
    assert model.sample_rate == RATE
    assert model.num_parameters == 842
    assert model.receptive_field == 4093
    assert model.latency_samples == 0
    assert repr(model) == "<Model WaveNet, 842 weights, 48000 Hz>"


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["format"] == "nam"])
def test_the_architecture_is_the_one_of_the_file(name: str) -> None:
    assert nd.load(DATA / CASES[name]["model"]).architecture == CASES[name]["architecture"]


def test_the_receptive_field_is_what_one_sample_reaches() -> None:
    model = nd.load(DATA / "linear_64" / "model.nam")
    impulse = np.zeros(2 * model.receptive_field, np.float32)
    rest = model(impulse, RATE)
    impulse[0] = 1
    reached = np.flatnonzero(model(impulse, RATE) != rest)
    assert reached.max() == model.receptive_field - 1


def test_prewarming_starts_a_model_at_rest() -> None:
    silence = np.zeros(100, np.float32)
    warm, cold = nd.load(LSTM)(silence, RATE), nd.load(LSTM, prewarm=False)(silence, RATE)
    assert np.ptp(warm) < 1e-6
    assert np.ptp(cold) > 1e-3


def test_metadata_is_typed_and_complete() -> None:
    said = {
        "name": "Ö",
        "gear_make": "Maker",
        "loudness": -18.5,
        "input_level_dbu": 12,
        "training": {"validation_esr": 0.01},
        "t3k": [1],
    }
    file = json.loads(WAVENET.read_text()) | {"metadata": said}
    model = nd.load(json.dumps(file).encode())
    told = model.metadata
    assert (told.name, told.gear_make, told.loudness_db, told.validation_esr) == ("Ö", "Maker", -18.5, 0.01)
    assert told.input_level_dbu == 12
    assert told.tone_type is None
    assert told.raw == said
    assert told.warnings == ()
    assert repr(model) == "<Model 'Ö', WaveNet, 842 weights, 48000 Hz>"
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.name = "another"  # type: ignore[misc]


def test_metadata_of_the_wrong_type_is_a_warning() -> None:
    file = json.loads(WAVENET.read_text()) | {"metadata": {"loudness": "loud"}}
    told = nd.load(json.dumps(file).encode()).metadata
    assert told.loudness_db is None
    assert any("loudness" in warning for warning in told.warnings)


def test_metadata_may_be_missing(waveshaper: nd.Model) -> None:
    assert waveshaper.metadata.raw == {}


# Loading


def test_reversed_taps_play_a_response_backwards() -> None:
    path = DATA / "linear_64" / "model.nam"
    impulse = np.zeros(64, np.float32)
    impulse[0] = 1
    forwards = nd.load(path)(impulse, RATE)
    backwards = nd.load(path, compat=["reverse_linear_taps"])(impulse, RATE)
    np.testing.assert_allclose(backwards, forwards[::-1], rtol=0, atol=1e-6)


def test_an_old_player_leaves_out_a_film(guitar: Audio) -> None:
    path = DATA / "wavenet_film_all" / "model.nam"
    old = nd.load(path, compat={"legacy_layer1x1_post_film"})
    assert not np.array_equal(old(guitar, RATE), nd.load(path)(guitar, RATE))


def test_fast_math_is_near_exact_math(guitar: Audio) -> None:
    exact, fast = nd.load(WAVENET)(guitar, RATE), nd.load(WAVENET, math="fast")(guitar, RATE)
    assert not np.array_equal(fast, exact)
    assert esr_db(exact, fast) < -40


def test_every_instruction_set_plays_the_same_model(model: nd.Model, guitar: Audio) -> None:
    sets = nd.instruction_sets()
    assert sets[-1] in ("baseline", "neon")
    assert model.instruction_set == sets[0]
    for name in sets:
        one = nd.load(WAVENET, instruction_set=name)
        assert one.instruction_set == name
        np.testing.assert_allclose(one(guitar, RATE), model(guitar, RATE), rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compat": ["sideways"]}, '"sideways": there is legacy_.*, residual_.*, reverse_linear_taps$'),
        ({"math": "wrong"}, 'math="wrong": expected "exact" or "fast"'),
        ({"instruction_set": "mmx"}, '"mmx" .*: it has .*(baseline|neon)'),
    ],
)
def test_an_unknown_option_is_refused_with_those_that_there_are(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        nd.load(WAVENET, **options)


def test_a_model_is_its_content_wherever_it_is(tmp_path: Path, guitar: Audio) -> None:
    wet = nd.load(WAVENET)(guitar, RATE)
    renamed = tmp_path / "größe.json"
    renamed.write_bytes(WAVENET.read_bytes())
    for source in (renamed, str(renamed), WAVENET.read_bytes()):
        np.testing.assert_array_equal(nd.load(source)(guitar, RATE), wet)


def test_the_shipped_model_distorts(waveshaper: nd.Model, guitar: Audio) -> None:
    wet = waveshaper(guitar, RATE)
    assert np.abs(wet).max() > 0.1
    assert esr_db(guitar, wet) > -20


@pytest.mark.parametrize(
    ("change", "kind", "path", "expected", "found"),
    [
        ({"weights": [1.0]}, "weight_count", "weights", "842", "1"),
        ({"version": "0.4.9"}, "unsupported_version", "version", None, "0.4.9"),
        ({"architecture": "Tube"}, "unsupported_architecture", "architecture", None, "Tube"),
        ({"config": {}}, "missing_key", "config.head_scale", None, None),
        ({"config": 5}, "wrong_type", "config", "an object", "a number"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(
    tmp_path: Path, change: dict[str, object], kind: str, path: str, expected: str | None, found: str | None
) -> None:
    file = tmp_path / "broken.nam"
    file.write_text(json.dumps(json.loads(WAVENET.read_text()) | change))
    with pytest.raises(nd.ModelError) as caught:
        nd.load(file)
    error = caught.value
    assert (error.kind, error.path, error.found) == (kind, path, found)
    assert expected is None or error.expected == expected
    assert str(error).startswith(f"{file}: ")
    assert path in str(error)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"RIFF....WAVE", b"[" * 100_000])
def test_what_is_no_model_is_called_so(content: bytes) -> None:
    with pytest.raises(nd.ModelError):
        nd.load(content)


def test_a_model_error_is_a_value_error() -> None:
    assert issubclass(nd.ModelError, ValueError)


@pytest.mark.parametrize("half", range(2, 30))
def test_a_truncated_file_is_a_model_error(half: int) -> None:
    content = WAVENET.read_bytes()
    with pytest.raises(nd.ModelError):
        nd.load(content[: len(content) * half // 30])


def test_a_missing_file_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.nam"):
        nd.load(tmp_path / "nowhere.nam")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=tmp_path.name):
        nd.load(tmp_path)


def test_an_unknown_example_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"'bassoon'.*overdrive"):
        nd.example_model("bassoon")


# A signal that is too long to be held


@pytest.mark.parametrize("anti_aliasing", ["off", "2x"])
@pytest.mark.parametrize("rate", [RATE, 44_100, 96_000])
@pytest.mark.parametrize("block", [100, 4096, 16_000])
def test_a_streamed_signal_is_the_whole_signal(
    guitar: Audio, rate: int, block: int, anti_aliasing: str
) -> None:
    model = nd.load(WAVENET, anti_aliasing=anti_aliasing)
    stereo = np.tile(np.stack([guitar, guitar[::-1]]), 2)
    for audio in (stereo[0], stereo):
        pieces = (audio[..., start : start + block] for start in range(0, audio.shape[-1], block))
        wet = list(model.stream(pieces, rate))
        assert all(piece.size for piece in wet)
        np.testing.assert_array_equal(np.concatenate(wet, axis=-1), model(audio, rate))


def test_a_streamed_signal_has_its_settings(guitar: Audio) -> None:
    model = nd.load(KNOBS)
    rate = model.sample_rate or RATE
    for parameters in (None, [0.1, 0.9]):
        (wet,) = model.stream([guitar], rate, parameters=parameters)
        np.testing.assert_array_equal(wet, model(guitar, rate, parameters=parameters))


def test_several_threads_stream_through_one_model(model: nd.Model, guitar: Audio) -> None:
    expected = model(guitar, RATE)
    model.process(guitar[:100], RATE)
    with ThreadPoolExecutor(4) as pool:
        for pieces in pool.map(lambda _: list(model.stream([guitar], RATE)), range(16)):
            np.testing.assert_array_equal(pieces[0], expected)
    goes_on = model.process(guitar[100:200], RATE, reset=False)
    np.testing.assert_array_equal(goes_on, expected[100:200])


def test_a_streamed_signal_that_changes_or_is_empty(model: nd.Model, guitar: Audio) -> None:
    assert list(model.stream([], 44_100)) == []
    assert list(model.stream([guitar[:0]], RATE)) == []
    for rate in (RATE, 44_100):
        with pytest.raises(ValueError, match="channel"):
            list(model.stream([guitar, np.stack([guitar, guitar])], rate))
    with pytest.raises(ValueError, match="both have to be whole numbers"):
        list(model.stream([guitar], 100))
