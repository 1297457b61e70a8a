//! Transport keys: public keys that clients may wrap payloads with, for backends that take wrapped payloads
//! (spec section 15). No backend here is one, so they are kept and shown, and nothing else.

use crate::error::Violation;
use crate::id::TransportKeyId;
use crate::time::Timestamp;

/// Longest key text in characters.
const MAX_KEY: usize = 16_384;

/// A transport key at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportKey {
    /// Its id, made by the key manager.
    pub id: TransportKeyId,
    /// What it is.
    pub key: NewTransportKey,
    /// When it was added.
    pub created: Timestamp,
}

/// A transport key about to be added. Nothing about it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransportKey {
    plugin_name: String,
    transport_key: String,
}

impl NewTransportKey {
    /// Neither text may be blank.
    pub fn new(plugin_name: &str, transport_key: &str) -> Result<Self, Violation> {
        let sound = |property, text: &str, most| {
            if text.trim().is_empty() {
                Err(Violation::new(property, "is blank"))
            } else if text.chars().take(most + 1).count() > most || text.contains('\0') {
                Err(Violation::new(property, "is too long, or contains a NUL character"))
            } else {
                Ok(text.to_owned())
            }
        };
        Ok(Self {
            plugin_name: sound("plugin_name", plugin_name, 255)?,
            transport_key: sound("transport_key", transport_key, MAX_KEY)?,
        })
    }

    /// The backend it is for.
    pub fn plugin_name(&self) -> &str {
        &self.plugin_name
    }

    /// The public key, as it was given.
    pub fn transport_key(&self) -> &str {
        &self.transport_key
    }
}
