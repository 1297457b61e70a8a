//! What happens once, at start: master keys are proved, and changes that a crash left open are settled.

use std::sync::Arc;

use super::builder::StartError;
use super::engine::Engine;
use crate::audit::{Action, Event, Origin, Outcome, Phase, Target};
use crate::error::Error;
use crate::id::ChangeId;
use crate::ports::{BackendError, BackendId, MasterKeyRecord, MasterKeyVersion, SecretBackend};
use crate::rotation::MasterKeyState;

impl Engine {
    /// Opens every canary with the key at hand. A version never used here before gets its canary now;
    /// the very first one only in a repository that holds no project key of that backend.
    pub(super) async fn prove_master_keys(&self) -> Result<(), StartError> {
        for (id, backend) in &self.backends.all {
            let (wanted, populated) = self.master_keys_of(id).await.map_err(StartError::Part)?;
            if wanted.is_empty() && populated {
                return Err(StartError::NoCanary(id.clone()));
            }
            for record in &wanted {
                match (record.state, prove(backend, record).await) {
                    (MasterKeyState::Retired, _) | (_, Ok(())) => {}
                    // Nothing is wrapped by it yet, and nothing will be before this server has it.
                    (MasterKeyState::Staged, Err(error)) => tracing::warn!(%error, "a staged master key"),
                    (MasterKeyState::Active | MasterKeyState::Superseded, Err(error)) => return Err(error),
                }
            }
            let at_hand =
                backend.master_key_versions().await.map_err(|error| StartError::Part(error.into()))?;
            let newest = wanted.last().map(|record| record.version);
            let highest = at_hand.iter().max().copied();
            for version in at_hand.into_iter().filter(|version| Some(*version) > newest) {
                // A version that comes to a repository in use is put into use by a rotation only.
                let state = match newest {
                    Some(_) => MasterKeyState::Staged,
                    None if Some(version) == highest => MasterKeyState::Active,
                    None => MasterKeyState::Superseded,
                };
                self.register_master_key(backend, version, state).await.map_err(StartError::Part)?;
            }
        }
        Ok(())
    }

    async fn master_keys_of(&self, id: &BackendId) -> Result<(Vec<MasterKeyRecord>, bool), Error> {
        let id = id.clone();
        self.read(move |reader| Ok((reader.master_keys(&id)?, reader.has_project_keys(&id)?))).await
    }

    /// Seals a canary under a version met for the first time.
    pub(super) async fn register_master_key(
        &self,
        backend: &Arc<dyn SecretBackend>,
        version: MasterKeyVersion,
        state: MasterKeyState,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let record = MasterKeyRecord {
            backend: backend.id().clone(),
            version,
            canary: backend.seal_canary(version).await?,
            created: now,
            state,
            since: now,
        };
        let target = Target::MasterKey(format!("{}:{version}", record.backend));
        self.own_act(Action::MasterKeyRegister, target, async |change| {
            self.write(change, move |writer| Ok(writer.insert_master_key(&record)?)).await
        })
        .await
    }

    /// Asks the repository which of the open changes took effect, and puts each answer on record.
    pub(super) async fn settle_open_changes(&self) -> Result<(), Error> {
        let open = self.audit.open_changes().await.map_err(Error::Audit)?;
        if open.is_empty() {
            return Ok(());
        }
        let applied = self.repository.applied(open.iter().map(|change| change.change).collect()).await?;
        for change in open {
            let outcome =
                if applied.contains(&change.change) { Outcome::SettledDone } else { Outcome::SettledUndone };
            tracing::info!(change = %change.change, action = change.action, ?outcome, "settled an open change");
            self.record_own(Action::ChangeSettle, None, Phase::Outcome, change.change, Some(outcome)).await?;
            self.repository.settled(change.change);
        }
        Ok(())
    }

    /// A change that the service makes on its own account, with its two records.
    pub(super) async fn own_act(
        &self,
        action: Action,
        target: Target,
        effect: impl AsyncFnOnce(ChangeId) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let change = ChangeId::random();
        self.record_own(action, Some(target.clone()), Phase::Intent, change, None).await?;
        let result = effect(change).await;
        let outcome = if result.is_ok() { Outcome::Success } else { Outcome::Failed };
        self.record_own(action, Some(target), Phase::Outcome, change, Some(outcome)).await?;
        self.repository.settled(change);
        result
    }

    pub(super) async fn record_own(
        &self,
        action: Action,
        target: Option<Target>,
        phase: Phase,
        change: ChangeId,
        outcome: Option<Outcome>,
    ) -> Result<(), Error> {
        let event = Event {
            at: self.clock.now(),
            phase,
            change: Some(change),
            action,
            target,
            caller: None,
            origin: Origin::default(),
            outcome,
            reason: None,
            access: None,
        };
        self.audit.record(event).await.map_err(Error::Audit)
    }
}

async fn prove(backend: &Arc<dyn SecretBackend>, record: &MasterKeyRecord) -> Result<(), StartError> {
    let (id, version) = (record.backend.clone(), record.version);
    backend.open_canary(version, &record.canary).await.map_err(|error| match error {
        BackendError::Integrity => StartError::WrongMasterKey { backend: id, version },
        BackendError::KeyMissing(_) => StartError::MissingMasterKey { backend: id, version },
        other => StartError::Part(other.into()),
    })
}
