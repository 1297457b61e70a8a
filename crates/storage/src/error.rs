use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a database was not opened. Nothing in it was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no database at {path}; check the path, or make one with `strongroom-admin db upgrade`")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The database's file is gone while the log of its last changes is still there.
    #[error("the database {path} is missing, but its write-ahead log {log} is there; put the file back")]
    LogWithoutDatabase {
        /// Where the file should be.
        path: PathBuf,
        /// What was left behind.
        log: PathBuf,
    },
    /// Another process has it.
    #[error("the database {path} is in use by another server; stop that one first")]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not a SQLite database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{path} is a SQLite database, but not one of Strongroom")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is not whole.
    #[error("the database {path} is damaged: {evidence}; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        evidence: String,
    },
    /// A later program has upgraded it.
    #[error(
        "the database {path} has schema version {found}, newer than version {known} of this program; run \
         the program that wrote it, or a later one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// It must be upgraded first.
    #[error(
        "the database {path} has schema version {found}, older than version {known} of this program; back \
         it up and run `strongroom-admin db upgrade`"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The version this program needs.
        known: u32,
    },
    /// A file or folder can't be used.
    #[error("can't {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The path can't be handed to SQLite.
    #[error("the path {path} is not UTF-8")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// SQLite can't open it.
    #[error("can't open the database {path}")]
    Connection {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: diesel::ConnectionError,
    },
    /// SQLite refuses or fails.
    #[error("the database {path} fails")]
    Query {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: diesel::result::Error,
    },
    /// A step of the upgrade failed; it was rolled back.
    #[error("can't upgrade the database {path}")]
    Upgrade {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
