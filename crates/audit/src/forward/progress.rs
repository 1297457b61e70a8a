use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use strongroom_core::Timestamp;

use crate::folder::{segment_path, segments};
use crate::position::Position;

/// No record waits.
const NONE: i64 = i64::MAX;

/// How a forwarder does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ForwarderStatus {
    /// Its name.
    pub name: String,
    /// Whether nothing may happen while it lags too far.
    pub required: bool,
    /// How long the oldest record that the receiver does not have has been waiting, counted from the start of
    /// this process at the earliest.
    pub lag: Duration,
    /// Bytes of the journal that the receiver does not have.
    pub spool_bytes: u64,
    /// Records delivered since the start.
    pub delivered: u64,
    /// When records were delivered last.
    pub last_success: Option<Timestamp>,
    /// Why the newest delivery failed; absent while all goes well.
    pub failure: Option<String>,
}

/// How far a forwarder has come, for whoever asks while it works.
pub(super) struct Progress {
    pub(super) name: String,
    /// The bound, for a required one.
    pub(super) required: Option<Duration>,
    started: i64,
    /// When the oldest record that waits was made, in microseconds.
    oldest: AtomicI64,
    /// When the forwarder looked for records last, in microseconds: one that has died is noticed by that.
    looked: AtomicI64,
    segment: AtomicU64,
    offset: AtomicU64,
    delivered: AtomicU64,
    last_success: AtomicI64,
    failure: Mutex<Option<String>>,
}

impl Progress {
    pub(super) fn new(name: String, required: Option<Duration>, at: Position, now: Timestamp) -> Self {
        Self {
            name,
            required,
            started: now.as_micros(),
            oldest: AtomicI64::new(NONE),
            looked: AtomicI64::new(now.as_micros()),
            segment: AtomicU64::new(at.segment),
            offset: AtomicU64::new(at.offset),
            delivered: AtomicU64::new(0),
            last_success: AtomicI64::new(NONE),
            failure: Mutex::new(None),
        }
    }

    /// It looks for records.
    pub(super) fn looks(&self, now: Timestamp) {
        self.looked.store(now.as_micros(), Ordering::Relaxed);
    }

    /// It has records to deliver, the first of which was made then. What waited while nothing ran to send it
    /// counts from the start.
    pub(super) fn holds(&self, made: Timestamp) {
        self.oldest.store(made.as_micros().max(self.started), Ordering::Relaxed);
    }

    /// It has delivered so many, up to there.
    pub(super) fn delivered(&self, records: usize, to: Position, now: Timestamp) {
        self.segment.store(to.segment, Ordering::Relaxed);
        self.offset.store(to.offset, Ordering::Relaxed);
        self.delivered.fetch_add(u64::try_from(records).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.oldest.store(NONE, Ordering::Relaxed);
        self.last_success.store(now.as_micros(), Ordering::Relaxed);
        *self.failure() = None;
    }

    /// A delivery has failed. Returns whether for another reason than the one before.
    pub(super) fn failed(&self, reason: &str) -> bool {
        let mut known = self.failure();
        let differs = known.as_deref() != Some(reason);
        if differs {
            *known = Some(reason.to_owned());
        }
        differs
    }

    /// Why the newest delivery failed.
    pub(super) fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn position(&self) -> Position {
        Position {
            segment: self.segment.load(Ordering::Relaxed),
            offset: self.offset.load(Ordering::Relaxed),
        }
    }

    /// How long the oldest record that waits has been waiting.
    pub(super) fn lag(&self, durable: Position, now: Timestamp) -> Duration {
        if self.position() >= durable {
            return Duration::ZERO;
        }
        // A batch in hand is the oldest there is; without one, the time since anybody looked bounds it.
        let since = self.oldest.load(Ordering::Relaxed).min(self.looked.load(Ordering::Relaxed));
        let micros = now.as_micros().saturating_sub(since);
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    }

    pub(super) fn status(&self, folder: &Path, durable: Position, now: Timestamp) -> ForwarderStatus {
        ForwarderStatus {
            name: self.name.clone(),
            required: self.required.is_some(),
            lag: self.lag(durable, now),
            spool_bytes: bytes_between(folder, self.position(), durable),
            delivered: self.delivered.load(Ordering::Relaxed),
            last_success: Timestamp::from_micros(self.last_success.load(Ordering::Relaxed)),
            failure: self.failure().clone(),
        }
    }
}

/// Bytes of the journal from one place to another. A file that is gone has none.
pub(super) fn bytes_between(folder: &Path, from: Position, to: Position) -> u64 {
    let numbers = segments(folder).unwrap_or_default();
    let behind = numbers.into_iter().filter(|number| (from.segment..to.segment).contains(number));
    let sizes = behind.filter_map(|number| Some(segment_path(folder, number).metadata().ok()?.len()));
    (sizes.sum::<u64>() + to.offset).saturating_sub(from.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_counts_from_the_oldest_record_or_from_the_last_look() {
        let at = |seconds: i64| Timestamp::from_micros(1_000_000 * seconds).unwrap();
        let (start, end) = (Position { segment: 1, offset: 10 }, Position { segment: 1, offset: 20 });
        let progress = Progress::new("siem".to_owned(), None, start, at(100));
        assert_eq!(progress.lag(start, at(200)), Duration::ZERO);
        // It never looked: dead.
        assert_eq!(progress.lag(end, at(130)), Duration::from_secs(30));
        progress.looks(at(129));
        assert_eq!(progress.lag(end, at(130)), Duration::from_secs(1));
        // A record of long ago counts from the start of the process, one of just now from its own time.
        progress.holds(at(5));
        assert_eq!(progress.lag(end, at(130)), Duration::from_secs(30));
        progress.holds(at(120));
        assert_eq!(progress.lag(end, at(130)), Duration::from_secs(10));
        assert!(progress.failed("no") && !progress.failed("no"));
        progress.delivered(3, end, at(131));
        let status = progress.status(Path::new("/nonexistent"), end, at(132));
        assert_eq!((status.lag, status.spool_bytes, status.delivered), (Duration::ZERO, 0, 3));
        assert_eq!((status.last_success, status.failure), (Some(at(131)), None));
    }
}
