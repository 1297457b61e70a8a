use super::reader::Reader;

const SECONDS_A_DAY: i64 = 86_400;

/// What becomes of secrets that have expired.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpirySection {
    /// How long after their expiration they are destroyed.
    pub destroy_after_seconds: i64,
}

pub(super) fn expiry(reader: &mut Reader) -> ExpirySection {
    let days: u16 = reader.get("expiry.destroy_after_days", 90, "a whole number of days from 0 to 65535");
    ExpirySection { destroy_after_seconds: i64::from(days) * SECONDS_A_DAY }
}
