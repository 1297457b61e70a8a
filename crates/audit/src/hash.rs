use std::fmt;

use ring::digest::{Context, Digest, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes in a hash.
const LENGTH: usize = 32;
/// Hexadecimal digits of a hash.
pub(crate) const DIGITS: usize = 2 * LENGTH;

/// A SHA-256 hash: one link of the chain that ties every record to all records before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; LENGTH]);

impl Hash {
    /// What the first record of a node's journal continues from.
    pub(crate) fn first(node: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"strongroom audit journal 1\0");
        context.update(node.as_bytes());
        Self::from(context.finish())
    }

    /// The hash of a text by itself.
    pub(crate) fn of(text: &[u8]) -> Self {
        Self::from(ring::digest::digest(&SHA256, text))
    }

    /// The hash of the record whose text, past its own hash, is `parts` put together.
    pub(crate) fn then(self, parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        for part in parts {
            context.update(part);
        }
        Self::from(context.finish())
    }

    /// The hash as lower-case hexadecimal digits.
    pub(crate) fn digits(self) -> [u8; DIGITS] {
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&hexadecimal(byte));
        }
        digits
    }

    /// Reads lower-case hexadecimal digits; upper case would let a record be altered unnoticed.
    pub(crate) fn from_digits(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        let hash = Self(bytes);
        (hash.digits() == digits).then_some(hash)
    }
}

fn hexadecimal(byte: u8) -> [u8; 2] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    [digit(byte >> 4), digit(byte & 0xf)]
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        let mut bytes = [0; LENGTH];
        // The lengths are equal: SHA-256 has 32 bytes.
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Self::from_digits(digits.as_bytes()).ok_or_else(|| serde::de::Error::custom("not a SHA-256 hash"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_chain_is_sha256_over_the_previous_hash_and_the_text() {
        // printf '\0%.0s' {1..32} | cat - <(printf abc) | sha256sum
        let hash = Hash([0; LENGTH]).then(&[b"a", b"bc"]);
        let whole = ring::digest::digest(&SHA256, &[&[0; LENGTH][..], b"abc"].concat());
        assert_eq!(hash.to_string(), hex::encode(whole.as_ref()));
        assert_ne!(Hash::first("a"), Hash::first("b"));
    }

    proptest! {
        #[test]
        fn digits_read_back_in_lower_case_only(bytes: [u8; LENGTH]) {
            let hash = Hash(bytes);
            prop_assert_eq!(hash.digits().to_vec(), hex::encode(bytes).into_bytes());
            prop_assert_eq!(Hash::from_digits(&hash.digits()), Some(hash));
            let upper = hash.digits().to_ascii_uppercase();
            prop_assert!(upper == hash.digits() || Hash::from_digits(&upper).is_none());
        }
    }
}
