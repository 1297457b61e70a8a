use serde_json::json;
use strongroom_audit::prune;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_runtime::Settings;

use super::{CommandResult, Ended, row};
use crate::flags::{Output, Prune};
use crate::print;

/// `audit prune`.
pub(super) fn run(settings: &Settings, asked: &Prune, output: Output) -> CommandResult {
    let pruned = prune(&settings.audit.folder, asked.before, SystemClock.now())?;
    let segments = pruned.as_ref().map(|pruned| pruned.segments.clone()).unwrap_or_default();
    let through = pruned.map(|pruned| pruned.through);
    let told = through.map_or("-".to_owned(), |through| through.to_string());
    print::result(
        output,
        &json!({"removed": segments, "through": through}),
        &[row(["FILES REMOVED", "LAST RECORD REMOVED"]), row([&segments.len().to_string(), &told])],
    )?;
    Ok(Ended::Well)
}
