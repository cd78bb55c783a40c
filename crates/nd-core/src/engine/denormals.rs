//! Arithmetic without denormal numbers.

/// Runs `work` with denormal numbers taken as zero and flushed to zero, and puts the flags back afterwards.
///
/// A decaying recurrent state or the tail of a note would otherwise reach numbers with which some processors compute
/// a hundred times slower.
#[expect(
    unsafe_code,
    reason = "the flags belong to the processor, not to the language; nothing else here is unsafe"
)]
pub(crate) fn without_denormals<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: the compiler assumes the default flags when it evaluates constants, so a result may differ by a denormal
    // number between a folded and a computed expression. `work` is audio arithmetic, to which that is no difference.
    unsafe { no_denormals::no_denormals(work) }
}
