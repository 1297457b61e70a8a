use std::num::NonZeroU32;

use strongroom_core::secret::{BitLength, DateFilter, Paging, SecretQuery, Sort};
use strongroom_core::{Error, NewPayload, NewSecret, SecretType, Timestamp, Violation};

use crate::http::json::{Fields, Null};
use crate::pipeline::Call;

/// The body of `POST /secrets` (spec section 6.2).
pub(super) fn new_secret(call: &Call<'_>) -> Result<NewSecret, Error> {
    let mut fields = json_body(call)?;
    let mut new = NewSecret::without_payload();
    if let Some(name) = fields.text("name", Null::Allowed)? {
        new = new.named(name.as_str())?;
    }
    if let Some(algorithm) = fields.text("algorithm", Null::Refused)? {
        new = new.for_algorithm(algorithm.as_str())?;
    }
    if let Some(mode) = fields.text("mode", Null::Refused)? {
        new = new.for_mode(mode.as_str())?;
    }
    if let Some(bits) = fields.integer("bit_length")? {
        new = new.of_bits(BitLength::new(bits)?);
    }
    if let Some(name) = fields.text("secret_type", Null::Refused)? {
        new = new.of_type(SecretType::parse(&name)?);
    }
    if let Some(at) = expiration(&mut fields)? {
        new = new.expiring(at);
    }
    refuse_transport_keys(&mut fields)?;
    match payload(&mut fields, call.settings.max_secret_bytes)? {
        Some(payload) => Ok(new.carrying(payload)),
        None => Ok(new),
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

/// Transport keys need a plug-in that takes wrapped payloads; no backend here is one (spec section 15).
fn refuse_transport_keys(fields: &mut Fields) -> Result<(), Violation> {
    match fields.text("transport_key_needed", Null::Refused)?.as_ref().map(|text| text.as_str()) {
        None | Some("false") => {}
        Some("true") => {
            return Err(Violation::new(
                "transport_key_needed",
                "can't be met: no backend has transport keys",
            ));
        }
        Some(_) => return Err(Violation::new("transport_key_needed", "is neither 'true' nor 'false'")),
    }
    match fields.text("transport_key_id", Null::Refused)? {
        Some(_) => Err(Violation::new("transport_key_id", "names no transport key")),
        None => Ok(()),
    }
}

fn payload(fields: &mut Fields, limit: usize) -> Result<Option<NewPayload>, Error> {
    let type_given = fields.has("payload_content_type");
    let content_type = fields.text("payload_content_type", Null::Allowed)?;
    if content_type.as_ref().is_some_and(|name| name.chars().count() > 255) {
        return Err(Violation::new("payload_content_type", "is longer than 255 characters").into());
    }
    let encoding = fields.text("payload_content_encoding", Null::Refused)?;
    if encoding.as_ref().is_some_and(|name| name.as_str() != "base64") {
        return Err(Violation::new("payload_content_encoding", "is not base64").into());
    }
    match fields.text("payload", Null::Refused)? {
        Some(text) => {
            let content_type = content_type.as_ref().map(|name| name.as_str());
            let encoding = encoding.as_ref().map(|name| name.as_str());
            NewPayload::from_json(&text, content_type, encoding, limit).map(Some)
        }
        None if type_given => Err(Violation::new("payload", "is missing beside its content type").into()),
        None => Ok(None),
    }
}

/// The request's JSON object; a body of any other media type is refused (spec section 3.3).
pub(crate) fn json_body(call: &Call<'_>) -> Result<Fields, Error> {
    if super::payload::media_type(&call.headers) != Some("application/json") {
        return Err(Error::UnsupportedMediaType);
    }
    Fields::parse(&call.body, call.settings.max_request_bytes)
}

/// The query of `GET /secrets` (spec section 6.5).
pub(super) fn query(call: &Call<'_>, paging: Paging) -> Result<SecretQuery, Error> {
    let given = &call.query;
    let date = |property| DateFilter::parse(property, given.filled(property).unwrap_or_default());
    let shared = given.filled("acl_only").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    Ok(SecretQuery {
        name: given.decoded_twice("name"),
        algorithm: given.filled("alg").map(str::to_owned),
        mode: given.filled("mode").map(str::to_owned),
        bits: given.filled("bits").and_then(bits),
        secret_type: given.filled("secret_type").map(str::to_owned),
        created: date("created")?,
        updated: date("updated")?,
        expiration: date("expiration")?,
        sort: Sort::parse(given.filled("sort").unwrap_or_default())?,
        shared_with: call.context.caller.user.clone().filter(|_| shared),
        paging,
    })
}

/// What is no positive integer filters nothing; what no secret can have matches none.
fn bits(text: &str) -> Option<NonZeroU32> {
    let number: i64 = text.trim().parse().ok()?;
    NonZeroU32::new(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
