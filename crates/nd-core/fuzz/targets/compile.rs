#![no_main]

use libfuzzer_sys::{Corpus, fuzz_crossover, fuzz_mutator, fuzz_target};
use nd_fuzz::{mutation, play, spec};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutation::mutate(data, size, max_size, seed)
});

fuzz_crossover!(|data1: &[u8], data2: &[u8], out: &mut [u8], seed: u32| { mutation::cross(data1, data2, out, seed) });

// A text is a model file, anything else is what a description is made of.
fuzz_target!(|data: &[u8]| -> Corpus {
    let spec = if data.first() == Some(&b'{') { play::small(data) } else { spec::spec(data).ok() };
    match spec {
        Some(spec) => {
            play::play(&spec);
            Corpus::Keep
        }
        None => Corpus::Reject,
    }
});
