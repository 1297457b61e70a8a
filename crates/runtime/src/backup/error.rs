use std::io;
use std::path::PathBuf;

use strongroom_crypto::{BackupError, KeyFileError};
use thiserror::Error;

use crate::error::RunError;

/// Why a backup was not made, verified or restored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupRunError {
    /// A part can't be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The sealed file, its keys or its shares can't be used.
    #[error(transparent)]
    Sealed(#[from] BackupError),
    /// The master key can't be put in place.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The journal can't be read for its last record.
    #[error("the audit journal can't be verified")]
    Journal(#[source] strongroom_audit::VerifyError),
    /// A backup is never made from a journal that was tampered with.
    #[error("the audit journal is not as it was written; run `strongroom-admin audit verify`")]
    Tampered,
    /// The system refused.
    #[error("can't {act} {}", path.display())]
    Io {
        /// What was attempted.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// There is something already where a file would go.
    #[error("{} is there already and was left untouched", .0.display())]
    Exists(PathBuf),
    /// The file is not a backup of this program's.
    #[error("{}: {reason}", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl BackupRunError {
    /// For `map_err`: the system refused `act` on `path`.
    pub(super) fn io(act: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { act, path: path.to_owned(), source }
    }
}
