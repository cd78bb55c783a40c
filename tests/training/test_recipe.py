"""The recipe of the models that ship."""

import runpy
import sys
from pathlib import Path

import neural_distortion as nd
import pytest

pytest.importorskip("torch", reason="pip install 'neural-distortion[train]'")

RECIPE = Path(__file__).parents[2] / "examples" / "train_stock_models.py"


def test_the_recipe_makes_a_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--quick", "--circuit=overdrive", "--size=light"]
    monkeypatch.setattr(sys, "argv", [str(RECIPE), str(tmp_path), *options])
    runpy.run_path(str(RECIPE), run_name="__main__")
    model = nd.load(tmp_path / "overdrive-light.nam")
    assert model.metadata.name == "Overdrive (light)"
    assert "| `overdrive-light` | lstm-16 | 1,233 |" in capsys.readouterr().out
