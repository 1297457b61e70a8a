use std::fmt;
use std::path::Path;

use strongroom_core::ChangeId;
use strongroom_core::ports::{Reader, StorageError};

use crate::error::OpenError;
use crate::readers::snapshot;
use crate::run::Run;
use crate::session::Session;
use crate::tables::applied_changes;
use crate::tally::Tally;
use crate::{Connection, sqlite};

/// A look at a database by a tool, whether or not a server has it. Nothing can be changed through it.
pub struct ReadOnlyView {
    connection: Connection,
}

impl fmt::Debug for ReadOnlyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadOnlyView")
    }
}

impl ReadOnlyView {
    /// Opens the database at that path, which has to have this program's schema version.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: sqlite::open_read_only(path)? })
    }

    /// Asks questions of one consistent state. Blocks while they are answered.
    pub fn read<T>(
        &mut self,
        questions: impl FnOnce(&mut dyn Reader) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        snapshot(&mut self.connection, |connection| {
            questions(&mut Session::new(connection, &mut Tally::default(), Run::new()))
        })?
    }

    /// Which of these changes were applied.
    pub fn applied(&mut self, changes: &[ChangeId]) -> Result<Vec<ChangeId>, StorageError> {
        Ok(snapshot(&mut self.connection, |connection| applied_changes::among(connection, changes))??)
    }

    /// Looks at every page, index, reference and count, and tells what is wrong, in no more than a hundred
    /// findings; none means that all is well. Takes long on a large database.
    pub fn check(&mut self) -> Result<Vec<String>, StorageError> {
        snapshot(&mut self.connection, sqlite::check)?.map_err(|error| sqlite::storage_error(&error))
    }
}
