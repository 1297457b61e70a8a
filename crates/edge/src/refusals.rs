use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Sources of one window that are told apart; what others did is counted together.
const SOURCES: usize = 32;

/// Why the edge turned somebody away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Refusal {
    /// The source is in none of the allowed networks.
    Source,
    /// Only the named proxies may use this listener.
    NotAProxy,
    /// A proxy did not begin with a sound PROXY header.
    ProxyHeader,
    /// The TLS handshake failed.
    Handshake,
    /// The PROXY header or the TLS handshake did not end in time.
    HandshakeTimeout,
    /// The head of the first request did not arrive in time.
    HeadTimeout,
    /// What arrived is no HTTP, or its head is too large.
    NotHttp,
    /// A request tells in two ways where it ends, or in one that is not taken.
    Framing,
    /// Somebody who is no named proxy says whom he forwards for, or a named one does so in a garbled way.
    Forwarded,
    /// The source has as many connections as it may.
    SourceConnections,
    /// The source has sent more requests than it may.
    SourceRate,
    /// The source, or the caller, is locked out for a while.
    LockedOut,
    /// The caller has sent more requests than it may.
    CallerRate,
    /// The caller's project has sent more requests than it may.
    ProjectRate,
    /// More requests are being worked on than there is capacity for.
    Overload,
}

impl Refusal {
    /// A stable word for records.
    pub fn code(self) -> &'static str {
        match self {
            Self::Source => "source-not-allowed",
            Self::NotAProxy => "not-a-proxy",
            Self::ProxyHeader => "proxy-header",
            Self::Handshake => "tls-handshake",
            Self::HandshakeTimeout => "handshake-timeout",
            Self::HeadTimeout => "head-timeout",
            Self::NotHttp => "not-http",
            Self::Framing => "framing",
            Self::Forwarded => "forwarded-header",
            Self::SourceConnections => "source-connections",
            Self::SourceRate => "source-rate",
            Self::LockedOut => "locked-out",
            Self::CallerRate => "caller-rate",
            Self::ProjectRate => "project-rate",
            Self::Overload => "overload",
        }
    }
}

/// Like refusals within one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedRefusals {
    /// Where they came from; `None` for sources beyond those that are told apart.
    pub source: Option<IpAddr>,
    /// Why.
    pub refusal: Refusal,
    /// How many.
    pub times: u64,
}

/// Counts refusals, so that an attacker can neither fill the disk with records of them nor the memory with
/// sources: what is kept and what is recorded are bounded for each window, however many there are. Clones
/// count together.
#[derive(Debug, Clone)]
pub struct Refusals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    window: Duration,
    counts: Mutex<Counts>,
    begun: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    /// Of the window at hand.
    window: HashMap<(Option<IpAddr>, Refusal), u64>,
    /// Of all, as many as there are reasons.
    total: BTreeMap<Refusal, u64>,
}

impl Refusals {
    /// Counts in windows of that length, each of which begins with its first refusal.
    pub fn new(window: Duration) -> Self {
        Self(Arc::new(Inner { window, counts: Mutex::default(), begun: Notify::new() }))
    }

    /// Counts one.
    pub fn note(&self, source: IpAddr, refusal: Refusal) {
        tracing::debug!(%source, code = refusal.code(), "refused");
        let mut counts = self.counts();
        let total = counts.total.entry(refusal).or_default();
        *total = total.saturating_add(1);
        let counts = &mut counts.window;
        if counts.is_empty() {
            self.0.begun.notify_one();
        }
        let own = (Some(source.to_canonical()), refusal);
        let key = if counts.contains_key(&own) || counts.len() < SOURCES { own } else { (None, refusal) };
        let times = counts.entry(key).or_default();
        *times = times.saturating_add(1);
    }

    /// What a window has counted, once there has been one. Not to be awaited by two at once.
    pub async fn window(&self) -> Vec<CountedRefusals> {
        self.0.begun.notified().await;
        tokio::time::sleep(self.0.window).await;
        self.take()
    }

    /// What has been counted so far; counting begins anew.
    pub fn take(&self) -> Vec<CountedRefusals> {
        let counts = std::mem::take(&mut self.counts().window);
        counts
            .into_iter()
            .map(|((source, refusal), times)| CountedRefusals { source, refusal, times })
            .collect()
    }

    /// How many there have been of each reason, since the beginning.
    pub fn totals(&self) -> Vec<(Refusal, u64)> {
        self.counts().total.iter().map(|(refusal, times)| (*refusal, *times)).collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn source(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0xC000_0200 + number).into()
    }

    #[test]
    fn like_refusals_of_one_source_are_one_entry() {
        let refusals = Refusals::new(Duration::ZERO);
        for _ in 0..3 {
            refusals.note(source(1), Refusal::Source);
        }
        refusals.note(source(1), Refusal::NotHttp);
        let mut taken = refusals.take();
        taken.sort_by_key(|counted| counted.times);
        let expected = [(Refusal::NotHttp, 1), (Refusal::Source, 3)]
            .map(|(refusal, times)| CountedRefusals { source: Some(source(1)), refusal, times });
        assert_eq!(taken, expected);
        assert_eq!(refusals.take(), []);
        assert_eq!(refusals.totals(), [(Refusal::Source, 3), (Refusal::NotHttp, 1)]);
    }

    #[test]
    fn any_number_of_sources_makes_few_entries_and_none_is_lost() {
        let refusals = Refusals::new(Duration::ZERO);
        for number in 0..10_000 {
            refusals.note(source(number), Refusal::Source);
        }
        let taken = refusals.take();
        assert_eq!(taken.len(), SOURCES + 1);
        assert_eq!(taken.iter().map(|counted| counted.times).sum::<u64>(), 10_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_begins_with_its_first_refusal() {
        let refusals = Refusals::new(Duration::from_mins(1));
        let begun = tokio::time::Instant::now();
        let window = tokio::spawn({
            let refusals = refusals.clone();
            async move { refusals.window().await }
        });
        tokio::time::sleep(Duration::from_secs(100)).await;
        refusals.note(source(1), Refusal::Source);
        assert_eq!(window.await.unwrap().len(), 1);
        assert_eq!(begun.elapsed(), Duration::from_secs(160));
    }
}
