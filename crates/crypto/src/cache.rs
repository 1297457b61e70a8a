//! Unwrapped project keys, held in locked memory for a bounded time and in bounded number.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use strongroom_core::ProjectKeyId;
use strongroom_core::ports::ProjectKey;

use crate::locked::LockedKey;

const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

/// Keys by their row. A row that differs in any column from the one its key was unwrapped from is not found,
/// so a key at hand never hides that a row was altered.
pub(crate) struct KeyCache {
    limit: usize,
    keep: Duration,
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    by_id: HashMap<ProjectKeyId, Entry>,
    /// Every id in `by_id` once, in the order of expiry, which is that of arrival.
    oldest_first: VecDeque<ProjectKeyId>,
}

struct Entry {
    row: ProjectKey,
    key: Arc<LockedKey>,
    until: Instant,
}

impl KeyCache {
    /// Holds at most `limit` keys, none longer than `keep`.
    pub(crate) fn new(limit: usize, keep: Duration) -> Self {
        // A century stands for "always" and, unlike the longest duration, can be added to any instant.
        Self { limit, keep: keep.min(CENTURY), held: RwLock::default() }
    }

    /// The key of that very row, when it is held.
    pub(crate) fn get(&self, row: &ProjectKey, now: Instant) -> Option<Arc<LockedKey>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let entry = held.by_id.get(&row.id).filter(|entry| entry.row == *row && now < entry.until);
        let key = entry.map(|entry| Arc::clone(&entry.key));
        let stale = held.has_expired(now);
        drop(held);
        if stale {
            self.drop_expired(now);
        }
        key
    }

    /// Holds a key, in place of any other of the same id; the oldest makes room for it.
    pub(crate) fn put(&self, row: ProjectKey, key: Arc<LockedKey>, now: Instant) {
        let id = row.id;
        let entry = Entry { row, key, until: now + self.keep };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.by_id.insert(id, entry).is_some() {
            held.oldest_first.retain(|other| *other != id);
        }
        held.oldest_first.push_back(id);
        while held.oldest_first.len() > self.limit || held.has_expired(now) {
            held.drop_oldest();
        }
    }

    /// Drops what has been held long enough.
    pub(crate) fn drop_expired(&self, now: Instant) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        while held.has_expired(now) {
            held.drop_oldest();
        }
    }
}

impl Held {
    fn has_expired(&self, now: Instant) -> bool {
        let oldest = self.oldest_first.front().and_then(|id| self.by_id.get(id));
        oldest.is_some_and(|entry| entry.until <= now)
    }

    fn drop_oldest(&mut self) {
        if let Some(id) = self.oldest_first.pop_front() {
            self.by_id.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_core::ports::{BackendError, BackendId, MasterKeyVersion};
    use strongroom_core::{ProjectId, Timestamp};

    use super::*;
    use crate::locked::Arena;

    fn row() -> ProjectKey {
        ProjectKey {
            id: ProjectKeyId::random(),
            project: ProjectId::new("p").unwrap(),
            backend: BackendId::new("soft"),
            version: 1,
            master: MasterKeyVersion(1),
            wrapped: vec![1],
            created: Timestamp::from_micros(0).unwrap(),
        }
    }

    fn key(arena: &Arena) -> Arc<LockedKey> {
        Arc::new(arena.store(|_| Ok::<_, BackendError>(())).unwrap())
    }

    #[test]
    fn a_row_altered_in_any_column_does_not_find_the_key() {
        let (cache, arena) = (KeyCache::new(9, Duration::from_secs(9)), Arena::with_room_for(1).unwrap());
        let (now, row) = (Instant::now(), row());
        cache.put(row.clone(), key(&arena), now);
        assert!(cache.get(&row, now).is_some());
        for altered in [
            ProjectKey { project: ProjectId::new("q").unwrap(), ..row.clone() },
            ProjectKey { backend: BackendId::new("other"), ..row.clone() },
            ProjectKey { version: 2, ..row.clone() },
            ProjectKey { master: MasterKeyVersion(2), ..row.clone() },
            ProjectKey { wrapped: vec![2], ..row.clone() },
            ProjectKey { created: Timestamp::from_micros(1).unwrap(), ..row.clone() },
        ] {
            assert!(cache.get(&altered, now).is_none(), "{altered:?}");
        }
        assert!(cache.get(&row, now).is_some());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(usize),
        Get(usize),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6_usize).prop_map(Step::Put),
            (0..6_usize).prop_map(Step::Get),
            (0..8_u64).prop_map(Step::Wait)
        ]
    }

    proptest! {
        #[test]
        fn no_key_is_held_past_its_time_or_beyond_the_limit(
            limit in 0..5_usize,
            steps in prop::collection::vec(step(), 1..60),
        ) {
            let (cache, arena) = (KeyCache::new(limit, Duration::from_secs(10)), Arena::with_room_for(9).unwrap());
            let rows: Vec<_> = (0..6).map(|_| row()).collect();
            let mut now = Instant::now();
            // What must be held: the newest `limit` of those put less than ten seconds ago.
            let mut model: Vec<(usize, Instant)> = Vec::new();
            for step in steps {
                match step {
                    Step::Put(which) => {
                        cache.put(rows[which].clone(), key(&arena), now);
                        model.retain(|(other, _)| *other != which);
                        model.push((which, now + Duration::from_secs(10)));
                    }
                    Step::Get(which) => {
                        let expected = model.iter().any(|(other, _)| *other == which);
                        prop_assert_eq!(cache.get(&rows[which], now).is_some(), expected);
                    }
                    Step::Wait(seconds) => {
                        now += Duration::from_secs(seconds);
                        cache.drop_expired(now);
                    }
                }
                model.retain(|(_, until)| now < *until);
                model.drain(..model.len().saturating_sub(limit));
                let held = cache.held.read().unwrap();
                prop_assert_eq!(held.by_id.len(), model.len());
                prop_assert_eq!(held.oldest_first.len(), model.len());
            }
        }
    }
}
