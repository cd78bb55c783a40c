"""Plans of many fits: what they hold, and what is wrong with one."""

from pathlib import Path
from typing import Any

import pytest
from neural_distortion.training import FitPlan, PlanError, Stop
from neural_distortion.training.cluster import resources_of

SHELF = """
recordings:
  - {dry: dry.wav, wet: clean.wav}
  - name: Fuzz
    dry: dry.wav
    wet:
      - {file: low.wav, knobs: {drive: 0.1, tone: 0.5}}
      - {file: high.wav, knobs: {tone: 0.5, drive: 0.9}}
    align: true
    metadata: {gear_make: somebody}
architectures:
  - lstm-16
  - {name: wide, arch: lstm-40, steps: 9}
seeds: [0, 7]
knobs: both
effort: quick
stop: {good: 1e-3}
resources: {cpus: 2, gpus: 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files that could be recordings."""
    for name in ("dry", "clean", "low", "high"):
        (tmp_path / f"{name}.wav").touch()
    return tmp_path


def read(folder: Path, text: str) -> FitPlan:
    """Return the plan in a file."""
    (folder / "shelf.yaml").write_text(text, encoding="utf-8")
    return FitPlan.read(folder / "shelf.yaml")


def test_a_plan_is_the_product_of_what_it_lists(folder: Path) -> None:
    plan = read(folder, SHELF)
    settings = ("drive-0.1-tone-0.5", "drive-0.9-tone-0.5", "drive-and-tone-as-knobs")
    takes = [("clean", ""), *(("Fuzz", setting) for setting in settings)]
    assert [fit.name for fit in plan.fits] == [
        f"{recording}/{'-'.join(filter(None, (network, setting, f'seed-{seed}')))}"
        for recording, setting in takes
        for network in ("lstm-16", "wide")
        for seed in (0, 7)
    ]
    assert (plan.name, plan.cpus, plan.gpus) == ("shelf", 2, 0.5)
    assert {fit.stop for fit in plan.fits} == {Stop(good=1e-3)}


def test_a_fit_has_what_the_plan_says_of_it(folder: Path) -> None:
    plan = read(folder, SHELF)
    clean, fuzz, knobs = plan.fits[0], plan.fits[4], plan.fits[-1]
    assert (clean.wet, clean.align, clean.options) == ((folder / "clean.wav",), None, {"effort": "quick"})
    assert (fuzz.wet, fuzz.align, fuzz.knobs) == ((folder / "low.wav",), True, {})
    assert fuzz.metadata == {"name": "Fuzz, drive 0.1, tone 0.5", "gear_make": "somebody"}
    assert knobs.wet == (folder / "low.wav", folder / "high.wav")
    assert knobs.knobs == {"drive": (0.1, 0.9), "tone": (0.5, 0.5)}
    assert (knobs.arch, knobs.options, knobs.seed) == ("lstm-40", {"effort": "quick", "steps": 9}, 7)


def test_a_mapping_is_as_good_as_a_file(folder: Path) -> None:
    plan = {
        "name": "shelf",
        "recordings": [{"dry": "dry.wav", "wet": "clean.wav"}],
        "architectures": ["mlp"],
        "hidden": [4],
    }
    text = "recordings: [{dry: dry.wav, wet: clean.wav}]\narchitectures: [mlp]\nhidden: [4]"
    assert FitPlan.of(plan, folder=folder) == read(folder, text)


def test_the_plan_of_the_guide_is_one(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs/guide/many.md"
    text = guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    for name in ("dry", "overdrive", "fuzz-low", "fuzz-high"):
        (tmp_path / f"{name}.wav").touch()
    plan = read(tmp_path, text)
    assert len(plan.fits) == 24
    assert plan.name == "My shelf"


@pytest.mark.parametrize(
    ("old", "new", "place", "line", "expected", "found"),
    [
        ("wet: clean.wav", "wet: lost.wav", "recordings[0].wet", 3, "a file", "none at "),
        ("wet: clean.wav", "wett: clean.wav", "recordings[0].wett", 3, "one of name, dry, wet", "'wett'"),
        ("dry: dry.wav, wet", "wet", "recordings[0]", 3, "a dry", "none"),
        ("  - lstm-16", "  - lstm-17", "architectures[0]", 12, "one of mlp, lstm-16", "'lstm-17'"),
        ("arch: lstm-40", "arch: mlp", "architectures[1].steps", 13, "for mlp only effort", "steps"),
        ("{name: wide, arch: lstm-40, steps: 9}", "mlp", "architectures[1]", 13, "can have knobs", "'mlp'"),
        ("steps: 9", "steps: 0.5", "architectures[1].steps", 13, "a whole number of 1 or more", "0.5"),
        ("seeds: [0, 7]", "seeds: 7", "seeds", 14, "a list of seeds", "7"),
        ("seeds: [0, 7]", "seeds: [7, 7]", "recordings[0]", 3, "each fit once", "clean/lstm-16-seed-7 twice"),
        ("drive: 0.1", "drive: 11", "recordings[1].wet[0].knobs.drive", 7, "a number from 0 to 1", "11"),
        ("drive: 0.1, tone", "tone", "recordings[1].wet[1].knobs", 8, "the same knobs as before, tone", "{"),
        ("drive: 0.9", "drive: 0.1", "recordings[1].wet[1].knobs", 8, "a setting that is not there yet", "{"),
        ("name: Fuzz", "name: 808", "recordings[1].name", 4, "a text", "808"),
        ("align: true", "align: 2", "recordings[1].align", 9, "true or false", "2"),
        ("knobs: both", "knobs: all", "knobs", 15, "one of each, together, both", "'all'"),
        ("effort: quick", "effort: slow", "effort", 16, "one of quick, normal, thorough", "'slow'"),
        ("good: 1e-3", "good: soon", "stop.good", 17, "a number of 0 or more", "'soon'"),
        ("gpus: 0.5", "gpus: 1.5", "resources.gpus", 18, "a part of a GPU", "1.5"),
        ("seeds: [0, 7]", "effort: quick", "effort", 16, "it once, after line 14", "it again"),
        ("seeds: [0, 7]", "seeds: [0, 7", "", 15, "YAML", "expected ',' or ']'"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_with_its_place(
    folder: Path, old: str, new: str, place: str, line: int, expected: str, found: str
) -> None:
    assert old in SHELF
    with pytest.raises(PlanError) as error:
        read(folder, SHELF.replace(old, new, 1))
    assert (error.value.place, error.value.line) == (place, line)
    assert expected in error.value.expected
    assert found in error.value.found
    where = ", ".join(filter(None, (f"{folder / 'shelf.yaml'}, line {line}", place)))
    assert str(error.value) == f"{where}: expected {error.value.expected}, found {error.value.found}"


@pytest.mark.parametrize("whole", [{}, [], None, {"recordings": [], "architectures": ["mlp"]}])
def test_what_is_no_plan_at_all_is_refused(whole: Any) -> None:  # noqa: ANN401 - anything
    with pytest.raises(PlanError, match=r"plan.*expected"):
        FitPlan.of(whole)


def test_fits_share_a_gpu_but_for_perceptrons(folder: Path) -> None:
    entry = "recordings: [{dry: dry.wav, wet: clean.wav}]\narchitectures: [mlp, a2]"
    mlp, a2 = read(folder, entry).fits
    assert resources_of(a2, 2, 0.25) == {"cpu": 2, "gpu": 0.25}
    assert resources_of(mlp, 2, 0.25) == {"cpu": 2}
    assert resources_of(a2, 1, 0.0) == {"cpu": 1}
