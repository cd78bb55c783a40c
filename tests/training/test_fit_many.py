"""Many fits on a cluster of this machine: the same models as one by one, whatever happens meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import training
from neural_distortion.cli import main
from neural_distortion.training import Fits

pytest.importorskip("torch", reason="pip install 'neural-distortion[train]'")
pytest.importorskip("ray", reason="pip install 'neural-distortion[cluster]'")

RATE = 48_000

WAVENET: dict[str, Any] = {"effort": "quick", "steps": 72, "batch": 2, "segment": 4096, "spectral": 0.0}

PLAN = """
name: A shelf
recordings:
  - {dry: dry.wav, wet: pedal.wav}
  - {dry: dry.wav, wet: noise.wav}
  - {dry: dry.wav, wet: broken.wav}
  - {dry: dry.wav, wet: short.wav}
architectures:
  - {arch: mlp, hidden: [4]}
  - {arch: wavenet-nano, steps: 72, batch: 2, segment: 4096, spectral: 0}
seeds: [3]
effort: quick
stop: {poor: 0.95}
"""

DEADLINE_S = 120


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plan with a recording of a pedal, one of noise, and two that cannot be used."""
    folder = tmp_path_factory.mktemp("recordings")
    dry, wet = training.generate("excitation", sample_rate=RATE, duration_s=1.5, peak=1, seed=0)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, dry.size).astype(np.float32)
    for name, audio in (("dry", dry), ("pedal", wet), ("noise", noise), ("short", wet[:-1])):
        nd.write(folder / f"{name}.wav", audio, RATE, subtype="FLOAT")
    (folder / "broken.wav").write_bytes(b"RIFF and nothing else")
    path = folder / "shelf.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shelf(plan: Path, cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Fits:
    """Return what becomes of the plan if nothing happens."""
    assert cluster
    return training.fit_many(plan, tmp_path_factory.mktemp("shelf"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_is_the_one_that_fit_makes(plan: Path, shelf: Fits) -> None:
    mlp, wavenet = (outcome for outcome in shelf if outcome.recording == "pedal")
    dry, wet = (nd.read(plan.with_name(f"{name}.wav"))[0] for name in ("dry", "pedal"))
    told: dict[str, Any] = {"seed": 3, "threads": 1, "metadata": {"name": "pedal"}}
    for outcome, options in ((mlp, {"arch": "mlp", "hidden": (4,), "effort": "quick"}), (wavenet, WAVENET)):
        fit = training.fit(dry, wet, RATE, **(told | {"arch": "wavenet-nano"} | options))
        assert outcome.model is not None
        assert json.loads(outcome.model.read_bytes()) == fit.file
        assert (outcome.esr, outcome.history) == (fit.esr, fit.history)
        assert (outcome.state, outcome.num_parameters) == ("trained", fit.num_parameters)
        assert outcome.proven


def test_a_poor_fit_ends_early_and_has_a_model(shelf: Fits) -> None:
    for outcome in (outcome for outcome in shelf if outcome.recording == "noise"):
        last = outcome.history[-1]
        assert outcome.state == "stopped"
        assert outcome.reason.startswith("poor: an ESR of ")
        assert last.total / 4 <= last.number < last.total / 4 + 1
        assert outcome.model is not None
        assert nd.load(outcome.model).metadata.validation_esr == pytest.approx(outcome.esr)


def test_a_recording_that_cannot_be_used_is_noted_and_the_rest_done(shelf: Fits) -> None:
    reasons = {outcome.name: outcome.reason for outcome in shelf if outcome.state == "failed"}
    assert list(reasons) == [
        f"{name}/{arch}-seed-3" for name in ("broken", "short") for arch in ("mlp", "wavenet-nano")
    ]
    for name, reason in reasons.items():
        assert ("broken.wav: not an audio file" if "broken" in name else "differ in shape") in reason
    assert len(shelf) == 8


def test_the_page_compares_all_fits(shelf: Fits) -> None:
    page = shelf.report.read_text(encoding="utf-8")
    for outcome in shelf:
        assert f"<td>{outcome.recording}</td>" in page
        assert outcome.reason in page
        if outcome.model is not None:
            assert f"{outcome.name}.nam" in page
            assert f"<td>{outcome.num_parameters:,}</td>" in page
            assert shelf.ns_per_sample[outcome.name] > 0
    assert len(list(shelf.to_pandas().itertuples())) == len(shelf)


def test_what_was_killed_is_finished_and_nothing_is_done_twice(
    plan: Path, shelf: Fits, cluster: str, tmp_path: Path
) -> None:
    pedal = plan.with_name("pedal.yaml")
    lines = PLAN.splitlines(keepends=True)
    pedal.write_text(
        "".join(line for line in lines if "wet:" not in line or "pedal" in line), encoding="utf-8"
    )
    command = [sys.executable, "-m", "neural_distortion", "train-many", str(pedal), str(tmp_path)]
    driver = subprocess.Popen([*command, "--cluster", cluster], stderr=subprocess.PIPE)
    deadline = time.monotonic() + DEADLINE_S
    first, second = tmp_path / "pedal/mlp-seed-3.json", tmp_path / "pedal/wavenet-nano-seed-3.checkpoint"
    while not (first.exists() and second.exists()):
        assert driver.poll() is None, driver.stderr and driver.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    driver.kill()
    driver.communicate()
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("pedal/mlp-*")}

    seen: list[tuple[str, int]] = []
    workers: list[int] = []

    def see(name: str, epoch: training.Epoch) -> None:
        seen.append((name, epoch.number))
        if not workers:
            workers.extend(processes_of_fits())
            for process in workers:
                os.kill(process, signal.SIGKILL)

    resumed = training.fit_many(pedal, tmp_path, on_epoch=see)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(done) == 3
    assert workers
    assert {name for name, _ in seen} == {"pedal/wavenet-nano-seed-3"}
    numbers = [number for _, number in seen]
    assert numbers == sorted(set(numbers))
    assert 1 < numbers[0] <= numbers[-1] == len(shelf.outcomes[1].history)
    assert contents(tmp_path / "pedal") == contents(shelf.report.parent / "pedal")
    assert [outcome.history for outcome in resumed] == [outcome.history for outcome in shelf][:2]


def processes_of_fits() -> list[int]:
    """Return the processes of this cluster in which Tune fits."""
    parents, found = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status, title = (path / "stat").read_text(), (path / "cmdline").read_bytes()
        except OSError:
            continue  # it is gone
        parents[int(path.name)] = int(status.rpartition(")")[2].split()[1])
        if title.startswith(b"ray::ImplicitFunc"):
            found.append(int(path.name))
    return [process for process in found if parents.get(parents[process]) == os.getpid()]


def test_more_than_there_is_is_not_waited_for(plan: Path, cluster: str, tmp_path: Path) -> None:
    assert cluster
    greedy = plan.with_name("greedy.yaml")
    greedy.write_text(PLAN + "resources: {gpus: 1}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="each fit is to have gpus: 1, and no machine has more than 0"):
        training.fit_many(greedy, tmp_path)


def test_the_command_says_what_is_wrong_with_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("recordings: 3\narchitectures: [mlp]\n", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["train-many", str(path)])
    assert end.value.code == 1
    told = f"error: {path}, line 1, recordings: expected a list of recordings, found 3\n"
    assert capsys.readouterr().err == told
