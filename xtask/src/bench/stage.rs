//! What a part of the bench is given.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::Plan;
use super::process::Launch;
use crate::step;

/// How much to measure, with what was built, and a folder on a real disk.
pub(super) struct Stage {
    /// How much.
    pub(super) plan: Plan,
    /// Where the release builds are.
    pub(super) binaries: PathBuf,
    /// The part's own folder.
    pub(super) folder: PathBuf,
}

impl Stage {
    /// A server in a folder of that name, to be started.
    pub(super) fn server(&self, name: &str) -> Launch {
        Launch::new(&self.binaries.join("strongroom-server"), self.folder.join(name))
    }

    /// `strongroom-admin --data-dir DATA --output json`, to be added to.
    pub(super) fn admin(&self, data: &Path) -> Command {
        let mut command = step::ours(&self.binaries.join("strongroom-admin"));
        command.arg("--data-dir").arg(data).args(["--output", "json"]);
        command
    }
}

/// A runtime for what happens between measurements.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Runs an admin command to its end, and gives what it tells.
pub(super) fn told(command: &mut Command) -> Result<Value> {
    let output = command.output().with_context(|| format!("can't start {command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {complaint}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} told no JSON"))
}
