use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustix::fs::OFlags;
use rustix::io::Errno;
use strongroom_core::Timestamp;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::FileError;
use crate::folder::{Folder, segments};
use crate::line::Head;
use crate::public_key::PublicKey;
use crate::statement::{Purpose, Statement};

/// The file that holds the key.
const FILE: &str = "signing-key";
/// The one mode it may have.
const MODE: u32 = 0o400;
/// Longest file that is read, in bytes; the key has 83.
const LONGEST: u64 = 1024;

/// Why there is no key to sign with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The journal has records and no key. One that is made unasked would hide that the other was taken away.
    #[error(
        "{} is missing although there are records; restore it, or go on with a new key by \
         `strongroom-admin audit new-key`, and keep the new public key beside the old one", .0.display()
    )]
    Missing(PathBuf),
    /// There is a key already, which is not replaced.
    #[error("{} exists already and was left untouched; move it away first", .0.display())]
    Exists(PathBuf),
    /// Others could have read, or could exchange, the key.
    #[error(
        "{} has owner {owner} and mode {mode:04o}, but has to be the service's own with mode 0400; \
         run: chmod 0400 {}", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is no Ed25519 key in PKCS#8 form, or no file at all.
    #[error("{} is not an Ed25519 key in PKCS#8 form; restore it", .0.display())]
    Unusable(PathBuf),
    /// The system gives no randomness.
    #[error("the system gives no random bytes to make a key from")]
    Randomness,
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The Ed25519 key (RFC 8032) with which a journal's writer signs.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Reads the key of the journal in that folder, if nobody else could have.
    pub(crate) fn load(folder: &Path) -> Result<Self, SigningKeyError> {
        let path = folder.join(FILE);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(&path);
        let file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT) => SigningKeyError::Missing(path.clone()),
            Some(Errno::LOOP) => SigningKeyError::Unusable(path.clone()),
            _ => FileError::when("open", &path)(error).into(),
        })?;
        let found = file.metadata().map_err(FileError::when("look at", &path))?;
        let (owner, mode) = (found.uid(), found.mode() & 0o7777);
        if !found.is_file() {
            return Err(SigningKeyError::Unusable(path));
        }
        if mode != MODE || owner != rustix::process::geteuid().as_raw() {
            return Err(SigningKeyError::Exposed { path, owner, mode });
        }
        let mut document = Zeroizing::new(Vec::with_capacity(256));
        file.take(LONGEST).read_to_end(&mut document).map_err(FileError::when("read", &path))?;
        let pair = Ed25519KeyPair::from_pkcs8(&document).ok();
        let public = |pair: &Ed25519KeyPair| PublicKey::from_bytes(pair.public_key().as_ref());
        let key = pair.and_then(|pair| Some(Self { public: public(&pair)?, pair }));
        key.ok_or(SigningKeyError::Unusable(path))
    }

    /// Makes the key of a journal that begins; one that a start cut short left is taken.
    pub(crate) fn load_or_create(folder: &Folder) -> Result<Self, SigningKeyError> {
        match Self::load(folder.path()) {
            Err(SigningKeyError::Missing(_)) => Self::create(folder),
            loaded => loaded,
        }
    }

    fn create(folder: &Folder) -> Result<Self, SigningKeyError> {
        let (path, draft) = (folder.path().join(FILE), folder.path().join("signing-key.new"));
        if fs::symlink_metadata(&path).is_ok() {
            return Err(SigningKeyError::Exists(path));
        }
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let document = document.map_err(|_| SigningKeyError::Randomness)?;
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::when("remove", &draft)(error).into());
            }
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&draft);
        let written = file.and_then(|mut file: File| {
            file.write_all(document.as_ref())?;
            file.sync_all()
        });
        written.map_err(FileError::when("write", &draft))?;
        fs::rename(&draft, &path).map_err(FileError::when("name", &path))?;
        folder.sync()?;
        Self::load(folder.path())
    }

    /// What proves its signatures.
    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs that the journal is as it was written up to where it stands.
    pub(crate) fn sign(
        &self,
        purpose: Purpose,
        node: &str,
        segment: u64,
        stands: Head,
        at: Timestamp,
    ) -> Statement {
        let mut statement = Statement {
            at: at.to_string(),
            node: node.to_owned(),
            segment,
            through: stands.next_seq.saturating_sub(1),
            through_hash: stands.hash,
            key: self.public,
            signature: String::new(),
        };
        statement.signature = hex::encode(self.pair.sign(&statement.message(purpose)));
        statement
    }
}

/// The public key of the journal in that folder, read from its signing key.
pub fn public_key(folder: &Path) -> Result<PublicKey, SigningKeyError> {
    Ok(SigningKey::load(folder)?.public)
}

/// Makes a new key for a journal that has lost its own. No server may have the journal open.
pub fn new_signing_key(folder: &Path) -> Result<PublicKey, crate::OpenError> {
    let locked = Folder::open(folder, false)?;
    if segments(folder)?.is_empty() {
        return Err(crate::OpenError::NoSegments(folder.to_owned()));
    }
    Ok(SigningKey::create(&locked)?.public)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_read_back() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        assert!(matches!(SigningKey::load(place.path()), Err(SigningKeyError::Missing(_))));
        let made = SigningKey::load_or_create(&folder).unwrap().public();
        assert_eq!(SigningKey::load_or_create(&folder).unwrap().public(), made);
        assert_eq!(public_key(place.path()).unwrap(), made);
        assert!(matches!(SigningKey::create(&folder), Err(SigningKeyError::Exists(_))));
        assert_eq!(fs::metadata(place.path().join(FILE)).unwrap().mode() & 0o7777, MODE);
    }

    #[test]
    fn a_key_that_others_may_have_touched_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let (folder, path) = (Folder::open(place.path(), false).unwrap(), place.path().join(FILE));
        SigningKey::load_or_create(&folder).unwrap();
        for mode in [0o600, 0o440, 0o404] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = SigningKey::load(place.path());
            assert!(matches!(refused, Err(SigningKeyError::Exposed { mode: found, .. }) if found == mode));
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(MODE)).unwrap();
        fs::rename(&path, place.path().join("elsewhere")).unwrap();
        symlink("elsewhere", &path).unwrap();
        assert!(matches!(SigningKey::load(place.path()), Err(SigningKeyError::Unusable(_))));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(SigningKey::load(place.path()).is_err());
    }

    #[test]
    fn what_is_signed_for_one_purpose_and_place_proves_no_other() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        let key = SigningKey::load_or_create(&folder).unwrap();
        let at = Timestamp::from_micros(0).unwrap();
        let mut stands = Head::first("n");
        stands.next_seq = 8;
        let signed = key.sign(Purpose::Checkpoint, "n", 1, stands, at);
        assert!(signed.is_signed(Purpose::Checkpoint) && !signed.is_signed(Purpose::Pruned));
        let json = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), signed);
        for altered in [
            Statement { through: 8, ..signed.clone() },
            Statement { segment: 2, ..signed.clone() },
            Statement { node: "m".to_owned(), ..signed.clone() },
            Statement { at: String::new(), ..signed.clone() },
            Statement { signature: signed.signature[2..].to_owned(), ..signed.clone() },
        ] {
            assert!(!altered.is_signed(Purpose::Checkpoint), "{altered:?}");
        }
    }
}
