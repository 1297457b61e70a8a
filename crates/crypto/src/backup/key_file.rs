use std::io::{Read, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{BackupError, Identities, Recipients};
use crate::key_file::{self, KeyFileError, MasterKeys};

/// A master key file, sealed to the recipients. The file has to pass the checks of [`MasterKeys::load`].
pub fn back_up_key_file(path: &Path, recipients: &Recipients) -> Result<Vec<u8>, BackupError> {
    let text = key_file::text(path)?;
    let mut sealed = Vec::new();
    let mut writer = recipients.seal(&mut sealed)?;
    writer.write_all(&text).and_then(|()| writer.finish()).map_err(BackupError::io("seal", path))?;
    Ok(sealed)
}

/// A master key file that came out of a backup. It is nowhere on a disk.
pub struct KeyBackup {
    text: Zeroizing<Vec<u8>>,
}

impl KeyBackup {
    /// Opens a backup; `path` tells which one in messages.
    pub fn open(sealed: impl Read, path: &Path, identities: &Identities) -> Result<Self, BackupError> {
        let room = key_file::LARGEST_FILE + 1;
        // Large enough to be never moved, so that dropping it wipes all there is.
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        let limit = u64::try_from(room).unwrap_or(u64::MAX);
        let opened = identities.open(sealed)?.take(limit).read_to_end(&mut text);
        opened.map_err(BackupError::io("read", path))?;
        key_file::parse(&text, path)?;
        Ok(Self { text })
    }

    /// The keys in it; `path` tells which backup in messages.
    pub fn keys(&self, path: &Path) -> Result<MasterKeys, KeyFileError> {
        key_file::parse(&self.text, path)
    }

    /// Puts the file where it is to be, mode 0400, whole or not at all. A file that is there is never touched.
    pub fn restore(&self, path: &Path) -> Result<(), KeyFileError> {
        key_file::put_new(path, &self.text)
    }
}
