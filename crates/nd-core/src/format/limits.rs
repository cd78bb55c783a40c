//! How large a file and what it describes may be.

use super::json::Node;
use crate::error::LoadError;

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
    /// Bytes of signal that the convolutions in a file remember.
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

/// How far back a network looks, and how much signal it remembers for that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    frames: u64,
    pub(super) bytes: u64,
}

impl Memory {
    /// That of a network without memory.
    pub(super) const NONE: Self = Self { frames: 1, bytes: 0 };

    /// Adds a convolution behind the others.
    pub(super) fn add(&mut self, kernel_size: usize, dilation: usize, in_channels: usize) {
        let frames = (kernel_size as u64 - 1).saturating_mul(dilation as u64);
        self.frames = self.frames.saturating_add(frames);
        self.bytes = self.bytes.saturating_add(frames.saturating_mul(4 * in_channels as u64));
    }

    /// Checks what one network looks at and remembers.
    pub(super) fn check(self, node: &Node<'_>, limits: &Limits) -> Result<(), LoadError> {
        node.limit("the receptive field", limits.receptive_field, self.frames)?;
        node.limit("the bytes of signal to remember", limits.state_size, self.bytes)
    }
}
