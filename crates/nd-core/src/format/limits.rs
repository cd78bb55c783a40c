//! How large a file and what it describes may be.

use super::json::Node;
use crate::error::LoadError;
use crate::spec::Conv1d;

/// The limits that keep a file from hurting the machine; each can be raised.
///
/// The defaults leave room for many times the largest model that is known: they are there for broken and hostile
/// files. Nothing is allocated by a size that a file declares before that size has been checked against what the file
/// holds, or against these. With the defaults, reading a file takes at most 64 MiB beside the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_size: usize,
    /// Arrays and objects inside one another.
    pub json_depth: usize,
    /// Arrays and objects in the file.
    pub json_nodes: usize,
    /// Members of one object.
    pub json_members: usize,
    /// Models inside one another.
    pub model_depth: usize,
    /// Models side by side in a container or a sequence.
    pub models: usize,
    /// Models in a file, those inside others included.
    pub total_models: usize,
    /// Channels of any signal.
    pub channels: usize,
    /// Layers of a stack or of one layer array.
    pub layers: usize,
    /// Layers in a file.
    pub total_layers: usize,
    /// Layer arrays of a `WaveNet`.
    pub arrays: usize,
    /// Taps of a convolution.
    pub kernel_size: usize,
    /// Frames between two taps.
    pub dilation: usize,
    /// Past frames that can change one output frame; also the taps of a linear model.
    pub receptive_field: usize,
    /// Units of a recurrent layer.
    pub hidden_size: usize,
    /// Recurrent layers.
    pub num_layers: usize,
    /// Weights in a file, the numbers of its self-test among them.
    pub weights: usize,
    /// Bytes of metadata, and of keys of which nothing is known, in a file.
    pub metadata: usize,
    /// Bytes that the convolutions in a file take while they play: the signal that they remember, and their steps.
    pub state_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_size: 64 << 20,
            json_depth: 64,
            json_nodes: 1 << 16,
            json_members: 4096,
            model_depth: 8,
            models: 16,
            total_models: 256,
            channels: 1024,
            layers: 256,
            total_layers: 1024,
            arrays: 16,
            kernel_size: 4096,
            dilation: 65536,
            receptive_field: 1 << 20,
            hidden_size: 1024,
            num_layers: 16,
            weights: 16_000_000,
            metadata: 1 << 18,
            state_size: 256 << 20,
        }
    }
}

impl Limits {
    /// Those of text that has already been in memory.
    pub(super) fn of_any_text() -> Self {
        let max = usize::MAX;
        Self { file_size: max, json_depth: max, json_nodes: max, json_members: max, ..Self::default() }
    }
}

/// How far back a network looks, and what its convolutions take while they play, about.
///
/// A few bytes of a file can ask for a lot of both: a dilation is one number, and a group has one weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    frames: u64,
    pub(super) bytes: u64,
}

/// Frames beside those to remember of a signal that remembers any.
const ROOM: u64 = 384;

/// Bytes of a step, and of each of its taps.
const STEP: u64 = 384;
const TAP: u64 = 64;

impl Memory {
    /// What is counted.
    pub(super) const BYTES: &str = "the bytes that its convolutions take";

    /// That of a network without memory.
    pub(super) const NONE: Self = Self { frames: 1, bytes: 0 };

    /// Adds a convolution behind the others; each of its groups is a step.
    pub(super) fn add(&mut self, conv: &Conv1d) {
        self.add_past(conv.kernel_size, conv.dilation, conv.in_channels);
        self.add_steps(conv.groups, conv.kernel_size, 0);
    }

    /// Adds what a convolution looks back at.
    pub(super) fn add_past(&mut self, kernel_size: usize, dilation: usize, in_channels: usize) {
        let frames = (kernel_size as u64 - 1).saturating_mul(dilation as u64);
        self.frames = self.frames.saturating_add(frames);
        let room = if frames == 0 { 0 } else { ROOM };
        self.add_bytes(frames.saturating_add(room).saturating_mul(4 * in_channels as u64));
    }

    /// Adds steps of so many taps, each with so many copied weights.
    pub(super) fn add_steps(&mut self, steps: usize, taps: usize, weights: usize) {
        let step = STEP.saturating_add(TAP.saturating_mul(taps as u64));
        let step = step.saturating_add(4_u64.saturating_mul(weights as u64));
        self.add_bytes(step.saturating_mul(steps as u64));
    }

    fn add_bytes(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Checks what one network looks at and remembers.
    pub(super) fn check(self, node: &Node<'_>, limits: &Limits) -> Result<(), LoadError> {
        node.limit("the receptive field", limits.receptive_field, self.frames)?;
        node.limit(Self::BYTES, limits.state_size, self.bytes)
    }
}
