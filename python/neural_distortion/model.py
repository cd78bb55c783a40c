"""Models: loading them, and running audio through them."""

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from neural_distortion import _native
from neural_distortion._typing import Audio, PathLike

MAX_CHANNELS = 64
"""More are taken for frames in the wrong order."""

_MODELS = Path(__file__).parent / "models"

Format = Literal["nam", "rtneural", "aidax", "proteus", "mlp", "onnx", "cpp", "rust"]
"""What a model can be saved as."""

_PROGRAMS = ("onnx", "cpp", "rust")
"""Those that this package does not load."""

Compat = Literal["legacy_layer1x1_post_film", "residual_without_layer1x1", "reverse_linear_taps"]
"""Readings of a file that other programs have."""

SAME = 1e-5
"""How far, over its peak, the sound of a saved model may be from the model's: its sums have another order."""

_SUFFIXES: Mapping[str, Format] = {
    ".nam": "nam",
    ".aidax": "aidax",
    ".onnx": "onnx",
    ".h": "cpp",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".rs": "rust",
}


class ModelError(ValueError):
    """A model file that cannot be used, and why.

    Attributes
    ----------
    kind : str
        The kind of error, for code that tells them apart: ``"not_json"``, ``"missing_key"``, …
    path : str or None
        The place in the file, such as ``config.layers[1].dilations[3]``; None where it is all of it.
    expected, found : str or None
        What should be there and what is there instead, where that can be said.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        path: str | None = None,
        expected: str | None = None,
        found: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.path = path
        self.expected = expected
        self.found = found


# Users know it, and tracebacks name it, by where it is public.
ModelError.__module__ = "neural_distortion"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a model file says about the model. A field that the file lacks is None.

    Attributes
    ----------
    name, modeled_by : str or None
        The model's name and its maker.
    gear_make, gear_model, gear_type, tone_type : str or None
        The modelled gear, its maker and kind, and the kind of tone, as the file words them.
    loudness_db : float or None
        Loudness of the output, in dB (RMS), for the trainer's guitar-like input.
    gain : float or None
        How compressed the model is, from 0 to 1.
    input_level_dbu, output_level_dbu : float or None
        Level, in dBu (RMS), of a sine that peaks at 0 dBFS at the input or output.
    validation_esr : float or None
        Error-to-signal ratio that the trainer measured on unheard audio.
    raw : mapping
        The file's own metadata, unread keys included.
    warnings : tuple of str
        What the loader tolerated: a field of the wrong type, say.
    """

    name: str | None = None
    modeled_by: str | None = None
    gear_make: str | None = None
    gear_model: str | None = None
    gear_type: str | None = None
    tone_type: str | None = None
    loudness_db: float | None = None
    gain: float | None = None
    input_level_dbu: float | None = None
    output_level_dbu: float | None = None
    validation_esr: float | None = None
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """A knob of a model.

    Attributes
    ----------
    name : str
        As the trainer wrote it into the file, such as ``"drive"``; few do, and it is ``"parameter 1"``, ….
    minimum, maximum : float
        What the knob spans. Files do not say it: the model was trained on what its maker chose, by custom 0
        to 1, and takes values beyond.
    default : float
        Where it stands in a call that does not set it.
    """

    name: str
    minimum: float
    maximum: float
    default: float


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a model, as a listing shows it.

    Attributes
    ----------
    path : str
        Where it is, such as ``arrays[1].layers[3]``.
    kind : str
        What it is called: ``"Dense"``, ``"Conv1d"``, ``"WaveNetLayer"``, …
    in_channels, out_channels : int
        Widths of its input and output.
    shape : tuple of int
        Of its weights: ``(outputs, inputs, taps)`` for a convolution, ``(gates · units, inputs + units)`` for
        a recurrent layer; empty where there are none.
    details : str
        What else there is to say, such as its dilation and its activation.
    num_parameters : int
        How many trained numbers it has.
    """

    path: str
    kind: str
    in_channels: int
    out_channels: int
    shape: tuple[int, ...]
    details: str
    num_parameters: int


@dataclasses.dataclass(frozen=True, slots=True)
class SelfTest:
    """How close a model comes to the recording, in its file, of what it must give.

    Attributes
    ----------
    max_error : float
        The largest absolute difference.
    passed : bool
        Whether that is at most 1e-4, 80 dB below full scale. A model that fails plays all the same, but
        hardly what its maker heard.
    """

    max_error: float
    passed: bool


class Model:
    """A model that is ready to play; :func:`load` makes one.

    Calling it renders a whole signal, on several cores where it can; :meth:`process` plays a stream, block by
    block.

    A model remembers what it heard, so it is one thread's at a time: a second thread that calls it meanwhile
    gets a RuntimeError. The GIL is released during the work; to use several cores, give each thread a
    :meth:`clone` (or ``copy.copy``), which shares the weights.

    Examples
    --------
    >>> import neural_distortion as nd
    >>> model = nd.load(nd.example_model("overdrive"))
    >>> silence = np.zeros((2, 480), dtype=np.float32)
    >>> model(silence, 48_000).shape
    (2, 480)
    """

    __slots__ = ("_metadata", "_native")

    def __init__(self, native: _native.Model) -> None:
        self._native = native
        told: dict[str, Any] = {**native.metadata}
        told["raw"] = json.loads(told["raw"] or "{}")
        told["warnings"] = tuple(told["warnings"])
        self._metadata = Metadata(**told)

    def __call__(
        self,
        audio: npt.ArrayLike,
        sample_rate: float,
        *,
        parameters: npt.ArrayLike | None = None,
        resample: bool = True,
        threads: int | None = None,
    ) -> Audio:
        """Render a whole signal, from a fresh state and without leaving one: a stream begins anew after it.

        Each channel has a state of its own; all share the weights.

        Parameters
        ----------
        audio : array of float [shape=(frames,) or (channels, frames)]
            The dry signal, full scale at ±1. Contiguous float32 is used as it is, anything else is converted.
            It may be empty. A NaN or an infinity counts as silence.
        sample_rate : float > 0
            The rate of ``audio``, in Hz. A model without a rate of its own takes any.
        parameters : array of numbers [shape=(parameters,) or (parameters, frames)]
            A setting for each of :attr:`parameters`, or a signal for each, the same for all channels. It
            holds for this call alone: without it, every parameter stands at its default.
        resample : bool
            Whether audio at another rate than the model's is resampled to it and back; the output is aligned
            with the input to the sample. Parameters that move are not resampled.
        threads : int > 0
            How many cores may work; by default, all. The samples are the same. Channels run side by side, and
            a long signal of a feed-forward model without moving parameters is split; a recurrent model's is
            not, but on one core, two channels of it take less time together than one after the other.

        Returns
        -------
        wet : Audio [shape of ``audio`` ]
            The wet signal, at ``sample_rate``.

        Raises
        ------
        ValueError
            If ``audio`` or ``parameters`` has another shape, or ``parameters`` something that is not finite;
            if ``sample_rate`` or ``threads`` is not positive; if ``sample_rate`` is not the model's, and
            ``resample`` is false or parameters move.
        TypeError
            If ``audio`` is not of a floating-point type, or ``parameters`` is not of numbers.
        RuntimeError
            If another thread is running this model.
        """
        if threads is not None and threads < 1:
            msg = f"threads={threads!r} is not a positive number"
            raise ValueError(msg)
        planar, settings = self._checked(audio, sample_rate, parameters)
        wet = self._native.render(
            planar, sample_rate, parameters=settings, resample=resample, threads=threads
        )
        return wet.reshape(np.shape(audio))

    def process(
        self,
        audio: npt.ArrayLike,
        sample_rate: float,
        *,
        parameters: npt.ArrayLike | None = None,
        reset: bool = True,
        resample: bool = True,
    ) -> Audio:
        """Run audio through the model, on one core, and remember it.

        Parameters
        ----------
        audio : array of float [shape=(frames,) or (channels, frames)]
            The dry signal, as :meth:`__call__` takes it.
        sample_rate : float > 0
            The rate of ``audio``, in Hz. A model without a rate of its own takes any.
        parameters : array of numbers [shape=(parameters,) or (parameters, frames)]
            As in :meth:`__call__`, for this block alone.
        reset : bool
            Whether to start afresh. Otherwise the stream of the calls before goes on: blocks of any length
            give the samples that one call would have given.
        resample : bool
            Whether audio at another rate than the model's is rendered as a whole signal. A stream is not
            resampled.

        Returns
        -------
        wet : Audio [shape of ``audio`` ]
            The wet signal, at ``sample_rate``.

        Raises
        ------
        ValueError
            If ``audio`` or ``parameters`` has another shape, or ``parameters`` something that is not finite;
            if ``audio`` has another number of channels than the stream that it continues; if ``sample_rate``
            is not positive, or not the model's where ``resample`` or ``reset`` is false or parameters move.
        TypeError
            If ``audio`` is not of a floating-point type, or ``parameters`` is not of numbers.
        RuntimeError
            If another thread is running this model.
        """
        if reset and resample and self.sample_rate not in (None, sample_rate):
            return self(audio, sample_rate, parameters=parameters, threads=1)
        planar, settings = self._checked(audio, sample_rate, parameters)
        wet = self._native.process(planar, sample_rate, parameters=settings, reset=reset)
        return wet.reshape(np.shape(audio))

    def stream(
        self,
        blocks: Iterable[npt.ArrayLike],
        sample_rate: float,
        *,
        parameters: npt.ArrayLike | None = None,
    ) -> Iterator[Audio]:
        """Render a signal that is too long to be held, as its blocks come, on one core.

        All that comes out is what :meth:`__call__` gives for all blocks together, bit for bit. It comes in
        other pieces: a delay of the model's, and of resampling, is taken back. The model itself hears nothing
        of it, so that several threads can stream through one model.

        Parameters
        ----------
        blocks : iterable of array of float [shape=(frames,) or (channels, frames)]
            The dry signal, in pieces of any length.
        sample_rate : float > 0
            Its rate, in Hz.
        parameters : array of numbers [shape=(parameters,)]
            As in :meth:`__call__`, for all of the signal.

        Yields
        ------
        wet : Audio [shape=(frames,) or (channels, frames)]
            The next piece of the wet signal, none of which is empty.

        Raises
        ------
        ValueError, TypeError
            As in :meth:`__call__`; also if the blocks differ in their channels.

        Examples
        --------
        >>> import neural_distortion as nd
        >>> model = nd.load(nd.example_model("overdrive"))
        >>> sum(wet.size for wet in model.stream([np.zeros(480)] * 100, 44_100))
        48000
        """
        if parameters is not None:
            settings = as_settings(parameters, len(self.parameters), 1)
        else:
            settings = None
        flat = False
        taken = given = 0

        def pieces() -> Iterator[Audio]:
            nonlocal flat, taken
            for block in blocks:
                planar, _ = self._checked(block, sample_rate, None)
                flat = np.ndim(block) == 1
                taken += planar.shape[1]
                yield planar

        native = self._native.fresh()
        rate = native.sample_rate or sample_rate
        if rate == sample_rate:
            wet = _aligned(native, pieces(), rate, settings)
        else:
            wet = _resampled(native, pieces(), sample_rate, settings)
        for piece in wet:
            part = piece[:, : taken - given]  # behind the end is what silence gives
            given += part.shape[1]
            if part.size:
                yield part[0] if flat else part

    def _checked(
        self, audio: npt.ArrayLike, sample_rate: float, parameters: npt.ArrayLike | None
    ) -> tuple[Audio, Audio | None]:
        """Return the audio as (channels, frames), and the parameters as (parameters, 1 or frames)."""
        samples = as_audio(audio)
        if not (sample_rate > 0 and math.isfinite(sample_rate)):
            msg = f"sample_rate={sample_rate!r} is not a positive number of Hz"
            raise ValueError(msg)
        planar = samples[np.newaxis] if samples.ndim == 1 else samples
        if parameters is None:
            return planar, None
        return planar, as_settings(parameters, len(self.parameters), planar.shape[1])

    def save(self, path: PathLike, *, format: Format | None = None) -> float | None:
        """Write the model as a model file, once it is sure that it plays the same, or as a program.

        A model file keeps what the one that was loaded said beside the model: its metadata, and keys of which
        nothing is known. Weights keep all their bits; a gain that has no place in the format goes into the
        weights.

        A program has one size, the :attr:`quality` that is set: an ONNX graph, a C++17 header or a Rust
        module. The graph plays block by block: what the model remembers goes in as ``state0``, … and comes
        out as ``state0_next``, …; a state that is left out is as it is at the start. Its properties have the
        sample rate and how many ``prewarm_frames`` of silence run through it before it plays. The other two
        need their standard library alone and do not allocate while they play.

        Parameters
        ----------
        path : path-like
            Where to; a file that is there already is replaced, all at once.
        format : {"nam", "rtneural", "aidax", "proteus", "mlp", "onnx", "cpp", "rust"}, optional
            As what; by default, as the suffix says: ``.nam``, ``.aidax``, ``.onnx``, ``.h``, ``.hh``,
            ``.hpp``, ``.rs``, or ``.json``, which is the format that the model was loaded from or, if that is
            ``.nam``, RTNeural's.

        Returns
        -------
        max_error : float or None
            The largest difference between the model's sound and that of the file; None for a program. Silence
            is played before, for not all formats hold the state that a recurrent model starts from.

        Raises
        ------
        ModelError
            If the format cannot express the model; `path` and `found` say what in it.
        ValueError
            If the suffix stands for no format, or `format` is none.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import neural_distortion as nd
        >>> folder = tempfile.TemporaryDirectory()
        >>> nd.load(nd.example_model("soft-clip")).save(f"{folder.name}/soft-clip.nam") < 1e-6
        True
        >>> folder.cleanup()
        """
        target = Path(path)
        kind = format or self._format(target)
        data = self._native.write(kind, target.stem)
        max_error = None if kind in _PROGRAMS else self._difference(data)
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            partial.write_bytes(data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return max_error

    def _format(self, path: Path) -> Format:
        """Return the format that the suffix of a path stands for."""
        suffix = path.suffix.lower()
        if suffix == ".json":
            own = self._native.format
            return next((known for known in get_args(Format) if known == own != "nam"), "rtneural")
        if suffix not in _SUFFIXES:
            msg = f"{path}: the ending {suffix!r} says no format: expected .json, {', '.join(_SUFFIXES)}"
            raise ValueError(msg)
        return _SUFFIXES[suffix]

    def _difference(self, data: bytes) -> float:
        """Return how far the sound of a file is from this model's at most, or refuse it."""
        mine, theirs = Model(self._native.usual()), Model(self._native.usual(data))
        rate = mine.sample_rate or theirs.sample_rate or 48_000
        frames = round(rate)
        time = np.arange(frames // 2) / rate
        noise = np.random.default_rng(0).standard_normal(time.size)
        sound = np.exp(-4 * time) * (np.sin(2 * np.pi * 110 * time) + 0.1 * noise)
        audio = np.concatenate([np.zeros(frames), sound]).astype(np.float32)
        worst = 0.0
        for size in mine.sizes:
            mine.quality = theirs.quality = size
            expected = mine(audio, rate)[frames:]
            error = float(np.abs(theirs(audio, rate)[frames:] - expected).max())
            limit = SAME * max(1.0, float(np.abs(expected).max()))
            if not error <= limit and np.isfinite(expected).all():
                message = f"the file would not play the same: it is {error:.2g} away, of at most {limit:.2g}"
                raise ModelError(message, kind="unfaithful", expected=f"{limit:.2g}", found=f"{error:.2g}")
            worst = max(worst, error)
        return worst

    def reset(self) -> None:
        """Forget all audio so far: the model is as it was when it was loaded, of the size that is set."""
        self._native.reset()

    def clone(self) -> "Model":
        """Return a model that shares the weights, and from here on has a state of its own."""
        return Model(self._native.clone())

    def __copy__(self) -> "Model":
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Model":
        return self.clone()

    @property
    def architecture(self) -> str:
        """The kind of network, such as ``"WaveNet"``, ``"LSTM"`` or ``"MLP"``."""
        return self._native.architecture

    @property
    def format(self) -> str:
        """The format of the file that the model was loaded from, such as ``"nam"``."""
        return self._native.format

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order of evaluation, those of all sizes and of models inside this one among them."""
        return tuple(Layer(*row[:4], tuple(row[4]), *row[5:]) for row in self._native.layers())

    @property
    def sample_rate(self) -> float | None:
        """The rate, in Hz, that the model wants, where the file says so.

        It is the one that it was trained at, times the ``rate_factor`` of :func:`load`.
        """
        return self._native.sample_rate

    @property
    def receptive_field(self) -> int:
        """How many input samples, the current one included, can change one output sample.

        Of a recurrent model, which never quite forgets, how many its feed-forward part sees.
        """
        return self._native.receptive_field

    @property
    def latency_samples(self) -> int:
        """By how many samples the output of a stream comes late; a whole signal is aligned."""
        return self._native.latency_samples

    @property
    def num_parameters(self) -> int:
        """The number of weights."""
        return self._native.num_parameters

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The knobs, which a call sets; most models have none."""
        return tuple(Parameter(*told) for told in self._native.parameters)

    @property
    def sizes(self) -> tuple[float, ...]:
        """The qualities from which on the model is another size, ascending from 0; one for one size."""
        return tuple(self._native.sizes)

    @property
    def quality(self) -> float:
        """The size of a model that has several, from 0 (smallest) to 1 (full, the default).

        It can be set at any time, also while the model is at work in another thread: a stream crossfades to
        the new size from its next block on, without a click. A model of one size plays the same at every
        quality.

        Raises
        ------
        ValueError
            If it is set to something that is not from 0 to 1.
        """
        return self._native.quality

    @quality.setter
    def quality(self, quality: float) -> None:
        if not 0 <= quality <= 1:
            msg = f"quality={quality!r} is not from 0 (smallest) to 1 (full)"
            raise ValueError(msg)
        self._native.quality = quality

    @property
    def anti_aliasing(self) -> str:
        """What is done against aliases: the method that :func:`load` was told, or chose."""
        return self._native.anti_aliasing

    @property
    def unstable(self) -> bool:
        """Whether something that is no number came out, in the last call or in the stream since it began.

        Such a model, or one that hears far more than full scale, is silent for up to 128 samples and starts
        afresh behind them: what :meth:`__call__` and :meth:`process` return are always numbers.
        """
        return self._native.unstable

    @property
    def self_test(self) -> SelfTest | None:
        """How the model does on the recording that its file brings; None where it brings none."""
        told = self._native.self_test
        return None if told is None else SelfTest(*told)

    @property
    def instruction_set(self) -> str:
        """The instructions that the model was compiled for: one of :func:`instruction_sets`."""
        return self._native.instruction_set

    @property
    def metadata(self) -> Metadata:
        """What the file says about the model."""
        return self._metadata

    def __repr__(self) -> str:
        name = f"{self.metadata.name!r}, " if self.metadata.name else ""
        rate = f"{self.sample_rate:g} Hz" if self.sample_rate else "any sample rate"
        return f"<Model {name}{self.architecture}, {self.num_parameters} weights, {rate}>"


def load(
    source: PathLike | bytes,
    *,
    prewarm: bool = True,
    compat: Iterable[str] = (),
    math: Literal["exact", "fast"] = "exact",
    instruction_set: str | None = None,
    rate_factor: int = 1,
    anti_aliasing: str = "off",
) -> Model:
    """Load a model; its format is found from its content, never from the name of the file.

    Parameters
    ----------
    source : path-like or bytes
        A model file, or what is in one.
    prewarm : bool
        Whether silence runs through the model first, as players do, so that it does not start with a thump.
        Without it, a recurrent model starts from the state that the file gives.
    compat : iterable of str
        Readings of a ``.nam`` file that other programs have, or had: ``"reverse_linear_taps"`` (the first
        weight of a linear model is the oldest sample's, as its trainer once wrote them),
        ``"legacy_layer1x1_post_film"`` (it is applied in blended layers only, as players once did) and
        ``"residual_without_layer1x1"`` (a layer without its 1x1 convolution adds its activations to its
        input, as the trainer does).
    math : "exact" or "fast"
        How exact tanh and the sigmoid are: to 5e-7, or as the rational approximations of NAM's player, with
        4e-4; a network without memory becomes a table instead, with 1e-6.
    instruction_set : str
        One of :func:`instruction_sets`; by default, the fastest.
    rate_factor : int from 1 to 16
        How many times the rate that it was trained at the model is to be fed at: all its delays become that
        many times as long, so that a model of 48 kHz plays at 96 kHz, say, without resampling.
    anti_aliasing : str
        What to do against aliases. ``"off"`` is the model as it was trained; ``"eco"``, ``"standard"`` and
        ``"best"`` choose a method that suits the network and costs little, about twice as much, or several
        times as much. The methods: ``"2x"`` to ``"16x"`` run the network at that many times its rate, with
        delays as much longer, between filters of linear phase; ``"minimum-2x"`` to ``"minimum-16x"`` have
        filters of minimum phase, with a latency of a few samples; ``"plain-2x"`` to ``"plain-16x"`` leave the
        delays as they are, in samples, for comparison; ``"adaa1"`` and ``"adaa2"``, for networks without
        memory alone, are antiderivative anti-aliasing of the first and second order.

    Raises
    ------
    ModelError
        If the model cannot be used; the message says what is wrong and where.
    ValueError
        If an option has another value than these (a ModelError where the network cannot have it), or this
        processor lacks the instruction set.
    OSError
        If the file cannot be read, for example a FileNotFoundError.

    Examples
    --------
    >>> import neural_distortion as nd
    >>> nd.load(nd.example_model("overdrive")).architecture
    'LSTM'
    """
    if isinstance(source, bytes):
        data, file = source, None
    else:
        path = Path(source)
        data, file = path.read_bytes(), str(path)
    native = _native.Model(
        data,
        file=file,
        prewarm=prewarm,
        compat=list(compat),
        math=math,
        instruction_set=instruction_set,
        rate_factor=rate_factor,
        anti_aliasing=anti_aliasing,
    )
    return Model(native)


def instruction_sets() -> tuple[str, ...]:
    """Return what models can be compiled for on this processor, the fastest first.

    It is some of ``"avx512"``, ``"avx2"``, ``"neon"`` and ``"baseline"``.
    """
    return tuple(_native.instruction_sets())


def example_model(name: str) -> Path:
    """Return the path of a model that comes with the package.

    Parameters
    ----------
    name : str
        ``"overdrive"``, ``"distortion"`` or ``"fuzz"``, each with a knob; the same with ``-light`` behind it,
        which takes less time; or ``"soft-clip"``, a curve without memory.
    """
    return example(name, [*_MODELS.glob("*.nam"), *_MODELS.glob("*.json")])


def example(name: str, paths: Iterable[Path]) -> Path:
    """Return the one of ``paths`` that is called ``name``, whatever its suffix."""
    examples = {path.stem: path for path in paths}
    if name not in examples:
        msg = f"no example is called {name!r}: there is {', '.join(sorted(examples))}"
        raise ValueError(msg)
    return examples[name]


def _aligned(
    native: _native.Model, pieces: Iterable[Audio], rate: float, settings: Audio | None
) -> Iterator[Audio]:
    """Yield what a model makes of pieces at its rate, without its delay."""
    late = native.latency_samples
    channels = 0
    for piece in pieces:
        channels = piece.shape[0]
        wet = native.process(piece, rate, parameters=settings, reset=False)
        dropped = min(late, wet.shape[1])
        late -= dropped
        yield wet[:, dropped:]
    if channels:
        silence = np.zeros((channels, native.latency_samples), dtype=np.float32)
        yield native.process(silence, rate, parameters=settings, reset=False)[:, late:]


def _resampled(
    native: _native.Model, pieces: Iterable[Audio], sample_rate: float, settings: Audio | None
) -> Iterator[Audio]:
    """Yield what a model makes of pieces at another rate than its own, from silence into silence."""
    rate = native.sample_rate or sample_rate
    pieces = iter(pieces)
    first = next(pieces, None)
    if first is None:
        return
    channels = first.shape[0]
    there = _native.Resampler(sample_rate, rate, channels=channels)
    back = _native.Resampler(rate, sample_rate, channels=channels)
    nothing = np.zeros((channels, 0), dtype=np.float32)
    silence = np.zeros((channels, there.reach), dtype=np.float32)

    def resampled() -> Iterator[Audio]:
        for piece in chain([silence, first], pieces):
            yield there.process(piece, last=False)
        yield there.process(silence, last=True)

    early = there.reach
    for wet in _aligned(native, resampled(), rate, settings):
        piece = back.process(np.ascontiguousarray(wet), last=False)
        dropped = min(early, piece.shape[1])
        early -= dropped
        yield piece[:, dropped:]
    yield back.process(nothing, last=True)[:, early:]


def as_audio(audio: npt.ArrayLike) -> Audio:
    """Return ``audio`` as contiguous float32, or say what is wrong with it."""
    array = np.asarray(audio)
    if not np.issubdtype(array.dtype, np.floating):
        msg = f"audio of type {array.dtype}: expected floating-point samples, full scale at ±1"
        raise TypeError(msg)
    if array.ndim not in (1, 2) or (array.ndim == 2 and not 1 <= array.shape[0] <= MAX_CHANNELS):
        hint = ""
        if array.ndim == 2 and 1 <= array.shape[1] <= MAX_CHANNELS:
            hint = f": pass audio.T for {array.shape[1]} channel(s) of {array.shape[0]} frames"
        msg = (
            f"audio of shape {array.shape}: "
            f"expected (frames,) or (channels, frames) with 1 to {MAX_CHANNELS} channels{hint}"
        )
        raise ValueError(msg)
    return np.ascontiguousarray(array, dtype=np.float32)


def as_settings(parameters: npt.ArrayLike, count: int, frames: int) -> Audio | None:
    """Return settings of shape (count, 1 or frames), None for none, or say what is wrong with them."""
    array = np.asarray(parameters)
    if not np.issubdtype(array.dtype, np.floating) and not np.issubdtype(array.dtype, np.integer):
        msg = f"parameters of type {array.dtype}: expected numbers"
        raise TypeError(msg)
    if array.shape not in ((count,), (count, frames)):
        msg = f"parameters of shape {array.shape}: expected ({count},) or ({count}, {frames})"
        raise ValueError(msg)
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        settings = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(settings).all():
        msg = "parameters that are not finite"
        raise ValueError(msg)
    return settings.reshape(count, -1) if settings.size else None
