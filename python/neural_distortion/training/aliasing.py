"""Teaching a model to alias less."""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neural_distortion import io
from neural_distortion._extra import needs
from neural_distortion._typing import Audio, PathLike
from neural_distortion.analysis import Aliasing, aliasing, esr
from neural_distortion.analysis.probe import SHORT_FRAMES, amplitude, bin_of, settle_frames, tones
from neural_distortion.model import Format, Model, ModelError, load
from neural_distortion.training.architecture import Description
from neural_distortion.training.capture import capture_signal
from neural_distortion.training.perceptron import Perceptron
from neural_distortion.training.perceptron_fit import Epoch
from neural_distortion.training.plan import Effort, plan
from neural_distortion.training.proof import Fit, to_bytes
from neural_distortion.training.take import Takes
from neural_distortion.training.trainer import Outlook, tune

if TYPE_CHECKING:
    from neural_distortion.training.network import Network

_PERIODS = 3
"""Of `SHORT_FRAMES` in each take: one more than are trained on, to judge by."""

_LOWEST_HZ = 100.0
_HIGHEST = 0.3
"""Of the sample rate: above that, a tone has no harmonic."""

_LEVELS_DB = (-24.0, 0.0)
"""Between them are the peaks of tones and passages."""

_MEASURED_DB = -6.0
"""Peak of the tones whose aliases are measured."""

_LEARNING_RATE = 5e-4
_PRE_EMPHASIS = 0.85

_EXACT = 1e-4
"""How far PyTorch's network may be from the engine before anything is trained, over its peak."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AliasReduction:
    """A model that was taught to alias less, and what that did to it.

    Attributes
    ----------
    fit : Fit
        The model, to be saved. Its errors are on a mix of tones and music, against what the model was to be.
    before, after : Aliasing
        The aliases of the model and of what became of it, at -6 dBFS, each knob in its middle.
    esr_before, esr_after : float
        The error-to-signal ratio of both on a guitar that nothing was learned from, against the model at
        eight times its rate, where it hardly aliases.
    esr : float
        That of the second against the first: how much of the sound changed.
    """

    fit: Fit
    before: Aliasing
    after: Aliasing
    esr_before: float
    esr_after: float
    esr: float

    @property
    def gain_db(self) -> NDArray[np.floating[Any]]:
        """By how much less it aliases, for each tone of `before`, in dB."""
        return np.asarray(self.before.asr_db - self.after.asr_db)


def reduce_aliasing(
    model: Model | PathLike,
    *,
    effort: Effort = "quick",
    steps: int | None = None,
    learning_rate: float = _LEARNING_RATE,
    batch: int | None = None,
    segment: int | None = None,
    spectral: float | None = None,
    num_tones: int = 192,
    num_passages: int = 64,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    on_start: Callable[[Outlook], None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> AliasReduction:
    """Train a copy of a model to sound like the model without its aliases.

    Follows Carson, Wright and Bilbao, "Anti-aliasing of neural distortion effects via model fine tuning"
    (arXiv 2505.11375): the copy learns what the model makes of sines, of which the bins between the harmonics
    are taken away. Beside them it learns what the model makes of passages of music, so that the sound stays.
    The copy costs no more to play than the model.

    Parameters
    ----------
    model : Model or path-like
        A perceptron, an LSTM, a GRU, a WaveNet or a ConvNet, in any format.
    effort : {"quick", "normal", "thorough"}
        How long to train.
    steps, batch, segment, spectral
        As in :func:`fit`.
    learning_rate : float [range=(0, 1]]
        Of Adam at its highest.
    num_tones : int >= 1
        How many sines, at random frequencies, levels and settings of the knobs.
    num_passages : int >= 0
        How many passages of the capture signal, at random levels and settings.
    seed : int >= 0
        Seed of the sines and of the passages.
    device, threads, metadata, on_start, on_step, on_epoch
        As in :func:`fit`. What the model's file says stays, but for the error of its training.

    Raises
    ------
    ModelError
        If it is no such network, or has gates, groups or other parts that are not trained here.
    ValueError
        If the model is silent, or an option is out of range.
    OSError
        If the file cannot be read.
    MissingExtra
        If PyTorch is not installed.
    """
    torch = needs("torch", "train", "the training against aliases")
    from neural_distortion.training.loss import Loss
    from neural_distortion.training.network import Mlp, Recurrent

    if num_tones < 1 or num_passages < 0:
        msg = f"expected 1 tone or more and no fewer than 0 passages, got {num_tones} and {num_passages}"
        raise ValueError(msg)
    before = model if isinstance(model, Model) else load(model)
    file = _file(before)
    teacher, clean = (load(file, anti_aliasing=method) for method in ("off", "8x"))
    network = _network(before, file)
    torch.manual_seed(seed)
    takes = _lessons(teacher, num_tones, num_passages, np.random.default_rng(seed))
    network.to(torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))
    first, last = takes.learned
    wanted = plan(
        recurrent=isinstance(network, Recurrent),
        frames=last - first,
        effort=effort,
        steps=steps,
        learning_rate=learning_rate,
        batch=batch,
        segment=segment,
        spectral=spectral,
    )
    loss = Loss(
        torch.from_numpy(takes.wet[:, first:last]), pre_emphasis=_PRE_EMPHASIS, spectral=wanted.spectral
    )
    fit = tune(
        network,
        takes,
        wanted,
        loss,
        arch=before.architecture,
        key="",
        seed=seed,
        threads=threads,
        checkpoint=None,
        metadata={**before.metadata.raw, **(metadata or {})},
        on_start=on_start,
        on_step=on_step,
        on_epoch=on_epoch,
    )
    if isinstance(network, Mlp):
        fit = dataclasses.replace(fit, perceptron=network.perceptron())
    after = fit.model
    guitar, rate = io.read(io.example_audio("guitar"))
    played, learned, ideal = (one(guitar, rate) for one in (teacher, after, clean))
    found = AliasReduction(
        fit=fit,
        before=aliasing(teacher, level_db=_MEASURED_DB, sample_rate=takes.sample_rate),
        after=aliasing(after, level_db=_MEASURED_DB, sample_rate=takes.sample_rate),
        esr_before=esr(ideal, played),
        esr_after=esr(ideal, learned),
        esr=esr(played, learned),
    )
    return dataclasses.replace(found, fit=dataclasses.replace(fit, file=_told(before, found)))


def _file(model: Model) -> bytes:
    """Return a model in the form that the networks here are written in."""
    formats: tuple[Format, ...] = ("rtneural",) if model.architecture == "MLP" else ("nam", "aidax")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        for last, format in enumerate(formats, start=1):
            try:
                model.save(path, format=format)
                break
            except ModelError:
                if last == len(formats):
                    raise
        return path.read_bytes()


def _network(model: Model, file: bytes) -> "Network":
    """Return the network of a file in PyTorch, once it is sure that it is the same."""
    from neural_distortion.training.network import Mlp, Network, restore

    network: Network
    if model.architecture == "MLP":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            path.write_bytes(file)
            network = Mlp(Perceptron.read(path))
    else:
        network = restore(json.loads(file))
    guitar, rate = io.read(io.example_audio("guitar"))
    guitar = guitar[:rate]
    expected, found = (one(guitar, rate) for one in (load(file), load(to_bytes(network.describe()))))
    difference = float(np.abs(expected - found).max())
    if not difference <= _EXACT * max(1.0, float(np.abs(expected).max())):
        message = f"not a network that can be trained: it is {difference:.2g} away in PyTorch"
        raise ModelError(message, kind="unsupported_feature")
    return network


def _lessons(teacher: Model, num_tones: int, num_passages: int, rng: np.random.Generator) -> Takes:
    """Return what the copy learns: tones and passages at random levels and settings of the knobs."""
    rate = round(teacher.sample_rate or 48_000)
    lead, frames = settle_frames(teacher, rate), SHORT_FRAMES
    length = lead + _PERIODS * frames
    knobs = len(teacher.parameters)
    inputs, outputs, settings = [], [], []
    music = _passages(rate, length) if num_passages else ()
    for number in range(num_tones + num_passages):
        setting = rng.random(knobs).astype(np.float32)
        peak = amplitude(rng.uniform(*_LEVELS_DB))
        if number < num_tones:
            hertz = _LOWEST_HZ * (_HIGHEST * rate / _LOWEST_HZ) ** rng.random()
            tone = bin_of(hertz, rate, frames)
            dry = tones([tone], [peak], frames, lead=lead, tail=length - lead - frames)
        else:
            tone = 0
            passage = music[rng.integers(len(music))]
            dry = passage * (peak / np.abs(passage).max())
        dry = dry.astype(np.float32)
        wet = teacher(dry, rate, parameters=setting if knobs else None)
        if tone:
            wet[lead:] = np.tile(_harmonics(wet[lead : lead + frames], tone), _PERIODS)
        if wet[-frames:].any():  # a gate may be shut
            inputs.append(dry)
            outputs.append(wet)
            settings.append(setting)
    if not inputs:
        msg = "the model is silent: there is nothing to learn from it"
        raise ValueError(msg)
    return Takes(
        dry=np.stack(inputs),
        wet=np.stack(outputs),
        knobs=tuple(knob.name for knob in teacher.parameters),
        settings=np.stack(settings),
        sample_rate=rate,
        learned=(lead, length - frames),
        judged=(length - frames, length),
    )


def _passages(rate: int, length: int) -> list[Audio]:
    """Return what of the capture signal is for training, in pieces."""
    signal = capture_signal(rate)
    spans = (
        (round(section.start_s * rate), round(section.end_s * rate))
        for section in signal.sections
        if section.use == "training"
    )
    starts = (start for first, last in spans for start in range(first, last - length, length))
    return [signal.audio[start : start + length] for start in starts]


def _harmonics(wet: Audio, tone: int) -> Audio:
    """Return a period without what lies between the harmonics of a tone; the mean stays."""
    spectrum = np.fft.rfft(wet)
    kept = np.zeros_like(spectrum)
    kept[::tone] = spectrum[::tone]
    return np.fft.irfft(kept, len(wet)).astype(np.float32)


def _told(model: Model, found: AliasReduction) -> Description:
    """Return the file of what was found, which says so, and no longer what was true of the model."""
    file = dict(found.fit.file)
    if model.architecture == "MLP" and model.sample_rate is None:  # without a memory, it suits any
        del file["sample_rate"]
    metadata = {key: value for key, value in file["metadata"].items() if key != "esr"}
    training = {
        key: value for key, value in metadata["training"].items() if not key.startswith("validation_esr")
    }
    training["alias_reduction"] = {
        "asr_db_before": float(found.before.asr_db.max()),
        "asr_db_after": float(found.after.asr_db.max()),
        "esr": found.esr,
    }
    return {**file, "metadata": {**metadata, "training": training}}
