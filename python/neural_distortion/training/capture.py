"""The signal to play through a device, so that its recording has all that a training needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neural_distortion._typing import Audio
from neural_distortion.io import example_audio, read

if TYPE_CHECKING:
    from collections.abc import Callable

_Samples = NDArray[np.float64]

Use = Literal["timing", "silence", "training", "validation"]

_LARGEST = 1 - 2.0**-23  # the largest sample of a 24-bit file
_SEED = 1


@dataclass(frozen=True)
class Section:
    """A part of the signal.

    Attributes
    ----------
    name : str
        What it is called.
    start_s, end_s : float
        Where it is, in seconds.
    peaks_db : (float, float)
        The lowest and the highest peak of what is in it, in dBFS; minus infinity for silence.
    text : str
        What is heard.
    use : {"timing", "silence", "training", "validation"}
        What it is for. A training may use all but the validation.
    """

    name: str
    start_s: float
    end_s: float
    peaks_db: tuple[float, float]
    text: str
    use: Use


@dataclass(frozen=True, eq=False)
class CaptureSignal:
    """What :func:`capture_signal` returns.

    Attributes
    ----------
    audio : Audio [shape=(frames,)]
        The signal, each sample a multiple of ``2**-23``: a 24-bit file holds it exactly.
    sample_rate : int
        Its rate, in Hz.
    sections : tuple of Section
        Its parts, one after the other, from the first sample to the last.
    """

    audio: Audio
    sample_rate: int
    sections: tuple[Section, ...]

    def table(self) -> str:
        """Return the sections as a table in Markdown.

        Examples
        --------
        >>> print(capture_signal().table())
        | time | section | peaks (dBFS) | what is heard |
        |---|---|---|---|
        | 0:00 to 0:02 | count-in | -1 | clicks at 0.5 s, 1 s and 1.5 s |
        ...
        """
        rows = ["| time | section | peaks (dBFS) | what is heard |", "|---|---|---|---|"]
        for section in self.sections:
            time = f"{_clock(section.start_s)} to {_clock(section.end_s)}"
            rows.append(f"| {time} | {section.name} | {_peaks(section)} | {section.text} |")
        return "\n".join(rows) + "\n"


def capture_signal(sample_rate: int = 48_000) -> CaptureSignal:
    """Return the signal that a device is captured with: three minutes, the same whenever it is made.

    Clicks and noise say how late the recording is, silence what the device and the cables add, and passages
    that come twice whether the device changes meanwhile. The rest is to be learned from: sweeps, noise and
    tones at levels from -60 to 0 dBFS, plucked strings, and a sampled guitar.

    Parameters
    ----------
    sample_rate : int from 32000 to 192000
        The rate to record at, in Hz.

    Raises
    ------
    ValueError
        If the rate is another one.

    Examples
    --------
    >>> signal = capture_signal()
    >>> signal.audio.size / signal.sample_rate
    180.0
    """
    if not 32_000 <= sample_rate <= 192_000 or sample_rate % 1:
        msg = f"expected a sample rate from 32000 to 192000 Hz, got {sample_rate}"
        raise ValueError(msg)
    rate = int(sample_rate)
    parts = sections()
    audio = np.zeros(round(rate * parts[-1].end_s))
    for part, section in zip(_PARTS, parts, strict=True):
        frames = slice(round(section.start_s * rate), round(section.end_s * rate))
        if part.make:
            made = part.make(part, rate)[: frames.stop - frames.start]
            audio[frames.start : frames.start + made.size] = made
    audio = np.round(np.clip(audio, -_LARGEST, _LARGEST) * 2**23) / 2**23
    return CaptureSignal(audio.astype(np.float32), rate, parts)


def sections() -> tuple[Section, ...]:
    """Return the sections of the signal, which are the same at every rate."""
    ends_s = np.cumsum([part.seconds for part in _PARTS]).tolist()
    return tuple(
        Section(part.name, end_s - part.seconds, end_s, part.peaks_db, part.text, part.use)
        for part, end_s in zip(_PARTS, ends_s, strict=True)
    )


class _Part(NamedTuple):
    """A section before it has a place."""

    name: str
    seconds: float
    peaks_db: tuple[float, float]
    text: str
    use: Use
    make: "Callable[[_Part, int], _Samples] | None" = None


def _clicks(part: _Part, rate: int) -> _Samples:
    """Return three arcs of a sine that are short and point up, so that polarity can be seen."""
    clicks = np.zeros(round(part.seconds * rate))
    width = round(0.000_25 * rate)
    for time_s in (0.5, 1.0, 1.5):
        start = round(time_s * rate)
        clicks[start : start + width] = np.sin(np.pi * (np.arange(width) + 0.5) / width)
    return _amplitude(part.peaks_db[1]) * clicks


def _noise(part: _Part, rate: int) -> _Samples:
    """Return white noise, and a quarter of a second of silence after it."""
    return _faded(_amplitude(part.peaks_db[1]) * _white((part.seconds - 0.25) * rate), rate)


def _white_steps(part: _Part, rate: int) -> _Samples:
    """Return white noise that becomes louder every half second."""
    return _stepped(_white((part.seconds - 0.5) * rate), part, rate)


def _pink_steps(part: _Part, rate: int) -> _Samples:
    """Return noise with as much power in each octave, that becomes louder every half second."""
    spectrum = np.fft.rfft(_white((part.seconds - 0.5) * rate))
    frequencies_hz = np.arange(spectrum.size) / (part.seconds - 0.5)
    spectrum *= (frequencies_hz > 15) / np.sqrt(np.maximum(frequencies_hz, 15))
    return _stepped(np.fft.irfft(spectrum, round((part.seconds - 0.5) * rate)), part, rate)


def _sweeps(part: _Part, rate: int) -> _Samples:
    """Return five sweeps, each louder than the one before."""
    length_s = part.seconds / 5
    sweep = _chirp(20, min(20_000, 0.45 * rate), length_s - 0.1, rate)
    return _in_a_row([_amplitude(level) * sweep for level in _levels(part, 5)], length_s, rate)


def _chirps(part: _Part, rate: int) -> _Samples:
    """Return short chirps, up and down in turn, each louder than the one before."""
    up = _chirp(80, 8_000, 0.05, rate)
    chirps = [_amplitude(level) * (up, up[::-1])[turn % 2] for turn, level in enumerate(_levels(part, 20))]
    return _in_a_row(chirps, part.seconds / 20, rate)


def _swells(part: _Part, rate: int) -> _Samples:
    """Return tones that swell from the lowest peak to the highest, and fade again."""
    length_s = part.seconds / 5
    position = np.arange(round(length_s * rate)) / (length_s * rate)
    low, high = part.peaks_db
    envelope = _amplitude(low) ** np.abs(1 - 2 * position) * _amplitude(high)
    pitches_hz = (55.0, 82.41, 196.0, 440.0, 1046.5)
    return np.concatenate([_faded(envelope * _tone(hz, length_s, rate), rate) for hz in pitches_hz])


def _pairs(part: _Part, rate: int) -> _Samples:
    """Return pairs of tones: fifths, thirds and semitones up the neck, at many levels."""
    pairs = []
    for number, level in enumerate(_levels(part, 20)):
        low_hz = 82.41 * 2 ** ((7 * number % 29) / 12)
        high_hz = low_hz * (1.4983, 1.2599, 1.0595, 4.0)[number % 4]
        pair = (_tone(low_hz, 0.48, rate) + _tone(high_hz, 0.48, rate)) / 2
        pairs.append(_amplitude(level) * _peaking(_faded(pair, rate)))
    return _in_a_row(_shuffled(pairs), part.seconds / 20, rate)


def _plucks(part: _Part, rate: int) -> _Samples:
    """Return single plucked strings all over the neck, at many levels."""
    plucks = [
        _amplitude(level) * _peaking(_pluck((82.41 * 2 ** ((11 * number % 37) / 12),), 0.5, rate))
        for number, level in enumerate(_levels(part, 32))
    ]
    return _in_a_row(_shuffled(plucks), part.seconds / 32, rate)


def _chords(part: _Part, rate: int) -> _Samples:
    """Return chords of plucked strings, from open to barred and from soft to hard."""
    roots_hz = (82.41, 110.0, 98.0, 146.83, 130.81, 87.31, 123.47, 82.41)
    voicings = ((0, 7, 12, 16, 19, 24), (0, 7, 12), (0, 7, 12, 15, 19), (0, 7))
    chords = []
    for number, (root_hz, level) in enumerate(zip(roots_hz, _levels(part, 8), strict=True)):
        strings_hz = tuple(root_hz * 2 ** (fret / 12) for fret in voicings[number % 4])
        chords.append(_amplitude(level) * _peaking(_pluck(strings_hz, 1.0, rate)))
    return _in_a_row(chords, part.seconds / 8, rate)


def _played(part: _Part, rate: int) -> _Samples:
    """Return the guitar that is trained on, as it was played."""
    return _amplitude(part.peaks_db[1]) * _guitar(_TRAINED_S, rate)


def _played_lower(part: _Part, rate: int) -> _Samples:
    """Return it a fourth lower, and as much slower."""
    return _amplitude(part.peaks_db[1]) * _guitar(_TRAINED_S, rate * 2 ** (5 / 12))


def _played_higher(part: _Part, rate: int) -> _Samples:
    """Return it an octave higher, and as much faster."""
    return _amplitude(part.peaks_db[1]) * _guitar(_TRAINED_S, rate / 2)


def _played_swelling(part: _Part, rate: int) -> _Samples:
    """Return it while its volume is turned up."""
    guitar = _guitar(_TRAINED_S, rate)
    low, high = part.peaks_db
    return _amplitude(high) * _peaking(guitar * _amplitude(np.linspace(low, high, guitar.size)))


def _unheard(part: _Part, rate: int) -> _Samples:
    """Return guitar that is in no other section."""
    return _amplitude(part.peaks_db[1]) * _guitar(_VALIDATED_S, rate)


_TRAINED_S: Final = ((0.0, 5.13), (9.92, 15.87))
_VALIDATED_S: Final = ((5.13, 9.92), (15.87, 20.1))
"""Where, in the shipped phrases, the guitar is that is trained on, and the one that is not."""

_SILENT: Final = (-np.inf, -np.inf)

_TIMING: Final = _Part("timing noise", 2, (-30, -30), "white noise, the same each time", "timing", _noise)
_UNHEARD: Final = _Part(
    "validation",
    9,
    (-3, -3),
    "guitar that no other section has",
    "validation",
    _unheard,
)

_PARTS: Final = (
    _Part("count-in", 2, (-1, -1), "clicks at 0.5 s, 1 s and 1.5 s", "timing", _clicks),
    _Part("silence", 3, _SILENT, "nothing: what is recorded is hum and noise", "silence"),
    _TIMING,
    _UNHEARD,
    _Part("pause", 1, _SILENT, "nothing", "silence"),
    _Part("sweeps", 15, (-60, 0), "five sweeps from 20 Hz to 20 kHz, from soft to loud", "training", _sweeps),
    _Part("white noise", 6, (-60, 0), "noise in eleven steps, from soft to loud", "training", _white_steps),
    _Part("pink noise", 6, (-60, 0), "the same, darker", "training", _pink_steps),
    _Part("chirps", 6, (-48, 0), "twenty chirps of 50 ms, up and down in turn", "training", _chirps),
    _Part("swells", 12, (-60, 0), "five tones that swell and fade, from 55 Hz to 1 kHz", "training", _swells),
    _TIMING,
    _Part("pairs", 10, (-40, 0), "twenty pairs of tones, from semitones to octaves", "training", _pairs),
    _Part("plucks", 16, (-36, 0), "32 plucked strings, soft and loud ones mixed", "training", _plucks),
    _Part("chords", 8, (-24, 0), "eight chords, each louder than the one before", "training", _chords),
    _Part("guitar", 11, (-6, -6), "strummed chords and a melody", "training", _played),
    _Part("soft guitar", 11, (-24, -24), "the same, softer", "training", _played),
    _TIMING,
    _Part("loud guitar", 11, (0, 0), "the same, as loud as can be", "training", _played),
    _Part("low guitar", 14, (-3, -3), "the same, a fourth lower and slower", "training", _played_lower),
    _Part(
        "high guitar",
        6,
        (-3, -3),
        "the same, an octave higher and faster",
        "training",
        _played_higher,
    ),
    _Part("swelling guitar", 11, (-40, 0), "the same, from soft to loud", "training", _played_swelling),
    _Part("pause", 1, _SILENT, "nothing", "silence"),
    _UNHEARD,
    _TIMING,
    _Part("count-out", 2, (-1, -1), "clicks at 0.5 s, 1 s and 1.5 s", "timing", _clicks),
    _Part("silence", 2, _SILENT, "nothing: the device rings out", "silence"),
)


def _white(frames: float) -> _Samples:
    """Return noise between -1 and 1, from the generator whose stream numpy promises to keep."""
    raw = np.random.PCG64(_SEED).random_raw(round(frames))
    return np.asarray(raw >> np.uint64(11), dtype=np.float64) * 2.0**-52 - 1


def _chirp(low_hz: float, high_hz: float, seconds: float, rate: int) -> _Samples:
    """Return a sine whose pitch rises by as many octaves each second."""
    time = np.arange(round(seconds * rate)) / rate
    speed = np.log(high_hz / low_hz) / seconds
    return _faded(np.sin(2 * np.pi * low_hz / speed * np.expm1(speed * time)), rate)


def _tone(frequency_hz: float, seconds: float, rate: int) -> _Samples:
    """Return a sine."""
    return np.asarray(np.sin(2 * np.pi * frequency_hz / rate * np.arange(round(seconds * rate))))


def _pluck(strings_hz: tuple[float, ...], seconds: float, rate: int) -> _Samples:
    """Return strings that are plucked one shortly after the other, at a fifth of their length."""
    frames = round(seconds * rate)
    sound = np.zeros(frames)
    for number, string_hz in enumerate(strings_hz):
        start = round(0.008 * number * rate)
        time = np.arange(frames - start) / rate
        for partial in range(1, 41):
            # The stiffness of a string makes its partials sharp; the high ones die away first.
            frequency_hz = partial * string_hz * np.sqrt(1 + 5e-5 * partial**2)
            if frequency_hz < 0.45 * rate:
                strength = np.sin(np.pi * partial / 5) / partial
                decay = np.exp(-(1.5 + 0.6 * partial) * time)
                sound[start:] += strength * decay * np.sin(2 * np.pi * frequency_hz * time)
    return _faded(sound, rate)


def _guitar(spans_s: tuple[tuple[float, float], ...], rate: float) -> _Samples:
    """Return spans of the shipped phrases, at a rate, with a peak of 1."""
    phrases, phrases_rate = read(example_audio("phrases"))
    spans = [
        _faded(phrases[round(start * phrases_rate) : round(end * phrases_rate)].astype(float), phrases_rate)
        for start, end in spans_s
    ]
    return _peaking(_resampled(np.concatenate(spans), rate / phrases_rate))


def _resampled(signal: _Samples, ratio: float) -> _Samples:
    """Return a signal that ends in silence with ``ratio`` times as many samples."""
    frames = round(signal.size * ratio)
    if frames == signal.size:
        return signal
    spectrum = np.fft.rfft(signal)
    kept = min(spectrum.size, frames // 2 + 1)
    return np.asarray(np.fft.irfft(spectrum[:kept], frames) * (frames / signal.size))


def _stepped(noise: _Samples, part: _Part, rate: int) -> _Samples:
    """Return noise in steps of half a second from the lowest peak to the highest."""
    steps = np.array_split(noise, round(noise.size / (0.5 * rate)))
    levels = _levels(part, len(steps))
    return np.concatenate(
        [_amplitude(level) * _faded(_peaking(step), rate) for level, step in zip(levels, steps, strict=True)]
    )


def _in_a_row(sounds: list[_Samples], seconds: float, rate: int) -> _Samples:
    """Return sounds that start every so many seconds."""
    row = np.zeros(round(len(sounds) * seconds * rate))
    for number, sound in enumerate(sounds):
        start = round(number * seconds * rate)
        row[start : start + sound.size] = sound[: row.size - start]
    return row


def _shuffled(sounds: list[_Samples]) -> list[_Samples]:
    """Return sounds in an order in which loud ones stand beside soft ones."""
    half = (len(sounds) + 1) // 2
    return [sound for pair in zip(sounds[:half], sounds[half:], strict=True) for sound in pair]


def _levels(part: _Part, count: int) -> list[float]:
    """Return levels from the lowest peak of a part to its highest, in dBFS."""
    return [float(level) for level in np.linspace(*part.peaks_db, count)]


def _faded(sound: _Samples, rate: int) -> _Samples:
    """Return a sound without clicks at its ends."""
    ramp = np.minimum(1, (np.arange(sound.size) + 0.5) / (0.002 * rate))
    return np.asarray(sound * ramp * ramp[::-1])


def _peaking(sound: _Samples) -> _Samples:
    """Return a sound with a peak of 1."""
    return np.asarray(sound / np.abs(sound).max())


def _amplitude(level_db: float | _Samples) -> _Samples:
    """Return the amplitude of a level."""
    return np.asarray(10 ** (np.asarray(level_db) / 20))


def _clock(time_s: float) -> str:
    """Return a time as minutes and seconds."""
    return f"{int(time_s // 60)}:{time_s % 60:02.0f}"


def _peaks(section: Section) -> str:
    """Return the peaks of a section as they are read."""
    low, high = section.peaks_db
    if not np.isfinite(high):
        return ""
    return f"{high:g}" if low == high else f"{low:g} to {high:g}"
