use zeroize::Zeroizing;

use super::item::{Item, Value};

/// Length of tag, type and length together, in bytes.
pub(super) const HEADER_LEN: usize = 8;

pub(super) const STRUCTURE: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const LONG_INTEGER: u8 = 0x03;
pub(super) const BIG_INTEGER: u8 = 0x04;
pub(super) const ENUMERATION: u8 = 0x05;
pub(super) const BOOLEAN: u8 = 0x06;
pub(super) const TEXT: u8 = 0x07;
pub(super) const BYTES: u8 = 0x08;
pub(super) const DATE_TIME: u8 = 0x09;
pub(super) const INTERVAL: u8 = 0x0A;

/// The item's bytes, in memory that is wiped when dropped and has not been moved while it grew.
pub fn encode(item: &Item<'_>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded_length(item)));
    append(&mut bytes, item);
    bytes
}

/// Length of an item with everything in it, in bytes.
fn encoded_length(item: &Item<'_>) -> usize {
    HEADER_LEN + padded(value_length(&item.value))
}

fn value_length(value: &Value<'_>) -> usize {
    match value {
        Value::Structure(items) => items.iter().map(encoded_length).sum(),
        Value::Integer(_) | Value::Enumeration(_) | Value::Interval(_) => 4,
        Value::LongInteger(_) | Value::Boolean(_) | Value::DateTime(_) => 8,
        Value::Text(text) => text.len(),
        Value::BigInteger(bytes) | Value::Bytes(bytes) => bytes.len(),
    }
}

/// Every value ends at a multiple of eight bytes.
pub(super) fn padded(length: usize) -> usize {
    length.saturating_add(7) & !7
}

fn append(bytes: &mut Vec<u8>, item: &Item<'_>) {
    let [_, t0, t1, t2] = item.tag.0.to_be_bytes();
    let length = value_length(&item.value);
    bytes.extend([t0, t1, t2, type_of(&item.value)]);
    // A value above 4 GiB would not fit; a message is at most a small part of that.
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    match &item.value {
        Value::Structure(items) => items.iter().for_each(|item| append(bytes, item)),
        Value::Integer(number) => bytes.extend(number.to_be_bytes()),
        Value::Enumeration(number) | Value::Interval(number) => bytes.extend(number.to_be_bytes()),
        Value::LongInteger(number) | Value::DateTime(number) => bytes.extend(number.to_be_bytes()),
        Value::Boolean(value) => bytes.extend(u64::from(*value).to_be_bytes()),
        Value::Text(text) => bytes.extend(text.as_bytes()),
        Value::BigInteger(value) | Value::Bytes(value) => bytes.extend(*value),
    }
    bytes.resize(bytes.len() + padded(length) - length, 0);
}

fn type_of(value: &Value<'_>) -> u8 {
    match value {
        Value::Structure(_) => STRUCTURE,
        Value::Integer(_) => INTEGER,
        Value::LongInteger(_) => LONG_INTEGER,
        Value::BigInteger(_) => BIG_INTEGER,
        Value::Enumeration(_) => ENUMERATION,
        Value::Boolean(_) => BOOLEAN,
        Value::Text(_) => TEXT,
        Value::Bytes(_) => BYTES,
        Value::DateTime(_) => DATE_TIME,
        Value::Interval(_) => INTERVAL,
    }
}
