//! The reference evaluator against other programs, and against small sums done by hand where there is none.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use nd_core::reference::{Options, receptive_field, render};
use nd_core::spec::{
    Activation, Conv2d, Dense, Format, Layer, Member, Metadata, Network, Padding, Prewarm, Rnn, Stack,
};
use nd_core::{AntiAliasing, CompileOptions, ModelSpec};
use support::{fixture, made_up, max_abs_error};

const AS_IT_STARTS: Options = Options { prewarm: false, quality: 1.0 };

fn spec(network: Network) -> ModelSpec {
    ModelSpec { format: Format::RtNeural, network, sample_rate: None, metadata: Metadata::default() }
}

fn stack(layers: Vec<Layer>) -> ModelSpec {
    spec(Network::Stack(Stack::new(layers)))
}

/// `y = weight · x`.
fn gain(weight: f32) -> ModelSpec {
    stack(vec![Layer::Dense(Dense { in_channels: 1, out_channels: 1, weight: vec![weight], bias: None })])
}

#[test]
fn it_agrees_with_the_programs_that_rendered_the_fixtures() {
    let mut wrong = Vec::new();
    for case in fixture::cases() {
        let output = case.subject(usize::MAX).reference();
        if let Err(error) = case.tolerance.judge(&case.output(), &output) {
            wrong.push(format!("{}: {error}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_prewarmed_feed_forward_network_rests_in_silence() {
    for network in made_up::networks() {
        let Some(frames) = receptive_field(&network.spec, 1.0) else { continue };
        let output = render(&network.spec, &[vec![0.0; frames + 10]], &Options::default());
        let rest = vec![output[0][frames + 9]; frames + 10];
        assert!(max_abs_error(&rest, &output[0]) < 1e-12, "{}", network.name);
    }
}

#[test]
fn an_impulse_is_forgotten_after_the_receptive_field() {
    for network in made_up::networks() {
        let Some(frames) = receptive_field(&network.spec, 1.0) else { continue };
        let mut impulse = vec![0.0; frames + 10];
        impulse[0] = 1.0;
        let silent = render(&network.spec, &[vec![0.0; frames + 10]], &Options::default());
        let struck = render(&network.spec, &[impulse], &Options::default());
        assert_eq!(silent[0][frames..], struck[0][frames..], "{}", network.name);
    }
}

#[test]
fn a_convolution_over_features_pads_the_far_end_first() {
    // Four places for three features: the one that is missing lies behind the last.
    let conv = |padding, out_features| Conv2d {
        in_filters: 1,
        out_filters: 1,
        in_features: 3,
        out_features,
        kernel_size_time: 1,
        kernel_size_feature: 2,
        dilation: 1,
        stride: 2,
        padding,
        weight: vec![10.0, 1.0],
        bias: Some(vec![0.5]),
    };
    let ladder =
        Layer::Dense(Dense { in_channels: 1, out_channels: 3, weight: vec![1.0, 2.0, 3.0], bias: None });
    let same = stack(vec![ladder.clone(), Layer::Conv2d(conv(Padding::Same, 2))]);
    assert_eq!(render(&same, &[vec![1.0]], &AS_IT_STARTS), [[12.5], [30.5]]);
    let valid = stack(vec![ladder, Layer::Conv2d(conv(Padding::Valid, 1))]);
    assert_eq!(render(&valid, &[vec![1.0]], &AS_IT_STARTS), [[12.5]]);
}

#[test]
fn a_convolution_over_features_keeps_filters_together_and_the_oldest_tap_first() {
    let conv = Conv2d {
        in_filters: 2,
        out_filters: 2,
        in_features: 1,
        out_features: 1,
        kernel_size_time: 2,
        kernel_size_feature: 1,
        dilation: 2,
        stride: 1,
        padding: Padding::Valid,
        // Taps of two frames ago, then of now: each a matrix from input filter to output filter.
        weight: vec![1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0],
        bias: None,
    };
    let spread = Dense { in_channels: 1, out_channels: 2, weight: vec![1.0, 10.0], bias: None };
    let net = stack(vec![Layer::Dense(spread), Layer::Conv2d(conv)]);
    let output = render(&net, &[vec![1.0, 0.0, 0.0]], &AS_IT_STARTS);
    assert_eq!(output, [[310.0, 0.0, 31.0], [420.0, 0.0, 42.0]]);
}

#[test]
fn an_elman_network_feeds_back_its_output() {
    let rnn =
        Rnn { input_size: 1, hidden_size: 1, weight_ih: vec![1.0], weight_hh: vec![0.5], bias: vec![0.25] };
    let output = render(&stack(vec![Layer::Rnn(rnn)]), &[vec![1.0, 0.0]], &AS_IT_STARTS);
    let first = 1.25_f64.tanh();
    assert_eq!(output, [[first, (0.5 * first + 0.25).tanh()]]);
}

#[test]
fn softmax_shares_one_among_the_channels() {
    let spread = Dense { in_channels: 1, out_channels: 2, weight: vec![1.0, 3.0], bias: None };
    let net = stack(vec![Layer::Dense(spread), Layer::Activation(Activation::Softmax)]);
    let output = render(&net, &[vec![0.5]], &AS_IT_STARTS);
    assert!((output[0][0] - 1.0 / (1.0 + 1.0_f64.exp())).abs() < 1e-15, "{output:?}");
    assert!((output[0][0] + output[1][0] - 1.0).abs() < 1e-15, "{output:?}");
}

#[test]
fn gain_and_skip_take_the_audio_and_leave_the_parameters() {
    let net = Stack {
        in_channels: 2,
        skip: 1,
        in_gain: 2.0,
        out_gain: 10.0,
        ..Stack::new(vec![Layer::Dense(Dense {
            in_channels: 2,
            out_channels: 1,
            weight: vec![3.0, 100.0],
            bias: None,
        })])
    };
    let output = render(&spec(Network::Stack(net)), &[vec![1.0], vec![7.0]], &AS_IT_STARTS);
    assert_eq!(output, [[10.0 * (2.0 * 3.0 + 700.0 + 2.0)]]);
}

#[test]
fn a_container_takes_the_first_member_above_the_quality() {
    let member = |max_value, weight| Member { max_value, model: gain(weight) };
    let net = spec(Network::Container(vec![member(0.25, 1.0), member(0.5, 2.0), member(1.0, 3.0)]));
    for (quality, expected) in [(0.0, 1.0), (0.2, 1.0), (0.25, 2.0), (0.5, 3.0), (1.0, 3.0)] {
        let output = render(&net, &[vec![1.0]], &Options { prewarm: true, quality });
        assert_eq!(output, [[expected]], "quality {quality}");
    }
}

#[test]
fn models_in_a_row_feed_one_another() {
    let net = spec(Network::Sequential(vec![
        gain(2.0),
        stack(vec![Layer::Activation(Activation::Relu)]),
        gain(-3.0),
    ]));
    assert_eq!(render(&net, &[vec![1.0, -1.0]], &Options::default()), [[-6.0, 0.0]]);
}

#[test]
fn bounds_the_wrong_way_round_give_the_upper_one() {
    let net = stack(vec![Layer::Activation(Activation::HardTanh { min: 0.5, max: -0.5 })]);
    assert_eq!(render(&net, &[vec![1.0, 0.0, -1.0]], &Options::default()), [[-0.5; 3]]);
    // The curve of a network without memory is taken from the reference.
    let mut options = CompileOptions::default();
    options.anti_aliasing = AntiAliasing::Antiderivative { order: 1 };
    let mut model = net.compile(&options).expect("a curve");
    let mut output = [0.0; 3];
    model.process(&[1.0, 0.0, -1.0], &mut output);
    assert!(output.iter().all(|y| (y + 0.5).abs() < 1e-6), "{output:?}");
}

#[test]
fn a_recurrent_stack_runs_the_silence_that_it_asks_for() {
    let integrator = |prewarm, sample_rate| {
        let rnn = Rnn {
            input_size: 1,
            hidden_size: 1,
            weight_ih: vec![1.0],
            weight_hh: vec![0.9],
            bias: vec![0.1],
        };
        let net = Stack { prewarm, ..Stack::new(vec![Layer::Rnn(rnn)]) };
        ModelSpec { sample_rate, ..spec(Network::Stack(net)) }
    };
    let long = render(&integrator(Prewarm::None, None), &[vec![0.0; 12]], &Options::default());
    for (prewarm, rate, frames) in [
        (Prewarm::None, None, 0),
        (Prewarm::Frames(5), None, 5),
        (Prewarm::Seconds(0.5), Some(20.0), 10),
        (Prewarm::Seconds(0.5), None, 1),
    ] {
        let model = integrator(prewarm, rate);
        let output = render(&model, &[vec![0.0]], &Options::default());
        assert_eq!(output[0][0], long[0][frames], "{prewarm:?} at {rate:?} Hz");
        assert_eq!(render(&model, &[vec![0.0]], &AS_IT_STARTS)[0][0], long[0][0], "{prewarm:?}");
    }
}
