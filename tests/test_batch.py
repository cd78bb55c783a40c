"""Many recordings through many models: what comes out, what is recorded, and what becomes of mistakes."""

import csv
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion._extra import MissingExtra
from neural_distortion.batch import Row, Settings, pool
from neural_distortion.batch.item import UNFINISHED, Outcome, Rows, render_item
from neural_distortion.batch.journal import FILE, Journal
from neural_distortion.batch.plan import Item, listed, planned
from neural_distortion.cli import main

RATE = 48_000
LSTM = nd.example_model("overdrive-light")
CLIPPER = nd.example_model("soft-clip")

LOUDNESS_TOLERANCE = 1e-3
"""In LU: the meter filters sample by sample, and the analysis by a transform."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Write recordings of different lengths, rates and channels to a folder and one below it."""
    folder = tmp_path / "di"
    (folder / "more").mkdir(parents=True)
    guitar, _ = nd.read(nd.example_audio("guitar"))
    nd.write(folder / "a.wav", guitar[:30_000], RATE)
    nd.write(folder / "b.flac", np.stack([guitar[40_000:60_000], guitar[:20_000]]), RATE)
    nd.write(folder / "more" / "a.wav", guitar[100_000:130_000], 44_100)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Return all audio in a folder."""
    found = (path for path in folder.rglob("*") if path.suffix in (".wav", ".flac"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def times(folder: Path) -> dict[str, int]:
    """Return when each file in a folder was written."""
    return {name: (folder / name).stat().st_mtime_ns for name in files(folder)}


def test_every_input_goes_through_every_model_at_every_gain(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    results = nd.batch.render(f"{inputs}/**/*.*", [LSTM, CLIPPER], out, gains_db=[-6, 0], level_db=-3)
    names = [
        f"{model}/{name}{gain}.wav"
        for model in ("overdrive-light", "soft-clip")
        for name in ("a", "b", "more/a")
        for gain in ("", "_-6dB")
    ]
    assert sorted(row.output for row in results) == sorted(names) == sorted(files(out))
    assert len(results) == 12
    for row in results:
        dry, rate = nd.read(row.input)
        wet = nd.load(row.model)(np.float32(10 ** (row.gain_db / 20)) * dry, rate)
        found, found_rate = nd.read(out / row.output)
        assert found_rate == rate
        np.testing.assert_array_equal(found, np.float32(10 ** (-3 / 20)) * wet)


def test_a_row_has_all_that_made_the_output(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (row,) = nd.batch.render([inputs / "a.wav"], [LSTM], out, gains_db=[6], parameters={"drive": [0.25]})
    assert row.output == "overdrive-light/a_+6dB_drive=0.25.wav"
    assert row.input == str(inputs / "a.wav")
    assert (row.status, row.error, row.seed, row.segment) == ("done", None, 0, 0)
    assert (row.gain_db, row.level_db, row.parameters) == (6, 0, {"drive": 0.25})
    assert (row.sample_rate, row.channels, row.duration_s) == (RATE, 1, 30_000 / RATE)
    assert row.version == nd.__version__
    assert row.instruction_set == nd.instruction_sets()[0]
    for path, digest in ((inputs / "a.wav", row.input_sha256), (LSTM, row.model_sha256)):
        assert digest == sha256(path)
    assert row.output_sha256 == sha256(out / row.output)
    wet, _ = nd.read(out / row.output)
    model = nd.load(LSTM)
    dry = np.float32(10 ** (6 / 20)) * nd.read(inputs / "a.wav")[0]
    np.testing.assert_array_equal(wet, model(dry, RATE, parameters=[0.25]))
    assert row.peak == np.abs(wet).max()
    for audio, loudness in ((dry, row.loudness_in_lufs), (wet, row.loudness_out_lufs)):
        expected = nd.analysis.weighting.integrated_loudness(audio, RATE)
        assert loudness == pytest.approx(expected, abs=LOUDNESS_TOLERANCE)


def sha256(path: Path) -> str:
    """Return the hash of a file, as another program makes it."""
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_workers_changes_nothing(inputs: Path, tmp_path: Path, workers: int) -> None:
    def rendered(count: int) -> tuple[dict[str, bytes], list[Row]]:
        out = tmp_path / f"out{count}"
        results = nd.batch.render(f"{inputs}/*", [LSTM, CLIPPER], out, gains_db=[0, 6], workers=count)
        return files(out), list(results)

    assert rendered(workers) == rendered(3)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_segments_are_the_whole_in_pieces(inputs: Path, tmp_path: Path, format: str) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for source in inputs.rglob("*.*"):
        (row,) = nd.batch.render([source], [LSTM], whole, format=format, gains_db=[-12])
        rows = list(nd.batch.render([source], [LSTM], pieces, format=format, gains_db=[-12], segment_s=0.2))
        audio, rate = nd.read(whole / row.output)
        joined = np.concatenate([nd.read(pieces / piece.output)[0] for piece in rows], axis=-1)
        np.testing.assert_array_equal(joined, audio)
        assert [piece.segment for piece in rows] == [1, 2, 3, 4][: len(rows)]
        assert [piece.start_s for piece in rows] == pytest.approx(0.2 * np.arange(len(rows)))
        assert all(piece.duration_s == 0.2 for piece in rows[:-1])
        assert sum(piece.duration_s for piece in rows) == pytest.approx(audio.shape[-1] / rate)


def test_a_random_gain_follows_from_the_seed_and_the_name(inputs: Path, tmp_path: Path) -> None:
    def gains(seed: int, pattern: str = "*.*") -> dict[str, float]:
        results = nd.batch.render(
            f"{inputs}/{pattern}", [CLIPPER], tmp_path / f"{seed}", jitter_db=3, seed=seed, gains_db=[6]
        )
        assert {row.seed for row in results} == {seed}
        return {row.output: row.gain_db for row in results}

    first = gains(1)
    assert all(3 <= gain <= 9 for gain in first.values())
    assert len(set(first.values())) == len(first)
    assert gains(1, "b.*").items() <= first.items()
    assert set(gains(2).values()).isdisjoint(first.values())


def test_what_cannot_be_used_is_recorded_and_the_others_go_on(inputs: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "good.nam").write_bytes(LSTM.read_bytes())
    (models / "torn.nam").write_bytes(LSTM.read_bytes()[:999])
    (inputs / "noise.wav").write_bytes(b"RIFF" + bytes(range(256)))
    nd.write(inputs / "silent.wav", np.zeros(0), RATE)
    (inputs / "torn.flac").write_bytes((inputs / "b.flac").read_bytes()[:8_000])
    results = nd.batch.render(f"{inputs}/*.*", f"{models}/*.nam", tmp_path / "out")
    assert sorted(row.output for row in results if row.status == "done") == ["good/a.wav", "good/b.wav"]
    assert set(files(tmp_path / "out")) == {"good/a.wav", "good/b.wav"}
    errors = {row.output: (row.error_kind, row.error) for row in results.failures}
    assert errors["torn/a"][0] == "ModelError: not_json"
    assert errors["good/noise"][0] == "ValueError"
    assert "noise.wav: not an audio file" in str(errors["good/noise"][1])
    assert "there are 0 frames" in str(errors["good/silent"][1])
    assert "torn.flac: damaged behind frame" in str(errors["good/torn"][1])
    assert len(results) == 10


def test_a_knob_that_a_model_lacks_is_an_error_of_that_model_alone(inputs: Path, tmp_path: Path) -> None:
    results = nd.batch.render(
        [inputs / "a.wav"], [LSTM, CLIPPER], tmp_path / "out", parameters={"drive": [0, 1]}
    )
    assert [row.status for row in results] == ["done", "done", "failed", "failed"]
    assert "no knob called 'drive': it has none" in str(results.failures[0].error)


def test_what_is_there_and_whole_is_left_as_it_is(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def again(level_db: float = 0) -> set[str]:
        """Return what is written by another run."""
        before = times(out)
        last: list[nd.batch.Progress] = []
        results = nd.batch.render(
            f"{inputs}/*.*",
            [LSTM, CLIPPER],
            out,
            segment_s=0.25,
            level_db=level_db,
            on_progress=last.append,
        )
        assert {row.output for row in results} == set(files(out))
        changed = {name for name, time in times(out).items() if before.get(name) != time}
        assert last[-1].done == len({name.rsplit("_", 1)[0] for name in changed})
        assert last[-1].done + last[-1].kept == last[-1].total == 4
        return changed

    assert again() == set(files(out)) != set()
    assert again() == set()
    (out / "soft-clip" / "a_0001.wav").unlink()
    assert again() == {"soft-clip/a_0001.wav", "soft-clip/a_0002.wav", "soft-clip/a_0003.wav"}
    with (out / "soft-clip" / "b_0002.wav").open("r+b") as file:  # of the right length and wrong
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\1\2\3")
    assert again() == {"soft-clip/b_0001.wav", "soft-clip/b_0002.wav"}
    nd.write(inputs / "b.flac", np.zeros(20_000), RATE)
    assert {name.split("_")[0] for name in again()} == {"soft-clip/b", "overdrive-light/b"}
    assert again(level_db=-1) == set(files(out))


def test_another_run_leaves_the_results_of_the_first(inputs: Path, tmp_path: Path) -> None:
    def render(*names: str, level_db: float = 0) -> nd.batch.Results:
        return nd.batch.render(
            [inputs / name for name in names], [CLIPPER], tmp_path / "out", level_db=level_db
        )

    both = render("a.wav", "b.flac")
    rows = list(both)
    assert list(render("b.flac")) == rows[1:]
    assert list(both) == rows
    assert [row.level_db for row in render("a.wav", level_db=-3)] == [-3]
    assert [row.level_db for row in both] == [-3, 0]


def test_what_failed_is_tried_again(inputs: Path, tmp_path: Path) -> None:
    good = (inputs / "a.wav").read_bytes()
    (inputs / "a.wav").write_bytes(b"")
    for expected in ("failed", "done"):
        (row,) = nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out")
        assert row.status == expected
        (inputs / "a.wav").write_bytes(good)


MANY = """
import sys, time
import neural_distortion as nd
from neural_distortion.batch import item
write = item._write
def slowly(*arguments):
    time.sleep(0.05)
    return write(*arguments)
item._write = slowly
nd.batch.render(sys.argv[1], [nd.example_model("soft-clip")], sys.argv[2], gains_db=range(40), workers=2)
"""


def test_a_run_that_was_killed_goes_on_with_what_was_unfinished(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    driver = subprocess.Popen([sys.executable, "-c", MANY, f"{inputs}/*.wav", str(out)])
    try:
        while len(files(out)) < 10:
            assert driver.poll() is None
            time.sleep(0.01)
    finally:
        driver.kill()
        driver.wait()
    assert driver.returncode == -signal.SIGKILL if os.name == "posix" else driver.returncode
    before = {name: time for name, time in times(out).items() if not name.startswith(UNFINISHED)}
    assert 10 <= len(before) < 40

    seen: list[nd.batch.Progress] = []
    results = nd.batch.render(f"{inputs}/*.wav", [CLIPPER], out, gains_db=range(40), on_progress=seen.append)
    after = times(out)
    assert [row.status for row in results] == ["done"] * 40
    assert len({row.output for row in results}) == 40 == len(after)
    assert not (out / UNFINISHED).exists()
    # Of two workers, each can have finished a file that it could not report any more.
    redone = {name for name, time in before.items() if after[name] != time}
    assert len(redone) <= 2
    assert seen[-1].kept == len(before) - len(redone)
    nd.batch.render(f"{inputs}/*.wav", [CLIPPER], tmp_path / "other", gains_db=range(40))
    assert files(out) == files(tmp_path / "other")


FULL = """
import resource, sys
import neural_distortion as nd
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
pattern, out, format = sys.argv[1:]
for row in nd.batch.render(pattern, [nd.example_model("soft-clip")], out, format=format, gains_db=[-20]):
    print(row.output, row.error_kind, row.error, sep="|")
"""

if sys.platform != "win32":  # which has no such limit

    @pytest.mark.parametrize("format", ["wav", "flac"])
    def test_what_finds_no_room_is_recorded_and_the_others_go_on(tmp_path: Path, format: str) -> None:
        noise = np.random.default_rng(0).uniform(-1, 1, 60_000)
        for name, frames in (("a", 20_000), ("b", 60_000), ("c", 20_000)):
            nd.write(tmp_path / f"{name}.wav", noise[:frames], RATE)
        out = tmp_path / "out"
        command = [sys.executable, "-c", FULL, f"{tmp_path}/*.wav", str(out), format]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        rows = [line.split("|") for line in told.stdout.splitlines()]
        assert [row[0] for row in rows] == [
            f"soft-clip/a_-20dB.{format}",
            "soft-clip/b_-20dB",
            f"soft-clip/c_-20dB.{format}",
        ]
        assert [row[1] for row in rows] == ["None", "OSError", "None"]
        assert "File too large" in rows[1][2]
        assert f"b_-20dB.{format}" in rows[1][2]
        assert told.stderr == ""
        assert set(files(out)) == {rows[0][0], rows[2][0]}


SMALL_DISK = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=1m none "$0" && exec "$@"')
"""Before a folder and a command: runs it with a disk of a megabyte at the folder, which nothing else sees."""

ON_SMALL_DISK = """
import sys
from pathlib import Path
import neural_distortion as nd
folder = Path(sys.argv[1])
models = [nd.example_model("soft-clip")]
results = nd.batch.render(str(folder / "*.wav"), models, folder / "out", gains_db=[-20])
for row in results:
    print(row.output, row.error_kind, row.error, sep="|")
print(*sorted(path.name for path in (folder / "out").rglob("*.wav")))
"""


def may_mount() -> bool:
    """Return whether this user may mount a disk."""
    try:
        return subprocess.run([*SMALL_DISK, "/tmp", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if may_mount():

    def test_what_finds_no_room_on_the_disk_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
        noise = np.random.default_rng(0).uniform(-1, 1, 400_000)
        for name, frames in (("a", 20_000), ("b", 400_000), ("c", 20_000)):
            nd.write(tmp_path / f"{name}.wav", noise[:frames], RATE)
        out = tmp_path / "out"
        out.mkdir()
        command = [*SMALL_DISK, str(out), sys.executable, "-c", ON_SMALL_DISK, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        assert [line.split("|")[:2] for line in told[:3]] == [
            ["soft-clip/a_-20dB.wav", "None"],
            ["soft-clip/b_-20dB", "OSError"],
            ["soft-clip/c_-20dB.wav", "None"],
        ]
        assert "No space left on device" in told[1]
        assert told[3] == "a_-20dB.wav c_-20dB.wav"


def test_rows_that_find_no_room_in_the_journal_are_in_the_results(tmp_path: Path) -> None:
    item = next(planned([tmp_path / "missing.wav"], [CLIPPER], Settings(), tmp_path).items())
    row = render_item(item, (), str(tmp_path), Settings()).rows[0]
    with Journal(tmp_path) as journal:
        journal._connection.execute("pragma max_page_count = 8")
        for number in range(100):
            name = f"{number:03d}"
            journal.put(name, (dataclasses.replace(row, output=name),))
        assert journal._held
    results = journal.results()
    assert len(results) == 100
    assert [row.output for row in results] == [f"{number:03d}" for number in range(100)]


def test_a_second_run_in_the_same_folder_is_refused(inputs: Path, tmp_path: Path) -> None:
    def second(progress: nd.batch.Progress) -> None:
        if progress.done == 0:
            with pytest.raises(ValueError, match="another process is rendering to this folder"):
                nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out")

    nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out", on_progress=second)


def test_a_run_that_is_interrupted_leaves_the_folder_to_the_next(inputs: Path, tmp_path: Path) -> None:
    def interrupt(progress: nd.batch.Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nd.batch.render(f"{inputs}/*", [CLIPPER], tmp_path / "out", on_progress=interrupt, workers=1)
    assert len(nd.batch.render(f"{inputs}/*", [CLIPPER], tmp_path / "out")) == 2


def test_what_nobody_wants_any_more_is_left_unfinished(inputs: Path, tmp_path: Path) -> None:
    from neural_distortion.batch.item import Stopped

    item = next(planned([inputs / "a.wav"], [LSTM], Settings(), tmp_path).items())
    (tmp_path / UNFINISHED).mkdir()
    with pytest.raises(Stopped):
        render_item(item, (), str(tmp_path), Settings(), lambda: True)
    assert not list((tmp_path / UNFINISHED).iterdir())


def test_work_is_taken_as_it_is_done() -> None:
    taken = done = ahead = 0

    def jobs() -> "itertools.chain[tuple[Item, Rows]]":
        def one(number: int) -> tuple[Item, Rows]:
            nonlocal taken, ahead
            taken += 1
            ahead = max(ahead, taken - done)
            return (
                Item(name=str(number), input="", model="", gain_db=0, level_db=0, parameters={}, seed=0),
                (),
            )

        return itertools.chain(map(one, range(10_000)))

    def submit(_item: Item, _recorded: Rows) -> "Future[Outcome]":
        future: Future[Outcome] = Future()
        future.set_result(Outcome(()))
        return future

    for _ in pool.in_order_of_completion(jobs(), submit, workers=3):
        done += 1
    assert done == 10_000
    assert ahead <= 3 * pool.WAITING + 1


def test_a_product_is_made_as_it_is_asked_for() -> None:
    paths = [f"/di/{number}.wav" for number in range(2_000)]
    models = [f"/models/{number}.nam" for number in range(2_000)]
    plan = planned(paths, models, Settings(gains_db=(0.0, 1.0)), Path("/out"))
    assert plan.total == 8_000_000
    first = list(itertools.islice(plan.items(), 3))
    assert [item.name for item in first] == ["0/0", "0/0_+1dB", "1/0"]


MEMORY = """
import resource, sys
import neural_distortion as nd
nd.batch.render([sys.argv[1]], [nd.example_model("soft-clip")], sys.argv[2], workers=1)
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""

if sys.platform != "win32":  # which counts memory in another way

    @pytest.mark.parametrize("rate", [48_000, 44_100])
    def test_a_long_file_needs_no_more_memory(tmp_path: Path, rate: int) -> None:
        def peak_bytes(frames: int) -> int:
            path = tmp_path / f"{frames}.wav"
            with nd.io.Writer(path, rate, 1, frames=frames, subtype="PCM_16") as writer:
                for _ in range(frames // 100_000):
                    writer.write(np.full(100_000, 0.1, np.float32))
            model = ["-c", MEMORY.replace("soft-clip", MODELS[rate]), str(path), str(tmp_path / "out")]
            return int(subprocess.run([sys.executable, *model], capture_output=True, check=True).stdout)

        # As much again would be 40 MB of samples, several times over.
        assert peak_bytes(10_000_000) - peak_bytes(500_000) < 20_000_000


MODELS = {48_000: "soft-clip", 44_100: "overdrive-light"}
"""What plays at a rate: the second resamples."""


def test_two_outputs_of_one_name_are_refused(inputs: Path, tmp_path: Path) -> None:
    (inputs / "a.flac").write_bytes((inputs / "b.flac").read_bytes())
    with pytest.raises(ValueError, match="2 inputs would give outputs of one name: a"):
        nd.batch.render(f"{inputs}/*.*", [CLIPPER], tmp_path / "out")
    with pytest.raises(ValueError, match="soft-clip/a would be rendered twice"):
        nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out", gains_db=[0, 0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "doc"}, "no audio format"),
        ({"format": "flac", "subtype": "FLOAT"}, "expected .*PCM_24"),
        ({"segment_s": 0}, "positive number of seconds"),
        ({"quality": 2}, "from 0"),
        ({"gains_db": []}, "nothing to render"),
        ({"workers": 0}, "expected a positive number"),
        ({"workers": 2, "cluster": "auto"}, "none for a cluster"),
        ({"manifest": "table.xls"}, "csv, .jsonl or .parquet"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    inputs: Path, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out", **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_outputs_are_no_inputs(inputs: Path) -> None:
    for _ in range(2):
        results = nd.batch.render(f"{inputs}/**/*.wav", [CLIPPER], inputs / "out")
        assert [row.output for row in results] == ["soft-clip/a.wav", "soft-clip/more/a.wav"]


def test_nothing_to_render_is_refused(inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no input: nothing matches"):
        nd.batch.render(f"{inputs}/*.mp3", [CLIPPER], tmp_path / "out")
    with pytest.raises(ValueError, match="no model is given"):
        nd.batch.render([inputs / "a.wav"], [], tmp_path / "out")


@pytest.mark.usefixtures("inputs")
def test_a_list_says_what_differs(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "input": "di/a.wav",
            "model": str(LSTM),
            "gain_db": 3,
            "parameters": '{"drive": 0.75}',
            "output": "x/one.wav",
        },
        {"input": "di/b.flac", "model": str(CLIPPER), "gain_db": "", "parameters": "", "output": ""},
    ]
    with (tmp_path / "list.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = []
    for name in ("list.csv", "list.jsonl"):
        out = tmp_path / f"out-{name}"
        results = nd.batch.render_listed(tmp_path / name, out, gains_db=[0, -6])
        assert [row.output for row in results] == ["soft-clip/b.wav", "soft-clip/b_-6dB.wav", "x/one.wav"]
        assert [row.gain_db for row in results] == [0, -6, 3]
        assert list(results)[-1].parameters == {"drive": 0.75}
        found.append(files(out))
    assert found[0] == found[1]
    assert listed(rows, Settings(gains_db=(0.0, -6.0))).total == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"input": "a.wav"}, "row 1 of the list has no model"),
        ({"input": "a.wav", "model": "m.nam", "gain": 3}, "'gain', which is none of input, model"),
        ({"input": "a.wav", "model": "m.nam", "gain_db": "loud"}, "row 1 of the list: could not convert"),
        ({"input": "a.wav", "model": "m.nam", "parameters": "[1]"}, "row 1 of the list: "),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, row: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nd.batch.render_listed([row], tmp_path / "out")


def test_a_manifest_is_what_python_has(inputs: Path, tmp_path: Path) -> None:
    results = nd.batch.render(
        f"{inputs}/*.*", [LSTM], tmp_path / "out", manifest=tmp_path / "out.csv", parameters={"drive": [1]}
    )
    results.write(tmp_path / "out.jsonl")
    with (tmp_path / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(table) == len(lines) == len(results) == 2
    for row, cells, line in zip(results, table, lines, strict=True):
        assert Row(**line) == row
        assert {name: "" if value is None else str(value) for name, value in row.flat().items()} == cells
        assert json.loads(cells["parameters"]) == {"drive": 1}


def test_a_journal_that_is_none_is_an_error_of_one_line(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("nothing that a database could be made of" * 100)
    with pytest.raises(OSError, match=r"renders\.sqlite: file is not a database"):
        nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path)


def test_without_an_extra_its_name_is_told(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(**options: str) -> nd.batch.Results:
        return nd.batch.render([inputs / "a.wav"], [CLIPPER], tmp_path / "out", **options)  # type: ignore[arg-type]

    for module in ("ray", "pyarrow", "pandas"):
        monkeypatch.setitem(sys.modules, module, None)
    extra = r"needs {}: pip install 'neural-distortion\[cluster\]'"
    with pytest.raises(MissingExtra, match=extra.format("ray")):
        render(cluster="auto")
    with pytest.raises(MissingExtra, match=extra.format("pyarrow")):
        render(manifest="out.parquet")
    (tmp_path / "list.parquet").touch()
    with pytest.raises(MissingExtra, match=extra.format("pyarrow")):
        nd.batch.render_listed(tmp_path / "list.parquet", tmp_path / "out")
    with pytest.raises(MissingExtra, match=extra.format("pandas")):
        render().to_pandas()


def test_a_step_of_a_pipeline_takes_batches_and_rows() -> None:
    guitar, _ = nd.read(nd.example_audio("guitar"))
    model = nd.load(LSTM)
    clips = np.stack([guitar[:4_800], guitar[50_000:54_800]])
    step = nd.batch.RenderModel(LSTM, sample_rate=RATE, gain_db=20 * np.log10(2), level_db=0)
    expected = model(2 * clips, RATE)
    np.testing.assert_allclose(step({"audio": clips})["wet"], expected, atol=1e-6)
    np.testing.assert_allclose(step({"audio": clips[0]})["wet"], expected[0], atol=1e-6)

    ragged = np.empty(2, dtype=object)
    ragged[:] = [guitar[:100], clips]
    step = nd.batch.RenderModel(LSTM.read_bytes(), audio="dry", output="amp")
    batch = {"dry": ragged, "sample_rate": np.array([48_000, 44_100]), "id": np.array([7, 8])}
    found = step(batch)
    np.testing.assert_array_equal(found["amp"][0], model(guitar[:100], 48_000))
    np.testing.assert_array_equal(found["amp"][1], model(clips, 44_100))
    assert found["id"].tolist() == [7, 8]


Capture = pytest.CaptureFixture[str]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: Capture) -> Command:
    """Return what runs a command, and returns its status, output and messages."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["render-many", *map(str, arguments)])
        return (int(left.value.code or 0), *capsys.readouterr())

    return run


def test_the_command_does_what_python_does(inputs: Path, tmp_path: Path, command: Command) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    product = (
        "--inputs",
        f"{inputs}/**/*.*",
        "--models",
        LSTM,
        out,
        "--gain-db",
        "-6,0,6",
        "--format",
        "flac",
    )
    options = (
        "--segment",
        "0.5s",
        "--parameter",
        "drive=0,1",
        "--level-db",
        "-20",
        "--manifest",
        out / "m.jsonl",
    )
    status, printed, _ = command(*product, *options)
    assert status == 0
    assert "18 rendered" in printed
    nd.batch.render(
        f"{inputs}/**/*.*",
        LSTM,
        other,
        gains_db=[-6, 0, 6],
        format="flac",
        segment_s=0.5,
        parameters={"drive": [0, 1]},
        level_db=-20,
    )
    assert files(out) == files(other)
    assert len((out / "m.jsonl").read_text().splitlines()) == len(files(out))
    assert "0 rendered, 18 were there already" in command(*product, *options)[1]


def test_the_command_tells_of_what_failed_and_what_clips(
    inputs: Path, tmp_path: Path, command: Command
) -> None:
    (inputs / "bad.wav").write_text("no audio")
    (tmp_path / "list.jsonl").write_text(
        "".join(
            json.dumps({"input": str(inputs / name), "model": str(CLIPPER)}) + "\n"
            for name in ("bad.wav", "a.wav")
        )
    )
    status, printed, told = command(
        tmp_path / "list.jsonl", tmp_path / "out", "--format", "flac", "--level-db", 40
    )
    assert status == 1
    assert "1 rendered, 1 failed" in printed
    assert "manifest.csv" in printed
    assert "failed: soft-clip/bad: " in told
    assert "1 outputs clip" in told
    assert (tmp_path / "out" / "manifest.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out"], "expected OUT with --inputs and --models, or LIST and OUT"),
        (["out", "--inputs", "*.wav"], "expected OUT with"),
        (["a.csv", "out", "--inputs", "*.wav", "--models", "*.nam"], "expected OUT with"),
        (["out", "--inputs", "*.wav", "--models", "*.nam", "--gain-db", "loud"], "--gain-db loud: expected"),
        (["out", "--inputs", "*.wav", "--models", "*.nam", "--segment", "long"], "--segment long: expected"),
        (
            ["out", "--inputs", "*.wav", "--models", "*.nam", "--parameter", "drive"],
            "--parameter drive: expec",
        ),
        (["a.csv", "out"], "No such file"),
    ],
)
def test_a_command_that_makes_no_sense_is_one_line(
    arguments: list[str], message: str, command: Command
) -> None:
    status, _, told = command(*arguments)
    assert status in (1, 2)
    assert message in told
    assert len(told.strip().splitlines()) == 1
