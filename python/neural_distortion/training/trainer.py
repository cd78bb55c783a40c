"""Fitting any architecture to recordings."""

import hashlib
import io
import itertools
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_distortion import __version__
from neural_distortion._extra import needs
from neural_distortion._typing import Audio, PathLike
from neural_distortion.training.architecture import ArchitectureName, describe
from neural_distortion.training.perceptron_fit import Epoch, fit_perceptron
from neural_distortion.training.plan import MLP_EPOCHS, Effort, Plan, plan
from neural_distortion.training.proof import Fit, errors, num_parameters, prove, prove_perceptron
from neural_distortion.training.take import Takes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from neural_distortion.training.network import Network

_RAMP = 0.02
"""Part of all steps in which the learning rate rises."""

_LEAST_RATE = 0.01
"""The learning rate at the end, over that at its highest."""

_LARGEST_GRADIENT = 1.0

_AVERAGED = 4
"""Epochs at whose ends the weights are averaged."""

_TRIAL_STEPS = 2
"""Steps whose time is taken, after one that does not count."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is about to be done, and how long it will take.

    Attributes
    ----------
    arch : str
        What is trained.
    num_parameters : int
        Its number of weights.
    steps, done : int
        How many steps there are, and how many a checkpoint has already.
    device : str
        What computes: ``"cpu"`` or ``"cuda"``.
    threads : int
        On so many cores.
    seconds : float
        How long the rest takes at most, from the time of a few steps.
    """

    arch: str
    num_parameters: int
    steps: int
    done: int
    device: str
    threads: int
    seconds: float


@dataclass(kw_only=True)
class _Session:
    """All that a training goes on from."""

    network: "Network"
    optimiser: "torch.optim.Optimizer"
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, "Tensor"] = field(default_factory=dict)
    recent: list[dict[str, "Tensor"]] = field(default_factory=list)
    step: int = 0
    stale: int = 0

    def save(self, path: Path, key: str) -> None:
        """Write the session, in one go: whoever is killed meanwhile leaves the one before it."""
        import torch

        content = io.BytesIO()
        state = {
            "key": key,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": [tuple(vars(epoch).values()) for epoch in self.history],
            "best": self.best,
            "recent": self.recent,
            "step": self.step,
            "stale": self.stale,
        }
        torch.save(state, content)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content.getvalue())
        partial.replace(path)

    def restore(self, path: Path, key: str) -> bool:
        """Go on from a file, and return whether it is of this very training."""
        import torch

        if not path.exists():
            return False
        try:
            state = torch.load(path, weights_only=True, map_location=next(self.network.parameters()).device)
            if state["key"] != key:
                return False
        except Exception as error:
            msg = f"{path}: not a checkpoint that can be read; remove it to start anew ({error})"
            raise ValueError(msg) from None
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.history = [Epoch(*values) for values in state["history"]]
        self.best, self.step, self.stale = state["best"], state["step"], state["stale"]
        self.recent = state["recent"]
        return True


def fit(
    dry: ArrayLike,
    wet: ArrayLike | Sequence[ArrayLike],
    sample_rate: float,
    *,
    arch: ArchitectureName = "lstm-16",
    knobs: Mapping[str, Sequence[float]] | None = None,
    learned: tuple[int, int] | None = None,
    judged: tuple[int, int] | None = None,
    effort: Effort = "normal",
    steps: int | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    segment: int | None = None,
    spectral: float | None = None,
    hidden: Sequence[int] = (16,),
    pre_emphasis: float = 0.85,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    start: PathLike | None = None,
    checkpoint: PathLike | None = None,
    metadata: Mapping[str, Any] | None = None,
    until: Callable[[Epoch], bool] | None = None,
    on_start: Callable[[Outlook], None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Fit a network to a dry and a wet recording, or to several wet ones at different settings of the knobs.

    Adam (Kingma and Ba, 2015) with a cosine learning rate minimises the error-to-signal ratio behind a
    pre-emphasis, the error of the mean and a spectral distance. A part of the recordings is held out, and the
    weights with the lowest error there are kept, be they those of an epoch or the mean of the last four's; it
    is the engine that plays them for that, from the file that they become. The same arguments give the same
    model on the same machine, also if the training is killed and goes on from its checkpoint.

    Parameters
    ----------
    dry : array of float [shape=(frames,) or (takes, frames)]
        What went into the gear.
    wet : array of float [shape=(frames,) or (takes, frames)]
        What came out, aligned to the sample; with knobs, one recording for each setting.
    sample_rate : int > 0
        The rate of both, in Hz.
    arch : ArchitectureName
        What to train.
    knobs : mapping of str to sequence of float, optional
        For each knob, where it stood in each wet recording, from 0 to 1.
    learned, judged : (int, int), optional
        The frames to learn from and those to judge by, from one on up to another: the ``training`` and the
        ``validation`` of a :class:`Layout`. By default the last tenth is to judge by.
    effort : {"quick", "normal", "thorough"}
        How long to train.
    steps : int >= 1, optional
        How many changes of the weights instead.
    learning_rate : float [range=(0, 1]], optional
        Of Adam at its highest, instead of the architecture's.
    batch : int >= 1, optional
        Passages to train on at a time, instead of the architecture's.
    segment : int >= 1, optional
        Frames of each passage for one step, instead of the architecture's. Shorter ones are more steps in the
        time, of which a recurrent network takes less into account.
    spectral : float >= 0, optional
        Weight of the spectral distance, instead of the architecture's; 0 leaves it out.
    hidden : sequence of int >= 1
        Widths of the hidden layers of an ``"mlp"``, from the input.
    pre_emphasis : float [range=[0, 1)]
        Coefficient of the high-pass before the error; 0 for none.
    seed : int >= 0
        Seed of the first weights and of the passages.
    device : {"cpu", "cuda", "mps"}, optional
        Where to compute; by default on a GPU of CUDA where there is one.
    threads : int >= 1, optional
        How many cores may compute; by default one for a recurrent network, which gains nothing from more,
        else all.
    start : path-like, optional
        A model file that was trained here, of the same architecture and as many knobs: its weights are the
        first, instead of random ones.
    checkpoint : path-like, optional
        A file that is written after each epoch. Where there is one of the same training, it goes on from
        there.
    metadata : mapping, optional
        What the model file is to say: ``name``, ``gear_make``, ``input_level_dbu``, ….
    until : callable, optional
        Called with each validation: where it returns true, that was the last.
    on_start : callable, optional
        Called once, before it starts.
    on_step : callable, optional
        Called after each step with its number and its loss.
    on_epoch : callable, optional
        Called after each validation.

    Returns
    -------
    Fit
        The best model. Ctrl-C ends the training early and returns the best so far.

    Raises
    ------
    ValueError
        If the recordings do not fit together, are too short, silent or not finite, or an option is out of
        range.
    MissingExtra
        If PyTorch is not installed.
    """
    takes = Takes.of(dry, wet, sample_rate, knobs or {}, learned, judged)
    if arch == "mlp":
        return _fit_mlp(takes, hidden, effort, learning_rate, seed, metadata or {}, until, on_epoch)
    description = describe(arch, len(takes.knobs))
    first, last = takes.learned
    if last - first < takes.sample_rate:
        seconds = (last - first) / takes.sample_rate
        msg = f"the recordings are too short: {seconds:.2f} s to train on, of at least 1"
        raise ValueError(msg)
    torch = needs("torch", "train", f"training {arch}")
    from neural_distortion.training.loss import Loss
    from neural_distortion.training.network import Recurrent, build

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.manual_seed(seed)
    network = build(description, gain=float(np.std(takes.wet)) if start is None else 1.0)
    given = b"" if start is None else Path(start).read_bytes()
    if given:
        try:
            network.restore(json.loads(given))
        except (KeyError, ValueError) as error:
            msg = f"{start}: not the file of another {arch} with {len(takes.knobs)} knobs ({error})"
            raise ValueError(msg) from None
    network.to(place)
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
        torch.from_numpy(takes.wet[:, first:last]), pre_emphasis=pre_emphasis, spectral=wanted.spectral
    )
    return tune(
        network,
        takes,
        wanted,
        loss,
        arch=arch,
        key=_key(takes, description, wanted, pre_emphasis, seed, given),
        seed=seed,
        threads=threads,
        checkpoint=checkpoint,
        metadata=metadata,
        until=until,
        on_start=on_start,
        on_step=on_step,
        on_epoch=on_epoch,
    )


def tune(
    network: "Network",
    takes: Takes,
    wanted: Plan,
    loss: "Callable[[Tensor, Tensor], Tensor]",
    *,
    arch: str,
    key: str,
    seed: int,
    threads: int | None,
    checkpoint: PathLike | None,
    metadata: Mapping[str, Any] | None,
    until: Callable[[Epoch], bool] | None = None,
    on_start: Callable[[Outlook], None] | None,
    on_step: Callable[[int, float], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> Fit:
    """Train a network from the weights that it has; ``key`` tells its checkpoint from any other's.

    The other parameters, and the errors, are those of `fit`.
    """
    import torch

    from neural_distortion.training.network import Recurrent

    is_recurrent = isinstance(network, Recurrent)
    session = _Session(
        network=network, optimiser=torch.optim.Adam(network.parameters(), lr=wanted.learning_rate)
    )
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        session.restore(path, key)
    interrupted = False
    with _deterministic(torch, threads or (1 if is_recurrent else os.cpu_count() or 1)) as cores:
        trial = _trial(session, takes, wanted, loss, seed)
        if on_start is not None:
            rest = wanted.steps - session.step
            on_start(
                Outlook(
                    arch=arch,
                    num_parameters=num_parameters(network, takes),
                    steps=wanted.steps,
                    done=session.step,
                    device=next(network.parameters()).device.type,
                    threads=cores,
                    seconds=rest * trial,
                )
            )
        try:
            _train(session, takes, wanted, loss, seed, until, on_step, on_epoch, path, key)
        except KeyboardInterrupt:
            if not session.history:
                raise
            interrupted = True
        if math.isinf(session.history[-1].best_esr):
            msg = f"the training did not converge: try a learning rate below {wanted.learning_rate:g}"
            raise ValueError(msg)
        network.load_state_dict(session.best)
        network.cpu()
        return prove(
            network,
            takes,
            arch=arch,
            history=tuple(session.history),
            interrupted=interrupted,
            metadata=metadata or {},
        )


def _fit_mlp(
    takes: Takes,
    hidden: Sequence[int],
    effort: Effort,
    learning_rate: float | None,
    seed: int,
    metadata: Mapping[str, Any],
    until: Callable[[Epoch], bool] | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> Fit:
    """Return the fit of a perceptron, which needs no PyTorch."""
    if takes.knobs:
        msg = "an mlp has no knobs: choose another architecture"
        raise ValueError(msg)
    fitted = fit_perceptron(
        takes.dry,
        takes.wet,
        takes.sample_rate,
        hidden=hidden,
        epochs=MLP_EPOCHS[effort],
        learning_rate=learning_rate or 0.02,
        seed=seed,
        until=until,
        on_epoch=on_epoch,
    )
    return prove_perceptron(fitted, takes, metadata=metadata)


def _train(
    session: _Session,
    takes: Takes,
    wanted: Plan,
    loss: "Callable[[Tensor, Tensor], Tensor]",
    seed: int,
    until: Callable[[Epoch], bool] | None,
    on_step: Callable[[int, float], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
    path: Path | None,
    key: str,
) -> None:
    """Run the epochs that are left, until the errors fall no more."""
    rounds = wanted.steps // wanted.segments
    while len(session.history) < wanted.epochs and session.stale < wanted.patience:
        # Asked here, since a training that was killed may have been at its last.
        if until is not None and session.history and until(session.history[-1]):
            break
        number = len(session.history) + 1
        losses = []
        for index in range(session.step // wanted.segments, rounds * number // wanted.epochs):
            for value in _round(session, takes, wanted, loss, np.random.default_rng((seed, index))):
                losses.append(value)
                if on_step is not None:
                    on_step(session.step, value)
        error, weights = _judged(session, takes)
        least = min((epoch.best_esr for epoch in session.history), default=math.inf)
        session.stale += 1
        if error < least or not session.best:
            session.stale = 0
            session.best = weights
        epoch = Epoch("adam", number, wanted.epochs, float(np.mean(losses)), error, min(error, least))
        session.history.append(epoch)
        if path is not None:
            session.save(path, key)
        if on_epoch is not None:
            on_epoch(epoch)


def _judged(session: _Session, takes: Takes) -> tuple[float, dict[str, "Tensor"]]:
    """Return the lesser error of two: of the weights, and of the mean of the last epochs'; and those weights.

    The mean lies where the error is flat (Izmailov et al., "Averaging weights leads to wider optima and
    better generalization", UAI 2018).
    """
    import torch

    last = {name: tensor.clone() for name, tensor in session.network.state_dict().items()}
    session.recent = [*session.recent, last][-_AVERAGED:]
    means = {name: torch.stack([weights[name] for weights in session.recent]).mean(dim=0) for name in last}
    found = []
    for weights in (means, last):
        session.network.load_state_dict(weights)
        found.append((float(np.mean(errors(session.network, takes))), weights))
    return min(found, key=lambda pair: pair[0])


def _round(
    session: _Session,
    takes: Takes,
    wanted: Plan,
    loss: "Callable[[Tensor, Tensor], Tensor]",
    rng: np.random.Generator,
) -> Iterator[float]:
    """Draw passages, take the steps on them, and yield the loss of each."""
    import torch

    network = session.network
    device = next(network.parameters()).device
    before = network.context or wanted.warm_up
    x, y = (torch.from_numpy(part).to(device) for part in _passages(takes, wanted, before, rng))
    state = network.warm_up(x[..., :before])
    for start in range(0, y.shape[-1], wanted.segment):
        part = slice(before + start, before + start + wanted.segment)
        rate = _learning_rate(session.step, wanted)
        for group in session.optimiser.param_groups:
            group["lr"] = rate
        session.optimiser.zero_grad()
        prediction, state = network(x[..., part], state)
        error = loss(y[..., start : start + wanted.segment], prediction)
        error.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        session.optimiser.step()
        session.step += 1
        yield float(error.detach())


def _passages(takes: Takes, wanted: Plan, before: int, rng: np.random.Generator) -> tuple[Audio, Audio]:
    """Return inputs [shape=(batch, 1 + knobs, before + frames)] and targets [shape=(batch, 1, frames)].

    What lies before a recording is silence.
    """
    frames = wanted.segments * wanted.segment
    x = np.zeros((wanted.batch, 1 + len(takes.knobs), before + frames), np.float32)
    y = np.empty((wanted.batch, 1, frames), np.float32)
    chosen = rng.integers(len(takes.dry), size=wanted.batch)
    first, last = takes.learned
    starts = rng.integers(first, last - frames + 1, size=wanted.batch)
    x[:, 1:] = takes.settings[chosen][..., np.newaxis]
    for passage, target, take, start in zip(x, y, chosen, starts, strict=True):
        past = min(before, start)
        passage[0, before - past :] = takes.dry[take, start - past : start + frames]
        target[0] = takes.wet[take, start : start + frames]
    return x, y


def _learning_rate(step: int, wanted: Plan) -> float:
    """Return the learning rate of a step: a short rise, then half a cosine down."""
    ramp = max(1, round(_RAMP * wanted.steps))
    fall = 0.5 + 0.5 * math.cos(math.pi * step / wanted.steps)
    return wanted.learning_rate * min(1.0, (step + 1) / ramp) * (_LEAST_RATE + (1 - _LEAST_RATE) * fall)


def _trial(
    session: _Session,
    takes: Takes,
    wanted: Plan,
    loss: "Callable[[Tensor, Tensor], Tensor]",
    seed: int,
) -> float:
    """Return how many seconds a step takes, from a copy of the session that learns nothing."""
    import copy

    spare = copy.deepcopy(session)
    steps = itertools.chain.from_iterable(
        _round(spare, takes, wanted, loss, np.random.default_rng(seed)) for _ in range(_TRIAL_STEPS + 1)
    )
    next(steps)
    start = perf_counter()
    for _ in itertools.islice(steps, _TRIAL_STEPS):
        pass
    return (perf_counter() - start) / _TRIAL_STEPS


@contextmanager
def _deterministic(torch: Any, threads: int) -> Iterator[int]:  # noqa: ANN401 - the module
    """Bound PyTorch's threads, and let it choose no algorithm by chance, for a while."""
    if threads < 1:
        msg = f"expected threads to be 1 or more, got {threads}"
        raise ValueError(msg)
    cudnn = torch.backends.cudnn
    before = torch.get_num_threads(), cudnn.benchmark, cudnn.deterministic
    torch.set_num_threads(threads)
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        yield threads
    finally:
        torch.set_num_threads(before[0])
        cudnn.benchmark, cudnn.deterministic = before[1:]


def _key(
    takes: Takes,
    description: Mapping[str, Any],
    wanted: Plan,
    pre_emphasis: float,
    seed: int,
    given: bytes,
) -> str:
    """Return what tells a training from any other."""
    told = (
        __version__,
        takes.knobs,
        takes.sample_rate,
        takes.learned,
        takes.judged,
        description,
        wanted,
        pre_emphasis,
        seed,
    )
    digest = hashlib.sha256(repr(told).encode() + given)
    for array in (takes.dry, takes.wet, takes.settings):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
