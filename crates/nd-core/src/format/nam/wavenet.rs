//! `WaveNet`: the configuration is read into layers without weights, whose weights are counted and then filled in.

use super::activation::activation;
use super::{Part, check_memory, conv_weights, fill_conv};
use crate::error::LoadError;
use crate::format::json::{Node, Object};
use crate::format::{Compat, Limits};
use crate::spec::{Activation, Conv1d, Film, Gating, LayerArray, ModelSpec, WaveNet, WaveNetLayer};

/// What is read of a layer array.
const ARRAY_KEYS: &[&str] = &[
    "input_size",
    "condition_size",
    "channels",
    "bottleneck",
    "dilations",
    "kernel_size",
    "kernel_sizes",
    "activation",
    "gating_mode",
    "gated",
    "secondary_activation",
    "head",
    "head_size",
    "head_bias",
    "groups_input",
    "groups_input_mixin",
    "layer1x1",
    "head1x1",
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
    "slimmable",
];

/// Reads a `WaveNet` of any generation.
pub(super) fn wavenet(part: &mut Part<'_>) -> Result<WaveNet, LoadError> {
    let limits = &part.options.limits;
    let in_channels = part.width_or("in_channels", 1)?;
    // The key must be there, but the scale that counts is the last of the weights.
    part.config.get("head_scale")?.number()?;
    let condition = part.config.opt("condition_dsp");
    let condition = condition.map(|node| condition_model(part, node, in_channels)).transpose()?;
    let condition_size = condition.as_ref().map_or(in_channels, ModelSpec::out_channels);

    let arrays_node = part.config.get("layers")?;
    let mut arrays: Vec<LayerArray> = Vec::new();
    let mut head_width: Option<(String, usize)> = None;
    for node in arrays_node.items("the number of layer arrays", limits.arrays)? {
        let file = node.object()?;
        let input_size = arrays.last().map_or(in_channels, |before| before.rechannel.out_channels);
        let warnings = &mut part.metadata.warnings;
        let array = ArrayReader { file: &file, limits, input_size, condition_size, warnings }.array()?;
        let expected = array.head_rechannel.in_channels;
        if let Some((path, found)) = head_width
            && found != expected
        {
            return Err(LoadError::ShapeMismatch { path, expected, found });
        }
        let head_key = if file.opt("head").is_some() { "head.out_channels" } else { "head_size" };
        head_width = Some((file.path_of(head_key), array.head_rechannel.out_channels));
        arrays.push(array);
        part.keep(&file, ARRAY_KEYS)?;
    }
    let Some((_, head_width)) = head_width else {
        return Err(arrays_node.invalid("at least one layer array"));
    };
    let post_head = part.config.opt("head").map(|node| post_head(node, limits, head_width)).transpose()?;
    let post_head = post_head.unwrap_or_default();
    if !post_head.is_empty() && arrays.iter().any(|array| !array.allowed_channels.is_empty()) {
        return Err(arrays_node.unsupported("a slimmable layer array before a post-stack head"));
    }

    let layers = arrays.iter().map(|array| array.layers.len()).sum();
    let slopes = arrays.iter().flat_map(|array| &array.layers).map(slopes).sum();
    let mut model =
        WaveNet { in_channels, condition: condition.map(Box::new), arrays, head_scale: 0.0, post_head };
    let mut convs = convs(&mut model);
    check_memory(part, layers, convs.iter().map(|conv| &**conv))?;
    let count = convs.iter().fold(1_u64, |sum, conv| sum.saturating_add(conv_weights(conv)));
    let mut weights = part.weights(count)?;
    part.repeat_weights(slopes)?;
    for conv in &mut convs {
        fill_conv(conv, &mut weights)?;
    }
    model.head_scale = weights.take(1)?[0];
    follow(part.options.compat, &mut model);
    Ok(model)
}

/// How many slopes a layer's activations have: each layer has a copy of its array's.
fn slopes(layer: &WaveNetLayer) -> u64 {
    let second = match &layer.gating {
        Gating::None => None,
        Gating::Gated(second) | Gating::Blended(second) => Some(second),
    };
    let len = |activation: &Activation| {
        if let Activation::PRelu { slopes } = activation { slopes.len() } else { 0 }
    };
    [Some(&layer.activation), second].into_iter().flatten().map(len).sum::<usize>() as u64
}

/// The model that makes the conditioning signal.
fn condition_model(part: &mut Part<'_>, node: Node<'_>, in_channels: usize) -> Result<ModelSpec, LoadError> {
    let path = node.path().to_owned();
    // The rate of the model that it serves is that model's own, whatever this one says.
    let own_rate = part.sample_rate;
    let model = part.member(node)?;
    part.sample_rate = own_rate;
    let found = model.in_channels();
    if found == in_channels {
        Ok(model)
    } else {
        Err(LoadError::ShapeMismatch { path, expected: in_channels, found })
    }
}

/// The post-stack head: stages of activation, then convolution.
fn post_head(
    node: Node<'_>,
    limits: &Limits,
    in_channels: usize,
) -> Result<Vec<(Activation, Conv1d)>, LoadError> {
    let file = node.object()?;
    let widths = 1..=limits.channels;
    let channels = file.get("channels")?.size("the number of channels", widths.clone())?;
    let out_channels = file.get("out_channels")?.size("the number of channels", widths.clone())?;
    if let Some(node) = file.opt("in_channels") {
        let found = node.size("the number of channels", widths)?;
        if found != in_channels {
            return Err(node.mismatch(in_channels, found));
        }
    }
    let activation_node = file.get("activation")?;
    let sizes_node = file.get("kernel_sizes")?;
    let sizes = sizes_node.items("the number of layers", limits.layers)?;
    if sizes.is_empty() {
        return Err(sizes_node.invalid("at least one kernel size"));
    }
    let mut stages = Vec::with_capacity(sizes.len());
    for (index, size) in sizes.iter().enumerate() {
        let in_channels = if index == 0 { in_channels } else { channels };
        let conv = Conv1d {
            in_channels,
            out_channels: if index + 1 == sizes.len() { out_channels } else { channels },
            kernel_size: size.size("the kernel size", 1..=limits.kernel_size)?,
            dilation: 1,
            groups: 1,
            weight: Vec::new(),
            bias: Some(Vec::new()),
        };
        stages.push((activation(&activation_node, in_channels)?, conv));
    }
    Ok(stages)
}

/// Reads one layer array.
struct ArrayReader<'a> {
    file: &'a Object<'a>,
    limits: &'a Limits,
    /// The width that must enter the array.
    input_size: usize,
    /// The width of the conditioning signal.
    condition_size: usize,
    warnings: &'a mut Vec<String>,
}

/// A 1x1 convolution that every layer of an array has or has not.
struct Side<'a> {
    file: Option<Object<'a>>,
    active: bool,
}

impl<'a> Side<'a> {
    fn read(file: &Object<'a>, key: &str, default: bool) -> Result<Self, LoadError> {
        let file = file.opt(key).map(Node::object).transpose()?;
        let active = file.as_ref().and_then(|file| file.opt("active"));
        Ok(Self { active: active.map_or(Ok(default), |node| node.bool())?, file })
    }

    fn conv(&self, in_channels: usize, out_channels: usize) -> Result<Option<Conv1d>, LoadError> {
        let file = self.file.as_ref();
        self.active.then(|| pointwise(file, "groups", in_channels, out_channels, true)).transpose()
    }
}

impl ArrayReader<'_> {
    fn array(&mut self) -> Result<LayerArray, LoadError> {
        let input_size = self.width("input_size")?;
        self.expect("input_size", self.input_size, input_size)?;
        let condition = self.width("condition_size")?;
        self.expect("condition_size", self.condition_size, condition)?;
        let channels = self.width("channels")?;
        let bottleneck =
            if self.file.opt("bottleneck").is_some() { self.width("bottleneck")? } else { channels };
        let layer1x1 = Side::read(self.file, "layer1x1", true)?;
        let head1x1 = Side::read(self.file, "head1x1", false)?;
        if !layer1x1.active {
            self.expect("bottleneck", channels, bottleneck)?;
        }
        let head1x1_width = head1x1.file.as_ref().and_then(|file| file.opt("out_channels"));
        let head1x1_width =
            head1x1.active.then(|| head1x1_width.map_or(Ok(channels), |node| self.size(&node)));
        let head1x1_width = head1x1_width.transpose()?;
        self.film_has_its_convolution("layer1x1_post_film", layer1x1.active)?;
        self.film_has_its_convolution("head1x1_post_film", head1x1.active)?;

        let shapes = self.shapes()?;
        let activations = self.activations(shapes.len(), bottleneck)?;
        let gatings = self.gatings(shapes.len(), bottleneck)?;
        let mut layers = Vec::with_capacity(shapes.len());
        for ((&(kernel_size, dilation), activation), gating) in shapes.iter().zip(activations).zip(gatings) {
            let mid = if gating == Gating::None { bottleneck } else { 2 * bottleneck };
            let conv = pointwise(Some(self.file), "groups_input", channels, mid, true)?;
            layers.push(WaveNetLayer {
                conv: Conv1d { kernel_size, dilation, ..conv },
                mixin: pointwise(Some(self.file), "groups_input_mixin", condition, mid, false)?,
                activation,
                gating,
                layer1x1: layer1x1.conv(bottleneck, channels)?,
                head1x1: head1x1_width.map_or(Ok(None), |width| head1x1.conv(bottleneck, width))?,
                conv_pre_film: self.film("conv_pre_film", condition, channels)?,
                conv_post_film: self.film("conv_post_film", condition, mid)?,
                input_mixin_pre_film: self.film("input_mixin_pre_film", condition, condition)?,
                input_mixin_post_film: self.film("input_mixin_post_film", condition, mid)?,
                activation_pre_film: self.film("activation_pre_film", condition, mid)?,
                activation_post_film: self.film("activation_post_film", condition, bottleneck)?,
                layer1x1_post_film: self.film("layer1x1_post_film", condition, channels)?,
                head1x1_post_film: self.film(
                    "head1x1_post_film",
                    condition,
                    head1x1_width.unwrap_or(channels),
                )?,
            });
        }
        let head_rechannel = self.head(head1x1_width.unwrap_or(bottleneck))?;
        let allowed_channels = self.allowed_channels(channels, &layers, &head_rechannel)?;
        let rechannel = pointwise(None, "", input_size, channels, false)?;
        Ok(LayerArray { rechannel, layers, head_rechannel, allowed_channels })
    }

    fn width(&self, key: &str) -> Result<usize, LoadError> {
        self.size(&self.file.get(key)?)
    }

    fn size(&self, node: &Node<'_>) -> Result<usize, LoadError> {
        node.size("the number of channels", 1..=self.limits.channels)
    }

    fn expect(&self, key: &str, expected: usize, found: usize) -> Result<(), LoadError> {
        if found == expected {
            return Ok(());
        }
        Err(LoadError::ShapeMismatch { path: self.file.path_of(key), expected, found })
    }

    /// Kernel size and dilation of each layer.
    fn shapes(&self) -> Result<Vec<(usize, usize)>, LoadError> {
        let node = self.file.get("dilations")?;
        let dilations = node.items("the number of layers", self.limits.layers)?;
        if dilations.is_empty() {
            return Err(node.invalid("at least one dilation"));
        }
        let kernel_size = |node: &Node<'_>| node.size("the kernel size", 1..=self.limits.kernel_size);
        let kernel_sizes = match (self.file.opt("kernel_size"), self.file.opt("kernel_sizes")) {
            (None, Some(sizes)) => {
                let sizes = self.one_each(&sizes, dilations.len())?;
                sizes.iter().map(kernel_size).collect::<Result<_, _>>()?
            }
            (Some(_), Some(sizes)) => return Err(sizes.invalid("none, since there is a kernel_size")),
            (_, None) => vec![kernel_size(&self.file.get("kernel_size")?)?; dilations.len()],
        };
        let dilation = |node: &Node<'_>| node.size("the dilation", 1..=self.limits.dilation);
        kernel_sizes.into_iter().zip(&dilations).map(|(size, node)| Ok((size, dilation(node)?))).collect()
    }

    /// The elements of an array that must have one for each layer.
    fn one_each<'n>(&self, node: &Node<'n>, layers: usize) -> Result<Vec<Node<'n>>, LoadError> {
        let items = node.items("the number of layers", self.limits.layers)?;
        if items.len() == layers { Ok(items) } else { Err(node.mismatch(layers, items.len())) }
    }

    fn activations(&self, layers: usize, bottleneck: usize) -> Result<Vec<Activation>, LoadError> {
        let node = self.file.get("activation")?;
        if node.is_array() {
            self.one_each(&node, layers)?.iter().map(|node| activation(node, bottleneck)).collect()
        } else {
            Ok(vec![activation(&node, bottleneck)?; layers])
        }
    }

    /// What each layer's second half does: by `gating_mode`, or by the older `gated`.
    fn gatings(&mut self, layers: usize, bottleneck: usize) -> Result<Vec<Gating>, LoadError> {
        let secondary = self.file.opt("secondary_activation");
        let secondaries = match &secondary {
            Some(node) if node.is_array() => Some(self.one_each(node, layers)?),
            _ => None,
        };
        let second = |layer: usize, warnings: &mut Vec<String>| {
            let node = secondaries.as_ref().map(|nodes| &nodes[layer]).or(secondary.as_ref());
            match node {
                Some(node) if node.is_null() || node.text() == "\"\"" => {
                    warnings.push(format!("{}: taken as Sigmoid, since the layer is gated", node.path()));
                    Ok(Activation::Sigmoid)
                }
                Some(node) => activation(node, bottleneck),
                None => Ok(Activation::Sigmoid),
            }
        };
        let Some(mode) = self.file.opt("gating_mode") else {
            let gated = self.file.opt("gated").map_or(Ok(false), |node| node.bool())?;
            let gating = |layer| {
                if gated { second(layer, self.warnings).map(Gating::Gated) } else { Ok(Gating::None) }
            };
            return (0..layers).map(gating).collect();
        };
        let modes = if mode.is_array() { self.one_each(&mode, layers)? } else { vec![mode; layers] };
        let gating = |(layer, node): (usize, &Node<'_>)| match node.string()?.as_ref() {
            "none" => Ok(Gating::None),
            "gated" => second(layer, self.warnings).map(Gating::Gated),
            "blended" => second(layer, self.warnings).map(Gating::Blended),
            _ => Err(node.invalid("\"none\", \"gated\" or \"blended\"")),
        };
        modes.iter().enumerate().map(gating).collect()
    }

    /// The modulation of a signal of `width` channels at one of the eight places.
    fn film(&self, key: &str, condition: usize, width: usize) -> Result<Option<Film>, LoadError> {
        let Some(file) = self.active_film(key)? else { return Ok(None) };
        let shift = file.opt("shift").map_or(Ok(true), |node| node.bool())?;
        let rows = if shift { 2 * width } else { width };
        Ok(Some(Film { conv: pointwise(Some(&file), "groups", condition, rows, true)?, shift }))
    }

    fn active_film(&self, key: &str) -> Result<Option<Object<'_>>, LoadError> {
        let Some(node) = self.file.opt(key) else { return Ok(None) };
        if node.text() == "false" {
            return Ok(None);
        }
        let file = node.object()?;
        let active = file.opt("active").map_or(Ok(true), |node| node.bool())?;
        Ok(active.then_some(file))
    }

    fn film_has_its_convolution(&self, key: &str, active: bool) -> Result<(), LoadError> {
        match self.active_film(key)? {
            Some(film) if !active => {
                Err(film.node().invalid("none, since the convolution before it is inactive"))
            }
            _ => Ok(()),
        }
    }

    /// The convolution at the end of the array: the `head` object, or the older `head_size` and `head_bias`.
    fn head(&self, in_channels: usize) -> Result<Conv1d, LoadError> {
        let limits = self.limits;
        let (out_channels, bias, kernel_size, dilation) =
            match self.file.opt("head").map(Node::object).transpose()? {
                Some(head) => (
                    self.size(&head.get("out_channels")?)?,
                    head.get("bias")?.bool()?,
                    head.get("kernel_size")?.size("the kernel size", 1..=limits.kernel_size)?,
                    head.opt("head_dilation")
                        .map_or(Ok(1), |node| node.size("the dilation", 1..=limits.dilation))?,
                ),
                None => (self.width("head_size")?, self.file.get("head_bias")?.bool()?, 1, 1),
            };
        let conv = pointwise(None, "", in_channels, out_channels, bias)?;
        Ok(Conv1d { kernel_size, dilation, ..conv })
    }

    /// The widths that the array may be cut down to.
    fn allowed_channels(
        &self,
        channels: usize,
        layers: &[WaveNetLayer],
        head: &Conv1d,
    ) -> Result<Vec<usize>, LoadError> {
        let Some(node) = self.file.opt("slimmable") else { return Ok(Vec::new()) };
        let file = node.object()?;
        let method = file.get("method")?;
        if method.string()? != "slice_channels_uniform" {
            return Err(method.unsupported(format!("the slimming method {}", method.quote())));
        }
        let is_grouped = |layer: &WaveNetLayer| {
            let convs =
                [Some(&layer.conv), Some(&layer.mixin), layer.layer1x1.as_ref(), layer.head1x1.as_ref()];
            convs.into_iter().flatten().any(|conv| conv.groups > 1)
        };
        if head.kernel_size > 1 || layers.iter().any(is_grouped) {
            return Err(file
                .node()
                .unsupported("a slimmable layer array with groups or a head of several taps"));
        }
        let kwargs = file.opt("kwargs").map(Node::object).transpose()?;
        let Some(node) = kwargs.and_then(|kwargs| kwargs.opt("allowed_channels")) else {
            return Ok((1..=channels).collect());
        };
        let mut allowed = Vec::new();
        for item in node.items("the number of channels", channels)? {
            let width = item.size("the number of channels", 1..=usize::MAX)?;
            if allowed.last().is_some_and(|&before| before >= width) {
                return Err(item.invalid("a number above the one before it"));
            }
            allowed.push(width);
        }
        match allowed.last() {
            Some(&last) if last == channels => Ok(allowed),
            last => Err(node.mismatch(channels, last.copied().unwrap_or(0))),
        }
    }
}

/// A convolution of one tap, still without weights, whose number of groups may be in a file.
fn pointwise(
    file: Option<&Object<'_>>,
    groups_key: &str,
    in_channels: usize,
    out_channels: usize,
    has_bias: bool,
) -> Result<Conv1d, LoadError> {
    let mut groups = 1;
    if let Some(node) = file.and_then(|file| file.opt(groups_key)) {
        groups = node.size("the number of groups", 1..=usize::MAX)?;
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(node.invalid(format!("a divisor of {in_channels} and of {out_channels}")));
        }
    }
    let bias = has_bias.then(Vec::new);
    Ok(Conv1d { in_channels, out_channels, kernel_size: 1, dilation: 1, groups, weight: Vec::new(), bias })
}

/// Every convolution, in the order of their weights in a file.
fn convs(model: &mut WaveNet) -> Vec<&mut Conv1d> {
    let mut convs = Vec::new();
    for array in &mut model.arrays {
        convs.push(&mut array.rechannel);
        for layer in &mut array.layers {
            convs.extend([&mut layer.conv, &mut layer.mixin]);
            convs.extend(&mut layer.layer1x1);
            convs.extend(&mut layer.head1x1);
            let films = [
                &mut layer.conv_pre_film,
                &mut layer.conv_post_film,
                &mut layer.input_mixin_pre_film,
                &mut layer.input_mixin_post_film,
                &mut layer.activation_pre_film,
                &mut layer.activation_post_film,
                &mut layer.layer1x1_post_film,
                &mut layer.head1x1_post_film,
            ];
            convs.extend(films.into_iter().flatten().map(|film| &mut film.conv));
        }
        convs.push(&mut array.head_rechannel);
    }
    convs.extend(model.post_head.iter_mut().map(|(_, conv)| conv));
    convs
}

/// Changes a complete model to what another program makes of its file.
fn follow(compat: Compat, model: &mut WaveNet) {
    for array in &mut model.arrays {
        let channels = array.rechannel.out_channels;
        for layer in &mut array.layers {
            if compat.legacy_layer1x1_post_film && !matches!(layer.gating, Gating::Blended(_)) {
                layer.layer1x1_post_film = None;
            }
            if compat.residual_without_layer1x1 && layer.layer1x1.is_none() {
                layer.layer1x1 = Some(identity(channels));
            }
        }
    }
}

/// A convolution that changes nothing.
fn identity(channels: usize) -> Conv1d {
    Conv1d {
        in_channels: channels,
        out_channels: channels,
        kernel_size: 1,
        dilation: 1,
        groups: channels,
        weight: vec![1.0; channels],
        bias: Some(vec![0.0; channels]),
    }
}
