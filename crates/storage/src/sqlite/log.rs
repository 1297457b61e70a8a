//! The write-ahead log: when it is synced, and how it is emptied.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use strongroom_core::ports::StorageError;

use super::failure::storage_error;
use crate::Connection;

/// Each commit is synced. The log is copied back every 16 MiB, so that pages written again and again are copied once.
pub(super) const SYNCED: &str = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;";
/// No commit is synced, nor is the log copied back: that syncs it too, and does not say so when that fails. Should the second
/// statement fail, commits are synced as before.
const RELAXED: &str = "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL;";

/// Has commits go without a sync from now on, or has each of them synced again.
pub(crate) fn relax(connection: &mut Connection, relaxed: bool) -> Result<(), StorageError> {
    // Some pragmas do their work when they are prepared, so these may not be prepared once for all.
    let settings = if relaxed { RELAXED } else { SYNCED };
    connection.batch_execute(settings).map_err(|error| storage_error(&error))
}

/// Copies everything in the log back, makes that durable, and empties the log.
pub(crate) fn empty_log(connection: &mut Connection) -> Result<(), StorageError> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    let done = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection);
    match done {
        Ok(Checkpoint { busy: 0 }) => Ok(()),
        Ok(_) => {
            Err(StorageError::Unavailable("the log can't be emptied while somebody reads it".to_owned()))
        }
        Err(error) => Err(storage_error(&error)),
    }
}
