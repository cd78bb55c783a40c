"""What to fit to what: the product of recordings, architectures, settings of knobs and seeds."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, cast, get_args

from neural_distortion._typing import PathLike
from neural_distortion.training.architecture import ARCHITECTURES, ArchitectureName
from neural_distortion.training.perceptron_fit import Epoch
from neural_distortion.training.place import Place
from neural_distortion.training.plan import EFFORTS

Knobs: TypeAlias = Literal["each", "together", "both"]
"""Whether each setting of the knobs becomes a model, or all of them one that has the knobs, or both."""

_OPTIONS: Final = (
    "effort",
    "steps",
    "batch",
    "segment",
    "learning_rate",
    "spectral",
    "pre_emphasis",
    "hidden",
)
_OPTIONS_OF_MLP: Final = ("effort", "learning_rate", "hidden")
_PLAN: Final = ("name", "recordings", "architectures", "seeds", "knobs", "stop", "resources", *_OPTIONS)
_RECORDING: Final = ("name", "dry", "wet", "align", "metadata")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When a fit ends early, from its own errors on what was held out.

    Attributes
    ----------
    good : float >= 0
        At this error-to-signal ratio it is good enough.
    poor : float > 0
        Above this one it is given up,
    after : float [range=(0, 1]]
        once it has had this part of its epochs.
    """

    good: float = 0.0
    poor: float = 0.9
    after: float = 0.25

    def reason(self, epoch: Epoch) -> str | None:
        """Return why a fit ends with an epoch, or None if it goes on.

        Examples
        --------
        >>> Stop(poor=0.5).reason(Epoch("adam", 5, 20, loss=1.1, esr=0.9, best_esr=0.8))
        'poor: an ESR of 0.8 after 5 of 20 epochs'
        """
        if epoch.number == epoch.total:
            return None
        told = f"an ESR of {epoch.best_esr:.2g} after {epoch.number} of {epoch.total} epochs"
        if epoch.best_esr <= self.good:
            return f"good enough: {told}"
        if epoch.number >= self.after * epoch.total and epoch.best_esr > self.poor:
            return f"poor: {told}"
        return None


@dataclass(frozen=True, kw_only=True)
class PlannedFit:
    """One fit of a plan.

    Attributes
    ----------
    name : str
        ``"fuzz/lstm-16-drive-0.1-seed-0"``: a folder and a file without its suffix.
    recording, setting, network : str
        What it is called in the plan: the recording, how its knobs stand, the architecture.
    arch : ArchitectureName
        What is trained.
    options : mapping
        What else :func:`fit` takes.
    seed : int
        Of everything random.
    dry : Path
        What went into the gear.
    wet : tuple of Path
        What came out; several, with knobs.
    knobs : mapping of str to tuple of float
        Where each knob stood in each.
    align : bool or None
        Whether the delay and the drift are undone; None, if the dry signal says so.
    metadata : mapping
        What the model file says.
    stop : Stop
        When it ends early.
    """

    name: str
    recording: str
    setting: str
    network: str
    arch: ArchitectureName
    options: Mapping[str, Any]
    seed: int
    dry: Path
    wet: tuple[Path, ...]
    knobs: Mapping[str, tuple[float, ...]]
    align: bool | None
    metadata: Mapping[str, Any]
    stop: Stop


@dataclass(frozen=True, kw_only=True)
class FitPlan:
    """Many fits.

    Attributes
    ----------
    name : str
        What all of them are called.
    fits : tuple of PlannedFit
        The product of recordings, settings, architectures and seeds, in this order.
    cpus : int >= 1
        Cores of each fit.
    gpus : float >= 0 or None
        Part of a GPU of each, or so many; None for a quarter where there is one.
    """

    name: str
    fits: tuple[PlannedFit, ...]
    cpus: int = 1
    gpus: float | None = None

    @classmethod
    def read(cls, path: PathLike) -> Self:
        """Read a plan from a YAML file.

        Parameters
        ----------
        path : path-like
            The file; relative paths in it start from its folder.

        Raises
        ------
        PlanError
            If it is no plan: it says where, what was expected, and what was found.
        OSError
            If it cannot be opened.
        MissingExtra
            If PyYAML, which comes with Ray, is not installed.
        """
        file = Path(path)
        return cls._of(Place.read(file), file.parent.resolve(), file.stem)

    @classmethod
    def of(cls, plan: Mapping[str, Any], *, folder: PathLike = ".") -> Self:
        """Return the plan that a mapping holds, as a YAML file would.

        Parameters
        ----------
        plan : mapping
            What would be in the file.
        folder : path-like
            Where relative paths start.

        Raises
        ------
        PlanError
            If it is no plan: it says where, what was expected, and what was found.
        """
        return cls._of(Place(value=plan), Path(folder).resolve(), "plan")

    @classmethod
    def _of(cls, whole: Place, folder: Path, name: str) -> Self:
        plan = whole.fields(_PLAN, ("recordings", "architectures"))
        common = _options(plan, _OPTIONS)
        networks = list(_networks(plan["architectures"], common))
        knobs = cast("Knobs", plan["knobs"].choice(get_args(Knobs)) if "knobs" in plan else "each")
        seeds = [seed.whole(0) for seed in plan["seeds"].items("seeds")] if "seeds" in plan else [0]
        stop = _stop(plan["stop"]) if "stop" in plan else Stop()
        fits: dict[str, PlannedFit] = {}
        for place in plan["recordings"].items("recordings"):
            for take in _takes(place, folder, knobs):
                for (network, arch, options, at), seed in itertools.product(networks, seeds):
                    if arch == "mlp" and take["knobs"]:
                        at.refuse("a network that can have knobs, which are trained together")
                    parts = (network, take["setting"], f"seed-{seed}")
                    fit = PlannedFit(
                        name="/".join(map(_slug, (take["recording"], "-".join(filter(None, parts))))),
                        network=network,
                        arch=arch,
                        options=options,
                        seed=seed,
                        stop=stop,
                        **take,
                    )
                    if fit.name.casefold() in fits:
                        place.refuse("each fit once: other names, settings or seeds", f"{fit.name} twice")
                    fits[fit.name.casefold()] = fit
        resources = plan["resources"].fields(("cpus", "gpus")) if "resources" in plan else {}
        return cls(
            name=plan["name"].text() if "name" in plan else name,
            fits=tuple(fits.values()),
            cpus=resources["cpus"].whole(1) if "cpus" in resources else 1,
            gpus=_gpus(resources["gpus"]) if "gpus" in resources else None,
        )


def _networks(
    place: Place, common: Mapping[str, Any]
) -> Iterator[tuple[str, ArchitectureName, dict[str, Any], Place]]:
    """Yield the name, the architecture, the options and the place of each network."""
    for item in place.items("architectures"):
        own: dict[str, Any] = {}
        if isinstance(item.value, str):
            arch = name = item.choice(ARCHITECTURES)
        else:
            fields = item.fields(("name", "arch", *_OPTIONS), ("arch",))
            arch = fields["arch"].choice(ARCHITECTURES)
            name = fields["name"].text() if "name" in fields else arch
            usable = _OPTIONS_OF_MLP if arch == "mlp" else _OPTIONS[:-1]
            for key in fields.keys() & set(_OPTIONS) - set(usable):
                fields[key].refuse(f"for {arch} only {', '.join(usable)}", key)
            own = _options(fields, usable)
        usable = _OPTIONS_OF_MLP if arch == "mlp" else _OPTIONS[:-1]
        options = {key: value for key, value in {**common, **own}.items() if key in usable}
        yield name, cast("ArchitectureName", arch), options, item


def _options(fields: Mapping[str, Place], keys: Sequence[str]) -> dict[str, Any]:
    """Return those options of `fit` that are given."""
    read: dict[str, Callable[[Place], Any]] = {
        "effort": lambda at: at.choice(EFFORTS),
        "steps": lambda at: at.whole(1),
        "batch": lambda at: at.whole(1),
        "segment": lambda at: at.whole(1),
        "learning_rate": lambda at: at.number("a number above 0 and up to 1", 0, 1, above=True),
        "spectral": lambda at: at.number("a number of 0 or more", 0, math.inf),
        "pre_emphasis": lambda at: at.number("a number from 0 to 1", 0, 1),
        "hidden": lambda at: tuple(width.whole(1) for width in at.items("widths")),
    }
    return {key: read[key](fields[key]) for key in keys if key in fields}


def _stop(place: Place) -> Stop:
    """Return when to stop early."""
    fields = place.fields(("good", "poor", "after"))
    given = {}
    if "good" in fields:
        given["good"] = fields["good"].number("a number of 0 or more", 0, math.inf)
    if "poor" in fields:
        given["poor"] = fields["poor"].number("a number above 0", 0, math.inf, above=True)
    if "after" in fields:
        given["after"] = fields["after"].number("a number above 0 and up to 1", 0, 1, above=True)
    return Stop(**given)


def _gpus(place: Place) -> float:
    """Return a part of a GPU, or several whole ones: there is nothing else to be had."""
    meaning = "a part of a GPU, from 0 to 1, or a whole number of them"
    value = place.number(meaning, 0, math.inf)
    if value > 1 and not value.is_integer():
        place.refuse(meaning)
    return value


def _takes(place: Place, folder: Path, knobs: Knobs) -> Iterator[dict[str, Any]]:
    """Yield what a recording is to be fitted as: at each setting of its knobs, or with them."""
    fields = place.fields(_RECORDING, ("dry", "wet"))
    several = not isinstance(fields["wet"].value, str)
    if several and "name" not in fields:
        place.refuse("a name, where there are several wet recordings", "none")
    wet = _settings(fields["wet"], folder) if several else [({}, fields["wet"].file(folder))]
    recording = fields["name"].text() if "name" in fields else wet[0][1].stem
    metadata: dict[str, Any] = {"name": recording}
    if "metadata" in fields:
        for key, entry in fields["metadata"].entries("a mapping, such as gear_make: …").items():
            if not isinstance(entry.value, str | int | float):
                entry.refuse("a text or a number")
            metadata[key] = entry.value
    shared = {
        "recording": recording,
        "dry": fields["dry"].file(folder),
        "align": fields["align"].flag() if "align" in fields else None,
    }
    names = list(wet[0][0])
    if knobs != "together" or len(wet) == 1:
        for settings, path in wet:
            setting = ", ".join(f"{knob} {value:g}" for knob, value in settings.items())
            named = metadata if len(wet) == 1 else {**metadata, "name": f"{metadata['name']}, {setting}"}
            yield {**shared, "setting": setting, "wet": (path,), "knobs": {}, "metadata": named}
    if knobs != "each" and len(wet) > 1:
        together = {knob: tuple(settings[knob] for settings, _ in wet) for knob in names}
        files = tuple(path for _, path in wet)
        setting = f"{' and '.join(names)} as knobs"
        yield {**shared, "setting": setting, "wet": files, "knobs": together, "metadata": metadata}


def _settings(place: Place, folder: Path) -> list[tuple[dict[str, float], Path]]:
    """Return wet recordings, and how all knobs stood in each."""
    takes: list[tuple[dict[str, float], Path]] = []
    for item in place.items("files, or one file"):
        fields = item.fields(("file", "knobs"), ("file", "knobs"))
        settings = {
            knob: at.number("a number from 0 to 1", 0, 1)
            for knob, at in fields["knobs"].entries("a mapping, such as drive: 0.5").items()
        }
        if takes and settings.keys() != takes[0][0].keys():
            fields["knobs"].refuse(f"the same knobs as before, {', '.join(takes[0][0])}")
        if takes:
            settings = {knob: settings[knob] for knob in takes[0][0]}
        if any(settings == other for other, _ in takes):
            fields["knobs"].refuse("a setting that is not there yet")
        takes.append((settings, fields["file"].file(folder)))
    return takes


def _slug(text: str) -> str:
    """Return a text as a part of a path.

    >>> _slug("drive 0.1, tone 0.5")
    'drive-0.1-tone-0.5'
    """
    return re.sub(r"[^\w.+]+", "-", text).strip("-.") or "-"
