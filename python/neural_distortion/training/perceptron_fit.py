"""Fitting a perceptron to a dry and a wet recording."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neural_distortion._typing import Audio, PathLike
from neural_distortion.analysis import esr
from neural_distortion.model import as_audio
from neural_distortion.training.dialect import export
from neural_distortion.training.perceptron import Dense, Perceptron

_Float = TypeVar("_Float", np.float32, np.float64)
_Array: TypeAlias = NDArray[_Float]
_Layers: TypeAlias = list[tuple[_Array[_Float], _Array[_Float]]]

_BATCH = 2048
_BATCHES_PER_EPOCH = 200
_POLISH_FRAMES = 8192
_POLISH_PARAMETERS = 128  # a step solves a dense system of so many equations
_HELD_OUT_BLOCK_S = 0.05
_HELD_OUT_EVERY = 10


@dataclass(frozen=True)
class Epoch:
    """What is known after one epoch of Adam, or one step of the polish."""

    stage: Literal["adam", "polish"]
    """Which optimiser made it."""
    number: int
    """Counted from 1, through both stages."""
    total: int
    """How many there will be, unless a stage stops early."""
    loss: float
    """Mean squared error on the training part, over the variance of the wet recording."""
    esr: float
    """Error-to-signal ratio on the held-out part."""
    best_esr: float
    """The lowest so far."""


@dataclass(frozen=True)
class PerceptronFit:
    """A fitted perceptron and how it came about."""

    perceptron: Perceptron
    """The one with the lowest error on the held-out part."""
    esr: float
    """Its error-to-signal ratio there: 0 is perfect, 1 is silence."""
    history: tuple[Epoch, ...]
    """Every epoch, in order."""
    interrupted: bool
    """Whether Ctrl-C ended the training."""

    def save(self, path: PathLike) -> None:
        """Write the perceptron as a model file that `neural_distortion.load` reads.

        Parameters
        ----------
        path : path-like
            Where to; the flat JSON for one hidden layer, RTNeural's JSON for any other number.
        """
        export(self.perceptron, path, to="mlp" if len(self.perceptron.hidden) == 1 else "rtneural")


def fit_perceptron(
    dry: ArrayLike,
    wet: ArrayLike,
    sample_rate: float,
    *,
    hidden: Sequence[int] = (16,),
    epochs: int = 20,
    polish: int = 60,
    learning_rate: float = 0.02,
    noise: float = 1e-3,
    patience: int = 20,
    seed: int = 0,
    until: Callable[[Epoch], bool] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> PerceptronFit:
    """Fit a perceptron to a dry and a wet recording of the same length.

    Adam (Kingma and Ba, 2015) with a cosine learning rate finds the neighbourhood of the minimum; the steps
    of Levenberg and Marquardt that follow (the polish) go down to it where the network is small enough to
    solve for. A tenth of the recording, 50 ms out of every 500 ms, is held out, and the perceptron with the
    lowest error-to-signal ratio there is the one kept. The same arguments give the same perceptron on the
    same machine.

    A perceptron has no memory: it can follow gear whose output depends on the present sample alone. On
    anything else it finds the curve that comes closest.

    Parameters
    ----------
    dry, wet : array of float [shape=(frames,) or (channels, frames)]
        What went into the gear and what came out, aligned to the sample, at any level.
    sample_rate : float > 0
        Frames per second of both.
    hidden : sequence of int > 0
        Widths of the hidden layers, from the input.
    epochs : int >= 1
        Most epochs of Adam, each of 200 batches of 2048 samples drawn at random from all channels.
    polish : int >= 0
        Most steps of the polish; networks of more than 128 parameters are left as Adam made them.
    learning_rate : float [range=(0, 1]]
        Of Adam, at the start.
    noise : float [range=[0, 1]]
        Standard deviation, over the peak of `dry`, of the noise added to each batch of it. It is faded out
        with the learning rate.
    patience : int >= 1
        A stage ends after this many epochs without a lower error on the held-out part.
    seed : int >= 0
        Seed of the first weights, the batches and the noise.
    until : callable, optional
        Called with each epoch: where it returns true, that was the last.
    on_epoch : callable, optional
        Called after each epoch.

    Returns
    -------
    PerceptronFit
        The best perceptron. Ctrl-C ends the training early and returns the best so far.

    Raises
    ------
    ValueError
        If the recordings differ in shape, are too short, silent, or not finite, or an option is out of range.

    Examples
    --------
    >>> dry = np.linspace(-1, 1, 4410, dtype=np.float32)
    >>> fit = fit_perceptron(dry, np.tanh(3 * dry), 44_100, hidden=(4,))
    >>> fit.esr < 1e-4
    True
    """
    _check_options(hidden, epochs, polish, learning_rate, noise, patience)
    dry, wet = as_audio(dry), as_audio(wet)
    _check_recordings(dry, wet, sample_rate)
    dry, wet = dry.reshape(-1), wet.reshape(-1)
    held_out = _held_out(len(dry), sample_rate)
    if not wet[held_out].any() or not np.ptp(wet[~held_out]):
        msg = "the wet recording is silent almost everywhere: it leaves too little to train on"
        raise ValueError(msg)

    scale = _Scale(float(np.max(np.abs(dry))), float(np.mean(wet)), float(np.std(wet)))
    x = (dry[~held_out, np.newaxis] / scale.dry_peak).astype(np.float32)
    y = ((wet[~held_out, np.newaxis] - scale.wet_mean) / scale.wet_deviation).astype(np.float32)
    rng = np.random.default_rng(seed)
    widths = (1, *hidden, 1)
    best_theta = _initial(widths, rng)
    if best_theta.size > _POLISH_PARAMETERS:
        polish = 0
    best, best_esr = scale.fold(_layers(best_theta, widths)), np.inf
    history: list[Epoch] = []
    interrupted = False
    try:
        for stage in ("adam", "polish"):
            start = best_theta
            steps = (
                _adam(start, widths, x, y, epochs, learning_rate, noise, rng)
                if stage == "adam"
                else _levenberg_marquardt(start, widths, x, y, polish, rng)
            )
            stale = 0
            for theta, loss in steps:
                candidate = scale.fold(_layers(theta, widths))
                candidate_esr = esr(wet[held_out], candidate(dry[held_out]))
                stale += 1
                if candidate_esr < best_esr:
                    best, best_esr, best_theta, stale = candidate, candidate_esr, theta, 0
                epoch = Epoch(stage, len(history) + 1, epochs + polish, loss, candidate_esr, best_esr)
                history.append(epoch)
                if on_epoch is not None:
                    on_epoch(epoch)
                if until is not None and until(epoch):
                    return PerceptronFit(best, best_esr, tuple(history), interrupted=False)
                if stale == patience:
                    break
    except KeyboardInterrupt:
        if not history:
            raise
        interrupted = True
    return PerceptronFit(best, best_esr, tuple(history), interrupted)


@dataclass(frozen=True)
class _Scale:
    """How the recordings are brought to the level at which the network trains."""

    dry_peak: float
    wet_mean: float
    wet_deviation: float

    def fold(self, layers: _Layers[np.float64]) -> Perceptron:
        """Return the network with the scaling in its first and last weights."""
        folded = [(weight.copy(), bias.copy()) for weight, bias in layers]
        folded[0][0][:] /= self.dry_peak
        folded[-1][0][:] *= self.wet_deviation
        folded[-1][1][:] = folded[-1][1] * self.wet_deviation + self.wet_mean
        return Perceptron(tuple(Dense(w.astype(np.float32), b.astype(np.float32)) for w, b in folded))


def _check_options(
    hidden: Sequence[int], epochs: int, polish: int, learning_rate: float, noise: float, patience: int
) -> None:
    """Raise a ValueError for an option that is out of range."""
    if not hidden or min(hidden) < 1:
        msg = f"expected one or more hidden layers, each at least 1 wide, got {tuple(hidden)}"
        raise ValueError(msg)
    for name, value, least in (("epochs", epochs, 1), ("polish", polish, 0), ("patience", patience, 1)):
        if value < least:
            msg = f"expected {name} to be {least} or more, got {value}"
            raise ValueError(msg)
    if not 0 < learning_rate <= 1:
        msg = f"expected a learning rate above 0 and up to 1, got {learning_rate}"
        raise ValueError(msg)
    if not 0 <= noise <= 1:
        msg = f"expected a noise level of 0 to 1, got {noise}"
        raise ValueError(msg)


def _check_recordings(dry: Audio, wet: Audio, sample_rate: float) -> None:
    """Raise a ValueError for recordings that nothing can be learned from."""
    if not sample_rate > 0:
        msg = f"expected a sample rate above 0, got {sample_rate}"
        raise ValueError(msg)
    if dry.shape != wet.shape:
        msg = f"the dry and the wet recording differ in shape: {dry.shape} and {wet.shape}"
        raise ValueError(msg)
    if dry.size < 2 * _HELD_OUT_EVERY:
        msg = f"the recordings are too short: {dry.size} samples"
        raise ValueError(msg)
    for name, audio in (("dry", dry), ("wet", wet)):
        if not np.isfinite(audio).all():
            msg = f"the {name} recording has samples that are not finite"
            raise ValueError(msg)
        if not np.ptp(audio):
            msg = f"the {name} recording is silent: every sample is {audio.flat[0]:g}"
            raise ValueError(msg)


def _held_out(frames: int, sample_rate: float) -> NDArray[np.bool_]:
    """Return which frames are held out: one block in ten, so that both parts have every level."""
    block = max(1, min(round(_HELD_OUT_BLOCK_S * sample_rate), frames // _HELD_OUT_EVERY))
    chosen: NDArray[np.bool_] = np.arange(frames) // block % _HELD_OUT_EVERY == _HELD_OUT_EVERY // 2
    return chosen


def _initial(widths: Sequence[int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return first parameters after Nguyen and Widrow (1990): each unit bends elsewhere in -1..1."""
    parameters = []
    for inputs, outputs in itertools.pairwise(widths):
        reach = 0.7 * outputs ** (1 / inputs)
        # Of one input, a random sign would let two units bend in the same place and none in another.
        weight = rng.standard_normal((outputs, inputs)) if inputs > 1 else np.ones((outputs, 1))
        weight *= reach / np.linalg.norm(weight, axis=1, keepdims=True)
        parameters += [weight.ravel(), np.linspace(-reach, reach, outputs) if outputs > 1 else np.zeros(1)]
    return np.concatenate(parameters)


def _layers(theta: _Array[_Float], widths: Sequence[int]) -> _Layers[_Float]:
    """Return the weights and biases of each layer as views into all parameters."""
    layers: _Layers[_Float] = []
    offset = 0
    for inputs, outputs in itertools.pairwise(widths):
        end = offset + inputs * outputs
        layers.append((theta[offset:end].reshape(outputs, inputs), theta[end : end + outputs]))
        offset = end + outputs
    return layers


def _forward(layers: _Layers[_Float], x: _Array[_Float]) -> list[_Array[_Float]]:
    """Return the input of each layer and, last, the output of the network; all of shape (frames, width)."""
    signals = [x]
    for number, (weight, bias) in enumerate(layers, start=1):
        z = signals[-1] @ weight.T + bias
        signals.append(np.tanh(z) if number < len(layers) else z)
    return signals


def _deltas(
    layers: _Layers[_Float], signals: list[_Array[_Float]], delta: _Array[_Float]
) -> list[_Array[_Float]]:
    """Return the derivative with respect to each layer's sum, given that with respect to the output."""
    deltas = [delta]
    for (weight, _), signal in zip(layers[:0:-1], signals[-2:0:-1], strict=True):
        deltas.append((deltas[-1] @ weight) * (1 - np.square(signal)))
    return deltas[::-1]


def _adam(
    start: NDArray[np.float64],
    widths: Sequence[int],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    epochs: int,
    learning_rate: float,
    noise: float,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the parameters and the mean loss after each epoch."""
    theta = start.astype(np.float32)
    layers = _layers(theta, widths)
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    step = 0
    for _ in range(epochs):
        losses = []
        for _ in range(_BATCHES_PER_EPOCH):
            fade = 0.5 + 0.5 * np.cos(np.pi * step / (epochs * _BATCHES_PER_EPOCH))
            chosen = rng.integers(len(x), size=_BATCH)
            jitter = np.float32(noise * fade) * rng.standard_normal((_BATCH, 1), dtype=np.float32)
            signals = _forward(layers, x[chosen] + jitter)
            error = signals[-1] - y[chosen]
            losses.append(float(np.mean(np.square(error))))
            deltas = _deltas(layers, signals, error * np.float32(2 / _BATCH))
            gradient = np.concatenate(
                [
                    part
                    for d, a in zip(deltas, signals[:-1], strict=True)
                    for part in ((d.T @ a).ravel(), d.sum(axis=0))
                ]
            )
            step += 1
            mean += np.float32(0.1) * (gradient - mean)
            square += np.float32(0.001) * (np.square(gradient) - square)
            rate = np.float32(learning_rate * fade / (1 - 0.9**step))
            theta -= rate * mean / (np.sqrt(square / np.float32(1 - 0.999**step)) + np.float32(1e-8))
        yield theta.astype(np.float64), float(np.mean(losses))


def _levenberg_marquardt(
    start: NDArray[np.float64],
    widths: Sequence[int],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    steps: int,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the parameters and the loss after each step, as long as there is a way down."""
    chosen = rng.choice(len(x), size=min(_POLISH_FRAMES, len(x)), replace=False)
    some_x, some_y = x[chosen].astype(np.float64), y[chosen].astype(np.float64)
    theta, damping = start, 1e-3
    signals = _forward(_layers(theta, widths), some_x)
    loss = float(np.mean(np.square(signals[-1] - some_y)))
    for _ in range(steps):
        deltas = _deltas(_layers(theta, widths), signals, np.ones_like(some_y))
        jacobian = np.concatenate(
            [
                part
                for d, a in zip(deltas, signals[:-1], strict=True)
                for part in ((d[:, :, np.newaxis] * a[:, np.newaxis, :]).reshape(len(a), -1), d)
            ],
            axis=1,
        )
        curvature = jacobian.T @ jacobian / len(some_x)
        slope = jacobian.T @ (signals[-1] - some_y)[:, 0] / len(some_x)
        while True:
            trial = theta - np.linalg.solve(curvature + damping * np.eye(len(theta)), slope)
            signals = _forward(_layers(trial, widths), some_x)
            trial_loss = float(np.mean(np.square(signals[-1] - some_y)))
            if trial_loss < loss:
                break
            damping *= 4
            if damping > 1e6:
                return
        theta, loss, damping = trial, trial_loss, max(damping / 5, 1e-12)
        yield theta, loss
