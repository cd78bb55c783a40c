//! The commands of README and CONTRIBUTING.
//!
//! ```text
//! cargo xtask test [rust|python|lint|STAGE]…   everything that must pass, or the part that is named
//! cargo xtask lint                             what can be said without running the code
//! cargo xtask bench [--quick] [--model NAME]…  speed of whole models, against the machine and other engines
//! cargo xtask bundle                           the plugin and the standalone program, in `target/bundled`
//! cargo xtask install                          the same, put where this user's hosts look
//! cargo xtask docs                             the documentation, as a site in `target/site`
//! cargo xtask fuzz [--minutes N] [TARGET]…     files that nobody would make, against the loaders and the engine
//! cargo xtask experiment                       what the memory layout of a layer costs, with call graphs
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks on the terminal"
)]

mod bench;
mod bundle;
mod docs;
mod experiment;
mod fuzz;
mod stage;
mod system;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::new();
    let outcome = match words.as_slice() {
        ["test", wanted @ ..] => stage::run(&workspace, wanted),
        ["bench", words @ ..] => bench::bench(&workspace, words),
        ["bundle", words @ ..] => bundle::bundle(&workspace, words),
        ["install"] => bundle::install(&workspace),
        ["docs"] => docs::docs(&workspace),
        ["fuzz", words @ ..] => fuzz::fuzz(&workspace, words),
        ["experiment"] => experiment::experiment(&workspace),
        ["lint"] => stage::run(&workspace, &["lint"]),
        _ => Err(format!("usage: cargo xtask <command>\n\n{COMMANDS}\n\n{}", stage::list())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

const COMMANDS: &str = "  test [GROUP|STAGE]…   run every stage below, or those that are named\n  \
                        lint                  run the stages of the group `lint`\n  \
                        bench [OPTION]…       measure the speed of whole models (`bench --help`)\n  \
                        bundle                build the plugin and the standalone program, in target/bundled\n  \
                        install               put both where this user's hosts look\n  \
                        docs                  build the documentation, as a site in target/site\n  \
                        fuzz [--minutes N]    try files that nobody would make, half an hour a target\n  \
                        experiment            measure what the memory layout of a layer costs";
