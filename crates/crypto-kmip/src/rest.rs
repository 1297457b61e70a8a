//! How long a server that failed is left alone: longer after each failure in a row, up to a limit.

use std::time::Duration;

use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The state of one server, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Until when it is left alone, for how long that is, and why.
    resting: Option<(Instant, Duration, String)>,
}

impl Rest {
    /// How long it is to be left alone yet, and what it failed with; `None` when it may be tried.
    pub(crate) fn remaining(&self, now: Instant) -> Option<(Duration, &str)> {
        let (until, _, why) = self.resting.as_ref()?;
        let wait = until.checked_duration_since(now).filter(|wait| !wait.is_zero())?;
        Some((wait, why))
    }

    /// It did what was asked.
    pub(crate) fn recovered(&mut self) {
        self.resting = None;
    }

    /// It failed. Failures of requests that were under way together count as one.
    pub(crate) fn failed(&mut self, now: Instant, why: String) {
        if self.remaining(now).is_some() {
            return;
        }
        let pause = self.resting.as_ref().map_or(SHORTEST, |(_, pause, _)| (*pause * 2).min(LONGEST));
        self.resting = Some((now + pause, pause, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_limit_and_ends_with_success() {
        let (mut rest, mut now) = (Rest::default(), Instant::now());
        assert_eq!(rest.remaining(now), None);
        for millis in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            rest.failed(now, "one".to_owned());
            // One that was under way at the same time changes nothing.
            rest.failed(now, "two".to_owned());
            assert_eq!(rest.remaining(now), Some((Duration::from_millis(millis), "one")));
            now += Duration::from_millis(millis);
            assert_eq!(rest.remaining(now), None);
        }
        rest.recovered();
        rest.failed(now, "three".to_owned());
        assert_eq!(rest.remaining(now), Some((SHORTEST, "three")));
    }
}
