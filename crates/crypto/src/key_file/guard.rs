//! Opens a key file only where nobody else can read, alter or replace it.
//!
//! Every check is made on an open descriptor, and the next step starts from that descriptor: what was checked
//! is what is used, whatever happens to names meanwhile.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

use super::KeyFileError;

const ANY_MODE: u32 = 0o7777;
const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Who keeps the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The service's own user.
    Service,
    /// systemd, as a credential. It writes the file as root with mode 0400 and lets the service's user in
    /// by an access control list, whose mask shows as group bits (mode 0440, group root); where the file
    /// system has no such lists it gives the file to the service's user (`write_credential` in systemd's
    /// `exec-credential.c`).
    Systemd,
}

/// A folder whose path, up to the root, can be changed by root and the service's user only.
pub(super) struct Folder {
    /// Names the folder for lookups; can't be read, synced or locked.
    pub(super) descriptor: OwnedFd,
}

impl Folder {
    /// Walks down to the folder that holds `path`, from the root, checking each step. `user` is the
    /// service's user id.
    pub(super) fn holding(path: &Path, user: u32) -> Result<Self, KeyFileError> {
        let named = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let real = fs::canonicalize(named).map_err(KeyFileError::io("find the folder", named))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut place = PathBuf::from("/");
        let mut descriptor =
            open(&place, flags, Mode::empty()).map_err(KeyFileError::io("open the folder", &place))?;
        check_folder(&status(&descriptor, &place)?, &place, user)?;
        for component in real.components() {
            let Component::Normal(name) = component else { continue };
            place.push(name);
            descriptor = openat(&descriptor, name, flags, Mode::empty())
                .map_err(KeyFileError::io("open the folder", &place))?;
            check_folder(&status(&descriptor, &place)?, &place, user)?;
        }
        Ok(Self { descriptor })
    }

    /// The same folder once more, to be synced or locked.
    pub(super) fn readable(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&self.descriptor, ".", flags, Mode::empty())
    }

    /// Opens the file at the end of `path` for reading, or tells what is not safe about it. `user` is the
    /// service's user id.
    pub(super) fn open_checked(&self, path: &Path, keeper: Keeper, user: u32) -> Result<File, KeyFileError> {
        let name = name_of(path)?;
        // Without NONBLOCK the opening of a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(file) => {
                check_file(&status(&file, path)?, path, keeper, user)?;
                Ok(File::from(file))
            }
            Err(Errno::NOENT) => Err(KeyFileError::Missing { path: path.to_owned() }),
            Err(Errno::LOOP) => Err(KeyFileError::NotAFile { path: path.to_owned() }),
            Err(refused) => {
                // A wrong owner or mode may be what stands in the way: then say that.
                if let Ok(status) = statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
                    check_file(&status, path, keeper, user)?;
                }
                Err(KeyFileError::io("open", path)(refused))
            }
        }
    }
}

/// The last part of a path.
pub(super) fn name_of(path: &Path) -> Result<&OsStr, KeyFileError> {
    path.file_name().ok_or_else(|| KeyFileError::NotAFile { path: path.to_owned() })
}

fn status(descriptor: &OwnedFd, path: &Path) -> Result<Stat, KeyFileError> {
    fstat(descriptor).map_err(KeyFileError::io("read the state of", path))
}

pub(super) fn check_file(status: &Stat, path: &Path, keeper: Keeper, user: u32) -> Result<(), KeyFileError> {
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Err(KeyFileError::NotAFile { path: path.to_owned() });
    }
    let root_may_own = keeper == Keeper::Systemd;
    if status.st_uid != user && !(root_may_own && status.st_uid == 0) {
        let wanted = "the service's user";
        return Err(KeyFileError::Owner { path: path.to_owned(), found: status.st_uid, wanted, owner: user });
    }
    let found = status.st_mode & ANY_MODE;
    let only_an_acl_mask = root_may_own && found == 0o440 && (status.st_uid, status.st_gid) == (0, 0);
    if found != 0o400 && !only_an_acl_mask {
        let wanted = "must have 0400, readable by its owner alone";
        return Err(KeyFileError::Mode { path: path.to_owned(), found, wanted, mend: "chmod 0400" });
    }
    Ok(())
}

pub(super) fn check_folder(status: &Stat, path: &Path, user: u32) -> Result<(), KeyFileError> {
    if status.st_uid != user && status.st_uid != 0 {
        let wanted = "root or the service's user, since its owner could replace the file";
        return Err(KeyFileError::Owner { path: path.to_owned(), found: status.st_uid, wanted, owner: 0 });
    }
    let found = status.st_mode & ANY_MODE;
    // In a sticky folder others may add files, but not replace this one.
    if found & WRITABLE_BY_OTHERS != 0 && found & STICKY == 0 {
        let wanted = "a folder above a secret file must not be writable by its group or by others";
        return Err(KeyFileError::Mode { path: path.to_owned(), found, wanted, mend: "chmod go-w" });
    }
    Ok(())
}
