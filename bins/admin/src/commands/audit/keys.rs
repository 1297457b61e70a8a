use serde_json::json;
use strongroom_audit::{PublicKey, last_checkpoint, new_signing_key};
use strongroom_runtime::Settings;

use super::{CommandResult, Ended};
use crate::flags::Output;
use crate::print;

/// `audit public-key`.
pub(super) fn public_key(settings: &Settings, output: Output) -> CommandResult {
    show(strongroom_audit::public_key(&settings.audit.folder)?, output)
}

/// `audit new-key`.
pub(super) fn new_key(settings: &Settings, output: Output) -> CommandResult {
    show(new_signing_key(&settings.audit.folder)?, output)
}

fn show(key: PublicKey, output: Output) -> CommandResult {
    let pem = key.to_pem();
    match output {
        Output::Table | Output::Csv => print::text(&pem)?,
        Output::Json => print::result(output, &json!({"key": key, "pem": pem}), &[])?,
    }
    Ok(Ended::Well)
}

/// `audit checkpoint`.
pub(super) fn checkpoint(settings: &Settings) -> CommandResult {
    let line = last_checkpoint(&settings.audit.folder)?;
    let line = line.ok_or("there is no checkpoint yet; the server makes one each minute while it records")?;
    print::text(&format!("{line}\n"))?;
    Ok(Ended::Well)
}
