//! Running one command as a named step, with its duration.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// Runs the command, whose output goes straight through, and fails when it does.
pub(crate) fn run(title: &str, command: &mut Command) -> Result<()> {
    println!("==> {title}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{title}: can't start {command:?}"))?;
    ensure!(status.success(), "{title}: {command:?} ended with {status}");
    println!("==> {title}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The cargo that runs this task, started in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root());
    command
}

/// One of our binaries, free of whatever settings the caller's environment holds.
pub(crate) fn ours(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STRONGROOM_") {
            command.env_remove(name);
        }
    }
    command
}
