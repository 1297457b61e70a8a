use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::position::Position;

/// The folder with the cursors, in the journal's.
const FOLDER: &str = "cursors";
const ENDING: &str = "json";

/// How far a forwarder has come, kept in a file.
pub(super) struct Cursor {
    path: PathBuf,
    stored: Position,
}

impl Cursor {
    /// The cursor of that forwarder; one without begins before the oldest record. A cursor that can't be read
    /// does so too: what is sent twice harms less than what is not sent.
    pub(super) fn open(journal: &Path, name: &str) -> Result<Self, FileError> {
        let folder = journal.join(FOLDER);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(FileError::when("create", &folder)(error));
            }
            _ => {}
        }
        let path = path_of(journal, name);
        let stored = read(&path)?;
        let mut cursor = Self { path, stored: stored.unwrap_or_default() };
        if stored.is_none() {
            // From now on the journal's old files are kept for it.
            cursor.store(Position::default())?;
        }
        Ok(cursor)
    }

    /// Where it stands on the disk.
    pub(super) fn stored(&self) -> Position {
        self.stored
    }

    /// Makes the position durable.
    pub(super) fn store(&mut self, at: Position) -> Result<(), FileError> {
        let draft = self.path.with_extension("new");
        let text = serde_json::to_vec(&at).map_err(io::Error::other);
        let written = text.and_then(|text| {
            let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
            options.and_then(|mut file: File| file.write_all(&text).and_then(|()| file.sync_all()))
        });
        written.map_err(FileError::when("write", &draft))?;
        fs::rename(&draft, &self.path).map_err(FileError::when("name", &self.path))?;
        self.stored = at;
        Ok(())
    }
}

/// How far the forwarder of that name has come; `None` when it has no cursor yet.
pub(super) fn stored(journal: &Path, name: &str) -> Result<Option<Position>, FileError> {
    let path = path_of(journal, name);
    Ok(if path.exists() { Some(read(&path)?.unwrap_or_default()) } else { None })
}

fn path_of(journal: &Path, name: &str) -> PathBuf {
    journal.join(FOLDER).join(format!("{name}.{ENDING}"))
}

/// `None` when there is none, or none that makes sense.
fn read(path: &Path) -> Result<Option<Position>, FileError> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::when("read", path)(error)),
    }
}

/// The oldest segment that any forwarder still has to send; `None` when there is no forwarder.
pub(crate) fn earliest(journal: &Path) -> Result<Option<u64>, FileError> {
    let folder = journal.join(FOLDER);
    let listing = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        listed => listed.map_err(FileError::when("list", &folder))?,
    };
    let mut earliest = None;
    for entry in listing {
        let path = entry.map_err(FileError::when("list", &folder))?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            let at = read(&path)?.unwrap_or_default().segment;
            earliest = Some(earliest.map_or(at, |other: u64| other.min(at)));
        }
    }
    Ok(earliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_outlives_its_process_and_a_garbled_one_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(earliest(folder.path()).unwrap(), None);
        let mut cursor = Cursor::open(folder.path(), "siem").unwrap();
        assert_eq!((cursor.stored(), earliest(folder.path()).unwrap()), (Position::default(), Some(0)));
        let at = Position { segment: 7, offset: 12 };
        cursor.store(at).unwrap();
        assert_eq!(Cursor::open(folder.path(), "siem").unwrap().stored(), at);
        Cursor::open(folder.path(), "other").unwrap().store(Position { segment: 5, offset: 1 }).unwrap();
        assert_eq!(earliest(folder.path()).unwrap(), Some(5));
        fs::write(folder.path().join("cursors/siem.json"), "").unwrap();
        assert_eq!(Cursor::open(folder.path(), "siem").unwrap().stored(), Position::default());
    }
}
