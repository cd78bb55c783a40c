//! The plugin as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    if nd_plugin::standalone::run() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
