"""Renders on a cluster: the same as on one machine, also when workers or the driver are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
import ray
from neural_distortion.batch.item import UNFINISHED

RATE = 48_000
LSTM = nd.example_model("overdrive-light")
CLIPPER = nd.example_model("soft-clip")
GAINS_DB = list(range(12))
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows kills with any signal


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Write a short recording, and a longer one, a render of which takes a while."""
    folder = tmp_path / "di"
    folder.mkdir()
    guitar, _ = nd.read(nd.example_audio("guitar"))
    nd.write(folder / "long.wav", guitar, RATE)
    nd.write(folder / "short.flac", guitar[:10_000], 44_100)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Return all audio in a folder that is finished."""
    found = (path for path in folder.rglob("*.wav") if UNFINISHED not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.usefixtures("cluster")
def test_a_cluster_gives_the_bytes_and_the_rows_of_one_machine(inputs: Path, tmp_path: Path) -> None:
    (inputs / "bad.wav").write_text("no audio")

    def rendered(name: str, cluster: str | None) -> tuple[dict[str, bytes], list[nd.batch.Row]]:
        results = nd.batch.render(
            f"{inputs}/*.*", [LSTM, CLIPPER], tmp_path / name, gains_db=[-6, 6], segment_s=3, cluster=cluster
        )
        return files(tmp_path / name), list(results)

    here, there = rendered("here", None), rendered("there", "auto")
    assert here == there
    assert len(here[0]) == 4 * (3 + 1)
    assert [row.status for row in here[1]].count("failed") == 4
    assert rendered("there", "auto") == there


@pytest.mark.usefixtures("cluster")
def test_nothing_is_lost_and_nothing_twice_when_workers_are_killed(inputs: Path, tmp_path: Path) -> None:
    def process() -> int:
        time.sleep(0.2)  # or the first would do all
        return os.getpid()

    workers = set(ray.get([ray.remote(process).remote() for _ in range(6)]))
    assert len(workers) > 1
    out = tmp_path / "out"
    seen: list[nd.batch.Progress] = []

    def kill(progress: nd.batch.Progress) -> None:
        seen.append(progress)
        end = time.monotonic() + 30
        while progress.done == 3 and workers:
            assert time.monotonic() < end
            if any((out / UNFINISHED).iterdir()):  # one of them is in the middle of something
                while workers:
                    os.kill(workers.pop(), KILL)

    results = nd.batch.render(
        [inputs / "long.wav"], [LSTM], out, gains_db=GAINS_DB, cluster="auto", on_progress=kill
    )
    assert not workers
    assert [row.status for row in results] == ["done"] * len(GAINS_DB)
    assert [progress.done for progress in seen] == list(range(len(GAINS_DB) + 1))
    nd.batch.render([inputs / "long.wav"], [LSTM], tmp_path / "other", gains_db=GAINS_DB)
    assert files(out) == files(tmp_path / "other")
    assert len(files(out)) == len(GAINS_DB)


def test_a_driver_that_was_killed_goes_on_with_what_was_unfinished(
    cluster: str, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    gains_db = ",".join(map(str, GAINS_DB))
    product = ["--inputs", str(inputs / "long.wav"), "--models", str(LSTM), str(out), "--gain-db", gains_db]
    command = [sys.executable, "-m", "neural_distortion", "render-many", *product]
    driver = subprocess.Popen([*command, "--cluster", cluster], stderr=subprocess.PIPE)
    try:
        while len(files(out)) < 3:
            assert driver.poll() is None
            time.sleep(0.01)
    finally:
        driver.kill()
        driver.communicate()
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert len(before) < len(GAINS_DB)

    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(files(out)) == len(GAINS_DB)
    kept = [name for name, time in before.items() if (out / name).stat().st_mtime_ns == time]
    assert len(kept) >= len(before) - 3  # those that a worker had not reported yet
    rendered, there = (int(part.split()[0]) for part in again.stdout.split(": ")[1].split(", ")[:2])
    assert rendered + there == len(GAINS_DB)
    assert there >= len(kept) > 0


@pytest.mark.usefixtures("cluster")
def test_a_manifest_in_parquet_is_the_table_of_pandas(inputs: Path, tmp_path: Path) -> None:
    import pandas as pd

    (inputs / "bad.wav").write_text("no audio")
    manifest = tmp_path / "out.parquet"
    drive = {"drive": [0, 0.5]}
    results = nd.batch.render(f"{inputs}/*.*", [LSTM], tmp_path / "out", manifest=manifest, parameters=drive)
    table = results.to_pandas()
    pd.testing.assert_frame_equal(table, pd.read_parquet(manifest), check_dtype=False)
    assert list(table["output"]) == [row.output for row in results]
    assert table["status"].value_counts().to_dict() == {"done": 4, "failed": 2}
    assert [json.loads(text) for text in table["parameters"]] == [row.parameters for row in results]

    done = table[table["status"] == "done"]
    done[["input", "model", "gain_db", "parameters"]].to_parquet(tmp_path / "list.parquet")
    nd.batch.render_listed(tmp_path / "list.parquet", tmp_path / "again")
    assert sorted(files(tmp_path / "again").values()) == sorted(files(tmp_path / "out").values())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what Ray Data calls itself
@pytest.mark.usefixtures("cluster")
def test_a_model_is_a_step_of_a_pipeline() -> None:
    import ray.data

    guitar, _ = nd.read(nd.example_audio("guitar"))
    clips = [guitar[start : start + 480 * (start // 20_000 + 1)] for start in range(0, 200_000, 20_000)]
    rows = [{"id": number, "dry": clip} for number, clip in enumerate(clips)]
    dataset = ray.data.from_items(rows, override_num_blocks=4).map_batches(
        nd.batch.RenderModel,
        fn_constructor_args=[LSTM.read_bytes()],
        fn_constructor_kwargs={"sample_rate": RATE, "audio": "dry"},
        batch_size=3,
        concurrency=2,
    )
    found = sorted(dataset.take_all(), key=lambda row: int(row["id"]))
    model = nd.load(LSTM)
    assert len(found) == len(clips)
    for row, clip in zip(found, clips, strict=True):
        np.testing.assert_array_equal(row["wet"], model(clip, RATE))
