"""The networks in PyTorch: each computes what the engine makes of the model file that it describes.

All take audio, and knobs as further channels, in blocks: ``network(x, state)`` returns the output and the
state that the next block goes on from.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from neural_distortion.model import ModelError
from neural_distortion.training.architecture import Description, describe_perceptron
from neural_distortion.training.perceptron import Dense, Perceptron

State = Any
"""What a network remembers between two blocks."""

_NAM_PREWARM_S = 0.5
_AIDAX_PREWARM_FRAMES = 2048


class Network(nn.Module, ABC):
    """A network that can be trained and written.

    Parameters
    ----------
    description : Description
        The model file without its weights.
    gain : float > 0
        Level of the output: what comes before it is near 1. It goes into the weights that are written.

    Attributes
    ----------
    context : int
        How many frames before a sample, at least, it takes to compute it; 0 for a recurrent network.
    outputs : int
        How many sizes of the model it computes at once.
    """

    context = 0
    outputs = 1

    def __init__(self, description: Description, gain: float) -> None:
        super().__init__()
        self.description = description
        self.gain = gain

    @abstractmethod
    def start(self, batch: int) -> State:
        """Return the state of zeros, of so many signals."""

    @abstractmethod
    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output [shape=(batch, outputs, frames)] and the state after it.

        Parameters
        ----------
        x : Tensor [shape=(batch, 1 + knobs, frames)]
            Audio and knobs.
        state
            Where to start from.
        """

    @abstractmethod
    def describe(self) -> Description:
        """Return the model file with the weights as they are, and no sample rate."""

    def restore(self, description: Description) -> None:
        """Take over the weights of a model file: what :meth:`describe` wrote.

        Raises
        ------
        ModelError
            If it has another number of weights: a part that this network lacks.
        """
        _fill(self.tensors(), description["weights"])

    def tensors(self) -> list[Tensor]:
        """Return the weights in the order of the file."""
        raise NotImplementedError

    def warm_up(self, x: Tensor) -> State:
        """Return the state after a signal, without a gradient."""
        with torch.no_grad():
            return self(x, self.start(len(x)))[1]

    def silence(self, sample_rate: float) -> int:
        """Return the frames of silence that the engine plays before the first sample."""
        del sample_rate
        return 0

    def rest(self, sample_rate: float, x: Tensor) -> State:
        """Return the state in which the engine starts to play ``x``: after silence, with its knobs."""
        silence = x[..., :1].repeat(1, 1, self.silence(sample_rate))
        silence[:, 0] = 0
        return self.warm_up(silence)


class Recurrent(Network):
    """A recurrent layer, and a dense one behind it."""

    def __init__(self, description: Description, gain: float, layer: nn.Module, hidden_size: int) -> None:
        super().__init__(description, gain)
        self.layer = layer
        self.head = nn.Linear(hidden_size, 1)

    def start(self, batch: int) -> State:
        """Return no state, which PyTorch takes for zeros."""
        del batch

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output and the hidden state, which passes no gradient on."""
        if not x.shape[-1]:
            return x[:, :1], state
        hidden, state = self.layer(x.permute(2, 0, 1), state)
        y = self.gain * self.head(hidden).permute(1, 2, 0)
        return y, (tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach())


class Lstm(Recurrent):
    """The ``LSTM`` of ``.nam``."""

    def __init__(self, description: Description, gain: float) -> None:
        config = description["config"]
        hidden_size = config["hidden_size"]
        layer = nn.LSTM(config["input_size"], hidden_size, config["num_layers"])
        super().__init__(description, gain, layer, hidden_size)

    def silence(self, sample_rate: float) -> int:
        """Return half a second."""
        return int(_NAM_PREWARM_S * sample_rate)

    def describe(self) -> Description:
        """Return the file: for each layer ``[W_ih W_hh]``, the bias and the first state; then the head."""
        weights: list[Tensor] = []
        for index in range(self.layer.num_layers):
            ih, hh, bias_ih, bias_hh = (
                getattr(self.layer, f"{name}_l{index}")
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            state = torch.zeros(2 * self.layer.hidden_size)
            weights += [torch.cat([ih, hh], dim=1), bias_ih + bias_hh, state]
        weights += [self.gain * self.head.weight, self.gain * self.head.bias]
        return {**self.description, "weights": _flat(weights)}

    def restore(self, description: Description) -> None:
        """Take over the weights; the states that the file starts from are those of its own silence."""
        weights: list[Tensor] = []
        for index in range(self.layer.num_layers):
            ih, hh = (getattr(self.layer, f"{name}_l{index}") for name in ("weight_ih", "weight_hh"))
            weights += [torch.empty(len(ih), ih.shape[1] + hh.shape[1]), torch.empty(len(ih))]
            weights.append(torch.empty(2 * self.layer.hidden_size))
        _fill([*weights, self.head.weight, self.head.bias], description["weights"])
        with torch.no_grad():
            for index in range(self.layer.num_layers):
                matrix, bias, _ = weights[3 * index :][:3]
                inputs = matrix.shape[1] - self.layer.hidden_size
                getattr(self.layer, f"weight_ih_l{index}").copy_(matrix[:, :inputs])
                getattr(self.layer, f"weight_hh_l{index}").copy_(matrix[:, inputs:])
                getattr(self.layer, f"bias_ih_l{index}").copy_(bias)
                getattr(self.layer, f"bias_hh_l{index}").zero_()


class Gru(Recurrent):
    """The GRU of AIDA-X, whose matrices are transposed and whose gates are z, r, h."""

    def __init__(self, description: Description, gain: float) -> None:
        inputs = description["in_shape"][-1]
        hidden_size = description["layers"][0]["shape"][-1]
        super().__init__(description, gain, nn.GRU(inputs, hidden_size), hidden_size)

    def silence(self, sample_rate: float) -> int:
        """Return AIDA-X's number of frames."""
        del sample_rate
        return _AIDAX_PREWARM_FRAMES

    def describe(self) -> Description:
        """Return the file."""
        matrices = [_swapped(self.layer.weight_ih_l0).T, _swapped(self.layer.weight_hh_l0).T]
        biases = torch.stack([_swapped(self.layer.bias_ih_l0), _swapped(self.layer.bias_hh_l0)])
        head = [self.gain * self.head.weight.T, self.gain * self.head.bias]
        filled = copy.deepcopy(self.description)
        for layer, weights in zip(filled["layers"], ([*matrices, biases], head), strict=True):
            layer["weights"] = [_nested(matrix) for matrix in weights]
        return filled

    def restore(self, description: Description) -> None:
        """Take over the weights."""
        (ih, hh, biases), (weight, bias) = (layer["weights"] for layer in description["layers"])
        given = [_swapped(torch.tensor(matrix).T) for matrix in (ih, hh)]
        given += [_swapped(torch.tensor(row)) for row in biases]
        given += [torch.tensor(weight).T, torch.tensor(bias)]
        own = [getattr(self.layer, f"{n}_l0") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        with torch.no_grad():
            for tensor, values in zip([*own, self.head.weight, self.head.bias], given, strict=True):
                tensor.copy_(values)


class FeedForward(Network):
    """A network of convolutions; its state is the end of its input."""

    def __init__(self, description: Description, gain: float, channels: int) -> None:
        super().__init__(description, gain)
        self.channels = channels

    def start(self, batch: int) -> State:
        """Return silence."""
        return next(self.parameters()).new_zeros((batch, self.channels, self.context))

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output and the end of the input."""
        x = torch.cat([state, x], dim=-1)
        return self.convolve(x), self._end(x)

    def warm_up(self, x: Tensor) -> State:
        """Return the end of the signal: nothing before it counts."""
        return self._end(torch.cat([self.start(len(x)), x], dim=-1))

    def silence(self, sample_rate: float) -> int:
        """Return the context: the engine starts from what silence leads to."""
        del sample_rate
        return self.context

    def _end(self, x: Tensor) -> Tensor:
        return x[..., x.shape[-1] - self.context :]

    @abstractmethod
    def convolve(self, x: Tensor) -> Tensor:
        """Return the output of an input that is longer by the context."""


class ConvNet(FeedForward):
    """The ``ConvNet`` of ``.nam``, without batch normalisation."""

    def __init__(self, description: Description, gain: float) -> None:
        config = description["config"]
        inputs, channels = config.get("in_channels", 1), config["channels"]
        super().__init__(description, gain, inputs)
        self.layers = nn.ModuleList(
            nn.Conv1d(channels if index else inputs, channels, 2, dilation=dilation)
            for index, dilation in enumerate(config["dilations"])
        )
        self.activation = _activation(config["activation"])
        self.head = nn.Conv1d(channels, 1, 1)
        self.context = sum(config["dilations"])

    def convolve(self, x: Tensor) -> Tensor:
        """Return the output."""
        for layer in self.layers:
            x = self.activation(layer(x))
        return self.gain * self.head(x)

    def describe(self) -> Description:
        """Return the file: each convolution and its bias, then the head."""
        *weights, head, bias = self.tensors()
        return {**self.description, "weights": _flat([*weights, self.gain * head, self.gain * bias])}

    def tensors(self) -> list[Tensor]:
        """Return the weights in the order of the file."""
        return [tensor for layer in [*self.layers, self.head] for tensor in (layer.weight, layer.bias)]


class Mlp(FeedForward):
    """A perceptron."""

    def __init__(self, perceptron: Perceptron) -> None:
        super().__init__(describe_perceptron(perceptron), 1.0, 1)
        self.layers = nn.ModuleList(
            nn.Conv1d(layer.weight.shape[1], layer.weight.shape[0], 1) for layer in perceptron.layers
        )
        with torch.no_grad():
            for layer, (weight, bias) in zip(self.layers, perceptron.layers, strict=True):
                layer.weight.copy_(torch.from_numpy(weight)[..., None])
                layer.bias.copy_(torch.from_numpy(bias))

    def convolve(self, x: Tensor) -> Tensor:
        """Return the output."""
        *hidden, last = self.layers
        for layer in hidden:
            x = torch.tanh(layer(x))
        return last(x)

    def describe(self) -> Description:
        """Return the file of the perceptron."""
        return describe_perceptron(self.perceptron())

    def perceptron(self) -> Perceptron:
        """Return the perceptron with the weights as they are."""
        arrays = ((layer.weight[..., 0], layer.bias) for layer in self.layers)
        return Perceptron(
            tuple(Dense(*(tensor.detach().cpu().numpy().copy() for tensor in layer)) for layer in arrays)
        )


class WaveNet(FeedForward):
    """The ``WaveNet`` of ``.nam``: layer arrays without gates."""

    def __init__(self, description: Description, gain: float) -> None:
        config = description["config"]
        super().__init__(description, gain, config.get("in_channels", 1))
        self.arrays = nn.ModuleList(_LayerArray(array) for array in config["layers"])
        self.head_scale = config["head_scale"] * gain
        self.context = sum(array.context for array in self.arrays)

    def convolve(self, x: Tensor) -> Tensor:
        """Return the output."""
        y, head = x, None
        for array in self.arrays:
            y, head = array(y, x, head)
        return self.head_scale * head

    def describe(self) -> Description:
        """Return the file: array by array, then the scale of the head."""
        numbers = _flat([*self.tensors(), torch.tensor([self.head_scale])])
        config = {**self.description["config"], "head_scale": numbers[-1]}
        return {**self.description, "config": config, "weights": numbers}

    def restore(self, description: Description) -> None:
        """Take over the weights, of which the last is the scale of the head."""
        *weights, self.head_scale = description["weights"]
        _fill(self.tensors(), weights)

    def tensors(self) -> list[Tensor]:
        """Return the weights in the order of the file, but for the scale of the head."""
        return [tensor for array in self.arrays for tensor in array.tensors()]


class _LayerArray(nn.Module):
    """Layers of one width, and the convolution that gathers what each of them adds."""

    def __init__(self, config: Description) -> None:
        super().__init__()
        inputs, condition, channels = (config[key] for key in ("input_size", "condition_size", "channels"))
        dilations = config["dilations"]
        sizes = config.get("kernel_sizes") or [config["kernel_size"]] * len(dilations)
        self.rechannel = nn.Conv1d(inputs, channels, 1, bias=False)
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {
                    "conv": nn.Conv1d(channels, channels, size, dilation=dilation),
                    "mixin": nn.Conv1d(condition, channels, 1, bias=False),
                    "layer1x1": nn.Conv1d(channels, channels, 1),
                }
            )
            for size, dilation in zip(sizes, dilations, strict=True)
        )
        head = config.get("head") or {
            "out_channels": config["head_size"],
            "kernel_size": 1,
            "bias": config["head_bias"],
        }
        self.head = nn.Conv1d(channels, head["out_channels"], head["kernel_size"], bias=head["bias"])
        self.activation = _activation(config["activation"])
        self.context = head["kernel_size"] - 1
        self.context += sum(d * (size - 1) for d, size in zip(dilations, sizes, strict=True))

    def forward(self, y: Tensor, condition: Tensor, head: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what goes on to the next array, and the head so far; both end with the input."""
        y = self.rechannel(y)
        for layer in self.layers:
            z = layer["conv"](y)
            frames = z.shape[-1]
            z = self.activation(z + layer["mixin"](_last(condition, frames)))
            head = z if head is None else _last(head, frames) + z
            y = _last(y, frames) + layer["layer1x1"](z)
        return y, self.head(head)

    def tensors(self) -> Iterator[Tensor]:
        """Yield the weights in the order of the file."""
        convs = [self.rechannel]
        for layer in self.layers:
            convs += [layer["conv"], layer["mixin"], layer["layer1x1"]]
        for conv in [*convs, self.head]:
            yield conv.weight
            if conv.bias is not None:
                yield conv.bias


class Packed(Network):
    """The ``SlimmableContainer`` of ``.nam``: one model in several sizes, which are trained side by side."""

    def __init__(self, description: Description, gain: float) -> None:
        super().__init__(description, gain)
        members = [member["model"] for member in description["config"]["submodels"]]
        self.members = nn.ModuleList(build(model, gain) for model in members)
        self.outputs = len(members)
        self.context = max(member.context for member in self.members)

    def start(self, batch: int) -> State:
        """Return the state of each member."""
        return tuple(member.start(batch) for member in self.members)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the output of each member, the smallest first."""
        outputs, states = zip(
            *(member(x, part) for member, part in zip(self.members, state, strict=True)), strict=True
        )
        return torch.cat(outputs, dim=1), states

    def silence(self, sample_rate: float) -> int:
        """Return the longest of the members'."""
        return max(int(member.silence(sample_rate)) for member in self.members)

    def describe(self) -> Description:
        """Return the file, with a complete model for each size."""
        sizes = self.description["config"]["submodels"]
        members = [
            {**size, "model": member.describe()} for size, member in zip(sizes, self.members, strict=True)
        ]
        return {**self.description, "config": {"submodels": members}}

    def restore(self, description: Description) -> None:
        """Take over the weights of each size."""
        for member, size in zip(self.members, description["config"]["submodels"], strict=True):
            member.restore(size["model"])


def build(description: Description, gain: float) -> Network:
    """Return the network of a model file without weights, with random ones.

    Parameters
    ----------
    description, gain
        As for :class:`Network`.
    """
    kinds = {"LSTM": Lstm, "WaveNet": WaveNet, "ConvNet": ConvNet, "SlimmableContainer": Packed}
    kind: type[Lstm | Gru | WaveNet | ConvNet | Packed] = kinds.get(description.get("architecture", ""), Gru)
    return kind(description, gain)


def restore(description: Description) -> Network:
    """Return the network of a model file, with its weights.

    Raises
    ------
    ModelError
        If it holds a network, or a part of one, that is not trained here.
    """
    kind = description.get("architecture", "GRU")
    if "architecture" not in description:
        layers = [layer["type"] for layer in description["layers"]]
        if layers != ["gru", "dense"] or description["in_skip"]:
            _refuse(f"the layers {', '.join(layers)}")
    elif kind not in ("LSTM", "WaveNet", "ConvNet", "SlimmableContainer"):
        _refuse(f"the architecture {kind}")
    network = build(description, gain=1.0)
    network.restore(description)
    return network


def _fill(tensors: list[Tensor], weights: list[float]) -> None:
    """Take over the numbers of a file, in their order."""
    expected = sum(tensor.numel() for tensor in tensors)
    if expected != len(weights):
        _refuse(f"{len(weights)} weights instead of {expected}: gates, groups or the like")
    numbers = torch.tensor(weights)
    with torch.no_grad():
        for tensor, values in zip(tensors, numbers.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(values.view_as(tensor))


def _refuse(found: str) -> NoReturn:
    """Raise the error of a network that is not trained here."""
    message = f"no network that can be trained has {found}"
    raise ModelError(message, kind="unsupported_feature", found=found)


def _activation(config: Any) -> nn.Module:  # noqa: ANN401 - what a file has
    """Return the activation of a configuration: one for all layers, or one for each, which must be alike."""
    if isinstance(config, list):
        if any(other != config[0] for other in config):
            _refuse("layers of different activations")
        config = config[0] if config else None
    plain = {"Tanh": nn.Tanh, "ReLU": nn.ReLU, "Sigmoid": nn.Sigmoid}
    if isinstance(config, str) and config in plain:
        return plain[config]()
    if isinstance(config, dict) and config["type"] == "LeakyReLU":
        return nn.LeakyReLU(config["negative_slope"])
    _refuse(f"the activation {config}")


def _swapped(gates: Tensor) -> Tensor:
    """Return the gates of a GRU in the other order: r, z, h, or z, r, h."""
    first, second, new = gates.chunk(3)
    return torch.cat([second, first, new])


def _last(x: Tensor, frames: int) -> Tensor:
    """Return the end of a signal."""
    return x[..., x.shape[-1] - frames :]


def _flat(tensors: Iterable[Tensor]) -> list[float]:
    """Return all numbers, in the order in which they lie in memory."""
    return [number for tensor in tensors for number in _decimals(tensor.reshape(-1))]


def _nested(tensor: Tensor) -> list[Any]:
    """Return the numbers of a vector or of a matrix, row by row."""
    return _decimals(tensor) if tensor.ndim == 1 else [_decimals(row) for row in tensor]


def _decimals(vector: Tensor) -> list[float]:
    """Return the shortest decimals that are read back as the same float32 values."""
    return [float(str(value)) for value in vector.detach().cpu().numpy()]
