//! JSON in and out, with the rules of spec section 5.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Value};
use strongroom_core::secret::Label;
use strongroom_core::{Error, Violation};
use zeroize::Zeroizing;

use super::body::Collected;

/// The properties of a request's JSON object, strings trimmed.
#[derive(Debug, Clone)]
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

    /// The properties of an object that is the value of a property.
    pub(crate) fn of(value: Value, property: &'static str) -> Result<Self, Violation> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Violation::new(property, "is not an object")),
        }
    }

    /// Takes an object out.
    pub(crate) fn object(&mut self, property: &'static str) -> Result<Option<Self>, Violation> {
        self.0.remove(property).map(|value| Self::of(value, property)).transpose()
    }

    /// Takes an object out that has to be there.
    pub(crate) fn required_object(&mut self, property: &'static str) -> Result<Self, Violation> {
        self.object(property)?.ok_or(Violation::new(property, "is required"))
    }

    /// Takes an array out.
    pub(crate) fn array(&mut self, property: &'static str) -> Result<Option<Vec<Value>>, Violation> {
        match self.0.remove(property) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(Violation::new(property, "is not an array")),
        }
    }

    /// Takes a Boolean out.
    pub(crate) fn boolean(&mut self, property: &'static str) -> Result<Option<bool>, Violation> {
        match self.0.remove(property) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Violation::new(property, "is not a Boolean")),
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

    /// Takes a short text out.
    pub(crate) fn label(&mut self, property: &'static str, null: Null) -> Result<Option<Label>, Violation> {
        self.text(property, null)?.map(|text| Label::new(property, text.as_str())).transpose()
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
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
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
        let inner = fields.required_object("o").unwrap().into_map();
        assert_eq!(Value::Object(inner), serde_json::json!({" k ": "v"}));
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
    fn every_kind_of_value_is_taken_for_what_it_is() {
        let mut fields = parse(br#"{"o": [], "a": {}, "b": 1, "n": null, "f": true, "l": [1]}"#).unwrap();
        assert!(fields.object("o").is_err() && fields.array("a").is_err() && fields.boolean("b").is_err());
        assert!(fields.array("n").is_err());
        assert_eq!(fields.boolean("f"), Ok(Some(true)));
        assert_eq!(fields.array("l"), Ok(Some(vec![Value::from(1)])));
        assert_eq!((fields.boolean("f"), fields.array("l")), (Ok(None), Ok(None)));
        assert!(fields.object("o").unwrap().is_none() && fields.required_object("o").is_err());
        assert!(fields.is_empty());
    }

    #[test]
    fn output_is_ascii() {
        assert_eq!(to_ascii(&"aä€𝄞\"\n"), br#""a\u00e4\u20ac\ud834\udd1e\"\n""#);
    }
}
