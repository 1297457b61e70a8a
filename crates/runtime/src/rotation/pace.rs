use std::time::Duration;

/// How long to leave the machine to others after so much work, to work that share of the time.
pub(crate) fn rest(worked: Duration, share_percent: u32) -> Duration {
    let share = share_percent.clamp(1, 100);
    worked * (100 - share) / share
}

/// The longest rest. After a device that takes its time, as much again many times over would give nobody anything.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Gives way to requests, and to nobody when there are none.
pub(crate) struct Courtesy {
    /// How many requests there have been.
    requests: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How many there had been when it was last looked.
    known: u64,
    share_percent: u32,
}

impl Courtesy {
    /// Leaves requests all of the time but that share.
    pub(crate) fn new(requests: impl Fn() -> u64 + Send + Sync + 'static, share_percent: u32) -> Self {
        let known = requests();
        Self { requests: Box::new(requests), known, share_percent }
    }

    /// How long to rest after so much work; nothing when no request has come since this was last asked.
    pub(super) fn after(&mut self, worked: Duration) -> Option<Duration> {
        let known = std::mem::replace(&mut self.known, (self.requests)());
        (known != self.known).then(|| rest(worked, self.share_percent).min(LONGEST_REST))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_share_is_kept() {
        let worked = Duration::from_millis(10);
        for (share, rested) in [(100, 0), (50, 10), (25, 30), (1, 990)] {
            assert_eq!(rest(worked, share), Duration::from_millis(rested));
        }
    }

    #[test]
    fn only_while_requests_come_is_there_a_rest() {
        let requests = Arc::new(AtomicU64::new(7));
        let seen = Arc::clone(&requests);
        let mut courtesy = Courtesy::new(move || seen.load(Ordering::Relaxed), 10);
        let worked = Duration::from_millis(10);
        assert_eq!(courtesy.after(worked), None);
        requests.fetch_add(1, Ordering::Relaxed);
        assert_eq!(courtesy.after(worked), Some(Duration::from_millis(90)));
        assert_eq!(courtesy.after(worked), None);
        requests.fetch_add(1, Ordering::Relaxed);
        assert_eq!(courtesy.after(worked * 50), Some(LONGEST_REST));
    }
}
