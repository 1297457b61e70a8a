use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::networks::Networks;
use crate::source::source;

/// Most sources and callers that are locked out at once. Beyond them nobody is: this is not what keeps a flood away.
const MOST: usize = 65_536;

/// Who is locked out for a while, in memory only: a restart lets everybody in. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct LockOuts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    never: Vec<Networks>,
    hasher: RandomState,
    /// How many there may be, so that nobody waits for the lock while nobody is locked out.
    count: AtomicUsize,
    /// Until when, by a keyed hash of whom.
    until: Mutex<HashMap<u64, Instant>>,
}

impl LockOuts {
    /// Nobody yet; and never what comes from these networks, whoever it is.
    pub fn new(never: Vec<Networks>) -> Self {
        Self(Arc::new(Inner { never, ..Inner::default() }))
    }

    /// Locks out whoever comes from the address, or for IPv6 from the network of that host. Tells whether that is
    /// something new.
    pub fn lock_source(&self, address: IpAddr, time: Duration) -> bool {
        !self.is_exempt(address) && self.lock(&Self::of_source(address), time)
    }

    /// Locks out a caller, by whatever tells callers apart. Tells whether that is something new.
    pub fn lock_caller(&self, caller: &impl Hash, time: Duration) -> bool {
        self.lock(&(false, caller), time)
    }

    /// How long that source is still locked out.
    pub fn source(&self, address: IpAddr) -> Option<Duration> {
        self.left(&Self::of_source(address)).filter(|_| !self.is_exempt(address))
    }

    /// How long that caller, who comes from there, is still locked out.
    pub fn caller(&self, caller: &impl Hash, from: Option<IpAddr>) -> Option<Duration> {
        self.left(&(false, caller)).filter(|_| !from.is_some_and(|from| self.is_exempt(from)))
    }

    fn of_source(address: IpAddr) -> (bool, IpAddr) {
        (true, source(address))
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.0.never.iter().any(|networks| networks.contains(address))
    }

    fn lock(&self, whom: &impl Hash, time: Duration) -> bool {
        let (whom, now) = (self.0.hasher.hash_one(whom), Instant::now());
        let mut until = self.0.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| *until > now);
        let known = until.contains_key(&whom);
        if known || until.len() < MOST {
            until.insert(whom, now + time);
        }
        self.0.count.store(until.len(), Ordering::Release);
        !known && until.contains_key(&whom)
    }

    fn left(&self, whom: &impl Hash) -> Option<Duration> {
        if self.0.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let whom = self.0.hasher.hash_one(whom);
        let until = self.0.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(&whom)?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_out_ends_by_itself() {
        let lock_outs = LockOuts::default();
        let time = Duration::from_mins(1);
        assert!(lock_outs.lock_source(ip("2001:db8::1"), time));
        assert!(!lock_outs.lock_source(ip("2001:db8::2"), time), "the same host's network");
        assert!(lock_outs.lock_caller(&("p", "u"), time));
        assert_eq!(lock_outs.source(ip("2001:db8::3")), Some(time));
        assert_eq!(lock_outs.source(ip("2001:db8:0:1::3")), None);
        assert_eq!(lock_outs.caller(&("p", "u"), None), Some(time));
        assert_eq!(lock_outs.caller(&("p", "v"), None), None);
        advance(Duration::from_secs(59)).await;
        assert!(lock_outs.source(ip("2001:db8::1")).is_some());
        advance(Duration::from_secs(1)).await;
        assert_eq!(lock_outs.source(ip("2001:db8::1")), None);
        assert_eq!(lock_outs.caller(&("p", "u"), None), None);
        assert!(lock_outs.lock_source(ip("192.0.2.1"), time));
        assert_eq!(lock_outs.0.until.lock().unwrap().len(), 1, "those that have ended are forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn named_networks_are_never_locked_out() {
        let never = ["192.0.2.0/24", "2001:db8::1"].map(|text| Networks::parse([text]).unwrap());
        let lock_outs = LockOuts::new(never.to_vec());
        let time = Duration::from_mins(1);
        assert!(!lock_outs.lock_source(ip("192.0.2.7"), time));
        // A neighbour's deeds lock the network out, and not the address that is named.
        assert!(lock_outs.lock_source(ip("2001:db8::2"), time));
        assert_eq!(lock_outs.source(ip("2001:db8::1")), None);
        assert!(lock_outs.lock_caller(&"u", time));
        assert_eq!(lock_outs.caller(&"u", Some(ip("192.0.2.7"))), None);
        assert_eq!(lock_outs.caller(&"u", Some(ip("198.51.100.1"))), Some(time));
    }
}
