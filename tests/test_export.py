"""What models are written as, read by compilers and by ONNX Runtime, and perceptrons by the engine."""

import itertools
import json
import shutil
import subprocess
from pathlib import Path

import neural_distortion as nd
import numpy as np
import onnx
import onnxruntime
import pytest
from neural_distortion import training
from neural_distortion._typing import Audio
from numpy.typing import NDArray

TOLERANCE = 1e-6
"""Of sums of a few dozen float32 products around 1, in any order."""

FAITHFUL = 1e-5
"""Of whole networks, in the activations of other libraries."""

SHAPES = [(16,), (1,), (7, 5), (4, 3, 2)]

DATA = Path(__file__).parent / "data"

MODELS = {
    **{
        name: DATA / name / "model.nam"
        for name in (
            "convnet_bn",
            "linear_64",
            "lstm_2x16",
            "lstm_1x3_state",
            "wavenet_a2_ch3",
            "wavenet_activations",
            "wavenet_blended",
            "wavenet_bottleneck_head1x1",
            "wavenet_condition_dsp",
            "wavenet_film_all",
            "wavenet_gated",
            "wavenet_groups",
            "wavenet_nano",
            "wavenet_no_layer1x1",
            "wavenet_slimmable",
            "wavenet_top_head",
            "slimmable_container_a2",
        )
    },
    **{
        name: DATA / name / "model.json"
        for name in (
            "aidax_gru8_cond2",
            "aidax_lstm16_skip",
            "coreaudioml_gru16",
            "coreaudioml_lstm12_2layer",
            "rtn_conv1d_groups",
            "rtn_conv_gru",
            "rtn_dense_acts",
            "rtn_prelu_bn_tdd",
            "rtn_softmax",
        )
    },
    "soft_clip": nd.example_model("soft-clip"),
    "keras_2d": DATA / "hostile" / "valid_keras_2d.bin",
    "keras_2d_same": DATA / "hostile" / "valid_keras_2d_same.bin",
}
"""Every kind of network and of layer."""

RATE = 48_000.0

CPP_CASE = """
    if (std::strcmp(name, "{name}") == 0) {{
        static model_{name}::Model model;
        while ((frames = std::fread(input, sizeof(float), 256, stdin)) > 0) {{
            model.process(input, output, frames);
            std::fwrite(output, sizeof(float), frames, stdout);
        }}
    }}
"""

CPP_DRIVER = """
#include <cstdio>
#include <cstring>

int main(int, char** arguments) {{
    const char* name = arguments[1];
    float input[256], output[256];
    std::size_t frames;
{cases}}}
"""

RUST_DRIVER = """
{modules}
use std::io::{{Read, Write}};

fn main() {{
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    let input: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let mut output = vec![0.0; input.len()];
    match std::env::args().nth(1).unwrap().as_str() {{
{cases}
        name => panic!("there is no {{name}}"),
    }}
    let bytes: Vec<u8> = output.iter().flat_map(|y| y.to_le_bytes()).collect();
    std::io::stdout().write_all(&bytes).unwrap();
}}
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write every model for C++ and for Rust, and compile one program of each with all of them in it."""
    folder = tmp_path_factory.mktemp("programs")
    for name, path in MODELS.items():
        model = nd.load(path)
        model.save(folder / f"{name}.hpp")
        model.save(folder / f"{name}.rs")
    cases = "".join(CPP_CASE.format(name=name) for name in MODELS)
    headers = "".join(f'#include "{name}.hpp"\n' for name in MODELS)
    (folder / "main.cpp").write_text(headers + CPP_DRIVER.format(cases=cases))
    arms = [f'        "{name}" => {name}::Model::new().process(&input, &mut output),' for name in MODELS]
    modules = "".join(f"mod {name};\n" for name in MODELS)
    (folder / "main.rs").write_text(RUST_DRIVER.format(modules=modules, cases="\n".join(arms)))
    warnings = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
    subprocess.run([compiler("g++"), *warnings, "main.cpp", "-o", "cpp"], cwd=folder, check=True)
    # A driver calls half of what a module offers.
    strict = ("--edition=2021", "-Copt-level=1", "-Dwarnings", "-Adead_code")
    subprocess.run([compiler("rustc"), *strict, "main.rs", "-o", "rust"], cwd=folder, check=True)
    return {language: folder / language for language in ("cpp", "rust")}


@pytest.mark.parametrize("language", ["cpp", "rust"])
@pytest.mark.parametrize("name", MODELS)
def test_a_compiled_model_plays_the_same(programs: dict[str, Path], name: str, language: str) -> None:
    wet = nd.load(MODELS[name])(sound(), rate(name))
    np.testing.assert_allclose(play(programs[language], sound(), name), wet, rtol=0, atol=FAITHFUL)


@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_plays_the_same(tmp_path: Path, name: str) -> None:
    # The graph starts where the model is before silence runs through it.
    model = nd.load(MODELS[name], prewarm=False)
    model.save(tmp_path / "model.onnx")
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # or it says of every state that it can be left out
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", options)
    wet = model(sound(), rate(name))
    knobs = [np.full_like(sound(), knob.default) for knob in model.parameters]
    dry = np.stack([sound(), *knobs])[np.newaxis]
    whole = session.run(["output"], {"input": dry})[0][0, 0]
    np.testing.assert_allclose(whole, wet, rtol=0, atol=FAITHFUL)

    _, *names = (output.name for output in session.get_outputs())
    states: dict[str, NDArray[np.float32]] = {}
    blocks = []
    for block in np.split(dry, [100, 101, 800], axis=2):
        played, *after = session.run(None, {"input": block, **states})
        states = {f"state{index}": value for index, value in enumerate(after)}
        blocks.append(played[0, 0])
    assert [f"{state}_next" for state in states] == names
    np.testing.assert_allclose(np.concatenate(blocks), wet, rtol=0, atol=FAITHFUL)


def test_a_graph_says_what_a_player_needs_to_know(tmp_path: Path) -> None:
    nd.load(MODELS["lstm_2x16"]).save(tmp_path / "model.onnx")
    properties = onnx.load(tmp_path / "model.onnx").metadata_props
    assert {prop.key: prop.value for prop in properties} == {
        "sample_rate": "48000",
        "prewarm_frames": "24000",
    }


def test_a_program_has_the_size_that_is_set(tmp_path: Path) -> None:
    model = nd.load(MODELS["slimmable_container_a2"], prewarm=False)
    sizes = []
    for quality in (0.0, 1.0):
        model.quality = quality
        model.save(tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(
            (tmp_path / "model.onnx").read_bytes(), quiet := onnxruntime.SessionOptions()
        )
        quiet.log_severity_level = 3
        (wet,) = session.run(["output"], {"input": sound()[np.newaxis, np.newaxis]})
        np.testing.assert_allclose(wet[0, 0], model(sound(), RATE), rtol=0, atol=FAITHFUL)
        sizes.append((tmp_path / "model.onnx").stat().st_size)
    assert sizes[0] < sizes[1]


def test_what_a_program_cannot_express_is_said(tmp_path: Path) -> None:
    zeros = [0.0] * 1024
    first = {"type": "dense", "shape": [None, None, 1024], "weights": [[zeros]]}
    features = {
        "type": "conv2d",
        "activation": "",
        "num_filters_in": 1,
        "num_filters_out": 1,
        "num_features_in": 1024,
        "kernel_size_time": 16,
        "kernel_size_feature": 1,
        "dilation": 1,
        "strides": 1,
        "padding": "same",
        "shape": [None, None, 1024, 1],
        "weights": [[[[[0.5]]]] * 16, [0.0]],
    }
    last = {"type": "dense", "shape": [None, None, 1], "weights": [[[0.0]] * 1024]}
    model = nd.load(json.dumps({"in_shape": [None, None, 1], "layers": [first, features, last]}).encode())
    for name in ("a.onnx", "a.hpp", "a.rs"):
        with pytest.raises(
            nd.ModelError,
            match=r"layers\[1\]: expected at most 16000000 weights .*, found 16777216",
        ):
            model.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


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


def sound() -> Audio:
    time = np.arange(3000) / RATE
    tone = 0.5 * np.exp(-20 * time) * np.sin(2 * np.pi * 220 * time)
    return (tone + 0.05 * np.random.default_rng(1).standard_normal(time.size)).astype(np.float32)


def rate(name: str) -> float:
    return nd.load(MODELS[name]).sample_rate or RATE


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


def play(program: Path, dry: Audio, name: str) -> Audio:
    """Return what a model in a compiled driver makes of a signal."""
    done = subprocess.run([program, name], input=dry.astype("<f4").tobytes(), capture_output=True, check=True)
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


@pytest.mark.parametrize("name", ["amp", "2 Amps (clean)", "class", "Ämp"])
def test_any_file_name_gives_a_header_that_compiles(tmp_path: Path, name: str) -> None:
    training.export(perceptron((1,)), tmp_path / f"{name}.hpp")
    compile_only = ("-std=c++17", "-fsyntax-only", "-x", "c++-header")
    subprocess.run([compiler("g++"), *compile_only, f"{name}.hpp"], cwd=tmp_path, check=True)


def test_the_suffix_says_what_to_write(tmp_path: Path) -> None:
    for hidden, name, beginning in (
        ((3,), "a.json", '{"layer1_weights"'),
        ((3, 2), "b.JSON", '{"in_shape"'),
        ((3,), "c.h", "// c: MLP of 10 weights, any sample rate will do.\n"),
        ((3,), "d.hh", "// d: MLP of 10 "),
        ((3,), "e.rs", "//! e: MLP of 10 "),
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
    with pytest.raises(
        nd.ModelError, match="cannot be written as mlp: layers: expected a dense layer"
    ) as refused:
        training.export(perceptron((3, 2)), tmp_path / "a.json", to="mlp")
    assert (refused.value.kind, refused.value.path) == ("inexpressible", "layers")
    with pytest.raises(ValueError, match=r"the ending '\.vst' says no format"):
        training.export(perceptron((3,)), tmp_path / "a.vst")
    with pytest.raises(ValueError, match='nothing is written as "vst": there is nam, rtneural'):
        training.export(perceptron((3,)), tmp_path / "a.json", to="vst")  # type: ignore[arg-type]
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
