use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::failure::{is_damage, is_not_a_database};
use super::header::{self, beside};
use super::log::empty_log;
use super::schema::{self, APPLICATION_ID, VERSION};
use super::{Lock, Watch, connection, create};
use crate::Connection;
use crate::error::OpenError;

/// What opening a database may do besides opening it. Nothing, by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Make the folder and the database when there is none.
    pub create: bool,
    /// Bring an older schema to this program's version.
    pub upgrade: bool,
}

/// Which schema version a database has, and which one this program works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The database's.
    pub found: u32,
    /// The program's.
    pub known: u32,
}

/// A database that is locked for this process and found to be in order.
pub(crate) struct Opened {
    /// The only connection that writes.
    pub(crate) writer: Connection,
    /// Connections that only read.
    pub(crate) readers: Vec<Connection>,
    /// Tells of commits.
    pub(crate) watch: Watch,
    /// Must outlive the connections.
    pub(crate) lock: Lock,
}

/// Locks, judges and opens a database.
pub(crate) fn open(path: &Path, options: OpenOptions, readers: usize) -> Result<Opened, OpenError> {
    if options.create {
        create::folder(path)?;
    } else if !path.exists() {
        // Before anything, even the lock, leaves a trace.
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let lock = Lock::take(path)?;
    if !path.exists() {
        let log = beside(path, "-wal");
        if !header::is_empty(&log) {
            return Err(OpenError::LogWithoutDatabase { path: path.to_owned(), log });
        }
        create::database(path)?;
    }
    let writer = writer(path, options.upgrade)?;
    let readers = (0..readers).map(|_| connection::reading(path)).collect::<Result<_, _>>()?;
    let watch = Watch::new(connection::reading(path)?);
    Ok(Opened { writer, readers, watch, lock })
}

/// Opens a database for reading only, without a lock, perhaps beside the server that has it.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = read_only(path)?;
    match judge(&mut connection, path)? {
        VERSION => Ok(connection),
        found => Err(OpenError::Older { path: path.to_owned(), found, known: VERSION }),
    }
}

/// Opens a database for a tool's short changes, without a lock, beside the server that has it or without one.
pub(crate) fn open_beside(path: &Path) -> Result<Connection, OpenError> {
    drop(open_read_only(path)?);
    connection::writing(path)
}

/// Which schema version the database at that path has. Changes nothing and needs no lock.
pub fn schema_status(path: &Path) -> Result<SchemaStatus, OpenError> {
    match read_only(path).and_then(|mut connection| judge(&mut connection, path)) {
        Ok(found) | Err(OpenError::Newer { found, .. }) => Ok(SchemaStatus { found, known: VERSION }),
        Err(error) => Err(error),
    }
}

/// Brings the schema of the database at that path to this program's version, and tells which it had. No
/// server may have the database meanwhile.
pub fn upgrade(path: &Path) -> Result<SchemaStatus, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let before = schema_status(path)?;
    let _lock = Lock::take(path)?;
    writer(path, true)?;
    Ok(before)
}

/// What SQLite's refusal of a whole file means.
pub(super) fn refusal(path: &Path, source: diesel::result::Error) -> OpenError {
    let path = path.to_owned();
    if is_not_a_database(&source) {
        OpenError::NotADatabase { path }
    } else if is_damage(&source) {
        OpenError::Damaged { path, evidence: source.to_string() }
    } else {
        OpenError::Query { path, source }
    }
}

/// The writing connection to a file that is locked and in order.
fn writer(path: &Path, upgrade: bool) -> Result<Connection, OpenError> {
    let header = header::check(path)?;
    let found = if header.has_log { judge_with_log(path, header.is_short)? } else { header.schema };
    if found < VERSION && !upgrade {
        return Err(OpenError::Older { path: path.to_owned(), found, known: VERSION });
    }
    let mut connection = connection::writing(path)?;
    if found < VERSION {
        schema::migrate(&mut connection, path)?;
        // The header is what an older program looks at.
        connection
            .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(|source| refusal(path, source))?;
    } else if header.has_log {
        // A sync of it may have failed in the process before. A tool that reads it, or a full disk, is no reason not to
        // serve.
        empty_log(&mut connection).ok();
    }
    if let Some(name) = schema::missing_object(&mut connection).map_err(|source| refusal(path, source))? {
        let evidence = format!("it has no {name}");
        return Err(OpenError::Damaged { path: path.to_owned(), evidence });
    }
    Ok(connection)
}

/// The schema version of a database that was not closed in order.
fn judge_with_log(path: &Path, is_short: bool) -> Result<u32, OpenError> {
    let mut connection = connection::read_only(path)?;
    if is_short {
        quick_check(&mut connection, path)?;
    }
    judge(&mut connection, path)
}

fn read_only(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    // Whoever has the file open has a log: only without one may the header be read, see there.
    if !beside(path, "-wal").exists() {
        header::check(path)?;
    }
    connection::read_only(path)
}

/// The schema version of a database that is ours and not newer than this program, log included.
fn judge(connection: &mut Connection, path: &Path) -> Result<u32, OpenError> {
    let (application, found) = schema::marks(connection).map_err(|source| refusal(path, source))?;
    let path = path.to_owned();
    if application != APPLICATION_ID {
        Err(OpenError::Foreign { path })
    } else if found > VERSION {
        Err(OpenError::Newer { path, found, known: VERSION })
    } else {
        Ok(found)
    }
}

/// Looks at every page, which takes long on a large file.
fn quick_check(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    #[derive(QueryableByName)]
    struct Finding {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let findings: Vec<Finding> =
        diesel::sql_query("PRAGMA quick_check").load(connection).map_err(|source| refusal(path, source))?;
    match findings.into_iter().next() {
        Some(Finding { quick_check }) if quick_check != "ok" => {
            Err(OpenError::Damaged { path: path.to_owned(), evidence: quick_check })
        }
        _ => Ok(()),
    }
}
