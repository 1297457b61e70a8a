//! The first hundred bytes of a database file, read without SQLite and hence without changing anything.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::schema::{APPLICATION_ID, VERSION};
use crate::error::OpenError;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// What the header says, as of the last checkpoint: later changes are in the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The schema's version.
    pub(super) schema: u32,
    /// There is a log, so that the header may be out of date.
    pub(super) has_log: bool,
    /// The file is shorter than it says. That is so after a crash amid a checkpoint, while the log holds
    /// the rest, or when it was cut.
    pub(super) is_short: bool,
}

/// Reads the header and refuses what is no whole database of this program, or of a later one. Call it only
/// while no SQLite in this process has the file open, see [`super::lock`].
pub(super) fn check(path: &Path) -> Result<Header, OpenError> {
    let fail = |source| OpenError::File { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OpenError::Missing { path: path.to_owned() },
        _ => fail(source),
    })?;
    let length = file.metadata().map_err(fail)?.len();
    let mut bytes = Vec::with_capacity(100);
    file.take(100).read_to_end(&mut bytes).map_err(fail)?;
    let damaged = |evidence| OpenError::Damaged { path: path.to_owned(), evidence };

    if bytes.is_empty() {
        return Err(damaged("the file is empty".to_owned()));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(OpenError::NotADatabase { path: path.to_owned() });
    }
    let parsed = Fields::parse(&bytes).ok_or_else(|| damaged(format!("the file has only {length} bytes")))?;
    if parsed.application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if parsed.schema > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: parsed.schema, known: VERSION });
    }
    let expected = parsed.page_size * u64::from(parsed.pages);
    let is_short = length < expected;
    let has_log = !is_empty(&beside(path, "-wal"));
    if is_short && !has_log {
        return Err(damaged(format!("the file has {length} bytes of {expected}")));
    }
    Ok(Header { schema: parsed.schema, has_log, is_short })
}

/// The path of a file that SQLite, or we, keep beside the database.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(suffix);
    PathBuf::from(path)
}

/// Whether there is no such file, or nothing in it.
pub(super) fn is_empty(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |found| found.len() == 0)
}

/// The fields of the header that matter here, from <https://sqlite.org/fileformat2.html>.
struct Fields {
    page_size: u64,
    pages: u32,
    schema: u32,
    application: u32,
}

impl Fields {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let page_size = u16::from_be_bytes(*bytes.get(16..)?.first_chunk()?);
        // A hundred bytes are there when the last word of them is.
        word(96)?;
        Some(Self {
            page_size: if page_size == 1 { 65536 } else { u64::from(page_size) },
            pages: word(28)?,
            schema: word(60)?,
            application: word(68)?,
        })
    }
}
