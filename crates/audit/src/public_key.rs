use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Bytes in an Ed25519 public key.
const LENGTH: usize = 32;
/// What stands before the key in its `SubjectPublicKeyInfo` (RFC 8410 section 4).
const INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The Ed25519 key (RFC 8032) that proves a journal's checkpoints. It is no secret, but has to be kept where
/// whoever can write the journal can't write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; LENGTH]);

/// The text is no public key of the right kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an Ed25519 public key in PEM form; `strongroom-admin audit public-key` prints one")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// Of its 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads the PEM form of a `SubjectPublicKeyInfo` (RFC 7468 section 13).
    pub fn from_pem(text: &str) -> Result<Self, InvalidPublicKey> {
        let inner = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let encoded: String = inner.ok_or(InvalidPublicKey)?.split_ascii_whitespace().collect();
        let info = STANDARD.decode(encoded).map_err(|_| InvalidPublicKey)?;
        info.strip_prefix(&INFO).and_then(Self::from_bytes).ok_or(InvalidPublicKey)
    }

    /// The PEM form of its `SubjectPublicKeyInfo`, which other programs read too.
    pub fn to_pem(&self) -> String {
        let encoded = STANDARD.encode([&INFO[..], &self.0].concat());
        format!("{BEGIN}\n{encoded}\n{END}\n")
    }

    /// Whether this key's owner signed that message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// Hexadecimal digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)?;
        Self::from_bytes(&bytes).ok_or_else(|| serde::de::Error::custom("not an Ed25519 public key"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_forms_read_back(bytes: [u8; LENGTH]) {
            let key = PublicKey(bytes);
            prop_assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
        }

        #[test]
        fn nothing_else_is_a_key(text in "\\PC*", cut in 0..60_usize) {
            prop_assert!(PublicKey::from_pem(&text).is_err());
            let pem = PublicKey([7; LENGTH]).to_pem();
            let short = [&pem[..27 + cut], &pem[28 + cut..]].concat();
            prop_assert!(PublicKey::from_pem(&short).is_err());
        }
    }

    /// From RFC 8410 section 10.1.
    #[test]
    fn the_form_is_the_standards() {
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let key = PublicKey::from_pem(pem).unwrap();
        assert_eq!(key.to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
        assert_eq!(key.to_pem(), pem);
    }
}
