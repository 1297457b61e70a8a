use std::fmt;

use serde::Serialize;

use crate::error::Violation;

/// Longest label in characters (spec section 6.2).
const MAX_LABEL: usize = 255;

/// A short text about a secret (name, algorithm, mode) of at most 255 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct Label(String);

impl Label {
    /// Takes the text as it is; `property` names the field in the refusal.
    pub fn new(property: &'static str, text: impl Into<String>) -> Result<Self, Violation> {
        let text = text.into();
        if text.chars().take(MAX_LABEL + 1).count() > MAX_LABEL {
            return Err(Violation::new(property, "is longer than 255 characters"));
        }
        // A NUL can't be kept by every database; nobody names a key with one.
        if text.contains('\0') {
            return Err(Violation::new(property, "contains a NUL character"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The length of a key in bits, 1 to 32767. It describes the payload and is not compared with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct BitLength(u16);

impl BitLength {
    /// Checks the range (spec section 6.2).
    pub fn new(bits: i64) -> Result<Self, Violation> {
        u16::try_from(bits)
            .ok()
            .filter(|bits| (1..=32767).contains(bits))
            .map(Self)
            .ok_or(Violation::new("bit_length", "is not between 1 and 32767"))
    }

    /// The number of bits.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// What kind of thing a secret is, as its owner says (spec section 6.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum SecretType {
    /// A key of a symmetric algorithm.
    Symmetric,
    /// A password or passphrase.
    Passphrase,
    /// The private half of a key pair.
    Private,
    /// The public half of a key pair.
    Public,
    /// A certificate.
    Certificate,
    /// Anything else.
    #[default]
    Opaque,
}

impl SecretType {
    /// Every type there is.
    pub const ALL: [Self; 6] =
        [Self::Symmetric, Self::Passphrase, Self::Private, Self::Public, Self::Certificate, Self::Opaque];

    /// The type's name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::Passphrase => "passphrase",
            Self::Private => "private",
            Self::Public => "public",
            Self::Certificate => "certificate",
            Self::Opaque => "opaque",
        }
    }

    /// The type of that exact name; letter case counts.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(Violation::new("secret_type", "is none of the six known secret types"))
    }
}

impl fmt::Display for SecretType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_count_characters_not_bytes() {
        assert!(Label::new("name", "ä".repeat(255)).is_ok());
        assert!(Label::new("name", "ä".repeat(256)).is_err());
    }

    #[test]
    fn bit_lengths_have_a_range_and_no_step() {
        assert_eq!(BitLength::new(7).unwrap().get(), 7);
        assert!(BitLength::new(0).is_err());
        assert!(BitLength::new(32767).is_ok());
        assert!(BitLength::new(32768).is_err());
        assert!(BitLength::new(-1).is_err());
    }

    #[test]
    fn secret_types_are_case_sensitive() {
        for known in SecretType::ALL {
            assert_eq!(SecretType::parse(known.as_str()), Ok(known));
        }
        assert!(SecretType::parse("Opaque").is_err());
    }
}
