use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};

/// The bytes a secret protects. Wiped when dropped; never printed, cloned or serialised.
pub struct Payload(SecretSlice<u8>);

impl Payload {
    /// Takes ownership of the bytes; the vector's memory becomes the payload's.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(SecretSlice::from(bytes))
    }

    /// The bytes themselves. Every call is a place to look at when asking where payloads go.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte() {
        assert_eq!(format!("{:?}", Payload::new(b"canary".to_vec())), "Payload(redacted)");
    }
}
