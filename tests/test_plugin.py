"""The bundled plugin in a host of others, against the wheel."""

import importlib
import importlib.util
import json
import os
import struct
from pathlib import Path
from types import ModuleType

import neural_distortion as nd
import numpy as np
import pytest

DATA = Path(__file__).parent / "data"
BUNDLE = os.environ.get("NEURAL_DISTORTION_VST3", "")

#: Both play the same kernels; what is left is the rounding of gains that are 1.
TOLERANCE = 1e-6

# Nobody has to build a plugin to test the wheel; `cargo xtask test` does, and then nothing is skipped.
pytestmark = pytest.mark.skipif(
    not BUNDLE or importlib.util.find_spec("pedalboard") is None,
    reason="needs pedalboard, and the bundle that `cargo xtask test` names in NEURAL_DISTORTION_VST3",
)


@pytest.fixture
def pedalboard() -> ModuleType:
    """Return the module, which has no complete types."""
    return importlib.import_module("pedalboard")


def preset(model: Path) -> bytes:
    """Return a session as a host would store it: a preset file of VST3."""
    fields = {"model": json.dumps({"path": str(model)})}
    state = json.dumps({"version": "0.1.0", "params": {}, "fields": fields}).encode()
    head = struct.pack("<4si32sq", b"VST3", 1, b"NeuralDistortion".hex().upper().encode(), 48 + len(state))
    return head + state + struct.pack("<4si4sqq", b"List", 1, b"Comp", 48, len(state))


@pytest.mark.parametrize(
    "name", ["wavenet_nano", "wavenet_a2_ch8", "lstm_2x16", "proteus_lstm40", "linear_64"]
)
def test_the_plugin_plays_what_the_wheel_plays(pedalboard: ModuleType, name: str, tmp_path: Path) -> None:
    """With everything else neutral, sample for sample."""
    file = next(path for path in (DATA / name).iterdir() if path.name.startswith("model."))
    model = nd.load(file)
    sample_rate = model.sample_rate or 48_000
    audio = np.load(DATA / "guitar.npy").astype(np.float32).ravel()[:24_000]
    path = tmp_path / "session.vstpreset"
    path.write_bytes(preset(file))

    plugin = pedalboard.load_plugin(BUNDLE)
    plugin.load_preset(str(path))
    plugin.dc_blocker, plugin.output_mode = False, "Raw"
    plugin.process(np.zeros((2, 64), np.float32), sample_rate)  # the host hands all of it over with a block
    output = plugin.process(np.stack([audio, audio]), sample_rate, buffer_size=512, reset=True)

    expected = model(audio, sample_rate)
    for channel in output:
        np.testing.assert_allclose(channel, expected, rtol=0, atol=TOLERANCE)


def test_a_session_brings_the_whole_sound(pedalboard: ModuleType, tmp_path: Path) -> None:
    """The knobs and the model, in an instance that knows neither."""
    file = next(path for path in (DATA / "lstm_2x16").iterdir() if path.name.startswith("model."))
    path = tmp_path / "model.vstpreset"
    path.write_bytes(preset(file))
    audio = np.load(DATA / "guitar.npy").astype(np.float32).ravel()[:24_000]
    stereo, silence = np.stack([audio, audio]), np.zeros((2, 64), np.float32)

    plugin = pedalboard.load_plugin(BUNDLE)
    plugin.load_preset(str(path))
    plugin.bass_db, plugin.output_db, plugin.gate = 4.0, -3.0, True
    plugin.process(silence, 48_000)
    sound = plugin.process(stereo, 48_000, reset=True)

    other = pedalboard.load_plugin(BUNDLE)
    other.raw_state = plugin.raw_state
    other.process(silence, 48_000)
    assert (other.bass_db, other.output_db, other.gate) == (4.0, -3.0, True)
    np.testing.assert_allclose(other.process(stereo, 48_000, reset=True), sound, rtol=0, atol=TOLERANCE)


def test_a_host_steps_through_a_folder(pedalboard: ModuleType, tmp_path: Path) -> None:
    """Next and previous model are switches, so that anything can press them."""
    for name, weight in [("a", 1.0), ("b", 2.0), ("c", 3.0)]:
        linear = {"version": "0.5.4", "architecture": "Linear", "sample_rate": 48_000, "weights": [weight]}
        config = {"receptive_field": 1, "bias": False}
        (tmp_path / f"{name}.nam").write_text(json.dumps({**linear, "config": config}))
    path = tmp_path / "session.vstpreset"
    path.write_bytes(preset(tmp_path / "a.nam"))
    plugin = pedalboard.load_plugin(BUNDLE)
    plugin.load_preset(str(path))
    plugin.dc_blocker, plugin.output_mode = False, "Raw"

    def gain() -> float:
        output = plugin.process(np.full((2, 4096), 0.1, np.float32), 48_000, reset=True)
        return round(float(output[0, -1]) / 0.1, 3)

    gain()
    assert gain() == 1.0
    for button, expected in [("next_model", 2.0), ("next_model", 3.0), ("previous_model", 2.0)]:
        for pressed in (True, False):
            setattr(plugin, button, pressed)
            gain()
        assert gain() == expected, button


def test_a_bundle_has_its_parameters(pedalboard: ModuleType) -> None:
    """By the names that a host shows."""
    plugin = pedalboard.load_plugin(BUNDLE)
    assert plugin.name == "Neural Distortion"
    assert {"input_db", "gate", "quality", "output_mode", "mix", "next_model", "knob_1"} <= set(
        plugin.parameters
    )
