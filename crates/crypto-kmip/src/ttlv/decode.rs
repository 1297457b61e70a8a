use thiserror::Error;

use super::encode::{
    BIG_INTEGER, BOOLEAN, BYTES, DATE_TIME, ENUMERATION, HEADER_LEN, INTEGER, INTERVAL, LONG_INTEGER,
    STRUCTURE, TEXT, padded,
};
use super::item::{Item, Tag, Value};

/// The longest message that is read, in bytes: a secret is far below it.
pub const MAX_MESSAGE: usize = 1 << 20;
/// The deepest nesting that is read; the standard's messages have about eight levels.
pub const MAX_DEPTH: usize = 16;

/// Why bytes are not a KMIP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message ends before the item does.
    #[error("it ends in the middle of an item")]
    Truncated,
    /// Something stands behind the message's end.
    #[error("{0} bytes stand behind its end")]
    Trailing(usize),
    /// It is longer than anything that is read.
    #[error("it is {0} bytes long, more than {MAX_MESSAGE}")]
    TooLong(usize),
    /// It is nested deeper than anything that is read.
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// There is no such type of value.
    #[error("it holds a value of the unknown type {0:#04x}")]
    UnknownType(u8),
    /// A value's length is not one that its type can have.
    #[error("a value of type {kind:#04x} can't be {length} bytes long")]
    Length {
        /// The type, as in the message.
        kind: u8,
        /// The length found.
        length: usize,
    },
    /// A boolean is neither 0 nor 1.
    #[error("a boolean is neither true nor false")]
    Boolean,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// The bytes behind a value are not zero.
    #[error("the padding of a value is not zero")]
    Padding,
}

/// How long the message is that begins with these eight bytes, itself included.
pub fn message_length(header: [u8; HEADER_LEN]) -> Result<usize, DecodeError> {
    let [_, _, _, kind, l0, l1, l2, l3] = header;
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if kind != STRUCTURE {
        return Err(DecodeError::UnknownType(kind));
    }
    let whole = length.saturating_add(HEADER_LEN);
    if whole > MAX_MESSAGE { Err(DecodeError::TooLong(whole)) } else { Ok(whole) }
}

/// The one item that these bytes are.
pub fn decode(bytes: &[u8]) -> Result<Item<'_>, DecodeError> {
    if bytes.len() > MAX_MESSAGE {
        return Err(DecodeError::TooLong(bytes.len()));
    }
    let (item, rest) = item(bytes, MAX_DEPTH)?;
    if rest.is_empty() { Ok(item) } else { Err(DecodeError::Trailing(rest.len())) }
}

/// The item at the front, and what stands behind it. `levels` is how deep it may be nested.
fn item(bytes: &[u8], levels: usize) -> Result<(Item<'_>, &[u8]), DecodeError> {
    let levels = levels.checked_sub(1).ok_or(DecodeError::TooDeep)?;
    let ([t0, t1, t2, kind, l0, l1, l2, l3], rest) =
        bytes.split_first_chunk::<HEADER_LEN>().ok_or(DecodeError::Truncated)?;
    let tag = Tag(u32::from_be_bytes([0, *t0, *t1, *t2]));
    let length = usize::try_from(u32::from_be_bytes([*l0, *l1, *l2, *l3])).unwrap_or(usize::MAX);
    let (area, rest) = rest.split_at_checked(padded(length)).ok_or(DecodeError::Truncated)?;
    let (value, padding) = area.split_at_checked(length).ok_or(DecodeError::Truncated)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::Padding);
    }
    Ok((Item { tag, value: self::value(*kind, value, levels)? }, rest))
}

fn value(kind: u8, bytes: &[u8], levels: usize) -> Result<Value<'_>, DecodeError> {
    let wrong_length = || DecodeError::Length { kind, length: bytes.len() };
    let four = || bytes.try_into().map_err(|_| wrong_length());
    let eight = || bytes.try_into().map_err(|_| wrong_length());
    Ok(match kind {
        STRUCTURE => Value::Structure(items(bytes, levels)?),
        INTEGER => Value::Integer(i32::from_be_bytes(four()?)),
        LONG_INTEGER => Value::LongInteger(i64::from_be_bytes(eight()?)),
        BIG_INTEGER if !bytes.is_empty() && bytes.len().is_multiple_of(8) => Value::BigInteger(bytes),
        BIG_INTEGER => return Err(wrong_length()),
        ENUMERATION => Value::Enumeration(u32::from_be_bytes(four()?)),
        BOOLEAN => match u64::from_be_bytes(eight()?) {
            0 => Value::Boolean(false),
            1 => Value::Boolean(true),
            _ => return Err(DecodeError::Boolean),
        },
        TEXT => Value::Text(str::from_utf8(bytes).map_err(|_| DecodeError::Text)?),
        BYTES => Value::Bytes(bytes),
        DATE_TIME => Value::DateTime(i64::from_be_bytes(eight()?)),
        INTERVAL => Value::Interval(u32::from_be_bytes(four()?)),
        unknown => return Err(DecodeError::UnknownType(unknown)),
    })
}

fn items(mut bytes: &[u8], levels: usize) -> Result<Vec<Item<'_>>, DecodeError> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (item, rest) = item(bytes, levels)?;
        items.push(item);
        bytes = rest;
    }
    Ok(items)
}
