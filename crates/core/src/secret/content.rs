use std::fmt;

use crate::error::{Error, Violation};

/// What the stored bytes are said to be (spec section 6.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentType {
    /// UTF-8 text, `text/plain`.
    Text,
    /// Any bytes, `application/octet-stream`.
    OctetStream,
    /// A PKCS#8 structure, `application/pkcs8`. The bytes are not looked at.
    Pkcs8,
}

impl ContentType {
    /// The spellings named in the refusal of an unsupported type; a public test suite compares its start
    /// (spec section 4.4).
    pub const SUPPORTED: &'static str = "is not one of ['text/plain', 'text/plain;charset=utf-8', \
         'text/plain; charset=utf-8', 'application/octet-stream', 'application/pkcs8']";

    /// The normalised name, as stored and as listed in `content_types`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::OctetStream => "application/octet-stream",
            Self::Pkcs8 => "application/pkcs8",
        }
    }

    /// Normalises a type as sent: the type's letter case and all spaces are ignored, and the first
    /// parameter may only be `charset=utf-8`. Anything else is not supported.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(|part| part.replace(' ', "").to_ascii_lowercase());
        let essence = parts.next()?;
        let charset = parts.next();
        match (essence.as_str(), charset.as_deref()) {
            ("text/plain", None | Some("charset=utf-8")) => Some(Self::Text),
            ("application/octet-stream", None) => Some(Self::OctetStream),
            ("application/pkcs8", None) => Some(Self::Pkcs8),
            _ => None,
        }
    }

    /// The stored name read back; nothing but the exact names is accepted.
    pub fn from_stored(name: &str) -> Option<Self> {
        [Self::Text, Self::OctetStream, Self::Pkcs8].into_iter().find(|known| known.as_str() == name)
    }

    /// Like [`Self::parse`], with the refusal a client sees.
    pub fn require(text: &str) -> Result<Self, Violation> {
        Self::parse(text).ok_or(Violation::new("payload_content_type", Self::SUPPORTED))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which form a reader wants the payload. The bytes never change; only what they are called does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadFormat {
    /// As the type it was stored with.
    Stored,
    /// As the named type, whatever it was stored as (spec section 6.4).
    As(ContentType),
}

impl PayloadFormat {
    /// Decides what the bytes are called, and refuses to call them text when they are not UTF-8.
    pub(crate) fn resolve(self, stored: ContentType, bytes: &[u8]) -> Result<ContentType, Error> {
        let named = match self {
            Self::Stored => stored,
            Self::As(named) => named,
        };
        if named == ContentType::Text && std::str::from_utf8(bytes).is_err() {
            // Bytes PUT as text are kept verbatim even when they are not UTF-8; read as stored they are
            // handed out as plain bytes rather than refused.
            return match self {
                Self::Stored => Ok(ContentType::OctetStream),
                Self::As(_) => Err(Error::NotAcceptable),
            };
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_normalise() {
        for text in ["text/plain", "TEXT/plain", "text/plain;charset=UTF-8", "text/plain ; charset=utf-8"] {
            assert_eq!(ContentType::parse(text), Some(ContentType::Text), "{text}");
        }
        assert_eq!(ContentType::parse("text/plain;charset=utf-8;x=y"), Some(ContentType::Text));
        for text in ["", "text/plain;charset=latin-1", "application/aes", "application/pkix-cert", "text/*"] {
            assert_eq!(ContentType::parse(text), None, "{text}");
        }
    }
}
