use std::sync::Arc;

use http::HeaderValue;
use strongroom_core::Timestamp;
use tokio::time::{Duration, Instant};

/// Longest before its end that a token is replaced, in seconds.
const RENEW_AHEAD: i64 = 120;
/// A token that is refused when it is younger than this is not worth replacing: the next would be, too.
const YOUNG: Duration = Duration::from_secs(5);

/// The token by which the service asks Keystone.
#[derive(Debug)]
pub(super) struct OwnToken {
    /// The token, marked as sensitive.
    pub(super) value: HeaderValue,
    renew_at: Timestamp,
    obtained: Instant,
}

impl OwnToken {
    /// A token obtained now, by both clocks, that is valid until `expires`.
    pub(super) fn new(mut value: HeaderValue, expires: Timestamp, wall: Timestamp, now: Instant) -> Self {
        value.set_sensitive(true);
        let lifetime = (expires.as_micros() - wall.as_micros()) / 1_000_000;
        let ahead = RENEW_AHEAD.min(lifetime / 5);
        Self { value, renew_at: expires.plus_seconds(-ahead), obtained: now }
    }

    /// Whether it is to be replaced before it is used once more.
    pub(super) fn is_due(&self, wall: Timestamp) -> bool {
        wall >= self.renew_at
    }

    /// Whether it was obtained only just now.
    pub(super) fn is_young(&self, now: Instant) -> bool {
        now.duration_since(self.obtained) < YOUNG
    }
}

/// The token in use, if any, and not the one that was refused.
pub(super) fn usable(
    current: Option<&Arc<OwnToken>>,
    refused: Option<&Arc<OwnToken>>,
    wall: Timestamp,
) -> Option<Arc<OwnToken>> {
    let current = current.filter(|token| !token.is_due(wall))?;
    (!refused.is_some_and(|refused| Arc::ptr_eq(refused, current))).then(|| Arc::clone(current))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_in_good_time() {
        let start = Timestamp::from_micros(0).unwrap();
        let token = |seconds| {
            let value = HeaderValue::from_static("t");
            OwnToken::new(value, start.plus_seconds(seconds), start, Instant::now())
        };
        let hour = token(3600);
        assert!(!hour.is_due(start.plus_seconds(3479)));
        assert!(hour.is_due(start.plus_seconds(3480)));
        let brief = token(5);
        assert!(!brief.is_due(start.plus_seconds(3)));
        assert!(brief.is_due(start.plus_seconds(4)));
        assert!(token(0).is_due(start));
    }

    #[test]
    fn the_one_that_was_refused_is_not_used_again() {
        let start = Timestamp::from_micros(0).unwrap();
        let make = || {
            Arc::new(OwnToken::new(
                HeaderValue::from_static("t"),
                start.plus_seconds(9),
                start,
                Instant::now(),
            ))
        };
        let (first, second) = (make(), make());
        assert!(usable(None, None, start).is_none());
        assert!(Arc::ptr_eq(&usable(Some(&first), None, start).unwrap(), &first));
        assert!(usable(Some(&first), Some(&first), start).is_none());
        assert!(Arc::ptr_eq(&usable(Some(&second), Some(&first), start).unwrap(), &second));
    }
}
