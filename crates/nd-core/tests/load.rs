//! What a file says is what its description holds.

#![expect(clippy::needless_pass_by_value, reason = "json! makes values")]

use std::path::PathBuf;

use nd_core::format::Compat;
use nd_core::spec::{Activation, Gating, Layer, Lstm, Prewarm, Stack, WaveNet};
use nd_core::{CompileOptions, Format, LoadOptions, ModelSpec, Network};
use serde_json::{Value, json};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(data().join(name)).expect("the reference data is complete")
}

fn cases() -> Vec<Value> {
    serde_json::from_slice(&read("index.json")).expect("the index is a list of cases")
}

fn load(file: &Value) -> ModelSpec {
    ModelSpec::from_slice(file.to_string().as_bytes()).expect("the file is valid")
}

fn load_with(file: &Value, compat: Compat) -> ModelSpec {
    let options = LoadOptions { compat, ..LoadOptions::default() };
    ModelSpec::from_slice_with(file.to_string().as_bytes(), &options).expect("the file is valid")
}

fn stack(spec: &ModelSpec) -> &Stack {
    match &spec.network {
        Network::Stack(stack) => stack,
        other => panic!("expected a stack, got {other:?}"),
    }
}

fn wavenet(spec: &ModelSpec) -> &WaveNet {
    match &spec.network {
        Network::WaveNet(model) => model,
        other => panic!("expected a WaveNet, got {other:?}"),
    }
}

/// The numbers from `start` on, as weights that tell where they went.
fn numbers(range: std::ops::Range<u16>) -> Vec<f32> {
    range.map(f32::from).collect()
}

fn nam(architecture: &str, config: Value, weights: Vec<f32>) -> Value {
    json!({"version": "0.7.0", "architecture": architecture, "config": config, "weights": weights})
}

#[test]
fn every_reference_model_loads() {
    for case in cases() {
        let name = case["name"].as_str().expect("a name");
        let spec = ModelSpec::from_slice(&read(case["model"].as_str().expect("a file")));
        let spec = spec.unwrap_or_else(|error| panic!("{name}: {error}"));
        let format = match case["format"].as_str() {
            Some("nam") => Format::Nam,
            Some("rtneural") => Format::RtNeural,
            Some("aidax") => Format::AidaX,
            Some("proteus") => Format::Proteus,
            other => panic!("{name}: {other:?} is no dialect of the index"),
        };
        assert_eq!(spec.format, format, "{name}");
        assert_eq!(
            (spec.in_channels() > 1, spec.out_channels()),
            (!case["parameters"].is_null(), 1),
            "{name}"
        );
        assert_eq!(spec.metadata.warnings, Vec::<String>::new(), "{name}");
    }
}

/// How many weights a file lists, its condition's included, or its largest member's.
fn listed_weights(file: &Value) -> usize {
    let own = file["weights"].as_array().map_or(0, Vec::len);
    let config = &file["config"];
    let largest = config["submodels"].as_array().and_then(|members| members.last());
    let inner = largest.map(|member| &member["model"]).or(config.get("condition_dsp"));
    own + inner.map_or(0, listed_weights)
}

#[test]
fn every_weight_of_a_wavenet_is_in_its_description() {
    let mut seen = 0;
    for case in cases() {
        if !matches!(case["architecture"].as_str(), Some("WaveNet" | "SlimmableContainer")) {
            continue;
        }
        let file = read(case["model"].as_str().expect("a file"));
        let spec = ModelSpec::from_slice(&file).expect("the file is valid");
        let listed = listed_weights(&serde_json::from_slice(&file).expect("the file is JSON"));
        assert_eq!(spec.network.num_parameters(), listed, "{}", case["name"]);
        seen += 1;
    }
    assert!(seen > 20, "only {seen} of the reference models are WaveNets");
}

#[test]
fn both_layouts_of_a_wavenet_are_one_description() {
    let mut seen = 0;
    for case in cases() {
        let name = case["name"].as_str().expect("a name");
        let Some(newer) = name.strip_suffix("_legacy") else { continue };
        let older = ModelSpec::from_slice(&read(&format!("{newer}/model_legacy.nam"))).expect("a valid file");
        let newer = ModelSpec::from_slice(&read(&format!("{newer}/model.nam"))).expect("a valid file");
        assert_eq!(older.network, newer.network, "{name}");
        seen += 1;
    }
    assert!(seen > 0, "no reference model comes in both layouts");
}

/// A layer array with everything that it can have.
fn full_array() -> Value {
    let film = json!({"active": true, "shift": true, "groups": 1});
    json!({
        "input_size": 1, "condition_size": 1, "channels": 2, "bottleneck": 2, "dilations": [1], "kernel_sizes": [2],
        "activation": {"type": "PReLU", "negative_slopes": [0.1, 0.2]},
        "gating_mode": ["blended"], "secondary_activation": ["ReLU"],
        "layer1x1": {"active": true, "groups": 2}, "head1x1": {"active": true, "out_channels": 1, "groups": 1},
        "head": {"out_channels": 1, "kernel_size": 2, "bias": true, "head_dilation": 3},
        "groups_input": 2, "groups_input_mixin": 1, "slimmable": null,
        "conv_pre_film": film, "conv_post_film": {"shift": false}, "input_mixin_pre_film": film,
        "input_mixin_post_film": {"active": false}, "activation_pre_film": false, "activation_post_film": film,
        "layer1x1_post_film": film, "head1x1_post_film": film,
    })
}

#[test]
fn the_weights_of_a_wavenet_are_read_in_their_order() {
    let config = json!({
        "layers": [full_array()], "head_scale": 0.5,
        "head": {"channels": 1, "kernel_sizes": [1], "out_channels": 1, "activation": "Tanh"},
    });
    let spec = load(&nam("WaveNet", config, numbers(0..71)));
    let model = wavenet(&spec);
    let array = &model.arrays[0];
    let layer = &array.layers[0];
    let film = |film: &Option<nd_core::spec::Film>| film.as_ref().map(|film| film.conv.clone());
    let expected = [
        ("rechannel", Some(array.rechannel.clone()), 2, None),
        ("conv", Some(layer.conv.clone()), 8, Some(4)),
        ("mixin", Some(layer.mixin.clone()), 4, None),
        ("layer1x1", layer.layer1x1.clone(), 2, Some(2)),
        ("head1x1", layer.head1x1.clone(), 2, Some(1)),
        ("conv_pre_film", film(&layer.conv_pre_film), 4, Some(4)),
        ("conv_post_film", film(&layer.conv_post_film), 4, Some(4)),
        ("input_mixin_pre_film", film(&layer.input_mixin_pre_film), 2, Some(2)),
        ("activation_post_film", film(&layer.activation_post_film), 4, Some(4)),
        ("layer1x1_post_film", film(&layer.layer1x1_post_film), 4, Some(4)),
        ("head1x1_post_film", film(&layer.head1x1_post_film), 2, Some(2)),
        ("head_rechannel", Some(array.head_rechannel.clone()), 2, Some(1)),
        ("post_head", Some(model.post_head[0].1.clone()), 1, Some(1)),
    ];
    let mut next = 0;
    let mut take = |count: u16| {
        next += count;
        numbers(next - count..next)
    };
    for (name, conv, weights, biases) in expected {
        let conv = conv.unwrap_or_else(|| panic!("{name} is active"));
        assert_eq!(conv.weight, take(weights), "weight of {name}");
        assert_eq!(conv.bias, biases.map(&mut take), "bias of {name}");
    }
    assert_eq!(vec![model.head_scale], take(1), "the last weight, not the configuration, is the head scale");
    assert_eq!(layer.input_mixin_post_film, None, "inactive");
    assert_eq!(layer.activation_pre_film, None, "false");
    assert_eq!(layer.conv_post_film.as_ref().map(|film| film.shift), Some(false), "no shift");
    assert_eq!(layer.activation, Activation::PRelu { slopes: vec![0.1, 0.2] });
    assert_eq!(layer.gating, Gating::Blended(Activation::Relu));
    assert_eq!((array.head_rechannel.kernel_size, array.head_rechannel.dilation), (2, 3));
    assert_eq!((layer.conv.groups, layer.mixin.groups), (2, 1));
}

/// A layer array of the oldest layout, with one channel.
fn plain_array() -> Value {
    json!({
        "input_size": 1, "condition_size": 1, "channels": 1, "kernel_size": 2, "dilations": [1, 2],
        "activation": "Tanh", "gated": false, "head_size": 1, "head_bias": false,
    })
}

fn plain_wavenet(edit: impl FnOnce(&mut Value), weights: usize) -> Value {
    let mut array = plain_array();
    edit(&mut array);
    nam("WaveNet", json!({"layers": [array], "head_scale": 1.0, "head": null}), vec![0.25; weights])
}

#[test]
fn a_gated_layer_without_a_second_activation_has_a_sigmoid() {
    let gated = plain_wavenet(|array| array["gated"] = json!(true), 23);
    assert_eq!(wavenet(&load(&gated)).arrays[0].layers[1].gating, Gating::Gated(Activation::Sigmoid));
    for nothing in [json!(""), json!([null, null])] {
        let gated = plain_wavenet(
            |array| {
                array["gating_mode"] = json!("gated");
                array["secondary_activation"] = nothing;
            },
            23,
        );
        let spec = load(&gated);
        assert_eq!(wavenet(&spec).arrays[0].layers[0].gating, Gating::Gated(Activation::Sigmoid));
        assert_eq!(spec.metadata.warnings.len(), 2, "one for each layer: {:?}", spec.metadata.warnings);
    }
}

#[test]
fn activations_keep_their_parameters() {
    let cases = [
        (json!("Tanh"), Activation::Tanh),
        (json!("Fasttanh"), Activation::FastTanh),
        (json!("Hardtanh"), Activation::HardTanh { min: -1.0, max: 1.0 }),
        (json!({"type": "Hardtanh", "min_val": -0.5}), Activation::HardTanh { min: -0.5, max: 1.0 }),
        (json!("ReLU"), Activation::Relu),
        (json!("LeakyReLU"), Activation::LeakyRelu { slope: 0.01 }),
        (json!({"type": "LeakyReLU", "negative_slope": 0.5}), Activation::LeakyRelu { slope: 0.5 }),
        (json!({"type": "PReLU", "negative_slope": 0.5}), Activation::PRelu { slopes: vec![0.5] }),
        (json!({"type": "PReLU", "negative_slopes": [0.5]}), Activation::PRelu { slopes: vec![0.5] }),
        (json!("Sigmoid"), Activation::Sigmoid),
        (json!("SiLU"), Activation::Silu),
        (json!("Hardswish"), Activation::HardSwish),
        (
            json!({"type": "LeakyHardTanh", "max_slope": 0.5}),
            Activation::LeakyHardTanh { min: -1.0, max: 1.0, min_slope: 0.01, max_slope: 0.5 },
        ),
        (json!("Softsign"), Activation::Softsign),
        (json!("Softsigmoid"), Activation::Softsigmoid),
    ];
    for (value, activation) in cases {
        let spec = load(&plain_wavenet(|array| array["activation"] = value.clone(), 15));
        assert_eq!(wavenet(&spec).arrays[0].layers[0].activation, activation, "{value}");
    }
}

#[test]
fn the_rows_of_an_lstm_are_inputs_then_recurrent_inputs() {
    let config = json!({"num_layers": 1, "hidden_size": 1, "input_size": 1});
    let spec = load(&nam("LSTM", config, numbers(0..16)));
    let stack = stack(&spec);
    let lstm = Lstm {
        input_size: 1,
        hidden_size: 1,
        weight_ih: vec![0.0, 2.0, 4.0, 6.0],
        weight_hh: vec![1.0, 3.0, 5.0, 7.0],
        bias: numbers(8..12),
        initial_hidden: vec![12.0],
        initial_cell: vec![13.0],
    };
    assert_eq!(stack.layers[0], Layer::Lstm(lstm));
    let Layer::Dense(head) = &stack.layers[1] else { panic!("the head is dense") };
    assert_eq!((&head.weight, &head.bias), (&vec![14.0], &Some(vec![15.0])));
    assert_eq!(stack.prewarm, Prewarm::Seconds(0.5));
}

#[test]
fn the_first_tap_of_a_linear_model_is_the_newest() {
    let file = nam("Linear", json!({"receptive_field": 3, "bias": true}), numbers(1..5));
    let taps = |spec: &ModelSpec| match &stack(spec).layers[..] {
        [Layer::Conv1d(conv)] => (conv.weight.clone(), conv.bias.clone()),
        other => panic!("expected one convolution, got {other:?}"),
    };
    assert_eq!(taps(&load(&file)), (vec![3.0, 2.0, 1.0], Some(vec![4.0])));
    let reversed = load_with(&file, Compat { reverse_linear_taps: true, ..Compat::default() });
    assert_eq!(taps(&reversed), (vec![1.0, 2.0, 3.0], Some(vec![4.0])));
}

#[test]
fn a_linear_model_of_several_channels_shares_or_splits_its_taps() {
    let linear = |inputs: usize, outputs: usize, weights| {
        let config = json!({
            "receptive_field": 2, "bias": true, "in_channels": inputs, "out_channels": outputs, "implementation": "fft",
        });
        let spec = load(&nam("Linear", config, weights));
        match &stack(&spec).layers[..] {
            [Layer::Conv1d(conv)] => (conv.groups, conv.weight.clone(), conv.bias.clone().expect("a bias")),
            other => panic!("expected one convolution, got {other:?}"),
        }
    };
    assert_eq!(linear(2, 2, numbers(1..4)), (2, vec![2.0, 1.0, 2.0, 1.0], vec![3.0, 3.0]));
    assert_eq!(linear(1, 2, numbers(1..7)), (1, vec![2.0, 1.0, 4.0, 3.0], vec![5.0, 6.0]));
    assert_eq!(linear(2, 1, numbers(1..6)), (1, vec![2.0, 1.0, 4.0, 3.0], vec![5.0]));
}

#[test]
fn a_batch_normalisation_is_folded_into_its_convolution() {
    let config = json!({"channels": 1, "dilations": [3], "batchnorm": true, "activation": "ReLU"});
    // Taps, mean, variance, gamma, beta, epsilon, head and its bias.
    let spec = load(&nam("ConvNet", config, vec![2.0, 4.0, 1.0, 3.0, 6.0, 0.5, 1.0, 7.0, 8.0]));
    let [Layer::Conv1d(conv), Layer::Activation(Activation::Relu), Layer::Dense(head)] =
        &stack(&spec).layers[..]
    else {
        panic!("expected a convolution, an activation and a head")
    };
    assert_eq!((&conv.weight, &conv.bias), (&vec![6.0, 12.0], &Some(vec![-2.5])));
    assert_eq!((conv.kernel_size, conv.dilation), (2, 3));
    assert_eq!((&head.weight, &head.bias), (&vec![7.0], &Some(vec![8.0])));
}

#[test]
fn other_programs_readings_of_a_wavenet_can_be_had() {
    let film = plain_wavenet(|array| array["layer1x1_post_film"] = json!({"active": true}), 23);
    let legacy = Compat { legacy_layer1x1_post_film: true, ..Compat::default() };
    let has_film = |spec: &ModelSpec| wavenet(spec).arrays[0].layers[0].layer1x1_post_film.is_some();
    assert!(has_film(&load(&film)), "applied in every layer");
    assert!(!has_film(&load_with(&film, legacy)), "applied in blended layers only");

    let bare = plain_wavenet(|array| array["layer1x1"] = json!({"active": false}), 11);
    let residual = Compat { residual_without_layer1x1: true, ..Compat::default() };
    let layer1x1 = |spec: &ModelSpec| wavenet(spec).arrays[0].layers[0].layer1x1.clone();
    assert_eq!(layer1x1(&load(&bare)), None, "the input passes");
    let identity = layer1x1(&load_with(&bare, residual)).expect("the activations are added to the input");
    assert_eq!((identity.weight, identity.bias), (vec![1.0], Some(vec![0.0])));
}

#[test]
fn a_slimmable_array_may_have_any_width_unless_it_says_which() {
    let widths = |slimmable: Value| {
        let file = plain_wavenet(
            |array| {
                array["channels"] = json!(2);
                array["slimmable"] = slimmable;
            },
            41,
        );
        wavenet(&load(&file)).arrays[0].allowed_channels.clone()
    };
    assert_eq!(widths(json!(null)), Vec::<usize>::new());
    assert_eq!(widths(json!({"method": "slice_channels_uniform"})), [1, 2]);
    let only =
        json!({"method": "slice_channels_uniform", "kwargs": {"allowed_channels": [2], "boosting": true}});
    assert_eq!(widths(only), [2]);
}

/// An impulse response of one tap.
fn gain(sample_rate: Value) -> Value {
    let mut file = nam("Linear", json!({"receptive_field": 1, "bias": false}), vec![0.5]);
    file["sample_rate"] = sample_rate;
    file
}

#[test]
fn a_composite_takes_what_it_lacks_from_its_members() {
    let mut member = gain(json!(44100));
    member["metadata"] = json!({"loudness": -20.0, "mine": 1});
    let submodels =
        json!([{"max_value": 0.5, "model": gain(json!(null))}, {"max_value": 1, "model": member}]);
    let spec = load(&nam("SlimmableContainer", json!({"submodels": submodels}), vec![]));
    assert_eq!(spec.sample_rate, Some(44100.0));
    assert_eq!(spec.metadata.loudness_db, Some(-20.0));
    assert!(matches!(&spec.network, Network::Container(members) if members.len() == 2));

    let mut sequence = nam("Sequential", json!({"models": [member, gain(json!(null))]}), vec![]);
    sequence["metadata"] = json!({"name": "rig"});
    let spec = load(&sequence);
    assert_eq!((spec.sample_rate, spec.metadata.name.as_deref()), (Some(44100.0), Some("rig")));
    assert!(matches!(&spec.network, Network::Sequential(models) if models.len() == 2));
}

#[test]
fn metadata_is_typed_where_it_can_be_and_kept_as_it_is() {
    let mut file = gain(json!(48000));
    file["metadata"] = json!({
        "name": "a \"b\"", "modeled_by": null, "gear_make": 3, "gear_type": "amp", "loudness": -18, "gain": "high",
        "input_level_dbu": 12.5, "training": {"validation_esr": 0.01}, "knobs": ["drive", 2], "t3k": {"id": [1, 2]},
    });
    let metadata = load(&file).metadata;
    assert_eq!(metadata.name.as_deref(), Some("a \"b\""));
    assert_eq!((metadata.modeled_by, metadata.gear_make), (None, None));
    assert_eq!((metadata.loudness_db, metadata.input_level_dbu), (Some(-18.0), Some(12.5)));
    assert_eq!((metadata.gain, metadata.validation_esr), (None, Some(0.01)));
    assert_eq!(
        metadata.warnings,
        [
            "metadata.gear_make: expected a string, found a number",
            "metadata.gain: expected a number, found a string",
            "metadata.knobs[1]: expected a string, found a number"
        ]
    );
    let raw: Value = serde_json::from_str(&metadata.raw.expect("the object is kept")).expect("it is JSON");
    assert_eq!(raw, file["metadata"]);
}

#[test]
fn knobs_have_names_where_the_file_has_one_for_each() {
    let overdrive = include_bytes!("../../../python/neural_distortion/models/overdrive.nam");
    let mut file: Value = serde_json::from_slice(overdrive).expect("it is JSON");
    assert_eq!(load(&file).knobs(), Some(&["drive".to_owned()][..]), "one knob and its name");
    file["metadata"]["knobs"] = json!(["drive", "tone"]);
    assert_eq!(load(&file).knobs(), None, "two names for one knob");
    assert_eq!(load(&gain(json!(48000))).knobs(), Some(&[][..]), "no knob");
}

#[test]
fn the_quirks_of_real_files_are_understood() {
    let plain = load(&gain(json!(48000)));
    let text = gain(json!(48000)).to_string();
    let variants = [
        format!("\u{feff}{text}"),
        format!(" \r\n\t{text}\n"),
        text.replace("\"receptive_field\":1", "\"receptive_field\":1.0"),
        text.replace("48000", "4.8e4"),
        text.replace("\"weights\"", "\"notes\":[{\"a\":[]},\"}\\\"\"],\"weights\""),
        text.replace("\"weights\":", "\"weights\":\"of two keys, the last counts\",\"weights\":"),
        text.replace("\"weights\"", "\"w\\u0065ights\""),
        text.replace("\"weights\"", "\"metadata\":null,\"weights\""),
    ];
    for variant in variants {
        let mut spec = ModelSpec::from_slice(variant.as_bytes()).expect("a quirk is no error");
        spec.metadata.other.clear();
        assert_eq!(spec, plain, "{variant}");
    }
    assert_eq!(load(&gain(json!(null))).sample_rate, None, "an unknown rate");
    let without = text.replace("\"sample_rate\":48000,", "");
    assert_ne!(without, text);
    let spec = ModelSpec::from_slice(without.as_bytes()).expect("a rate may be missing");
    assert_eq!(spec.sample_rate, None, "a rate that is not there");
    let newer = text.replace("0.7.0", "0.7.10");
    let newer = ModelSpec::from_slice(newer.as_bytes()).expect("any 0.7 loads");
    assert_eq!(newer.metadata.warnings.len(), 1, "{:?}", newer.metadata.warnings);
}

fn keras(layers: Value) -> Value {
    json!({"in_shape": [null, null, 1], "layers": layers})
}

#[test]
fn the_matrices_of_keras_are_transposed() {
    let spec = load(&keras(json!([
        {"type": "dense", "activation": "relu", "shape": [null, null, 2], "weights": [[[1, 2]], [3, 4]]},
        {"type": "time-distributed-dense", "activation": "", "shape": [null, null, 1], "weights": [[[5], [6]]]},
    ])));
    let [Layer::Dense(first), Layer::Activation(Activation::Relu), Layer::Dense(second)] =
        &stack(&spec).layers[..]
    else {
        panic!("expected two dense layers with an activation between them, got {:?}", spec.network)
    };
    assert_eq!((&first.weight, &first.bias), (&vec![1.0, 2.0], &Some(vec![3.0, 4.0])));
    assert_eq!((&second.weight, &second.bias, second.in_channels), (&vec![5.0, 6.0], &None, 2));

    let spec = load(&keras(json!([
        {"type": "dense", "shape": [null, null, 2], "weights": [[[1, 2]]]},
        {
            "type": "conv1d", "activation": "linear", "shape": [null, null, 2], "kernel_size": [2], "dilation": [1, 3],
            "groups": 1, "weights": [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [9, 10]],
        },
    ])));
    let Layer::Conv1d(conv) = &stack(&spec).layers[1] else { panic!("the second layer is a convolution") };
    assert_eq!(conv.weight, [1.0, 5.0, 3.0, 7.0, 2.0, 6.0, 4.0, 8.0]);
    assert_eq!((conv.dilation, conv.bias.as_deref()), (3, Some(&[9.0, 10.0][..])));
}

#[test]
fn the_gates_of_a_keras_gru_change_places() {
    let spec = load(&keras(json!([{
        "type": "gru", "activation": "tanh", "shape": [null, null, 1],
        "weights": [[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9], [10, 11, 12]]],
    }])));
    let [Layer::Gru(gru)] = &stack(&spec).layers[..] else { panic!("expected one GRU") };
    assert_eq!((&gru.weight_ih, &gru.weight_hh), (&vec![2.0, 1.0, 3.0], &vec![5.0, 4.0, 6.0]));
    assert_eq!((&gru.bias_ih, &gru.bias_hh), (&vec![8.0, 7.0, 9.0], &vec![11.0, 10.0, 12.0]));
    assert_eq!((stack(&spec).prewarm, spec.sample_rate), (Prewarm::None, None));
}

#[test]
fn a_convolution_over_time_and_features_keeps_its_order() {
    let spec = load(&keras(json!([
        {"type": "dense", "shape": [null, null, 5], "weights": [[[1, 2, 3, 4, 5]]]},
        {
            "type": "conv2d", "activation": "", "shape": [null, null, 2, 2], "kernel_size_time": 1,
            "kernel_size_feature": 2, "dilation": 3, "strides": 2, "num_filters_in": 1, "num_features_in": 5,
            "num_filters_out": 2, "padding": "valid", "weights": [[[[[1, 2]], [[3, 4]]]], [5, 6]],
        },
        {
            "type": "batchnorm2d", "shape": [null, null, 2, 2], "num_filters_in": 2, "epsilon": 0,
            "weights": [[1, 2], [4, 16]],
        },
    ])));
    let Layer::Conv2d(conv) = &stack(&spec).layers[1] else { panic!("the second layer is a convolution") };
    assert_eq!(conv.weight, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!((conv.in_features, conv.out_features, conv.dilation, conv.stride), (5, 2, 3, 2));
    let Layer::Affine(norm) = &stack(&spec).layers[2] else { panic!("the third layer is a normalisation") };
    assert_eq!(norm.scale, [0.5, 0.25, 0.5, 0.25]);
    assert_eq!(norm.shift, [-0.5, -0.5, -0.5, -0.5]);
}

#[test]
fn aida_x_files_say_more_than_their_layers() {
    let mut file = keras(
        json!([{"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[2]], [0]]}]),
    );
    file["in_skip"] = json!(1);
    file["in_gain"] = json!(-20);
    file["out_gain"] = json!(-90);
    file["metadata"] =
        json!({"name": "n", "author": "a", "based": "b", "style": "s", "samplerate": "44100", "esr": "0.5"});
    file["input_batch"] = json!([1, 2]);
    file["output_batch"] = json!([3, 4]);
    let spec = load(&file);
    let stack = stack(&spec);
    assert_eq!(spec.format, Format::AidaX);
    assert_eq!((stack.skip, stack.in_gain, stack.out_gain), (1, 0.1, 0.0));
    assert_eq!((spec.sample_rate, stack.prewarm), (Some(44100.0), Prewarm::Frames(2048)));
    let self_test = stack.self_test.as_ref().expect("the file brings a recording");
    assert_eq!((&self_test.input, &self_test.output), (&vec![1.0, 2.0], &vec![3.0, 4.0]));
    let metadata = &spec.metadata;
    assert_eq!((metadata.name.as_deref(), metadata.modeled_by.as_deref()), (Some("n"), Some("a")));
    assert_eq!((metadata.gear_model.as_deref(), metadata.validation_esr), (Some("b"), Some(0.5)));
    assert_eq!(metadata.warnings, Vec::<String>::new());

    file["metadata"] = json!({"samplerate": "a lot"});
    let spec = load(&file);
    assert_eq!(spec.sample_rate, Some(48000.0), "what is not a rate is no rate");
    assert_eq!(spec.metadata.warnings.len(), 1, "{:?}", spec.metadata.warnings);
}

#[test]
fn a_recurrent_state_dict_is_read_as_it_is() {
    let layer = json!({
        "rec.weight_ih_l0": [[1, 2]], "rec.weight_hh_l0": [[3]], "rec.bias_ih_l0": [4], "rec.bias_hh_l0": [5],
        "lin.weight": [[6]],
    });
    let data = json!({
        "model": "SimpleRNN", "input_size": 2, "output_size": 1, "unit_type": "RNN", "num_layers": 1,
        "hidden_size": 1, "skip": 1, "bias_fl": false,
    });
    let spec = load(&json!({"model_data": data, "state_dict": layer}));
    let stack = stack(&spec);
    assert_eq!((spec.sample_rate, stack.in_channels, stack.skip), (Some(44100.0), 2, 1));
    let [Layer::Rnn(rnn), Layer::Dense(dense)] = &stack.layers[..] else {
        panic!("expected one layer and a head")
    };
    assert_eq!((&rnn.weight_ih, &rnn.weight_hh, &rnn.bias), (&vec![1.0, 2.0], &vec![3.0], &vec![9.0]));
    assert_eq!((&dense.weight, &dense.bias), (&vec![6.0], &None));
}

#[test]
fn the_bias_of_a_perceptron_is_a_bias() {
    let file = json!({
        "layer1_weights": [1, 2], "layer1_bias": [3, 4], "layer2_weights": [5, 6], "layer2_bias": [7],
    });
    let spec = load(&file);
    let [Layer::Dense(first), Layer::Activation(Activation::Tanh), Layer::Dense(second)] =
        &stack(&spec).layers[..]
    else {
        panic!("expected two dense layers with a tanh between them")
    };
    assert_eq!((&first.weight, &first.bias), (&vec![1.0, 2.0], &Some(vec![3.0, 4.0])));
    assert_eq!((&second.weight, &second.bias), (&vec![5.0, 6.0], &Some(vec![7.0])));
    assert_eq!(spec.sample_rate, None);
}

#[test]
fn a_model_of_several_audio_channels_is_not_taken_for_one_with_knobs() {
    for (channels, kind) in [(0, "unsupported_feature"), (2, "shape_mismatch")] {
        let mut spec = ModelSpec::from_slice(&read("models/wavenet.nam")).expect("a model that loads");
        let Network::WaveNet(wavenet) = &mut spec.network else { panic!("it is a WaveNet") };
        wavenet.in_channels = channels;
        let error = spec.compile(&CompileOptions::default()).expect_err("no player has such channels");
        assert_eq!(error.kind(), kind, "{error}");
    }
}
