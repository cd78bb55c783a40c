"""The forms in which a perceptron is written: two model files, a C++ header and a Rust module."""

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neural_distortion._typing import PathLike
from neural_distortion.training.perceptron import Perceptron

Dialect = Literal["mlp", "rtneural", "cpp", "rust"]


def export(model: Perceptron | PathLike, path: PathLike, *, to: Dialect | None = None) -> None:
    """Write a perceptron in one of four forms.

    Parameters
    ----------
    model : Perceptron or path-like
        The perceptron, or a model file that holds one.
    path : path-like
        Where to.
    to : {"mlp", "rtneural", "cpp", "rust"}, optional
        ``"mlp"`` is the flat JSON of a 1-H-1 perceptron (``layer1_weights``, ``layer1_bias``, …),
        ``"rtneural"`` the JSON of RTNeural, ``"cpp"`` a C++17 header and ``"rust"`` a Rust module. The last
        two have the weights compiled in, need the standard library alone and do not allocate. If missing, the
        ending of `path` decides: ``.h``, ``.hh`` and ``.hpp``, ``.rs``, and ``.json``, which is ``"mlp"``
        where that can hold the perceptron.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    ValueError
        If the model is not a perceptron, or the form cannot hold it, or the ending is none of these.
    """
    perceptron = model if isinstance(model, Perceptron) else Perceptron.read(model)
    target = Path(path)
    dialect = to or _dialect(target, perceptron)
    if dialect not in _WRITERS:
        msg = f"expected one of {get_args(Dialect)}, got {dialect!r}"
        raise ValueError(msg)
    target.write_text(_WRITERS[dialect](perceptron, target.stem), encoding="utf-8")


def _dialect(path: Path, perceptron: Perceptron) -> Dialect:
    """Return the form that the ending of a path stands for."""
    match path.suffix.lower():
        case ".json":
            return "mlp" if len(perceptron.hidden) == 1 else "rtneural"
        case ".h" | ".hh" | ".hpp":
            return "cpp"
        case ".rs":
            return "rust"
        case suffix:
            msg = f"the ending {suffix!r} says no form: expected .json, .h, .hh, .hpp or .rs"
            raise ValueError(msg)


def _mlp(perceptron: Perceptron, _: str) -> str:
    """Return the flat JSON."""
    if len(perceptron.hidden) != 1:
        msg = f"this JSON holds one hidden layer, not {len(perceptron.hidden)}: write RTNeural's instead"
        raise ValueError(msg)
    lines = [
        f'  "layer{number}_{name}": {json.dumps(_numbers(values))}'
        for number, layer in enumerate(perceptron.layers, start=1)
        for name, values in (("weights", layer.weight), ("bias", layer.bias))
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rtneural(perceptron: Perceptron, _: str) -> str:
    """Return RTNeural's JSON, whose matrices are transposed."""
    layers = [
        {
            "type": "dense",
            "activation": "tanh" if number < len(perceptron.layers) else "",
            "shape": [None, None, len(bias)],
            "weights": [[_numbers(column) for column in weight.T], _numbers(bias)],
        }
        for number, (weight, bias) in enumerate(perceptron.layers, start=1)
    ]
    return json.dumps({"in_shape": [None, None, 1], "layers": layers}) + "\n"


def _cpp(perceptron: Perceptron, name: str) -> str:
    """Return a C++17 header."""
    constants, calls = [], []
    for number, (weight, bias) in enumerate(perceptron.layers, start=1):
        outputs, inputs = weight.shape
        constants.append(
            f"inline constexpr float layer{number}_weights[{outputs}][{inputs}] = {{\n"
            + "".join(f"    {{{_row(row, 'f', indent=5)}}},\n" for row in weight)
            + f"}};\ninline constexpr float layer{number}_bias[{outputs}] = {{\n"
            + f"    {_row(bias, 'f', indent=4)},\n}};\n"
        )
        activation = "tanh" if number < len(perceptron.layers) else "identity"
        calls.append(
            f"    float x{number}[{outputs}];\n"
            f"    dense<{activation}>(layer{number}_weights, layer{number}_bias, x{number - 1}, x{number});\n"
        )
    return _CPP.format(
        title=_title(perceptron, name),
        namespace="model_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"),
        constants="\n".join(constants),
        calls="".join(calls),
        last=len(perceptron.layers),
    )


def _rust(perceptron: Perceptron, name: str) -> str:
    """Return a Rust module."""
    constants, calls = [], []
    for number, (weight, bias) in enumerate(perceptron.layers, start=1):
        outputs, inputs = weight.shape
        constants.append(
            f"#[rustfmt::skip]\nstatic LAYER{number}_WEIGHTS: [[f32; {inputs}]; {outputs}] = [\n"
            + "".join(f"    [{_row(row, '', indent=5)}],\n" for row in weight)
            + f"];\n#[rustfmt::skip]\nstatic LAYER{number}_BIAS: [f32; {outputs}] = [\n"
            + f"    {_row(bias, '', indent=4)},\n];\n"
        )
        activation = ".map(f32::tanh)" if number < len(perceptron.layers) else ""
        calls.append(
            f"    let x{number} = "
            f"dense(&LAYER{number}_WEIGHTS, &LAYER{number}_BIAS, &x{number - 1}){activation};\n"
        )
    return _RUST.format(
        title=_title(perceptron, name),
        constants="\n".join(constants),
        calls="".join(calls),
        last=len(perceptron.layers),
    )


def _title(perceptron: Perceptron, name: str) -> str:
    """Return what a source file holds, for its first line."""
    widths = "-".join(str(width) for width in (1, *perceptron.hidden, 1))
    return f"{name}: a {widths} tanh perceptron of {perceptron.num_parameters} parameters"


def _numbers(values: NDArray[np.float32]) -> list[float]:
    """Return the shortest decimals that are read back as the same float32 values."""
    return [float(str(value)) for value in values.ravel()]


def _row(values: NDArray[np.float32], suffix: str, *, indent: int) -> str:
    """Return the values as literals, wrapped for the inside of an array."""
    text = " " * indent + ", ".join(f"{value!s}{suffix}" for value in values)
    return textwrap.fill(text, width=100, subsequent_indent=" " * indent).lstrip()


_CPP = """\
// {title}.
// Written by neural-distortion. A static curve: it has no state, and any sample rate will do.

#pragma once

#include <cmath>
#include <cstddef>

namespace {namespace} {{

// Weights are [output][input].
{constants}
inline float tanh(float x) noexcept {{ return std::tanh(x); }}
inline float identity(float x) noexcept {{ return x; }}

// y = activation(weights * x + bias)
template <float (*activation)(float) noexcept, std::size_t outputs, std::size_t inputs>
void dense(const float (&weights)[outputs][inputs], const float (&bias)[outputs], const float (&x)[inputs],
           float (&y)[outputs]) noexcept {{
    for (std::size_t o = 0; o < outputs; ++o) {{
        float sum = bias[o];
        for (std::size_t i = 0; i < inputs; ++i) {{
            sum += weights[o][i] * x[i];
        }}
        y[o] = activation(sum);
    }}
}}

// One output sample from one input sample.
inline float process_sample(float input) noexcept {{
    const float x0[1] = {{input}};
{calls}    return x{last}[0];
}}

// Writes `frames` samples; `output` may be `input`.
inline void process(const float* input, float* output, std::size_t frames) noexcept {{
    for (std::size_t n = 0; n < frames; ++n) {{
        output[n] = process_sample(input[n]);
    }}
}}

}}  // namespace {namespace}
"""

_RUST = """\
//! {title}.
//!
//! Written by neural-distortion. A static curve: it has no state, and any sample rate will do.

// Weights are [output][input].
{constants}
/// `weights * x + bias`
fn dense<const I: usize, const O: usize>(
    weights: &[[f32; I]; O],
    bias: &[f32; O],
    x: &[f32; I],
) -> [f32; O] {{
    std::array::from_fn(|o| {{
        let products = weights[o].iter().zip(x).map(|(w, x)| w * x);
        products.fold(bias[o], |sum, product| sum + product)
    }})
}}

/// One output sample from one input sample.
pub fn process_sample(input: f32) -> f32 {{
    let x0 = [input];
{calls}    x{last}[0]
}}

/// Writes one output sample for each input sample.
///
/// # Panics
///
/// If the slices differ in length.
pub fn process(input: &[f32], output: &mut [f32]) {{
    assert_eq!(input.len(), output.len(), "lengths differ");
    for (x, y) in input.iter().zip(output) {{
        *y = process_sample(*x);
    }}
}}
"""

_WRITERS: dict[str, Callable[[Perceptron, str], str]] = {
    "mlp": _mlp,
    "rtneural": _rtneural,
    "cpp": _cpp,
    "rust": _rust,
}
