//! The window.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::*;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, create_egui_editor,
};

use crate::loader::Loader;
use crate::params::NdParams;
use crate::telemetry::Telemetry;

/// The framework's handle of the window.
pub type NdEditor = EguiEditor<Window>;

/// What is drawn, while it is open.
#[expect(missing_debug_implementations, reason = "the framework's context has none")]
pub struct Window {
    params: Arc<NdParams>,
    telemetry: Arc<Telemetry>,
    loader: Arc<Loader>,
    gui: Option<GuiContext>,
}

/// A window for an instance.
pub(crate) fn create(
    params: &Arc<NdParams>,
    telemetry: &Arc<Telemetry>,
    loader: &Arc<Loader>,
) -> Option<NdEditor> {
    let (width, height) = params.window.get();
    let size = nice_plug::editor::dpi::LogicalSize::new(f64::from(width), f64::from(height));
    let window = Window {
        params: Arc::clone(params),
        telemetry: Arc::clone(telemetry),
        loader: Arc::clone(loader),
        gui: None,
    };
    create_egui_editor(
        EguiEditorState::from_size(size, 1.0),
        RepaintNotifier::new(),
        EguiNiceSettings::new().with_tile(crate::NeuralDistortion::NAME),
        window,
    )
}

impl NiceEguiApp for Window {
    fn build(&mut self, _: egui::Context, gui: GuiContext, _: &mut Frame) -> Result<(), HandlerError> {
        self.gui = Some(gui);
        self.telemetry.watched.store(true, Relaxed);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        let status = self.loader.status();
        ui.heading(status.model.as_ref().map_or("No model", |model| &model.name));
        if let Some(error) = &status.error {
            ui.label(error);
        }
        if let Some(gui) = &self.gui {
            let setter = gui.param_setter();
            ui.add(nice_plug_egui::widgets::ParamSlider::for_param(&self.params.input_gain, &setter));
            ui.add(nice_plug_egui::widgets::ParamSlider::for_param(&self.params.output_gain, &setter));
        }
        ui.ctx().request_repaint_after(Duration::from_millis(33));
    }

    fn editor_closed(&mut self) {
        self.telemetry.watched.store(false, Relaxed);
        self.gui = None;
    }
}
