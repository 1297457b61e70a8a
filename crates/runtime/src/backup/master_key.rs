use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;

use strongroom_crypto::{Identities, KeyBackup, Recipients, back_up_key_file};

use super::BackupRunError;
use super::files::{draft, keep};
use super::milestone::{MASTER_KEY_BACKUP, MASTER_KEY_BACKUP_VERIFIED, note_milestone};
use crate::error::RunError;
use crate::master_key::{MasterKeyReport, report_on};
use crate::settings::Settings;

/// Writes the sealed key file to a new file.
pub fn back_up_master_key(
    settings: &Settings,
    recipients: &Recipients,
    to: &Path,
) -> Result<(), BackupRunError> {
    let sealed = back_up_key_file(&settings.master_key.file, recipients)?;
    let mut file = draft(to)?;
    file.write_all(&sealed).map_err(BackupRunError::io("write", to))?;
    keep(file, to)?;
    Ok(note_milestone(settings, MASTER_KEY_BACKUP, &to.display().to_string())?)
}

/// Opens a backup in memory and holds its keys against the database's canaries. Shows no key.
pub async fn verify_master_key_backup(
    settings: &Settings,
    identities: &Identities,
    file: &Path,
) -> Result<MasterKeyReport, BackupRunError> {
    let keys = opened(identities, file)?.keys(file).map_err(RunError::MasterKey)?;
    let report = report_on(settings, keys).await?;
    if report.is_sound() {
        note_milestone(settings, MASTER_KEY_BACKUP_VERIFIED, &file.display().to_string())?;
    }
    Ok(report)
}

/// Puts the key file that is in a backup in place; one that is there is never touched.
pub fn restore_master_key(identities: &Identities, file: &Path, to: &Path) -> Result<(), BackupRunError> {
    Ok(opened(identities, file)?.restore(to)?)
}

fn opened(identities: &Identities, file: &Path) -> Result<KeyBackup, BackupRunError> {
    let sealed = File::open(file).map_err(BackupRunError::io("open", file))?;
    Ok(KeyBackup::open(BufReader::new(sealed), file, identities)?)
}
