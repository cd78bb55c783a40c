//! What the window shows, and where: a header, the stage with its pictures, and the chain of knobs.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use egui::{Rect, Ui, pos2};
use nice_plug::context::gui::{GuiContext, ParamSetter};

use super::browser::Browser;
use super::spectrum::{self, Spectrum};
use super::{chain, curve, details, header, icon, message, meter, theme, tuner};
use crate::loader::{Loader, Status};
use crate::params::NdParams;
use crate::telemetry::Telemetry;

/// Height of the header, in logical pixels.
const HEADER: f32 = 48.0;
/// Height of the chain.
const CHAIN: f32 = 212.0;
/// Width of a meter.
const METER: f32 = 60.0;
/// Width of the library.
const LIBRARY: f32 = 268.0;
/// Width and height below which nothing fits.
pub(crate) const SMALLEST: [f32; 2] = [1000.0, 640.0];

/// The instance that the window is for.
#[derive(Clone, Copy)]
pub(crate) struct Instance<'a> {
    pub(crate) params: &'a NdParams,
    pub(crate) telemetry: &'a Telemetry,
    pub(crate) loader: &'a Loader,
    pub(crate) status: &'a Status,
    pub(crate) setter: &'a ParamSetter<'a>,
    pub(crate) gui: &'a GuiContext,
}

/// What the panel to the right shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tab {
    #[default]
    Spectrum,
    Tuner,
    Details,
    #[cfg(feature = "standalone")]
    Audio,
}

/// What the window remembers from frame to frame.
#[derive(Debug)]
pub(crate) struct View {
    browser: Browser,
    tab: Tab,
    message: message::Message,
    header: header::Header,
    input: [meter::Level; 2],
    output: [meter::Level; 2],
    dots: Vec<[f32; 2]>,
    axes: curve::Axes,
    pairs: Vec<[f32; 2]>,
    spectrum: Spectrum,
    ear: tuner::Ear,
    #[cfg(feature = "standalone")]
    audio: super::audio::Panel,
    last: Instant,
}

impl Default for View {
    fn default() -> Self {
        Self {
            browser: Browser::default(),
            tab: Tab::default(),
            message: message::Message::default(),
            header: header::Header::default(),
            input: Default::default(),
            output: Default::default(),
            dots: vec![[0.0; 2]; curve::DOTS],
            axes: curve::Axes::default(),
            pairs: vec![[0.0; 2]; spectrum::FRAMES],
            spectrum: Spectrum::default(),
            ear: tuner::Ear::default(),
            #[cfg(feature = "standalone")]
            audio: super::audio::Panel::default(),
            last: Instant::now(),
        }
    }
}

impl View {
    /// Draws the window over the whole of `ui`.
    pub(crate) fn show(&mut self, ui: &mut Ui, instance: Instance<'_>) {
        let seconds = self.last.elapsed().as_secs_f32().min(0.5);
        self.last = Instant::now();
        self.listen(instance, seconds);

        let screen = ui.ctx().content_rect();
        ui.painter().rect_filled(screen, egui::CornerRadius::ZERO, theme::GROUND);
        let inner = screen.shrink(theme::MARGIN);
        let header = Rect::from_min_max(inner.min, pos2(inner.right(), inner.top() + HEADER));
        let chain = Rect::from_min_max(pos2(inner.left(), inner.bottom() - CHAIN), inner.max);
        let stage = Rect::from_min_max(
            pos2(inner.left(), header.bottom() + theme::GAP + theme::UNIT),
            pos2(inner.right(), chain.top() - theme::GAP),
        );
        if let Some(error) = self.header.show(ui, header, instance, seconds) {
            self.message.say(error);
        }
        self.stage(ui, stage, instance);
        chain::show(ui, chain, instance, &mut self.browser);
        let [_, _, curve, panel, _] = columns(stage);
        self.message.show(ui, curve.union(panel), instance.status);
        corner(ui, screen);
    }

    /// Takes what the audio thread has left.
    fn listen(&mut self, instance: Instance<'_>, seconds: f32) {
        let telemetry = instance.telemetry;
        for (level, peak) in self.input.iter_mut().zip(&telemetry.input) {
            level.update(peak.take(), seconds);
        }
        for (level, peak) in self.output.iter_mut().zip(&telemetry.output) {
            level.update(peak.take(), seconds);
        }
        telemetry.model.read(&mut self.dots);
        self.axes.follow(&instance.status.curve, &self.dots);
        telemetry.ends.read(&mut self.pairs);
        match self.tab {
            Tab::Spectrum => self.spectrum.update(&self.pairs, telemetry.sample_rate.get(), seconds),
            Tab::Tuner => self.ear.listen(&telemetry.ends, telemetry.sample_rate.get(), seconds),
            Tab::Details => {}
            #[cfg(feature = "standalone")]
            Tab::Audio => {}
        }
    }

    fn stage(&mut self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
        let columns = columns(rect);
        let channels = instance.telemetry.channels.load(Relaxed).clamp(1, 2) as usize;
        meter::show(ui, columns[0], "In", &mut self.input[..channels]);
        for command in self.browser.show(ui, columns[1], instance.status) {
            instance.loader.send(command);
        }
        self.transfer(ui, columns[2], instance);
        self.panel(ui, columns[3], instance);
        meter::show(ui, columns[4], "Out", &mut self.output[..channels]);
    }

    fn transfer(&self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
        icon::card(ui.painter(), rect);
        let inner = rect.shrink(theme::PADDING);
        let head = pos2(inner.left(), inner.top() + 0.5 * theme::ROW);
        let (painter, left) = (ui.painter(), egui::Align2::LEFT_CENTER);
        painter.text(head, left, "Transfer curve", theme::heading(), theme::QUIET);
        let plot = Rect::from_min_max(pos2(inner.left(), inner.top() + theme::ROW + theme::GAP), inner.max);
        curve::show(ui, plot, self.axes, &instance.status.curve, &self.dots);
    }

    fn panel(&mut self, ui: &mut Ui, rect: Rect, instance: Instance<'_>) {
        icon::card(ui.painter(), rect);
        let inner = rect.shrink(theme::PADDING);
        let tabs = Rect::from_min_max(inner.min, pos2(inner.right(), inner.top() + theme::ROW));
        #[cfg_attr(not(feature = "standalone"), expect(unused_mut, reason = "a plugin has no devices"))]
        let mut all =
            Vec::from([(Tab::Spectrum, "Spectrum"), (Tab::Tuner, "Tuner"), (Tab::Details, "Details")]);
        #[cfg(feature = "standalone")]
        if instance.gui.plugin_api() == nice_plug::context::PluginApi::Standalone {
            all.push((Tab::Audio, "Audio"));
        }
        let chosen = all.iter().position(|&(tab, _)| tab == self.tab).unwrap_or_default();
        let names: Vec<&str> = all.iter().map(|&(_, name)| name).collect();
        if let Some(index) = super::button::segments(ui, tabs, "panel", &names, chosen) {
            self.tab = all[index].0;
        }
        let body = Rect::from_min_max(pos2(inner.left(), tabs.bottom() + theme::GAP), inner.max);
        match self.tab {
            Tab::Spectrum => self.spectrum.show(ui, body),
            Tab::Tuner => tuner::show(ui, body, self.ear.note()),
            Tab::Details => details::show(ui, body, instance),
            #[cfg(feature = "standalone")]
            Tab::Audio => {
                if let Some(audio) = self.audio.show(ui, body) {
                    crate::standalone::remember(&crate::preset::Preset::of(instance.params, ""));
                    let failed = audio.write().and_then(|()| crate::standalone::restart());
                    self.message.say(failed.err().unwrap_or_default());
                }
            }
        }
    }
}

/// A corner by which the window is made larger or smaller, for hosts that have none.
fn corner(ui: &Ui, screen: Rect) {
    let size = egui::Vec2::splat(theme::MARGIN);
    let rect = Rect::from_min_size(screen.max - size, size);
    let response = ui
        .interact(rect, ui.make_persistent_id("corner"), egui::Sense::drag())
        .on_hover_cursor(egui::CursorIcon::ResizeNwSe);
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        let wanted = egui::vec2(at.x, at.y).max(SMALLEST.into());
        ui.ctx().send_viewport_cmd(egui::ViewportCommand::InnerSize(wanted));
    }
    let color = if response.hovered() || response.dragged() { theme::TEXT } else { theme::FAINT };
    icon::corner(ui.painter(), rect, color);
}

/// The stage's columns: a meter, the library, the curve, the panel, a meter.
fn columns(rect: Rect) -> [Rect; 5] {
    let free = rect.width() - 2.0 * METER - LIBRARY - 4.0 * theme::GAP;
    let curve = (0.5 * free).floor().min(rect.height());
    let mut left = rect.left();
    [METER, LIBRARY, curve, free - curve, METER].map(|width| {
        let column = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom()));
        left += width + theme::GAP;
        column
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;
    use nice_plug::context::PluginApi;
    use nice_plug::context::gui::{GuiContext, GuiContextInner};
    use nice_plug::params::internals::ParamPtr;
    use nice_plug::plugin::PluginState;

    use super::*;
    use crate::loader::{Command, Entry, Folder, Kind};

    /// A host that does what the window asks for at once.
    struct Host;

    #[expect(unsafe_code, reason = "the framework's hosts set parameters through pointers")]
    impl GuiContextInner for Host {
        fn plugin_api(&self) -> PluginApi {
            PluginApi::Standalone
        }

        unsafe fn raw_begin_set_parameter(&self, _: ParamPtr) {}

        unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
            // SAFETY: the parameters live as long as the window under test.
            unsafe { param._internal_set_normalized_value(normalized) };
        }

        unsafe fn raw_end_set_parameter(&self, _: ParamPtr) {}

        fn get_state(&self) -> PluginState {
            unimplemented!("no test saves a state")
        }

        fn set_state(&self, _: PluginState) {
            unimplemented!("no test loads a state")
        }

        fn request_restart(&self) {}
    }

    /// A window without a screen, and what it is for.
    struct Scene {
        params: Arc<NdParams>,
        telemetry: Arc<Telemetry>,
        loader: Arc<Loader>,
        harness: Harness<'static>,
    }

    impl Scene {
        fn new(status: Status) -> Self {
            let params = Arc::new(NdParams::default());
            let telemetry = Arc::new(Telemetry::default());
            let loader = Arc::new(Loader::default());
            let (mut view, gui) = (View::default(), GuiContext::new(Arc::new(Host)));
            let (shown, heard, asked) = (Arc::clone(&params), Arc::clone(&telemetry), Arc::clone(&loader));
            let harness = Harness::builder()
                .with_size(vec2(1120.0, 720.0))
                .with_step_dt(1.0 / 60.0)
                .build_ui(move |ui| {
                    theme::apply(ui.ctx());
                    view.show(
                        ui,
                        Instance {
                            params: &shown,
                            telemetry: &heard,
                            loader: &asked,
                            status: &status,
                            setter: &gui.param_setter(),
                            gui: &gui,
                        },
                    );
                });
            Self { params, telemetry, loader, harness }
        }

        fn point(&mut self, at: Pos2, pressed: bool) {
            self.press(at, pressed, Modifiers::NONE);
        }

        fn press(&mut self, pos: Pos2, pressed: bool, modifiers: Modifiers) {
            self.harness.event(Event::PointerMoved(pos));
            let button = PointerButton::Primary;
            self.harness.event(Event::PointerButton { pos, button, pressed, modifiers });
            self.harness.run_steps(2);
        }

        fn drag(&mut self, name: &str, by: egui::Vec2, modifiers: Modifiers) {
            let start = self.harness.get_by_label(name).rect().center();
            self.harness.event(Event::ModifiersChanged(modifiers));
            self.press(start, true, modifiers);
            for part in 1..=10 {
                self.harness.event(Event::PointerMoved(start + by * (part as f32 / 10.0)));
                self.harness.run_steps(1);
            }
            self.press(start + by, false, modifiers);
            self.harness.event(Event::ModifiersChanged(Modifiers::NONE));
        }

        fn key(&mut self, key: Key) {
            self.harness.key_press(key);
            self.harness.run_steps(2);
        }
    }

    fn folder(names: &[&str]) -> Status {
        let entry = |name: &&str| {
            let path = PathBuf::from("/amps").join(name);
            let kind = Kind::of(&path).unwrap_or(Kind::Folder);
            Entry { name: (*name).to_owned(), path, kind }
        };
        let folder = Folder { path: Some("/amps".into()), entries: names.iter().map(entry).collect() };
        Status { folder, ..Status::default() }
    }

    #[test]
    fn a_knob_is_dragged_and_ten_times_finer_with_shift() {
        let mut scene = Scene::new(Status::default());
        scene.drag("Gain", vec2(0.0, -45.0), Modifiers::NONE);
        let coarse = scene.params.input_gain.value();
        assert!((coarse - 12.0).abs() < 1.5, "a quarter of the range: {coarse} dB");
        scene.drag("Gain", vec2(0.0, 45.0), Modifiers::SHIFT);
        let fine = scene.params.input_gain.value() - coarse;
        assert!((fine + 1.2).abs() < 0.3, "a tenth of that: {fine} dB");
    }

    #[test]
    fn a_double_click_resets_a_knob() {
        let mut scene = Scene::new(Status::default());
        scene.drag("Gain", vec2(0.0, -30.0), Modifiers::NONE);
        assert!(scene.params.input_gain.value() > 1.0, "it was moved");
        let at = scene.harness.get_by_label("Gain").rect().center();
        // A drag just before must not count as the first of two clicks.
        scene.harness.run_steps(60);
        for pressed in [true, false, true, false] {
            scene.point(at, pressed);
        }
        assert_eq!(scene.params.input_gain.value(), 0.0, "dB");
    }

    #[test]
    fn a_value_is_typed_where_it_is_shown() {
        let mut scene = Scene::new(Status::default());
        scene.harness.get_by_label("Gain value").click();
        scene.harness.run_steps(3);
        scene.harness.event(Event::Text("-7,5".to_owned()));
        scene.harness.run_steps(2);
        scene.key(Key::Enter);
        assert_eq!(scene.params.input_gain.value(), -7.5, "dB");
        scene.harness.get_by_label("Gain value").click();
        scene.harness.run_steps(3);
        scene.harness.event(Event::Text("3".to_owned()));
        scene.harness.run_steps(2);
        scene.key(Key::Escape);
        assert_eq!(scene.params.input_gain.value(), -7.5, "Escape takes it back");
    }

    #[test]
    fn a_knob_obeys_the_keys() {
        let mut scene = Scene::new(Status::default());
        scene.harness.get_by_label("Mix").focus();
        scene.harness.run_steps(2);
        scene.key(Key::ArrowDown);
        assert!((scene.params.mix.value() - 0.98).abs() < 1e-6, "a step down: {}", scene.params.mix.value());
        scene.key(Key::Home);
        assert_eq!(scene.params.mix.value(), 0.0, "the lowest value");
        scene.key(Key::Delete);
        assert_eq!(scene.params.mix.value(), 1.0, "the default");
        scene.harness.event(Event::Text("4".to_owned()));
        scene.harness.run_steps(3);
        scene.harness.event(Event::Text("0".to_owned()));
        scene.harness.run_steps(2);
        scene.key(Key::Enter);
        assert!((scene.params.mix.value() - 0.4).abs() < 1e-6, "typed: {}", scene.params.mix.value());
        assert!(scene.harness.get_by_label("Mix").is_focused(), "and the focus is back");
    }

    #[test]
    fn every_control_is_reached_with_the_tab_key() {
        let mut scene = Scene::new(Status::default());
        let mut reached = Vec::new();
        for _ in 0..120 {
            scene.key(Key::Tab);
            let wanted = [
                "Gain",
                "Threshold",
                "Quality",
                "Treble",
                "Mix",
                "Output mode",
                "Next model",
                "Search",
                "Mute",
            ];
            reached.extend(
                wanted
                    .into_iter()
                    .filter(|name| scene.harness.query_all_by_label(name).any(|node| node.is_focused())),
            );
        }
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached.len(), 9, "reached {reached:?}");
    }

    #[test]
    fn the_search_leaves_what_has_all_its_words() {
        let mut scene = Scene::new(folder(&[
            "Leads",
            "Plexi bright.nam",
            "Plexi dark.nam",
            "Twin bright.nam",
            "room.wav",
        ]));
        scene.harness.get_by_label("Models").click();
        scene.harness.run_steps(2);
        assert!(scene.harness.query_by_label("Twin bright.nam").is_some(), "every model is there");
        assert!(scene.harness.query_by_label("room.wav").is_none(), "no impulse response is");
        scene.harness.get_by_label("Search").click();
        scene.harness.run_steps(2);
        scene.harness.event(Event::Text("bright PLEXI".to_owned()));
        scene.harness.run_steps(3);
        assert!(scene.harness.query_by_label("Plexi bright.nam").is_some(), "both words");
        assert!(scene.harness.query_by_label("Plexi dark.nam").is_none(), "one word");
        scene.key(Key::Enter);
        assert_eq!(
            scene.loader.waiting(),
            [Command::LoadModel("/amps/Plexi bright.nam".into())],
            "Enter loads the first"
        );
    }

    #[test]
    fn a_file_is_read_in_another_way_from_the_models_menu() {
        let model = crate::loader::ModelInfo {
            name: "Old cab".to_owned(),
            origin: crate::loader::Origin::File("/amps/cab.nam".into()),
            format: nd_core::Format::Nam,
            compat: vec!["residual_without_layer1x1".to_owned()],
            architecture: "Linear",
            sample_rate: 48_000.0,
            sample_rate_is_known: true,
            num_parameters: 64,
            receptive_field: 64,
            knobs: vec!["drive".to_owned(), "gain".to_owned()],
            quality_steps: vec![0.0],
            anti_aliasing: nd_core::AntiAliasing::Off,
            fed_at: 48_000.0,
            metadata: nd_core::Metadata::default(),
        };
        let mut scene = Scene::new(Status { model: Some(model), ..Status::default() });
        scene.harness.run_steps(2);
        assert!(scene.harness.query_by_label("Drive").is_some(), "a knob as the file calls it");
        scene.harness.get_by_role_and_label(egui::Role::ComboBox, "Model").click();
        scene.harness.run_steps(3);
        for name in ["Linear: oldest sample first", "Layers without a 1x1 add what they make"] {
            scene.harness.get_by_label(name).click();
            scene.harness.run_steps(3);
        }
        scene.harness.get_by_label("No model").click();
        scene.harness.run_steps(3);
        assert_eq!(
            scene.loader.waiting(),
            [
                Command::ReadAs("reverse_linear_taps", true),
                Command::ReadAs("residual_without_layer1x1", false),
                Command::RemoveModel,
            ],
            "one on, one off, and away with it"
        );
    }

    #[test]
    fn an_error_stays_until_it_is_put_away() {
        let error = "amp.nam: layer 3 (conv): expected 8 input channels, got 4";
        let mut scene = Scene::new(Status { error: Some(error.to_owned()), ..Status::default() });
        scene.harness.run_steps(3);
        assert!(scene.harness.query_by_label(error).is_some(), "in words");
        scene.harness.get_by_label("Put the message away").click();
        scene.harness.run_steps(3);
        assert!(scene.harness.query_by_label(error).is_none(), "after it was put away");
    }

    #[test]
    fn the_light_burns_when_something_was_not_finite() {
        let mut scene = Scene::new(Status::default());
        scene.harness.run_steps(2);
        assert!(scene.harness.query_by_label("Unstable").is_none(), "before");
        scene.telemetry.non_finite.store(1, Relaxed);
        scene.harness.run_steps(2);
        assert!(scene.harness.query_by_label("Unstable").is_some(), "after");
    }

    #[test]
    fn nothing_lies_outside_the_smallest_window() {
        let mut scene = Scene::new(Status::default());
        scene.harness.set_size(SMALLEST.into());
        scene.harness.run_steps(3);
        let screen = Rect::from_min_size(Pos2::ZERO, SMALLEST.into());
        for name in
            ["Gain", "Mix", "DC blocker", "Mute", "Next model", "Search", "In meter", "Out meter", "Details"]
        {
            let rect = scene.harness.get_by_label(name).rect();
            assert!(screen.contains_rect(rect), "{name} is at {rect:?}");
        }
    }
}
