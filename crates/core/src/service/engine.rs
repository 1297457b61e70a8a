use std::collections::HashMap;
use std::sync::Arc;

use super::acls::Acls;
use super::attempt::{Attempt, CallContext, Done, Refused, Verdict};
use super::builder::Builder;
use super::consumers::Consumers;
use super::containers::Containers;
use super::disposal::{Disposals, Waste};
use super::errands::{Errands, by_operator};
use super::events::{Endings, Wake};
use super::expiry::Expiry;
use super::in_hand::InHand;
use super::metadata::Metadata;
use super::orders::Orders;
use super::quotas::QuotaService;
use super::reads::Reads;
use super::reviews::Reviews;
use super::rotation::Rotations;
use super::secrets::Secrets;
use super::stores::Stores;
use super::transport_keys::TransportKeys;
use crate::access::Policy;
use crate::audit::{Action, Outcome, Reason, Target};
use crate::error::Error;
use crate::expiry::Windows;
use crate::id::UserId;
use crate::ports::{AuditSink, BackendError, BackendId, Repository, SecretBackend};
use crate::quota::EffectiveQuotas;
use crate::store::SecretStore;
use crate::time::{Clock, Timestamp};
use crate::undo::UndoWindow;

/// The key manager: every use case, over the parts it was built with. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct KeyManager(pub(super) Arc<Engine>);

/// The parts behind every use case. Only this module's neighbours reach them, so nothing outside can read
/// or change a secret without authorising and recording.
pub(super) struct Engine {
    pub(super) repository: Arc<dyn Repository>,
    pub(super) backends: Arc<Backends>,
    /// Those that clients can choose among; none while there is a single backend.
    pub(super) stores: Vec<SecretStore>,
    pub(super) audit: Arc<dyn AuditSink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Policy,
    pub(super) quotas: EffectiveQuotas,
    pub(super) windows: Arc<Windows>,
    pub(super) undo: UndoWindow,
    pub(super) placed: Wake,
    pub(super) endings: Endings,
    pub(super) in_hand: InHand,
    pub(super) waste: Waste,
    pub(super) reads: Reads,
}

/// The backends at hand; the first one given seals new payloads of projects that prefer no other.
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

    /// Who besides the project may read a secret or a container.
    pub fn acls(&self) -> Acls<'_> {
        Acls::new(&self.0)
    }

    /// Who uses a secret or a container.
    pub fn consumers(&self) -> Consumers<'_> {
        Consumers::new(&self.0)
    }

    /// Secrets that belong together.
    pub fn containers(&self) -> Containers<'_> {
        Containers::new(&self.0)
    }

    /// Keys that the key manager makes itself.
    pub fn orders(&self) -> Orders<'_> {
        Orders::new(&self.0)
    }

    /// How many objects a project may have.
    pub fn quotas(&self) -> QuotaService<'_> {
        QuotaService::new(&self.0)
    }

    /// Rotating keys, and proving master keys to other servers.
    pub fn rotations(&self) -> Rotations<'_> {
        Rotations::new(&self.0)
    }

    /// Which secret stores there are.
    pub fn stores(&self) -> Stores<'_> {
        Stores::new(&self.0)
    }

    /// Destroying what backends hold of payloads that are not stored any more.
    pub fn disposals(&self) -> Disposals<'_> {
        Disposals::new(&self.0)
    }

    /// Telling people of secrets that end.
    pub fn expiry(&self) -> Expiry<'_> {
        Expiry::new(&self.0)
    }

    /// Doing what operators ask for.
    pub fn errands(&self) -> Errands<'_> {
        Errands::new(&self.0)
    }

    /// Carrying out what reviews have decided.
    pub fn reviews(&self) -> Reviews<'_> {
        Reviews::new(&self.0)
    }

    /// Public keys that clients may wrap payloads with.
    pub fn transport_keys(&self) -> TransportKeys<'_> {
        TransportKeys::new(&self.0)
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

    /// Puts on record that nothing was done, for an operator who wants to see a record arrive elsewhere.
    pub async fn note_test(&self, operator: UserId) -> Result<(), Error> {
        let context = by_operator(&operator);
        let noted = self.note(&context, Action::AuditTest, None, Outcome::Success, None).await;
        noted.map(Done::release).map_err(Refused::into_error)
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
