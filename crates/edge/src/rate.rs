use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Keys that are told apart. Beyond them all newcomers share one allowance.
const KEYS: usize = 65_536;
/// How often at most room is made among them.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Times a second, in the long run.
    pub per_second: u32,
    /// Times at once, after a rest.
    pub burst: u32,
}

/// Allows each key so many requests a second. Memory is bounded, whatever keys are made up: a key is known by
/// its hash, and one that has rested is forgotten.
#[derive(Debug)]
pub struct RateLimiter {
    /// From one request to the next at the full rate.
    interval: Duration,
    /// How far ahead of that pace a key may be.
    tolerance: Duration,
    epoch: Instant,
    hasher: RandomState,
    known: Mutex<Known>,
}

/// When each key's allowance will be whole again, as time since the epoch: the "theoretical arrival time" of
/// the generic cell rate algorithm (ITU-T I.371), which is a token bucket that needs one number.
#[derive(Debug, Default)]
struct Known {
    due: HashMap<u64, Duration>,
    crowd: Duration,
    tidied: Duration,
}

impl RateLimiter {
    /// Allows that rate to each key.
    pub fn new(rate: Rate) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.max(1);
        Self {
            interval,
            tolerance: interval * rate.burst.max(1).saturating_sub(1),
            epoch: Instant::now(),
            hasher: RandomState::new(),
            known: Mutex::default(),
        }
    }

    /// Takes one request from the key's allowance; or tells how long to wait until there is one.
    pub fn take(&self, key: &(impl Hash + ?Sized)) -> Result<(), Duration> {
        let key = self.hasher.hash_one(key);
        let now = self.epoch.elapsed();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.due.len() >= KEYS && !known.due.contains_key(&key) && now >= known.tidied + TIDY_EVERY {
            known.due.retain(|_, due| *due > now);
            known.tidied = now;
        }
        let Known { due, crowd, .. } = &mut *known;
        let due =
            if due.len() < KEYS || due.contains_key(&key) { due.entry(key).or_default() } else { crowd };
        let wait = due.saturating_sub(now + self.tolerance);
        if !wait.is_zero() {
            return Err(wait);
        }
        *due = (*due).max(now) + self.interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_at_once_and_then_the_rate() {
        let limiter = RateLimiter::new(Rate { per_second: 10, burst: 3 });
        for _ in 0..3 {
            assert_eq!(limiter.take("a"), Ok(()));
        }
        assert_eq!(limiter.take("a"), Err(Duration::from_millis(100)));
        assert_eq!(limiter.take("b"), Ok(()), "others have their own allowance");
        advance(Duration::from_millis(60)).await;
        assert_eq!(limiter.take("a"), Err(Duration::from_millis(40)), "a refusal costs nothing");
        advance(Duration::from_millis(40)).await;
        assert_eq!(limiter.take("a"), Ok(()));
        assert!(limiter.take("a").is_err());
        advance(Duration::from_mins(1)).await;
        assert_eq!(
            (0..9).filter(|_| limiter.take("a").is_ok()).count(),
            3,
            "rest is not saved beyond the burst"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_keys_take_bounded_memory_and_share_what_is_left() {
        let limiter = RateLimiter::new(Rate { per_second: 1, burst: 1 });
        for key in 0..KEYS {
            assert_eq!(limiter.take(&key), Ok(()));
        }
        assert_eq!(limiter.take("newcomer"), Ok(()));
        assert!(limiter.take("another").is_err());
        assert_eq!(limiter.known.lock().unwrap().due.len(), KEYS);
        advance(Duration::from_secs(2)).await;
        assert_eq!(limiter.take("later"), Ok(()));
        assert_eq!(limiter.known.lock().unwrap().due.len(), 1, "those that have rested are forgotten");
    }
}
