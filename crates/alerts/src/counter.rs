//! Counts how often each of any number of keys was seen within a time, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Parts of the time that are counted apart.
const SLOTS: usize = 8;
/// With one part more than the time has, every stretch of that length lies within some of them.
const RING: usize = SLOTS + 1;

/// Counts seen within the last stretch of a time, for the keys that come most often.
///
/// What was seen in the last `within` is counted in full, and of what was seen in the eighth before that, some may
/// be. At most `capacity` keys are tracked. When another comes, the one seen least is let go, and for each part of
/// the time the highest count of any key let go is kept: a key that comes anew may have been seen as often, and no
/// more. So what is told as the most is never below the truth, and what is told as the least never above it
/// (the idea of the "space saving" algorithm of Metwally, Agrawal and El Abbadi, 2005, for counts that age).
pub(crate) struct Counter<K> {
    /// Length of a part, in microseconds.
    slot: i64,
    capacity: usize,
    /// The number of the part at hand.
    at: i64,
    tallies: HashMap<K, Tally>,
    /// The most that any key let go was seen in each part.
    let_go: Ring,
}

/// Counts by part of the time; a part's number modulo the length is its place.
type Ring = [u32; RING];

#[derive(Debug, Clone)]
struct Tally {
    /// Seen for sure.
    seen: Ring,
    /// Seen besides, at the most, before it was tracked.
    before: Ring,
    /// All of it.
    total: u64,
}

/// How often a key was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at_least: u64,
    pub(crate) at_most: u64,
}

impl<K: Hash + Eq + Clone> Counter<K> {
    pub(crate) fn new(within: Duration, capacity: usize) -> Self {
        let micros = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
        let parts = i64::try_from(SLOTS).unwrap_or(i64::MAX);
        Self {
            slot: micros.saturating_add(parts - 1).saturating_div(parts).max(1),
            capacity: capacity.max(1),
            at: i64::MIN,
            tallies: HashMap::new(),
            let_go: [0; RING],
        }
    }

    /// Counts a key that was seen so many times at `now`, in microseconds, and tells how often it was within the
    /// time. A clock that goes back is taken to stand still.
    pub(crate) fn add(&mut self, key: &K, times: u32, now: i64) -> Seen {
        self.advance(now.div_euclid(self.slot));
        if !self.tallies.contains_key(key) {
            if self.tallies.len() >= self.capacity {
                self.let_one_go();
            }
            let (before, total) = (self.let_go, sum(&self.let_go));
            self.tallies.insert(key.clone(), Tally { seen: [0; RING], before, total });
        }
        let place = place(self.at);
        let Some(tally) = self.tallies.get_mut(key) else { return Seen { at_least: 0, at_most: 0 } };
        if let Some(count) = tally.seen.get_mut(place) {
            *count = count.saturating_add(times);
        }
        tally.total = sum(&tally.seen) + sum(&tally.before);
        Seen { at_least: sum(&tally.seen), at_most: tally.total }
    }

    /// Forgets the parts that lie too far back.
    fn advance(&mut self, to: i64) {
        if to <= self.at {
            return;
        }
        let passed = to.saturating_sub(self.at).min(i64::try_from(RING).unwrap_or(i64::MAX));
        for number in 0..passed {
            let place = place(to - number);
            let rings = self.tallies.values_mut().flat_map(|tally| [&mut tally.seen, &mut tally.before]);
            for count in rings.chain([&mut self.let_go]).filter_map(|ring| ring.get_mut(place)) {
                *count = 0;
            }
        }
        self.at = to;
        self.tallies.retain(|_, tally| {
            tally.total = sum(&tally.seen) + sum(&tally.before);
            tally.total > 0
        });
    }

    fn let_one_go(&mut self) {
        let least = self.tallies.iter().min_by_key(|(_, tally)| tally.total).map(|(key, _)| key.clone());
        let Some(tally) = least.and_then(|least| self.tallies.remove(&least)) else { return };
        let counts = tally.seen.iter().zip(&tally.before).map(|(seen, before)| seen.saturating_add(*before));
        for (most, count) in self.let_go.iter_mut().zip(counts) {
            *most = count.max(*most);
        }
    }
}

fn place(slot: i64) -> usize {
    let length = i64::try_from(RING).unwrap_or(i64::MAX);
    usize::try_from(slot.rem_euclid(length)).unwrap_or_default()
}

fn sum(ring: &Ring) -> u64 {
    ring.iter().copied().map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn what_lies_too_far_back_is_forgotten() {
        let mut counter = Counter::new(Duration::from_secs(8), 10);
        for second in 0..100 {
            let seen = counter.add(&"a", 1, second * SECOND);
            let expected = u64::try_from(second + 1).unwrap().min(9);
            assert_eq!(seen, Seen { at_least: expected, at_most: expected });
        }
        assert_eq!(counter.add(&"a", 1, 1000 * SECOND).at_most, 1);
        assert_eq!(counter.add(&"a", 1, 0).at_most, 2, "a clock that goes back stands still");
    }

    #[test]
    fn a_burst_can_not_be_hidden_in_a_flood() {
        let mut counter = Counter::new(Duration::from_mins(1), 16);
        let mut most = 0;
        for number in 0_u64..40 {
            // A thousand made-up keys between any two of the burst.
            for made_up in 0..1000 {
                counter.add(&(1 + number * 1000 + made_up), 1, 0);
            }
            most = counter.add(&0, 1, 0).at_most;
        }
        assert!(most >= 40);
        assert_eq!(counter.tallies.len(), 16);
    }

    proptest! {
        /// Whatever comes in whatever order, memory is bounded and the truth lies between what is told.
        #[test]
        fn the_truth_lies_between(
            steps in proptest::collection::vec((0..12_u8, 1..4_u32, 0..3 * SECOND), 1..400),
            capacity in 1..8_usize,
        ) {
            let within = 8 * SECOND;
            let mut counter = Counter::new(Duration::from_secs(8), capacity);
            let mut past: Vec<(i64, u8, u32)> = Vec::new();
            let mut now = 0;
            for (key, times, later) in steps {
                now += later;
                past.push((now, key, times));
                let seen = counter.add(&key, times, now);
                let since = |start: i64| -> u64 {
                    let own = past.iter().filter(|(at, of, _)| *of == key && *at > start);
                    own.map(|(_, _, times)| u64::from(*times)).sum()
                };
                prop_assert!(counter.tallies.len() <= capacity);
                // All within the time counts, and nothing from before an eighth more of it.
                prop_assert!(seen.at_most >= since(now - within), "{seen:?}");
                prop_assert!(seen.at_least <= since(now - within - within / 8 - 1), "{seen:?}");
            }
        }

        /// With room for all, the counts are exact up to the eighth.
        #[test]
        fn with_room_for_all_nothing_is_in_doubt(keys in proptest::collection::vec(0..12_u8, 1..200)) {
            let mut counter = Counter::new(Duration::from_secs(8), 12);
            for key in keys {
                let seen = counter.add(&key, 1, 0);
                prop_assert_eq!(seen.at_least, seen.at_most);
            }
        }
    }
}
