//! The VST3, played in process by a host of a hundred lines.

#![expect(clippy::cast_possible_wrap, reason = "the numbers of an interface, all of them small")]
#![expect(unsafe_code, reason = "VST3 is an interface of C++: every call of it is unsafe")]

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;

use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentTrait, ProcessData, ProcessModes_, ProcessSetup, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    IBStream, IBStreamTrait, IPluginBaseTrait, IPluginFactory, IPluginFactoryTrait, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper, Interface};

use crate::clap::{difference, file, gain_of, guitar, session_with};
use crate::host::Host;

/// A stream in memory.
#[derive(Default)]
struct Stream(Mutex<(Vec<u8>, usize)>);

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, wanted: i32, read: *mut i32) -> tresult {
        let mut stream = self.0.lock().expect("nobody panics here");
        let (bytes, at) = &mut *stream;
        let count = (bytes.len() - *at).min(wanted as usize);
        // SAFETY: the plugin's buffer has room for what it wants, and its counter is a number or null.
        unsafe {
            ptr::copy_nonoverlapping(bytes[*at..].as_ptr(), buffer.cast(), count);
            if let Some(read) = read.as_mut() {
                *read = count as i32;
            }
        }
        *at += count;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: i32, written: *mut i32) -> tresult {
        let mut stream = self.0.lock().expect("nobody panics here");
        // SAFETY: the plugin's buffer holds what it says, and its counter is a number or null.
        unsafe {
            stream.0.extend(std::slice::from_raw_parts(buffer.cast::<u8>(), count as usize));
            if let Some(written) = written.as_mut() {
                *written = count;
            }
        }
        kResultOk
    }

    unsafe fn seek(&self, position: i64, mode: i32, result: *mut i64) -> tresult {
        let mut stream = self.0.lock().expect("nobody panics here");
        let (bytes, at) = &mut *stream;
        let from = [0, *at, bytes.len()][mode as usize];
        *at = (from as i64 + position) as usize;
        // SAFETY: a number or null.
        if let Some(result) = unsafe { result.as_mut() } {
            *result = *at as i64;
        }
        kResultOk
    }

    unsafe fn tell(&self, position: *mut i64) -> tresult {
        // SAFETY: the plugin's own number.
        unsafe { *position = self.0.lock().expect("nobody panics here").1 as i64 };
        kResultOk
    }
}

/// An instance of the plugin that plays.
struct Vst3 {
    component: ComPtr<IComponent>,
    processor: ComPtr<IAudioProcessor>,
}

impl Vst3 {
    fn playing(sample_rate: f64) -> Self {
        // SAFETY: the calls are those of the interface, in its order, with pointers to what lives as long as they do.
        unsafe {
            let factory = nd_plugin::GetPluginFactory().cast::<IPluginFactory>();
            let factory = ComPtr::from_raw(factory).expect("a factory");
            assert_eq!(factory.countClasses(), 1, "classes");
            let mut info = std::mem::zeroed();
            assert_eq!(factory.getClassInfo(0, &raw mut info), kResultOk, "a class");
            let mut object: *mut c_void = ptr::null_mut();
            let interface = IComponent::IID.as_ptr().cast();
            assert_eq!(
                factory.createInstance(info.cid.as_ptr(), interface, &raw mut object),
                kResultOk,
                "an object"
            );
            let component = ComPtr::from_raw(object.cast::<IComponent>()).expect("a component");
            assert_eq!(component.initialize(ptr::null_mut()), kResultOk, "an initialisation");
            let processor = component.cast::<IAudioProcessor>().expect("a processor");
            let mut setup = ProcessSetup {
                processMode: ProcessModes_::kRealtime as i32,
                symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
                maxSamplesPerBlock: 4096,
                sampleRate: sample_rate,
            };
            assert_eq!(processor.setupProcessing(&raw mut setup), kResultOk, "a setup");
            for direction in [0, 1] {
                assert_eq!(component.activateBus(0, direction, 0, 1), kResultOk, "a bus");
            }
            assert_eq!(component.setActive(1), kResultOk, "an activation");
            processor.setProcessing(1);
            Self { component, processor }
        }
    }

    fn latency(&self) -> usize {
        // SAFETY: the plugin is alive.
        unsafe { self.processor.getLatencySamples() as usize }
    }

    /// Plays a signal on both channels, and returns the left one.
    fn play(&mut self, input: &[f32], block: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for input in input.chunks(block) {
            let mut inputs = [input.to_vec(), input.to_vec()];
            let mut outputs = [vec![0.0; input.len()], vec![0.0; input.len()]];
            let mut input_pointers = inputs.each_mut().map(Vec::as_mut_ptr);
            let mut output_pointers = outputs.each_mut().map(Vec::as_mut_ptr);
            let bus = |pointers: &mut [*mut f32; 2]| AudioBusBuffers {
                numChannels: 2,
                silenceFlags: 0,
                __field0: AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() },
            };
            let (mut input_bus, mut output_bus) = (bus(&mut input_pointers), bus(&mut output_pointers));
            let mut data = ProcessData {
                processMode: ProcessModes_::kRealtime as i32,
                symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
                numSamples: input.len() as i32,
                numInputs: 1,
                numOutputs: 1,
                inputs: &raw mut input_bus,
                outputs: &raw mut output_bus,
                inputParameterChanges: ptr::null_mut(),
                outputParameterChanges: ptr::null_mut(),
                inputEvents: ptr::null_mut(),
                outputEvents: ptr::null_mut(),
                processContext: ptr::null_mut(),
            };
            // SAFETY: every pointer is to something that lives until the call returns.
            assert_eq!(unsafe { self.processor.process(&raw mut data) }, kResultOk, "sound");
            all.append(&mut outputs[0]);
        }
        all
    }

    fn save(&self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::default());
        let pointer = stream.to_com_ptr::<IBStream>().expect("it is a stream");
        // SAFETY: the stream outlives the call.
        assert_eq!(unsafe { self.component.getState(pointer.as_ptr()) }, kResultOk, "a state");
        stream.0.lock().expect("nobody panics here").0.clone()
    }

    fn load(&self, bytes: &[u8]) {
        let stream = ComWrapper::new(Stream(Mutex::new((bytes.to_vec(), 0))));
        let pointer = stream.to_com_ptr::<IBStream>().expect("it is a stream");
        // SAFETY: the stream outlives the call.
        assert_eq!(unsafe { self.component.setState(pointer.as_ptr()) }, kResultOk, "a state");
    }
}

impl Drop for Vst3 {
    fn drop(&mut self) {
        // SAFETY: the plugin is alive until its last pointer goes, which is after this.
        unsafe {
            self.processor.setProcessing(0);
            self.component.setActive(0);
            self.component.terminate();
        }
    }
}

#[test]
fn it_sounds_as_the_clap_does() {
    let input = guitar(8000);
    assert_eq!(Vst3::playing(48_000.0).play(&input, 64), Host::playing().play(&input, 512), "every sample");
}

#[test]
fn its_latency_is_that_of_an_impulse() {
    let mut plugin = Vst3::playing(44_100.0);
    plugin.load(session_with(&file("vst3-latency", "one.json", 1.0)).to_string().as_bytes());
    let start = std::time::Instant::now();
    while (gain_of(&plugin.play(&[0.01; 4096], 64)) - 1.0).abs() > 1e-3 {
        assert!(start.elapsed().as_secs() < 20, "the session's model plays");
    }
    plugin.play(&vec![0.0; 8192], 64);
    let mut input = vec![0.0; 2048];
    input[100] = 0.01;
    let output = plugin.play(&input, 64);
    let peak = (0..output.len()).max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs()));
    assert_eq!(peak, Some(100 + plugin.latency()), "samples");
}

#[test]
fn a_state_that_is_loaded_while_it_plays_brings_its_model() {
    let mut plugin = Vst3::playing(48_000.0);
    let before = plugin.play(&guitar(4096), 64);
    plugin.load(session_with(&file("vst3", "three.json", 3.0)).to_string().as_bytes());
    let start = std::time::Instant::now();
    while (gain_of(&plugin.play(&[0.01; 4096], 64)) - 3.0).abs() > 1e-3 {
        assert!(start.elapsed().as_secs() < 20, "the session's model plays");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let other = Vst3::playing(48_000.0);
    other.load(&plugin.save());
    drop(plugin);
    assert!(
        difference(&before, &Vst3::playing(48_000.0).play(&guitar(4096), 64)) == 0.0,
        "others are left alone"
    );
}
