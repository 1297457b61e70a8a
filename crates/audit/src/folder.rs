use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use uuid::Uuid;

use crate::error::{FileError, OpenError};

/// The file that names the node whose journal this is.
pub(crate) const NODE: &str = "node";
/// The ending of segments' file names.
const SEGMENT: &str = ".jsonl";
/// Digits in segments' file names.
const DIGITS: usize = 10;
/// How often, and how far apart, the lock is tried: a predecessor that is just ending or a verifier that
/// asks whether there is a writer may hold it for a moment.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The folder of a journal, locked against other writers for as long as this exists.
pub(crate) struct Folder {
    path: PathBuf,
    /// Carries the lock, and stays with the folder that was opened whatever the path comes to mean.
    handle: File,
}

impl Folder {
    /// Opens and locks the folder; creates it, with its parents, for its owner alone, when asked to.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self, OpenError> {
        if create && !path.exists() {
            let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
            created.map_err(FileError::when("create", path))?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync(parent)?;
            }
        }
        let handle = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OpenError::NoFolder(path.to_owned()),
            _ => FileError::when("open", path)(error).into(),
        })?;
        let mode = Look::into(&handle).map_err(FileError::when("look at", path))?.mode & 0o7777;
        if writable_by_others(mode) {
            return Err(OpenError::Exposed { path: path.to_owned(), mode });
        }
        lock(&handle, path)?;
        Ok(Self { path: path.to_owned(), handle })
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.handle.sync_all().map_err(FileError::when("sync", &self.path))
    }

    /// Whether the path still leads to the folder that was locked, and only its owner may write into it.
    pub(crate) fn is_sound(&self) -> Result<bool, FileError> {
        let looking = || FileError::when("look at", &self.path);
        let held = Look::into(&self.handle).map_err(looking())?;
        let named = Look::behind(&self.path).map_err(looking())?;
        Ok(held.identity == named.identity && !writable_by_others(named.mode))
    }

    /// Writes down the node's name.
    pub(crate) fn set_node(&self, node: &str) -> Result<(), FileError> {
        put(&node_path(&self.path), format!("{node}\n").as_bytes())
    }
}

fn writable_by_others(mode: u32) -> bool {
    mode & 0o022 != 0
}

fn lock(handle: &File, path: &Path) -> Result<(), OpenError> {
    for _ in 1..LOCK_TRIES {
        match handle.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(FileError::when("lock", path)(error).into()),
            Ok(()) => return Ok(()),
        }
    }
    Err(OpenError::Locked(path.to_owned()))
}

/// Whether a writer has the journal open.
pub(crate) fn has_writer(path: &Path) -> Result<bool, FileError> {
    let handle = File::open(path).map_err(FileError::when("open", path))?;
    match handle.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(FileError::when("lock", path)(error)),
    }
}

/// Where the node is named.
pub(crate) fn node_path(folder: &Path) -> PathBuf {
    folder.join(NODE)
}

/// The node whose journal this is; `None` when it was never written down.
pub(crate) fn node(folder: &Path) -> Result<Option<String>, FileError> {
    let path = node_path(folder);
    let reading = || FileError::when("read", &path);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(reading())?,
    };
    let node = Uuid::try_parse(text.trim()).map_err(io::Error::other).map_err(reading())?;
    Ok(Some(node.to_string()))
}

/// Where that segment is.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(segment_name(number))
}

/// The name of that segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:0DIGITS$}{SEGMENT}")
}

/// The numbers of all segments, lowest first.
pub(crate) fn segments(folder: &Path) -> Result<Vec<u64>, FileError> {
    let listing = || FileError::when("list", folder);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(listing())? {
        let name = entry.map_err(listing())?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(SEGMENT));
        let digits = digits.filter(|d| d.len() >= DIGITS && d.bytes().all(|b| b.is_ascii_digit()));
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Puts a file with that text in place, for its owner alone; whoever looks finds the one before or all of this one.
pub(crate) fn put(path: &Path, text: &[u8]) -> Result<(), FileError> {
    // Two processes that write the same file must not write into one draft.
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let written = options.and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()));
    if let Err(error) = written {
        fs::remove_file(&draft).ok();
        return Err(FileError::when("write", &draft)(error));
    }
    fs::rename(&draft, path).map_err(FileError::when("name", path))?;
    path.parent().map_or(Ok(()), sync)
}

/// Makes the names in a folder durable.
pub(crate) fn sync(folder: &Path) -> Result<(), FileError> {
    let handle = File::open(folder).map_err(FileError::when("open", folder))?;
    handle.sync_all().map_err(FileError::when("sync", folder))
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: (u32, u32),
    inode: u64,
}

/// What can be told of a file or folder without opening it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) identity: Identity,
    pub(crate) len: u64,
    pub(crate) mode: u32,
}

impl Look {
    /// At an open file or folder.
    pub(crate) fn into(file: &File) -> io::Result<Self> {
        Self::ask(file, Path::new(""), AtFlags::EMPTY_PATH)
    }

    /// At what has that name, be it a link.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Self::ask(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// At what that name leads to.
    pub(crate) fn behind(path: &Path) -> io::Result<Self> {
        Self::ask(CWD, path, AtFlags::empty())
    }

    /// Asks for nothing but this, and above all not for times: Linux keeps those finer of a file that somebody asks about,
    /// and then each write has new ones for the disk. A look before every write would make its sync half as long again.
    fn ask(base: impl AsFd, path: &Path, flags: AtFlags) -> io::Result<Self> {
        let found = statx(base, path, flags, StatxFlags::INO | StatxFlags::SIZE | StatxFlags::MODE)?;
        let identity = Identity { device: (found.stx_dev_major, found.stx_dev_minor), inode: found.stx_ino };
        Ok(Self { identity, len: found.stx_size, mode: u32::from(found.stx_mode) })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_folder_is_made_for_its_owner_alone_and_for_one_writer() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/journal");
        assert!(matches!(Folder::open(&path, false), Err(OpenError::NoFolder(p)) if p == path));
        let folder = Folder::open(&path, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        assert!(has_writer(&path).unwrap());
        assert!(matches!(Folder::open(&path, false), Err(OpenError::Locked(_))));
        drop(folder);
        assert!(!has_writer(&path).unwrap());
        Folder::open(&path, false).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(Folder::open(&path, true), Err(OpenError::Exposed { mode: 0o770, .. })));
    }

    #[test]
    fn only_segments_count_and_the_node_reads_back() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        for name in ["0000000002.jsonl", "0000000001.jsonl", "0000000003.jsonl.new", "1.jsonl", "x.jsonl"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        assert_eq!(segments(place.path()).unwrap(), [1, 2]);
        assert_eq!(segment_path(place.path(), 7), place.path().join("0000000007.jsonl"));
        assert_eq!(node(place.path()).unwrap(), None);
        let name = Uuid::new_v4().to_string();
        folder.set_node(&name).unwrap();
        assert_eq!(node(place.path()).unwrap(), Some(name));
        fs::write(node_path(place.path()), "x").unwrap();
        assert!(node(place.path()).is_err());
    }

    #[test]
    fn a_folder_that_was_swapped_is_not_sound() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("journal");
        let folder = Folder::open(&path, true).unwrap();
        assert!(folder.is_sound().unwrap());
        fs::rename(&path, place.path().join("aside")).unwrap();
        assert!(folder.is_sound().is_err());
        fs::create_dir(&path).unwrap();
        assert!(!folder.is_sound().unwrap());
    }
}
