//! What SQLite itself can do with the server's settings when every commit holds one row.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
// Linked for its `bundled` feature: the same SQLite as the server's.
use libsqlite3_sys as _;

use super::figures::Slice;

diesel::table! {
    rows (id) {
        id -> BigInt,
        sealed -> Binary,
    }
}

/// About the size of a sealed secret with its record, in bytes.
const ROW: [u8; 400] = [b'.'; 400];

/// A database that takes one row in each transaction.
pub(super) struct Commits {
    connection: SqliteConnection,
    next: i64,
}

impl Commits {
    /// Makes the database, with a write-ahead log and full durability.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.to_str().context("the path is not UTF-8")?;
        let mut connection = SqliteConnection::establish(name)?;
        connection.batch_execute(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE rows (id INTEGER PRIMARY KEY NOT NULL, sealed BLOB NOT NULL);",
        )?;
        Ok(Self { connection, next: 0 })
    }

    /// Commits one row after the other for that long.
    pub(super) fn run(&mut self, duration: Duration) -> Result<Slice> {
        let start = Instant::now();
        let mut latencies = Vec::new();
        while start.elapsed() < duration {
            let before = Instant::now();
            diesel::insert_into(rows::table)
                .values((rows::id.eq(self.next), rows::sealed.eq(ROW.as_slice())))
                .execute(&mut self.connection)?;
            self.next += 1;
            latencies.push(before.elapsed());
        }
        Ok(Slice { elapsed: start.elapsed(), latencies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_a_committed_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("floor.db");
        let slice = Commits::open(&path).unwrap().run(Duration::from_millis(20)).unwrap();
        let mut again = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let count: i64 = rows::table.count().get_result(&mut again).unwrap();
        assert!(count > 0);
        assert_eq!(usize::try_from(count).unwrap(), slice.latencies.len());
    }
}
