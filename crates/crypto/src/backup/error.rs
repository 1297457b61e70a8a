use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::key_file::KeyFileError;

/// Why a backup was not made or not opened. No variant shows anything of a key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A recipient is not a public key.
    #[error("'{0}' is not a public key of the age format (age1…); make a pair with: age-keygen -o FILE")]
    Recipient(String),
    /// Nobody could open the backup.
    #[error("a backup needs at least one public key, or shares")]
    NoRecipient,
    /// A file does not hold a private key.
    #[error("{} holds no private key of the age format (AGE-SECRET-KEY-1…)", .0.display())]
    Identity(PathBuf),
    /// A share can't be used.
    #[error("{}: {reason}", path.display())]
    Share {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There are not as many shares as are needed.
    #[error("{given} different shares were given, and {needed} are needed")]
    TooFew {
        /// How many were given.
        given: usize,
        /// How many are needed.
        needed: u8,
    },
    /// The shares do not make the private key that they are said to be of.
    #[error("the shares do not fit together: one of them was altered")]
    Mismatch,
    /// Shares as asked for make no sense.
    #[error("shares are asked for as M/N, with 2 ≤ M ≤ N ≤ 255")]
    Threshold,
    /// The backup can't be sealed.
    #[error("the backup can't be sealed")]
    Seal(#[source] age::EncryptError),
    /// The backup can't be opened.
    #[error("the backup can't be opened")]
    Open(#[source] age::DecryptError),
    /// The backup or what is in it can't be read or written.
    #[error("can't {act} {}", path.display())]
    Io {
        /// What was attempted.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The key file, or what is in a backup of one, is not as it should be.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
}

impl BackupError {
    /// For `map_err`: the system refused `act` on `path`.
    pub(super) fn io(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { act, path: path.to_owned(), source }
    }
}
