//! The commands of README and CONTRIBUTING: `cargo xtask`.

fn main() {}
