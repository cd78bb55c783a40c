//! What the processor can do, found out once.

use std::fmt;
use std::str::FromStr;

use fearless_simd::{Level, Simd};

/// A set of vector instructions that this processor has.
///
/// A value can only be had for a set that is there, so holding one is the proof.
#[derive(Clone, Copy)]
pub struct InstructionSet(Level);

impl InstructionSet {
    /// The fastest set of this processor.
    pub fn best() -> Self {
        Self(Level::new())
    }

    /// What every processor of this architecture has: SSE2 on x86-64, NEON on 64-bit ARM.
    pub fn baseline() -> Self {
        Self(Level::baseline())
    }

    /// All sets of this processor that have kernels of their own, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let best = Level::new();
            sets.extend(best.as_avx512().map(|avx512| Self(avx512.level())));
            sets.extend(best.as_avx2().map(|avx2| Self(avx2.level())));
        }
        sets.push(Self::baseline());
        sets
    }

    /// `avx512`, `avx2`, `neon`, or `baseline`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => "neon",
            _ => "baseline",
        }
    }

    /// Numbers (`f32`) that one vector holds.
    pub fn lanes(self) -> usize {
        dispatch!(self, simd => lanes(simd))
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

#[inline(always)]
fn lanes<S: Simd>(_: S) -> usize {
    use fearless_simd::SimdBase;
    S::f32s::LEN
}

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for InstructionSet {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for InstructionSet {}

/// The name is of no instruction set that this processor has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no instruction set {name:?} on this processor: it has {available}")]
pub struct ParseInstructionSetError {
    name: String,
    available: String,
}

impl FromStr for InstructionSet {
    type Err = ParseInstructionSetError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let sets = Self::available();
        sets.iter().copied().find(|set| set.name() == name).ok_or_else(|| ParseInstructionSetError {
            name: name.to_owned(),
            available: sets.iter().map(|set| set.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Runs an expression, generic over `$simd: Simd`, compiled for the given [`InstructionSet`].
///
/// Sets between the ones named run the baseline: each copy of the engine takes time to build and space in the file.
macro_rules! dispatch {
    ($set:expr, $simd:ident => $op:expr) => {{
        use fearless_simd::{Level, Simd as _};
        match $set.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512($simd) => $simd.vectorize(#[inline(always)] || $op),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2($simd) => $simd.vectorize(#[inline(always)] || $op),
            #[cfg(target_arch = "x86_64")]
            level => {
                let $simd = level.as_sse2().expect("every x86-64 processor has SSE2");
                $simd.vectorize(#[inline(always)] || $op)
            }
            #[cfg(not(target_arch = "x86_64"))]
            level => fearless_simd::dispatch!(level, $simd => $op),
        }
    }};
}
pub(crate) use dispatch;
