//! `cargo xtask advisories`: apart from the gate, because the database has to be fetched.

use anyhow::Result;

use crate::step;

/// Checks every dependency against the RustSec database.
pub(crate) fn run() -> Result<()> {
    step::run("advisories", step::cargo().args(["deny", "check", "advisories"]))
}
