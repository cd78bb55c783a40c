"""Models as ONNX graphs that play block by block: what a convolution remembers goes in and comes out."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]


class Graph:
    """A graph under construction, with signals of shape ``(1, channels, frames)``."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.states: list[tuple[str, str, tuple[int, ...]]] = []

    def constant(self, value: NDArray[Any]) -> str:
        """Return the name of a new constant."""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: object) -> list[str]:
        """Return the outputs of a new node."""
        names = [f"{operator.lower()}{len(self.nodes)}_{output}" for output in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def state(self, *shape: int) -> str:
        """Return a new input that `keep` gives its value for the next block."""
        name = f"state{len(self.states)}"
        self.states.append((name, "", shape))
        return name

    def keep(self, state: str, value: str) -> None:
        """Make `value` what the next block gets as `state`."""
        index = next(i for i, (name, _, _) in enumerate(self.states) if name == state)
        self.states[index] = (state, value, self.states[index][2])

    def conv(self, x: str, weight: Array, bias: Array | None = None, dilation: int = 1) -> str:
        """Return a causal convolution; `weight` is (outputs, inputs, taps) with the oldest tap first."""
        history = (weight.shape[2] - 1) * dilation
        if history:
            state = self.state(1, weight.shape[1], history)
            (x,) = self.add("Concat", state, x, axis=2)
            ends = [self.constant(np.array([end])) for end in (-history, np.iinfo(np.int64).max, 2)]
            self.keep(state, self.add("Slice", x, *ends)[0])
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        return self.add("Conv", *inputs, dilations=[dilation])[0]

    def model(self, output: str) -> onnx.ModelProto:
        """Return the model from `input` to `output`, then all states."""

        def value(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        inputs = [value("input", (1, 1, "frames")), *(value(name, shape) for name, _, shape in self.states)]
        outputs = [value(output, (1, 1, "frames")), *(value(kept, shape) for _, kept, shape in self.states)]
        graph = helper.make_graph(self.nodes, "model", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


class Weights:
    """A flat list of weights, taken off piece by piece."""

    def __init__(self, weights: list[float]) -> None:
        self.rest = np.array(weights, np.float32)

    def take(self, *shape: int) -> Array:
        """Return the next weights in that shape."""
        count = int(np.prod(shape))
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken.reshape(shape)


def export(model: dict[str, Any]) -> onnx.ModelProto:
    """Return the graph of a model file: a plain WaveNet, ConvNet, LSTM, GRU, Linear or perceptron."""
    graph = Graph()
    if "layer1_weights" in model:
        output = perceptron(graph, model)
    elif "state_dict" in model:
        output = gru(graph, model)
    else:
        weights = Weights(model["weights"])
        kinds = {"WaveNet": wavenet, "ConvNet": convnet, "LSTM": lstm, "Linear": linear}
        output = kinds[model["architecture"]](graph, model["config"], weights)
        if weights.rest.size:
            message = f"{weights.rest.size} weights are left over"
            raise ValueError(message)
    return graph.model(output)


def wavenet(graph: Graph, config: dict[str, Any], weights: Weights) -> str:
    """Return the output of a WaveNet without gates, groups and FiLM."""
    y, head = "input", None
    for array in config["layers"]:
        channels = array["channels"]
        y = graph.conv(y, weights.take(channels, array["input_size"], 1))
        layers = zip(array["kernel_sizes"], array["dilations"], array["activation"], strict=True)
        for kernel_size, dilation, activation in layers:
            weight, bias = weights.take(channels, channels, kernel_size), weights.take(channels)
            mixin = graph.conv("input", weights.take(channels, 1, 1))
            (z,) = graph.add("Add", graph.conv(y, weight, bias, dilation), mixin)
            if activation["type"] == "Tanh":
                (z,) = graph.add("Tanh", z)
            else:
                (z,) = graph.add("LeakyRelu", z, alpha=activation["negative_slope"])
            head = z if head is None else graph.add("Add", head, z)[0]
            residual = graph.conv(z, weights.take(channels, channels, 1), weights.take(channels))
            (y,) = graph.add("Add", y, residual)
        shape = array["head"]["out_channels"], channels, array["head"]["kernel_size"]
        weight = weights.take(*shape)
        assert head is not None
        head = graph.conv(head, weight, weights.take(shape[0]) if array["head"]["bias"] else None)
    assert head is not None
    return graph.add("Mul", head, graph.constant(weights.take(1)))[0]


def convnet(graph: Graph, config: dict[str, Any], weights: Weights) -> str:
    """Return the output of a ConvNet without batch normalisation and with tanh."""
    y, inputs, channels = "input", 1, config["channels"]
    for dilation in config["dilations"]:
        weight = weights.take(channels, inputs, 2)
        (y,) = graph.add("Tanh", graph.conv(y, weight, weights.take(channels), dilation))
        inputs = channels
    return graph.conv(y, weights.take(1, channels, 1), weights.take(1))


def linear(graph: Graph, config: dict[str, Any], weights: Weights) -> str:
    """Return an impulse response's output; the file has the newest tap first."""
    return graph.conv("input", weights.take(1, 1, config["receptive_field"])[:, :, ::-1].copy())


def perceptron(graph: Graph, model: dict[str, Any]) -> str:
    """Return the output of two dense layers with tanh between them."""
    layer1, bias1, layer2, bias2 = (
        np.array(model[key], np.float32)
        for key in ("layer1_weights", "layer1_bias", "layer2_weights", "layer2_bias")
    )
    (hidden,) = graph.add("Tanh", graph.conv("input", layer1[:, None, None], bias1))
    return graph.conv(hidden, layer2[None, :, None], bias2)


def lstm(graph: Graph, config: dict[str, Any], weights: Weights) -> str:
    """Return the output of a stack of LSTMs that start from their stored states, here zero."""
    hidden = config["hidden_size"]
    (y,) = graph.add("Transpose", "input", perm=[2, 0, 1])
    inputs = 1
    for _ in range(config["num_layers"]):
        matrix = weights.take(4, hidden, inputs + hidden)[[0, 3, 1, 2]].reshape(4 * hidden, -1)
        bias = weights.take(4, hidden)[[0, 3, 1, 2]].reshape(-1)
        weights.take(2 * hidden)
        y = recur(graph, "LSTM", y, matrix[:, :inputs], matrix[:, inputs:], np.append(bias, 0 * bias), 2)
        inputs = hidden
    return project(graph, y, weights.take(1, hidden), weights.take(1))


def gru(graph: Graph, model: dict[str, Any]) -> str:
    """Return the output of a GRU; ONNX wants the gates z, r, n, the file has r, z, n."""
    hidden = model["model_data"]["hidden_size"]
    weights = {key: np.array(value, np.float32) for key, value in model["state_dict"].items()}

    def gates(key: str) -> Array:
        return weights[f"rec.{key}_l0"].reshape(3, hidden, -1)[[1, 0, 2]].reshape(3 * hidden, -1)

    (y,) = graph.add("Transpose", "input", perm=[2, 0, 1])
    bias = np.append(gates("bias_ih"), gates("bias_hh"))
    y = recur(graph, "GRU", y, gates("weight_ih"), gates("weight_hh"), bias, 1, linear_before_reset=1)
    return project(graph, y, weights["lin.weight"], weights["lin.bias"])


def recur(
    graph: Graph,
    kind: str,
    x: str,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array,
    states: int,
    **attributes: int,
) -> str:
    """Return the output ``(frames, 1, hidden_size)`` of a recurrent layer with that many states."""
    hidden = weight_hh.shape[1]
    constants = [graph.constant(np.ascontiguousarray(value)[None]) for value in (weight_ih, weight_hh, bias)]
    before = [graph.state(1, 1, hidden) for _ in range(states)]
    y, *after = graph.add(
        kind, x, *constants, "", *before, outputs=1 + states, hidden_size=hidden, **attributes
    )
    for state, value in zip(before, after, strict=True):
        graph.keep(state, value)
    return graph.add("Squeeze", y, graph.constant(np.array([1])))[0]


def project(graph: Graph, y: str, weight: Array, bias: Array) -> str:
    """Return a dense layer on ``(frames, 1, hidden_size)`` as ``(1, 1, frames)``."""
    (y,) = graph.add("MatMul", y, graph.constant(np.ascontiguousarray(weight.T)))
    (y,) = graph.add("Add", y, graph.constant(bias))
    return graph.add("Transpose", y, perm=[1, 2, 0])[0]
