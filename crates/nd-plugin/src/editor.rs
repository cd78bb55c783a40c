//! The window.
//!
//! `view` says what is where. The widgets are functions of what they show: they draw it, and return what was done to
//! them.

#[cfg(feature = "standalone")]
mod audio;
mod browser;
mod button;
mod chain;
mod control;
mod curve;
mod details;
mod field;
mod header;
mod icon;
mod knob;
mod message;
mod meter;
mod presets;
mod spectrum;
mod theme;
mod tuner;
mod view;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::LogicalSize;
use nice_plug::editor::{ResizeHint, SizeConstraints};
use nice_plug::params::persist::PersistentField;
use nice_plug::plugin::Plugin;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, create_egui_editor,
};

use crate::loader::Loader;
use crate::params::NdParams;
use crate::telemetry::Telemetry;
use view::{Instance, SMALLEST, View};

/// Time between two pictures while the window is open.
const FRAME: Duration = Duration::from_millis(33);

/// The framework's handle of the window.
pub type NdEditor = EguiEditor<Window>;

/// What is drawn, while it is open.
#[expect(missing_debug_implementations, reason = "the framework's context has none")]
pub struct Window {
    params: Arc<NdParams>,
    telemetry: Arc<Telemetry>,
    loader: Arc<Loader>,
    gui: Option<GuiContext>,
    /// The size that it is to have when it has opened.
    wanted: Option<(u32, u32)>,
    view: View,
}

/// A window for an instance.
pub(crate) fn create(
    params: &Arc<NdParams>,
    telemetry: &Arc<Telemetry>,
    loader: &Arc<Loader>,
) -> Option<NdEditor> {
    let (width, height) = params.window.get();
    let size = LogicalSize::new(f64::from(width), f64::from(height));
    let window = Window {
        params: Arc::clone(params),
        telemetry: Arc::clone(telemetry),
        loader: Arc::clone(loader),
        gui: None,
        wanted: None,
        view: View::default(),
    };
    let [width, height] = SMALLEST;
    let resize = ResizeHint {
        can_resize: true,
        can_resize_horizontally: true,
        can_resize_vertically: true,
        size_constraints: SizeConstraints::Logical {
            min_size: Some(LogicalSize::new(width, height)),
            max_size: None,
        },
        ..ResizeHint::default()
    };
    create_egui_editor(
        EguiEditorState::from_size(size, 1.0),
        RepaintNotifier::new(),
        EguiNiceSettings::new().with_tile(crate::NeuralDistortion::NAME).with_resize_hint(resize),
        window,
    )
}

impl NiceEguiApp for Window {
    fn build(&mut self, context: egui::Context, gui: GuiContext, _: &mut Frame) -> Result<(), HandlerError> {
        theme::apply(&context);
        // The framework makes the editor before it reads the session.
        context.set_zoom_factor(self.params.scale.get() as f32 / 100.0);
        self.wanted = Some(self.params.window.get());
        #[cfg(feature = "standalone")]
        if gui.plugin_api() == nice_plug::context::PluginApi::Standalone
            && let Some(sound) = crate::standalone::last_sound()
        {
            presets::apply(&sound, &self.params, &gui);
        }
        self.gui = Some(gui);
        self.telemetry.watched.store(true, Relaxed);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        if let Some(gui) = &self.gui {
            self.view.show(
                ui,
                Instance {
                    params: &self.params,
                    telemetry: &self.telemetry,
                    loader: &self.loader,
                    status: &self.loader.status(),
                    setter: &gui.param_setter(),
                    gui,
                },
            );
        }
        if let Some((width, height)) = self.wanted.take() {
            let size = egui::vec2(width as f32, height as f32);
            if ui.ctx().content_rect().size().round() != size {
                ui.ctx().send_viewport_cmd(egui::ViewportCommand::InnerSize(size));
            }
        }
        ui.ctx().request_repaint_after(FRAME);
    }

    fn resized(&mut self, size: WindowSize) {
        self.params.window.note(size.logical.width as u32, size.logical.height as u32);
    }

    fn zoom_factor_changed(&mut self, zoom_factor: f32) {
        self.params.scale.set((100.0 * zoom_factor).round() as u32);
    }

    fn editor_closed(&mut self) {
        self.telemetry.watched.store(false, Relaxed);
        #[cfg(feature = "standalone")]
        if self.gui.as_ref().is_some_and(|gui| gui.plugin_api() == nice_plug::context::PluginApi::Standalone)
        {
            crate::standalone::remember(&crate::preset::Preset::of(&self.params, ""));
        }
        self.gui = None;
    }
}
