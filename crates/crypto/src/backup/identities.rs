use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use age::Decryptor;
use age::stream::StreamReader;
use age::x25519::Identity;
use zeroize::Zeroizing;

use super::{BackupError, shares};

/// Private keys that may open a backup.
pub struct Identities(Vec<Identity>);

impl Identities {
    /// From a file as `age-keygen` makes it.
    pub fn load(path: &Path) -> Result<Self, BackupError> {
        let text = Zeroizing::new(fs::read_to_string(path).map_err(BackupError::io("read", path))?);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<Identity>, _> = lines.map(str::parse).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self(keys)),
            _ => Err(BackupError::Identity(path.to_owned())),
        }
    }

    /// From as many shares of a private key as are needed.
    pub fn from_shares(paths: &[PathBuf]) -> Result<Self, BackupError> {
        shares::join(paths).map(|key| Self(vec![key]))
    }

    /// What the sealed file holds. Each part of it is authentic when it is read; a missing end is an error of
    /// the last read.
    pub fn open<R: Read>(&self, sealed: R) -> Result<StreamReader<R>, BackupError> {
        let keys = self.0.iter().map(|key| -> &dyn age::Identity { key });
        Decryptor::new(sealed).and_then(|file| file.decrypt(keys)).map_err(BackupError::Open)
    }
}
