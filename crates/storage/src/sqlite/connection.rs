use std::path::Path;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::header::beside;
use super::log::SYNCED;
use crate::Connection;
use crate::error::OpenError;

/// Holds for every connection. Temporary data, as of a large sort, never goes to disk.
const ALWAYS: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
";

/// A write-ahead log, which is cut to 16 MiB when it grew beyond; what is deleted is overwritten.
const WRITING: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA cache_size = -8192;
";

/// What a path may not hold as it is in a `file:` address.
const RESERVED: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// Opens an existing file for writing.
pub(super) fn writing(path: &Path) -> Result<Connection, OpenError> {
    opened(path, "rw", &[ALWAYS, WRITING, SYNCED])
}

/// Opens an existing file, which a writing connection of this process keeps in order, for reading.
pub(super) fn reading(path: &Path) -> Result<Connection, OpenError> {
    opened(path, "rw", &[ALWAYS, "PRAGMA query_only = ON;"])
}

/// Opens an existing file that is perhaps somebody else's, so that nothing can be written to it.
///
/// Without a log nobody has the file open, and it is taken as it is: SQLite would leave an empty log and its
/// shared memory behind, which only a writer may remove.
pub(super) fn read_only(path: &Path) -> Result<Connection, OpenError> {
    let mode = if beside(path, "-wal").exists() { "ro" } else { "ro&immutable=1" };
    opened(path, mode, &[ALWAYS])
}

fn opened(path: &Path, mode: &str, settings: &[&str]) -> Result<Connection, OpenError> {
    let text = path.to_str().ok_or_else(|| OpenError::Path { path: path.to_owned() })?;
    // Without a mode SQLite would create a file that is missing.
    let address = format!("file:{}?mode={mode}", utf8_percent_encode(text, RESERVED));
    let mut connection = Connection::establish(&address)
        .map_err(|source| OpenError::Connection { path: path.to_owned(), source })?;
    for setting in settings {
        connection.batch_execute(setting).map_err(|source| super::open::refusal(path, source))?;
    }
    Ok(connection)
}
