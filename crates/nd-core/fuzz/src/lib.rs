//! What the fuzz targets share: how JSON is mutated, and what is asked of a loader and of a model.

pub mod load;
pub mod mutation;
pub mod play;
pub mod spec;
