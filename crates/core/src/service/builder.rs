use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use super::disposal::Waste;
use super::engine::{Backends, Engine, KeyManager};
use super::events::{Endings, Wake};
use super::in_hand::InHand;
use super::reads::Reads;
use crate::access::{Policy, PolicyError, PolicyRules, RuleSet};
use crate::error::Error;
use crate::expiry::Windows;
use crate::ports::{AuditSink, BackendId, MasterKeyVersion, Repository, SecretBackend};
use crate::quota::EffectiveQuotas;
use crate::time::{Clock, SystemClock};
use crate::undo::UndoWindow;

/// Puts a key manager together from its parts.
#[derive(Default)]
pub struct Builder {
    repository: Option<Arc<dyn Repository>>,
    backends: Vec<Arc<dyn SecretBackend>>,
    audit: Option<Arc<dyn AuditSink>>,
    clock: Option<Arc<dyn Clock>>,
    rule_set: RuleSet,
    overrides: PolicyRules,
    quotas: EffectiveQuotas,
    windows: Windows,
    undo: UndoWindow,
    note_reads: bool,
}

/// Why a key manager does not start. Nothing has been changed, but for records in the journal.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A part was not given.
    #[error("no {0} was given to the builder")]
    Missing(&'static str),
    /// The access rules can't be used.
    #[error("the access rules can't be used")]
    Policy(#[source] PolicyError),
    /// The master key at hand is not the one that this repository's keys are wrapped by.
    #[error(
        "version {version} of the '{backend}' master key is not the key this repository was used with; \
         give the right key file, or the database that belongs to this key"
    )]
    WrongMasterKey {
        /// The backend that holds the key.
        backend: BackendId,
        /// The version.
        version: MasterKeyVersion,
    },
    /// A master key version that this repository's keys may be wrapped by is not at hand.
    #[error(
        "version {version} of the '{backend}' master key is needed by this repository and not at hand; \
         restore it from its backup"
    )]
    MissingMasterKey {
        /// The backend that should hold the key.
        backend: BackendId,
        /// The version.
        version: MasterKeyVersion,
    },
    /// The repository holds project keys of a backend but no proof of which master key wraps them.
    #[error(
        "the repository holds project keys of '{0}' but no canary of its master key: it has been altered; \
         restore it from a backup"
    )]
    NoCanary(BackendId),
    /// A backend that is no longer given is some project's choice.
    #[error(
        "the secret store '{0}' is not among the enabled ones, and a project prefers it: its new secrets \
         would go elsewhere unasked; enable the store again, or have the projects give up their preference first"
    )]
    StorePreferred(BackendId),
    /// A part failed while starting.
    #[error("a part failed while starting")]
    Part(#[source] Error),
}

impl Builder {
    /// Where secrets are kept.
    #[must_use]
    pub fn repository(self, repository: impl Repository) -> Self {
        Self { repository: Some(Arc::new(repository)), ..self }
    }

    /// What seals payloads. The first one given seals those of projects that prefer no other; each opens
    /// its own. With several, clients can choose among them as secret stores.
    #[must_use]
    pub fn backend(self, backend: impl SecretBackend) -> Self {
        self.shared_backend(Arc::new(backend))
    }

    /// The same, for a backend that its owner keeps a handle to.
    #[must_use]
    pub fn shared_backend(mut self, backend: Arc<dyn SecretBackend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// Where records become durable.
    #[must_use]
    pub fn audit(self, audit: impl AuditSink) -> Self {
        Self { audit: Some(Arc::new(audit)), ..self }
    }

    /// Where the time comes from; the machine's clock unless given.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// Which default access rules apply, and the operator's own in their place.
    #[must_use]
    pub fn policy(self, rule_set: RuleSet, overrides: PolicyRules) -> Self {
        Self { rule_set, overrides, ..self }
    }

    /// What projects may have where nothing else is set for them; no limits unless given.
    #[must_use]
    pub fn quotas(self, quotas: EffectiveQuotas) -> Self {
        Self { quotas, ..self }
    }

    /// When people are told of secrets that end; never unless given.
    #[must_use]
    pub fn windows(self, windows: Windows) -> Self {
        Self { windows, ..self }
    }

    /// For how long what is deleted can be restored; not at all unless given.
    #[must_use]
    pub fn undo_window(self, undo: UndoWindow) -> Self {
        Self { undo, ..self }
    }

    /// Notes on which day each secret was last read, for reviews of what nobody needs; whoever asks for it calls
    /// [`KeyManager::store_reads`] now and then. Without it a review of the same repository knows of no read that
    /// happens here.
    #[must_use]
    pub fn note_reads(self) -> Self {
        Self { note_reads: true, ..self }
    }

    /// Checks that the parts fit (each master key opens its canary), settles what a crash left open, and
    /// gives the running key manager.
    pub async fn build(self) -> Result<KeyManager, StartError> {
        let default = self.backends.first().cloned().ok_or(StartError::Missing("backend"))?;
        let order: Vec<_> = self.backends.iter().map(|backend| backend.id().clone()).collect();
        let all: HashMap<_, _> =
            self.backends.into_iter().map(|backend| (backend.id().clone(), backend)).collect();
        let mut engine = Engine {
            repository: self.repository.ok_or(StartError::Missing("repository"))?,
            backends: Arc::new(Backends { default, all }),
            stores: Vec::new(),
            audit: self.audit.ok_or(StartError::Missing("audit sink"))?,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            policy: Policy::new(self.rule_set, &self.overrides).map_err(StartError::Policy)?,
            quotas: self.quotas,
            windows: Arc::new(self.windows),
            undo: self.undo,
            placed: Wake::default(),
            endings: Endings::default(),
            in_hand: InHand::default(),
            waste: Waste::default(),
            reads: Reads::new(self.note_reads),
        };
        engine.prove_master_keys().await?;
        engine.settle_open_changes().await.map_err(StartError::Part)?;
        engine.reconcile_stores(&order).await?;
        Ok(KeyManager(Arc::new(engine)))
    }
}
