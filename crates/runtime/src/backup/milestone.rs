use strongroom_core::ports::{Milestone, StorageError};
use strongroom_core::{Clock as _, SystemClock};
use strongroom_storage::Desk;

use crate::error::RunError;
use crate::rotation::look;
use crate::settings::Settings;

/// The master key was backed up.
pub(crate) const MASTER_KEY_BACKUP: &str = "master-key-backup";
/// A backup of the master key was opened, and its keys were the right ones.
pub(crate) const MASTER_KEY_BACKUP_VERIFIED: &str = "master-key-backup-verified";
/// Everything else was backed up.
pub(crate) const BACKUP: &str = "backup";
/// Such a backup was restored into a scratch folder, and was sound.
pub(crate) const BACKUP_VERIFIED: &str = "backup-verified";

/// Somebody looked at every secret that nobody seems to own or use.
pub(crate) const ORPHAN_REVIEW: &str = strongroom_core::review::MILESTONE;
/// Every hardware token was examined, and none was unfit. Noted with the warnings that were left.
pub const HSM_CHECK: &str = "hsm-check";
/// A hardware token was failed on purpose, and nothing was lost by it.
pub const HSM_DRILL: &str = "hsm-failover-drill";

/// Notes in the database that the operator has done a thing now. Without a database nothing is noted.
pub fn note_milestone(settings: &Settings, name: &str, detail: &str) -> Result<(), RunError> {
    if !settings.storage.file.exists() {
        return Ok(());
    }
    let at = SystemClock.now();
    let milestone = Milestone { name: name.to_owned(), at, detail: detail.to_owned() };
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    desk.write::<_, StorageError>(|writer| writer.put_milestone(&milestone)).map_err(RunError::Query)
}

/// Everything that the operator has ever done; nothing when there is no database.
pub fn milestones(settings: &Settings) -> Result<Vec<Milestone>, RunError> {
    if settings.storage.file.exists() { look(settings, |reader| reader.milestones()) } else { Ok(Vec::new()) }
}
