//! SQLite's words for what went wrong, in the words of the port. Diesel hands on no codes, but the texts
//! are fixed ones of SQLite's.

use diesel::result::{DatabaseErrorKind, Error};
use strongroom_core::ports::StorageError;

/// Why a statement failed; it had no effect.
pub(crate) fn storage_error(error: &Error) -> StorageError {
    match error {
        // A row that the job relied on, or that it missed, is another than the job saw.
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            _,
        ) => StorageError::Contention,
        Error::DeserializationError(_) => {
            StorageError::Corrupt("a column holds another type of value".to_owned())
        }
        other if is_damage(other) => StorageError::Corrupt(other.to_string()),
        other => StorageError::Unavailable(other.to_string()),
    }
}

/// Why a commit failed. Where the disk is full the frame that commits was never written; any other
/// failure may have come after it.
pub(crate) fn commit_error(error: &Error) -> StorageError {
    if says(error, "database or disk is full") || says(error, "database is locked") {
        StorageError::Unavailable(error.to_string())
    } else {
        StorageError::Unconfirmed(error.to_string())
    }
}

/// Whether SQLite found the file itself wrong.
pub(super) fn is_damage(error: &Error) -> bool {
    says(error, "database disk image is malformed") || says(error, "malformed database schema")
}

/// Whether SQLite found that the file is none of its own.
pub(super) fn is_not_a_database(error: &Error) -> bool {
    says(error, "file is not a database")
}

fn says(error: &Error, text: &str) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message().starts_with(text))
}
