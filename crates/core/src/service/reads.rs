//! When secrets were last read, to the day. A read only leaves a note in memory; the notes are stored together, now
//! and then, so that no read costs a write. A crash loses those of a few minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::engine::{Engine, KeyManager};
use crate::error::Error;
use crate::id::SecretId;
use crate::review::Day;

/// Notes kept at most. One more is for a secret of which it is only not known then that it was read today.
const MOST: usize = 500_000;
/// Notes stored in one commit.
const TOGETHER: usize = 1000;

/// Notes that are not stored yet.
pub(super) struct Reads {
    /// Whether any are taken.
    are_noted: bool,
    notes: Mutex<HashMap<SecretId, Day>>,
}

impl Reads {
    /// Notes are taken, or not.
    pub(super) fn new(are_noted: bool) -> Self {
        Self { are_noted, notes: Mutex::default() }
    }

    fn notes(&self) -> MutexGuard<'_, HashMap<SecretId, Day>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a note.
    fn note(&self, id: SecretId, day: Day) {
        let mut notes = self.notes();
        if let Some(noted) = notes.get_mut(&id) {
            *noted = day.max(*noted);
        } else if notes.len() < MOST {
            notes.insert(id, day);
        }
    }
}

impl Engine {
    /// Notes that a secret's payload was read just now.
    pub(super) fn note_read(&self, id: SecretId) {
        if self.reads.are_noted {
            self.reads.note(id, Day::of(self.clock.now()));
        }
    }

    /// Stores what is noted; tells of how many secrets.
    pub(super) async fn store_reads(&self) -> Result<usize, Error> {
        let notes: Vec<_> = std::mem::take(&mut *self.reads.notes()).into_iter().collect();
        let mut stored = 0;
        for some in notes.chunks(TOGETHER) {
            let rows = some.to_vec();
            let written = self.upkeep_relaxed(move |writer| {
                rows.iter().try_for_each(|(id, day)| Ok(writer.note_read(*id, *day)?))
            });
            if let Err(error) = written.await {
                notes.iter().skip(stored).for_each(|(id, day)| self.reads.note(*id, *day));
                return Err(error);
            }
            stored += some.len();
        }
        Ok(stored)
    }
}

impl KeyManager {
    /// Stores on which day each secret was last read, as far as that is not stored yet; tells of how many secrets. To
    /// be called every few minutes, and before the process ends.
    pub async fn store_reads(&self) -> Result<usize, Error> {
        self.0.store_reads().await
    }
}
