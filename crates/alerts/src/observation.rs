use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use strongroom_core::audit::{Action, Event, Outcome, Phase, Target};
use strongroom_core::{Caller, ProjectId, SecretId, Timestamp, UserId};

/// The reason of those who are locked out already; to count them would keep them locked out for ever.
const LOCKED_OUT: &str = "locked-out";

/// Who calls, as far as rules tell callers apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Who {
    /// The user.
    pub user: Option<UserId>,
    /// The project.
    pub project: Option<ProjectId>,
}

impl Who {
    /// The caller, unless nobody was identified.
    fn of(caller: &Caller) -> Option<Self> {
        let Caller { user, project, .. } = caller;
        (user.is_some() || project.is_some()).then(|| Self { user: user.clone(), project: project.clone() })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map_or("-", UserId::as_str);
        let project = self.project.as_ref().map_or("-", ProjectId::as_str);
        write!(f, "{user} of project {project}")
    }
}

/// What is kept of a record that a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// What was done or attempted.
    pub action: Action,
    /// How many refusals the record stands for; 0 when it is none that counts.
    pub refused: u32,
    /// Whether a payload was given out.
    pub read: bool,
    /// The secret that it was about.
    pub secret: Option<SecretId>,
    /// By whom; absent when nobody was identified.
    pub caller: Option<Who>,
    /// From where.
    pub address: Option<IpAddr>,
    /// The request, to be found in the journal.
    pub request_id: Option<String>,
}

/// Which records rules look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) refusals: bool,
    pub(crate) reads: bool,
    pub(crate) decoys: HashSet<SecretId>,
}

impl Wanted {
    /// What is to be kept of a record, when a rule looks at it: outcomes of what callers asked for.
    pub(crate) fn observe(&self, event: &Event) -> Option<Observation> {
        let caller = event.caller.as_ref().filter(|_| event.phase == Phase::Outcome)?;
        let reason = event.reason.as_ref();
        let counts = reason.is_none_or(|reason| reason.code != LOCKED_OUT);
        let refused = event.outcome == Some(Outcome::Refused) && counts;
        let read = event.action == Action::PayloadRead && event.outcome == Some(Outcome::Success);
        let secret = match &event.target {
            Some(Target::Secret(id)) => Some(*id),
            _ => None,
        };
        let decoy = secret.is_some_and(|secret| self.decoys.contains(&secret));
        if !(refused && self.refusals || read && self.reads || decoy) {
            return None;
        }
        let times = reason.and_then(|reason| reason.times).unwrap_or(1);
        Some(Observation {
            at: event.at,
            action: event.action,
            refused: if refused { u32::try_from(times).unwrap_or(u32::MAX) } else { 0 },
            read,
            secret,
            caller: Who::of(caller),
            address: event.origin.address,
            request_id: event.origin.request_id.clone(),
        })
    }
}
