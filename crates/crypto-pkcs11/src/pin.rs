use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use strongroom_crypto::{KeyFileError, read_private_credential, read_private_file};

use crate::error::Pkcs11Error;

/// Where the user's PIN comes from. It is read anew for each login and not kept.
#[derive(Clone)]
pub enum PinSource {
    /// A file that nobody but the service can read (mode 0400).
    File(PathBuf),
    /// A file of that name in the service manager's folder of credentials.
    Credential {
        /// The folder.
        folder: PathBuf,
        /// The file's name.
        name: String,
    },
    /// What an operator has just typed.
    Typed(SecretString),
}

impl PinSource {
    pub(crate) fn read(&self) -> Result<SecretString, Pkcs11Error> {
        let text = match self {
            Self::Typed(pin) => return Ok(pin.clone()),
            Self::File(path) => read_private_file(path),
            Self::Credential { folder, name } => read_private_credential(folder, name),
        };
        let text = text.map_err(|source| match source {
            KeyFileError::Missing { path } => Pkcs11Error::NoPinFile(path),
            other => Pkcs11Error::PinFile(other),
        })?;
        let pin = text.strip_suffix(b"\n").unwrap_or(&text);
        if pin.is_empty() || pin.contains(&b'\n') {
            return Err(Pkcs11Error::NotAPin);
        }
        // Of exactly its length, so that nothing of it is left behind by making it so.
        String::from_utf8(pin.to_vec()).map(SecretString::from).map_err(|error| {
            zeroize::Zeroize::zeroize(&mut error.into_bytes());
            Pkcs11Error::NotAPin
        })
    }
}

impl fmt::Debug for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Credential { folder, name } => write!(f, "Credential({})", folder.join(name).display()),
            Self::Typed(_) => f.write_str("Typed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &[u8], mode: u32) -> Result<String, Pkcs11Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        PinSource::File(path).read().map(|pin| pin.expose_secret().to_owned())
    }

    #[test]
    fn one_line_is_a_pin_with_or_without_its_end() {
        assert_eq!(read(b"1234", 0o400).unwrap(), "1234");
        assert_eq!(read(b"user name:pass word\n", 0o400).unwrap(), "user name:pass word");
    }

    #[test]
    fn what_is_no_pin_or_open_to_others_is_refused_without_showing_it() {
        for text in [b"".as_slice(), b"\n", b"12\n34", b"\xff\xfe"] {
            assert!(matches!(read(text, 0o400), Err(Pkcs11Error::NotAPin)), "{text:?}");
        }
        assert!(matches!(read(b"987654", 0o440), Err(Pkcs11Error::PinFile(KeyFileError::Mode { .. }))));
        let missing = PinSource::File("/nonexistent-folder/pin".into()).read().unwrap_err();
        assert!(!matches!(missing, Pkcs11Error::NotAPin), "{missing}");
        let typed = format!("{:?}", PinSource::Typed(SecretString::from("987654")));
        assert!(!typed.contains("987654"), "{typed}");
    }
}
