//! One record as one line: `{"hash":"…","seq":N,"kind":"…",…}`. The hash covers the raw text after it, so
//! that checking a line needs no JSON reader and no canonical form.

use std::io::Write as _;

use serde::Serialize;

use crate::hash::{DIGITS, Hash};

const OPENING: &[u8] = b"{\"hash\":\"";
const AFTER_HASH: &[u8] = b"\",";
const SEQ: &[u8] = b"\"seq\":";
const KIND: &[u8] = b"\"kind\":\"";

/// The kind of a segment's first record.
pub(crate) const SEGMENT: &str = "segment";
/// The kind of a record in which the journal's key vouches for all records before.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The kind of a record of something that happened.
pub(crate) const EVENT: &str = "event";

/// Where the chain stands: what the next record continues from, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) hash: Hash,
    pub(crate) next_seq: u64,
}

impl Head {
    /// Where a node's journal begins.
    pub(crate) fn first(node: &str) -> Self {
        Self { hash: Hash::first(node), next_seq: 1 }
    }

    /// Where it stands after that record; `None` when the record is not the one that follows.
    pub(crate) fn after(&self, line: &Line<'_>) -> Option<Self> {
        let hash = line.hash_after(self.hash);
        (line.states(hash) && line.seq == self.next_seq).then(|| Self { hash, next_seq: line.seq + 1 })
    }

    /// Appends the next record's line to `buffer` and moves on.
    pub(crate) fn append(&mut self, body: &Body, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(OPENING);
        let hash_at = buffer.len();
        buffer.extend_from_slice(&[b'0'; DIGITS]);
        buffer.extend_from_slice(AFTER_HASH);
        let rest_at = buffer.len();
        // A Vec takes any text: this can't fail.
        write!(buffer, "\"seq\":{},", self.next_seq).ok();
        buffer.extend_from_slice(&body.0);
        self.hash = self.hash.then(&[buffer.get(rest_at..).unwrap_or_default()]);
        if let Some(place) = buffer.get_mut(hash_at..hash_at + DIGITS) {
            place.copy_from_slice(&self.hash.digits());
        }
        buffer.push(b'\n');
        self.next_seq += 1;
    }
}

/// A record's text from its kind on. It is made by whoever has the record to write, so that the journal's
/// one thread has only the number and the hash to add.
#[derive(Debug)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    /// The text of a record of that kind, whose fields are those of `value`, a struct.
    pub(crate) fn new(kind: &str, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut text = Vec::with_capacity(512);
        text.extend_from_slice(KIND);
        text.extend_from_slice(kind.as_bytes());
        text.push(b'"');
        let object_at = text.len();
        serde_json::to_writer(&mut text, value)?;
        // The fields follow the kind, in the same object.
        if let Some(brace) = text.get_mut(object_at) {
            *brace = b',';
        }
        Ok(Self(text))
    }

    /// Bytes in the text.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What can be told of a line without reading its JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The hash it claims, in hexadecimal digits.
    digits: &'a [u8],
    /// What the hash covers.
    rest: &'a [u8],
    /// Its number.
    pub(crate) seq: u64,
    /// Its kind.
    pub(crate) kind: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line without its newline apart; `None` when it is not of the journal's form.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let (digits, after) = text.strip_prefix(OPENING)?.split_at_checked(DIGITS)?;
        let rest = after.strip_prefix(AFTER_HASH)?;
        let seq_on = rest.strip_prefix(SEQ)?;
        let (seq, after) = seq_on.split_at_checked(memchr::memchr(b',', seq_on)?)?;
        let kind_on = after.strip_prefix(b",")?.strip_prefix(KIND)?;
        let (kind, _) = kind_on.split_at_checked(memchr::memchr(b'"', kind_on)?)?;
        let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
        Some(Self { digits, rest, seq, kind: std::str::from_utf8(kind).ok()? })
    }

    /// The hash it claims; `None` when the text is no hash.
    pub(crate) fn stated(&self) -> Option<Hash> {
        Hash::from_digits(self.digits)
    }

    /// The hash it must have when it follows `previous`.
    pub(crate) fn hash_after(&self, previous: Hash) -> Hash {
        previous.then(&[self.rest])
    }

    /// Whether it claims that hash.
    pub(crate) fn states(&self, hash: Hash) -> bool {
        self.digits == hash.digits()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    struct Fields<'a> {
        text: &'a str,
    }

    proptest! {
        #[test]
        fn what_is_appended_is_read_back(texts in proptest::collection::vec("\\PC*", 1..8), node in "[a-f0-9]{8}") {
            let mut head = Head::first(&node);
            let mut buffer = Vec::new();
            for text in &texts {
                head.append(&Body::new(EVENT, &Fields { text }).unwrap(), &mut buffer);
            }
            let mut expected = Head::first(&node);
            for (line, text) in buffer.split(|b| *b == b'\n').zip(&texts) {
                let parsed = Line::parse(line).unwrap();
                let hash = parsed.hash_after(expected.hash);
                prop_assert!(parsed.states(hash));
                prop_assert_eq!(parsed.stated(), Some(hash));
                prop_assert_eq!((parsed.seq, parsed.kind), (expected.next_seq, EVENT));
                let json: serde_json::Value = serde_json::from_slice(line).unwrap();
                prop_assert_eq!(json["text"].as_str(), Some(text.as_str()));
                expected = Head { hash, next_seq: expected.next_seq + 1 };
            }
            prop_assert_eq!(head, expected);
        }

        #[test]
        fn a_line_cut_before_its_kind_ends_is_none(text: Vec<u8>, cut in 0..105_usize) {
            prop_assert!(Line::parse(&text).is_none());
            let mut line = Vec::new();
            Head::first("n").append(&Body::new(EVENT, &Fields { text: "x" }).unwrap(), &mut line);
            prop_assert!(Line::parse(&line).is_some());
            line.truncate(cut.min(line.len() - 15));
            prop_assert!(Line::parse(&line).is_none(), "{}", String::from_utf8_lossy(&line));
        }
    }
}
