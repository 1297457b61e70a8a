//! Instants as the API speaks of them: UTC, to the microsecond.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// An instant: microseconds since 1970-01-01T00:00:00 UTC, always in a year from 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text names no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an ISO 8601 date or time")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00 UTC.
    pub const EPOCH: Self = Self(0);

    /// The last instant there is: the end of the year 9999.
    pub const LATEST: Self = Self(253_402_300_799_999_999);

    /// From microseconds since the Unix epoch; `None` outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let year = DateTime::from_timestamp_micros(micros)?.year();
        (1..=9999).contains(&year).then_some(Self(micros))
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant moved by whole seconds, kept within the years 1 to 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000))).unwrap_or(self)
    }

    /// Reads ISO 8601 as widely as common parsers do (spec section 5): a year, a month or a day alone,
    /// basic or extended form, `T` or a space, a fraction, `Z` or an offset. No zone means UTC.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        parse(text).ok_or(InvalidTimestamp)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = Cursor(text);
    let year = i32::try_from(rest.digits(4)?).ok()?;
    let extended = rest.skip('-');
    let month = if rest.at_digit() { rest.digits(2)? } else { 1 };
    let day =
        if (extended && rest.skip('-')) || (!extended && rest.at_digit()) { rest.digits(2)? } else { 1 };
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    if rest.0.is_empty() {
        return (!text.ends_with('-')).then(|| instant(date.and_hms_opt(0, 0, 0)?, 0)).flatten();
    }
    if !rest.skip('T') && !rest.skip(' ') {
        return None;
    }
    let hour = rest.digits(2)?;
    let colons = rest.skip(':');
    let minute = if colons || rest.at_digit() { rest.digits(2)? } else { 0 };
    let second = if (colons && rest.skip(':')) || (!colons && rest.at_digit()) { rest.digits(2)? } else { 0 };
    let micros = if rest.skip('.') || rest.skip(',') { rest.fraction()? } else { 0 };
    let offset = rest.offset()?;
    if !rest.0.is_empty() {
        return None;
    }
    instant(date.and_hms_micro_opt(hour, minute, second, micros)?, offset)
}

fn instant(local: NaiveDateTime, offset_minutes: i64) -> Option<Timestamp> {
    let utc = local.checked_sub_signed(TimeDelta::try_minutes(offset_minutes)?)?;
    Timestamp::from_micros(utc.and_utc().timestamp_micros())
}

/// What is left of a text being read from its front.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn at_digit(&self) -> bool {
        self.0.starts_with(|c: char| c.is_ascii_digit())
    }

    fn skip(&mut self, wanted: char) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let (head, tail) = self.0.split_at_checked(count)?;
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.0 = tail;
        head.parse().ok()
    }

    /// Microseconds from a decimal fraction; what is finer is cut off.
    fn fraction(&mut self) -> Option<u32> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (head, tail) = self.0.split_at_checked(length)?;
        if head.is_empty() {
            return None;
        }
        self.0 = tail;
        head.bytes()
            .chain(std::iter::repeat(b'0'))
            .take(6)
            .try_fold(0, |sum, digit| char::from(digit).to_digit(10).map(|value| sum * 10 + value))
    }

    /// Minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.skip('Z') {
            return Some(0);
        }
        let sign = if self.skip('+') {
            1
        } else if self.skip('-') {
            -1
        } else {
            return None;
        };
        let hours = i64::from(self.digits(2)?);
        let minutes = if self.skip(':') || self.at_digit() { i64::from(self.digits(2)?) } else { 0 };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

impl fmt::Display for Timestamp {
    /// `2026-05-16T19:40:44.123456`; the fraction only when it is not zero (spec section 5).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(utc) = DateTime::from_timestamp_micros(self.0) else {
            return f.write_str("invalid");
        };
        write!(f, "{:04}-{:02}-{:02}T", utc.year(), utc.month(), utc.day())?;
        write!(f, "{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second())?;
        match utc.timestamp_subsec_micros() {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the time comes from; every rule about expiry asks this port and nothing else.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that its owner keeps a handle to.
impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        self.as_ref().now()
    }
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        i64::try_from(micros).ok().and_then(Timestamp::from_micros).unwrap_or(Timestamp::EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        Timestamp::parse(text).map_or_else(|error| error.to_string(), |time| time.to_string())
    }

    #[test]
    fn every_common_spelling_is_read() {
        for (text, expected) in [
            ("2050", "2050-01-01T00:00:00"),
            ("2050-02", "2050-02-01T00:00:00"),
            ("2050-02-03", "2050-02-03T00:00:00"),
            ("20500203", "2050-02-03T00:00:00"),
            ("20500101T100000Z", "2050-01-01T10:00:00"),
            ("2050-01-01 10:11:12", "2050-01-01T10:11:12"),
            ("2050-01-01T10:11", "2050-01-01T10:11:00"),
            ("2050-01-01T10:11:12.5", "2050-01-01T10:11:12.500000"),
            ("2050-01-01T10:11:12.123456789", "2050-01-01T10:11:12.123456"),
            ("2050-01-01T10:00:00+05:00", "2050-01-01T05:00:00"),
            ("2050-01-01T10:00:00-0130", "2050-01-01T11:30:00"),
            ("2050-01-01T10:00:00+05", "2050-01-01T05:00:00"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "20",
            "2050-13-01",
            "2050-02-30",
            "2050-01-01T",
            "2050-01-01T25:00:00",
            "2050-01-01x",
            "2050-01-01T10:00:00+5",
            "2050-01-01T10:00:00Zx",
            "2050-",
            "0000-01-01",
            "2050-01-01T10:00:00.",
            "٢٠٥٠",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
            let time = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            Timestamp::parse(&text).ok();
        }
    }
}
