//! `WaveNet`: in the layout of A1 where that can express it, else with every key.

use super::{Parts, activation, bias, error, is_in_oldest, model};
use crate::error::WriteError;
use crate::format::fold::check_len;
use crate::format::json::Value;
use crate::spec::{Activation, Conv1d, Gating, LayerArray, WaveNet, WaveNetLayer};

pub(super) fn wavenet(wavenet: &WaveNet, path: &str) -> Result<Parts, WriteError> {
    let WaveNet { in_channels, condition, arrays, head_scale, post_head } = wavenet;
    let mut weights = Vec::new();
    let condition_size = condition.as_ref().map_or(*in_channels, |spec| spec.out_channels());
    let write = |(index, array)| {
        let writer = Writer { array, path: format!("{path}arrays[{index}]"), condition_size };
        writer.array(&mut weights)
    };
    let arrays = arrays.iter().enumerate().map(write).collect::<Result<Vec<_>, _>>()?;
    let mut config = Vec::new();
    if *in_channels > 1 {
        config.push(("in_channels", Value::from(*in_channels)));
    }
    if let Some(condition) = condition {
        config.push(("condition_dsp", model(condition, &format!("{path}condition."))?));
    }
    let oldest: Option<Vec<_>> = arrays.iter().map(|array| array.oldest.clone()).collect();
    let oldest = oldest.filter(|_| config.is_empty() && post_head.is_empty());
    let is_oldest = oldest.is_some();
    let layers = oldest.unwrap_or_else(|| arrays.into_iter().map(|array| array.newest).collect());
    config.push(("layers", Value::Array(layers)));
    config.push(("head", stages(post_head, path, &mut weights)?));
    config.push(("head_scale", (*head_scale).into()));
    weights.push(*head_scale);
    Ok(Parts { architecture: "WaveNet", config, weights, oldest: is_oldest })
}

/// The post-stack head.
fn stages(stages: &[(Activation, Conv1d)], path: &str, weights: &mut Vec<f32>) -> Result<Value, WriteError> {
    let Some(((first_activation, first), (_, last))) = stages.first().zip(stages.last()) else {
        return Ok(Value::Null);
    };
    for (index, (activation, conv)) in stages.iter().enumerate() {
        let path = format!("{path}post_head[{index}]");
        let is_last = index + 1 == stages.len();
        if activation != first_activation || !(is_last || conv.out_channels == first.out_channels) {
            return Err(error(path, "one activation and one width for all stages", "several"));
        }
        if conv.dilation > 1 && conv.kernel_size > 1 {
            return Err(error(format!("{path}.dilation"), "1", conv.dilation.to_string()));
        }
        push(conv, true, &path, weights)?;
    }
    Ok(Value::object([
        ("channels", first.out_channels.into()),
        ("kernel_sizes", Value::array(stages.iter().map(|(_, conv)| conv.kernel_size))),
        ("out_channels", last.out_channels.into()),
        ("activation", activation(first_activation, &format!("{path}post_head[0]"))?),
    ]))
}

/// Adds the weights of a convolution of one group, or of as many as its keys say.
fn push(conv: &Conv1d, has_bias: bool, path: &str, weights: &mut Vec<f32>) -> Result<(), WriteError> {
    check_len(
        path,
        &conv.weight,
        conv.out_channels * (conv.in_channels / conv.groups.max(1)) * conv.kernel_size,
    )?;
    weights.extend(&conv.weight);
    match (&conv.bias, has_bias) {
        (_, true) => bias(conv, path, weights),
        (None, false) => Ok(()),
        (Some(_), false) => Err(error(path, "no bias", "one")),
    }
}

/// A layer array in the layout that has every key, and in that of A1 where it can be.
struct Layouts {
    newest: Value,
    oldest: Option<Value>,
}

struct Writer<'a> {
    array: &'a LayerArray,
    path: String,
    condition_size: usize,
}

/// What an array has that one of A1 has not, under its keys.
type Extras = Vec<(&'static str, Value)>;

impl Writer<'_> {
    fn array(&self, weights: &mut Vec<f32>) -> Result<Layouts, WriteError> {
        let LayerArray { rechannel, layers, head_rechannel: head, .. } = self.array;
        self.one_tap(rechannel, false, "rechannel", weights)?;
        for (index, layer) in layers.iter().enumerate() {
            self.layer(layer, index, weights)?;
        }
        push(head, head.bias.is_some(), &format!("{}.head_rechannel", self.path), weights)?;
        for (name, conv) in [("rechannel", rechannel), ("head_rechannel", head)] {
            if conv.groups > 1 {
                let path = format!("{}.{name}.groups", self.path);
                return Err(error(path, "1", conv.groups.to_string()));
            }
        }

        let extras = self.extras()?;
        let kernel_sizes = layers.iter().map(|layer| layer.conv.kernel_size.into()).collect();
        let activations = layers.iter().enumerate().map(|(index, layer)| {
            activation(&layer.activation, &format!("{}.layers[{index}].activation", self.path))
        });
        let (kernel_size, activation) = (Many(kernel_sizes), Many(activations.collect::<Result<_, _>>()?));
        let gated = layers.iter().all(|layer| layer.gating == Gating::Gated(Activation::Sigmoid));
        let is_oldest = extras.is_empty()
            && head.kernel_size == 1
            && kernel_size.is_one()
            && activation.is_one()
            && layers.iter().all(|layer| is_in_oldest(&layer.activation))
            && (gated || layers.iter().all(|layer| layer.gating == Gating::None));
        let common = [
            ("input_size", rechannel.in_channels.into()),
            ("condition_size", self.condition_size.into()),
            ("channels", rechannel.out_channels.into()),
            ("dilations", Value::array(layers.iter().map(|layer| layer.conv.dilation))),
        ];
        let oldest = is_oldest.then(|| {
            let own = [
                ("kernel_size", kernel_size.one()),
                ("activation", activation.one()),
                ("gated", gated.into()),
                ("head_size", head.out_channels.into()),
                ("head_bias", head.bias.is_some().into()),
            ];
            Value::object(common.iter().cloned().chain(own))
        });
        let own = [
            (if kernel_size.is_one() { "kernel_size" } else { "kernel_sizes" }, kernel_size.one_or_all()),
            ("activation", Value::Array(activation.0)),
            ("head", self::head(head)),
        ];
        let newest = common.iter().cloned().chain(own).chain(self.gating()?).chain(extras);
        Ok(Layouts { newest: Value::object(newest), oldest })
    }

    /// Adds the weights of a layer.
    fn layer(&self, layer: &WaveNetLayer, index: usize, weights: &mut Vec<f32>) -> Result<(), WriteError> {
        let name = |part: &str| format!("layers[{index}].{part}");
        push(&layer.conv, true, &format!("{}.{}", self.path, name("conv")), weights)?;
        self.one_tap(&layer.mixin, false, &name("mixin"), weights)?;
        for (part, conv) in [("layer1x1", &layer.layer1x1), ("head1x1", &layer.head1x1)] {
            if let Some(conv) = conv {
                self.one_tap(conv, true, &name(part), weights)?;
            }
        }
        for (key, film) in layer.films() {
            if let Some(film) = film {
                self.one_tap(&film.conv, true, &name(key), weights)?;
            }
        }
        Ok(())
    }

    fn one_tap(
        &self,
        conv: &Conv1d,
        has_bias: bool,
        name: &str,
        weights: &mut Vec<f32>,
    ) -> Result<(), WriteError> {
        let path = format!("{}.{name}", self.path);
        if conv.kernel_size != 1 {
            return Err(error(path, "one tap", conv.kernel_size.to_string()));
        }
        push(conv, has_bias, &path, weights)
    }

    /// What all layers of the array have in common.
    fn same<T: PartialEq>(&self, part: &str, value: impl Fn(&WaveNetLayer) -> T) -> Result<T, WriteError> {
        let mut values = self.array.layers.iter().map(value);
        let Some(first) = values.next() else {
            return Err(error(format!("{}.layers", self.path), "at least one layer", "none"));
        };
        match values.position(|value| value != first) {
            None => Ok(first),
            Some(index) => {
                let path = format!("{}.layers[{}].{part}", self.path, index + 1);
                Err(error(path, "the same in all layers of an array", "something else"))
            }
        }
    }

    fn extras(&self) -> Result<Extras, WriteError> {
        let array = self.array;
        let channels = array.rechannel.out_channels;
        let mut extras: Extras = Vec::new();
        let bottleneck = self.same("conv.out_channels", WaveNetLayer::bottleneck)?;
        if bottleneck != channels {
            extras.push(("bottleneck", bottleneck.into()));
        }
        let groups = self.same("conv.groups", |layer| layer.conv.groups)?;
        if groups > 1 {
            extras.push(("groups_input", groups.into()));
        }
        let groups = self.same("mixin.groups", |layer| layer.mixin.groups)?;
        if groups > 1 {
            extras.push(("groups_input_mixin", groups.into()));
        }
        match self.same("layer1x1", |layer| layer.layer1x1.as_ref().map(|conv| conv.groups))? {
            Some(1) => {}
            Some(groups) => extras.push(("layer1x1", side(groups, []))),
            None => extras.push(("layer1x1", Value::object([("active", Value::from(false))]))),
        }
        let head1x1 =
            |layer: &WaveNetLayer| layer.head1x1.as_ref().map(|conv| (conv.out_channels, conv.groups));
        if let Some((width, groups)) = self.same("head1x1", head1x1)? {
            extras.push(("head1x1", side(groups, [("out_channels", width.into())])));
        }
        for (index, (key, _)) in array.layers[0].films().into_iter().enumerate() {
            let film =
                |layer: &WaveNetLayer| layer.films()[index].1.map(|film| (film.shift, film.conv.groups));
            if let Some((shift, groups)) = self.same(key, film)? {
                extras.push((key, side(groups, [("shift", shift.into())])));
            }
        }
        if !array.allowed_channels.is_empty() {
            let allowed = Value::array(array.allowed_channels.iter().copied());
            let slimmable = [
                ("method", "slice_channels_uniform".into()),
                ("kwargs", Value::object([("allowed_channels", allowed)])),
            ];
            extras.push(("slimmable", Value::object(slimmable)));
        }
        Ok(extras)
    }

    /// What the second halves do, and with which activation.
    fn gating(&self) -> Result<Extras, WriteError> {
        let layers = &self.array.layers;
        let mut modes: Vec<Value> = Vec::new();
        let mut secondaries = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            let path = format!("{}.layers[{index}].gating", self.path);
            let (mode, secondary) = match &layer.gating {
                Gating::None => ("none", Value::Null),
                Gating::Gated(second) => ("gated", activation(second, &path)?),
                Gating::Blended(second) => ("blended", activation(second, &path)?),
            };
            modes.push(mode.into());
            secondaries.push(secondary);
        }
        // As the format's own trainer writes and reads them: one for each layer, also where all are alike.
        Ok(vec![("gating_mode", Value::Array(modes)), ("secondary_activation", Value::Array(secondaries))])
    }
}

fn head(conv: &Conv1d) -> Value {
    let mut head = vec![
        ("out_channels", conv.out_channels.into()),
        ("kernel_size", conv.kernel_size.into()),
        ("bias", conv.bias.is_some().into()),
    ];
    if conv.dilation > 1 && conv.kernel_size > 1 {
        head.push(("head_dilation", conv.dilation.into()));
    }
    Value::object(head)
}

/// The object of a convolution that may be inactive.
fn side<const N: usize>(groups: usize, own: [(&str, Value); N]) -> Value {
    let active = [("active", Value::from(true))];
    Value::object(active.into_iter().chain(own).chain([("groups", groups.into())]))
}

/// A value for each layer.
struct Many(Vec<Value>);

impl Many {
    fn is_one(&self) -> bool {
        self.0.iter().all(|value| *value == self.0[0])
    }

    fn one(&self) -> Value {
        self.0.first().cloned().unwrap_or(Value::Null)
    }

    fn one_or_all(&self) -> Value {
        if self.is_one() { self.one() } else { Value::Array(self.0.clone()) }
    }
}
