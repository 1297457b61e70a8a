use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::ahead;
use crate::entry::LARGEST_WRITE;
use crate::error::FileError;
use crate::folder::{Folder, segment_path};
use crate::header::Header;
use crate::line::{Body, Head, SEGMENT};
use crate::position::Position;
use crate::scan::{ScanError, scan};
use crate::tampering::{Fault, Tampering, Watched};

/// Bytes set aside on the disk for a new segment. A disk with less room counts as full: a segment that could
/// take its header and little else would only be the next to fail.
const ROOM: u64 = 256 << 10;

/// Bytes at the end of a segment that may never have been synced: what the write-ahead file holds, and a write.
pub(crate) const MOST_UNSYNCED: u64 = ahead::SIZE + LARGEST_WRITE;

/// A segment's file and how much of it is known to be durable.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) number: u64,
    /// Bytes that are durable, be it with the help of the write-ahead file; the next write goes there.
    pub(crate) len: u64,
    watched: Watched,
}

impl Extent {
    /// Of an open file whose first `len` bytes are durable.
    pub(crate) fn of(file: &File, number: u64, path: PathBuf, len: u64) -> Result<Self, FileError> {
        Ok(Self { number, len, watched: Watched::new(file, path)? })
    }

    /// Where the segment is.
    pub(crate) fn path(&self) -> &Path {
        &self.watched.path
    }

    /// Where the next record will begin.
    pub(crate) fn end(&self) -> Position {
        Position { segment: self.number, offset: self.len }
    }

    /// Finds out whether nobody else has touched the file.
    pub(crate) fn check(&self, file: &File) -> Result<(), Fault> {
        self.watched.check(file, self.len)
    }

    /// After a failed write: makes sure that all that was acknowledged is there and cuts off the rest. The last bytes,
    /// those that are pending, are written once more, since a failed sync may have dropped them.
    pub(crate) fn settle(&self, head: Head, pending: &[u8]) -> Result<(), Fault> {
        let path = self.path();
        self.watched.check_name()?;
        let writing = || FileError::when("write", path);
        let file = OpenOptions::new().write(true).open(path).map_err(writing())?;
        let durable = self.len.saturating_sub(u64::try_from(pending.len()).unwrap_or(u64::MAX));
        file.write_all_at(pending, durable).map_err(writing())?;
        let scanned = match scan(path, self.number, self.len) {
            Ok(scanned) => scanned,
            Err(ScanError::File(error)) => return Err(error.into()),
            Err(ScanError::Damaged(_)) => return Err(self.watched.tampered(Tampering::Altered)),
        };
        if scanned.head != head || scanned.len != self.len {
            return Err(self.watched.tampered(Tampering::Altered));
        }
        let cut = file.set_len(self.len).and_then(|()| file.sync_all());
        Ok(cut.map_err(FileError::when("cut", path))?)
    }

    /// Makes durable what is left of a segment that somebody else has touched. What has taken its name is not opened: a
    /// pipe would not let go.
    pub(crate) fn leave(&self) -> Result<(), FileError> {
        if self.watched.check_name().is_err() {
            return Ok(());
        }
        let synced = File::open(self.path()).and_then(|file| file.sync_all());
        synced.map_err(FileError::when("sync", self.path()))
    }
}

/// A segment in the making. It gets its name when its header is durable, so that a crash leaves no segment
/// without one.
pub(crate) struct Draft {
    number: u64,
    file: File,
    made_at: PathBuf,
    path: PathBuf,
}

/// A segment with its header, and where the chain stands after it.
pub(crate) struct Begun {
    pub(crate) file: File,
    pub(crate) extent: Extent,
    pub(crate) head: Head,
}

impl Draft {
    /// Makes an empty file and sets room aside for it.
    pub(crate) fn create(folder: &Folder, number: u64) -> Result<Self, FileError> {
        let path = segment_path(folder.path(), number);
        let draft = draft_path(&path);
        // What is there was left by a crash or a failure and was never part of the journal.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::when("remove", &draft)(error));
            }
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.map_err(FileError::when("create", &draft))?;
        match rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, 0, ROOM) {
            // Not every file system can set room aside.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(FileError::when("set room aside for", &draft)(error.into())),
        }
        Ok(Self { number, file, made_at: draft, path })
    }

    /// Writes the header, and names the segment once that is durable.
    pub(crate) fn publish(
        self,
        folder: &Folder,
        mut head: Head,
        header: &Header,
    ) -> Result<Begun, FileError> {
        let Self { number, file, made_at, path } = self;
        let body = Body::new(SEGMENT, header).map_err(io::Error::other);
        let written = body.and_then(|body| {
            let mut line = Vec::new();
            head.append(&body, &mut line);
            file.write_all_at(&line, 0)?;
            file.sync_all()?;
            Ok(line.len())
        });
        let len = written.map_err(FileError::when("write", &made_at))?;
        fs::rename(&made_at, &path).map_err(FileError::when("name", &path))?;
        folder.sync()?;
        let extent = Extent::of(&file, number, path, u64::try_from(len).unwrap_or(u64::MAX))?;
        Ok(Begun { file, extent, head })
    }
}

/// Where a segment is made.
fn draft_path(segment: &Path) -> PathBuf {
    segment.with_extension("jsonl.new")
}

/// Opens a segment whose first `len` bytes are sound to write on in it. What a crash left in memory only would otherwise
/// count as durable. That is written once more, for a sync that has failed before, in another process, may have left it
/// there as if it were clean.
pub(crate) fn reopen(path: &Path, len: u64) -> Result<File, FileError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(FileError::when("open", path))?;
    let from = len.saturating_sub(MOST_UNSYNCED);
    let mut last = vec![0; usize::try_from(len - from).unwrap_or(usize::MAX)];
    let synced = file
        .read_exact_at(&mut last, from)
        .and_then(|()| file.write_all_at(&last, from))
        .and_then(|()| file.sync_all());
    synced.map_err(FileError::when("sync", path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Serialize;

    use super::*;
    use crate::line::EVENT;
    use crate::public_key::PublicKey;

    #[derive(Serialize)]
    struct Fields {
        at: usize,
    }

    /// A segment with its header and three records, of which the last is pending.
    fn segment(folder: &Folder) -> (Extent, Head, Vec<u8>) {
        let key = PublicKey::from_bytes(&[7; 32]).unwrap();
        let header = Header::first("n", "1970-01-01T00:00:00".to_owned(), key);
        let begun = Draft::create(folder, 1).unwrap().publish(folder, Head::first("n"), &header).unwrap();
        let Begun { file, mut extent, mut head } = begun;
        let mut pending = Vec::new();
        for at in 0..3 {
            pending.clear();
            head.append(&Body::new(EVENT, &Fields { at }).unwrap(), &mut pending);
            file.write_all_at(&pending, extent.len).unwrap();
            extent.len += u64::try_from(pending.len()).unwrap();
        }
        (extent, head, pending)
    }

    #[test]
    fn what_a_failed_sync_has_dropped_is_written_once_more() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let (extent, head, pending) = segment(&folder);
        let whole = fs::read(extent.path()).unwrap();
        let durable = whole.len() - pending.len();
        for left in [whole[..durable].to_vec(), [&whole[..durable], &vec![0; pending.len() + 9]].concat()] {
            fs::write(extent.path(), left).unwrap();
            extent.settle(head, &pending).unwrap();
            assert_eq!(fs::read(extent.path()).unwrap(), whole);
        }
    }

    #[test]
    fn what_somebody_has_altered_is_not_settled() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let (extent, head, pending) = segment(&folder);
        let mut altered = fs::read(extent.path()).unwrap();
        let before = altered.len() - pending.len() - 9;
        altered[before] ^= 1;
        fs::write(extent.path(), altered).unwrap();
        let settled = extent.settle(head, &pending);
        assert!(matches!(settled, Err(Fault::Tampered { found: Tampering::Altered, .. })), "{settled:?}");
    }
}
