//! How the domain's values lie in columns, and how they are read back with distrust.

use strongroom_core::ports::MasterKeyVersion;
use strongroom_core::secret::{Label, Paging};
use strongroom_core::{ContentType, Fingerprint, Id, OpaqueId, Timestamp};
use uuid::Uuid;

use crate::fault::Fault;

/// An id from its sixteen bytes.
pub(crate) fn id<K>(bytes: &[u8], column: &'static str) -> Result<Id<K>, Fault> {
    let uuid = Uuid::from_slice(bytes).map_err(|_| Fault::corrupt(column))?;
    Id::parse(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())).map_err(|_| Fault::corrupt(column))
}

/// An instant from its microseconds.
pub(crate) fn time(micros: i64, column: &'static str) -> Result<Timestamp, Fault> {
    Timestamp::from_micros(micros).ok_or(Fault::corrupt(column))
}

/// Somebody else's id from its text.
pub(crate) fn opaque<K>(text: String, column: &'static str) -> Result<OpaqueId<K>, Fault> {
    OpaqueId::new(text).map_err(|_| Fault::corrupt(column))
}

/// A label from its text, when there is one.
pub(crate) fn label(text: Option<String>, column: &'static str) -> Result<Option<Label>, Fault> {
    text.map(|text| Label::new(column, text)).transpose().map_err(|_| Fault::corrupt(column))
}

/// A content type from its stored name.
pub(crate) fn content_type(name: &str, column: &'static str) -> Result<ContentType, Fault> {
    ContentType::from_stored(name).ok_or(Fault::corrupt(column))
}

/// A payload's fingerprint from its bytes, when there is one.
pub(crate) fn fingerprint(
    bytes: Option<Vec<u8>>,
    column: &'static str,
) -> Result<Option<Fingerprint>, Fault> {
    let whole = |bytes: Vec<u8>| bytes.try_into().map(Fingerprint).map_err(|_| Fault::corrupt(column));
    bytes.map(whole).transpose()
}

/// A count that can't be negative.
pub(crate) fn count(number: i64, column: &'static str) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::corrupt(column))
}

/// How many rows a page passes over.
pub(crate) fn offset(paging: Paging) -> i64 {
    i64::try_from(paging.offset).unwrap_or(i64::MAX)
}

/// A key's version.
pub(crate) fn version(number: i64, column: &'static str) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| Fault::corrupt(column))
}

/// A master key's version.
pub(crate) fn master_version(number: i64, column: &'static str) -> Result<MasterKeyVersion, Fault> {
    version(number, column).map(MasterKeyVersion)
}
