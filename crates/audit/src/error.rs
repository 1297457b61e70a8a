use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::signing_key::SigningKeyError;

/// The system refused something about a file.
#[derive(Debug, Error)]
#[error("can't {doing} {}", path.display())]
pub struct FileError {
    /// What was tried, as a verb.
    pub doing: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// Names what was tried on which file, for `map_err`.
    pub(crate) fn when(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, path: path.to_owned(), source }
    }

    /// The error and its cause on one line.
    pub(crate) fn in_full(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// Why a journal can't be opened for writing. Nothing was changed on disk, unless it is the system that refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such folder, and creating it was not asked for.
    #[error("there is no journal folder {}; create it with: install -d -m 0700 {}", .0.display(), .0.display())]
    NoFolder(PathBuf),
    /// Others than the owner may write into the folder.
    #[error(
        "the journal folder {} has mode {mode:04o}, so others may write into it; run: chmod go-w {}",
        path.display(), path.display()
    )]
    Exposed {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process writes this journal.
    #[error("another process has the journal in {} open; stop it, or give each server its own", .0.display())]
    Locked(PathBuf),
    /// The file that names the node is gone.
    #[error(
        "{} is missing although there are records; once `audit verify` finds them sound, restore it with: \
         echo {node} > {}", path.display(), path.display()
    )]
    NoNode {
        /// The file.
        path: PathBuf,
        /// What it held, as the last segment says.
        node: String,
    },
    /// The node is named, but there is not one segment.
    #[error(
        "the journal in {} has lost all its records; restore them, or keep the folder as evidence and begin \
         with an empty one", .0.display()
    )]
    NoSegments(PathBuf),
    /// The key that signs checkpoints is not as it has to be.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// A record was altered or removed by somebody else.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The first record of a segment that is not as it was written, and that no crash can explain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{} is damaged at line {line}, byte {offset}: {found}. Keep a copy of the folder as evidence and see what \
     `audit verify` finds; to go on without the records from there on, run: truncate -s {offset} {}",
    path.display(), path.display()
)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// Where the line begins, in bytes.
    pub offset: u64,
    /// What is wrong.
    pub found: &'static str,
}
