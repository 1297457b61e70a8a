use std::fmt;
use std::path::Path;

use strongroom_core::ports::{StorageError, Writer};

use crate::control::Control;
use crate::error::OpenError;
use crate::run::Run;
use crate::session::Session;
use crate::tally::Tally;
use crate::{Connection, sqlite};

/// Where a tool leaves work for a server that has the database, and notes what the operator did. Each change
/// is one short transaction of its own, for which the server's next commit waits.
pub struct Desk {
    connection: Connection,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Opens the database at that path, which has to have this program's schema version and to be in order:
    /// one that a crash left behind is first to be opened by a server.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: sqlite::open_beside(path)? })
    }

    /// Makes a change that takes effect as a whole or, when it gives an error, not at all. Not for what goes on
    /// record in the journal.
    pub fn write<T, E: From<StorageError>>(
        &mut self,
        mut change: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        Control::BeginWriting.apply(&mut self.connection)?;
        let mut tally = Tally::default();
        let mut session = Session::new(&mut self.connection, &mut tally, Run::new());
        let made = change(&mut session);
        let made = match session.into_failure() {
            Some(failure) => Err(failure.into()),
            None => made,
        };
        let made = made.and_then(|made| {
            Control::Commit.run(&mut self.connection).map_err(|error| sqlite::commit_error(&error))?;
            Ok(made)
        });
        if made.is_err() {
            // Refused when the database has rolled back already, which is as good.
            Control::Rollback.run(&mut self.connection).ok();
        }
        made
    }
}
