//! Where the signals between the steps lie in the arena.

use super::BLOCK;
use crate::kernel::residual::Target;
use crate::kernel::{Plane, Ring};

/// Index of a [`Signal`] in its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SignalId(pub(crate) u32);

/// One signal of a program: some channels, one block long, with or without a past.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    /// Its first sample in the arena.
    pub(crate) offset: usize,
    pub(crate) channels: usize,
    pub(crate) layout: Layout,
}

/// How the samples of a [`Signal`] are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Channel by channel, `stride` apart; of this block only.
    Scratch { stride: usize },
    /// Channel by channel, `stride` apart, each a ring of `len` frames that remembers the past.
    ///
    /// The first [`BLOCK`] frames of the ring are repeated behind it, so that a block never wraps while it is read or
    /// written: it may start anywhere in the ring and run over its end.
    Ring { stride: usize, len: usize },
    /// Frame by frame, `width` apart; the first `past` are the last ones of the blocks before, the new ones follow.
    Frames { width: usize, past: usize },
}

/// Where some channels lie, whatever the layout of their signal: what a step needs to find them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    /// First sample of the first channel; of a ring, its first frame.
    pub(crate) offset: usize,
    pub(crate) channel_stride: usize,
    pub(crate) frame_stride: usize,
    /// Frames of the ring; 0 where there is none.
    ring: usize,
}

impl Span {
    /// The channels as they were `delay` frames ago, for a block that starts at `position` of the ring.
    #[inline(always)]
    pub(crate) fn plane(&self, position: u32, delay: usize) -> Plane {
        self.ring(position).at(delay)
    }

    /// The channels and their past, for a block that starts at `position` of the ring.
    #[inline(always)]
    pub(crate) fn ring(&self, position: u32) -> Ring {
        let position = position as usize;
        Ring { offset: self.offset, stride: self.channel_stride, len: self.ring, position }
    }

    /// Where a block goes that starts at `position` of the ring, tile by tile: the tiles from its start are repeated, what
    /// runs over its end is not.
    #[inline(always)]
    pub(crate) fn target(&self, position: u32) -> Target {
        let repeated = if self.ring == 0 { 0 } else { BLOCK.saturating_sub(position as usize) };
        Target { plane: self.plane(position, 0), repeated, distance: self.ring }
    }

    /// Whether a block that has just been written runs over the end of its ring.
    #[inline(always)]
    pub(crate) fn runs_over(&self, position: u32, frames: usize) -> bool {
        self.ring != 0 && position as usize + frames > self.ring
    }

    /// Whether a block that has just been written runs over the end of its ring, or starts in the part that is
    /// repeated there.
    #[inline(always)]
    pub(crate) fn must_close(&self, position: u32, frames: usize) -> bool {
        self.ring != 0 && (position as usize) < BLOCK || self.runs_over(position, frames)
    }

    /// Repeats what was written of some channels over the end of the ring, or at its start, where the next reader
    /// expects it.
    pub(crate) fn close(&self, arena: &mut [f32], position: u32, frames: usize, channels: usize) {
        let (start, end) = (position as usize, position as usize + frames);
        for channel in self.rings(arena, channels) {
            if end > self.ring {
                channel.copy_within(self.ring..end, 0);
            }
            if start < BLOCK {
                channel.copy_within(start..end.min(BLOCK), self.ring + start);
            }
        }
    }

    /// Makes the whole past of some channels equal to the first frame of this block.
    pub(crate) fn fill_past(&self, arena: &mut [f32], position: u32, channels: usize) {
        if self.ring != 0 {
            for channel in self.rings(arena, channels) {
                channel.fill(channel[position as usize]);
            }
        }
    }

    /// Each of some channels from the start of its ring on.
    fn rings<'a>(&self, arena: &'a mut [f32], channels: usize) -> impl Iterator<Item = &'a mut [f32]> {
        arena[self.offset..][..channels * self.channel_stride].chunks_exact_mut(self.channel_stride)
    }
}

impl Signal {
    /// Where its channels from `first` on lie.
    pub(crate) fn span(&self, first: usize) -> Span {
        match self.layout {
            Layout::Scratch { stride } => Span {
                offset: self.offset + first * stride,
                channel_stride: stride,
                frame_stride: 1,
                ring: 0,
            },
            Layout::Ring { stride, len } => Span {
                offset: self.offset + first * stride,
                channel_stride: stride,
                frame_stride: 1,
                ring: len,
            },
            Layout::Frames { width, past } => Span {
                offset: self.offset + past * width + first,
                channel_stride: 1,
                frame_stride: width,
                ring: 0,
            },
        }
    }

    /// Samples that the signal takes in the arena.
    pub(crate) fn len(&self) -> usize {
        match self.layout {
            Layout::Scratch { stride } | Layout::Ring { stride, .. } => self.channels * stride,
            Layout::Frames { width, past } => (BLOCK + past) * width,
        }
    }

    /// Gets ready for the next block.
    #[inline(always)]
    pub(crate) fn advance(&self, arena: &mut [f32], position: &mut u32, frames: usize) {
        match self.layout {
            Layout::Scratch { .. } => {}
            Layout::Ring { len, .. } => {
                let next = *position as usize + frames;
                // A ring is longer than a block, so this fits where it did before.
                *position = (if next >= len { next - len } else { next }) as u32;
            }
            Layout::Frames { width, past } => {
                let from = self.offset + frames * width;
                arena.copy_within(from..from + past * width, self.offset);
            }
        }
    }
}
