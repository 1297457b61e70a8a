use std::path::Path;

use strongroom_core::Timestamp;

use super::cursor;
use super::follow::Follower;
use super::progress::bytes_between;
use crate::error::FileError;
use crate::folder::{segment_path, segments};
use crate::position::Position;

/// What a forwarder has still to send, by its cursor on the disk: whether or not it is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// Bytes of the journal that it has not sent, or not yet noted as sent.
    pub bytes: u64,
    /// When the oldest record of these was made; absent when there is none.
    pub oldest: Option<Timestamp>,
}

/// How far the forwarder of that name is behind the end of the journal; `None` when it has never run. Changes
/// nothing.
pub fn backlog(journal: &Path, name: &str) -> Result<Option<Backlog>, FileError> {
    let Some(at) = cursor::stored(journal, name)? else { return Ok(None) };
    let Some(segment) = segments(journal)?.last().copied() else {
        return Ok(Some(Backlog { bytes: 0, oldest: None }));
    };
    let path = segment_path(journal, segment);
    let offset = path.metadata().map_err(FileError::when("look at", &path))?.len();
    let end = Position { segment, offset };
    let waiting = Follower::new(journal.to_owned(), at).next(end)?;
    let oldest = waiting.records.first();
    Ok(Some(Backlog {
        bytes: bytes_between(journal, at, end),
        oldest: oldest.and_then(|record| Timestamp::parse(record.text(&["at"])).ok()),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::cursor::Cursor;
    use super::*;

    #[test]
    fn it_is_what_lies_behind_the_cursor() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path();
        assert_eq!(backlog(journal, "siem").unwrap(), None);
        let mut cursor = Cursor::open(journal, "siem").unwrap();
        let none = Backlog { bytes: 0, oldest: None };
        assert_eq!(backlog(journal, "siem").unwrap(), Some(none));
        let line = |second: u32| format!("{{\"at\":\"2026-01-31T00:00:0{second}.000000Z\"}}\n");
        fs::write(segment_path(journal, 1), line(1)).unwrap();
        fs::write(segment_path(journal, 2), line(2) + &line(3)).unwrap();
        let length = u64::try_from(line(1).len()).unwrap();
        let expect = |bytes, second: u32| {
            let oldest = Timestamp::parse(&format!("2026-01-31T00:00:0{second}.000000Z")).unwrap();
            assert_eq!(backlog(journal, "siem").unwrap(), Some(Backlog { bytes, oldest: Some(oldest) }));
        };
        expect(3 * length, 1);
        cursor.store(Position { segment: 2, offset: length }).unwrap();
        expect(length, 3);
        cursor.store(Position { segment: 2, offset: 2 * length }).unwrap();
        assert_eq!(backlog(journal, "siem").unwrap(), Some(none));
    }
}
