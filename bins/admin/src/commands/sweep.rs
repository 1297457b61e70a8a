use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_core::audit::Target;
use strongroom_core::ports::BackendId;
use strongroom_runtime::{
    Leavings, Settings, condemn_leavings, count_to_forget, destroy_leavings, enabled_store, find_leavings,
    is_served,
};
use tokio::runtime::Runtime;

use super::errand::runtime;
use super::rotation::patiently;
use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// How often to look whether the servers have done it.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long to wait for them: a store out of reach may be so for days.
const PATIENCE: Duration = Duration::from_mins(1);

/// How `store sweep` was called.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) store: String,
    pub(crate) older_than: u16,
    pub(crate) at_most: usize,
    pub(crate) dry_run: bool,
}

/// `store sweep`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: &Wanted,
    output: Output,
) -> CommandResult {
    let store = enabled_store(settings, &wanted.store)?;
    let runtime = runtime()?;
    let age = Duration::from_hours(wanted.older_than.into());
    let found = runtime.block_on(find_leavings(settings, &store, age))?;
    if wanted.dry_run || found.orphans.is_empty() {
        tell(&found, 0, count_to_forget(settings, &store)?, output)?;
        return Ok(Ended::Well);
    }
    if found.orphans.len() > wanted.at_most {
        let (orphans, most) = (found.orphans.len(), wanted.at_most);
        return Err(format!(
            "{orphans} objects in '{store}' are named by nothing in this database, more than {most}: is it the right \
             database, and a recent one? Nothing was destroyed; look at them with --dry-run, and say --at-most"
        )
        .into());
    }
    let condemned = condemn(&runtime, settings, credentials, &store, &found)?;
    let left = wait(settings, &store)?;
    tell(&found, condemned, left, output)?;
    Ok(if left == 0 { Ended::Well } else { Ended::Unsound })
}

/// Leaves it to the servers, or does it when none has the database.
fn condemn(
    runtime: &Runtime,
    settings: &Settings,
    credentials: Option<&Path>,
    store: &BackendId,
    found: &Leavings,
) -> Result<u64, Box<dyn std::error::Error>> {
    loop {
        if is_served(settings)? {
            return Ok(runtime.block_on(condemn_leavings(settings, store, &found.orphans))?);
        }
        match runtime.block_on(destroy_leavings(settings, credentials, store, &found.orphans)) {
            // A server, or another call of this command, was faster.
            Err(error) if error.is_in_use() => sleep(LOOK_EVERY),
            destroyed => return Ok(destroyed?),
        }
    }
}

/// Tells how much is left to be destroyed once nothing is, or patience is at its end.
fn wait(settings: &Settings, store: &BackendId) -> Result<u64, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    loop {
        let left = patiently(|| count_to_forget(settings, store))?;
        if left == 0 || begun.elapsed() > PATIENCE {
            return Ok(left);
        }
        sleep(LOOK_EVERY);
    }
}

fn tell(found: &Leavings, condemned: u64, left: u64, output: Output) -> std::io::Result<()> {
    let mut rows = vec![
        row(["made by this deployment", &found.marked.to_string()]),
        row(["named by nothing, too young to judge", &found.young.to_string()]),
        row(["named by nothing", &found.orphans.len().to_string()]),
        row(["put down to be destroyed", &condemned.to_string()]),
        row(["still to be destroyed, of all", &left.to_string()]),
    ];
    let mut orphans = Vec::new();
    for object in &found.orphans {
        let owner = Target::from(object.owner).to_string();
        rows.push(row([&format!("object {}", object.uid), &format!("{owner}, {}", object.made)]));
        orphans.push(json!({"object": object.uid, "for": owner, "made": object.made}));
    }
    let value = json!({
        "marked": found.marked,
        "young": found.young,
        "orphans": orphans,
        "condemned": condemned,
        "to_forget": left,
    });
    print::result(output, &value, &rows)
}
