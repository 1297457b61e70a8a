use std::path::Path;

use serde_json::json;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::{add_key_version, create_key_file};
use strongroom_runtime::{CanaryVerdict, MasterKeyReport, Settings, check_master_key, prune_master_key};

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

/// `master-key generate`.
pub(crate) fn generate(settings: &Settings, file: Option<&Path>, output: Output) -> CommandResult {
    let path = file.unwrap_or(&settings.master_key.file);
    create_key_file(path, SystemClock.now())?;
    let shown = path.display().to_string();
    let advice = "keep an encrypted copy off this machine: without it no secret can be read";
    print::result(
        output,
        &json!({"file": shown, "version": 1, "advice": advice}),
        &[row(["FILE", "VERSION"]), row([&shown, "1"]), row([&format!("Now {advice}.")])],
    )?;
    Ok(Ended::Well)
}

/// `master-key check`.
pub(crate) fn check(settings: &Settings, credentials: Option<&Path>, output: Output) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    tell_report(&runtime.block_on(check_master_key(settings, credentials))?, output)
}

/// What a check found about each version.
pub(crate) fn tell_report(report: &MasterKeyReport, output: Output) -> CommandResult {
    let mut rows = vec![row(["VERSION", "MADE", "VERDICT"])];
    rows.extend(report.versions.iter().map(|found| {
        let created = found.created.map_or("-".to_owned(), |at| at.to_string());
        row([&found.version.to_string(), &created, words(found.canary)])
    }));
    print::result(output, &json!({"sound": report.is_sound(), "versions": report.versions}), &rows)?;
    Ok(if report.is_sound() { Ended::Well } else { Ended::Unsound })
}

/// `master-key add`.
pub(crate) fn add(settings: &Settings, file: Option<&Path>, output: Output) -> CommandResult {
    let path = file.unwrap_or(&settings.master_key.file);
    let version = add_key_version(path, SystemClock.now())?.to_string();
    let shown = path.display().to_string();
    print::result(
        output,
        &json!({"file": shown, "version": version}),
        &[
            row(["FILE", "VERSION"]),
            row([&shown, &version]),
            row([
                "It is not used yet. Copy the file to every server, then run `strongroom-admin master-key rotate`.",
            ]),
        ],
    )?;
    Ok(Ended::Well)
}

/// `master-key prune`.
pub(crate) fn prune(settings: &Settings, credentials: Option<&Path>, output: Output) -> CommandResult {
    let pruned = prune_master_key(settings, credentials)?;
    let list = |versions: &[u32]| match versions {
        [] => "none".to_owned(),
        some => some.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    };
    let rows = [row(["removed", &list(&pruned.removed)]), row(["left", &list(&pruned.left)])];
    print::result(output, &pruned, &rows)?;
    Ok(Ended::Well)
}

fn words(verdict: CanaryVerdict) -> &'static str {
    match verdict {
        CanaryVerdict::Right => "right: opens this database's canary",
        CanaryVerdict::Wrong => "WRONG: this database was used with another key",
        CanaryVerdict::Missing => "MISSING: this database needs it; restore it from its backup",
        CanaryVerdict::Retired => "retired: nothing names it any more",
        CanaryVerdict::Unused => "not used by this database yet",
    }
}
