use std::num::NonZeroU32;

use strongroom_core::secret::{DateFilter, SecretQuery, Sort};
use strongroom_core::{Error, NewPayload, NewSecret, Violation};

use crate::attributes::{Attributes, content_type, encoding, wants_transport_key};
use crate::call::Call;
use crate::http::json::{Fields, Null};

/// The body of `POST /secrets` (spec section 6.2).
pub(super) fn new_secret(call: &Call<'_>) -> Result<NewSecret, Error> {
    let mut fields = call.fields()?;
    let said = Attributes::take(&mut fields)?;
    refuse_transport_keys(&mut fields)?;
    let mut new = NewSecret::without_payload().of_type(said.secret_type);
    if let Some(name) = said.name {
        new = new.named(name.as_str())?;
    }
    if let Some(algorithm) = said.algorithm {
        new = new.for_algorithm(algorithm.as_str())?;
    }
    if let Some(mode) = said.mode {
        new = new.for_mode(mode.as_str())?;
    }
    if let Some(bits) = said.bit_length {
        new = new.of_bits(bits);
    }
    if let Some(at) = said.expiration {
        new = new.expiring(at);
    }
    match payload(&mut fields, call.settings.max_secret_bytes)? {
        Some(payload) => Ok(new.carrying(payload)),
        None => Ok(new),
    }
}

/// Transport keys are for backends that take wrapped payloads; no backend here is one (spec section 15).
fn refuse_transport_keys(fields: &mut Fields) -> Result<(), Violation> {
    if wants_transport_key(fields)? {
        return Err(Violation::new("transport_key_needed", "can't be met: no backend has transport keys"));
    }
    match fields.text("transport_key_id", Null::Refused)? {
        Some(_) => Err(NO_TRANSPORT_KEYS),
        None => Ok(()),
    }
}

/// What to say to whoever names a transport key.
pub(super) const NO_TRANSPORT_KEYS: Violation =
    Violation::new("transport_key_id", "can't be used: no backend has transport keys");

fn payload(fields: &mut Fields, limit: usize) -> Result<Option<NewPayload>, Error> {
    let type_given = fields.has("payload_content_type");
    let content_type = content_type(fields)?;
    let encoding = encoding(fields)?;
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

/// The query of `GET /secrets` (spec section 6.5).
pub(super) fn query(call: &Call<'_>) -> Result<SecretQuery, Error> {
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
        paging: call.paging(),
    })
}

/// What is no positive integer filters nothing; what no secret can have matches none.
fn bits(text: &str) -> Option<NonZeroU32> {
    let number: i64 = text.trim().parse().ok()?;
    NonZeroU32::new(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}
