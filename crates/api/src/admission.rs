//! How much is taken on: requests worked on at once, and how many each caller and project may send.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use strongroom_core::{CallContext, ProjectId, UserId};
use strongroom_edge::{Capacity, LockOuts, RateLimiter, Refusal, Refusals};

use crate::answer::{Reply, with_header};
use crate::fault::turned_away;

/// How much is taken on. What is beyond it is counted as a refusal of the edge's, not recorded by itself: a
/// record for each would cost more than is to be spared.
#[derive(Debug, Clone)]
pub struct Admission {
    /// How many requests are worked on at once.
    pub capacity: Capacity,
    /// How many requests each caller may send.
    pub caller_rate: Option<Arc<RateLimiter>>,
    /// How many requests the callers of each project may send together.
    pub project_rate: Option<Arc<RateLimiter>>,
    /// Which callers are locked out, by project and user.
    pub lock_outs: LockOuts,
    /// Where refusals are counted.
    pub refusals: Refusals,
}

impl Default for Admission {
    /// As many requests at once as the processors allow, and half a second of waiting; no rates.
    fn default() -> Self {
        Self {
            capacity: Capacity::new(None, Duration::from_millis(500)),
            caller_rate: None,
            project_rate: None,
            lock_outs: LockOuts::default(),
            refusals: Refusals::new(Duration::from_mins(1)),
        }
    }
}

impl Admission {
    /// The answer that there is more to do than can be done. It is made once, since there is no time to make it.
    pub(crate) fn overloaded(&self, source: Option<IpAddr>) -> Reply {
        static OVERLOADED: LazyLock<Reply> = LazyLock::new(|| {
            let message = "The service has more to do than it can do now. Try again later.";
            refusal(StatusCode::SERVICE_UNAVAILABLE, message, Duration::ZERO)
        });
        self.note(source, Refusal::Overload);
        OVERLOADED.clone()
    }

    /// The answer to a caller who is locked out, or who has, or whose project has, sent more requests than it may.
    pub(crate) fn too_many(&self, context: &CallContext) -> Option<Reply> {
        let (caller, source) = (&context.caller, context.origin.address);
        let project = caller.project.as_ref().map(ProjectId::as_str);
        let user = caller.user.as_ref().map(UserId::as_str);
        if let Some(wait) = self.lock_outs.caller(&(project, user), source) {
            let message = "Requests of this user are refused for a while, after what was done in its name.";
            self.note(source, Refusal::LockedOut);
            return Some(refusal(StatusCode::FORBIDDEN, message, wait));
        }
        let too_many = StatusCode::TOO_MANY_REQUESTS;
        if let Some(Err(wait)) = self.caller_rate.as_ref().map(|limiter| limiter.take(&(project, user))) {
            let message = "Too many requests of this user.";
            self.note(source, Refusal::CallerRate);
            return Some(refusal(too_many, message, wait));
        }
        if let Some(Err(wait)) = self.project_rate.as_ref().map(|limiter| limiter.take(&project)) {
            let message = "Too many requests of this project.";
            self.note(source, Refusal::ProjectRate);
            return Some(refusal(too_many, message, wait));
        }
        None
    }

    fn note(&self, source: Option<IpAddr>, refusal: Refusal) {
        if let Some(source) = source {
            self.refusals.note(source, refusal);
        }
    }
}

fn refusal(status: StatusCode, message: &'static str, wait: Duration) -> Reply {
    with_header(turned_away(status, message), RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1))
}
