use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which nobody waits any longer.
const PATIENCE: u32 = 3;
/// How long a service that is down is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps requests from a service that does not answer: each would wait in vain. Now and then one is let
/// through to see whether it is back.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// While there is a cause: when the next request may try.
    retry_at: Option<Instant>,
    cause: String,
}

impl Breaker {
    /// Lets a request through, or tells why none is. One that is let through while the service is held to
    /// be down has `trial` to itself; should it never come back to tell, another follows then.
    pub(super) fn admit(&self, now: Instant, trial: Duration) -> Result<(), String> {
        let mut state = self.state();
        match state.retry_at {
            None => Ok(()),
            Some(at) if now < at => Err(state.cause.clone()),
            Some(_) => {
                state.retry_at = Some(now + trial);
                Ok(())
            }
        }
    }

    /// The service has answered.
    pub(super) fn succeeded(&self) {
        let mut state = self.state();
        if state.failures > 0 {
            *state = State::default();
        }
    }

    /// The service has not answered, or not as it should.
    pub(super) fn failed(&self, now: Instant, cause: &str) {
        let failures = self.state().failures.saturating_add(1);
        if failures >= PATIENCE {
            self.open(now, PAUSE, cause);
        }
        self.state().failures = failures;
    }

    /// The service will do nothing for us before something is mended: it is left alone for `pause`.
    pub(super) fn open(&self, now: Instant, pause: Duration, cause: &str) {
        let mut state = self.state();
        state.failures = PATIENCE;
        cause.clone_into(&mut state.cause);
        state.retry_at = Some(now + pause);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Each change is a plain assignment: a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn after_failures_in_a_row_nobody_waits_and_one_at_a_time_tries() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..2 {
            breaker.failed(start, "refused");
            assert_eq!(breaker.admit(start, SECOND), Ok(()));
        }
        breaker.failed(start, "refused");
        assert_eq!(breaker.admit(start, SECOND), Err("refused".to_owned()));
        let later = start + SECOND;
        assert_eq!(breaker.admit(later, SECOND * 5), Ok(()));
        assert!(breaker.admit(later + SECOND * 4, SECOND).is_err());
        // The one that tried was never heard of again.
        assert_eq!(breaker.admit(later + SECOND * 5, SECOND), Ok(()));
        breaker.failed(later + SECOND * 5, "silent");
        assert_eq!(breaker.admit(later + SECOND * 5, SECOND), Err("silent".to_owned()));
        breaker.succeeded();
        assert_eq!(breaker.admit(later, SECOND), Ok(()));
    }

    #[test]
    fn what_waits_for_an_operator_is_left_alone_at_once() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.open(now, SECOND * 15, "password");
        assert_eq!(breaker.admit(now + SECOND * 14, SECOND), Err("password".to_owned()));
        assert_eq!(breaker.admit(now + SECOND * 15, SECOND), Ok(()));
    }

    #[test]
    fn a_success_in_between_forgives() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..9 {
            breaker.failed(now, "x");
            breaker.failed(now, "x");
            breaker.succeeded();
        }
        assert_eq!(breaker.admit(now, SECOND), Ok(()));
    }
}
