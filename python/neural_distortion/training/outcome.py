"""What became of a planned fit, as it stands in a file beside its model."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from neural_distortion import __version__
from neural_distortion._extra import MissingExtra
from neural_distortion.training.fit_plan import PlannedFit
from neural_distortion.training.material import read_material
from neural_distortion.training.perceptron_fit import Epoch
from neural_distortion.training.trainer import fit

State: TypeAlias = Literal["trained", "stopped", "failed"]
"""Whether a fit came to its end, ended early, or came to nothing."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one fit of a plan.

    Attributes
    ----------
    name : str
        ``"fuzz/lstm-16-drive-0.1-seed-0"``: a folder and a file without its suffix.
    recording, setting, network : str
        What it is called in the plan: the recording, how its knobs stood, the architecture.
    arch : ArchitectureName
        What was trained.
    seed : int
        Of everything random.
    state : {"trained", "stopped", "failed"}
        A fit that was stopped early has a model, one that failed has none.
    reason : str
        Why it was stopped, or how it failed; else empty.
    esr : float
        Error-to-signal ratio on what was held out; NaN if it failed, and so is ``difference``.
    difference : float
        The largest difference between what the engine plays and what was trained.
    proven : bool
        Whether that is as small as roundings explain, as :attr:`Fit.proven` says.
    num_parameters : int
        The number of weights.
    history : tuple of Epoch
        Every validation, in order.
    model, report : Path or None
        The model file and the page about its training.
    """

    name: str
    recording: str
    setting: str
    network: str
    arch: str
    seed: int
    state: State
    reason: str = ""
    esr: float = math.nan
    difference: float = math.nan
    proven: bool = False
    num_parameters: int = 0
    history: tuple[Epoch, ...] = ()
    model: Path | None = None
    report: Path | None = None

    @classmethod
    def failed(cls, planned: PlannedFit, error: str) -> Self:
        """Return that a fit came to nothing."""
        return cls(**_names(planned), state="failed", reason=error)

    @classmethod
    def read(cls, planned: PlannedFit, folder: Path, key: str) -> Self | None:
        """Return what a file says about a fit, or None if it is of another, or its model is not whole.

        Parameters
        ----------
        planned : PlannedFit
            The fit.
        folder : Path
            Where the fits of its plan are.
        key : str
            From :func:`key_of`.
        """
        path = folder / f"{planned.name}.json"
        try:
            told = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(told, dict) or told.get("key") != key:
            return None
        if told["state"] == "failed":
            return cls.failed(planned, told["reason"])
        model, report = (path.with_name(told[name]) for name in ("model", "report"))
        if not report.is_file() or not model.is_file() or _digest(model) != told["model_sha256"]:
            return None
        return cls(
            **_names(planned),
            history=tuple(_epoch(values) for values in told["history"]),
            model=model,
            report=report,
            **{
                name: told[name]
                for name in ("state", "reason", "esr", "difference", "proven", "num_parameters")
            },
        )

    def write(self, folder: Path, key: str) -> None:
        """Write it, in one go, for `read`; it comes last, so that a fit with a file is whole."""
        path = folder / f"{self.name}.json"
        told: dict[str, Any] = {**vars(self), "key": key, "made_by": f"neural-distortion {__version__}"}
        told["history"] = [[_finite(value) for value in vars(epoch).values()] for epoch in self.history]
        if self.model is None or self.report is None:
            told["esr"] = told["difference"] = None
        else:
            told |= {
                "model": self.model.name,
                "report": self.report.name,
                "model_sha256": _digest(self.model),
            }
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(path)


def key_of(planned: PlannedFit, digests: Mapping[Path, str]) -> str:
    """Return what tells a fit from any other: all that its model depends on.

    Parameters
    ----------
    planned : PlannedFit
        The fit.
    digests : mapping of Path to str
        Of what its recordings hold.
    """
    told = vars(planned) | {"dry": digests[planned.dry], "wet": [digests[path] for path in planned.wet]}
    return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()


def digests_of(planned: tuple[PlannedFit, ...]) -> dict[Path, str]:
    """Return what tells the content of each recording from any other."""
    return {path: _digest(path) for path in {path for one in planned for path in (one.dry, *one.wet)}}


def carry_out(
    planned: PlannedFit,
    folder: Path,
    key: str,
    *,
    threads: int,
    device: str | None,
    on_epoch: Callable[[Epoch], None],
) -> Outcome:
    """Fit, and write the model, the page about it and what became of it; an error is one such thing.

    Where a checkpoint is left of the same fit, it goes on from there.
    """
    target = folder / planned.name
    target.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = target.with_name(f"{target.name}.checkpoint")
    try:
        material = read_material(
            planned.dry, planned.wet, memory=planned.arch != "mlp", undo_delay=planned.align
        )
        metadata = dict(planned.metadata)
        if material.provenance:
            metadata["training"] = material.provenance
        fitted = fit(
            material.dry,
            material.wet,
            material.sample_rate,
            arch=planned.arch,
            knobs=planned.knobs,
            learned=material.learned,
            judged=material.judged,
            seed=planned.seed,
            device=device,
            threads=threads,
            checkpoint=checkpoint,
            metadata=metadata,
            until=lambda epoch: planned.stop.reason(epoch) is not None,
            on_epoch=on_epoch,
            **planned.options,
        )
        model = target.with_name(target.name + (".aidax" if planned.arch == "gru-16" else ".nam"))
        report = target.with_name(f"{target.name}.html")
        fitted.save(model)
        fitted.report(report, name=f"{planned.recording}, {planned.network}")
    except Exception as error:  # whatever it is, the other fits go on
        known = isinstance(error, OSError | ValueError | MissingExtra)  # which say all in their message
        outcome = Outcome.failed(planned, str(error) if known else f"{type(error).__name__}: {error}")
    else:
        reason = planned.stop.reason(fitted.history[-1]) or ""
        outcome = Outcome(
            **_names(planned),
            state="stopped" if reason else "trained",
            reason=reason,
            esr=fitted.esr,
            difference=fitted.difference,
            proven=fitted.proven,
            num_parameters=fitted.num_parameters,
            history=fitted.history,
            model=model,
            report=report,
        )
    outcome.write(folder, key)
    if outcome.state != "failed":
        checkpoint.unlink(missing_ok=True)
    return outcome


def _names(planned: PlannedFit) -> dict[str, Any]:
    return {
        name: getattr(planned, name) for name in ("name", "recording", "setting", "network", "arch", "seed")
    }


def _epoch(values: list[Any]) -> Epoch:
    """Return an epoch from a file."""
    filled: list[Any] = [math.inf if value is None else value for value in values]
    return Epoch(*filled)


def _finite(value: str | float) -> str | float | None:
    """Return a value as JSON has it, which knows no infinity: that of an epoch in which nothing converged."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _digest(path: Path) -> str:
    """Return what tells the content of a file from any other."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
