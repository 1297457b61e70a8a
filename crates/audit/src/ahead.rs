//! The write-ahead file: the newest records once more, where they become durable sooner.
//!
//! To make durable what was appended to a file, its new length has to be on the disk too, which takes a second write, and
//! more where the file system keeps a journal. So a batch of records is appended to its segment and left to the system,
//! and what is made durable is a copy of it, in a file that is as long as it will ever be. Once that is full, the segment
//! itself is synced, and the file is used from its beginning again. What of a segment has not reached the disk when the
//! machine stops is taken from here at the next start: each record's number and hash tell whether it is the one that
//! follows.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::folder::{Folder, put};
use crate::line::{Head, Line};
use crate::tampering::{Fault, Watched};
use crate::writer::Disk;

/// The file's name. It is there while the journal is open, and after a crash.
pub(crate) const NAME: &str = "write-ahead";
/// Bytes of the file: the most of a segment that is not in the segment's own file yet.
pub(crate) const SIZE: u64 = 128 << 10;
/// What it is made of.
static BLANK: [u8; 128 << 10] = [0; 128 << 10];

/// The newest records of a segment, durable before the segment is.
pub(crate) struct WriteAhead {
    file: File,
    watched: Watched,
    /// The segment's last bytes, which are durable only here.
    pending: Vec<u8>,
}

impl WriteAhead {
    /// Opens the file; makes it, if there is none of its size. What it held is not pending any more.
    pub(crate) fn open(folder: &Folder) -> Result<Self, FileError> {
        let path = path(folder.path());
        let is_whole = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() == SIZE);
        if !is_whole {
            put(&path, &BLANK)?;
        }
        let file = OpenOptions::new().write(true).open(&path).map_err(FileError::when("open", &path))?;
        let watched = Watched::new(&file, path)?;
        Ok(Self { file, watched, pending: Vec::new() })
    }

    /// Whether so many bytes more can be held.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.pending.len() + bytes <= BLANK.len()
    }

    /// Makes records durable that were appended to the segment.
    pub(crate) fn write(&mut self, lines: &[u8], disk: &dyn Disk) -> Result<(), FileError> {
        let at = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        let written = self.file.write_all_at(lines, at).and_then(|()| disk.sync(&self.file));
        written.map_err(FileError::when("write", &self.watched.path))?;
        self.pending.extend_from_slice(lines);
        Ok(())
    }

    /// The segment's last bytes, which its file may not have yet.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// All that was pending is durable in its segment.
    pub(crate) fn clear(&mut self) {
        self.pending.clear();
    }

    /// Finds out whether nobody else has touched the file.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        self.watched.check(&self.file, SIZE)
    }

    /// Whether that is this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.watched.path == path
    }

    /// Removes the file, unless it holds what its segment may not have.
    pub(crate) fn close(self) {
        if self.pending.is_empty() && self.check().is_ok() {
            fs::remove_file(&self.watched.path).ok();
        }
    }
}

/// The records that follow where the chain stands, as lines; empty when all are in their segment.
pub(crate) fn following(folder: &Path, mut head: Head) -> Result<Vec<u8>, FileError> {
    let path = path(folder);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(FileError::when("read", &path))?,
    };
    let mut lines = Vec::new();
    for placed in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = placed.strip_suffix(b"\n").and_then(Line::parse) else { break };
        if line.seq < head.next_seq {
            continue;
        }
        let Some(next) = head.after(&line) else { break };
        head = next;
        lines.extend_from_slice(placed);
    }
    Ok(lines)
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::line::{Body, EVENT};
    use crate::writer::RealDisk;

    #[derive(Serialize)]
    struct Fields {
        at: usize,
    }

    /// The lines of that many records, and where the chain stands before each and after the last.
    fn chained(records: usize) -> (Vec<Vec<u8>>, Vec<Head>) {
        let mut heads = vec![Head::first("n")];
        let mut lines = Vec::new();
        for at in 0..records {
            let (mut head, mut line) = (heads[at], Vec::new());
            head.append(&Body::new(EVENT, &Fields { at }).unwrap(), &mut line);
            heads.push(head);
            lines.push(line);
        }
        (lines, heads)
    }

    #[test]
    fn what_follows_is_told_from_what_is_in_the_segment_and_from_what_is_older() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let (lines, heads) = chained(9);
        let mut ahead = WriteAhead::open(&folder).unwrap();
        ahead.write(&lines[0..5].concat(), &RealDisk).unwrap();
        for at in 0..=5 {
            assert_eq!(following(place.path(), heads[at]).unwrap(), lines[at..5].concat(), "{at}");
        }
        assert!(following(place.path(), heads[6]).unwrap().is_empty());

        // Written from the beginning again, over what was there, it ends amid an old line.
        ahead.clear();
        ahead.write(&lines[5..7].concat(), &RealDisk).unwrap();
        assert_eq!(ahead.pending(), lines[5..7].concat());
        for at in 5..=7 {
            assert_eq!(following(place.path(), heads[at]).unwrap(), lines[at..7].concat(), "{at}");
        }
        // Records that don't follow: of a longer journal, of another, and altered ones.
        assert!(following(place.path(), heads[4]).unwrap().is_empty());
        assert!(following(place.path(), Head { next_seq: 6, ..heads[0] }).unwrap().is_empty());
        let mut altered = lines[5].clone();
        let last = altered.len() - 3;
        altered[last] ^= 1;
        ahead.clear();
        ahead.write(&altered, &RealDisk).unwrap();
        assert!(following(place.path(), heads[5]).unwrap().is_empty());
    }

    #[test]
    fn the_file_stays_as_long_as_it_is_and_goes_when_it_is_not_needed() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let file = place.path().join(NAME);
        let mut ahead = WriteAhead::open(&folder).unwrap();
        let all = BLANK.len();
        assert!(ahead.has_room_for(all) && !ahead.has_room_for(all + 1));
        ahead.write(b"{}\n", &RealDisk).unwrap();
        assert!(!ahead.has_room_for(all - 2) && ahead.has_room_for(all - 3));
        assert_eq!(fs::metadata(&file).unwrap().len(), SIZE);
        ahead.close();
        assert!(fs::read(&file).unwrap().starts_with(b"{}\n"), "what is pending is needed");

        let ahead = WriteAhead::open(&folder).unwrap();
        assert!(ahead.pending().is_empty());
        fs::write(&file, "short").unwrap();
        assert!(matches!(ahead.check(), Err(Fault::Tampered { .. })));
        let ahead = WriteAhead::open(&folder).unwrap();
        ahead.check().unwrap();
        ahead.close();
        assert!(!file.exists());
        assert!(following(place.path(), Head::first("n")).unwrap().is_empty());
    }
}
