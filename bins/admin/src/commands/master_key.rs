use std::path::Path;

use serde_json::json;
use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::create_key_file;
use strongroom_runtime::{CanaryVerdict, Settings, check_master_key};

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
    let report = runtime.block_on(check_master_key(settings, credentials))?;
    let mut rows = vec![row(["VERSION", "MADE", "VERDICT"])];
    rows.extend(report.versions.iter().map(|found| {
        let created = found.created.map_or("-".to_owned(), |at| at.to_string());
        row([&found.version.to_string(), &created, words(found.canary)])
    }));
    print::result(output, &json!({"sound": report.is_sound(), "versions": report.versions}), &rows)?;
    Ok(if report.is_sound() { Ended::Well } else { Ended::Unsound })
}

fn words(verdict: CanaryVerdict) -> &'static str {
    match verdict {
        CanaryVerdict::Right => "right: opens this database's canary",
        CanaryVerdict::Wrong => "WRONG: this database was used with another key",
        CanaryVerdict::Missing => "MISSING: this database needs it; restore it from its backup",
        CanaryVerdict::Unused => "not used by this database yet",
    }
}
