//! The arithmetic: pure functions over slices, generic over the instruction set.
//!
//! A kernel has no state, allocates nothing and chooses nothing: the caller has found out what the processor can do
//! ([`InstructionSet`]), has packed the weights in the order in which the kernel reads them, and has padded every
//! length to whole vectors. Each is `#[inline(always)]`, so that it becomes part of the one function, made by
//! `dispatch!`, in which its instruction set is enabled.

pub mod activation;
pub mod finite;
pub mod fir;
mod instruction_set;
pub mod mix;
pub mod recurrent;
pub mod residual;
pub mod table;

pub(crate) use instruction_set::dispatch;
pub use instruction_set::{InstructionSet, ParseInstructionSetError};

/// Frames are computed in groups of this many, whatever the instruction set: the most lanes that any of them has.
pub const FRAME_GROUP: usize = 16;

/// Where a group of channels lies in a buffer: channel `c` starts at `offset + c · stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plane {
    /// First frame of the first channel.
    pub offset: usize,
    /// Distance between two channels.
    pub stride: usize,
}

impl Plane {
    /// Where channel `channel` starts.
    #[inline(always)]
    pub fn channel(self, channel: usize) -> usize {
        self.offset + channel * self.stride
    }
}

/// Where channels lie that remember their past, each in a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ring {
    /// The first frame of the ring of the first channel.
    pub offset: usize,
    /// Distance between two channels.
    pub stride: usize,
    /// Frames of a ring; 0 where there is none, and no past.
    pub len: usize,
    /// The frame in it at which a block starts.
    pub position: usize,
    /// Frames from its start on that are repeated behind it, so that a block may run over its end.
    pub repeated: usize,
}

impl Ring {
    /// The channels as they were `delay` frames ago.
    #[inline(always)]
    pub fn at(self, delay: usize) -> Plane {
        let wrapped = if delay > self.position { self.len } else { 0 };
        Plane { offset: self.offset + self.position + wrapped - delay, stride: self.stride }
    }
}
