//! The models that are measured: those of users' collections, and some with random weights where only the shape counts.

use serde_json::{Value, json};

/// One model as a file.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) file: Vec<u8>,
}

/// All models, in the order of the report.
pub(crate) fn all() -> Vec<Entry> {
    let stored = [
        ("A1 standard", include_bytes!("../../tests/data/wavenet_standard/model.nam").as_slice()),
        ("A1 lite", include_bytes!("../../tests/data/wavenet_lite/model.nam")),
        ("A1 feather", include_bytes!("../../tests/data/wavenet_feather/model.nam")),
        ("A1 nano", include_bytes!("../../tests/data/wavenet_nano/model.nam")),
        ("A2 full", include_bytes!("../../tests/data/wavenet_a2_ch8/model.nam")),
        ("A2 lite", include_bytes!("../../tests/data/wavenet_a2_ch3/model.nam")),
    ];
    let made = [
        ("LSTM 1x16", lstm(1, 16)),
        ("LSTM 2x8", lstm(2, 8)),
        ("LSTM 1x40", lstm(1, 40)),
        ("GRU 1x16", gru(16)),
        ("GRU 1x40", gru(40)),
        ("MLP 1-16-1", mlp(16)),
        ("ConvNet 16x10", convnet(16, 10)),
        ("Linear 256", linear(256)),
        ("Linear 8192", linear(8192)),
    ];
    let stored = stored.map(|(name, file)| Entry { name, file: file.to_vec() });
    let made = made.map(|(name, model)| Entry { name, file: model.to_string().into_bytes() });
    stored.into_iter().chain(made).collect()
}

/// The same numbers on every machine: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Uniform between `-scale` and `scale`.
    fn number(&mut self, scale: f32) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let unit = (self.0 >> 40) as f32 / (1 << 24) as f32;
        scale * (2.0 * unit - 1.0)
    }

    /// `count` weights of a layer that sums `fan_in` products, scaled as `PyTorch` starts its layers.
    fn weights(&mut self, count: usize, fan_in: usize) -> Vec<f32> {
        let scale = 1.0 / (fan_in as f32).sqrt();
        (0..count).map(|_| self.number(scale)).collect()
    }

    fn matrix(&mut self, rows: usize, columns: usize, fan_in: usize) -> Vec<Vec<f32>> {
        (0..rows).map(|_| self.weights(columns, fan_in)).collect()
    }
}

fn nam(architecture: &str, config: &Value, weights: &[f32]) -> Value {
    json!({
        "version": "0.5.4",
        "architecture": architecture,
        "config": config,
        "weights": weights,
        "sample_rate": 48_000,
    })
}

fn lstm(num_layers: usize, hidden_size: usize) -> Value {
    let mut random = Random::new();
    let mut weights = Vec::new();
    for layer in 0..num_layers {
        let input_size = if layer == 0 { 1 } else { hidden_size };
        let matrix_and_bias = 4 * hidden_size * (input_size + hidden_size + 1);
        weights.extend(random.weights(matrix_and_bias, hidden_size));
        weights.extend(vec![0.0; 2 * hidden_size]); // the state at the start
    }
    weights.extend(random.weights(hidden_size + 1, hidden_size));
    nam("LSTM", &json!({"input_size": 1, "hidden_size": hidden_size, "num_layers": num_layers}), &weights)
}

fn gru(hidden_size: usize) -> Value {
    let mut random = Random::new();
    let gates = 3 * hidden_size;
    json!({
        "model_data": {
            "model": "SimpleRNN", "unit_type": "GRU", "input_size": 1, "output_size": 1, "num_layers": 1,
            "hidden_size": hidden_size, "skip": 0, "bias_fl": true,
        },
        "state_dict": {
            "rec.weight_ih_l0": random.matrix(gates, 1, hidden_size),
            "rec.weight_hh_l0": random.matrix(gates, hidden_size, hidden_size),
            "rec.bias_ih_l0": random.weights(gates, hidden_size),
            "rec.bias_hh_l0": random.weights(gates, hidden_size),
            "lin.weight": random.matrix(1, hidden_size, hidden_size),
            "lin.bias": random.weights(1, hidden_size),
        },
    })
}

fn mlp(hidden_size: usize) -> Value {
    let mut random = Random::new();
    json!({
        "layer1_weights": random.weights(hidden_size, 1),
        "layer1_bias": random.weights(hidden_size, 1),
        "layer2_weights": random.weights(hidden_size, hidden_size),
        "layer2_bias": random.weights(1, hidden_size),
    })
}

fn convnet(channels: usize, num_layers: u32) -> Value {
    let mut random = Random::new();
    let mut weights = Vec::new();
    for layer in 0..num_layers {
        let fan_in = 2 * if layer == 0 { 1 } else { channels };
        weights.extend(random.weights(channels * fan_in + channels, fan_in));
    }
    weights.extend(random.weights(channels + 1, channels));
    let dilations: Vec<u32> = (0..num_layers).map(|layer| 1 << layer).collect();
    let config =
        json!({"channels": channels, "dilations": dilations, "batchnorm": false, "activation": "Tanh"});
    nam("ConvNet", &config, &weights)
}

/// A decaying impulse response, as of a cabinet.
fn linear(receptive_field: usize) -> Value {
    let mut random = Random::new();
    let decay = |tap: usize| (-6.0 * tap as f32 / receptive_field as f32).exp();
    let weights: Vec<f32> = (0..receptive_field).map(|tap| random.number(0.2) * decay(tap)).collect();
    nam("Linear", &json!({"receptive_field": receptive_field, "bias": false}), &weights)
}
