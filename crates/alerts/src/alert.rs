use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_core::{SecretId, Timestamp};

use crate::observation::{Observation, Who};

/// Something that looks like an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The rule's name.
    pub rule: String,
    /// What kind of rule it is, in a stable word.
    pub kind: &'static str,
    /// When it was found, by the record that made it so.
    pub at: Timestamp,
    /// Whom or what it is about.
    pub subject: Subject,
    /// How often it was seen, where that is counted; at least, when it is about one subject.
    pub count: Option<u64>,
    /// Within which time.
    pub within: Option<Duration>,
    /// What was seen last.
    pub last: Option<Observation>,
}

/// Somebody who is to be kept out for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOut {
    /// The rule's name.
    pub rule: String,
    /// Whom.
    pub whom: Offender,
    /// For how long.
    pub time: Duration,
}

/// Who can be kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offender {
    /// A caller, wherever from.
    Caller(Who),
    /// Whoever comes from that address, or from the network of that host.
    Source(IpAddr),
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(who) => write!(f, "caller {who}"),
            Self::Source(address) => write!(f, "source {address}"),
        }
    }
}

/// Whom or what an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A caller.
    Caller(Who),
    /// A source address, or the network of one host.
    Source(IpAddr),
    /// A secret.
    Secret(SecretId),
    /// A secret, and who came to it; nobody when nobody was identified.
    Reading(SecretId, Option<Who>),
    /// More than are told apart, or told one by one.
    Many,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller(who) => write!(f, "caller {who}"),
            Self::Source(address) => write!(f, "source {address}"),
            Self::Reading(id, Some(who)) => write!(f, "secret {id}, caller {who}"),
            Self::Secret(id) | Self::Reading(id, None) => write!(f, "secret {id}"),
            Self::Many => f.write_str("many"),
        }
    }
}

/// Does what an alert asks for, and knows what rules ask about.
#[async_trait]
pub trait Responder: Send + Sync {
    /// Tells of an alert. Records that follow are looked at when this returns.
    async fn raise(&self, alert: Alert);

    /// Keeps somebody out. May be asked for again while it lasts.
    async fn lock_out(&self, lock_out: LockOut);

    /// When that secret was created; `None` when that can't be found out, or it is gone.
    async fn created(&self, secret: SecretId) -> Option<Timestamp>;
}
