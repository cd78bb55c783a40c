"""Audio files. soundfile's ``(frames, channels)`` becomes ``(channels, frames)`` here and nowhere else."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt
import soundfile

from neural_distortion._typing import Audio, PathLike
from neural_distortion.model import as_audio, example

_AUDIO = Path(__file__).parent / "audio"

_WAV_BYTES = 0xFFFF_FFFF - 0x1_0000
"""What fits a WAV file beside its header; more goes into its successor RF64."""

_ADD_PEAK_CHUNK = 0x1050
"""What libsndfile calls ``SFC_SET_ADD_PEAK_CHUNK``; soundfile has no word for it."""


def example_audio(name: str) -> Path:
    """Return the path of a recording that comes with the package.

    Parameters
    ----------
    name : str
        A sampled guitar without amplifier or effects: ``"guitar"`` plays a riff, ``"phrases"`` chords, a
        melody and arpeggios.
    """
    return example(name, _AUDIO.glob("*.flac"))


def read(path: PathLike) -> tuple[Audio, int]:
    """Read an audio file of any format that libsndfile knows, such as WAV, FLAC, Ogg and MP3.

    Returns
    -------
    audio : Audio [shape=(frames,) or (channels, frames)]
        The samples, full scale at ±1; ``(frames,)`` for a mono file.
    sample_rate : int
        Its rate, in Hz.

    Raises
    ------
    OSError
        If the file cannot be opened, for example a FileNotFoundError.
    ValueError
        If it is not an audio file.

    Examples
    --------
    >>> import neural_distortion as nd
    >>> audio, sample_rate = nd.read(nd.example_audio("guitar"))
    >>> audio.shape, sample_rate
    ((412800,), 48000)
    """
    with Reader(path) as reader:
        return reader.read(), reader.sample_rate


def write(path: PathLike, audio: npt.ArrayLike, sample_rate: float, *, subtype: str | None = None) -> None:
    """Write an audio file; its suffix says the format.

    Parameters
    ----------
    path : path-like
        Where to; a file that is there already is replaced.
    audio : array of float [shape=(frames,) or (channels, frames)]
        The samples. Formats of integers clip at ±1.
    sample_rate : float > 0
        The rate, in Hz: a whole number, as audio files have it.
    subtype : str, optional
        How samples are stored, in soundfile's words (``"PCM_16"``, …). By default as exactly as the format
        can: 32-bit float, else 24 bit, else the format's own.

    Raises
    ------
    OSError
        If the file cannot be made.
    ValueError
        If the suffix stands for no format, the format cannot hold such audio, or ``audio`` has another shape.
    """
    samples = as_audio(audio)
    channels = 1 if samples.ndim == 1 else samples.shape[0]
    with Writer(path, sample_rate, channels, frames=samples.shape[-1], subtype=subtype) as writer:
        writer.write(samples)


class Reader:
    """An audio file that is read block by block.

    Attributes
    ----------
    sample_rate, channels, frames : int
        The file's rate in Hz, and its size.
    """

    def __init__(self, path: PathLike) -> None:
        self._path = path
        self._stream = Path(path).open("rb")  # noqa: SIM115 - the Reader is the context manager
        try:
            self._file = soundfile.SoundFile(self._stream)
        except soundfile.LibsndfileError as error:
            self._stream.close()
            msg = f"{path}: not an audio file that can be read ({_reason(error)})"
            raise ValueError(msg) from None
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int = self._file.frames

    def read(self, frames: int = -1) -> Audio:
        """Return the next ``frames``, or all that are left, in the shape that :func:`read` gives.

        Raises
        ------
        ValueError
            If the file is damaged there.
        """
        try:
            samples: Audio = self._file.read(frames, dtype="float32")
        except soundfile.LibsndfileError as error:
            msg = f"{self._path}: damaged behind frame {self._file.tell()} ({_reason(error)})"
            raise ValueError(msg) from None
        return samples.T

    def blocks(self, frames: int) -> Iterator[Audio]:
        """Yield the rest of the file in blocks of ``frames``, the last of which may be shorter."""
        while (block := self.read(frames)).size:
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._stream.close()


class Writer:
    """An audio file that is written block by block, and appears under its name when it is complete.

    Parameters
    ----------
    path, sample_rate, subtype
        As for :func:`write`.
    channels : int > 0
        The number of channels of every block.
    frames : int
        How many there will be.

    Attributes
    ----------
    clips : bool
        Whether the file's samples end at ±1.
    """

    def __init__(
        self, path: PathLike, sample_rate: float, channels: int, *, frames: int, subtype: str | None = None
    ) -> None:
        self._path = Path(path)
        file_format = _format(self._path)
        if subtype is None:
            subtype = next((s for s in ("FLOAT", "PCM_24") if soundfile.check_format(file_format, s)), None)
        if file_format == "WAV" and 4 * channels * frames > _WAV_BYTES:
            file_format = "RF64"
        if sample_rate % 1 != 0:
            msg = f"{path}: a sample rate of {sample_rate} Hz is not a whole number"
            raise ValueError(msg)
        self._partial = self._path.with_name(f".{self._path.name}.partial")
        try:
            self._stream = _Stream(self._partial)
        except OSError as error:
            error.filename = str(path)
            raise
        try:
            self._file = soundfile.SoundFile(
                self._stream, "w", int(sample_rate), channels, subtype, format=file_format
            )
        except (soundfile.LibsndfileError, ValueError) as error:
            self._discard()
            msg = (
                f"{path}: no {file_format} of {channels} channel(s) at {sample_rate:g} Hz ({_reason(error)})"
            )
            raise ValueError(msg) from None
        # libsndfile writes the time beside the peak: the same audio would be another file each time.
        soundfile._snd.sf_command(self._file._file, _ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)
        self.clips: bool = self._file.subtype.startswith(("PCM", "ALAC", "DPCM", "ULAW", "ALAW", "MPEG"))

    def write(self, audio: Audio) -> None:
        """Append ``audio``, ``(frames,)`` or ``(channels, frames)``.

        Raises
        ------
        OSError
            If the disk is full, say; with a format that is packed, it can also come at the end.
        """
        try:
            self._file.write(audio.T)
        except (AssertionError, soundfile.LibsndfileError):
            self._check()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
            else:
                with suppress(soundfile.LibsndfileError):
                    self._file.close()
        finally:
            self._discard()

    def _finish(self) -> None:
        """Let the file appear, if all of it could be written."""
        try:
            self._file.close()
        finally:
            self._check()
        self._stream.close()
        self._partial.replace(self._path)

    def _check(self) -> None:
        """Raise what went wrong with the file, if something did."""
        if self._stream.error:
            self._stream.error.filename = str(self._path)
            raise self._stream.error

    def _discard(self) -> None:
        self._stream.close()
        self._partial.unlink(missing_ok=True)


class _Stream(FileIO):
    """A new file that remembers what goes wrong: libsndfile forgets it at times, above all at the end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data: Any) -> int:  # noqa: ANN401  (all that is a buffer)
        """Write all of ``data``, and return how much of it went there."""
        rest = memoryview(data).cast("B")
        try:
            while rest:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return len(data) - len(rest)


def _format(path: Path) -> str:
    """Return soundfile's name of the format that the suffix of ``path`` stands for."""
    suffix = path.suffix.removeprefix(".").upper()
    name = {"AIF": "AIFF", "OGA": "OGG"}.get(suffix, suffix)
    if name not in _formats():
        msg = f"{path}: the suffix stands for no audio format; .wav, .flac, .ogg, .mp3 and .aiff do"
        raise ValueError(msg)
    return name


@cache
def _formats() -> frozenset[str]:
    """Return soundfile's names of all formats, which it asks libsndfile for one by one."""
    return frozenset(soundfile.available_formats())


def _reason(error: Exception) -> str:
    """Return what libsndfile says, without soundfile's own beginning."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".")
