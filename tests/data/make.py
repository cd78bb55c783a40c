"""Make this folder from a folder of reference renderings.

The source folder holds ``oracle/<case>/`` with a model, ``input.npy``, ``output*.npy``, perhaps ``cond.npy``,
and ``meta.json``; ``models/*.nam``; and ``audio/``. ``README.md`` says which programs made them. What lands
here is smaller: each input is stored once, long renderings are cut, equal outputs are shared, and
``index.json`` lists every case in one table.

    python tests/data/make.py SOURCE
"""

import argparse
import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent

# The test signal ends in silence, which adds size and shows little.
SYNTHETIC_FRAMES = 21_000
# Two seconds for the models that every user will compare, less for their cousins: each receptive field fits
# several times over.
GUITAR_FRAMES = {"real_wavenet_a1_standard": 96_000, "real_wavenet": 96_000, "real_lstm": 96_000}
OTHER_GUITAR_FRAMES = 32_000

# Single precision itself is up to 2.2e-6 away from double precision on these models.
MAX_ABS = {"max_abs": 5e-6}
# Two exact single-precision engines differ by more on loud real models: these are judged by energy.
ESR_DB = {
    # The recording itself is -110.3 dB from double precision: an exact engine would score just that.
    "real_wavenet_a1_standard": -107,
    "real_wavenet": -110,
    "real_lstm": -100,
    # Its small size is an LSTM of three units; the recording is -101.5 dB from double precision there.
    "real_slimmable_container": -97,
}
OTHER_ESR_DB = -106

# Where the reference deliberately follows another rule than the default (README.md).
COMPAT = {"wavenet_no_layer1x1": "residual_without_layer1x1"}

# A size below a container's `max_value` selects the member.
SUBMODEL_QUALITY = {"0": 0.25, "1": 1.0}

Case = dict[str, Any]


def read(path: Path, frames: int) -> NDArray[np.float32]:
    """Return the first `frames` frames of a ``.npy``, channels before frames."""
    array = np.load(path)
    if array.dtype != np.float32:
        message = f"{path}: expected float32, found {array.dtype}"
        raise ValueError(message)
    return np.ascontiguousarray(array[:frames].T)


def write(name: str, array: NDArray[np.float32]) -> str:
    """Store an array under this folder and return its name."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    return name


def copy(source: Path, name: str) -> str:
    """Copy a file into this folder and return its name."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    return name


def dialect(name: str) -> str:
    """Return the format of a case's model file, which the prefix of its name tells."""
    formats = {"rtn": "rtneural", "aidax": "aidax", "proteus": "proteus", "coreaudioml": "proteus"}
    return formats.get(name.split("_", 1)[0], "nam")


def start(name: str) -> str:
    """Return what the reference did before the first frame."""
    if dialect(name) != "nam":
        return "zero_state"
    return "stored_state" if name.startswith("lstm_") else "prewarmed"


def synthetic_cases(folder: Path) -> list[Case]:
    """Store one case of the synthetic kind and return its entries: one for each model file and size."""
    name, meta = folder.name, json.loads((folder / "meta.json").read_text())
    model = json.loads(next(iter(folder.glob("model.*"))).read_text())
    stored: list[tuple[NDArray[np.float32], str]] = []

    def output(file: str) -> str:
        array = read(folder / file, SYNTHETIC_FRAMES)
        for other, there in stored:
            if np.array_equal(array, other):
                return there
        stored.append((array, write(f"{name}/{file.replace('slim', 'quality')}", array)))
        return stored[-1][1]

    parameters = folder / "cond.npy"
    base = {
        "name": name,
        "format": dialect(name),
        "architecture": meta.get("architecture") or model.get("model_data", {}).get("unit_type") or "Stack",
        "model": "",
        "input": "test_signal.npy",
        "parameters": write(f"{name}/parameters.npy", np.atleast_2d(read(parameters, SYNTHETIC_FRAMES)))
        if parameters.exists()
        else None,
        "start": start(name),
        "quality": None,
        "compat": COMPAT.get(name),
        "output": output("output.npy"),
        "tolerance": MAX_ABS,
    }
    files = sorted(folder.glob("model*.*"), key=lambda path: path.stem)
    cases = [
        base | {"name": path.stem.replace("model", name), "model": copy(path, f"{name}/{path.name}")}
        for path in files
    ]
    sizes = {float(size): file for size, file in meta.get("slimming", {}).items()}
    sizes |= {SUBMODEL_QUALITY[key]: member["file"] for key, member in meta.get("submodels", {}).items()}
    cases += [
        cases[0] | {"name": f"{name}_quality_{size:g}", "quality": size, "output": output(file)}
        for size, file in sorted(sizes.items())
    ]
    return cases


def guitar_case(folder: Path) -> Case:
    """Store one case of the real kind and return its entry."""
    meta = json.loads((folder / "meta.json").read_text())
    model = (folder / meta["model"]).resolve()
    kind = f"real_{model.stem}"
    name = kind if meta["slim"] is None else f"{kind}_quality_{meta['slim']:g}"
    return {
        "name": name,
        "format": "nam",
        "architecture": json.loads(model.read_text())["architecture"],
        "model": copy(model, f"models/{model.name}"),
        "input": "guitar.npy",
        "parameters": None,
        "start": "prewarmed",
        "quality": meta["slim"],
        "compat": None,
        "output": write(
            f"models/{name}.npy", read(folder / "output.npy", GUITAR_FRAMES.get(kind, OTHER_GUITAR_FRAMES))
        ),
        "tolerance": {"esr_db": ESR_DB.get(kind, OTHER_ESR_DB)},
    }


def main() -> None:
    """Read the source folder and write everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder with oracle/, models/ and audio/")
    source: Path = parser.parse_args().source

    folders = sorted(path.parent for path in source.glob("oracle/*/meta.json"))
    real = [folder for folder in folders if folder.name.startswith("real_")]
    synthetic = [folder for folder in folders if folder not in real]

    write("guitar.npy", read(real[0] / "input.npy", max(GUITAR_FRAMES.values())))
    write("test_signal.npy", read(synthetic[0] / "input.npy", SYNTHETIC_FRAMES))
    for folder in folders:
        first = real[0] if folder in real else synthetic[0]
        if not np.array_equal(np.load(folder / "input.npy"), np.load(first / "input.npy")):
            message = f"{folder.name} has an input of its own"
            raise ValueError(message)

    cases = [case for folder in synthetic for case in synthetic_cases(folder)]
    cases += [guitar_case(folder) for folder in real]
    rows = ",\n".join(f"  {json.dumps(case)}" for case in cases)
    (HERE / "index.json").write_text(f"[\n{rows}\n]\n")
    runpy.run_path(str(HERE / "make_legacy_film.py"), run_name="__main__")

    copy(source / "models" / "LICENSE.NeuralAmpModelerCore", "models/LICENSE.NeuralAmpModelerCore")
    copy(source / "audio" / "FluidR3_GM.LICENSE", "guitar.LICENSE.FluidR3_GM")


if __name__ == "__main__":
    main()
