//! The second PKCS#11 module of the tests: kryoptic, another maker's software token, built from its crate.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{step, workspace};

/// What it is built from, part of this program, so that a change is never missed.
const MADE_FROM: &str =
    concat!(include_str!("../kryoptic/Cargo.toml"), include_str!("../kryoptic/Cargo.lock"));
const MODULE: &str = "libkryoptic_pkcs11.so";

/// Builds the module into `.cache/kryoptic`, unless it is there.
pub(crate) fn make() -> Result<()> {
    let folder = workspace::root().join(".cache/kryoptic");
    let (module, stamp) = (folder.join(MODULE), folder.join("made-from"));
    if module.exists() && fs::read_to_string(&stamp).is_ok_and(|text| text == MADE_FROM) {
        return Ok(());
    }
    let build = folder.join("build");
    step::run(
        "build the second PKCS#11 module",
        step::cargo()
            .args(["build", "--quiet", "--locked", "--package", "kryoptic", "--manifest-path"])
            .arg(workspace::root().join("xtask/kryoptic/Cargo.toml"))
            .arg("--target-dir")
            .arg(&build),
    )?;
    fs::rename(build.join("debug").join(MODULE), &module).context("can't keep the second PKCS#11 module")?;
    fs::remove_dir_all(&build).with_context(|| format!("can't remove {}", build.display()))?;
    // Last, so that a build that was cut short is done again.
    fs::write(&stamp, MADE_FROM).with_context(|| format!("can't write {}", stamp.display()))
}
