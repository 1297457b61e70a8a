//! The write-ahead file: the newest records once more, where they become durable sooner.
//!
//! To make durable what was appended to a file, its new length has to be on the disk too, which takes a second write, and
//! more where the file system keeps a journal. So a batch of records is appended to its segment and left to the system,
//! and what is made durable is a copy of it, in a file that is as long as it will ever be. Once that is full, the segment
//! itself is synced, and the file is used from its beginning again. What of a segment has not reached the disk when the
//! machine stops is taken from here at the next start: each record's number and hash tell whether it is the one that
//! follows.

use std::fs::{self, File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::folder::{Folder, put};
use crate::line::{Head, Line};
use crate::tampering::{Fault, Watched};
use crate::writer::Disk;

/// The file's name.
pub(crate) const NAME: &str = "write-ahead";
/// The file's size, as a power of two.
const BITS: u32 = 17;
/// Bytes of the file: the most of a segment that may not be durable in the segment's own file.
pub(crate) const SIZE: u64 = 1 << BITS;
/// The file before anything is written to it.
static BLANK: [u8; 1 << BITS] = [0; 1 << BITS];

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
        if is_whole(&path) { Self::at(path) } else { Self::create(folder) }
    }

    /// Makes a fresh file in the place of any that is there: after a failure that one may hold what was refused, or lie
    /// where the disk can't be written.
    pub(crate) fn create(folder: &Folder) -> Result<Self, FileError> {
        let path = path(folder.path());
        put(&path, &BLANK)?;
        Self::at(path)
    }

    fn at(path: PathBuf) -> Result<Self, FileError> {
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

    /// Whether the fault is one of this file.
    pub(crate) fn is_at_fault(&self, fault: &Fault) -> bool {
        let path = match fault {
            Fault::File(error) => &error.path,
            Fault::Tampered { path, .. } => path,
        };
        *path == self.watched.path
    }

    /// After a failure, when all that was pending is durable in the segment: makes void what it holds, which may have
    /// been refused, or goes on in a fresh file where this one failed. Tells what somebody else has done to it.
    pub(crate) fn renew(&mut self, folder: &Folder, failure: &Fault) -> Result<Option<String>, FileError> {
        let failed = self.is_at_fault(failure);
        let tampered = match (failure, self.check()) {
            (Fault::Tampered { found, .. }, _) if failed => Some(found.to_string()),
            (_, Err(Fault::Tampered { found, .. })) => Some(found.to_string()),
            _ => None,
        };
        if failed || tampered.is_some() || self.blank().is_err() {
            *self = Self::create(folder)?;
        }
        Ok(tampered)
    }

    /// Makes void what it holds, all of which is durable in the segment or was refused: without the beginning nothing
    /// follows.
    pub(crate) fn blank(&mut self) -> Result<(), FileError> {
        let blanked = self.file.write_all_at(&[0], 0).and_then(|()| self.file.sync_data());
        blanked.map_err(FileError::when("write", &self.watched.path))?;
        self.clear();
        Ok(())
    }
}

/// What the write-ahead file has that its segment has not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The records that follow where the chain stands, as lines.
    pub(crate) lines: Vec<u8>,
    /// The numbers of records that were durable in the segment when the file's first one was written, and are not there.
    pub(crate) gone: Option<RangeInclusive<u64>>,
}

/// What there is for a segment that ends where the chain stands.
pub(crate) fn rest(folder: &Path, mut head: Head) -> Result<Rest, FileError> {
    let path = path(folder);
    let mut rest = Rest::default();
    if !is_whole(&path) {
        return Ok(rest);
    }
    let text = fs::read(&path).map_err(FileError::when("read", &path))?;
    for (at, placed) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(line) = placed.strip_suffix(b"\n").and_then(Line::parse) else { break };
        if line.seq < head.next_seq {
            continue;
        }
        // All records before the file's first one are durable in the segment by then. Behind it, a crash amid a write that
        // was never acknowledged can have kept the later part alone.
        if at == 0 && line.seq > head.next_seq {
            rest.gone = Some(head.next_seq..=line.seq - 1);
        }
        let Some(next) = head.after(&line) else { break };
        head = next;
        rest.lines.extend_from_slice(placed);
    }
    Ok(rest)
}

/// Whether there is a file that this crate has made. Nothing else is opened.
fn is_whole(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == SIZE)
}

/// Where it is.
pub(crate) fn path(folder: &Path) -> PathBuf {
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
        let lines_after = |head| {
            let Rest { lines, gone } = rest(place.path(), head).unwrap();
            assert_eq!(gone, None);
            lines
        };
        let mut ahead = WriteAhead::open(&folder).unwrap();
        ahead.write(&lines[0..5].concat(), &RealDisk).unwrap();
        for at in 0..=5 {
            assert_eq!(lines_after(heads[at]), lines[at..5].concat(), "{at}");
        }
        assert_eq!(rest(place.path(), heads[6]).unwrap(), Rest::default());

        // Written from the beginning again, over what was there, it ends amid an old line.
        ahead.clear();
        ahead.write(&lines[5..7].concat(), &RealDisk).unwrap();
        assert_eq!(ahead.pending(), lines[5..7].concat());
        for at in 5..=7 {
            assert_eq!(lines_after(heads[at]), lines[at..7].concat(), "{at}");
        }
        // Records that don't follow: of a longer journal, of another, and altered ones.
        for (at, gone) in [(4, 5..=5), (1, 2..=5)] {
            let expected = Rest { lines: Vec::new(), gone: Some(gone) };
            assert_eq!(rest(place.path(), heads[at]).unwrap(), expected, "of a longer journal");
        }
        assert_eq!(rest(place.path(), Head { next_seq: 6, ..heads[0] }).unwrap(), Rest::default());
        let mut altered = lines[5].clone();
        let last = altered.len() - 3;
        altered[last] ^= 1;
        ahead.blank().unwrap();
        assert_eq!(rest(place.path(), heads[5]).unwrap(), Rest::default());
        ahead.write(&altered, &RealDisk).unwrap();
        assert_eq!(rest(place.path(), heads[5]).unwrap(), Rest::default());
    }

    #[test]
    fn the_file_stays_as_long_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let file = place.path().join(NAME);
        let mut ahead = WriteAhead::open(&folder).unwrap();
        let all = BLANK.len();
        assert!(ahead.has_room_for(all) && !ahead.has_room_for(all + 1));
        ahead.write(b"{}\n", &RealDisk).unwrap();
        assert!(!ahead.has_room_for(all - 2) && ahead.has_room_for(all - 3));
        assert_eq!(fs::metadata(&file).unwrap().len(), SIZE);

        let ahead = WriteAhead::open(&folder).unwrap();
        assert!(ahead.pending().is_empty());
        fs::write(&file, "short").unwrap();
        assert!(matches!(ahead.check(), Err(Fault::Tampered { .. })));
        WriteAhead::open(&folder).unwrap().check().unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(rest(place.path(), Head::first("n")).unwrap(), Rest::default());
    }
}
