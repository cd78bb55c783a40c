//! A host in the process of the test.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::utils::ClapId;

/// What the plugin has asked the host for.
#[derive(Debug, Default)]
struct Requests {
    callbacks: AtomicUsize,
}

#[derive(Debug)]
struct Shared(Arc<Requests>);

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.0.callbacks.fetch_add(1, SeqCst);
    }
}

#[derive(Debug)]
struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

/// An instance of the plugin in a host.
pub(crate) struct Host {
    instance: PluginInstance<Handlers>,
    processor: Option<StartedPluginAudioProcessor<Handlers>>,
    requests: Arc<Requests>,
    /// Parameter changes for the next block.
    events: EventBuffer,
    channels: usize,
    /// Time that the plugin took for the last block.
    pub(crate) took: Duration,
}

/// The layouts, in the plugin's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Stereo,
    Mono,
}

impl Host {
    /// Plugs the plugin in.
    pub(crate) fn new() -> Self {
        #[expect(unsafe_code, reason = "the entry is the plugin's own, not somebody's library")]
        // SAFETY: the framework's entry is a complete one.
        let entry = unsafe { PluginEntry::load_from_raw(&nd_plugin::clap_entry, c"") }.expect("an entry");
        let factory = entry.get_plugin_factory().expect("a factory");
        let descriptor = factory.plugin_descriptor(0).expect("a plugin");
        let requests = Arc::new(Requests::default());
        let shared = Shared(Arc::clone(&requests));
        let info = HostInfo::new("test", "test", "", "1").expect("no zeros in it");
        let instance = PluginInstance::<Handlers>::new(
            |()| shared,
            |_| (),
            &entry,
            descriptor.id().expect("an id"),
            &info,
        )
        .expect("an instance");
        Self {
            instance,
            processor: None,
            requests,
            events: EventBuffer::new(),
            channels: 2,
            took: Duration::ZERO,
        }
    }

    /// A stereo instance that plays at 48 kHz, in blocks of up to 4096.
    pub(crate) fn playing() -> Self {
        let mut host = Self::new();
        host.activate(48_000.0, 4096);
        host
    }

    /// One without anything that changes the sound, the model excepted.
    pub(crate) fn neutral() -> Self {
        let mut host = Self::new();
        host.set("DC blocker", "Off").set("Output mode", "Raw");
        host.flush();
        host
    }

    pub(crate) fn layout(&mut self, layout: Layout) -> &mut Self {
        let handle = self.instance.plugin_handle();
        let configs: PluginAudioPortsConfig = handle.get_extension().expect("several layouts");
        configs.select(&handle, ClapId::new(layout as u32)).expect("an inactive plugin with this layout");
        self.channels = if layout == Layout::Stereo { 2 } else { 1 };
        self
    }

    pub(crate) fn offline(&mut self) -> &mut Self {
        let handle = self.instance.plugin_handle();
        let render: PluginRender = handle.get_extension().expect("a render mode");
        render.set(&handle, RenderMode::Offline).expect("a plugin that can render");
        self
    }

    pub(crate) fn activate(&mut self, sample_rate: f64, max_block: u32) -> &mut Self {
        let config =
            PluginAudioConfiguration { sample_rate, min_frames_count: 1, max_frames_count: max_block };
        let stopped = self.instance.activate(|_, ()| (), config).expect("an activation");
        self.processor = Some(stopped.start_processing().expect("a start"));
        self
    }

    pub(crate) fn deactivate(&mut self) -> &mut Self {
        let processor = self.processor.take().expect("an active plugin");
        self.instance.deactivate(processor.stop_processing());
        self
    }

    pub(crate) fn reset(&mut self) {
        self.processor.as_mut().expect("an active plugin").reset();
    }

    pub(crate) fn latency(&mut self) -> usize {
        let handle = self.instance.plugin_handle();
        let latency: PluginLatency = handle.get_extension().expect("a latency");
        latency.get(&handle) as usize
    }

    /// Calls the plugin back on the main thread, as often as it has asked for it.
    pub(crate) fn idle(&mut self) {
        while self.requests.callbacks.swap(0, SeqCst) > 0 {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Id of a parameter by its name.
    fn param(&mut self, name: &str) -> ClapId {
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("parameters");
        let mut buffer = ParamInfoBuffer::new();
        (0..params.count(&handle))
            .find_map(|index| {
                let info = params.get_info(&handle, index, &mut buffer)?;
                (info.name == name.as_bytes()).then_some(info.id)
            })
            .unwrap_or_else(|| panic!("there is no parameter {name}"))
    }

    /// Sets a parameter at the beginning of the next block.
    pub(crate) fn set(&mut self, name: &str, text: &str) -> &mut Self {
        self.set_at(0, name, text)
    }

    /// Sets a parameter at a frame of the next block.
    pub(crate) fn set_at(&mut self, frame: u32, name: &str, text: &str) -> &mut Self {
        let id = self.param(name);
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("parameters");
        let words = CString::new(text).expect("no zeros in it");
        let value = params.text_to_value(&handle, id, &words);
        let value = value.unwrap_or_else(|| panic!("{name} cannot be {text}"));
        self.events.push(&ParamValueEvent::new(frame, id, Pckn::match_all(), value));
        self
    }

    /// A parameter as the host would show it.
    pub(crate) fn get(&mut self, name: &str) -> String {
        let id = self.param(name);
        let handle = self.instance.plugin_handle();
        let params: PluginParams = handle.get_extension().expect("parameters");
        let value = params.get_value(&handle, id).expect("a value");
        let mut buffer = [0; 64];
        let text = params.value_to_text(&handle, id, value, &mut buffer).expect("a text");
        String::from_utf8_lossy(text).into_owned()
    }

    /// Hands the parameter changes to a plugin that is not playing.
    pub(crate) fn flush(&mut self) {
        let params: PluginParams = self.instance.plugin_handle().get_extension().expect("parameters");
        let mut handle = self.instance.inactive_plugin_handle().expect("an inactive plugin");
        params.flush(&mut handle, &self.events.as_input(), &mut OutputEvents::void());
        self.events.clear();
    }

    /// Plays a block, on a thread of its own as hosts do.
    pub(crate) fn block(&mut self, input: &[&[f32]]) -> Vec<Vec<f32>> {
        assert_eq!(input.len(), self.channels, "channels");
        let frames = input[0].len();
        let mut input: Vec<Vec<f32>> = input.iter().map(|channel| channel.to_vec()).collect();
        let mut output = vec![vec![0.0; frames]; self.channels];
        let mut ports = AudioPorts::with_capacity(self.channels, 1);
        let mut out_ports = AudioPorts::with_capacity(self.channels, 1);
        let processor = self.processor.as_mut().expect("an active plugin");
        let (events, took) = (&self.events, &mut self.took);
        let mut play = || {
            let inputs = ports.with_input_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(input.iter_mut().map(InputChannel::variable)),
            }]);
            let mut outputs = out_ports.with_output_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(output.iter_mut().map(Vec::as_mut_slice)),
            }]);
            let mut sink = OutputEvents::void();
            let start = Instant::now();
            let played = processor.process(&inputs, &mut outputs, &events.as_input(), &mut sink, None, None);
            *took = start.elapsed();
            played.expect("sound");
        };
        std::thread::scope(|scope| scope.spawn(&mut play).join()).expect("a block without a panic");
        self.events.clear();
        output
    }

    /// Plays a signal on all channels in blocks of some size, and returns the first channel.
    pub(crate) fn play(&mut self, input: &[f32], block: usize) -> Vec<f32> {
        let channels = self.channels;
        let blocks = input.chunks(block).map(|block| self.block(&vec![block; channels]).swap_remove(0));
        blocks.flatten().collect()
    }

    pub(crate) fn save(&mut self) -> Vec<u8> {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().expect("a state");
        let mut bytes = Vec::new();
        state.save(&handle, &mut bytes).expect("a state that can be saved");
        bytes
    }

    pub(crate) fn load(&mut self, bytes: &[u8]) {
        let handle = self.instance.plugin_handle();
        let state: PluginState = handle.get_extension().expect("a state");
        state.load(&handle, &mut &bytes[..]).expect("a state that can be loaded");
    }
}

/// A host that plays mono blocks of one size again and again, without more ado.
pub(crate) struct Player {
    host: Host,
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    ports: [AudioPorts; 2],
}

impl Host {
    /// Becomes one that only plays.
    pub(crate) fn player(self, block: usize) -> Player {
        let audio = vec![vec![0.0; block]; self.channels];
        let ports = [(); 2].map(|()| AudioPorts::with_capacity(self.channels, 1));
        Player { host: self, input: audio.clone(), output: audio, ports }
    }
}

impl Player {
    /// Plays a block on all channels, on this thread.
    pub(crate) fn play(&mut self, input: &[f32]) {
        self.input.iter_mut().for_each(|channel| channel.copy_from_slice(input));
        let [ports, out_ports] = &mut self.ports;
        let inputs = ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(self.input.iter_mut().map(InputChannel::variable)),
        }]);
        let mut outputs = out_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(self.output.iter_mut().map(Vec::as_mut_slice)),
        }]);
        let processor = self.host.processor.as_mut().expect("an active plugin");
        let (events, mut sink) = (InputEvents::empty(), OutputEvents::void());
        processor.process(&inputs, &mut outputs, &events, &mut sink, None, None).expect("sound");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.processor.is_some() {
            self.deactivate();
        }
    }
}
