//! From a description to something that runs.
