use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Integer;
use strongroom_core::ports::StorageError;

use crate::fault::Fault;
use crate::{Backend, Connection};

/// Tells whether anything was committed since it was last asked, by whomever.
pub(crate) struct Watch(Mutex<Connection>);

impl Watch {
    /// Watches through a connection that is used for nothing else: each has a count of its own.
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Mutex::new(connection))
    }

    /// Changes with every commit.
    pub(crate) fn version(&self) -> Result<i32, StorageError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        DataVersion.get_result(&mut *connection).map_err(|error| Fault::from(error).into())
    }
}

/// How often the file has been changed by others, as one connection sees it; SQLite says so without looking at a table.
#[derive(Debug, Clone, Copy)]
struct DataVersion;

impl QueryFragment<Backend> for DataVersion {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql("PRAGMA data_version");
        Ok(())
    }
}

impl Query for DataVersion {
    type SqlType = Integer;
}

impl QueryId for DataVersion {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<Connection> for DataVersion {}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use crate::sqlite::{OpenOptions, Opened, open, open_beside};

    #[test]
    fn every_commit_changes_the_version_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.db");
        let options = OpenOptions { create: true, upgrade: false };
        let Opened { mut writer, mut readers, watch, .. } = open(&file, options, 1).unwrap();
        let mut tool = open_beside(&file).unwrap();
        let before = watch.version().unwrap();
        let insert =
            |n: u32| format!("INSERT INTO projects (external_id, live, next_position) VALUES ('{n}', 0, 0)");
        readers[0].batch_execute("SELECT * FROM secrets").unwrap();
        writer.batch_execute(&format!("BEGIN IMMEDIATE; {}; ROLLBACK", insert(1))).unwrap();
        assert_eq!(watch.version().unwrap(), before);
        let mut versions = vec![before];
        for (number, connection) in [&mut writer, &mut tool].into_iter().enumerate() {
            connection.batch_execute(&insert(u32::try_from(number).unwrap())).unwrap();
            versions.push(watch.version().unwrap());
            assert_eq!(watch.version().unwrap(), versions[number + 1], "asked again");
        }
        versions.dedup();
        assert_eq!(versions.len(), 3);
    }
}
