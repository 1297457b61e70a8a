use serde_json::Value;
use strongroom_core::order::{KeySpec, NewOrder, OrderType};
use strongroom_core::secret::BitLength;
use strongroom_core::{ContentType, Error, Payload, Timestamp, Violation};

use crate::attributes::{Attributes, content_type, encoding, wants_transport_key};
use crate::call::Call;
use crate::http::json::{Fields, Null};

/// The body of `POST /orders` (spec sections 10.2 and 27).
pub(super) fn new_order(call: &Call<'_>) -> Result<NewOrder, Error> {
    Ok(read(call.fields()?)?)
}

fn read(mut fields: Fields) -> Result<NewOrder, Violation> {
    let order_type = OrderType::parse(&fields.required_text("type")?)?;
    let mut meta = fields.required_object("meta")?;
    // Out of `meta` before anything else is made of it: it is a secret.
    let passphrase = meta.text("passphrase", Null::Allowed)?;
    let echo = meta.clone();
    let spec = key_spec(&mut meta)?;
    let passphrase = match order_type {
        OrderType::Asymmetric => {
            passphrase.filter(|text| !text.is_empty()).map(|text| Payload::new(text.as_bytes().to_vec()))
        }
        OrderType::Key => None,
    };
    let meta = shown_meta(echo, &spec);
    Ok(NewOrder { order_type, spec, passphrase, meta })
}

fn key_spec(meta: &mut Fields) -> Result<KeySpec, Violation> {
    let attributes = Attributes::take(meta)?;
    wants_transport_key(meta)?;
    encoding(meta)?;
    let content_type = match content_type(meta)?.filter(|name| !name.is_empty()) {
        Some(name) => ContentType::require(&name)?,
        None => ContentType::OctetStream,
    };
    if meta.has("payload") {
        return Err(Violation::new("payload", "must not be given in an order"));
    }
    let algorithm = attributes.algorithm.filter(|name| !name.as_str().is_empty());
    let algorithm = algorithm.ok_or(Violation::new("algorithm", "is required"))?;
    let bit_length = attributes.bit_length.ok_or(Violation::new("bit_length", "is required"))?;
    check_length(algorithm.as_str(), bit_length)?;
    Ok(KeySpec {
        name: attributes.name,
        algorithm,
        mode: attributes.mode,
        bit_length,
        expiration: attributes.expiration,
        content_type,
    })
}

/// Elliptic curves have lengths of their own; every other key is made of whole bytes.
fn check_length(algorithm: &str, length: BitLength) -> Result<(), Violation> {
    if algorithm.eq_ignore_ascii_case("ec") {
        return match length.get() {
            256 | 384 | 521 => Ok(()),
            _ => Err(Violation::new("bit_length", "is none of 256, 384 and 521")),
        };
    }
    if length.get().is_multiple_of(8) {
        Ok(())
    } else {
        Err(Violation::new("bit_length", "is not a multiple of 8"))
    }
}

/// `meta` as it is shown again: as it was sent, with name and expiration always there.
fn shown_meta(echo: Fields, spec: &KeySpec) -> String {
    let mut meta = echo.into_map();
    meta.entry("name").or_insert(Value::Null);
    let expiration = spec.expiration.map(to_microseconds);
    meta.insert("expiration".to_owned(), expiration.into());
    Value::Object(meta).to_string()
}

/// Unlike elsewhere, the fraction is there even when it is zero.
fn to_microseconds(time: Timestamp) -> String {
    let text = time.to_string();
    if text.contains('.') { text } else { format!("{text}.000000") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn order(order_type: &str, meta: &Value) -> Result<NewOrder, Violation> {
        read(Fields::of(json!({"type": order_type, "meta": meta}), "body")?)
    }

    #[test]
    fn meta_is_shown_as_sent_with_name_and_expiration() {
        let meta = json!({"algorithm": "aes", "bit_length": 256, "extra": [1], "expiration": "2040-01-01"});
        let order = order("key", &meta).unwrap();
        let shown: Value = serde_json::from_str(&order.meta).unwrap();
        let expected = json!({
            "algorithm": "aes", "bit_length": 256, "extra": [1], "name": null,
            "expiration": "2040-01-01T00:00:00.000000",
        });
        assert_eq!(shown, expected);
        assert_eq!(order.spec.content_type, ContentType::OctetStream);
    }

    #[test]
    fn lengths_are_whole_bytes_but_for_curves() {
        for (algorithm, bits, good) in [
            ("aes", 256, true),
            ("aes", 255, false),
            ("anything", 8, true),
            ("EC", 521, true),
            ("ec", 384, true),
            ("ec", 512, false),
            ("rsa", 521, false),
        ] {
            let meta = json!({"algorithm": algorithm, "bit_length": bits});
            assert_eq!(order("asymmetric", &meta).is_ok(), good, "{algorithm} {bits}");
        }
    }

    proptest! {
        #[test]
        fn a_passphrase_is_shown_nowhere(text in "[a-z]{16,40}", pair: bool) {
            let kind = if pair { "asymmetric" } else { "key" };
            let meta = json!({"algorithm": "rsa", "bit_length": 2048, "passphrase": text});
            let order = order(kind, &meta).unwrap();
            let told = format!("{order:?}");
            prop_assert!(!told.contains(&text), "{}", told);
            let kept = order.passphrase.as_ref().map(Payload::expose);
            prop_assert_eq!(kept, pair.then_some(text.as_bytes()));
        }

        #[test]
        fn no_meta_makes_the_reader_panic(key in "[a-z_]{0,12}", text in "\\PC*", number: f64) {
            for value in [json!(text), json!(number), json!([text]), Value::Null] {
                order("key", &json!({"algorithm": "aes", "bit_length": 8, key.as_str(): value})).ok();
            }
        }
    }
}
