//! JSON in and out, with the rules of spec section 5.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Value};
use strongroom_core::{Error, Violation};
use zeroize::Zeroizing;

use super::body::Collected;

/// The properties of a request's JSON object, strings trimmed.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

/// Whether an explicit `null` stands for "not given" or is an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Null {
    Allowed,
    Refused,
}

impl Fields {
    /// Reads an object. A body of more than `limit` bytes is malformed, as in the reference (Q-20).
    pub(crate) fn parse(body: &Collected, limit: usize) -> Result<Self, Error> {
        if std::str::from_utf8(&body.bytes).is_err() {
            return Err(Error::Unreadable);
        }
        let malformed = Violation::new("body", "is not well-formed JSON, or is too large");
        if body.cut || body.bytes.len() > limit {
            return Err(malformed.into());
        }
        match serde_json::from_slice(&body.bytes).map_err(|_| malformed)? {
            Value::Object(mut map) => {
                map.values_mut().for_each(trim);
                Ok(Self(map))
            }
            _ => Err(Violation::new("body", "is not a JSON object").into()),
        }
    }

    /// An object that is one of these fields' values.
    pub(crate) fn object(&mut self, property: &'static str) -> Result<Self, Violation> {
        match self.0.remove(property) {
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(_) => Err(Violation::new(property, "is not an object")),
            None => Err(Violation::new(property, "is required")),
        }
    }

    /// Whether the property is there at all, even as `null`.
    pub(crate) fn has(&self, property: &str) -> bool {
        self.0.contains_key(property)
    }

    /// Takes a text out. It is wiped when dropped, as it may be a payload.
    pub(crate) fn text(
        &mut self,
        property: &'static str,
        null: Null,
    ) -> Result<Option<Zeroizing<String>>, Violation> {
        match self.0.remove(property) {
            None => Ok(None),
            Some(Value::Null) if null == Null::Allowed => Ok(None),
            Some(Value::String(text)) => Ok(Some(Zeroizing::new(text))),
            Some(_) => Err(Violation::new(property, "is not a string")),
        }
    }

    /// Takes a text out that has to be there.
    pub(crate) fn required_text(&mut self, property: &'static str) -> Result<Zeroizing<String>, Violation> {
        self.text(property, Null::Refused)?.ok_or(Violation::new(property, "is required"))
    }

    /// Takes an integer out; `5.0` is one, `true` and `"5"` are not.
    pub(crate) fn integer(&mut self, property: &'static str) -> Result<Option<i64>, Violation> {
        let Some(value) = self.0.remove(property) else { return Ok(None) };
        let whole = value.as_i64().or_else(|| value.as_f64().and_then(whole_number));
        whole.map(Some).ok_or(Violation::new(property, "is not an integer"))
    }

    /// Every property that has not been taken out.
    pub(crate) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter()
    }

    /// Whether every property has been taken out.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn whole_number(number: f64) -> Option<i64> {
    // Printed without a fraction, a whole number of moderate size reads back as an integer.
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn trim(value: &mut Value) {
    match value {
        Value::String(text) => {
            let trimmed = text.trim();
            if trimmed.len() != text.len() {
                let kept = trimmed.to_owned();
                drop(Zeroizing::new(std::mem::replace(text, kept)));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(trim),
        Value::Object(map) => map.values_mut().for_each(trim),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes JSON in ASCII, everything else as `\u` escapes (spec section 3.1).
pub(crate) fn to_ascii(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Ascii);
    match value.serialize(&mut serializer) {
        Ok(()) => out,
        // Our own wire types have string keys and a vector takes every write.
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            b"null".to_vec()
        }
    }
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Fields, Error> {
        Fields::parse(&Collected { bytes: Zeroizing::new(text.to_vec()), cut: false }, text.len())
    }

    #[test]
    fn strings_are_trimmed_at_any_depth_and_the_last_duplicate_wins() {
        let mut fields = parse(br#"{"a": 1, "a": " x ", "o": {" k ": "\t v\n"}}"#).unwrap();
        assert_eq!(fields.required_text("a").unwrap().as_str(), "x");
        let inner: Vec<_> = fields.object("o").unwrap().rest().collect();
        assert_eq!(inner, [(" k ".to_owned(), Value::from("v"))]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in [&b""[..], b"{", b"[]", b"null", b"1", b"{} x"] {
            assert!(matches!(parse(text), Err(Error::Invalid(_))), "{text:?}");
        }
        assert!(matches!(parse(b"{\"a\": \"\xff\"}"), Err(Error::Unreadable)));
    }

    #[test]
    fn integers_follow_the_rule() {
        for (text, expected) in [("5", Some(5)), ("5.0", Some(5)), ("-1", Some(-1)), ("1e3", Some(1000))] {
            let mut fields = parse(format!("{{\"n\": {text}}}").as_bytes()).unwrap();
            assert_eq!(fields.integer("n"), Ok(expected), "{text}");
        }
        for text in ["true", "\"5\"", "5.5", "null", "[]", "1e300"] {
            let mut fields = parse(format!("{{\"n\": {text}}}").as_bytes()).unwrap();
            assert!(fields.integer("n").is_err(), "{text}");
        }
    }

    #[test]
    fn output_is_ascii() {
        assert_eq!(to_ascii(&"aä€𝄞\"\n"), br#""a\u00e4\u20ac\ud834\udd1e\"\n""#);
    }
}
