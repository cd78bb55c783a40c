//! Neural models of guitar distortion as a plugin: VST3, CLAP, and a program of its own.
//!
//! Three threads meet in an instance, and none waits for another:
//!
//! * The *audio thread* plays (`processor`). It never allocates, frees, locks or calls the system.
//! * The *loader* reads files, compiles models and frees them ([`loader`]). It sends what is ready to the audio thread
//!   through a queue, and gets back through another what is no longer needed.
//! * The *window* draws ([`editor`]). It reads [`telemetry`] and [`loader::Status`], writes parameters through the host,
//!   and sends [`loader::Command`]s.

#[cfg(feature = "gui")]
pub mod editor;
pub mod factory;
mod impulse;
pub mod loader;
pub mod params;
pub mod preset;
mod processor;
mod rig;
#[cfg(feature = "standalone")]
pub mod standalone;
pub mod state;
pub mod telemetry;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use nice_plug::prelude::*;

use loader::{Loader, Worker};
use params::NdParams;
use processor::Processor;
use rig::Setup;
use telemetry::Telemetry;

/// Rigs that may wait on their way to the audio thread or back.
const QUEUE: usize = 2;

/// How often a render looks whether the loader is done.
const OFFLINE_WAIT: Duration = Duration::from_millis(1);

/// An instance of the plugin.
#[derive(Debug, Default)]
pub struct NeuralDistortion {
    params: Arc<NdParams>,
    telemetry: Arc<Telemetry>,
    loader: Arc<Loader>,
    /// Both are there while the plugin is active.
    worker: Option<Worker>,
    processor: Option<Processor>,
    /// Whether the host renders, and waits for nothing but the sound.
    offline: bool,
}

const fn layout(inputs: u32, outputs: u32, name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(inputs),
        main_output_channels: NonZeroU32::new(outputs),
        names: PortNames { layout: Some(name), ..PortNames::const_default() },
        ..AudioIOLayout::const_default()
    }
}

impl Plugin for NeuralDistortion {
    const NAME: &'static str = "Neural Distortion";
    const VENDOR: &'static str = "neural-distortion";
    const URL: &'static str = env!("CARGO_PKG_REPOSITORY");
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        &[layout(2, 2, "Stereo"), layout(1, 1, "Mono"), layout(1, 2, "Mono to stereo")];
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    #[cfg(feature = "gui")]
    type Editor = editor::NdEditor;
    #[cfg(not(feature = "gui"))]
    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    #[cfg(feature = "gui")]
    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<Self::Editor> {
        editor::create(&self.params, &self.telemetry, &self.loader)
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.deactivate();
        let count = |channels: Option<NonZeroU32>| channels.map_or(1, |channels| channels.get() as usize);
        let setup = Setup {
            sample_rate: f64::from(config.sample_rate),
            inputs: count(layout.main_input_channels),
            outputs: count(layout.main_output_channels),
            offline: config.process_mode == ProcessMode::Offline,
        };
        self.offline = setup.offline;
        let (rigs, new_rigs) = rtrb::RingBuffer::new(QUEUE);
        let (old_rigs, retired) = rtrb::RingBuffer::new(QUEUE);
        let mut processor = Processor::new(&self.params, &self.telemetry, setup, new_rigs, old_rigs);
        self.worker = Some(Worker::start(&self.loader, &self.params, setup, rigs, retired));
        processor.reset();
        let latency = processor.latency() as u32;
        self.processor = Some(processor);
        self.telemetry.sample_rate.set(config.sample_rate);
        self.telemetry.channels.store(setup.outputs as u32, Relaxed);
        self.telemetry.latency_samples.store(latency, Relaxed);
        context.set_latency_samples(latency);
        true
    }

    fn reset(&mut self) {
        if let Some(processor) = &mut self.processor {
            processor.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Some(processor) = &mut self.processor else { return ProcessStatus::Normal };
        // A render is to have the model that was asked for from the first sample on, and it has the time to wait.
        let loads =
            || self.worker.as_ref().is_some_and(Worker::is_running) && self.loader.is_busy(&self.params);
        while self.offline && loads() {
            processor.take_rig();
            std::thread::sleep(OFFLINE_WAIT);
        }
        processor.process(buffer.as_slice());
        let latency = processor.latency() as u32;
        if self.telemetry.latency_samples.load(Relaxed) != latency {
            self.telemetry.latency_samples.store(latency, Relaxed);
            context.set_latency_samples(latency);
        }
        if processor.is_asleep() { ProcessStatus::Normal } else { ProcessStatus::KeepAlive }
    }

    fn filter_state(state: &mut PluginState) {
        state::migrate(state);
    }

    fn deactivate(&mut self) {
        self.processor = None;
        self.worker = None;
    }
}

impl ClapPlugin for NeuralDistortion {
    const CLAP_ID: &'static str = "com.neural-distortion.neural-distortion";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Plays neural models of guitar distortion");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Distortion, ClapFeature::Mono, ClapFeature::Stereo];
}

#[cfg(feature = "vst3")]
impl Vst3Plugin for NeuralDistortion {
    const VST3_CLASS_ID: [u8; 16] = *b"NeuralDistortion";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Distortion];
}

nice_export_clap!(NeuralDistortion);
#[cfg(feature = "vst3")]
nice_export_vst3!(NeuralDistortion);
