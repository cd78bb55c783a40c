"""``nd.doctor`` and ``neural-distortion doctor``: sound, suspicious and unreadable files."""

import json
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion.cli import main

DATA = Path(__file__).parent / "data"
NANO = DATA / "wavenet_nano" / "model.nam"
SOFT_CLIP = nd.example_model("soft-clip")


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return int(left.value.code or 0)


def linear(path: Path, taps: np.ndarray, **beside: object) -> Path:
    """Write an impulse response as a model."""
    config = {"receptive_field": len(taps), "bias": False}
    file = {"version": "0.5.0", "architecture": "Linear", "config": config, "weights": taps.tolist()} | beside
    path.write_text(json.dumps(file))
    return path


def kinds(report: nd.Report) -> list[str]:
    return [finding.kind for finding in report.findings]


def test_a_sound_model_has_no_findings() -> None:
    report = nd.doctor(SOFT_CLIP)
    assert (report.status, report.findings) == ("sound", ())
    assert (report.architecture, report.format, report.num_parameters) == ("MLP", "mlp", 49)
    assert [layer.kind for layer in report.layers] == ["Dense", "Activation", "Dense"]
    assert [layer.shape for layer in report.layers] == [(16, 1), (), (1, 16)]
    assert report.settles
    assert report.silence_db is not None
    assert report.silence_db < -100
    assert report.ns_per_sample is not None
    assert report.ns_per_sample > 0


def test_the_layers_have_all_weights() -> None:
    model = nd.load(NANO)
    assert sum(layer.num_parameters for layer in model.layers) == model.num_parameters
    assert model.layers[1].path == "arrays[0].layers[0]"
    assert model.layers[1].details == "Tanh"
    assert nd.doctor(NANO).layers == model.layers


@pytest.mark.parametrize(
    ("taps", "kind"),
    [
        (np.exp(-np.arange(64.0) / 8)[::-1], "reverse_taps"),
        (1000 * np.eye(1, 4)[0], "gain"),
        (np.zeros(4), "mute"),
    ],
)
def test_what_is_wrong_with_a_response_is_found(tmp_path: Path, taps: np.ndarray, kind: str) -> None:
    report = nd.doctor(linear(tmp_path / "a.nam", taps))
    assert report.status == "suspicious"
    assert kinds(report) == [kind]


def test_the_reading_that_matters_is_named(tmp_path: Path) -> None:
    path = linear(tmp_path / "a.nam", np.exp(-np.arange(64.0) / 8)[::-1])
    assert list(nd.doctor(path).compat) == ["reverse_linear_taps"]
    right = nd.doctor(path, compat=["reverse_linear_taps"])
    assert right.status == "sound"
    assert list(right.compat) == ["reverse_linear_taps"]
    assert nd.doctor(linear(tmp_path / "b.nam", np.ones(1))).compat == {}


def test_a_constant_and_a_wrong_loudness_are_found(tmp_path: Path) -> None:
    config = {"receptive_field": 1, "bias": True}
    file = {"version": "0.5.0", "architecture": "Linear", "config": config, "weights": [1.0, 0.5]}
    (tmp_path / "a.nam").write_text(json.dumps(file | {"metadata": {"loudness": -60.0, "gain": "high"}}))
    report = nd.doctor(tmp_path / "a.nam")
    assert kinds(report) == ["loud_in_silence", "loudness", "warning"]
    assert report.dc_offset == 0.5
    assert report.expected_loudness_db == -60


def test_a_size_that_is_not_like_the_others_is_found(tmp_path: Path) -> None:
    file = json.loads((DATA / "models" / "A2.nam").read_text())
    file["config"]["submodels"][0]["model"]["weights"][-1] *= 10
    (tmp_path / "a.nam").write_text(json.dumps(file))
    report = nd.doctor(tmp_path / "a.nam")
    assert kinds(report) == ["size"]
    assert repr(report).endswith("size>")


def test_the_recording_in_a_file_is_played(tmp_path: Path) -> None:
    file = json.loads((DATA / "aidax_lstm16_skip" / "model.json").read_text())
    dry = 0.5 * np.sin(0.05 * np.arange(2048, dtype=np.float32))
    (tmp_path / "a.json").write_text(json.dumps(file))
    wet = nd.load(tmp_path / "a.json", prewarm=False)(dry, file.get("samplerate", 48_000))
    file |= {"input_batch": dry.tolist(), "output_batch": wet.tolist()}
    (tmp_path / "a.json").write_text(json.dumps(file))
    report = nd.doctor(tmp_path / "a.json")
    assert "self_test" not in kinds(report)
    assert report.self_test_error is not None
    assert report.self_test_error < 1e-6
    file["output_batch"][100] += 0.25
    (tmp_path / "a.json").write_text(json.dumps(file))
    report = nd.doctor(tmp_path / "a.json")
    assert "self_test" in kinds(report)
    assert report.self_test_error == pytest.approx(0.25, abs=1e-3)


def test_what_is_no_number_is_found(tmp_path: Path) -> None:
    assert "non_finite" in kinds(nd.doctor(linear(tmp_path / "a.nam", np.full(2, 3e38))))


def test_a_network_that_does_not_settle_is_found(tmp_path: Path) -> None:
    # h = tanh(3 h + x): two states to rest in, and loud noise leads to either.
    layer = {"rec.weight_ih_l0": [[0.1]], "rec.weight_hh_l0": [[3.0]], "rec.bias_ih_l0": [0.2]}
    state = layer | {"rec.bias_hh_l0": [0.0], "lin.weight": [[1.0]], "lin.bias": [0.0]}
    sizes = {"input_size": 1, "output_size": 1, "hidden_size": 1, "num_layers": 1, "skip": 0}
    file = {"model_data": {"model": "SimpleRNN", "unit_type": "RNN", **sizes}, "state_dict": state}
    rest = nd.load(json.dumps(file).encode())(np.zeros(1000), 44_100)[-1]
    state["lin.weight"], state["rec.weight_ih_l0"] = [[1.0 if rest > 0 else -1.0]], [[-9.0]]
    (tmp_path / "a.json").write_text(json.dumps(file))
    report = nd.doctor(tmp_path / "a.json")
    assert report.status == "suspicious"
    assert {"unstable", "loud_in_silence"} & set(kinds(report))


def test_a_file_that_cannot_be_used_is_a_report(tmp_path: Path) -> None:
    damaged = json.loads(NANO.read_text())
    damaged["config"]["layers"][1]["dilations"][3] = -1
    (tmp_path / "a.nam").write_text(json.dumps(damaged))
    report = nd.doctor(tmp_path / "a.nam")
    (finding,) = report.findings
    assert report.status == "unreadable"
    assert (finding.kind, finding.path) == ("invalid_value", "config.layers[1].dilations[3]")
    assert report.facts() == {}
    with pytest.raises(FileNotFoundError):
        nd.doctor(tmp_path / "missing.nam")


def test_the_status_is_that_of_the_worst_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mute = linear(tmp_path / "mute.nam", np.zeros(4))
    (tmp_path / "broken.nam").write_text("{")
    assert run("doctor", SOFT_CLIP) == 0
    shown = capsys.readouterr().out
    for fact in ("soft-clip.json: sound", "layers[2]", "ns per sample", "16 x 1"):
        assert fact in shown
    assert run("doctor", SOFT_CLIP, mute) == 1
    assert "nothing comes out" in " ".join(capsys.readouterr().out.split())
    assert run("doctor", mute, tmp_path / "broken.nam", tmp_path / "missing.nam", SOFT_CLIP) == 2
    words = capsys.readouterr().out.split()
    statuses = [word for word in words if word in ("sound", "suspicious", "unreadable")]
    assert statuses == ["suspicious", "unreadable", "unreadable", "sound"]
    assert "such" in words  # there is no such file


def test_the_report_is_there_for_other_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mute = linear(tmp_path / "mute.nam", np.zeros(4))
    assert run("doctor", mute, "--json") == 1
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert report["status"] == "suspicious"
    assert report["findings"][0]["kind"] == "mute"
    assert report["measured_loudness_db"] is None
    assert report["layers"][0]["shape"] == [1, 1, 4]
    assert run("doctor", mute, SOFT_CLIP, "--json") == 1
    assert [one["status"] for one in json.loads(capsys.readouterr().out)] == ["suspicious", "sound"]
