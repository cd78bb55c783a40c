//! Memory that starts on a cache line.

use bytemuck::{Pod, Zeroable};

/// Sixteen samples that never straddle a cache line.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct CacheLine([f32; 16]);

/// A fixed number of samples, the first of which starts a cache line.
#[derive(Debug, Clone)]
pub(crate) struct Buffer(Box<[CacheLine]>);

impl Buffer {
    /// Zeros, at least `len` of them.
    pub(crate) fn zeros(len: usize) -> Self {
        Self(vec![CacheLine::zeroed(); len.div_ceil(16)].into())
    }

    /// A copy of `samples`, padded with zeros.
    pub(crate) fn from_slice(samples: &[f32]) -> Self {
        let mut buffer = Self::zeros(samples.len());
        buffer.as_mut_slice()[..samples.len()].copy_from_slice(samples);
        buffer
    }

    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }

    #[inline(always)]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}
