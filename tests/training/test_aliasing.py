"""Teaching a model to alias less."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import training
from neural_distortion.cli import main

pytest.importorskip("torch", reason="pip install 'neural-distortion[train]'")

DATA = Path(__file__).parents[1] / "data"
LSTM = DATA / "lstm_1x8" / "model.nam"
SOFT_CLIP = Path(nd.example_model("soft-clip"))

EXACT = 5e-6
"""How far the engine may be from PyTorch, in units of full scale."""


def brief(model: Path, **chosen: Any) -> training.AliasReduction:  # noqa: ANN401 - those of `reduce_aliasing`
    """Return what a few steps on a few tones do."""
    options: dict[str, Any] = {"steps": 1, "batch": 2, "segment": 512, "spectral": 0.0, "threads": 1}
    options |= {"num_tones": 3, "num_passages": 0}
    return training.reduce_aliasing(model, **(options | chosen))


@pytest.mark.parametrize(
    "model",
    [
        "lstm_2x16/model.nam",
        "wavenet_nano/model.nam",
        "wavenet_a2_ch3/model.nam",
        "convnet_nobn_relu/model.nam",
        "rtn_gru12/model.json",
        "coreaudioml_lstm16_noskip/model.json",
        "slimmable_container_a2/model.nam",
        "soft-clip",
    ],
)
def test_every_kind_of_network_can_be_taught_and_is_played_as_it_was(model: str) -> None:
    path = SOFT_CLIP if model == "soft-clip" else DATA / model
    before = nd.load(path)
    found = brief(path, learning_rate=1e-12)
    assert found.fit.difference <= EXACT
    assert found.esr < 1e-6, "nothing was learned yet, so it sounds as before"
    np.testing.assert_allclose(found.after.asr_db, found.before.asr_db, atol=0.5)
    after = found.fit.model
    assert after.sizes == before.sizes
    assert after.sample_rate == (before.sample_rate or (None if before.architecture == "MLP" else 48_000))


def test_a_network_learns_to_alias_less() -> None:
    model = Path(nd.example_model("distortion-light"))
    found = brief(model, steps=64, batch=16, num_tones=24, num_passages=8, learning_rate=2e-3)
    first, last = found.fit.history[0], found.fit.history[-1]
    assert last.loss < first.loss


@pytest.mark.parametrize("model", ["wavenet_gated", "wavenet_groups", "wavenet_film_all", "linear_64"])
def test_a_network_with_parts_that_are_not_trained_is_refused(model: str) -> None:
    with pytest.raises(nd.ModelError) as error:
        brief(DATA / model / "model.nam")
    assert error.value.kind == "unsupported_feature"


def test_a_file_says_what_was_done_to_the_model_and_no_error_that_is_no_longer_its_own() -> None:
    found = brief(Path(nd.example_model("distortion-light")))
    metadata = found.fit.model.metadata
    assert metadata.name == "Distortion (light)"
    assert metadata.validation_esr is None
    assert metadata.raw["training"]["alias_reduction"]["esr"] == pytest.approx(found.esr)
    assert [knob.name for knob in found.fit.model.parameters] == ["drive"]


def test_a_perceptron_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    brief(SOFT_CLIP).fit.save(path)
    assert nd.load(path).architecture == "MLP"
    assert "layer1_weights" in json.loads(path.read_text())


@pytest.mark.parametrize(
    "wrong", [{"num_tones": 0}, {"num_passages": -1}, {"steps": 0}, {"learning_rate": 2.0}]
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        brief(SOFT_CLIP, **wrong)


def test_the_command_tells_what_it_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few = partial(training.reduce_aliasing, num_tones=3, num_passages=2)
    monkeypatch.setattr(training, "reduce_aliasing", few)
    with pytest.raises(SystemExit) as left:
        main(["reduce-aliasing", str(LSTM), "less.nam", "--steps", "1", "--threads", "1"])
    assert not left.value.code
    assert "less.nam: on a guitar that it had not heard, ESR" in " ".join(capsys.readouterr().out.split())
    assert nd.load("less.nam").architecture == "LSTM"
    with pytest.raises(SystemExit) as left:
        main(["reduce-aliasing", "less.nam", "less.nam"])
    assert left.value.code == 1
    assert "onto itself" in capsys.readouterr().err
