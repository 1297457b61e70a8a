use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use strongroom_core::ports::AuditError;
use tokio::sync::watch;

use crate::position::Position;

/// How the journal does, for whoever asks while its thread works.
#[derive(Default)]
pub(crate) struct Status {
    out: AtomicBool,
    /// Why it is out of order. Locked for the copying of a text, and only when it is.
    reason: Mutex<String>,
    records: AtomicU64,
    writes: AtomicU64,
    segment: AtomicU64,
    owed: AtomicU64,
    durable: watch::Sender<Position>,
}

/// What a journal has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records made durable, segment headers not counted.
    pub records: u64,
    /// Writes that made them durable, each with one sync; many records share one.
    pub writes: u64,
    /// The number of the newest segment.
    pub segment: u64,
    /// Bytes of it that are durable.
    pub segment_bytes: u64,
    /// Outcomes of changes that are kept in memory until they can be written.
    pub owed: u64,
}

impl Status {
    /// Whether records can be written.
    pub(crate) fn health(&self) -> Result<(), AuditError> {
        if self.out.load(Ordering::Acquire) { Err(self.error()) } else { Ok(()) }
    }

    /// The refusal of a record, with what stands in the way.
    pub(crate) fn error(&self) -> AuditError {
        AuditError { reason: self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    /// Records can't be written. Returns whether the reason is another one than before.
    pub(crate) fn fail(&self, reason: &str) -> bool {
        let mut known = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = *known != reason;
        reason.clone_into(&mut known);
        drop(known);
        !self.out.swap(true, Ordering::AcqRel) || differs
    }

    /// Records can be written again.
    pub(crate) fn recover(&self) {
        self.out.store(false, Ordering::Release);
    }

    /// That segment is the newest.
    pub(crate) fn writes_into(&self, segment: u64) {
        self.segment.store(segment, Ordering::Relaxed);
    }

    /// All that lies before is durable.
    pub(crate) fn durable_to(&self, position: Position) {
        self.durable.send_replace(position);
    }

    /// Tells how far the journal is durable, and of every change of that.
    pub(crate) fn durable(&self) -> watch::Receiver<Position> {
        self.durable.subscribe()
    }

    /// That many records became durable by one write.
    pub(crate) fn wrote(&self, records: usize) {
        self.records.fetch_add(u64::try_from(records).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// That many outcomes wait in memory.
    pub(crate) fn owes(&self, outcomes: usize) {
        self.owed.store(u64::try_from(outcomes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            records: self.records.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            segment: self.segment.load(Ordering::Relaxed),
            segment_bytes: self.durable.borrow().offset,
            owed: self.owed.load(Ordering::Relaxed),
        }
    }
}
