"""What a perceptron is written as, read by the engine and by compilers."""

import itertools
import shutil
import subprocess
from pathlib import Path

import neural_distortion as nd
import numpy as np
import pytest
from neural_distortion import training
from neural_distortion._typing import Audio
from numpy.typing import NDArray

TOLERANCE = 1e-6
"""Of sums of a few dozen float32 products around 1, in any order."""

SHAPES = [(16,), (1,), (7, 5), (4, 3, 2)]

CPP_DRIVER = """
#include "weights.hpp"
#include <cstdio>

int main() {
    float input[256], output[256];
    std::size_t frames;
    while ((frames = std::fread(input, sizeof(float), 256, stdin)) > 0) {
        model_weights::process(input, output, frames);
        std::fwrite(output, sizeof(float), frames, stdout);
    }
}
"""

RUST_DRIVER = """
mod weights;
use std::io::{Read, Write};

fn main() {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    let input: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let mut output = vec![0.0; input.len()];
    weights::process(&input, &mut output);
    let bytes: Vec<u8> = output.iter().flat_map(|y| y.to_le_bytes()).collect();
    std::io::stdout().write_all(&bytes).unwrap();
}
"""


def perceptron(hidden: tuple[int, ...]) -> training.Perceptron:
    """Return a perceptron of random weights, among them some that are awkward as literals."""
    rng = np.random.default_rng(len(hidden))
    widths = (1, *hidden, 1)
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        weight = (rng.standard_normal((outputs, inputs)) / inputs).astype(np.float32)
        bias = rng.uniform(-1, 1, outputs).astype(np.float32)
        layers.append(training.Dense(weight, bias))
    for place, awkward in zip(range(layers[0].bias.size), (1e-30, 3.0, -0.0, 1e16), strict=False):
        layers[0].bias[place] = awkward
    return training.Perceptron(tuple(layers))


def ramp() -> Audio:
    return np.linspace(-3, 3, 1000, dtype=np.float32)


def exact(model: training.Perceptron, dry: Audio) -> NDArray[np.float64]:
    """Return the output in float64."""
    x = dry[np.newaxis].astype(np.float64)
    for weight, bias in model.layers[:-1]:
        x = np.tanh(weight.astype(np.float64) @ x + bias[:, np.newaxis])
    weight, bias = model.layers[-1]
    wet: NDArray[np.float64] = (weight.astype(np.float64) @ x + bias[:, np.newaxis])[0]
    return wet


def compiler(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def play(program: Path, dry: Audio) -> Audio:
    """Return what a compiled driver makes of a signal."""
    done = subprocess.run([program], input=dry.astype("<f4").tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype="<f4").astype(np.float32)


@pytest.mark.parametrize("hidden", SHAPES)
def test_a_perceptron_computes_what_its_layers_say(hidden: tuple[int, ...]) -> None:
    model = perceptron(hidden)
    np.testing.assert_allclose(model(ramp()), exact(model, ramp()), rtol=0, atol=TOLERANCE)
    stereo = np.stack([ramp(), -ramp()])
    np.testing.assert_array_equal(model(stereo)[1], model(-ramp()))


@pytest.mark.parametrize("hidden", SHAPES)
def test_the_engine_plays_rtneurals_json(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    training.export(perceptron(hidden), tmp_path / "model.json", to="rtneural")
    wet = nd.load(tmp_path / "model.json")(ramp(), 48_000)
    np.testing.assert_allclose(wet, exact(perceptron(hidden), ramp()), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("hidden", [(16,), (1,)])
def test_the_engine_plays_the_flat_json(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    training.export(perceptron(hidden), tmp_path / "model.json", to="mlp")
    wet = nd.load(tmp_path / "model.json")(ramp(), 48_000)
    np.testing.assert_allclose(wet, exact(perceptron(hidden), ramp()), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("hidden", SHAPES)
def test_a_cpp_compiler_accepts_the_header(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    training.export(perceptron(hidden), tmp_path / "weights.hpp")
    (tmp_path / "main.cpp").write_text(CPP_DRIVER)
    strict = ("-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
    subprocess.run([compiler("g++"), *strict, "main.cpp", "-o", "driver"], cwd=tmp_path, check=True)
    wet = play(tmp_path / "driver", ramp())
    np.testing.assert_allclose(wet, exact(perceptron(hidden), ramp()), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("hidden", SHAPES)
def test_a_rust_compiler_accepts_the_module(tmp_path: Path, hidden: tuple[int, ...]) -> None:
    training.export(perceptron(hidden), tmp_path / "weights.rs")
    (tmp_path / "main.rs").write_text(RUST_DRIVER)
    strict = ("--edition=2021", "-Dwarnings")
    subprocess.run([compiler("rustc"), *strict, "main.rs", "-o", "driver"], cwd=tmp_path, check=True)
    wet = play(tmp_path / "driver", ramp())
    np.testing.assert_allclose(wet, exact(perceptron(hidden), ramp()), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["amp", "2 Amps (clean)", "class", "Ämp"])
def test_any_file_name_gives_a_header_that_compiles(tmp_path: Path, name: str) -> None:
    training.export(perceptron((1,)), tmp_path / f"{name}.hpp")
    compile_only = ("-std=c++17", "-fsyntax-only", "-x", "c++-header")
    subprocess.run([compiler("g++"), *compile_only, f"{name}.hpp"], cwd=tmp_path, check=True)


def test_the_suffix_says_what_to_write(tmp_path: Path) -> None:
    for hidden, name, beginning in (
        ((3,), "a.json", '{\n  "layer1_weights"'),
        ((3, 2), "b.JSON", '{"in_shape"'),
        ((3,), "c.h", "// c: a 1-3-1 tanh perceptron of 10 parameters.\n"),
        ((3,), "d.hh", "// d: a 1-3-1 "),
        ((3,), "e.rs", "//! e: a 1-3-1 "),
    ):
        training.export(perceptron(hidden), tmp_path / name)
        assert (tmp_path / name).read_text().startswith(beginning)


def test_a_model_file_can_be_exported_as_another(tmp_path: Path) -> None:
    training.export(perceptron((5,)), tmp_path / "a.json", to="rtneural")
    training.export(tmp_path / "a.json", tmp_path / "b.json")
    training.export(tmp_path / "b.json", tmp_path / "c.json", to="rtneural")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    training.export(perceptron((5,)), tmp_path / "d.json")
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "d.json").read_bytes()


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds one hidden layer, not 2"):
        training.export(perceptron((3, 2)), tmp_path / "a.json", to="mlp")
    with pytest.raises(ValueError, match=r"the ending '\.vst' says no form"):
        training.export(perceptron((3,)), tmp_path / "a.vst")
    with pytest.raises(ValueError, match="got 'onnx'"):
        training.export(perceptron((3,)), tmp_path / "a.json", to="onnx")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        training.export(tmp_path / "missing.json", tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "list indices"),
        ("{}", "'layer1_weights' is missing"),
        ('{"layers": [{"type": "gru", "activation": "", "weights": []}]}', "got .'gru', ''."),
        (
            '{"layers": [{"type": "dense", "activation": "tanh", "weights": []}]}',
            "expected .type, act",
        ),
        ('{"layers": []}', "got no layer"),
        (
            '{"layer1_weights": [1, 2], "layer1_bias": [1], "layer2_weights": [1], "layer2_bias": [1]}',
            r"layer 1: expected weights of shape .*, got \(2, 1\) and \(1,\)",
        ),
    ],
)
def test_a_file_that_is_no_perceptron_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ValueError, match=rf"model\.json is not a tanh perceptron as JSON: .*{reason}"):
        training.Perceptron.read(tmp_path / "model.json")
