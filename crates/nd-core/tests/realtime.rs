//! No call that a real-time thread makes touches the heap, with any model at any quality.

#[allow(dead_code, unreachable_pub, reason = "each test uses its part")]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nd_core::{InstructionSet, Pair};
use support::{stage, subject};

thread_local! {
    /// How often this thread has asked the heap for something.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

fn count() {
    CALLS.set(CALLS.get() + 1);
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came; counting in a constant-initialised thread local
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`, and `pointer` is the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How often `action` asks the heap for something.
fn heap_calls(action: impl FnOnce()) -> usize {
    let before = CALLS.get();
    action();
    CALLS.get() - before
}

#[test]
fn the_count_sees_an_allocation_and_a_release() {
    assert_eq!(heap_calls(|| drop(std::hint::black_box(Box::new(1)))), 2);
    assert_eq!(heap_calls(|| ()), 0);
}

#[test]
#[expect(clippy::print_stdout, reason = "the list of what was covered is a result")]
fn nothing_on_the_audio_thread_touches_the_heap() {
    let input = support::made_up::signal(10_000, 0.7);
    let knobs = [[0.25; 333]; 3];
    let knobs = [&knobs[0][..], &knobs[1][..], &knobs[2][..]];
    let mut buffer = vec![0.0; input.len()];
    for set in InstructionSet::available() {
        for subject in subject::all(2000).into_iter().chain(subject::anti_aliased(2000)) {
            let mut model = subject.compile(set);
            let calls = heap_calls(|| {
                for block in [0, 1, 7, 64, 333, 4096, 10_000] {
                    model.process(&input[..block], &mut buffer[..block]);
                    model.process_in_place(&mut buffer[..block]);
                }
                for index in 0..model.parameters() {
                    model.set_parameter(index, 0.25);
                }
                model.process_automated(&input[..333], &knobs[..model.parameters()], &mut buffer[..333]);
                for quality in [0.0, 0.5, 1.0] {
                    model.set_quality(quality);
                    model.process_in_place(&mut buffer);
                }
                // Loud enough for some models to overflow, and what is no number at all.
                for hostile in [f32::MAX, f32::NAN] {
                    buffer[..1000].fill(hostile);
                    model.process_in_place(&mut buffer[..1000]);
                }
                model.reset();
                model.process(&input[..64], &mut buffer[..64]);
            });
            assert_eq!(calls, 0, "{} on {set}", subject.name);
            println!("{:10} {}", set.name(), subject.name);
        }
    }
}

#[test]
fn a_pair_does_not_touch_the_heap() {
    for subject in subject::all(2000) {
        let model = subject.compile(InstructionSet::best());
        let (mut pair, mut models) = (Pair::new(&model), [model.clone(), model]);
        let mut signals = [support::made_up::signal(5000, 0.7), support::made_up::signal(5000, 0.3)];
        let calls = heap_calls(|| {
            for block in [0, 1, 7, 64, 333, 5000] {
                let audio = signals.each_mut().map(|signal| &mut signal[..block]);
                pair.process_in_place(models.each_mut(), audio);
            }
            models[1].set_quality(0.0);
            pair.process_in_place(models.each_mut(), signals.each_mut().map(|signal| &mut signal[..]));
        });
        assert_eq!(calls, 0, "{}", subject.name);
    }
}

#[test]
fn no_stage_of_the_chain_touches_the_heap() {
    let mut signal = support::made_up::signal(10_000, 0.7);
    for subject in stage::all() {
        let mut stage = (subject.stage)();
        let calls = heap_calls(|| {
            for (number, block) in [0, 1, 7, 64, 333, 4096, 10_000].into_iter().enumerate() {
                stage.process(&mut signal[..block]);
                stage.turn(number);
                stage.process(&mut signal[..block]);
            }
            stage.reset();
            stage.process(&mut signal[..64]);
        });
        assert_eq!(calls, 0, "{}", subject.name);
    }
}
