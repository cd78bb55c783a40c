//! `cargo xtask docs`: the guides and both references, as one site.

use std::fs;
use std::path::Path;

use crate::bench::environment;
use crate::workspace::{Workspace, requirements, run};

/// Builds `target/site`; a warning is an error.
pub(crate) fn docs(workspace: &Workspace) -> Result<(), String> {
    let wanted = requirements(workspace, &["docs"])?;
    let packages: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let python = environment(workspace, "docs-venv", &packages)?;
    let site = workspace.target().join("site");
    let mut build = workspace.command(python);
    build.args(["-m", "mkdocs", "build", "--site-dir"]).arg(&site).env("NO_MKDOCS_2_WARNING", "1");
    run(&mut build)?;

    let mut reference = workspace.cargo(&["doc", "--package", "nd-core", "--no-deps"]);
    run(reference.env("RUSTDOCFLAGS", "-D warnings"))?;
    copy(&workspace.target().join("doc"), &site.join("rust")).map_err(|error| error.to_string())?;
    println!("{}", site.join("index.html").display());
    Ok(())
}

/// Copies a folder and all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
