//! Adds a version to a key file: afterwards the file is the old one or the new one, whole.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, flock, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use strongroom_core::Timestamp;
use strongroom_core::ports::MasterKeyVersion;
use zeroize::Zeroizing;

use super::create::{sync_folder, write};
use super::guard::{Folder, Keeper, name_of};
use super::{KeyFileError, LARGEST_FILE, format, read};
use crate::locked::KEY_LEN;
use crate::random;

/// Adds a fresh random key to a key file as the version after the highest, and returns that version. Every
/// older version stays as it is.
///
/// The new content is written beside the file, synced and read back before it takes the file's name; when
/// this returns, the name is durable too. Whoever loads the file meanwhile, or after a crash at any moment,
/// gets the old content or the new. An error from the very last step, the sync of the folder, leaves open
/// which of them a crash of the machine would leave. Several processes that add at once wait for each other.
///
/// The file has to pass the checks of [`MasterKeys::load`](super::MasterKeys::load). A process that has
/// loaded it already does not see the new version.
pub fn add_key_version(path: &Path, now: Timestamp) -> Result<MasterKeyVersion, KeyFileError> {
    let user = geteuid().as_raw();
    let folder = Folder::holding(path, user)?;
    // Held until the descriptor is closed, at the end. The file itself can't serve as the lock, since the
    // one that waits would wake with one that has been replaced.
    let _lock = locked(&folder).map_err(KeyFileError::io("lock the folder of", path))?;

    let text = read(folder.open_checked(path, Keeper::Service, user)?, path)?;
    let newest = format::parse(&text, path)?.newest().version;
    let full = || KeyFileError::Full { path: path.to_owned() };
    let version = MasterKeyVersion(newest.0.checked_add(1).ok_or_else(full)?);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    random::system(key.as_mut_slice()).map_err(|_| KeyFileError::Random)?;
    let mut grown = Zeroizing::new(Vec::with_capacity(text.len() + format::LINE_ROOM));
    grown.extend_from_slice(&text);
    format::append(&mut grown, version, now, &key);
    if grown.len() > LARGEST_FILE {
        return Err(full());
    }
    replace(&folder, path, &grown)?;
    Ok(version)
}

pub(super) fn replace(folder: &Folder, path: &Path, text: &[u8]) -> Result<(), KeyFileError> {
    let name = name_of(path)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".next");
    let remove = || match unlinkat(&folder.descriptor, &temporary, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(KeyFileError::io("remove the temporary name of", path)(errno)),
    };
    // One that was killed may have left it.
    remove()?;
    let replaced = write(folder, &temporary, text, path).and_then(|()| {
        renameat(&folder.descriptor, &temporary, &folder.descriptor, name)
            .map_err(KeyFileError::io("put in place", path))
    });
    // After a success there is nothing under that name.
    replaced.and(remove())?;
    sync_folder(folder, path)
}

pub(super) fn locked(folder: &Folder) -> Result<OwnedFd, Errno> {
    let descriptor = folder.readable()?;
    flock(&descriptor, FlockOperation::LockExclusive)?;
    Ok(descriptor)
}
