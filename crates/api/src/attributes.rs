//! What a request says about a secret it stores, or about a key it orders (spec sections 6.2 and 10.2).

use strongroom_core::secret::{BitLength, Label};
use strongroom_core::{SecretType, Timestamp, Violation};
use zeroize::Zeroizing;

use crate::http::json::{Fields, Null};

/// What is said about a secret, apart from its payload.
pub(crate) struct Attributes {
    pub(crate) name: Option<Label>,
    pub(crate) algorithm: Option<Label>,
    pub(crate) mode: Option<Label>,
    pub(crate) bit_length: Option<BitLength>,
    pub(crate) secret_type: SecretType,
    pub(crate) expiration: Option<Timestamp>,
}

impl Attributes {
    /// Takes them out of a request's properties.
    pub(crate) fn take(fields: &mut Fields) -> Result<Self, Violation> {
        Ok(Self {
            name: fields.label("name", Null::Allowed)?,
            algorithm: fields.label("algorithm", Null::Refused)?,
            mode: fields.label("mode", Null::Refused)?,
            bit_length: fields.integer("bit_length")?.map(BitLength::new).transpose()?,
            secret_type: match fields.text("secret_type", Null::Refused)? {
                Some(name) => SecretType::parse(&name)?,
                None => SecretType::default(),
            },
            expiration: expiration(fields)?,
        })
    }
}

fn expiration(fields: &mut Fields) -> Result<Option<Timestamp>, Violation> {
    match fields.text("expiration", Null::Refused)? {
        Some(text) if text.chars().count() > 255 => {
            Err(Violation::new("expiration", "is longer than 255 characters"))
        }
        Some(text) if !text.is_empty() => Timestamp::parse(&text)
            .map(Some)
            .map_err(|_| Violation::new("expiration", "is not an ISO 8601 time")),
        _ => Ok(None),
    }
}

/// What the payload is said to be, still to be judged.
pub(crate) fn content_type(fields: &mut Fields) -> Result<Option<Zeroizing<String>>, Violation> {
    let content_type = fields.text("payload_content_type", Null::Allowed)?;
    if content_type.as_ref().is_some_and(|name| name.chars().count() > 255) {
        return Err(Violation::new("payload_content_type", "is longer than 255 characters"));
    }
    Ok(content_type)
}

/// How the payload is encoded.
pub(crate) fn encoding(fields: &mut Fields) -> Result<Option<Zeroizing<String>>, Violation> {
    let encoding = fields.text("payload_content_encoding", Null::Refused)?;
    if encoding.as_ref().is_some_and(|name| name.as_str() != "base64") {
        return Err(Violation::new("payload_content_encoding", "is not base64"));
    }
    Ok(encoding)
}

/// Whether a transport key is asked for.
pub(crate) fn wants_transport_key(fields: &mut Fields) -> Result<bool, Violation> {
    match fields.text("transport_key_needed", Null::Refused)?.as_ref().map(|text| text.as_str()) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Violation::new("transport_key_needed", "is neither 'true' nor 'false'")),
    }
}
