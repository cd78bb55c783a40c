"""Python's engines behind the line protocol of ``nd-bench``: ``peer.py torch|onnx INPUT``.

PyTorch takes the signal as a whole, as neural-amp-modeler does when it trains and renders: played block by
block it would compute a receptive field again for each block. ONNX Runtime plays block by block, with the
past of each convolution as a tensor that goes in and comes out. Both get one thread.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]


class Engine(Protocol):
    """An engine with a model."""

    takes: str

    def play(self, audio: Audio, block: int) -> Audio:
        """Return what the model makes of the audio."""


def version(*packages: str) -> str:
    """Return the names and versions of installed packages."""
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)


class Torch:
    """PyTorch, with neural-amp-modeler's networks where it has them."""

    takes = "whole"
    version = staticmethod(lambda: version("torch", "neural-amp-modeler"))

    def __init__(self, model: dict[str, Any]) -> None:
        import torch

        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.torch = torch
        with torch.inference_mode():
            self.net: Callable[[Any], Any] = self._net(model)

    def _net(self, model: dict[str, Any]) -> Callable[[Any], Any]:
        from torch import nn

        tensor = self.torch.tensor
        if "layer1_weights" in model:
            net = nn.Sequential(
                nn.Linear(1, len(model["layer1_bias"])), nn.Tanh(), nn.Linear(len(model["layer1_bias"]), 1)
            )
            net[0].weight.data = tensor(model["layer1_weights"])[:, None]
            net[0].bias.data = tensor(model["layer1_bias"])
            net[2].weight.data = tensor(model["layer2_weights"])[None]
            net[2].bias.data = tensor(model["layer2_bias"])
            return lambda x: net(x[:, None])[:, 0]
        if "state_dict" in model:
            recurrent = nn.GRU(1, model["model_data"]["hidden_size"])
            dense = nn.Linear(model["model_data"]["hidden_size"], 1)
            for key, value in model["state_dict"].items():
                module, name = key.split(".")
                getattr({"rec": recurrent, "lin": dense}[module], name).data = tensor(value)
            return lambda x: dense(recurrent(x[:, None])[0])[:, 0]
        if model["architecture"] == "ConvNet":
            return self._convnet(model)
        from nam.models import init_from_nam

        if model["architecture"] == "Linear":
            model["weights"] = model["weights"][::-1]  # this release has the oldest tap first
        net = init_from_nam(model).eval()
        return lambda x: net(x, pad_start=True)

    def _convnet(self, model: dict[str, Any]) -> Callable[[Any], Any]:
        from torch import nn

        channels, weights = model["config"]["channels"], self.torch.tensor(model["weights"])
        layers: list[Any] = []
        inputs = 1
        for dilation in model["config"]["dilations"]:
            conv = nn.Conv1d(inputs, channels, 2, dilation=dilation)
            sizes = [conv.weight.numel(), channels]
            conv.weight.data, conv.bias.data, weights = weights.split([*sizes, len(weights) - sum(sizes)])
            conv.weight.data = conv.weight.data.view(channels, inputs, 2)
            layers += [nn.ConstantPad1d((dilation, 0), 0.0), conv, nn.Tanh()]
            inputs = channels
        head = nn.Conv1d(channels, 1, 1)
        head.weight.data, head.bias.data = weights[:channels].view(1, channels, 1), weights[channels:]
        net = nn.Sequential(*layers, head)
        return lambda x: net(x[None, None])[0, 0]

    def play(self, audio: Audio, block: int) -> Audio:  # noqa: ARG002 - it takes the audio as a whole
        """Return what the model makes of the audio."""
        with self.torch.inference_mode():
            output: Audio = self.net(self.torch.from_numpy(audio)).numpy()
        return output


class Onnx:
    """ONNX Runtime on a graph with the same layers."""

    takes = "blocks"
    version = staticmethod(lambda: version("onnxruntime"))

    def __init__(self, model: dict[str, Any]) -> None:
        import onnxruntime
        from onnx_graph import export

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        graph = export(model).SerializeToString()
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.names = [node.name for node in self.session.get_inputs()]
        self.outputs = [node.name for node in self.session.get_outputs()]
        self.states = [np.zeros(node.shape, np.float32) for node in self.session.get_inputs()[1:]]

    def play(self, audio: Audio, block: int) -> Audio:
        """Return what the model makes of the audio, block by block."""
        output = np.empty_like(audio)
        for start in range(0, len(audio), block):
            x = audio[None, None, start : start + block]
            feed = dict(zip(self.names, [x, *self.states], strict=True))
            y, *self.states = self.session.run(self.outputs, feed)
            output[start : start + block] = y[0, 0]
        return output


def main() -> None:
    """Answer commands until there are no more."""
    kind: type[Torch | Onnx] = {"torch": Torch, "onnx": Onnx}[sys.argv[1]]
    path = Path(sys.argv[2])
    audio = np.fromfile(path, np.float32)
    engine: Engine | None = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "version":
            answer = kind.version()
        elif command == "load":
            engine = kind(json.loads(Path(argument).read_bytes()))
            answer = engine.takes
        elif engine is None:
            message = f"{command!r} before a model was loaded"
            raise ValueError(message)
        elif command == "render":
            answer = f"{path}.{sys.argv[1]}"
            engine.play(audio, len(audio)).tofile(answer)
        else:
            start = time.perf_counter()
            engine.play(audio, int(argument))
            answer = str((time.perf_counter() - start) * 1e9 / len(audio))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
