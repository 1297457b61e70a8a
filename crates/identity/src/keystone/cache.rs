use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use ring::hmac;
use ring::rand::SystemRandom;
use strongroom_core::ports::IdentityError;
use strongroom_core::{Caller, Clock as _, SystemClock, Timestamp};
use tokio::time::Instant;

use super::wire::Confirmed;
use crate::error::SetupError;

/// Longest that any answer may be remembered.
const LONGEST: Duration = Duration::from_hours(24);
/// Longest that a refusal is remembered: a token that is not valid hardly ever becomes so.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// Most refusals remembered. Somebody who sends made-up tokens replaces only these.
const REFUSED_TOKENS: usize = 4096;
/// Room for one token's answer in bytes; a larger one takes the room of several.
const ROOM: u64 = 1024;

/// What stands for a token: without the key, which never leaves this process, it can't be told whose.
pub(super) type Digest = [u8; 32];

/// What Keystone has said about tokens, for a while. Tokens themselves are not kept.
pub(super) struct TokenCache {
    key: hmac::Key,
    time: Duration,
    known: Cache<Digest, Arc<Known>, Size>,
    refused: Cache<Digest, Instant>,
}

/// A token that Keystone has confirmed.
struct Known {
    caller: Caller,
    /// The token's own end, by the wall clock.
    expires: Timestamp,
    /// When the answer is no longer believed, by a clock that nobody sets.
    stale_at: Instant,
}

/// A verdict: the caller, or that there is none.
type Verdict = Option<Caller>;

impl TokenCache {
    /// Believes an answer for `time`, a day at most, and keeps at most `tokens` of them.
    pub(super) fn new(time: Duration, tokens: usize) -> Result<Self, SetupError> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let room = ROOM.saturating_mul(u64::try_from(tokens).unwrap_or(u64::MAX));
        Ok(Self {
            key: key.map_err(|_| SetupError::Random)?,
            time: time.min(LONGEST),
            known: Cache::with_weighter(tokens, room, Size),
            refused: Cache::new(REFUSED_TOKENS),
        })
    }

    /// What stands for that token here.
    pub(super) fn digest(&self, token: &str) -> Digest {
        let tag = hmac::sign(&self.key, token.as_bytes());
        let mut digest = Digest::default();
        for (to, from) in digest.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        digest
    }

    /// What is known about a token; `None` when Keystone has to be asked.
    pub(super) fn look(&self, digest: &Digest, wall: Timestamp, now: Instant) -> Option<Verdict> {
        if let Some(known) = self.known.get(digest) {
            if now < known.stale_at && wall < known.expires {
                return Some(Some(known.caller.clone()));
            }
            self.known.remove_if(digest, |current| Arc::ptr_eq(current, &known));
            if wall >= known.expires {
                return Some(None);
            }
        }
        self.refused.get(digest).filter(|until| now < *until).map(|_| None)
    }

    /// Asks about a token. While it is asked about, whoever else brings it waits for the same answer.
    pub(super) async fn ask_once<F>(
        &self,
        digest: &Digest,
        ask: impl FnOnce() -> F,
    ) -> Result<Verdict, IdentityError>
    where
        F: Future<Output = Result<Option<Confirmed>, IdentityError>>,
    {
        let place = match self.known.get_value_or_guard_async(digest).await {
            Ok(known) => return Ok(Some(known.caller.clone())),
            Err(place) => place,
        };
        // Those who waited for an answer that was a refusal come by here.
        if self.refused.get(digest).is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        let asked_at = Instant::now();
        let answer = ask().await?.filter(|confirmed| SystemClock.now() < confirmed.expires);
        let Some(Confirmed { caller: Some(caller), expires }) = answer else {
            self.refused.insert(*digest, asked_at + self.time.min(REFUSED_FOR));
            return Ok(None);
        };
        let known = Known { caller: caller.clone(), expires, stale_at: asked_at + self.time };
        // Whoever took the place in the meantime has asked as well.
        place.insert(Arc::new(known)).ok();
        Ok(Some(caller))
    }
}

/// How much room an answer takes.
#[derive(Clone)]
struct Size;

impl Weighter<Digest, Arc<Known>> for Size {
    fn weight(&self, _: &Digest, known: &Arc<Known>) -> u64 {
        let Caller { user, project, roles, .. } = &known.caller;
        let ids = user.as_ref().map_or(0, |id| id.as_str().len())
            + project.as_ref().map_or(0, |id| id.as_str().len());
        // A text takes some room of its own beside its letters.
        let names: usize = roles.names().iter().map(|name| name.len() + 48).sum();
        u64::try_from(ids + names + 256).unwrap_or(u64::MAX).max(ROOM)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_core::access::IdentitySource;
    use strongroom_core::{ProjectId, Roles, UserId};
    use tokio::sync::Barrier;
    use tokio::time::advance;

    use super::*;

    const TIME: Duration = Duration::from_mins(5);

    fn caller(user: &str) -> Caller {
        Caller {
            user: Some(UserId::new(user).unwrap()),
            project: Some(ProjectId::new("p").unwrap()),
            roles: Roles::new(["member"]),
            source: IdentitySource::Keystone,
        }
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }

    type Answer = Result<Option<Confirmed>, IdentityError>;

    fn valid(user: &str) -> Answer {
        valid_for(user, 3600)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as Keystone's answers are")]
    fn valid_for(user: &str, seconds: i64) -> Answer {
        Ok(Some(Confirmed { caller: Some(caller(user)), expires: now().plus_seconds(seconds) }))
    }

    fn look(cache: &TokenCache, token: &str) -> Option<Verdict> {
        cache.look(&cache.digest(token), now(), Instant::now())
    }

    async fn put(cache: &TokenCache, token: &str, answer: Answer) {
        cache.ask_once(&cache.digest(token), || async { answer }).await.ok();
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_believed_for_their_time_and_no_longer() {
        let cache = TokenCache::new(TIME, 100).unwrap();
        put(&cache, "a", valid("ada")).await;
        put(&cache, "b", Ok(None)).await;
        put(&cache, "c", Err(IdentityError::Unavailable("down".to_owned()))).await;
        assert_eq!(look(&cache, "a"), Some(Some(caller("ada"))));
        assert_eq!(look(&cache, "b"), Some(None));
        assert_eq!(look(&cache, "c"), None);
        advance(REFUSED_FOR).await;
        assert_eq!(look(&cache, "b"), None);
        advance(Duration::from_millis(289_999)).await;
        assert_eq!(look(&cache, "a"), Some(Some(caller("ada"))));
        advance(Duration::from_millis(1)).await;
        assert_eq!(look(&cache, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_token_outlives_itself() {
        let cache = TokenCache::new(TIME, 100).unwrap();
        put(&cache, "a", valid("ada")).await;
        let digest = cache.digest("a");
        let at = |seconds| cache.look(&digest, now().plus_seconds(seconds), Instant::now());
        assert_eq!(at(3500), Some(Some(caller("ada"))));
        assert_eq!(at(3601), Some(None));
        put(&cache, "b", valid_for("ada", -1)).await;
        assert_eq!(look(&cache, "b"), Some(None));
        // Once seen as expired it is gone, wherever the clock is set.
        assert_eq!(at(0), None);
    }

    #[tokio::test]
    async fn whoever_brings_the_same_token_waits_for_the_same_answer() {
        for answer in [valid("ada"), Ok(None)] {
            let cache = TokenCache::new(TIME, 100).unwrap();
            let (digest, gate) = (cache.digest("a"), Barrier::new(2));
            let asked = std::sync::atomic::AtomicUsize::new(0);
            let ask = || {
                asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                async {
                    gate.wait().await;
                    answer.clone()
                }
            };
            let (first, second, third, _) = tokio::join!(
                cache.ask_once(&digest, ask),
                cache.ask_once(&digest, ask),
                cache.ask_once(&digest, ask),
                gate.wait()
            );
            let wanted = answer.as_ref().unwrap().as_ref().map(|_| caller("ada"));
            assert_eq!(
                [first.unwrap(), second.unwrap(), third.unwrap()],
                [wanted.clone(), wanted.clone(), wanted]
            );
            assert_eq!(asked.into_inner(), 1);
        }
    }

    #[tokio::test]
    async fn one_that_gives_up_leaves_the_place_to_the_next() {
        let cache = TokenCache::new(TIME, 100).unwrap();
        let digest = cache.digest("a");
        let gives_up = cache.ask_once(&digest, std::future::pending);
        assert!(tokio::time::timeout(Duration::from_millis(5), gives_up).await.is_err());
        let next = cache.ask_once(&digest, || async { valid("ada") }).await;
        assert_eq!(next.unwrap(), Some(caller("ada")));
    }

    #[tokio::test]
    async fn the_cache_is_bounded_and_made_up_tokens_replace_no_good_ones() {
        let cache = TokenCache::new(TIME, 1000).unwrap();
        put(&cache, "good", valid("ada")).await;
        for number in 0..20_000 {
            put(&cache, &format!("junk {number}"), Ok(None)).await;
        }
        assert!(look(&cache, "good").is_some());
        assert!(cache.refused.len() <= REFUSED_TOKENS + REFUSED_TOKENS / 4);
        for number in 0..5000 {
            put(&cache, &format!("token {number}"), valid("ada")).await;
        }
        assert!(cache.known.len() <= 1000, "{}", cache.known.len());
        assert!(cache.known.len() > 500, "{}", cache.known.len());
    }

    /// What Keystone says about a user with many roles, ten thousand times.
    #[tokio::test]
    async fn ten_thousand_tokens_take_less_than_sixteen_mebibytes() {
        let cache = TokenCache::new(TIME, 10_000).unwrap();
        let id = "0123456789abcdef0123456789abcdef";
        for number in 0..10_000 {
            let Ok(Some(Confirmed { caller: Some(mut caller), expires })) = valid(id) else {
                panic!("valid")
            };
            caller.roles = Roles::new(["admin", "manager", "member", "reader", "load-balancer_member"]);
            put(&cache, &number.to_string(), Ok(Some(Confirmed { caller: Some(caller), expires }))).await;
        }
        assert!(cache.known.len() > 9000, "{}", cache.known.len());
        let texts = |known: &Known| {
            let roles = known.caller.roles.names();
            let ids = 2 * id.len();
            // What an allocation takes beside what it holds.
            ids + roles.iter().map(|role| role.len() + size_of::<String>() + 16).sum::<usize>() + 48
        };
        let answers: usize =
            cache.known.iter().map(|(_, known)| size_of::<Known>() + 32 + texts(&known)).sum();
        let refusals = (size_of::<Digest>() + size_of::<Instant>() + 64) * REFUSED_TOKENS;
        let total = cache.known.memory_used().total() + answers + refusals;
        assert!(total < 16 << 20, "{total}");
    }
}
