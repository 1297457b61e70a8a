use std::collections::BTreeMap;

use crate::error::Violation;

/// Longest key or value in characters (spec section 7).
const MAX_LENGTH: usize = 255;

/// A user metadata key: `[A-Za-z0-9_-]*`, at most 255 characters, kept in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MetadataKey(String);

impl MetadataKey {
    /// Checks the character set and lower-cases (spec section 7). The empty key is allowed.
    pub fn new(text: &str) -> Result<Self, Violation> {
        if text.len() > MAX_LENGTH {
            return Err(Violation::new("key", "is longer than 255 characters"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(Violation::new("key", "has characters other than letters, digits, '-' and '_'"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The key in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user metadata value of at most 255 characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetadataValue(String);

impl MetadataValue {
    /// Checks the length.
    pub fn new(text: impl Into<String>) -> Result<Self, Violation> {
        let text = text.into();
        if text.chars().take(MAX_LENGTH + 1).count() > MAX_LENGTH {
            return Err(Violation::new("value", "is longer than 255 characters"));
        }
        if text.contains('\0') {
            return Err(Violation::new("value", "contains a NUL character"));
        }
        Ok(Self(text))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All user metadata of one secret, by key.
pub type UserMetadata = BTreeMap<MetadataKey, MetadataValue>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_lower_case() {
        assert_eq!(MetadataKey::new("Key_1-A").unwrap().as_str(), "key_1-a");
        assert!(MetadataKey::new("").is_ok());
        for bad in ["a b", "a.b", "ä", "a/b"] {
            assert!(MetadataKey::new(bad).is_err(), "{bad}");
        }
        assert!(MetadataKey::new(&"k".repeat(256)).is_err());
        assert!(MetadataValue::new("v".repeat(256)).is_err());
    }
}
