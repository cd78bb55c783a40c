//! Where the signals between the steps lie in the arena.

use super::BLOCK;
use crate::kernel::Ring;

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
    /// The channels and their past, for a block that starts at `position` of the ring.
    #[inline(always)]
    pub(crate) fn ring(&self, position: u32) -> Ring {
        let repeated = if self.ring == 0 { 0 } else { BLOCK };
        Ring {
            offset: self.offset,
            stride: self.channel_stride,
            len: self.ring,
            position: position as usize,
            repeated,
        }
    }

    /// Whether a block that has just been written starts in the part that is repeated behind its ring.
    #[inline(always)]
    pub(crate) fn must_repeat(&self, position: u32) -> bool {
        self.ring != 0 && (position as usize) < BLOCK
    }

    /// Repeats what was written of some channels at the start of the ring behind it, where the next reader expects it.
    /// What runs over the end is there already, and is copied to the start when the block is over.
    pub(crate) fn repeat(&self, arena: &mut [f32], position: u32, frames: usize, channels: usize) {
        let (start, end) = (position as usize, BLOCK.min(position as usize + frames));
        for channel in self.rings(arena, channels) {
            channel.copy_within(start..end, self.ring + start);
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

    /// Moves the last ones of so many frames in front of those of the next block.
    #[inline(always)]
    pub(crate) fn recall(&self, arena: &mut [f32], frames: usize) {
        if let Layout::Frames { width, past } = self.layout {
            let from = self.offset + frames * width;
            arena.copy_within(from..from + past * width, self.offset);
        }
    }

    /// Copies the frames that ran over the end of each ring to its start.
    #[cold]
    pub(crate) fn turn(&self, arena: &mut [f32], frames: usize) {
        let span = self.span(0);
        for channel in span.rings(arena, self.channels) {
            channel.copy_within(span.ring..span.ring + frames, 0);
        }
    }
}
