//! `cargo xtask test`: everything the workspace can prove about itself, from a clean checkout.

use anyhow::{Result, ensure};
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
    let python = setup::run()?;
    step::run(
        "build the binaries",
        step::cargo().args(["build", "--workspace", "--all-features", "--bins"]),
    )?;
    let binaries = workspace::binaries("debug")?;
    let [server, admin] = ["strongroom-server", "strongroom-admin"].map(|name| binaries.join(name));
    for binary in [&server, &admin] {
        ensure!(binary.is_file(), "{} is not there although the build succeeded", binary.display());
    }
    settings_page::check(&server)?;
    // Not `--all-targets`, which would leave out the doc tests.
    step::run(
        "run the tests",
        step::cargo()
            .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
            .args(&options.cargo_test)
            .env("STRONGROOM_SERVER", server)
            .env("STRONGROOM_ADMIN", admin)
            .env("STRONGROOM_PYTHON", python),
    )?;
    step::run(
        "run the embedding example",
        step::cargo().args(["run", "--quiet", "-p", "strongroom-core", "--example", "embed"]),
    )
}
