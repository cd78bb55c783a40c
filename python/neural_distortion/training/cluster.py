"""Many fits on all cores and GPUs of a machine, or of a Ray cluster."""

import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from neural_distortion._extra import needs
from neural_distortion._typing import PathLike
from neural_distortion.model import Model, load
from neural_distortion.training.fit_plan import FitPlan, PlannedFit
from neural_distortion.training.outcome import Outcome, carry_out, digests_of, key_of
from neural_distortion.training.perceptron_fit import Epoch

if TYPE_CHECKING:
    import pandas as pd

_RETRIES: Final = 2
"""How often a fit goes on from its checkpoint after its worker died."""

_GPU_SHARE: Final = 0.25
"""Part of a GPU for each fit: the networks are small, and one alone leaves most of it idle."""

_STORE_BYTES: Final = 100 << 20
"""Memory for what the driver shares with its workers, which is the plan alone."""

_TIMED_S: Final = 0.2
"""For how long each speed is measured."""

_QUIET: Final = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""What keeps Tune from files and text of its own, and lets Ctrl-C through."""


@dataclass(frozen=True, kw_only=True)
class Fits:
    """What became of a plan; it can be iterated over.

    Attributes
    ----------
    name : str
        What the plan is called.
    outcomes : tuple of Outcome
        What became of each fit, in the order of the plan.
    ns_per_sample : mapping of str to float
        By the name of each fit that has a model, how long a sample takes on one core of this machine.
    report : Path
        The page that compares them.
    """

    name: str
    outcomes: tuple[Outcome, ...]
    ns_per_sample: Mapping[str, float]
    report: Path

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a table with a row for each fit.

        Raises
        ------
        MissingExtra
            If pandas, which comes with Ray, is not installed.
        """
        pandas = needs("pandas", "cluster", "a table of fits")
        rows = [
            {name: value for name, value in vars(outcome).items() if name != "history"}
            | {
                "epochs": len(outcome.history),
                "ns_per_sample": self.ns_per_sample.get(outcome.name, math.nan),
            }
            for outcome in self.outcomes
        ]
        table: pd.DataFrame = pandas.DataFrame(rows)
        return table


def fit_many(
    plan: FitPlan | PathLike | Mapping[str, Any],
    folder: PathLike,
    *,
    cluster: str | None = None,
    on_start: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[str, Epoch], None] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Fits:
    """Fit every architecture to every recording of a plan, and compare what comes of it.

    Each fit is one of :func:`fit`, with the same result. It gets a core, and a quarter of a GPU where there
    is one, unless the plan says otherwise; Ray Tune gives them out. In the folder, there are then for each
    its model, the page about its training, and what became of it, and ``comparison.html`` for all.

    What is whole in the folder is not done again, so after a kill, of a worker or of everything, the same
    call goes on: with the fits that were begun, where they were. So it does if the plan has grown meanwhile.
    A fit that fails is noted, the others go on, and the next call tries it again.

    Parameters
    ----------
    plan : FitPlan, path-like or mapping
        What to fit to what; a path is that of a YAML file, and a mapping holds what would be in one.
    folder : path-like
        Where everything goes; on a cluster, all machines have to see it and the recordings under one path.
    cluster : str, optional
        The address of a Ray cluster, or ``"auto"`` for the one that this machine belongs to, if any. By
        default, a cluster of this machine alone, until the fits are done. A process that is connected to one
        already stays with that.
    on_start : callable, optional
        Called once, with the number of fits and how many of them there are already.
    on_epoch : callable, optional
        Called after each validation, with the name of the fit.
    on_outcome : callable, optional
        Called after each fit that is done or has failed.

    Raises
    ------
    PlanError
        If the plan cannot be followed.
    OSError
        If a file cannot be opened or written.
    ConnectionError
        If there is no such cluster.
    MissingExtra
        If Ray is not installed.
    """
    match plan:
        case FitPlan():
            pass
        case Mapping():
            plan = FitPlan.of(plan)
        case _:
            plan = FitPlan.read(plan)
    target = Path(folder).resolve()
    target.mkdir(parents=True, exist_ok=True)
    digests = digests_of(plan.fits)
    keys = {planned.name: key_of(planned, digests) for planned in plan.fits}
    done = _done(plan.fits, target, keys)
    left = [planned for planned in plan.fits if planned.name not in done]
    if on_start is not None:
        on_start(len(plan.fits), len(done))
    if left:
        for planned in left:
            (target / f"{planned.name}.json").unlink(missing_ok=True)
        errors = _tune(plan, left, target, keys, cluster, on_epoch, on_outcome)
        for planned in left:
            outcome = Outcome.read(planned, target, keys[planned.name])
            if outcome is None:
                outcome = Outcome.failed(planned, errors.get(planned.name, "its worker died"))
                if on_outcome is not None:
                    on_outcome(outcome)
            done[planned.name] = outcome
    fits = Fits(
        name=plan.name,
        outcomes=tuple(done[planned.name] for planned in plan.fits),
        ns_per_sample=_speeds(done.values()),
        report=target / "comparison.html",
    )
    from neural_distortion.training.fit_comparison import to_html

    fits.report.write_text(to_html(fits), encoding="utf-8")
    return fits


def _done(fits: Iterable[PlannedFit], folder: Path, keys: Mapping[str, str]) -> dict[str, Outcome]:
    """Return what need not be done again."""
    found = {planned.name: Outcome.read(planned, folder, keys[planned.name]) for planned in fits}
    return {name: outcome for name, outcome in found.items() if outcome and outcome.state != "failed"}


def _tune(
    plan: FitPlan,
    left: list[PlannedFit],
    folder: Path,
    keys: Mapping[str, str],
    cluster: str | None,
    on_epoch: Callable[[str, Epoch], None] | None,
    on_outcome: Callable[[Outcome], None] | None,
) -> dict[str, str]:
    """Carry out fits on Ray, and return the errors of those that say nothing themselves."""
    store = folder / ".tune"
    shutil.rmtree(store, ignore_errors=True)
    with _environment(_QUIET):
        ray = needs("ray", "cluster", "fitting many models")
        from ray import tune
        from ray.tune.progress_reporter import TrialProgressCallback

        class Watch(TrialProgressCallback):  # type: ignore[misc]  # Ray's
            """Tells of what happens, instead of Tune's own lines."""

            def __init__(self) -> None:
                pass

            def __reduce__(self) -> tuple[Any, ...]:
                return tune.Callback, ()  # Tune keeps copies, and what is told here need not have any

            def on_trial_result(self, *_: object, trial: Any, result: dict[str, Any], **__: object) -> None:  # noqa: ANN401 - Tune's
                if on_epoch is not None and "epoch" in result:
                    on_epoch(left[trial.config["fit"]].name, Epoch(*result["epoch"]))

            def on_trial_error(self, *_: object, **__: object) -> None:
                pass

            def on_trial_complete(self, *_: object, trial: Any, **__: object) -> None:  # noqa: ANN401 - Tune's
                planned = left[trial.config["fit"]]
                outcome = Outcome.read(planned, folder, keys[planned.name])
                if on_outcome is not None and outcome is not None:
                    on_outcome(outcome)

        with _connected(ray, cluster):
            gpus = plan.gpus
            if gpus is None:
                gpus = _GPU_SHARE if ray.cluster_resources().get("GPU", 0) else 0.0
            _check_resources(ray, plan.cpus, gpus)

            def resources(config: Mapping[str, Any]) -> dict[str, float]:
                return resources_of(left[config["fit"]], plan.cpus, gpus)

            trial = tune.with_parameters(
                _trial, fits=left, folder=folder, keys=keys, cpus=plan.cpus, gpus=gpus
            )
            tuner = tune.Tuner(
                tune.with_resources(trial, resources),
                param_space={"fit": tune.grid_search(list(range(len(left))))},
                # Starting a process and PyTorch in it takes longer than many a fit.
                tune_config=tune.TuneConfig(reuse_actors=True),
                run_config=tune.RunConfig(
                    name="fits",
                    storage_path=str(store),
                    verbose=0,
                    callbacks=[Watch()],
                    failure_config=tune.FailureConfig(max_failures=_RETRIES),
                ),
            )
            results = tuner.fit()
            errors = {
                left[result.config["fit"]].name: str(result.error).strip().splitlines()[-1]
                for result in results
                if result.error is not None
            }
    shutil.rmtree(store, ignore_errors=True)
    return errors


def _trial(
    config: Mapping[str, Any],
    *,
    fits: list[PlannedFit],
    folder: Path,
    keys: Mapping[str, str],
    cpus: int,
    gpus: float,
) -> None:
    """Carry out a fit on a worker."""
    from ray import tune

    planned = fits[config["fit"]]
    before = Outcome.read(planned, folder, keys[planned.name])
    if before is not None and before.state != "failed":
        return  # the worker before this one died when all was written
    carry_out(
        planned,
        folder,
        keys[planned.name],
        threads=cpus,
        device=None if resources_of(planned, cpus, gpus).get("gpu") else "cpu",
        on_epoch=lambda epoch: tune.report({"epoch": tuple(vars(epoch).values())}),
    )


def resources_of(planned: PlannedFit, cpus: int, gpus: float) -> dict[str, float]:
    """Return what a fit is given: a perceptron is trained without PyTorch, on no GPU."""
    return {"cpu": cpus, "gpu": gpus} if gpus and planned.arch != "mlp" else {"cpu": cpus}


def _check_resources(ray: Any, cpus: int, gpus: float) -> None:  # noqa: ANN401 - the module
    """Raise a ValueError for what no machine has: Tune would wait for it for ever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for name, key, value in (("cpus", "CPU", cpus), ("gpus", "GPU", gpus)):
        most = max((node.get(key, 0.0) for node in nodes), default=0.0)
        if value > most:
            msg = f"each fit is to have {name}: {value:g}, and no machine has more than {most:g}"
            raise ValueError(msg)


@contextmanager
def _connected(ray: Any, cluster: str | None) -> Iterator[None]:  # noqa: ANN401 - the module
    """Connect to a cluster, or start one, for a while; one that is connected to already stays so."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if cluster is None:
        ray.init(address="local", include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
    else:
        ray.init(address=None if cluster == "auto" else cluster, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, where they are not set."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def _speeds(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Return how long a sample takes each model, in ns: one network of one size has one."""
    known: dict[tuple[str, int], float] = {}
    speeds = {}
    for outcome in outcomes:
        if outcome.model is None:
            continue
        kind = (outcome.network, outcome.num_parameters)
        if kind not in known:
            known[kind] = _ns_per_sample(load(outcome.model))
        speeds[outcome.name] = known[kind]
    return speeds


def _ns_per_sample(model: Model) -> float:
    """Return how long a sample takes, at the best of many runs."""
    rate = model.sample_rate or 48_000
    noise = (0.1 * np.random.default_rng(0).standard_normal(round(rate / 10))).astype(np.float32)
    model.process(noise, rate)
    best, end = math.inf, perf_counter() + _TIMED_S
    while perf_counter() < end:
        start = perf_counter_ns()
        model.process(noise, rate, reset=False, resample=False)
        best = min(best, (perf_counter_ns() - start) / noise.size)
    return best
