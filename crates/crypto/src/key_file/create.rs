//! Makes a new key file, whole and durable or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fsync, linkat, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use strongroom_core::Timestamp;
use strongroom_core::ports::MasterKeyVersion;
use zeroize::Zeroizing;

use super::guard::{Folder, name_of};
use super::{KeyFileError, format};
use crate::locked::KEY_LEN;
use crate::random;

/// Makes a key file with a fresh random key of version 1, mode 0400, owned by the calling user.
///
/// The file appears under its name complete and synced. A file that exists already is an error and stays
/// untouched; so is a folder that others could change.
pub fn create_key_file(path: &Path, now: Timestamp) -> Result<(), KeyFileError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    random::system(key.as_mut_slice()).map_err(|_| KeyFileError::Random)?;
    put_new(path, &format::render(MasterKeyVersion(1), now, &key))
}

/// Puts the text of a key file under a name that is not taken, whole and durable or not at all.
pub(crate) fn put_new(path: &Path, text: &[u8]) -> Result<(), KeyFileError> {
    let folder = Folder::holding(path, geteuid().as_raw())?;
    let name = name_of(path)?;
    let mut suffix = [0; 8];
    random::system(&mut suffix).map_err(|_| KeyFileError::Random)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", hex::encode(suffix)));

    let linked = write(&folder, &temporary, text, path).and_then(|()| {
        linkat(&folder.descriptor, &temporary, &folder.descriptor, name, AtFlags::empty()).map_err(|errno| {
            match errno {
                Errno::EXIST => KeyFileError::Exists { path: path.to_owned() },
                errno => KeyFileError::io("put in place", path)(errno),
            }
        })
    });
    let removed = match unlinkat(&folder.descriptor, &temporary, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(KeyFileError::io("remove the temporary name of", path)(errno)),
    };
    linked.and(removed)?;
    sync_folder(&folder, path)
}

/// Writes a file of mode 0400 under a name that is not taken, and syncs it.
pub(super) fn write(folder: &Folder, name: &OsStr, text: &[u8], path: &Path) -> Result<(), KeyFileError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file =
        openat(&folder.descriptor, name, flags, Mode::RUSR).map_err(KeyFileError::io("create", path))?;
    // The mask of the process may have taken the one bit away.
    fchmod(&file, Mode::RUSR).map_err(KeyFileError::io("set the mode of", path))?;
    let mut file = File::from(file);
    file.write_all(text).map_err(KeyFileError::io("write", path))?;
    file.sync_all().map_err(KeyFileError::io("sync", path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Folder, path: &Path) -> Result<(), KeyFileError> {
    folder.readable().and_then(fsync).map_err(KeyFileError::io("sync the folder of", path))
}
