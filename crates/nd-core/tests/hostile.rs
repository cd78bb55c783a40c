//! Broken and malicious files: each is refused with the error that names its defect, and none does harm.

#![expect(clippy::needless_pass_by_value, reason = "json! makes values")]

use std::fs;
use std::path::Path;

use nd_core::format::Limits;
use nd_core::{LoadError, LoadOptions, ModelSpec};
use serde_json::{Value, json};

fn nam(architecture: &str, config: Value, weights: usize) -> Value {
    json!({
        "version": "0.7.0", "architecture": architecture, "config": config, "weights": vec![0.25; weights],
        "sample_rate": 48000, "metadata": {"name": "a", "loudness": -18.5, "training": {"validation_esr": 0.01}},
    })
}

/// Two layer arrays; the first has its layers' options spelled out.
fn wavenet() -> Value {
    let first = json!({
        "input_size": 1, "condition_size": 1, "channels": 2, "bottleneck": 2, "kernel_sizes": [2, 1],
        "dilations": [1, 4], "activation": ["Tanh", {"type": "PReLU", "negative_slopes": [0.5, 0.25]}],
        "gating_mode": ["none", "gated"], "secondary_activation": [null, "Sigmoid"], "groups_input": 2,
        "layer1x1": {"active": true, "groups": 1}, "head1x1": {"active": true, "out_channels": 2, "groups": 1},
        "conv_post_film": {"active": true, "shift": true, "groups": 1},
        "head": {"out_channels": 1, "kernel_size": 1, "bias": true},
    });
    let second = json!({
        "input_size": 2, "condition_size": 1, "channels": 1, "kernel_size": 3, "dilations": [2],
        "activation": "ReLU", "gated": false, "head_size": 1, "head_bias": true,
        "slimmable": {"method": "slice_channels_uniform", "kwargs": {"allowed_channels": [1]}},
    });
    nam("WaveNet", json!({"layers": [first, second], "head_scale": 0.5, "head": null}), 85)
}

fn lstm() -> Value {
    nam("LSTM", json!({"num_layers": 1, "hidden_size": 2, "input_size": 1}), 39)
}

fn linear() -> Value {
    nam("Linear", json!({"receptive_field": 3, "bias": false}), 3)
}

fn convnet() -> Value {
    nam("ConvNet", json!({"channels": 1, "dilations": [1], "batchnorm": true, "activation": "Tanh"}), 9)
}

fn container() -> Value {
    let submodels = json!([{"max_value": 0.5, "model": linear()}, {"max_value": 1.0, "model": lstm()}]);
    nam("SlimmableContainer", json!({"submodels": submodels}), 0)
}

fn sequential() -> Value {
    nam("Sequential", json!({"models": [lstm(), linear()]}), 0)
}

fn conditioned() -> Value {
    let mut file = plain(15);
    file["config"]["condition_dsp"] = linear();
    file
}

/// A WaveNet of one layer array of two layers, with so many weights.
fn plain(weights: usize) -> Value {
    let array = json!({
        "input_size": 1, "condition_size": 1, "channels": 1, "kernel_size": 2, "dilations": [1, 2],
        "activation": "Tanh", "head_size": 1, "head_bias": false,
    });
    nam("WaveNet", json!({"layers": [array], "head_scale": 1.0}), weights)
}

fn keras() -> Value {
    json!({"in_shape": [null, null, 1], "layers": [
        {
            "type": "conv1d", "activation": "tanh", "shape": [null, null, 2], "kernel_size": [2], "dilation": [1],
            "groups": 1, "weights": [[[[1, 2]], [[3, 4]]], [5, 6]],
        },
        {"type": "gru", "activation": "tanh", "shape": [null, null, 1],
            "weights": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]], [[1, 2, 3], [4, 5, 6]]]},
        {"type": "lstm", "shape": [null, null, 1], "weights": [[[1, 2, 3, 4]], [[5, 6, 7, 8]], [1, 2, 3, 4]]},
        {"type": "prelu", "shape": [null, null, 1], "weights": [[[0.5]]]},
        {"type": "batchnorm", "epsilon": 0.001, "shape": [null, null, 1], "weights": [[1], [2], [3], [4]]},
        {"type": "activation", "activation": "elu", "shape": [null, null, 1], "weights": []},
        {"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[2]], [0]]},
    ]})
}

fn aidax() -> Value {
    let mut file = keras();
    file["in_skip"] = json!(1);
    file["in_gain"] = json!(-3.5);
    file["samplerate"] = json!("48000");
    file["input_batch"] = json!([1, 2]);
    file["output_batch"] = json!([3, 4]);
    file["metadata"] = json!({"name": "a", "samplerate": 44100});
    file
}

fn proteus() -> Value {
    json!({
        "model_data": {
            "model": "SimpleRNN", "input_size": 1, "output_size": 1, "unit_type": "GRU", "num_layers": 1,
            "hidden_size": 1, "skip": 1, "bias_fl": true,
        },
        "state_dict": {
            "rec.weight_ih_l0": [[1], [2], [3]], "rec.weight_hh_l0": [[1], [2], [3]], "rec.bias_ih_l0": [1, 2, 3],
            "rec.bias_hh_l0": [4, 5, 6], "lin.weight": [[1]], "lin.bias": [0],
        },
    })
}

fn mlp() -> Value {
    json!({"layer1_weights": [1, 2], "layer1_bias": [0, 0], "layer2_weights": [1, 1], "layer2_bias": [0]})
}

fn valid_files() -> [Value; 11] {
    let nam = [wavenet(), lstm(), linear(), convnet(), container(), sequential(), conditioned()];
    let [a, b, c, d, e, f, g] = nam;
    [a, b, c, d, e, f, g, keras(), aidax(), proteus(), mlp()]
}

fn load(file: &Value) -> Result<ModelSpec, LoadError> {
    ModelSpec::from_slice(file.to_string().as_bytes())
}

/// A copy of a file with another value at a place, which need not be there yet.
fn with(file: &Value, pointer: &str, value: Value) -> Value {
    let mut file = file.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let parent = file.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} has nothing around it"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
    file
}

/// A copy of a file without what is at a place.
fn without(file: &Value, pointer: &str) -> Value {
    let mut file = file.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    match file.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} has nothing around it")) {
        Value::Array(items) => drop(items.remove(key.parse().expect("an index"))),
        Value::Object(members) => drop(members.remove(key)),
        other => panic!("nothing can be removed from {other}"),
    }
    file
}

/// Every place in a file, the whole left out.
fn pointers(file: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match file {
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect(),
        Value::Object(members) => members.iter().map(|(key, item)| (key.clone(), item)).collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (key, child) in children {
        all.push(format!("/{key}"));
        all.extend(pointers(child).into_iter().map(|pointer| format!("/{key}{pointer}")));
    }
    all
}

/// A pointer in the way that errors write a place.
fn path(file: &Value, pointer: &str) -> String {
    let mut path = String::new();
    let mut node = file;
    for key in pointer.split('/').skip(1) {
        if node.is_array() {
            path = format!("{path}[{key}]");
            node = &node[key.parse::<usize>().expect("an index")];
        } else {
            path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            node = &node[key];
        }
    }
    path
}

#[test]
fn the_files_that_the_other_tests_break_are_valid() {
    for file in valid_files() {
        if let Err(error) = load(&file) {
            panic!("{error}: {file}");
        }
    }
}

/// A file, the error that it must give, and the place that the error must name.
type Case = (Value, &'static str, &'static str);

fn check(cases: impl IntoIterator<Item = Case>) {
    for (file, kind, path) in cases {
        let error = load(&file).expect_err(&format!("{kind} at {path:?}: {file}"));
        assert_eq!((error.kind(), error.path().unwrap_or_default()), (kind, path), "{error}: {file}");
    }
}

#[test]
fn the_envelope_of_a_nam_file_is_checked() {
    let set = |pointer, value| with(&linear(), pointer, value);
    check([
        (set("/version", json!("0.4.9")), "unsupported_version", "version"),
        (set("/version", json!("0.5.4-beta")), "unsupported_version", "version"),
        (set("/version", json!("0.8.0")), "unsupported_version", "version"),
        (set("/version", json!("1.0.0")), "unsupported_version", "version"),
        (set("/version", json!("0.7")), "unsupported_version", "version"),
        (set("/version", json!("0.7.0.1")), "unsupported_version", "version"),
        (set("/version", json!("0.+7.0")), "unsupported_version", "version"),
        (set("/version", json!("0.7.99999999999999999999999999")), "unsupported_version", "version"),
        (set("/version", json!(0.7)), "wrong_type", "version"),
        (without(&linear(), "/version"), "missing_key", "version"),
        (set("/architecture", json!("linear")), "unsupported_architecture", "architecture"),
        (without(&linear(), "/architecture"), "missing_key", "architecture"),
        (without(&linear(), "/config"), "missing_key", "config"),
        (set("/config", json!([])), "wrong_type", "config"),
        (set("/config", json!(null)), "wrong_type", "config"),
        (without(&linear(), "/weights"), "missing_key", "weights"),
        (set("/weights", json!({})), "wrong_type", "weights"),
        (set("/sample_rate", json!("48000")), "wrong_type", "sample_rate"),
        (set("/sample_rate", json!(0)), "invalid_value", "sample_rate"),
        (set("/sample_rate", json!(-48000)), "invalid_value", "sample_rate"),
        (set("/sample_rate", json!(1e300)), "invalid_value", "sample_rate"),
    ]);
    for tolerated in [json!(null), json!("text"), json!([1]), json!({"loudness": "loud", "training": 1})] {
        let file = set("/metadata", tolerated);
        if let Err(error) = load(&file) {
            panic!("metadata is no reason to refuse a file: {error}");
        }
    }
}

#[test]
fn weights_are_counted_and_finite() {
    let set = |value| with(&linear(), "/weights", value);
    check([
        (set(json!([])), "weight_count", "weights"),
        (set(json!([1, 2])), "weight_count", "weights"),
        (set(json!([1, 2, 3, 4])), "weight_count", "weights"),
        (set(json!([1, null, 3])), "wrong_type", "weights[1]"),
        (set(json!([1, 2, "3"])), "wrong_type", "weights[2]"),
        (set(json!([[1], 2, 3])), "wrong_type", "weights[0]"),
        (set(json!([1, 2, 1e39])), "non_finite_weight", "weights[2]"),
        (set(json!([-1e300, 2, 3])), "non_finite_weight", "weights[0]"),
        (with(&wavenet(), "/weights", json!([])), "weight_count", "weights"),
        (with(&container(), "/weights", json!([1])), "weight_count", "weights"),
        (with(&sequential(), "/weights", json!([1])), "unsupported_feature", "weights"),
    ]);
    let error = load(&set(json!([1, 2]))).expect_err("one is missing");
    assert_eq!((error.expected(), error.found()), (Some("3".to_owned()), Some("2".to_owned())));
    let text = linear().to_string().replace("0.25]", "1e999]");
    let error = ModelSpec::from_slice(text.as_bytes()).expect_err("1e999 is infinite");
    assert_eq!(error, LoadError::NonFiniteWeight { path: "weights[2]".to_owned() });
    let found = LoadError::WeightCount { path: "weights".to_owned(), expected: 85, found: 84 };
    assert_eq!(load(&without(&wavenet(), "/weights/0")), Err(found));
}

#[test]
fn the_shapes_of_a_wavenet_are_checked() {
    let file = wavenet();
    let set = |pointer: &str, value| with(&file, &format!("/config/layers{pointer}"), value);
    check([
        (set("", json!([])), "invalid_value", "config.layers"),
        (set("/0", json!("Tanh")), "wrong_type", "config.layers[0]"),
        (set("/0/condition_size", json!(2)), "shape_mismatch", "config.layers[0].condition_size"),
        (set("/0/input_size", json!(2)), "shape_mismatch", "config.layers[0].input_size"),
        (set("/1/input_size", json!(3)), "shape_mismatch", "config.layers[1].input_size"),
        (set("/0/head/out_channels", json!(2)), "shape_mismatch", "config.layers[0].head.out_channels"),
        (set("/0/channels", json!(0)), "invalid_value", "config.layers[0].channels"),
        (set("/0/channels", json!(2.5)), "invalid_value", "config.layers[0].channels"),
        (set("/0/channels", json!(-2)), "invalid_value", "config.layers[0].channels"),
        (set("/0/channels", json!("2")), "wrong_type", "config.layers[0].channels"),
        (set("/0/channels", json!(1_000_000_000)), "limit_exceeded", "config.layers[0].channels"),
        (set("/0/channels", json!(1e300)), "limit_exceeded", "config.layers[0].channels"),
        (set("/0/bottleneck", json!(0)), "invalid_value", "config.layers[0].bottleneck"),
        (set("/0/dilations", json!([])), "invalid_value", "config.layers[0].dilations"),
        (set("/0/dilations/1", json!(0)), "invalid_value", "config.layers[0].dilations[1]"),
        (set("/0/dilations/1", json!(-4)), "invalid_value", "config.layers[0].dilations[1]"),
        (set("/0/dilations/1", json!(2_000_000_000)), "limit_exceeded", "config.layers[0].dilations[1]"),
        (set("/0/dilations", json!(vec![1; 257])), "limit_exceeded", "config.layers[0].dilations"),
        (set("/0/kernel_sizes", json!([2])), "shape_mismatch", "config.layers[0].kernel_sizes"),
        (set("/0/kernel_sizes/0", json!(0)), "invalid_value", "config.layers[0].kernel_sizes[0]"),
        (set("/0/kernel_size", json!(2)), "invalid_value", "config.layers[0].kernel_sizes"),
        (set("/1/kernel_size", json!(0)), "invalid_value", "config.layers[1].kernel_size"),
        (set("/1/kernel_size", json!(5000)), "limit_exceeded", "config.layers[1].kernel_size"),
        (without(&file, "/config/layers/1/kernel_size"), "missing_key", "config.layers[1].kernel_size"),
        (set("/0/groups_input", json!(0)), "invalid_value", "config.layers[0].groups_input"),
        (set("/0/groups_input", json!(3)), "invalid_value", "config.layers[0].groups_input"),
        (set("/0/groups_input_mixin", json!(2)), "invalid_value", "config.layers[0].groups_input_mixin"),
        (set("/0/layer1x1/groups", json!(4)), "invalid_value", "config.layers[0].layer1x1.groups"),
        (
            set("/0/conv_post_film/groups", json!(2)),
            "invalid_value",
            "config.layers[0].conv_post_film.groups",
        ),
        (set("/0/activation", json!(["Tanh"])), "shape_mismatch", "config.layers[0].activation"),
        (set("/0/activation/0", json!("tanh")), "unsupported_activation", "config.layers[0].activation[0]"),
        (set("/0/activation/0", json!({})), "missing_key", "config.layers[0].activation[0].type"),
        (
            set("/0/activation/1/negative_slopes", json!([0.5])),
            "shape_mismatch",
            "config.layers[0].activation[1].negative_slopes",
        ),
        (
            set("/0/activation/0", json!({"type": "Hardtanh", "min_val": 2})),
            "invalid_value",
            "config.layers[0].activation[0]",
        ),
        (
            set("/0/activation/0", json!({"type": "LeakyReLU", "negative_slope": 1e39})),
            "invalid_value",
            "config.layers[0].activation[0].negative_slope",
        ),
        (set("/0/gating_mode", json!(["none"])), "shape_mismatch", "config.layers[0].gating_mode"),
        (set("/0/gating_mode/0", json!("half")), "invalid_value", "config.layers[0].gating_mode[0]"),
        (
            set("/0/secondary_activation", json!([])),
            "shape_mismatch",
            "config.layers[0].secondary_activation",
        ),
        (set("/1/gated", json!("true")), "wrong_type", "config.layers[1].gated"),
        (set("/1/head_size", json!(0)), "invalid_value", "config.layers[1].head_size"),
        (set("/0/head/kernel_size", json!(0)), "invalid_value", "config.layers[0].head.kernel_size"),
        (set("/0/conv_pre_film", json!("on")), "wrong_type", "config.layers[0].conv_pre_film"),
        (set("/0/layer1x1/active", json!(1)), "wrong_type", "config.layers[0].layer1x1.active"),
        (set("/1/head1x1_post_film", json!({})), "invalid_value", "config.layers[1].head1x1_post_film"),
        (
            set("/1/slimmable/method", json!("other")),
            "unsupported_feature",
            "config.layers[1].slimmable.method",
        ),
        (
            set("/1/slimmable/kwargs/allowed_channels", json!([])),
            "shape_mismatch",
            "config.layers[1].slimmable.kwargs.allowed_channels",
        ),
        (
            set("/0/slimmable", json!({"method": "slice_channels_uniform"})),
            "unsupported_feature",
            "config.layers[0].slimmable",
        ),
        (without(&file, "/config/head_scale"), "missing_key", "config.head_scale"),
        (with(&file, "/config/in_channels", json!(2)), "shape_mismatch", "config.layers[0].input_size"),
        (
            with(
                &plain(15),
                "/config/layers/0",
                json!({
                    "input_size": 1, "condition_size": 1, "channels": 2, "bottleneck": 1, "kernel_size": 1,
                    "dilations": [1], "activation": "Tanh", "layer1x1": {"active": false}, "head_size": 1,
                    "head_bias": false,
                }),
            ),
            "shape_mismatch",
            "config.layers[0].bottleneck",
        ),
    ]);
}

#[test]
fn a_post_stack_head_is_checked() {
    let head = json!({"channels": 2, "kernel_sizes": [1, 1], "out_channels": 1, "activation": "ReLU"});
    let file = with(&plain(15), "/config/head", head);
    let set = |key: &str, value| with(&file, &format!("/config/head/{key}"), value);
    check([
        (file.clone(), "weight_count", "weights"),
        (set("channels", json!(0)), "invalid_value", "config.head.channels"),
        (set("kernel_sizes", json!([])), "invalid_value", "config.head.kernel_sizes"),
        (set("kernel_sizes", json!([0])), "invalid_value", "config.head.kernel_sizes[0]"),
        (set("in_channels", json!(2)), "shape_mismatch", "config.head.in_channels"),
        (set("activation", json!("relu")), "unsupported_activation", "config.head.activation"),
        (
            with(&wavenet(), "/config/head", file["config"]["head"].clone()),
            "unsupported_feature",
            "config.layers",
        ),
    ]);
}

#[test]
fn a_small_file_cannot_ask_for_much_memory() {
    let array = &plain(15)["config"]["layers"][0];
    let wide = with(array, "/dilations", json!(vec![65_536; 17]));
    let deep = with(&plain(15), "/config/layers/0", wide);
    let mut remembering = with(&deep, "/config/layers/0/dilations", json!(vec![65_536; 15]));
    remembering["config"]["layers"][0]["channels"] = json!(1024);
    let mut linear = linear();
    linear["config"] =
        json!({"receptive_field": 1_000_000, "bias": false, "in_channels": 64, "out_channels": 64});
    check([
        (deep, "limit_exceeded", "config"),
        (remembering, "limit_exceeded", "config"),
        (linear, "weight_count", "weights"),
        (with(&lstm(), "/config/hidden_size", json!(1024)), "weight_count", "weights"),
    ]);
}

#[test]
fn the_smaller_architectures_are_checked() {
    let (lstm, linear, convnet) = (lstm(), linear(), convnet());
    check([
        (with(&lstm, "/config/hidden_size", json!(-2)), "invalid_value", "config.hidden_size"),
        (with(&lstm, "/config/hidden_size", json!(1_000_000_000)), "limit_exceeded", "config.hidden_size"),
        (with(&lstm, "/config/num_layers", json!(0)), "invalid_value", "config.num_layers"),
        (with(&lstm, "/config/num_layers", json!(17)), "limit_exceeded", "config.num_layers"),
        (with(&lstm, "/config/input_size", json!(2)), "shape_mismatch", "config.input_size"),
        (with(&lstm, "/config/in_channels", json!(2)), "shape_mismatch", "config.input_size"),
        (with(&linear, "/config/receptive_field", json!(0)), "invalid_value", "config.receptive_field"),
        (with(&linear, "/config/receptive_field", json!(-1)), "invalid_value", "config.receptive_field"),
        (with(&linear, "/config/receptive_field", json!(4)), "weight_count", "weights"),
        (with(&linear, "/config/receptive_field", json!(1e9)), "limit_exceeded", "config.receptive_field"),
        (with(&linear, "/config/bias", json!(0)), "wrong_type", "config.bias"),
        (without(&convnet, "/weights/0"), "weight_count", "weights"),
        (without(&convnet, "/config/dilations"), "missing_key", "config.dilations"),
        (with(&convnet, "/config/dilations", json!([])), "invalid_value", "config.dilations"),
        (with(&convnet, "/config/dilations/0", json!(0)), "invalid_value", "config.dilations[0]"),
        (with(&convnet, "/config/groups", json!(2)), "invalid_value", "config.groups"),
        (with(&convnet, "/config/activation", json!("None")), "unsupported_activation", "config.activation"),
        // The variance of the normalisation, then its epsilon.
        (with(&convnet, "/weights/3", json!(-1)), "invalid_value", "weights"),
        (with(&with(&convnet, "/weights/3", json!(0)), "/weights/6", json!(0)), "invalid_value", "weights"),
    ]);
    let linear = with(&with(&linear, "/config/in_channels", json!(2)), "/config/out_channels", json!(3));
    check([(linear, "unsupported_feature", "config")]);
}

#[test]
fn composites_are_checked() {
    let (container, sequential, conditioned) = (container(), sequential(), conditioned());
    let submodels = "/config/submodels";
    let set = |pointer: &str, value| with(&container, &format!("{submodels}{pointer}"), value);
    let stereo = with(&with(&lstm(), "/config/input_size", json!(2)), "/config/in_channels", json!(2));
    let stereo = with(&stereo, "/weights", json!(vec![0.5; 39 + 8]));
    let two_out = with(&lstm(), "/config/out_channels", json!(2));
    let two_out = with(&two_out, "/weights", json!(vec![0.5; 39 + 3]));
    let rate = |rate| with(&linear(), "/sample_rate", json!(rate));
    check([
        (set("", json!([])), "invalid_value", "config.submodels"),
        (set("/1/max_value", json!(0.75)), "invalid_value", "config.submodels"),
        (set("/1/max_value", json!(0.5)), "invalid_value", "config.submodels[1].max_value"),
        (set("/0/max_value", json!("0.5")), "wrong_type", "config.submodels[0].max_value"),
        (
            set("", json!(vec![container["config"]["submodels"][0].clone(); 17])),
            "limit_exceeded",
            "config.submodels",
        ),
        (set("/0/model/weights", json!([])), "weight_count", "config.submodels[0].model.weights"),
        (set("/1/model", rate(44_100)), "sample_rate_mismatch", "config.submodels[1].model.sample_rate"),
        (set("/1/model", stereo.clone()), "shape_mismatch", "config.submodels[1].model"),
        (
            without(&container, "/config/submodels/0/model/version"),
            "missing_key",
            "config.submodels[0].model.version",
        ),
        (with(&sequential, "/config/models", json!([])), "invalid_value", "config.models"),
        (
            with(&sequential, "/config/models/1", rate(96_000)),
            "sample_rate_mismatch",
            "config.models[1].sample_rate",
        ),
        (with(&sequential, "/config/models/1", stereo.clone()), "shape_mismatch", "config.models[1]"),
        (
            with(&conditioned, "/config/condition_dsp", two_out),
            "shape_mismatch",
            "config.layers[0].condition_size",
        ),
        (with(&conditioned, "/config/condition_dsp", stereo), "shape_mismatch", "config.condition_dsp"),
        (
            with(&conditioned, "/config/condition_dsp", rate(44_100)),
            "sample_rate_mismatch",
            "config.condition_dsp.sample_rate",
        ),
    ]);
}

#[test]
fn models_may_not_be_inside_one_another_forever() {
    let wrap = |inner: Value| {
        let mut file = nam("Sequential", json!({"models": [inner]}), 0);
        file["metadata"] = json!(null);
        file
    };
    let nested = |depth| (1..depth).fold(linear(), |file, _| wrap(file));
    assert!(load(&nested(8)).is_ok(), "eight models inside one another are allowed");
    let error = load(&nested(9)).expect_err("nine are not");
    assert_eq!(error.kind(), "limit_exceeded");
    assert!(error.path().is_some_and(|path| path.starts_with("config.models[0].config")), "{error}");

    let (open, close) =
        (r#"{"version":"0.7.0","architecture":"Sequential","weights":[],"config":{"models":["#, "]}}");
    let bomb = format!("{}{}{}", open.repeat(3000), linear(), close.repeat(3000));
    let error = ModelSpec::from_slice(bomb.as_bytes()).expect_err("three thousand are not");
    assert_eq!(error.kind(), "limit_exceeded", "{error}");

    // Each level has as many members as it may have: more models in all than any file needs.
    let wide = |inner: &Value| nam("Sequential", json!({"models": vec![inner; 16]}), 0);
    let error = load(&wide(&wide(&linear()))).expect_err("256 models and what holds them");
    assert_eq!((error.kind(), error.found()), ("limit_exceeded", Some("257".to_owned())), "{error}");
}

#[test]
fn keras_files_are_checked() {
    let file = keras();
    let set = |pointer: &str, value| with(&file, pointer, value);
    check([
        (without(&file, "/in_shape"), "missing_key", "in_shape"),
        (set("/in_shape", json!([])), "invalid_value", "in_shape"),
        (set("/in_shape", json!([null, null, null])), "wrong_type", "in_shape[2]"),
        (set("/in_shape", json!([null, null, 2])), "shape_mismatch", "layers[0].weights[0][0]"),
        (without(&file, "/layers"), "missing_key", "layers"),
        (set("/layers", json!([])), "invalid_value", "layers"),
        (set("/layers/0/type", json!("conv3d")), "unsupported_feature", "layers[0].type"),
        (set("/layers/0/activation", json!("gelu")), "unsupported_activation", "layers[0].activation"),
        (set("/layers/0/kernel_size", json!([3])), "shape_mismatch", "layers[0].weights[0]"),
        (set("/layers/0/kernel_size", json!([])), "invalid_value", "layers[0].kernel_size"),
        (set("/layers/0/dilation", json!([0])), "invalid_value", "layers[0].dilation[0]"),
        (set("/layers/0/groups", json!(2)), "invalid_value", "layers[0].groups"),
        (set("/layers/0/strides", json!([2])), "unsupported_feature", "layers[0].strides"),
        (set("/layers/0/shape", json!([null, null, 3])), "shape_mismatch", "layers[0].weights[0][0][0]"),
        (set("/layers/0/shape", json!([null, null, 1_000_000])), "limit_exceeded", "layers[0].shape[2]"),
        (set("/layers/0/weights/1", json!([1])), "shape_mismatch", "layers[0].weights[1]"),
        (set("/layers/0/weights", json!([])), "shape_mismatch", "layers[0].weights"),
        (set("/layers/1/weights/0/1", json!([1, 2])), "shape_mismatch", "layers[1].weights[0][1]"),
        (set("/layers/1/weights/2", json!([1, 2, 3])), "shape_mismatch", "layers[1].weights[2]"),
        (set("/layers/1/weights/0/0/2", json!(null)), "wrong_type", "layers[1].weights[0][0][2]"),
        (set("/layers/2/weights/1/0/3", json!(1e39)), "non_finite_weight", "layers[2].weights[1][0][3]"),
        (set("/layers/3/weights/0/0", json!([1, 2])), "shape_mismatch", "layers[3].weights[0][0]"),
        (set("/layers/4/weights", json!([[1]])), "shape_mismatch", "layers[4].weights"),
        (set("/layers/4/weights/3/0", json!(-1)), "invalid_value", "layers[4].weights"),
        (set("/layers/5/shape", json!([null, null, 2])), "shape_mismatch", "layers[5].shape"),
        (with(&aidax(), "/in_skip", json!(2)), "invalid_value", "in_skip"),
        (with(&aidax(), "/in_gain", json!("3")), "wrong_type", "in_gain"),
        (with(&aidax(), "/in_gain", json!(1e9)), "invalid_value", "in_gain"),
        (with(&aidax(), "/samplerate", json!("fast")), "invalid_value", "samplerate"),
        (with(&aidax(), "/samplerate", json!("NaN")), "invalid_value", "samplerate"),
        (with(&aidax(), "/output_batch", json!([1])), "shape_mismatch", "output_batch"),
    ]);
}

#[test]
fn a_convolution_over_features_is_checked() {
    let layer = json!({
        "type": "conv2d", "activation": "", "shape": [null, null, 1, 1], "kernel_size_time": 1,
        "kernel_size_feature": 1, "dilation": 1, "strides": 1, "num_filters_in": 1, "num_features_in": 1,
        "num_filters_out": 1, "padding": "valid", "weights": [[[[[1]]]], [0]],
    });
    let file = with(&keras(), "/layers", json!([layer]));
    if let Err(error) = load(&file) {
        panic!("{error}: {file}");
    }
    let set = |key: &str, value| with(&file, &format!("/layers/0/{key}"), value);
    check([
        (set("kernel_size_feature", json!(2)), "shape_mismatch", "layers[0].padding"),
        (set("padding", json!("causal")), "invalid_value", "layers[0].padding"),
        (set("num_features_in", json!(2)), "shape_mismatch", "layers[0].num_features_in"),
        (set("num_filters_out", json!(2)), "shape_mismatch", "layers[0].weights[0][0][0][0]"),
        (set("strides", json!(0)), "invalid_value", "layers[0].strides"),
        (set("shape", json!([null, null, 1, 2])), "shape_mismatch", "layers[0].shape"),
        (set("type", json!("batchnorm2d")), "missing_key", "layers[0].epsilon"),
    ]);
}

#[test]
fn state_dicts_and_perceptrons_are_checked() {
    let (file, curve) = (proteus(), mlp());
    let set = |pointer: &str, value| with(&file, pointer, value);
    check([
        (set("/model_data/model", json!("RecNet")), "unsupported_architecture", "model_data.model"),
        (set("/model_data/unit_type", json!("lstm")), "unsupported_architecture", "model_data.unit_type"),
        (set("/model_data/unit_type", json!("LSTM")), "shape_mismatch", "state_dict.rec.weight_ih_l0"),
        (set("/model_data/skip", json!(2)), "invalid_value", "model_data.skip"),
        (set("/model_data/num_layers", json!(2)), "missing_key", "state_dict.rec.weight_ih_l1"),
        (set("/model_data/input_size", json!(2)), "shape_mismatch", "state_dict.rec.weight_ih_l0[0]"),
        (set("/model_data/hidden_size", json!(2)), "shape_mismatch", "state_dict.rec.weight_ih_l0"),
        (set("/state_dict/lin.weight", json!([1])), "wrong_type", "state_dict.lin.weight[0]"),
        (set("/state_dict/lin.bias", json!([1, 2])), "shape_mismatch", "state_dict.lin.bias"),
        (without(&file, "/state_dict"), "missing_key", "state_dict"),
        (without(&file, "/model_data"), "missing_key", "model_data"),
        (without(&curve, "/layer2_bias"), "missing_key", "layer2_bias"),
        (with(&curve, "/layer2_bias", json!([])), "shape_mismatch", "layer2_bias"),
        (with(&curve, "/layer1_weights", json!([1])), "shape_mismatch", "layer1_weights"),
        (with(&curve, "/layer1_bias", json!([])), "invalid_value", "layer1_bias"),
    ]);
    let sum = with(
        &set("/model_data/unit_type", json!("RNN")),
        "/state_dict",
        json!({
            "rec.weight_ih_l0": [[1]], "rec.weight_hh_l0": [[1]], "rec.bias_ih_l0": [3e38], "rec.bias_hh_l0": [3e38],
            "lin.weight": [[1]],
        }),
    );
    check([(sum, "non_finite_weight", "state_dict.rec.bias_ih_l0[0]")]);
}

#[test]
fn what_is_no_json_says_where() {
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&[u8], usize, usize); 9] = [
        (b"", 1, 1),
        (b"\xef\xbb\xbf", 1, 1),
        (b"{\"a\": 1,\n \"b\": NaN}", 2, 7),
        (b"{\"a\": [-Infinity]}", 1, 9),
        (b"{\"a\": 1}\n}", 2, 1),
        (b"{\"a\": \"\xff\"}", 1, 8),
        (b"{\"a\": \"\\x\"}", 1, 9),
        (b"RIFF\x00\x00WAVE", 1, 1),
        (&utf16, 1, 1),
    ];
    for (bytes, line, column) in cases {
        match ModelSpec::from_slice(bytes) {
            Err(LoadError::NotJson { line: l, column: c, .. }) => {
                assert_eq!((l, c), (line, column), "{bytes:?}");
            }
            other => panic!("{bytes:?} gives {other:?}"),
        }
    }
}

#[test]
fn what_is_json_but_no_model_says_what_it_has() {
    let error = load(&json!({"tempo": 120, "notes": []})).expect_err("no model");
    assert_eq!(error, LoadError::NotAModel { keys: vec!["notes".to_owned(), "tempo".to_owned()] });
    let error = load(&json!({"\u{1b}[2J": 1})).expect_err("no model");
    assert!(!error.to_string().contains('\u{1b}'), "a terminal would obey {error:?}");
    for file in [json!([]), json!(1), json!("a"), json!(null), json!({}), json!([[wavenet()]])] {
        assert_eq!(load(&file).map_err(|error| error.kind()), Err("not_a_model"), "{file}");
    }
    let binary = ModelSpec::from_slice(b"BMAN\x01\x00\x00\x00").map_err(|error| error.kind());
    assert_eq!(binary, Err("unsupported_feature"));
}

#[test]
fn limits_can_be_raised_and_lowered() {
    let text = lstm().to_string();
    let load = |limits| {
        ModelSpec::from_slice_with(text.as_bytes(), &LoadOptions { limits, ..LoadOptions::default() })
    };
    let usual = Limits::default();
    assert!(load(usual).is_ok(), "the file is valid");
    let lower = [
        Limits { file_size: text.len() - 1, ..usual },
        Limits { json_depth: 2, ..usual },
        Limits { json_nodes: 4, ..usual },
        Limits { json_members: 5, ..usual },
        Limits { model_depth: 0, ..usual },
        Limits { total_models: 0, ..usual },
        Limits { hidden_size: 1, ..usual },
        Limits { num_layers: 0, ..usual },
        Limits { weights: 38, ..usual },
    ];
    for limits in lower {
        let error = load(limits).expect_err("one limit is too low");
        assert_eq!(error.kind(), "limit_exceeded", "{error}: {limits:?}");
    }
    let huge = Limits { channels: usize::MAX, kernel_size: usize::MAX, dilation: usize::MAX, ..usual };
    let huge = Limits { receptive_field: usize::MAX, state_size: usize::MAX, ..huge };
    let mut file = plain(15);
    for key in ["channels", "kernel_size"] {
        file["config"]["layers"][0][key] = json!(1 << 28);
    }
    let options = LoadOptions { limits: huge, ..LoadOptions::default() };
    let error =
        ModelSpec::from_slice_with(file.to_string().as_bytes(), &options).expect_err("far too few weights");
    assert_eq!((error.kind(), error.expected()), ("weight_count", Some(u64::MAX.to_string())));
}

/// Loads whatever it is, and has a look at the error.
fn survive(bytes: &[u8]) -> Option<LoadError> {
    let error = ModelSpec::from_slice(bytes).err()?;
    assert!(!error.to_string().is_empty(), "{error:?}");
    assert!(error.path().is_none_or(|path| !path.is_empty()), "{error:?}");
    Some(error)
}

#[test]
fn a_missing_key_is_named() {
    for file in valid_files() {
        for pointer in pointers(&file) {
            let Some(error) = survive(without(&file, &pointer).to_string().as_bytes()) else { continue };
            if let LoadError::MissingKey { path: missing } = &error {
                let removed = path(&file, &pointer);
                // Without kernel_sizes, it is kernel_size that is missing; without head, head_size.
                let is_near = missing.rsplit('.').next().is_some_and(|key| removed.ends_with(key))
                    || ["kernel_size", "head_size"].iter().any(|key| missing.ends_with(key));
                assert!(is_near, "{removed} was removed, but {missing} is said to be missing");
            }
        }
    }
}

#[test]
fn no_value_anywhere_does_harm() {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1),
        json!(2),
        json!(0.5),
        json!(1e9),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("x"),
        json!("none"),
        json!([]),
        json!([[]]),
        json!([0]),
        json!({}),
        json!({"active": true}),
        json!([null]),
        linear(),
        json!([linear()]),
    ];
    for file in valid_files() {
        for pointer in pointers(&file) {
            for value in &values {
                survive(with(&file, &pointer, value.clone()).to_string().as_bytes());
            }
        }
    }
}

#[test]
fn no_end_or_bit_anywhere_does_harm() {
    for file in valid_files() {
        let text = file.to_string().into_bytes();
        for place in 0..text.len() {
            let error = survive(&text[..place]).expect("no part of a file is a file");
            assert_eq!(error.kind(), "not_json", "cut at {place}");
            for bit in 0..8 {
                let mut text = text.clone();
                text[place] ^= 1 << bit;
                survive(&text);
            }
        }
    }
}

/// Largest reference file that is broken in every way, in bytes.
const SMALL: u64 = 30_000;

/// Elements of an array that are changed: weights are all alike.
const MAX_ELEMENTS: usize = 3;

/// Reference files that other programs wrote.
fn reference_files() -> Vec<Value> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data"));
    let read = |name: &str| fs::read(folder.join(name)).expect("the reference data is complete");
    let index: Vec<Value> = serde_json::from_slice(&read("index.json")).expect("a list of cases");
    let mut names: Vec<&str> = index.iter().filter_map(|case| case["model"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let is_small = |name: &&str| fs::metadata(folder.join(name)).is_ok_and(|file| file.len() <= SMALL);
    let names = names.into_iter().filter(is_small);
    names.map(|name| serde_json::from_slice(&read(name)).expect("it is JSON")).collect()
}

#[test]
fn no_change_to_a_reference_file_does_harm() {
    let changes = [
        "NaN",
        "-Infinity",
        "1e999",
        "1e39",
        "-1",
        "0",
        "1e9",
        "2.5",
        "null",
        "true",
        "\"x\"",
        "[]",
        "[[1]]",
        "{}",
        "[null]",
        "[[[[[[[[[[]]]]]]]]]]",
    ];
    let kinds_with_place =
        ["missing_key", "wrong_type", "invalid_value", "shape_mismatch", "weight_count", "non_finite_weight"];
    let files = reference_files();
    assert!(files.len() > 15, "only {} of the reference files are small", files.len());
    let mut tried = 0;
    for file in files {
        let few = |pointer: &String| {
            pointer.split('/').all(|key| {
                key.parse::<usize>().is_ok_and(|i| i < MAX_ELEMENTS) || key.parse::<usize>().is_err()
            })
        };
        for pointer in pointers(&file).into_iter().filter(few) {
            let key = pointer.rsplit('/').next().unwrap_or_default().to_owned();
            let marked = with(&file, &pointer, json!("@")).to_string();
            let mut broken = vec![without(&file, &pointer).to_string()];
            // Each place gets some of the changes, in turn.
            for step in 0..3 {
                let change = changes[(tried + 5 * step) % changes.len()];
                broken.push(marked.replace("\"@\"", change));
                if key.parse::<usize>().is_err() {
                    broken.push(marked.replace("\"@\"", &format!("0,\"{key}\":{change}")));
                }
            }
            tried += 1;
            for text in broken {
                let Some(error) = survive(text.as_bytes()) else { continue };
                let has_place = error.path().is_some() || !kinds_with_place.contains(&error.kind());
                assert!(has_place, "{pointer}: {error:?}");
            }
        }
    }
    assert!(tried > 1000, "only {tried} places");
}
