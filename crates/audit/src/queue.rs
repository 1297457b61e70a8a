use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_core::ports::AuditError;

use crate::entry::Entry;

/// Records that may wait at once. A front end bounds its requests well below; this bounds the memory when
/// none does.
const MOST: usize = 16_384;

/// Where records wait for the journal's thread, which takes all of them at once.
///
/// A channel would hand them over one by one, and the blocking end of the async ones can't wait for a
/// limited time.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Entry>,
    closed: bool,
}

impl Queue {
    /// Adds a record. Outcomes of changes are let in even when too many wait: their effect has happened.
    pub(crate) fn push(&self, entry: Entry) -> Result<(), AuditError> {
        let mut state = self.lock();
        if state.closed {
            return Err(AuditError { reason: "the journal is closed".to_owned() });
        }
        if state.waiting.len() >= MOST && entry.outcome_of().is_none() {
            return Err(AuditError { reason: format!("{MOST} records are waiting already") });
        }
        state.waiting.push(entry);
        // The thread sleeps only while nothing waits.
        let is_first = state.waiting.len() == 1;
        // It is woken once it can have the lock: where it comes to run at once, in the place of this one, it would only
        // wait for it again.
        drop(state);
        if is_first {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Waits until there are records, but not longer than `patience`, and swaps all of them into `entries`,
    /// which must be empty. Returns whether more may come.
    pub(crate) fn take(&self, entries: &mut Vec<Entry>, patience: Duration) -> bool {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut state.waiting, entries);
        !state.closed
    }

    /// Lets no more records in. Those that wait are still taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Lets no more records in and drops those that wait, which tells their callers.
    pub(crate) fn abandon(&self) {
        self.close();
        let dropped = mem::take(&mut self.lock().waiting);
        drop(dropped);
    }

    /// No code that can panic runs under the lock, so a poisoned one guards sound data.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
