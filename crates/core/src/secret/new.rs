use super::base64::decode_leniently;
use super::{BitLength, ContentType, Label, Payload, SecretType};
use crate::error::{Error, Violation};
use crate::time::Timestamp;

/// A secret about to be stored: every field is already valid. Built with the field's own checked types,
/// so that a use case never meets a half-checked one.
///
/// ```
/// use strongroom_core::{NewSecret, SecretType};
///
/// let new = NewSecret::text("correct horse").named("db-password")?.of_type(SecretType::Passphrase);
/// # Ok::<(), strongroom_core::Violation>(())
/// ```
#[derive(Debug, Default)]
pub struct NewSecret {
    pub(crate) name: Option<Label>,
    pub(crate) algorithm: Option<Label>,
    pub(crate) mode: Option<Label>,
    pub(crate) bit_length: Option<BitLength>,
    pub(crate) secret_type: SecretType,
    pub(crate) expiration: Option<Timestamp>,
    pub(crate) payload: Option<NewPayload>,
}

impl NewSecret {
    /// A secret whose payload will be uploaded later (two-step creation, spec section 6.3).
    pub fn without_payload() -> Self {
        Self::default()
    }

    /// A text secret.
    pub fn text(text: impl Into<String>) -> Self {
        let payload = Payload::new(text.into().into_bytes());
        Self::default().carrying(NewPayload { content_type: ContentType::Text, payload })
    }

    /// A secret of any bytes.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        let payload = Payload::new(bytes);
        Self::default().carrying(NewPayload { content_type: ContentType::OctetStream, payload })
    }

    /// Gives it a payload.
    #[must_use]
    pub fn carrying(self, payload: NewPayload) -> Self {
        Self { payload: Some(payload), ..self }
    }

    /// Gives it a name; names need not be unique.
    pub fn named(self, name: impl Into<String>) -> Result<Self, Violation> {
        Ok(Self { name: Some(Label::new("name", name)?), ..self })
    }

    /// Says which algorithm the key is for; any text.
    pub fn for_algorithm(self, algorithm: impl Into<String>) -> Result<Self, Violation> {
        Ok(Self { algorithm: Some(Label::new("algorithm", algorithm)?), ..self })
    }

    /// Says which mode of operation the key is for; any text.
    pub fn for_mode(self, mode: impl Into<String>) -> Result<Self, Violation> {
        Ok(Self { mode: Some(Label::new("mode", mode)?), ..self })
    }

    /// Says how long the key is.
    #[must_use]
    pub fn of_bits(self, bits: BitLength) -> Self {
        Self { bit_length: Some(bits), ..self }
    }

    /// Says what kind of secret it is.
    #[must_use]
    pub fn of_type(self, secret_type: SecretType) -> Self {
        Self { secret_type, ..self }
    }

    /// From that instant on the secret can't be read by anybody. It must lie in the future when stored.
    #[must_use]
    pub fn expiring(self, at: Timestamp) -> Self {
        Self { expiration: Some(at), ..self }
    }
}

/// A payload about to be stored, with what it is said to be.
#[derive(Debug)]
pub struct NewPayload {
    pub(crate) content_type: ContentType,
    pub(crate) payload: Payload,
}

impl NewPayload {
    /// The payload of a one-step creation, by the rules of spec section 6.2 in their order: the type is
    /// known, the encoding fits it, the text is not larger than `limit` bytes as sent, not empty, and
    /// decodes. `text` has had the white space around it removed, as all JSON input has.
    pub fn from_json(
        text: &str,
        content_type: Option<&str>,
        encoding: Option<&str>,
        limit: usize,
    ) -> Result<Self, Error> {
        let named =
            content_type.ok_or(Violation::new("payload", "is given without a payload_content_type"))?;
        let content_type = ContentType::require(named)?;
        match (content_type, encoding) {
            (ContentType::Text, None) | (ContentType::OctetStream | ContentType::Pkcs8, Some("base64")) => {}
            (ContentType::Text, Some(_)) => {
                return Err(Violation::new("payload_content_encoding", "must not be given for text").into());
            }
            _ => {
                return Err(Violation::new("payload_content_encoding", "must be base64 for this type").into());
            }
        }
        if text.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        if text.is_empty() {
            return Err(Violation::new("payload", "is empty").into());
        }
        let payload = match content_type {
            ContentType::Text => Payload::new(text.as_bytes().to_vec()),
            ContentType::OctetStream | ContentType::Pkcs8 => decode_leniently(text.as_bytes())
                .map_err(|_| Violation::new("payload", "is not well-formed base64"))?,
        };
        Ok(Self { content_type, payload })
    }
}

/// A payload uploaded to a secret that was created without one (spec section 6.3).
#[derive(Debug)]
pub struct Upload {
    content_type: ContentType,
    body: Payload,
    /// What `Content-Encoding` says about `body`; looked at last.
    encoding: Option<String>,
}

impl Upload {
    /// From a request body: not empty, not larger than `limit` bytes. `None` for `content_type` means
    /// that the media type is neither of the two that may be uploaded.
    pub fn from_body(
        body: Payload,
        content_type: Option<ContentType>,
        content_encoding: Option<&str>,
        limit: usize,
    ) -> Result<Self, Error> {
        let content_type = content_type.ok_or(Error::UnsupportedMediaType)?;
        if body.is_empty() {
            return Err(Violation::new("payload", "is empty").into());
        }
        if body.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        let encoding = match content_type {
            // Text is kept verbatim whatever the header says.
            ContentType::Text => None,
            ContentType::OctetStream | ContentType::Pkcs8 => content_encoding.map(str::to_owned),
        };
        Ok(Self { content_type, body, encoding })
    }

    /// The bytes themselves, or decoded when they are said to be base64.
    pub(crate) fn decode(self) -> Result<NewPayload, Error> {
        let payload = match self.encoding.as_deref() {
            None => self.body,
            Some(name) if name.eq_ignore_ascii_case("base64") => decode_leniently(self.body.expose())
                .map_err(|_| Violation::new("payload", "is not well-formed base64"))?,
            Some(_) => {
                return Err(Violation::new("Content-Encoding", "is neither absent nor base64").into());
            }
        };
        Ok(NewPayload { content_type: self.content_type, payload })
    }
}

impl From<NewPayload> for Upload {
    fn from(new: NewPayload) -> Self {
        Self { content_type: new.content_type, body: new.payload, encoding: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, content_type: Option<&str>, encoding: Option<&str>) -> Result<Vec<u8>, Error> {
        NewPayload::from_json(text, content_type, encoding, 20).map(|new| new.payload.expose().to_vec())
    }

    #[test]
    fn one_step_rules_apply_in_their_order() {
        assert_eq!(json("pw", Some("text/plain"), None).unwrap(), b"pw");
        assert_eq!(json("YWJj", Some("application/octet-stream"), Some("base64")).unwrap(), b"abc");
        assert_eq!(json("!!!!", Some("application/pkcs8"), Some("base64")).unwrap(), b"");
        for (text, content_type, encoding) in [
            ("pw", None, None),
            ("pw", Some("plain-text"), None),
            ("pw", Some(""), None),
            ("pw", Some("text/plain"), Some("base64")),
            ("YWJj", Some("application/octet-stream"), None),
            ("YWJj", Some("application/octet-stream"), Some("binary")),
            ("", Some("text/plain"), None),
            ("abc", Some("application/octet-stream"), Some("base64")),
        ] {
            assert!(matches!(json(text, content_type, encoding), Err(Error::Invalid(_))), "{text:?}");
        }
        assert!(json(&"x".repeat(20), Some("text/plain"), None).is_ok());
        assert!(matches!(json(&"x".repeat(21), Some("text/plain"), None), Err(Error::TooLarge { .. })));
        // The type is judged before the size, the size before the emptiness.
        assert!(matches!(json(&"x".repeat(21), Some("x"), None), Err(Error::Invalid(_))));
    }

    fn body(
        bytes: &[u8],
        content_type: Option<ContentType>,
        encoding: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        Upload::from_body(Payload::new(bytes.to_vec()), content_type, encoding, 20)
            .and_then(Upload::decode)
            .map(|new| new.payload.expose().to_vec())
    }

    #[test]
    fn uploads_are_kept_verbatim_unless_base64() {
        use ContentType::{OctetStream, Text};
        assert_eq!(body(b" \0x ", Some(Text), None).unwrap(), b" \0x ");
        assert_eq!(body(b"\xff", Some(Text), Some("base64")).unwrap(), b"\xff");
        assert_eq!(body(b"YWJj", Some(OctetStream), None).unwrap(), b"YWJj");
        assert_eq!(body(b"YWJj", Some(OctetStream), Some("BASE64")).unwrap(), b"abc");
        assert!(matches!(body(b"abc", Some(OctetStream), Some("base64")), Err(Error::Invalid(_))));
        assert!(matches!(body(b"x", Some(OctetStream), Some("gzip")), Err(Error::Invalid(_))));
        assert!(matches!(body(b"", Some(Text), None), Err(Error::Invalid(_))));
        assert!(matches!(body(&[0; 21], Some(Text), None), Err(Error::TooLarge { .. })));
        assert!(matches!(body(b"", None, None), Err(Error::UnsupportedMediaType)));
    }
}
