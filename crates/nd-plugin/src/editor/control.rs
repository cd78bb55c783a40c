//! Widgets tied to parameters: what is done to one goes to the host.

use egui::{Rect, Ui};
use nice_plug::context::gui::ParamSetter;
use nice_plug::params::enums::{Enum, EnumParam};
use nice_plug::params::{BoolParam, Param};

use super::knob::{Edit, Knob};
use super::{button, icon, theme};

/// How a knob shows a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) name: &'a str,
    /// Whether it says how much more or less than its default, rather than how much.
    pub(crate) around: bool,
    /// Whether it has an effect now.
    pub(crate) active: bool,
    /// What it does.
    pub(crate) hint: &'a str,
}

/// A knob for a parameter.
pub(crate) fn knob(ui: &mut Ui, rect: Rect, setter: &ParamSetter<'_>, param: &impl Param, look: Look<'_>) {
    let value = param.unmodulated_normalized_value();
    let default = param.default_normalized_value();
    let knob = Knob {
        name: look.name,
        value,
        default,
        origin: if look.around { default } else { 0.0 },
        text: param.normalized_value_to_string(value, true).replace('-', "−"),
        active: look.active,
        hint: look.hint,
    };
    let edit = knob.show(ui, rect);
    apply(&edit, setter, param);
}

fn apply(edit: &Edit, setter: &ParamSetter<'_>, param: &impl Param) {
    if let Some(value) = edit.typed.as_ref().and_then(|text| read(param, text)) {
        setter.begin_set_parameter(param);
        setter.set_parameter_normalized(param, value);
        setter.end_set_parameter(param);
    }
    if edit.began {
        setter.begin_set_parameter(param);
    }
    if let Some(value) = edit.value {
        setter.set_parameter_normalized(param, value);
    }
    if edit.ended {
        setter.end_set_parameter(param);
    }
}

/// The value that was typed, with or without its unit, and with a point or a comma.
fn read(param: &impl Param, text: &str) -> Option<f32> {
    let text = text.trim().replace('−', "-").replace(',', ".");
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
    param
        .string_to_normalized_value(&text)
        .or_else(|| param.string_to_normalized_value(number))
        .filter(|value| value.is_finite())
        .map(|value| value.clamp(0.0, 1.0))
}

/// Changes a switch in one gesture.
pub(crate) fn set<P: Param>(setter: &ParamSetter<'_>, param: &P, value: P::Plain) {
    setter.begin_set_parameter(param);
    setter.set_parameter(param, value);
    setter.end_set_parameter(param);
}

/// A switch for a parameter.
pub(crate) fn switch(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &BoolParam,
    name: &str,
    hint: &str,
) {
    if button::switch(ui, rect, name, theme::label(), param.value(), hint) {
        set(setter, param, !param.value());
    }
}

/// The name of a card, which is a switch for what is in it.
pub(crate) fn title(ui: &mut Ui, rect: Rect, setter: &ParamSetter<'_>, param: &BoolParam, name: &str) {
    if button::switch(ui, rect, name, theme::heading(), param.value(), "Switches this part on and off") {
        set(setter, param, !param.value());
    }
}

/// A button that stays down for a parameter.
pub(crate) fn toggle(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &BoolParam,
    name: &str,
    sign: icon::Icon,
) {
    if button::toggle(ui, rect, name, sign, param.value()) {
        set(setter, param, !param.value());
    }
}

/// A choice for a parameter, with a name for each of its values.
pub(crate) fn segments<T: Enum + PartialEq + 'static>(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &EnumParam<T>,
    names: &[&str],
) {
    let chosen = param.value().to_index();
    if let Some(clicked) = button::segments(ui, rect, param.name(), names, chosen) {
        set(setter, param, T::from_index(clicked));
    }
}

/// A menu for a parameter, with what its values are about before the one that is chosen.
pub(crate) fn menu<T: Enum + PartialEq + 'static>(
    ui: &mut Ui,
    rect: Rect,
    setter: &ParamSetter<'_>,
    param: &EnumParam<T>,
    about: &str,
    hint: &str,
) {
    let chosen = param.value().to_index();
    let variants = T::variants();
    let text = format!("{about}{}", variants[chosen]);
    let response = button::menu(ui, rect, param.name(), &text, |ui| {
        for (index, name) in variants.iter().enumerate() {
            if button::row(ui, name, index == chosen).clicked() {
                set(setter, param, T::from_index(index));
            }
        }
    });
    response.on_hover_text(hint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::NdParams;

    #[test]
    fn a_value_is_read_with_or_without_its_unit() {
        let params = NdParams::default();
        let wanted = params.input_gain.preview_normalized(-4.5);
        for text in ["-4.5", "−4.5 dB", " -4,5dB", "-4.5 db"] {
            assert_eq!(read(&params.input_gain, text), Some(wanted), "{text}");
        }
        assert_eq!(read(&params.input_gain, "1000"), Some(1.0), "the end of the range");
        assert_eq!(read(&params.input_gain, "loud"), None, "no number");
        assert_eq!(read(&params.quality, "full"), Some(1.0), "a value with a name");
        assert_eq!(read(&params.mix, "40 %"), Some(0.4), "a percentage");
    }
}
