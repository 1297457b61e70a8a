use std::fs::{DirBuilder, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde_json::json;
use strongroom_crypto::{Identities, Recipients, Shares, split_identity};
use strongroom_runtime::{
    Manifest, Settings, Shown, back_up, back_up_master_key, restore, restore_master_key, verify_backup,
    verify_master_key_backup,
};

use super::master_key::tell_report;
use super::{CommandResult, Ended, row};
use crate::flags::{BackupCommand, Opening, Output, Sealing};
use crate::print;

/// `backup create`, `verify` and `restore`.
pub(crate) fn whole(
    settings: &Settings,
    shown: &[Shown],
    credentials: Option<&Path>,
    command: &BackupCommand,
    output: Output,
) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    match command {
        BackupCommand::Create { to, sealing } => {
            let recipients = recipients(sealing)?;
            tell(&back_up(settings, shown, &recipients, to)?, output)
        }
        BackupCommand::Verify { file, opening } => {
            let identities = identities(opening)?;
            let check = runtime.block_on(verify_backup(settings, credentials, &identities, file))?;
            let sound = check.findings.is_empty();
            let mut rows = rows(&check.manifest);
            rows.push(row(["project keys opened", &check.keys.to_string()]));
            rows.push(row(["secrets opened", &check.secrets.to_string()]));
            rows.push(row(["verdict", if sound { "sound" } else { "NOT SOUND" }]));
            rows.extend(check.findings.iter().map(|finding| row(["finding", finding])));
            let value = json!({
                "sound": sound,
                "manifest": check.manifest,
                "project_keys_opened": check.keys,
                "secrets_opened": check.secrets,
                "findings": check.findings,
            });
            print::result(output, &value, &rows)?;
            Ok(if sound { Ended::Well } else { Ended::Unsound })
        }
        BackupCommand::Restore { file, opening } => {
            let identities = identities(opening)?;
            tell(&runtime.block_on(restore(settings, &identities, file))?, output)
        }
    }
}

/// `master-key backup`.
pub(crate) fn master_key(settings: &Settings, to: &Path, sealing: &Sealing, output: Output) -> CommandResult {
    back_up_master_key(settings, &recipients(sealing)?, to)?;
    let shown = to.display().to_string();
    let advice = "keep it off this machine, and check it: strongroom-admin master-key verify-backup";
    let rows = [row(["FILE"]), row([&shown]), row([&format!("Now {advice}.")])];
    print::result(output, &json!({"file": shown, "advice": advice}), &rows)?;
    Ok(Ended::Well)
}

/// `master-key verify-backup`.
pub(crate) fn verify_master_key(
    settings: &Settings,
    file: &Path,
    opening: &Opening,
    output: Output,
) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let report = runtime.block_on(verify_master_key_backup(settings, &identities(opening)?, file))?;
    tell_report(&report, output)
}

/// `master-key restore`.
pub(crate) fn restore_key(
    settings: &Settings,
    file: &Path,
    opening: &Opening,
    to: Option<&Path>,
    output: Output,
) -> CommandResult {
    let to = to.unwrap_or(&settings.master_key.file);
    restore_master_key(&identities(opening)?, file, to)?;
    let shown = to.display().to_string();
    print::result(output, &json!({"file": shown}), &[row(["FILE"]), row([&shown])])?;
    Ok(Ended::Well)
}

fn recipients(sealing: &Sealing) -> Result<Recipients, Box<dyn std::error::Error>> {
    if let (Some(shares), Some(folder)) = (&sealing.shares, &sealing.shares_dir) {
        let (recipients, lines) = split_identity(Shares::parse(shares)?)?;
        DirBuilder::new().mode(0o700).create(folder).map_err(|error| {
            format!("the folder {} has to be made for the shares: {error}", folder.display())
        })?;
        for (number, line) in (1..).zip(lines) {
            let path = folder.join(format!("share-{number}"));
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path)?;
            file.write_all(line.as_bytes())?;
            file.sync_all()?;
        }
        std::fs::File::open(folder)?.sync_all()?;
        return Ok(recipients);
    }
    let mut keys = sealing.recipients.join("\n");
    for path in &sealing.recipients_files {
        keys.push('\n');
        let read = std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut keys));
        read.map_err(|error| format!("can't read {}: {error}", path.display()))?;
    }
    Ok(Recipients::parse(&keys)?)
}

fn identities(opening: &Opening) -> Result<Identities, Box<dyn std::error::Error>> {
    Ok(match &opening.identity {
        Some(path) => Identities::load(path)?,
        None => Identities::from_shares(&opening.shares)?,
    })
}

fn tell(manifest: &Manifest, output: Output) -> CommandResult {
    print::result(output, manifest, &rows(manifest))?;
    Ok(Ended::Well)
}

fn rows(manifest: &Manifest) -> Vec<Vec<String>> {
    let versions: Vec<_> = manifest.master_keys.iter().map(u32::to_string).collect();
    let last = manifest.last_seq.map_or("-".to_owned(), |seq| seq.to_string());
    vec![
        row(["made", &manifest.made]),
        row(["schema version", &manifest.schema.to_string()]),
        row(["journal of node", manifest.node.as_deref().unwrap_or("-")]),
        row(["its last record", &last]),
        row(["and that one's hash", manifest.last_hash.as_deref().unwrap_or("-")]),
        row(["master key versions needed", &versions.join(", ")]),
    ]
}
