//! `cargo xtask test`: everything the workspace can prove about itself, from a clean checkout.

use anyhow::Result;
use clap::Args;

use crate::{settings_page, setup, step, workspace};

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Handed to `cargo test` as they are, to run a part: `cargo xtask test -- kill`
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

/// Sets up, builds the binaries, then runs the tests and the embedding example.
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::run()?;
    step::run(
        "build the binaries",
        step::cargo().args(["build", "--workspace", "--all-features", "--bins"]),
    )?;
    settings_page::check(&workspace::binaries("debug")?.join("strongroom-server"))?;
    // Not `--all-targets`, which would leave out the doc tests.
    step::run(
        "run the tests",
        step::cargo()
            .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
            .args(&options.cargo_test),
    )?;
    step::run(
        "run the embedding example",
        step::cargo().args(["run", "--quiet", "-p", "strongroom-core", "--example", "embed"]),
    )
}
