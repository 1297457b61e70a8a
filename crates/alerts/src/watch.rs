use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_core::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::alert::{Alert, Responder, Subject};
use crate::observation::{Observation, Wanted};
use crate::quiet::Quiet;
use crate::readers::Readers;
use crate::rule::{Judge, Rule};
use crate::tap::Spout;

/// Most observations that wait to be looked at.
const WAITING: usize = 16_384;
/// Most readings that wait until it is known who has read before.
const PENDING: usize = 16_384;
/// How often it is told at most that records were not looked at.
const TELL_UNSEEN: Duration = Duration::from_mins(15);

/// Rules at work on what a [`Tap`](crate::Tap) passes on.
pub struct Watch {
    judges: Vec<Judge>,
    network: fn(IpAddr) -> IpAddr,
    seen: mpsc::Receiver<Observation>,
    unseen: Arc<AtomicU64>,
    unseen_quiet: Quiet,
    readers: Option<Readers>,
    /// Readings from before it was known who had read before.
    pending: Vec<Observation>,
}

/// Puts rules to work. `network` gives the source that an address counts as.
pub fn watch(rules: Vec<Rule>, network: fn(IpAddr) -> IpAddr) -> (Spout, Watch) {
    let mut wanted = Wanted::default();
    for rule in &rules {
        rule.want(&mut wanted);
    }
    let (sender, seen) = mpsc::channel(WAITING);
    let unseen = Arc::new(AtomicU64::new(0));
    let spout = Spout { wanted, seen: sender, unseen: Arc::clone(&unseen) };
    let watch = Watch {
        judges: rules.into_iter().map(Judge::new).collect(),
        network,
        seen,
        unseen,
        unseen_quiet: Quiet::new(TELL_UNSEEN),
        readers: None,
        pending: Vec::new(),
    };
    (spout, watch)
}

impl Watch {
    /// Whether a rule asks who has read before.
    pub fn needs_readers(&self) -> bool {
        self.judges.iter().any(Judge::is_about_readers)
    }

    /// Looks at everything that is passed on, until told to stop and nothing waits. `readers` gives who has read
    /// before this process began; what they read until then is looked at when it is known, and without it never.
    pub async fn run(
        mut self,
        responder: &dyn Responder,
        mut readers: oneshot::Receiver<Readers>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut expecting = self.needs_readers();
        loop {
            tokio::select! {
                biased;
                known = &mut readers, if expecting => {
                    expecting = false;
                    self.readers = known.ok();
                    for seen in std::mem::take(&mut self.pending) {
                        self.look_at_reader(seen, responder).await;
                    }
                }
                stopping = stop.changed(), if !self.seen.is_closed() => {
                    if stopping.is_err() || *stop.borrow() {
                        self.seen.close();
                    }
                }
                seen = self.seen.recv() => {
                    let Some(seen) = seen else { break };
                    self.look(seen, responder).await;
                }
            }
        }
        if let Some(last) = self.pending.pop() {
            // Who has read before is still not known, and after the next start these will have.
            self.unseen
                .fetch_add(u64::try_from(self.pending.len() + 1).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.tell_unseen(last.at, responder).await;
        }
    }

    async fn look(&mut self, seen: Observation, responder: &dyn Responder) {
        self.tell_unseen(seen.at, responder).await;
        for judge in &mut self.judges {
            let found = judge.look(&seen, self.network);
            // First what stops it, then what tells of it.
            if let Some(lock_out) = found.lock_out {
                responder.lock_out(lock_out).await;
            }
            if let Some(alert) = found.alert {
                responder.raise(alert).await;
            }
        }
        if !seen.read || !self.needs_readers() {
            return;
        }
        if self.readers.is_some() {
            self.look_at_reader(seen, responder).await;
        } else if self.pending.len() < PENDING {
            self.pending.push(seen);
        } else {
            self.unseen.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn look_at_reader(&mut self, seen: Observation, responder: &dyn Responder) {
        let (Some(readers), Some(secret)) = (&mut self.readers, seen.secret) else { return };
        if !readers.note(secret, seen.caller.as_ref()) {
            return;
        }
        let created = responder.created(secret).await;
        for judge in &mut self.judges {
            if let Some(alert) = judge.look_at_first(&seen, created) {
                responder.raise(alert).await;
            }
        }
    }

    /// Tells of records that came faster than they could be looked at: an attack may be among them.
    async fn tell_unseen(&mut self, at: Timestamp, responder: &dyn Responder) {
        if self.unseen.load(Ordering::Relaxed) == 0
            || self.unseen_quiet.admit(Subject::Many, at.as_micros()).is_none()
        {
            return;
        }
        let count = self.unseen.swap(0, Ordering::Relaxed);
        tracing::warn!(count, "records came faster than the rules for alerts could look at them");
        responder
            .raise(Alert {
                rule: "-".to_owned(),
                kind: "not-looked-at",
                at,
                subject: Subject::Many,
                count: Some(count),
                within: None,
                last: None,
            })
            .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use strongroom_core::audit::{Action, Event, Origin, Outcome, Phase, Target};
    use strongroom_core::ports::{AuditError, AuditSink, OpenChange};
    use strongroom_core::{Caller, ProjectId, SecretId, UserId};

    use super::*;
    use crate::alert::LockOut;
    use crate::rule::{By, RuleKind};

    /// A sink whose records are durable at once, or not at all.
    struct Sink(bool);

    #[async_trait]
    impl AuditSink for Sink {
        async fn record(&self, _event: Event) -> Result<(), AuditError> {
            if self.0 { Ok(()) } else { Err(AuditError { reason: "full".to_owned() }) }
        }

        async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
            Ok(Vec::new())
        }

        fn health(&self) -> Result<(), AuditError> {
            Ok(())
        }

        fn node(&self) -> &'static str {
            "n"
        }
    }

    #[derive(Default)]
    struct Told(Mutex<Vec<Alert>>);

    #[async_trait]
    impl Responder for Told {
        async fn raise(&self, alert: Alert) {
            self.0.lock().unwrap().push(alert);
        }

        async fn lock_out(&self, _lock_out: LockOut) {}

        async fn created(&self, _secret: SecretId) -> Option<Timestamp> {
            Timestamp::from_micros(0)
        }
    }

    fn rule(kind: RuleKind) -> Rule {
        Rule { name: "r".to_owned(), kind, quiet: Duration::from_mins(1), lock_out: None }
    }

    fn refusals(times: u32) -> Rule {
        rule(RuleKind::Refusals { by: By::Caller, times, within: Duration::from_mins(1) })
    }

    fn event(action: Action, secret: SecretId, outcome: Outcome) -> Event {
        let caller = Caller::embedded(ProjectId::new("p").unwrap(), UserId::new("u").unwrap());
        Event {
            at: Timestamp::from_micros(1_000_000_000_000_000).unwrap(),
            phase: Phase::Outcome,
            change: None,
            action,
            target: Some(Target::Secret(secret)),
            caller: Some(caller),
            origin: Origin::default(),
            outcome: Some(outcome),
            reason: None,
            access: None,
        }
    }

    /// What is told of these records, each durable or not.
    async fn told(rules: Vec<Rule>, events: Vec<(Event, bool)>, readers: Option<Readers>) -> Vec<Alert> {
        let (spout, watch) = watch(rules, |address| address);
        let mut tap = spout.tap(Sink(true));
        for (event, durable) in events {
            tap.sink_mut().0 = durable;
            assert_eq!(tap.record(event).await.is_ok(), durable);
        }
        drop(tap);
        let told = Told::default();
        let (known, knowing) = oneshot::channel();
        if let Some(readers) = readers {
            known.send(readers).unwrap();
        }
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        watch.run(&told, knowing, stopped).await;
        told.0.into_inner().unwrap()
    }

    #[tokio::test]
    async fn only_what_is_durable_counts() {
        let secret = SecretId::random();
        let refused = || event(Action::SecretRead, secret, Outcome::Refused);
        let few = vec![(refused(), true), (refused(), false), (refused(), true)];
        assert_eq!(told(vec![refusals(3)], few, None).await, []);
        let enough = vec![(refused(), true), (refused(), true), (refused(), true)];
        let alerts = told(vec![refusals(3)], enough, None).await;
        assert_eq!((alerts.len(), alerts[0].count, alerts[0].kind), (1, Some(3), "refusals-of-caller"));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_told() {
        let secret = SecretId::random();
        let (spout, watch) = watch(vec![refusals(1_000_000)], |address| address);
        let tap = spout.tap(Sink(true));
        for _ in 0..WAITING + 7 {
            tap.record(event(Action::SecretRead, secret, Outcome::Refused)).await.unwrap();
        }
        drop(tap);
        let told = Told::default();
        let (_known, knowing) = oneshot::channel();
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        watch.run(&told, knowing, stopped).await;
        let alerts = told.0.into_inner().unwrap();
        assert_eq!((alerts.len(), alerts[0].kind, alerts[0].count), (1, "not-looked-at", Some(7)));
    }

    #[tokio::test]
    async fn a_decoy_is_told_whoever_comes_and_however_it_ends() {
        let (decoy, other) = (SecretId::random(), SecretId::random());
        let rules = vec![rule(RuleKind::Decoy { secrets: [decoy].into() })];
        let events = vec![
            (event(Action::PayloadRead, other, Outcome::Success), true),
            (event(Action::SecretDelete, decoy, Outcome::Refused), true),
            (event(Action::PayloadRead, decoy, Outcome::Success), true),
        ];
        let alerts = told(rules, events, None).await;
        assert_eq!(alerts.len(), 1, "the same caller, within the quiet time");
        assert!(matches!(&alerts[0].subject, Subject::Reading(id, Some(_)) if *id == decoy));
    }

    #[tokio::test]
    async fn readings_that_could_not_be_judged_are_told() {
        let secret = SecretId::random();
        let rules = vec![rule(RuleKind::FirstReader { older_than: Duration::from_secs(1) })];
        let events = vec![(event(Action::PayloadRead, secret, Outcome::Success), true); 3];
        let alerts = told(rules, events, None).await;
        assert_eq!((alerts.len(), alerts[0].kind, alerts[0].count), (1, "not-looked-at", Some(3)));
    }

    #[tokio::test]
    async fn a_first_reader_is_told_once_the_known_ones_are_known() {
        let (old, new) = (SecretId::random(), SecretId::random());
        let rules = vec![rule(RuleKind::FirstReader { older_than: Duration::from_secs(1) })];
        let events = vec![
            (event(Action::PayloadRead, old, Outcome::Success), true),
            (event(Action::PayloadRead, new, Outcome::Success), true),
            (event(Action::PayloadRead, new, Outcome::Success), true),
        ];
        let mut readers = Readers::default();
        let who = crate::Who { user: UserId::new("u").ok(), project: ProjectId::new("p").ok() };
        assert!(readers.note(old, Some(&who)));
        let alerts = told(rules, events, Some(readers)).await;
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert!(matches!(&alerts[0].subject, Subject::Reading(id, Some(_)) if *id == new));
    }
}
