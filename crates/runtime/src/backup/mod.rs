//! Backups: of the master key for offline media, and of everything else for the day a machine is lost.

mod error;
mod files;
mod manifest;
mod master_key;
mod milestone;
mod whole;

pub use error::BackupRunError;
pub use manifest::Manifest;
pub use master_key::{back_up_master_key, restore_master_key, verify_master_key_backup};
pub(crate) use milestone::{
    BACKUP, BACKUP_VERIFIED, MASTER_KEY_BACKUP, MASTER_KEY_BACKUP_VERIFIED, ORPHAN_REVIEW,
};
pub use milestone::{HSM_CHECK, HSM_DRILL, milestones, note_milestone};
pub use whole::{BackupCheck, back_up, restore, verify_backup};
