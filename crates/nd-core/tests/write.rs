//! What is written is what was read, and what cannot be written is said.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use nd_core::spec::{Activation, Affine, Conv1d, Dense, Layer, Prewarm, Stack};
use nd_core::{CompileOptions, Format, ModelSpec, Network, Target, WriteError};
use serde_json::{Value, json};
use support::{made_up, max_abs_error, widen};

/// Of sums of products around 1 in another order.
const REORDERED: f64 = 5e-6;

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data")
}

/// Every model file of the references and of the package.
fn files() -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| std::fs::read(path).expect("the reference data is complete");
    let index: Vec<Value> =
        serde_json::from_slice(&read(data().join("index.json"))).expect("a list of cases");
    let names = index.iter().map(|case| case["model"].as_str().expect("a file").to_owned());
    let mut names: Vec<String> = names.collect();
    names.push("../../python/neural_distortion/models/soft-clip.json".to_owned());
    names.into_iter().map(|name| (name.clone(), read(data().join(name)))).collect()
}

fn load(file: &[u8]) -> ModelSpec {
    ModelSpec::from_slice(file)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&file[..file.len().min(2000)])))
}

fn load_json(file: &Value) -> ModelSpec {
    load(file.to_string().as_bytes())
}

fn write(spec: &ModelSpec, format: Format) -> Vec<u8> {
    spec.write(Target::Model(format)).expect("the format can express the model")
}

fn stack(layers: Vec<Layer>) -> ModelSpec {
    let metadata = nd_core::Metadata::default();
    ModelSpec {
        format: Format::Nam,
        network: Network::Stack(Stack::new(layers)),
        sample_rate: None,
        metadata,
    }
}

fn dense(in_channels: usize, weight: Vec<f32>, bias: Vec<f32>) -> Layer {
    Layer::Dense(Dense { in_channels, out_channels: bias.len(), weight, bias: Some(bias) })
}

/// A static curve that every format but `proteus` can express.
fn curve() -> ModelSpec {
    let layers = vec![
        dense(1, vec![1.5, -0.25], vec![0.1, 0.2]),
        Layer::Activation(Activation::Tanh),
        dense(2, vec![0.5, 0.75], vec![-0.3]),
    ];
    stack(layers)
}

/// Sets what is told by a format, not by a file: how players prepare a model.
fn with_start(spec: &mut ModelSpec, start: impl Fn(&mut Stack) + Copy) {
    match &mut spec.network {
        Network::Stack(stack) => start(stack),
        Network::WaveNet(_) => {}
        Network::Container(members) => {
            for member in members {
                with_start(&mut member.model, start);
            }
        }
        Network::Sequential(models) => models.iter_mut().for_each(|model| with_start(model, start)),
    }
}

fn rest(stack: &mut Stack) {
    stack.prewarm = Prewarm::None;
    for layer in &mut stack.layers {
        if let Layer::Lstm(lstm) = layer {
            lstm.initial_hidden.fill(0.0);
            lstm.initial_cell.fill(0.0);
        }
    }
}

fn sound(spec: &ModelSpec) -> Vec<f64> {
    let mut model = spec.compile(&CompileOptions::default()).expect("the model compiles");
    let input = made_up::signal(600, 0.7);
    let mut output = vec![0.0; input.len()];
    model.process(&input, &mut output);
    widen(&output)
}

#[test]
fn every_model_file_is_read_again_as_it_was() {
    for (name, file) in files() {
        let spec = load(&file);
        assert_eq!(load(&write(&spec, spec.format)), spec, "{name}");
    }
}

#[test]
fn every_network_plays_the_same_in_every_format_that_can_express_it() {
    let mut written: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let files = files().into_iter().map(|(name, file)| (name, load(&file)));
    let networks = made_up::networks().into_iter().map(|network| (network.name, network.spec));
    for (name, mut spec) in files.chain(networks) {
        with_start(&mut spec, rest);
        if let Network::Stack(_) = &spec.network {
            spec.sample_rate = Some(44_100.0); // the one that every format can say
        }
        for target in Target::all() {
            let file = match spec.write(target) {
                Ok(file) => file,
                Err(WriteError::Inexpressible { .. }) => continue,
                Err(error) => panic!("{name} as {target}: {error}"),
            };
            written.entry(target.name()).or_default().push(name.clone());
            let Target::Model(_) = target else {
                continue; // Compilers and ONNX Runtime play those, in the tests of the Python package.
            };
            let mut again = load(&file);
            with_start(&mut again, |stack| stack.prewarm = Prewarm::None);
            if again.network != spec.network {
                let error = max_abs_error(&sound(&spec), &sound(&again));
                assert!(error <= REORDERED, "{name} as {target}: {error:e}");
            }
        }
    }
    let count = |target: &str, kind: &str| {
        written[target].iter().filter(|name| name.split(['_', ' ', '/']).any(|word| word == kind)).count()
    };
    for (target, kind, least) in [
        ("nam", "wavenet", 20),
        ("nam", "convnet", 2),
        ("nam", "lstm", 6),
        ("nam", "linear", 6),
        ("nam", "slimmable", 3),
        ("nam", "soft-clip.json", 1),
        ("rtneural", "rtn", 9),
        ("rtneural", "conv2d", 1),
        ("rtneural", "gru", 2),
        ("aidax", "conv1d", 3),
        ("aidax", "aidax", 2),
        ("proteus", "rnn", 1),
        ("proteus", "coreaudioml", 3),
        ("proteus", "proteus", 2),
        ("mlp", "soft-clip.json", 1),
        ("onnx", "wavenet", 44),
        ("cpp", "wavenet", 44),
        ("rust", "wavenet", 44),
        ("onnx", "conv2d", 1),
        ("cpp", "conv2d", 1),
        ("rust", "conv2d", 1),
    ] {
        let found = count(target, kind);
        assert!(found >= least, "{target} can express {found} of {kind}, not {least}");
    }
}

#[test]
fn every_bit_of_a_weight_is_kept() {
    // Every exponent, with mantissas that a decimal of few digits does not hit.
    let weights: Vec<f32> = (0..2032_u32)
        .map(|n| f32::from_bits((n / 2 / 4 * (1 << 23)) | (n.wrapping_mul(0x9E37_79B9) >> 9) | (n << 31)))
        .collect();
    assert!(weights.iter().all(|weight| weight.is_finite()), "the exponents are those of finite numbers");
    let spec = stack(vec![
        dense(1, weights.clone(), weights.clone()),
        Layer::Activation(Activation::Tanh),
        dense(weights.len(), weights.clone(), vec![-0.0]),
    ]);
    let mut options = nd_core::LoadOptions::default();
    options.limits.channels = weights.len();
    for format in [Format::Mlp, Format::RtNeural, Format::AidaX] {
        let again = ModelSpec::from_slice_with(&write(&spec, format), &options).expect("the file is valid");
        let Network::Stack(stack) = &again.network else { panic!("{format:?}: {again:?}") };
        let [Layer::Dense(first), _, Layer::Dense(last)] = stack.layers.as_slice() else {
            panic!("{format:?}: {stack:?}")
        };
        for found in [&first.weight, first.bias.as_ref().expect("there is one"), &last.weight] {
            let same = found.iter().zip(&weights).all(|(found, weight)| found.to_bits() == weight.to_bits());
            assert!(same && found.len() == weights.len(), "{format:?}");
        }
    }
}

#[test]
fn what_a_file_says_beside_its_model_is_kept() {
    let metadata = json!({"name": "Äh \"amp\"", "gain": 0.1, "loudness": "loud", "t3k": {"id": [1, 1e300]}});
    let notes = json!({"by": [null, "x\ny"], "weights": 1});
    let nam = json!({"version": "0.5.4", "architecture": "Linear", "sample_rate": 44100, "metadata": metadata,
        "config": {"receptive_field": 1, "bias": false}, "weights": [0.1], "notes": notes});
    let spec = load_json(&nam);
    for format in [Format::Nam, Format::RtNeural, Format::AidaX] {
        let text = write(&spec, format);
        let file: Value = serde_json::from_slice(&text).expect("it is JSON");
        assert_eq!(file["notes"], notes, "{format:?}");
        for key in ["name", "gain", "loudness", "t3k"] {
            assert_eq!(file["metadata"][key], metadata[key], "{format:?}: {key}");
        }
        let again = load(&text);
        assert_eq!(again.sample_rate, Some(44_100.0), "{format:?}");
        assert_eq!(again.metadata.name, spec.metadata.name, "{format:?}");
        assert_eq!(again.metadata.gain, Some(0.1), "{format:?}");
    }
    assert_eq!(load(&write(&spec, Format::Nam)), spec, "in its own format, down to the text");
}

/// A file of layers with the same unknown key in each place where there may be one.
fn with_unknown_keys(format: Format) -> (Value, Vec<String>) {
    let told = json!({"of": [1, "x\ny"], "seed": 1e300});
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(data().join(name)).expect("a fixture")).expect("it is JSON")
    };
    let (mut file, places) = match format {
        Format::Nam => {
            let file = read("wavenet_slimmable/model.nam");
            let inside =
                ["", "/layers/0", "/layers/0/head", "/layers/0/slimmable", "/layers/0/slimmable/kwargs"];
            let member = json!({"max_value": 1, "model": file});
            let sequence = json!({"version": "0.7.0", "architecture": "SlimmableContainer", "weights": [],
                "config": {"submodels": [member]}});
            let inside = inside.map(|place| format!("/config/submodels/0/model/config{place}"));
            (
                sequence,
                ["/config", "/config/submodels/0"].map(str::to_owned).into_iter().chain(inside).collect(),
            )
        }
        Format::RtNeural => {
            (read("rtn_conv1d/model.json"), ["/layers/0", "/layers/1"].map(str::to_owned).to_vec())
        }
        Format::AidaX => {
            (read("aidax_lstm16_skip/model.json"), ["/layers/0", "/layers/1"].map(str::to_owned).to_vec())
        }
        Format::Proteus => (read("proteus_lstm40/model.json"), ["/model_data"].map(str::to_owned).to_vec()),
        Format::Mlp => {
            (read("../../python/neural_distortion/models/soft-clip.json"), [""].map(str::to_owned).to_vec())
        }
    };
    for place in &places {
        file.pointer_mut(place).expect("it is there")["t3k"] = told.clone();
    }
    (file, places)
}

#[test]
fn keys_inside_of_a_network_are_kept_in_the_same_format() {
    for format in [Format::Nam, Format::RtNeural, Format::AidaX, Format::Proteus, Format::Mlp] {
        let (file, places) = with_unknown_keys(format);
        let spec = load_json(&file);
        let text = write(&spec, format);
        let written: Value = serde_json::from_slice(&text).expect("it is JSON");
        for place in places {
            let kept = written.pointer(&place).map(|object| &object["t3k"]);
            let expected = file.pointer(&place).map(|object| &object["t3k"]);
            assert_eq!(kept, expected, "{format:?}: {place}");
        }
        assert_eq!(load(&text), spec, "{format:?}");
    }
    let (file, _) = with_unknown_keys(Format::RtNeural);
    let text = write(&load_json(&file), Format::AidaX);
    assert!(!String::from_utf8_lossy(&text).contains("t3k"), "another format has other layers");
}

#[test]
fn a_key_stays_with_its_layer_where_a_function_becomes_a_part_of_another() {
    let file = json!({"in_shape": [null, null, 1], "layers": [
        {"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[0.5]], [0.0]], "of": 0},
        {"type": "activation", "activation": "tanh", "shape": [null, null, 1], "weights": [], "of": 1},
        {"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[0.5]], [0.0]], "of": 2},
    ]});
    let text = write(&load_json(&file), Format::RtNeural);
    let written: Value = serde_json::from_slice(&text).expect("it is JSON");
    let layers = written["layers"].as_array().expect("layers");
    assert_eq!(
        layers.iter().map(|layer| layer["of"].as_u64()).collect::<Vec<_>>(),
        [Some(0), Some(1), Some(2)]
    );
}

#[test]
fn a_kept_value_that_is_no_json_is_an_error() {
    let mut spec = load_json(&with_unknown_keys(Format::Proteus).0);
    spec.metadata.inner[0].value = "{".to_owned();
    let error = spec.write(Target::Model(Format::Proteus)).expect_err("it would be no file");
    assert_eq!(error.kind(), "invalid_metadata");
}

#[test]
fn what_is_changed_in_the_metadata_is_written() {
    let mut spec = load_json(&json!({"version": "0.5.4", "architecture": "Linear",
        "metadata": {"name": "old", "gear_make": "A", "kept": 1},
        "config": {"receptive_field": 1, "bias": false}, "weights": [0.1]}));
    spec.metadata.name = Some("new".to_owned());
    spec.metadata.gear_make = None;
    spec.metadata.loudness_db = Some(-18.5);
    spec.metadata.validation_esr = Some(0.01);
    spec.metadata.knobs = vec!["drive".to_owned()];
    let file: Value = serde_json::from_slice(&write(&spec, Format::Nam)).expect("it is JSON");
    let expected = json!({"name": "new", "kept": 1, "loudness": -18.5, "knobs": ["drive"],
        "training": {"validation_esr": 0.01}});
    assert_eq!(file["metadata"], expected);
}

#[test]
fn aida_x_keeps_its_gains_its_rate_and_its_vectors() {
    let layers = json!([{"type": "dense", "activation": "", "shape": [null, null, 1],
        "weights": [[[0.5]], [0.0]]}]);
    let mut file = json!({"in_shape": [null, null, 1], "layers": layers, "in_skip": 1, "in_gain": -6.0,
        "out_gain": 3.3, "samplerate": "44100", "author": "Z", "metadata": {"style": "clean", "esr": "0.01"},
        "input_batch": [0.1, 0.2], "output_batch": [0.15, 0.3]});
    assert_eq!(load(&write(&load_json(&file), Format::AidaX)), load_json(&file));
    file["metadata"]["samplerate"] = json!("96000");
    let mut spec = load_json(&file);
    assert_eq!(load(&write(&spec, Format::AidaX)), spec);
    spec.sample_rate = Some(48_000.0);
    assert_eq!(load(&write(&spec, Format::AidaX)).sample_rate, Some(48_000.0));
    assert_eq!(load(&write(&curve(), Format::AidaX)).sample_rate, Some(48_000.0), "where it is not known");
}

#[test]
fn a_gain_without_a_place_goes_into_the_weights() {
    let mut spec = curve();
    let Network::Stack(stack) = &mut spec.network else { unreachable!() };
    (stack.in_gain, stack.out_gain) = (2.0, 0.25);
    for format in [Format::Nam, Format::RtNeural, Format::Mlp] {
        let again = load(&write(&spec, format));
        assert!(max_abs_error(&sound(&spec), &sound(&again)) <= REORDERED, "{format:?}");
    }
}

#[test]
fn a_perceptron_of_several_widths_is_a_convnet() {
    let layers = vec![
        dense(1, vec![1.5, -0.25], vec![0.1, 0.2]),
        Layer::Activation(Activation::Sigmoid),
        dense(2, vec![0.5, 0.75, -0.5, 0.1, 0.3, 0.4], vec![-0.3, 0.0, 0.1]),
        Layer::Activation(Activation::Sigmoid),
        dense(3, vec![0.5, 0.75, -0.5], vec![-0.3]),
    ];
    let spec = stack(layers);
    let again = load(&write(&spec, Format::Nam));
    assert_eq!(again.architecture(), "ConvNet");
    assert!(max_abs_error(&sound(&spec), &sound(&again)) <= REORDERED, "it plays the same");
}

#[test]
fn the_layout_is_the_oldest_that_has_what_it_takes() {
    let version = |name: &str| {
        let file = std::fs::read(data().join(name)).expect("the reference data is complete");
        let file: Value = serde_json::from_slice(&write(&load(&file), Format::Nam)).expect("it is JSON");
        (file["version"].as_str().expect("a text").to_owned(), file["config"].clone())
    };
    for old in ["wavenet_standard/model.nam", "lstm_2x16/model.nam", "convnet_bn/model.nam"] {
        assert_eq!(version(old).0, "0.5.0", "{old}");
    }
    let config = version("wavenet_gated/model.nam").1;
    assert_eq!(config["layers"][0]["gated"], json!(true), "the old key");
    assert!(config["layers"][0].get("head").is_none(), "a new key in an old layout");
    for new in ["wavenet_a2_ch3/model.nam", "wavenet_film_all/model.nam", "slimmable_container_a2/model.nam"]
    {
        assert_eq!(version(new).0, "0.7.0", "{new}");
    }
}

/// Asserts that the model cannot be written, why not, and how the error says it.
fn refused(spec: &ModelSpec, target: Format, path: &str, message: &str) {
    let error = spec.write(Target::Model(target)).expect_err("the format cannot express it");
    assert_eq!(error.kind(), "inexpressible", "{error}");
    assert_eq!(error.path(), (!path.is_empty()).then_some(path), "{error}");
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.expected().is_some() && error.found().is_some(), "{error}");
}

#[test]
fn what_a_format_cannot_express_is_said_with_its_place() {
    let with = |change: fn(&mut Stack)| {
        let mut spec = curve();
        let Network::Stack(stack) = &mut spec.network else { unreachable!() };
        change(stack);
        spec
    };
    refused(&curve(), Format::Proteus, "layers[0]", "cannot be written as proteus: layers[0]: expected LSTM");
    refused(&with(|stack| stack.skip = 1), Format::Nam, "skip", "found 1 skipped channels");
    refused(&with(|stack| stack.in_gain = -1.0), Format::AidaX, "in_gain", "found -1");
    let softmax = with(|stack| stack.layers[1] = Layer::Activation(Activation::Softmax));
    refused(&softmax, Format::Mlp, "layers", "found Dense, Activation, Dense");
    refused(&softmax, Format::Nam, "layers[1]", "found Softmax");
    let silu = with(|stack| stack.layers[1] = Layer::Activation(Activation::Silu));
    refused(&silu, Format::RtNeural, "layers[1]", "an activation that keras has, found SiLU");
    let wavenet =
        std::fs::read(data().join("wavenet_nano/model.nam")).expect("the reference data is complete");
    refused(&load(&wavenet), Format::AidaX, "", "expected layers, one after the other, found WaveNet");
    let proteus = std::fs::read(data().join("proteus_lstm40/model.json")).expect("the data is complete");
    let rate = ModelSpec { sample_rate: Some(48_000.0), ..load(&proteus) };
    refused(&rate, Format::Proteus, "sample_rate", "found 48000 Hz");
    let lstm =
        std::fs::read(data().join("lstm_1x3_state/model.nam")).expect("the reference data is complete");
    let mut lstm = load(&lstm);
    assert!(lstm.write(Target::Model(Format::RtNeural)).is_ok(), "what silence makes forgotten");
    with_start(&mut lstm, |stack| stack.prewarm = Prewarm::None);
    refused(&lstm, Format::RtNeural, "layers[0]", "expected a start from zero");
}

#[test]
fn the_table_of_a_model_has_every_weight() {
    let models = files().into_iter().map(|(name, file)| (name, load(&file)));
    for (name, spec) in models.chain(made_up::networks().into_iter().map(|made| (made.name, made.spec))) {
        // A container counts as its largest member; the table has them all.
        if let Network::Container(_) = spec.network {
            continue;
        }
        let rows = spec.describe();
        let sum: usize = rows.iter().map(|row| row.num_parameters).sum();
        assert_eq!(sum, spec.network.num_parameters(), "{name}: {rows:#?}");
    }
    let a2 = std::fs::read(data().join("wavenet_a2_ch3/model.nam")).expect("the reference data is complete");
    let rows = load(&a2).describe();
    let layer = &rows[6];
    assert_eq!((layer.path.as_str(), layer.kind), ("arrays[0].layers[5]", "WaveNetLayer"));
    assert_eq!((layer.in_channels, layer.shape.as_slice(), layer.num_parameters), (3, &[3, 3, 6][..], 72));
    assert_eq!(layer.details, "dilation 101, LeakyReLU 0.01");
}

#[test]
fn layers_of_an_array_that_differ_have_no_place_in_nam() {
    let file =
        std::fs::read(data().join("wavenet_film_all/model.nam")).expect("the reference data is complete");
    let mut spec = load(&file);
    let Network::WaveNet(wavenet) = &mut spec.network else { unreachable!() };
    wavenet.arrays[0].layers[1].activation_pre_film = None;
    refused(&spec, Format::Nam, "arrays[0].layers[1].activation_pre_film", "the same in all layers");
}

#[test]
fn a_description_that_is_wrong_is_an_error() {
    let error =
        |layers: Vec<Layer>, format| stack(layers).write(Target::Model(format)).expect_err("it is wrong");
    for format in [Format::Nam, Format::RtNeural] {
        let short = vec![dense(2, vec![1.0], vec![0.0])];
        assert_eq!(error(short, format).kind(), "shape_mismatch", "{format:?}");
    }
    let infinite = error(vec![dense(1, vec![f32::INFINITY], vec![0.0])], Format::RtNeural);
    assert_eq!((infinite.kind(), infinite.path()), ("non_finite", Some("layers[0].weights[0][0][0]")));
    let ragged = Layer::Affine(Affine { scale: vec![1.0, 2.0], shift: vec![1.0] });
    assert!(matches!(error(vec![ragged], Format::RtNeural), WriteError::ShapeMismatch { .. }));
    let empty = Conv1d {
        in_channels: 1,
        out_channels: 1,
        kernel_size: 0,
        dilation: 0,
        groups: 0,
        weight: Vec::new(),
        bias: Some(vec![]),
    };
    for format in [Format::Nam, Format::RtNeural] {
        let file = stack(vec![Layer::Conv1d(empty.clone())]).write(Target::Model(format));
        assert!(file.is_err() || ModelSpec::from_slice(&file.unwrap_or_default()).is_err(), "{format:?}");
    }
    let mut spec = curve();
    spec.metadata.raw = Some("{".to_owned());
    let bad = spec.write(Target::Model(Format::Nam)).expect_err("that is no JSON");
    assert_eq!(bad.kind(), "invalid_metadata");
}
