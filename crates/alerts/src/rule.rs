use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use strongroom_core::audit::Action;
use strongroom_core::{SecretId, Timestamp};

use crate::alert::{Alert, LockOut, Offender, Subject};
use crate::counter::Counter;
use crate::observation::{Observation, Wanted};
use crate::quiet::Quiet;

/// Subjects that a rule tells apart: two megabytes at most, with the longest names.
const SUBJECTS: usize = 1024;

/// What looks like an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for records and notices.
    pub name: String,
    /// What it looks for.
    pub kind: RuleKind,
    /// For how long nothing more is told of the same subject.
    pub quiet: Duration,
    /// For how long whoever does it is locked out.
    pub lock_out: Option<Duration>,
}

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleKind {
    /// So many refusals within a time.
    Refusals {
        /// Of what.
        by: By,
        /// How many.
        times: u32,
        /// Within which time.
        within: Duration,
    },
    /// So many payloads read by one caller within a time.
    PayloadReads {
        /// How many.
        times: u32,
        /// Within which time.
        within: Duration,
    },
    /// A payload read by somebody who never has read it, when the secret is older than that.
    FirstReader {
        /// How old.
        older_than: Duration,
    },
    /// Anything that anybody does to these secrets, or tries to.
    Decoy {
        /// Which.
        secrets: HashSet<SecretId>,
    },
}

/// What refusals are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The caller; those whom nobody identified don't count.
    Caller,
    /// The source address.
    Source,
    /// The secret.
    Secret,
}

/// What a rule finds.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) alert: Option<Alert>,
    pub(crate) lock_out: Option<LockOut>,
}

/// A rule at work.
pub(crate) struct Judge {
    rule: Rule,
    counter: Counter<Subject>,
    quiet: Quiet,
}

impl Rule {
    /// Adds what it looks at.
    pub(crate) fn want(&self, wanted: &mut Wanted) {
        match &self.kind {
            RuleKind::Refusals { .. } => wanted.refusals = true,
            RuleKind::PayloadReads { .. } | RuleKind::FirstReader { .. } => wanted.reads = true,
            RuleKind::Decoy { secrets } => wanted.decoys.extend(secrets),
        }
    }

    fn word(&self) -> &'static str {
        match self.kind {
            RuleKind::Refusals { by: By::Caller, .. } => "refusals-of-caller",
            RuleKind::Refusals { by: By::Source, .. } => "refusals-of-source",
            RuleKind::Refusals { by: By::Secret, .. } => "refusals-at-secret",
            RuleKind::PayloadReads { .. } => "payload-reads",
            RuleKind::FirstReader { .. } => "first-reader",
            RuleKind::Decoy { .. } => "decoy",
        }
    }
}

impl Judge {
    pub(crate) fn new(rule: Rule) -> Self {
        let within = match rule.kind {
            RuleKind::Refusals { within, .. } | RuleKind::PayloadReads { within, .. } => within,
            RuleKind::FirstReader { .. } | RuleKind::Decoy { .. } => Duration::ZERO,
        };
        Self { counter: Counter::new(within, SUBJECTS), quiet: Quiet::new(rule.quiet), rule }
    }

    /// Whether it has to be told who reads for the first time.
    pub(crate) fn is_about_readers(&self) -> bool {
        matches!(self.rule.kind, RuleKind::FirstReader { .. })
    }

    /// Looks at what was seen; `network` gives the source that an address belongs to.
    pub(crate) fn look(&mut self, seen: &Observation, network: fn(IpAddr) -> IpAddr) -> Verdict {
        let source = seen.address.map(network);
        let (subject, more, times, within) = match &self.rule.kind {
            RuleKind::Refusals { by, times, within } if seen.refused > 0 => {
                let subject = match by {
                    By::Caller => seen.caller.clone().map(Subject::Caller),
                    // The edge counts sources together beyond those that it tells apart.
                    By::Source if source.is_none() && seen.action == Action::Admit => Some(Subject::Many),
                    By::Source => source.map(Subject::Source),
                    By::Secret => seen.secret.map(Subject::Secret),
                };
                (subject, seen.refused, *times, *within)
            }
            RuleKind::PayloadReads { times, within } if seen.read => {
                (seen.caller.clone().map(Subject::Caller), 1, *times, *within)
            }
            RuleKind::Decoy { secrets } => {
                let secret = seen.secret.filter(|secret| secrets.contains(secret));
                let Some(secret) = secret else { return Verdict::default() };
                let offender = seen.caller.clone().map(Offender::Caller);
                let offender = offender.or_else(|| source.map(Offender::Source));
                let subject = Subject::Reading(secret, seen.caller.clone());
                return Verdict {
                    alert: self.tell(subject, None, None, seen),
                    lock_out: self.lock_out(offender),
                };
            }
            _ => return Verdict::default(),
        };
        let Some(subject) = subject else { return Verdict::default() };
        let counted = self.counter.add(&subject, more, seen.at.as_micros());
        let bound = u64::from(times);
        if counted.at_least >= bound {
            let offender = match &subject {
                Subject::Caller(who) => Some(Offender::Caller(who.clone())),
                Subject::Source(address) => Some(Offender::Source(*address)),
                Subject::Secret(_) | Subject::Reading(..) | Subject::Many => None,
            };
            Verdict {
                alert: self.tell(subject, Some(counted.at_least), Some(within), seen),
                lock_out: self.lock_out(offender),
            }
        } else if counted.at_most >= bound {
            // Nobody is locked out for what others may have done.
            let alert = self.tell(Subject::Many, Some(counted.at_most), Some(within), seen);
            Verdict { alert, lock_out: None }
        } else {
            Verdict::default()
        }
    }

    /// Looks at somebody who reads a secret for the first time. One whose age is not known counts as old: it may
    /// have been deleted in order to hide the reading.
    pub(crate) fn look_at_first(&mut self, seen: &Observation, created: Option<Timestamp>) -> Option<Alert> {
        let RuleKind::FirstReader { older_than } = self.rule.kind else { return None };
        let age = created.map(|created| seen.at.as_micros().saturating_sub(created.as_micros()));
        let bound = i64::try_from(older_than.as_micros()).unwrap_or(i64::MAX);
        if age.is_some_and(|age| age < bound) {
            return None;
        }
        self.tell(Subject::Reading(seen.secret?, seen.caller.clone()), None, None, seen)
    }

    fn tell(
        &mut self,
        subject: Subject,
        count: Option<u64>,
        within: Option<Duration>,
        seen: &Observation,
    ) -> Option<Alert> {
        Some(Alert {
            subject: self.quiet.admit(subject, seen.at.as_micros())?,
            rule: self.rule.name.clone(),
            kind: self.rule.word(),
            at: seen.at,
            count,
            within,
            last: Some(seen.clone()),
        })
    }

    /// Whether told or not: who is one of many to be told is one of many to be kept out.
    fn lock_out(&self, whom: Option<Offender>) -> Option<LockOut> {
        Some(LockOut { rule: self.rule.name.clone(), whom: whom?, time: self.rule.lock_out? })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn refusal(source: u32, micros: i64) -> Observation {
        Observation {
            at: Timestamp::from_micros(micros).unwrap(),
            action: Action::PayloadRead,
            refused: 1,
            read: false,
            secret: None,
            caller: None,
            address: Some(Ipv4Addr::from_bits(source).into()),
            request_id: None,
        }
    }

    fn judge(times: u32) -> Judge {
        Judge::new(Rule {
            name: "r".to_owned(),
            kind: RuleKind::Refusals { by: By::Source, times, within: Duration::from_mins(1) },
            quiet: Duration::from_mins(15),
            lock_out: Some(Duration::from_mins(5)),
        })
    }

    fn same(address: IpAddr) -> IpAddr {
        address
    }

    proptest! {
        /// However it is spread over the time, and whoever else is refused, a burst is told, and once.
        #[test]
        fn a_burst_is_told_once(
            mut at in proptest::collection::vec(0..60_000_000_i64, 20),
            others in proptest::collection::vec((2..200_u32, 0..60_000_000_i64), 0..400),
            start in 0..1_000_000_000_i64,
        ) {
            at.sort_unstable();
            let mut all: Vec<_> = at.iter().map(|at| (*at, 1)).collect();
            all.extend(others.iter().map(|(source, at)| (*at, *source)));
            all.sort_unstable();
            let mut judge = judge(20);
            let found = all.iter().map(|(at, source)| judge.look(&refusal(*source, start + at), same));
            let found: Vec<_> = found.collect();
            let own: IpAddr = Ipv4Addr::from_bits(1).into();
            let alerts = found.iter().filter_map(|found| found.alert.as_ref());
            prop_assert_eq!(alerts.filter(|alert| alert.subject == Subject::Source(own)).count(), 1);
            let mut locked = found.iter().filter_map(|found| found.lock_out.as_ref());
            prop_assert!(locked.any(|locked| locked.whom == Offender::Source(own)));
        }
    }

    #[test]
    fn a_burst_among_more_sources_than_are_told_apart_is_told_and_nobody_is_locked_out() {
        let mut judge = judge(20);
        let mut found = Vec::new();
        for round in 0..20 {
            // So many others in between that every source is let go before it comes again.
            for other in 0..1100 {
                found.push(judge.look(&refusal(100 + round * 1100 + other, 0), same));
            }
            found.push(judge.look(&refusal(1, 0), same));
        }
        assert!(found.iter().all(|found| found.lock_out.is_none()));
        let alerts: Vec<_> = found.into_iter().filter_map(|found| found.alert).collect();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert_eq!(alerts[0].subject, Subject::Many);
    }

    #[test]
    fn what_the_edge_counts_together_is_told_together() {
        let together = Observation { address: None, action: Action::Admit, refused: 19, ..refusal(1, 0) };
        let mut judge = judge(20);
        assert!(judge.look(&together, same).alert.is_none());
        let found = judge.look(&together, same);
        assert_eq!(found.alert.map(|alert| (alert.subject, alert.count)), Some((Subject::Many, Some(38))));
        assert_eq!(found.lock_out, None);
    }

    #[test]
    fn whoever_is_not_told_one_by_one_is_locked_out_nevertheless() {
        let mut judge = judge(2);
        for source in 0..100 {
            judge.look(&refusal(source, 0), same);
            let found = judge.look(&refusal(source, 0), same);
            assert_eq!(found.lock_out.map(|lock_out| lock_out.time), Some(Duration::from_mins(5)));
            assert_eq!(found.alert.is_some(), source <= 32, "32 of them, and one for the others");
        }
    }

    #[test]
    fn a_first_reader_counts_when_the_secret_is_old_or_gone() {
        let rule = Rule {
            name: "r".to_owned(),
            kind: RuleKind::FirstReader { older_than: Duration::from_hours(24) },
            quiet: Duration::from_secs(1),
            lock_out: None,
        };
        let mut judge = Judge::new(rule);
        let mut seen = refusal(1, 200_000_000_000);
        seen.secret = Some(SecretId::random());
        let at = |micros| Timestamp::from_micros(micros);
        assert!(judge.look_at_first(&seen, at(200_000_000_000 - 86_399_000_000)).is_none());
        assert!(judge.look_at_first(&seen, at(200_000_000_000 - 86_400_000_000)).is_some());
        seen.secret = Some(SecretId::random());
        assert!(judge.look_at_first(&seen, None).is_some());
    }
}
