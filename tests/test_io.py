"""Audio files: shapes, formats, and what goes wrong."""

import subprocess
import sys
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
import soundfile
from neural_distortion import io
from neural_distortion._typing import Audio

RATE = 44_100

TONES: Audio = np.sin(np.outer([0.01, 0.023], np.arange(1000)), dtype=np.float32) * np.float32(0.5)
"""Two channels that differ."""


@pytest.mark.parametrize("audio", [TONES[0], TONES, TONES[:1], TONES[:, :1], TONES[:, :0]])
def test_what_is_written_is_read_again(tmp_path: Path, audio: Audio) -> None:
    path = tmp_path / "tone.wav"
    nd.write(path, audio, RATE)
    again, rate = nd.read(path)
    assert rate == RATE
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, audio[0] if audio.shape[0] == 1 else audio)


def test_channels_stay_in_order(tmp_path: Path) -> None:
    nd.write(tmp_path / "tone.wav", TONES, RATE)
    frames_first, _ = soundfile.read(tmp_path / "tone.wav", dtype="float32")
    np.testing.assert_array_equal(frames_first, TONES.T)


def test_audio_from_a_file_goes_through_a_model(tmp_path: Path) -> None:
    nd.write(tmp_path / "tone.wav", TONES, RATE)
    audio, rate = nd.read(tmp_path / "tone.wav")
    model = nd.load(nd.example_model("soft-clip"))
    np.testing.assert_array_equal(model(audio, rate), model(TONES, RATE))


def test_loud_samples_survive_a_wav(tmp_path: Path) -> None:
    nd.write(tmp_path / "loud.wav", 8 * TONES, RATE)
    np.testing.assert_array_equal(nd.read(tmp_path / "loud.wav")[0], 8 * TONES)


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [(".flac", 2**-23), (".aiff", 0), (".aif", 0), (".ogg", 0.05), (".mp3", 0.1)]
)
def test_the_suffix_says_the_format(tmp_path: Path, suffix: str, tolerance: float) -> None:
    path = tmp_path / f"tone{suffix}"
    nd.write(path, TONES[0], RATE)
    audio, rate = nd.read(path)
    assert rate == RATE
    np.testing.assert_allclose(audio[:1000], TONES[0], atol=tolerance)


def test_a_subtype_can_be_asked_for(tmp_path: Path) -> None:
    nd.write(tmp_path / "tone.wav", TONES, RATE, subtype="PCM_16")
    assert soundfile.info(tmp_path / "tone.wav").subtype == "PCM_16"


def test_a_whole_rate_may_be_a_float(tmp_path: Path) -> None:
    nd.write(tmp_path / "tone.wav", TONES, 48_000.0)
    assert nd.read(tmp_path / "tone.wav")[1] == 48_000


def test_a_file_is_replaced_only_by_a_complete_one(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    nd.write(path, TONES, RATE)
    with io.Writer(path, RATE, 2, frames=4000) as writer:
        writer.write(-TONES)
        np.testing.assert_array_equal(nd.read(path)[0], TONES)
    np.testing.assert_array_equal(nd.read(path)[0], -TONES)


def test_a_broken_off_file_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_off() -> None:
        with io.Writer(tmp_path / "tone.wav", RATE, 2, frames=2000) as writer:
            writer.write(TONES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_a_wav_becomes_its_large_kind(tmp_path: Path) -> None:
    with io.Writer(tmp_path / "long.wav", RATE, 1, frames=1 << 30) as writer:
        writer.write(TONES[0])
    assert (tmp_path / "long.wav").read_bytes()[:4] == b"RF64"
    np.testing.assert_array_equal(nd.read(tmp_path / "long.wav")[0], TONES[0])


@pytest.mark.parametrize("frames", [1, 7, 1000, 5000])
def test_blocks_together_are_the_file(tmp_path: Path, frames: int) -> None:
    nd.write(tmp_path / "tone.wav", TONES, RATE)
    with io.Reader(tmp_path / "tone.wav") as reader:
        assert (reader.sample_rate, reader.channels, reader.frames) == (RATE, 2, 1000)
        np.testing.assert_array_equal(np.concatenate(list(reader.blocks(frames)), axis=-1), TONES)


def test_a_missing_file_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.wav"):
        nd.read(tmp_path / "nowhere.wav")


def test_a_missing_folder_is_an_ordinary_error_that_names_the_file_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        nd.write(tmp_path / "nowhere" / "tone.wav", TONES, RATE)
    assert caught.value.filename == str(tmp_path / "nowhere" / "tone.wav")


def test_what_is_no_audio_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "poem.wav").write_text("Was ist das?")
    with pytest.raises(ValueError, match=r"poem\.wav: not an audio file"):
        nd.read(tmp_path / "poem.wav")


@pytest.mark.parametrize(
    ("name", "rate", "subtype", "message"),
    [
        ("tone.xyz", RATE, None, "suffix stands for no audio format"),
        ("tone", RATE, None, "suffix stands for no audio format"),
        ("tone.wav", 44_100.5, None, "not a whole number"),
        ("tone.flac", RATE, "VORBIS", "no FLAC of 2 channel"),
        ("tone.mp3", 12_345, None, "no MP3 of 2 channel"),
        ("tone.wav", float("nan"), None, "not a whole number"),
    ],
)
def test_what_no_file_can_hold_is_refused(
    tmp_path: Path, name: str, rate: float, subtype: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        nd.write(tmp_path / name, TONES, rate, subtype=subtype)
    assert list(tmp_path.iterdir()) == []


def test_frames_first_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shape \(1000, 2\).*audio\.T"):
        nd.write(tmp_path / "tone.wav", TONES.T, RATE)


def test_the_shipped_guitar_is_a_mono_recording() -> None:
    audio, rate = nd.read(nd.example_audio("guitar"))
    assert rate == 48_000
    assert audio.ndim == 1
    assert 8 * rate < audio.size < 10 * rate
    assert 0.1 < np.abs(audio).max() < 1


def test_an_unknown_example_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"'kazoo'.*guitar"):
        nd.example_audio("kazoo")


FULL = """
import resource, sys
import numpy as np
import neural_distortion as nd
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    nd.write(sys.argv[1], np.random.default_rng(0).uniform(-1, 1, 100_000), 48_000)
except OSError as error:
    print(error)
"""

if sys.platform != "win32":  # which has no such limit

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
    def test_a_file_that_finds_no_room_is_an_error_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"noise.{suffix}"
        nd.write(path, np.random.default_rng(0).uniform(-1, 1, 100_000), 48_000)
        size = path.stat().st_size
        path.unlink()
        for missing in (1, 3_000):
            told = subprocess.run(
                [sys.executable, "-c", FULL, str(path), str(size - missing)],
                capture_output=True,
                text=True,
                check=True,
            )
            assert "File too large" in told.stdout
            assert told.stderr == ""
            assert not list(tmp_path.iterdir())
