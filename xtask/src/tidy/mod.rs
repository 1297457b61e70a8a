//! `cargo xtask tidy`: the rules of the house that the compiler can't check.

mod arrows;
mod handbook;
mod manifests;
mod sources;

use anyhow::{Result, bail};

use crate::workspace;

/// Checks every rule and reports all that is wrong at once.
pub(crate) fn run() -> Result<()> {
    let metadata = workspace::metadata()?;
    let root = workspace::root();
    let mut problems = arrows::check(&metadata);
    problems.extend(manifests::check(&metadata)?);
    problems.extend(sources::check(root)?);
    problems.extend(handbook::check(&root.join("docs/src"))?);
    if problems.is_empty() {
        println!("tidy: {} packages in order", metadata.packages.len());
        return Ok(());
    }
    bail!("tidy found {} problem(s):\n  {}", problems.len(), problems.join("\n  "))
}
