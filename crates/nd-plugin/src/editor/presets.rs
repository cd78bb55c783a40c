//! The menu of presets, and the field for the name of a new one.

use std::path::PathBuf;

use egui::{Id, Key, Popup, PopupCloseBehavior, Rect, Ui, pos2, vec2};

use nice_plug::context::gui::GuiContext;

use super::icon::Icon;
use super::view::Instance;
use super::{button, field, theme};
use crate::params::NdParams;
use crate::preset::{self, Preset};

/// What the menu remembers.
#[derive(Debug, Default)]
pub(crate) struct Presets {
    /// The preset that was chosen or saved last.
    chosen: Option<String>,
    /// The user's presets, as they were when the menu was opened.
    files: Vec<(String, PathBuf)>,
    /// What is being typed as a name.
    name: String,
}

impl Presets {
    /// Draws the menu and the button that saves; returns what went wrong, in words.
    pub(crate) fn show(&mut self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) -> Option<String> {
        let square = vec2(rect.height(), rect.height());
        let save = Rect::from_min_size(pos2(rect.right() - square.x, rect.top()), square);
        let menu = Rect::from_min_max(rect.min, pos2(save.left() - theme::UNIT, rect.bottom()));
        let mut wanted = None;
        let text = self.chosen.as_deref().unwrap_or("Presets");
        let response = button::menu(ui, menu, "Presets", text, |ui| {
            for preset in preset::factory() {
                if button::row(ui, &preset.name, self.chosen.as_ref() == Some(&preset.name)).clicked() {
                    wanted = Some(Ok(preset));
                }
            }
            for (name, path) in &self.files {
                if button::row(ui, name, self.chosen.as_ref() == Some(name)).clicked() {
                    wanted = Some(Preset::read(path));
                }
            }
        });
        if response.clicked() {
            self.files = preset::files();
        }
        let saved = self.save(ui, save, instance);
        match wanted {
            Some(Ok(preset)) => {
                apply(&preset, instance.params, instance.gui);
                self.chosen = Some(preset.name);
                saved
            }
            Some(Err(error)) => Some(error),
            None => saved,
        }
    }

    fn save(&mut self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) -> Option<String> {
        let response = button::button(ui, rect, "Save as a preset", Icon::Save);
        let id = Id::unique("preset name");
        if response.clicked() {
            self.name = self.chosen.clone().unwrap_or_default();
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        let popup = Popup::from_toggle_button_response(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .gap(2.0);
        let entered = popup.show(|ui| {
            let (place, _) = ui.allocate_exact_size(vec2(220.0, theme::ROW + 4.0), egui::Sense::hover());
            let typed = field::line(ui, place, id, "Preset name", "Name, then Enter", &mut self.name);
            typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
        });
        if !entered.is_some_and(|entered| entered.inner) {
            return None;
        }
        let preset = Preset::of(instance.params, self.name.trim());
        match preset.write() {
            Ok(_) => {
                self.chosen = Some(preset.name);
                Popup::close_all(ui.ctx());
                None
            }
            Err(error) => Some(error),
        }
    }
}

/// Makes the sound that of the preset, and tells the host.
pub(crate) fn apply(preset: &Preset, params: &NdParams, gui: &GuiContext) {
    preset.apply(params, |param, value| {
        #[expect(unsafe_code, reason = "the framework's only way to any parameter")]
        // SAFETY: the host knows all parameters of `params`, and the window keeps them alive.
        unsafe {
            gui.raw_begin_set_parameter(param);
            gui.raw_set_parameter_normalized(param, value);
            gui.raw_end_set_parameter(param);
        }
    });
}
