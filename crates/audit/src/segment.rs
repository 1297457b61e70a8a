use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use thiserror::Error;

use crate::error::FileError;
use crate::folder::{Folder, Identity, segment_path};
use crate::header::Header;
use crate::line::{Body, Head, SEGMENT};
use crate::position::Position;
use crate::scan::{ScanError, scan};

/// Bytes set aside on the disk for a new segment. A disk with less room counts as full: a segment that could
/// take its header and little else would only be the next to fail.
const ROOM: u64 = 256 << 10;

/// A segment's file and how much of it is known to be durable.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    /// Bytes that are durable; the next write goes there.
    pub(crate) len: u64,
    identity: Identity,
}

impl Extent {
    /// Of an open file whose first `len` bytes are durable.
    pub(crate) fn of(file: &File, number: u64, path: PathBuf, len: u64) -> Result<Self, FileError> {
        let metadata = file.metadata().map_err(FileError::when("look at", &path))?;
        Ok(Self { number, path, len, identity: Identity::of(&metadata) })
    }

    /// Where the next record will begin.
    pub(crate) fn end(&self) -> Position {
        Position { segment: self.number, offset: self.len }
    }

    /// Finds out, for the price of two looks at metadata, whether the file is where and as long as it must be.
    pub(crate) fn check(&self, file: &File) -> Result<(), Fault> {
        let looking = || FileError::when("look at", &self.path);
        let held = file.metadata().map_err(looking())?;
        self.check_name()?;
        match held.len() {
            len if len < self.len => Err(self.tampered(Tampering::Cut { len, expected: self.len })),
            len if len > self.len => Err(self.tampered(Tampering::Grown { len, expected: self.len })),
            _ => Ok(()),
        }
    }

    /// After a failed write: makes sure that all that is durable is untouched, and cuts off the rest.
    pub(crate) fn settle(&self, head: Head) -> Result<(), Fault> {
        self.check_name()?;
        let scanned = match scan(&self.path, self.number, self.len) {
            Ok(scanned) => scanned,
            Err(ScanError::File(error)) => return Err(error.into()),
            Err(ScanError::Damaged(_)) => return Err(self.tampered(Tampering::Altered)),
        };
        if scanned.head != head || scanned.len != self.len {
            return Err(self.tampered(Tampering::Altered));
        }
        let file = OpenOptions::new().write(true).open(&self.path);
        let cut = file.and_then(|file| file.set_len(self.len).and_then(|()| file.sync_all()));
        Ok(cut.map_err(FileError::when("cut", &self.path))?)
    }

    fn check_name(&self) -> Result<(), Fault> {
        match fs::symlink_metadata(&self.path) {
            Ok(named) if Identity::of(&named) == self.identity => Ok(()),
            Ok(_) => Err(self.tampered(Tampering::Replaced)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.tampered(Tampering::Removed)),
            Err(error) => Err(FileError::when("look at", &self.path)(error).into()),
        }
    }

    fn tampered(&self, found: Tampering) -> Fault {
        Fault::Tampered { path: self.path.clone(), found }
    }
}

/// Why nothing can be written into a segment any more.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("{}", .0.in_full())]
    File(#[from] FileError),
    #[error("{} was tampered with: {found}", path.display())]
    Tampered { path: PathBuf, found: Tampering },
}

/// What somebody else did to a segment that is being written, or to its folder.
#[derive(Debug, Error)]
pub(crate) enum Tampering {
    #[error("it was removed")]
    Removed,
    #[error("another file has taken its place")]
    Replaced,
    #[error("it has {len} bytes of {expected}")]
    Cut { len: u64, expected: u64 },
    #[error("it has {len} bytes, not {expected}")]
    Grown { len: u64, expected: u64 },
    #[error("its records were altered")]
    Altered,
    #[error("another folder has taken its place, or others may write into it")]
    FolderReplaced,
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

/// Opens a segment to write on in it.
pub(crate) fn reopen(path: &Path) -> Result<File, FileError> {
    let file = OpenOptions::new().write(true).open(path).map_err(FileError::when("open", path))?;
    // What a crash left in memory only would otherwise count as durable.
    file.sync_all().map_err(FileError::when("sync", path))?;
    Ok(file)
}
