use std::collections::HashMap;
use std::sync::Arc;

use super::attempt::{Attempt, CallContext, Verdict};
use super::builder::Builder;
use super::metadata::Metadata;
use super::secrets::Secrets;
use crate::access::Policy;
use crate::audit::{Action, Outcome, Reason, Target};
use crate::ports::{AuditSink, BackendError, BackendId, Repository, SecretBackend};
use crate::time::{Clock, Timestamp};

/// The key manager: every use case, over the parts it was built with. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct KeyManager(pub(super) Arc<Engine>);

/// The parts behind every use case. Only this module's neighbours reach them, so nothing outside can read
/// or change a secret without authorising and recording.
pub(super) struct Engine {
    pub(super) repository: Arc<dyn Repository>,
    pub(super) backends: Backends,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
}

/// The backends at hand; the first one given seals new payloads.
pub(super) struct Backends {
    pub(super) default: Arc<dyn SecretBackend>,
    pub(super) all: HashMap<BackendId, Arc<dyn SecretBackend>>,
}

impl Backends {
    /// The backend that sealed a row.
    pub(super) fn of(&self, id: &BackendId) -> Result<&Arc<dyn SecretBackend>, BackendError> {
        self.all.get(id).ok_or_else(|| BackendError::KeyMissing(format!("the backend '{id}'")))
    }
}

impl KeyManager {
    /// Starts putting a key manager together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Storing, reading, listing and deleting secrets.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets::new(&self.0)
    }

    /// The user metadata of secrets.
    pub fn metadata(&self) -> Metadata<'_> {
        Metadata::new(&self.0)
    }

    /// The time by the key manager's clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Puts a call on record that reached no use case: what a front end answers by itself or turns away.
    pub async fn note(
        &self,
        context: &CallContext,
        action: Action,
        target: Option<Target>,
        outcome: Outcome,
        reason: Option<Reason>,
    ) -> Verdict<()> {
        Attempt::new(&self.0, context, action, target).note(outcome, reason).await
    }

    /// What keeps the key manager from serving now, in words for an operator; empty when nothing does.
    pub async fn ailments(&self) -> Vec<String> {
        let mut ailments = Vec::new();
        if let Err(error) = self.0.audit.health() {
            ailments.push(error.to_string());
        }
        for (id, backend) in &self.0.backends.all {
            if let Err(error) = backend.health().await {
                ailments.push(format!("{id}: {error}"));
            }
        }
        ailments
    }
}

impl std::fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyManager").finish_non_exhaustive()
    }
}
