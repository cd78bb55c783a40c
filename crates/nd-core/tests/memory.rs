//! Reading a file takes little memory, whatever the file: 64 MiB beside the file itself, also where it is refused last.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nd_core::{CompileOptions, ModelSpec};

/// What reading a file may take beside it.
const MOST: usize = 64 << 20;

thread_local! {
    /// Bytes that this thread holds, and the most that it has held.
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which adds up.
struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

fn hold(more: usize, less: usize) {
    let held = (HELD.get() + more).saturating_sub(less);
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came; counting in a constant-initialised thread local
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        hold(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        hold(layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while one is copied to the other.
        hold(size, 0);
        hold(0, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`, and `pointer` is the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most that reading and compiling a file takes, in bytes, and the kind of its error.
fn peak(file: &str) -> (usize, Option<&'static str>) {
    let before = HELD.get();
    PEAK.set(before);
    let outcome = match ModelSpec::from_slice(file.as_bytes()) {
        Ok(spec) => spec.compile(&CompileOptions::default()).err().map(|error| error.kind()),
        Err(error) => Some(error.kind()),
    };
    (PEAK.get() - before, outcome)
}

/// So many zeros, then `last`, with commas between them.
fn numbers(zeros: usize, last: &str) -> String {
    format!("{}{last}", "0,".repeat(zeros))
}

/// Nested arrays of `outer` arrays, each of which is `inner`; the last is `last`.
fn rows(outer: usize, inner: &str, last: &str) -> String {
    format!("[{}{last}]", format!("{inner},").repeat(outer - 1))
}

fn nam(architecture: &str, config: &str, weights: &str) -> String {
    format!(
        r#"{{"version":"0.7.0","architecture":"{architecture}","config":{config},"weights":[{weights}]}}"#
    )
}

/// A WaveNet of 14 taps and 1024 channels: 15.7 million weights.
fn wide_wavenet(last: &str) -> String {
    let array = r#"{"input_size":1,"condition_size":1,"channels":1024,"kernel_size":14,"dilations":[1],
        "activation":"Tanh","head_size":1,"head_bias":false}"#;
    let weights = 1024 + 1024 * 1024 * 14 + 1024 + 1024 + 1024 * 1024 + 1024 + 1024 + 1;
    nam("WaveNet", &format!(r#"{{"layers":[{array}],"head_scale":1}}"#), &numbers(weights - 1, last))
}

#[test]
fn the_count_sees_what_is_held_at_once() {
    let before = HELD.get();
    PEAK.set(before);
    drop(std::hint::black_box(vec![1_u8; 1 << 20]));
    drop(std::hint::black_box(vec![1_u8; 2 << 20]));
    assert_eq!(PEAK.get() - before, 2 << 20, "one after the other");
    assert_eq!(HELD.get(), before, "all of it is released");
}

#[test]
fn refusing_a_file_takes_little_memory() {
    let row = format!("[{}]", numbers(1023, "0"));
    let bad_row = format!("[{}]", numbers(1023, "1e39"));
    let matrix = rows(1024, &row, &row);
    let keras = |rest: &str| {
        let bad = rows(1024, &row, &bad_row);
        let conv = format!(
            r#"{{"type":"conv1d","shape":[null,null,1024],"kernel_size":[14],"weights":[{}]}}"#,
            rows(14, &matrix, &bad)
        );
        let dense = format!(r#"{{"type":"dense","shape":[null,null,1024],"weights":[[{row}]]}}"#);
        format!(r#"{{"in_shape":[null,null,1],"layers":[{dense},{conv}]{rest}}}"#)
    };
    let test = |count| format!(r#","input_batch":[{0}],"output_batch":[{0}]"#, numbers(count, "0"));
    let slopes = format!(r#"{{"type":"PReLU","negative_slopes":[{}]}}"#, numbers(1023, "0"));
    let array = format!(
        r#"{{"input_size":1024,"condition_size":1024,"channels":1024,"kernel_size":1,"groups_input":1024,
        "groups_input_mixin":1024,"layer1x1":{{"groups":1024}},"dilations":[{}],"activation":{slopes},"gated":true,
        "head_size":1024,"head_bias":false}}"#,
        numbers(255, "1").replace('0', "1")
    );
    let arrays = vec![array; 4].join(",");
    let deep = (0..7).fold(nam("Linear", r#"{"receptive_field":1,"bias":false}"#, "1"), |model, _| {
        let open =
            r#"{"version":"0.7.0","architecture":"SlimmableContainer","weights":[],"config":{"submodels":"#;
        let notes = r#""metadata":{"notes":""#;
        let inner =
            model.replacen(r#""version""#, &format!(r#"{notes}{}"}},"version""#, "x".repeat(8 << 20)), 1);
        format!(r#"{open}[{{"max_value":1,"model":{inner}}}]}}}}"#)
    });
    let slimmable = r#"{"input_size":1,"condition_size":1,"channels":1024,"kernel_size":1,"dilations":[1,1],
        "activation":"Tanh","head_size":1,"head_bias":false,"slimmable":{"method":"slice_channels_uniform"}}"#;
    let grouped = r#"{"input_size":1,"condition_size":1,"channels":1024,"kernel_size":4096,"groups_input":1024,
        "layer1x1":{"groups":1024},"dilations":[1,1],"activation":"Tanh","head_size":1,"head_bias":false}"#;
    let layers = |array: &str| format!(r#"{{"layers":[{array}],"head_scale":1}}"#);
    let features = |kernel_size_time: usize| {
        let taps = vec!["[[[1]]]"; kernel_size_time].join(",");
        let conv = format!(
            r#"{{"type":"conv2d","kernel_size_time":{kernel_size_time},"kernel_size_feature":1,"dilation":1,"strides":1,
            "num_filters_in":1,"num_filters_out":1,"num_features_in":1024,"padding":"same","weights":[[{taps}],[0]]}}"#
        );
        let dense = format!(r#"{{"type":"dense","shape":[null,null,1024],"weights":[[{row}]]}}"#);
        format!(r#"{{"in_shape":[null,null,1],"layers":[{dense},{}]}}"#, vec![conv; 8].join(","))
    };
    let layer = format!(r#""rec.weight_ih_l0":{0},"rec.weight_hh_l0":{0}"#, rows(4096, &row, &row));
    let files = [
        ("a WaveNet whose last weight is infinite", wide_wavenet("1e39")),
        ("a WaveNet with a weight too many", wide_wavenet("0,0")),
        ("a convolution whose last weight is infinite", keras("")),
        ("the same behind a recording", keras(&test(500_000))),
        ("a recording of sixteen million numbers", keras(&test(8_000_000))),
        (
            "a thousand layers with slopes of their own",
            nam("WaveNet", &format!(r#"{{"in_channels":1024,"layers":[{arrays}],"head_scale":1}}"#), ""),
        ),
        ("containers with metadata", deep),
        (
            "thirty million weights in the place of one",
            nam("Linear", r#"{"receptive_field":1,"bias":false}"#, &numbers(30_000_000, "0")),
        ),
        (
            "a state_dict without its biases",
            format!(
                r#"{{"model_data":{{"input_size":1024,"output_size":1,"unit_type":"LSTM","num_layers":1,"hidden_size":1024,
            "skip":0}},"state_dict":{{{layer}}}}}"#
            ),
        ),
        (
            "a WaveNet of two outputs",
            wide_wavenet("0")
                .replace(r#""head_size":1"#, r#""head_size":2"#)
                .replace("[0,", &format!("[{}", numbers(1025, ""))),
        ),
        (
            "a model of a thousand sizes",
            nam("WaveNet", &layers(slimmable), &numbers(2 * (2 * 1024 * 1024 + 3 * 1024) + 2048, "0")),
        ),
        ("groups of many taps", nam("WaveNet", &layers(grouped), &numbers(2 * 1024 * 4100 + 2048, "0"))),
        ("features of many taps", features(2048)),
        ("as many lists as there may be", format!("[{}0", "[],".repeat(65_535))),
        ("a long text that does not end", format!(r#"{{"version":"{}"#, "x".repeat(60 << 20))),
        ("unknown keys", format!(r#"{{"layers":[],"in_shape":[1],"notes":"{}"}}"#, "x".repeat(40 << 20))),
    ];
    for (what, file) in files {
        let (peak, kind) = peak(&file);
        assert!(kind.is_some(), "{what} is refused");
        assert!(peak <= MOST, "{what}: {peak} bytes to say {kind:?}");
    }
}
