use std::time::{Duration, Instant};

use crate::tampering::Fault;

/// The shortest time between a failure and a try to recover.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);

/// The time between a failure and the recovery from it.
pub(crate) struct Outage {
    /// What ended the segment.
    pub(crate) fault: Fault,
    /// When to try to recover.
    pub(crate) next_try: Instant,
}

impl Outage {
    /// How long not to try yet.
    pub(crate) fn wait(&self) -> Duration {
        self.next_try.saturating_duration_since(Instant::now())
    }
}

/// Spaces the tries to recover: each failure without a record written since doubles the pause, so that a disk
/// on which segments can be begun but not written is not filled with them.
pub(crate) struct Pace(Duration);

impl Default for Pace {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Pace {
    /// After a failure: when to try.
    pub(crate) fn next_try(&mut self) -> Instant {
        let next = Instant::now() + self.0;
        self.0 = (self.0 * 2).min(LONGEST);
        next
    }
}
