//! The soft master key: a small text file that nobody but the service can read.

mod add;
mod create;
mod error;
mod format;
mod guard;
mod remove;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::iter::once;
use std::path::{Component, Path, PathBuf};

use rustix::process::geteuid;
use strongroom_core::Timestamp;
use strongroom_core::ports::MasterKeyVersion;
use zeroize::Zeroizing;

use self::guard::{Folder, Keeper};
use crate::locked::LockedKey;

pub use self::add::add_key_version;
pub use self::create::create_key_file;
pub(crate) use self::create::put_new;
pub use self::error::KeyFileError;
#[cfg(test)]
pub(crate) use self::format::render;
pub use self::remove::remove_key_versions;

/// Some hundreds of versions.
pub(crate) const LARGEST_FILE: usize = 64 * 1024;

/// Every version of the soft master key, in locked memory.
pub struct MasterKeys {
    /// Lowest version first; the last is `newest`'s predecessor.
    older: Vec<MasterKey>,
    newest: MasterKey,
}

/// One version.
pub(crate) struct MasterKey {
    pub(crate) version: MasterKeyVersion,
    pub(crate) created: Timestamp,
    pub(crate) key: LockedKey,
}

impl MasterKeys {
    /// Loads a key file that the service's user owns.
    ///
    /// Refused unless it is a regular file (no link), owned by the process's effective user, with mode 0400,
    /// under folders that only root and that user can write to. The error gives the command that mends it.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        load_as(path, Keeper::Service, geteuid().as_raw())
    }

    /// Loads the key file of that name from the service manager's folder of credentials, which systemd
    /// names in `$CREDENTIALS_DIRECTORY` for a unit with `LoadCredential=name:path`.
    ///
    /// Refused as in [`Self::load`], but the file may belong to root, and may have mode 0440 when owner and
    /// group are root: so systemd leaves it when it lets the service's user in by an access control list.
    pub fn load_credential(folder: &Path, name: &str) -> Result<Self, KeyFileError> {
        load_as(&credential(folder, name)?, Keeper::Systemd, geteuid().as_raw())
    }

    /// Each version and when it was made, lowest first.
    pub fn versions(&self) -> impl Iterator<Item = (MasterKeyVersion, Timestamp)> {
        self.all().map(|key| (key.version, key.created))
    }

    /// The version that wraps new project keys: the highest.
    pub(crate) fn newest(&self) -> &MasterKey {
        &self.newest
    }

    pub(crate) fn get(&self, version: MasterKeyVersion) -> Option<&LockedKey> {
        self.all().find(|master| master.version == version).map(|master| &master.key)
    }

    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        self.older.iter().chain(once(&self.newest))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKeys").field(&self.versions().collect::<Vec<_>>()).finish()
    }
}

/// Reads another file of secrets, such as a PIN, which has to be as well guarded as a master key file.
pub fn read_private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    read_as(path, Keeper::Service, geteuid().as_raw())
}

/// Reads the credential of that name from the service manager's folder of credentials, with the same checks
/// as [`MasterKeys::load_credential`].
pub fn read_private_credential(folder: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    read_as(&credential(folder, name)?, Keeper::Systemd, geteuid().as_raw())
}

/// The path of a credential, whose name must not lead out of the folder.
fn credential(folder: &Path, name: &str) -> Result<PathBuf, KeyFileError> {
    let path = folder.join(name);
    let mut components = Path::new(name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(path),
        _ => Err(KeyFileError::NotAFile { path }),
    }
}

fn read_as(path: &Path, keeper: Keeper, user: u32) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    read(Folder::holding(path, user)?.open_checked(path, keeper, user)?, path)
}

/// The text of a key file that passes the checks of [`MasterKeys::load`].
pub(crate) fn text(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let text = read_private_file(path)?;
    format::parse(&text, path)?;
    Ok(text)
}

/// The keys in the text of a key file; `path` tells which one in messages.
pub(crate) fn parse(text: &[u8], path: &Path) -> Result<MasterKeys, KeyFileError> {
    format::parse(text, path)
}

fn load_as(path: &Path, keeper: Keeper, user: u32) -> Result<MasterKeys, KeyFileError> {
    format::parse(&read_as(path, keeper, user)?, path)
}

fn read(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Room for the largest file and one byte more, so that reading never moves what it has read.
    let mut text = Zeroizing::new(Vec::with_capacity(LARGEST_FILE + 1));
    let room = u64::try_from(text.capacity()).unwrap_or(u64::MAX);
    file.take(room).read_to_end(&mut text).map_err(KeyFileError::io("read", path))?;
    if text.len() > LARGEST_FILE {
        return Err(KeyFileError::Malformed {
            path: path.to_owned(),
            line: 1,
            reason: "this is no file of keys: it is larger than 64 KiB",
        });
    }
    Ok(text)
}
