use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use strongroom_core::ports::StorageError;

use crate::fault::Fault;
use crate::{Backend, Connection};

/// A statement that controls a transaction. Diesel's own transactions have these parsed each time, which
/// costs as much as a small read; as queries they are prepared once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Control {
    /// Begins to read; the first question fixes which state is seen.
    Begin,
    /// Begins to write at once: who begins by reading may find the way to writing barred later.
    BeginWriting,
    /// Ends writing, or reading.
    Commit,
    /// Undoes all, or ends reading.
    Rollback,
    /// Begins a task inside a transaction.
    Savepoint,
    /// Ends a task.
    Release,
    /// Undoes a task.
    RollbackTask,
}

impl Control {
    /// Runs the statement.
    pub(crate) fn run(self, connection: &mut Connection) -> QueryResult<()> {
        self.execute(connection).map(drop)
    }

    /// Runs the statement, with a failure in the words of the port.
    pub(crate) fn apply(self, connection: &mut Connection) -> Result<(), StorageError> {
        self.run(connection).map_err(|error| Fault::from(error).into())
    }
}

impl QueryFragment<Backend> for Control {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(match self {
            Self::Begin => "BEGIN",
            Self::BeginWriting => "BEGIN IMMEDIATE",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Savepoint => "SAVEPOINT task",
            Self::Release => "RELEASE SAVEPOINT task",
            Self::RollbackTask => "ROLLBACK TO SAVEPOINT task",
        });
        Ok(())
    }
}

impl QueryId for Control {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Connection> for Control {}
