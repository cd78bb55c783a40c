"""Play what is written as .nam with NAM's own trainer: ``python benches/play_with_trainer.py``.

Needs ``pip install neural-amp-modeler`` beside this package: too much for the tests. Every reference model
that can be written as .nam is, is loaded by the trainer, and plays a guitar; a line says how far its output
is from ours. Ends with status 1 where that is more than rounding.

The trainer's loader knows neither ConvNets nor containers nor a condition's network nor the inputs of knobs;
it wants ``head`` in the place of ``head_size`` and lists in the place of ``gated``, also in files of its own;
and its linear models have their taps the other way round. That is made up for here.
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neural_distortion as nd
import numpy as np
import torch
from nam.models._from_nam import init_from_nam

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests/data"
LARGEST_ESR_DB = -100.0
UNLIKE = ("wavenet_no_layer1x1", "wavenet_activations")
"""Where the trainer and the players disagree, and we side with the players."""


def files() -> Iterator[tuple[str, Path]]:
    """Return the names and places of the reference models and of those that ship."""
    seen = set()
    for case in json.loads((DATA / "index.json").read_text()):
        path = DATA / case["model"]
        if path not in seen:
            seen.add(path)
            yield case["name"], path
    for path in sorted((ROOT / "python/neural_distortion/models").glob("*.nam")):
        yield path.stem, path


def as_the_trainer_wants_it(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model in the keys that the trainer reads."""
    model = json.loads(json.dumps(model))
    config = model["config"]
    for array in config.get("layers", []):
        count = len(array["dilations"])
        if "head_size" in array:
            size, bias = array.pop("head_size"), array.pop("head_bias")
            array["head"] = {"out_channels": size, "kernel_size": 1, "bias": bias}
        if array.pop("gated", False):
            array["gating_mode"] = ["gated"] * count
            array["secondary_activation"] = ["Sigmoid"] * count
            array["activation"] = [array["activation"]] * count
    if model["architecture"] == "Linear":
        taps = config["receptive_field"]
        model["weights"] = model["weights"][:taps][::-1] + model["weights"][taps:]
    return model


def played(model: dict[str, Any], dry: np.ndarray) -> np.ndarray:
    """Return what the trainer makes of a signal."""
    network = init_from_nam(as_the_trainer_wants_it(model)).eval()
    with torch.no_grad():
        signal = torch.from_numpy(dry)
        if model["architecture"] != "LSTM":
            signal = torch.cat([torch.zeros(network.receptive_field - 1), signal])
        return np.asarray(network(signal, pad_start=False).squeeze(), np.float64)


def main() -> int:
    """Print a line for each model."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    dry = np.load(DATA / "guitar.npy")[40_000:48_000]
    status = 0
    for name, path in files():
        model = nd.load(path)
        with tempfile.TemporaryDirectory() as folder:
            try:
                model.save(Path(folder) / "model.nam", format="nam")
            except nd.ModelError as error:
                print(f"{name}: not as .nam: {error}")
                continue
            written = json.loads((Path(folder) / "model.nam").read_text())
        if written["architecture"] == "SlimmableContainer":
            written = written["config"]["submodels"][-1]["model"]
        ours = model(dry, model.sample_rate or 48_000.0)
        try:
            theirs = played(written, dry)
        except Exception as error:  # whatever it says to what it does not know
            print(f"{name}: the trainer does not load it: {type(error).__name__}: {error}"[:150])
            continue
        # A recurrent network starts from another silence there.
        start = 4_000 if written["architecture"] == "LSTM" else 0
        esr = 10 * np.log10(nd.analysis.esr(theirs[start:], ours[start:].astype(np.float64)))
        judged = "" if name in UNLIKE else "  too far" if esr > LARGEST_ESR_DB else ""
        status |= bool(judged)
        print(f"{name}: {esr:.1f} dB{judged}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
