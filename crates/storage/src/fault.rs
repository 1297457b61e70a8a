use strongroom_core::ports::StorageError;

use crate::sqlite;

/// Why a query gave no answer, before it is told in the words of the port.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database refused or failed.
    Database(diesel::result::Error),
    /// A row holds what this program can't have written.
    Corrupt {
        /// Table and column, as `secrets.name`.
        column: &'static str,
    },
}

impl Fault {
    /// States that this column of a stored row is not valid.
    pub(crate) fn corrupt(column: &'static str) -> Self {
        Self::Corrupt { column }
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Database(error) => sqlite::storage_error(&error),
            // Only the place is told: what it holds may be anything.
            Fault::Corrupt { column } => {
                Self::Corrupt(format!("{column} holds what was never written there"))
            }
        }
    }
}
