//! What SQLite itself does when project keys are updated and nothing else happens.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// Rows in one commit, as when they are rewrapped.
const BATCH: usize = 256;
/// As the server sets them.
const SETTINGS: &str = "PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 4096;";

diesel::table! {
    project_keys (id) {
        id -> Binary,
        master -> BigInt,
        wrapped -> Binary,
    }
}

/// Gives each row of the database another value of the same size; rows a second. The rows are at hand before.
pub(super) fn run(database: &Path) -> Result<f64> {
    let mut connection = SqliteConnection::establish(database.to_str().context("the path is not UTF-8")?)?;
    connection.batch_execute(SETTINGS)?;
    let rows: Vec<(Vec<u8>, i64, Vec<u8>)> =
        project_keys::table.order(project_keys::id).load(&mut connection)?;
    ensure!(!rows.is_empty(), "the database has no project keys");
    let begun = Instant::now();
    for batch in rows.chunks(BATCH) {
        connection.transaction(|connection| {
            for (id, master, wrapped) in batch {
                let wrapped: Vec<u8> = wrapped.iter().map(|byte| !byte).collect();
                diesel::update(project_keys::table.find(id))
                    .set((project_keys::master.eq(master + 1), project_keys::wrapped.eq(wrapped)))
                    .execute(connection)?;
            }
            diesel::QueryResult::Ok(())
        })?;
    }
    let rows = u32::try_from(rows.len())?;
    Ok(f64::from(rows) / begun.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.sqlite");
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection
            .batch_execute(
                "CREATE TABLE project_keys (id BLOB PRIMARY KEY NOT NULL, master INTEGER NOT NULL, wrapped BLOB NOT NULL);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
                 INSERT INTO project_keys SELECT CAST(i AS BLOB), 1, x'0f' FROM n;",
            )
            .unwrap();
        assert!(run(&path).unwrap() > 0.0);
        let changed = project_keys::table
            .filter(project_keys::master.eq(2).and(project_keys::wrapped.eq(vec![0xf0_u8])))
            .count();
        assert_eq!(changed.get_result::<i64>(&mut connection).unwrap(), 600);
    }
}
