use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::header::beside;
use crate::error::OpenError;

/// Keeps every other server away from a database for as long as it lives, however the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Whether a server has the database at that path now.
pub fn is_in_use(database: &Path) -> Result<bool, OpenError> {
    if !beside(database, ".lock").exists() {
        return Ok(false);
    }
    match Lock::take(database) {
        Ok(_) => Ok(false),
        Err(OpenError::InUse { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

impl Lock {
    /// Takes the lock, a file of its own beside the database: closing the database's file itself, as a
    /// look at it would, drops all of SQLite's locks on it.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database, ".lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|source| OpenError::File { action: "open", path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: database.to_owned() }),
            Err(TryLockError::Error(source)) => Err(OpenError::File { action: "lock", path, source }),
        }
    }
}
