//! From one master key version to the next.

use std::sync::Arc;

use super::nodes::opens;
use super::shift::{Pace, Shift};
use super::{Rotations, active};
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error};
use crate::id::ProjectKeyId;
use crate::ports::{
    BackendError, BackendId, KeyReader, MasterKeyRecord, MasterKeyVersion, NodeReader, ProjectKey, Reader,
};
use crate::rotation::{MasterKeyState, Rotation, Stage};
use crate::time::Timestamp;

/// Project keys in one commit: few enough that requests that write wait for milliseconds.
const BATCH: u32 = 256;

/// What one shift remembers of its work; another one finds it out again.
#[derive(Default)]
pub(super) struct Master {
    /// The last project key that was looked at, and the version that wraps it. What can't be rewrapped stays
    /// under its version and must not be met again and again.
    passed: Option<(MasterKeyVersion, ProjectKeyId)>,
}

impl Shift<'_> {
    /// Registers the new version, waits until every server has proved to have it, and activates it.
    pub(super) async fn stage(&mut self, version: MasterKeyVersion) -> Result<Pace, Error> {
        let rotations = Rotations::new(self.engine);
        if !self.backend.master_key_versions().await?.contains(&version) {
            self.backend.reload().await?;
        }
        if !self.backend.master_key_versions().await?.contains(&version) {
            let node = self.engine.audit.node();
            return self.wait_for(format!("server {node} has no version {version} of the master key")).await;
        }
        let records = rotations.records(self.backend).await?;
        match records.iter().find(|record| record.version == version) {
            None => self.engine.register_master_key(self.backend, version, MasterKeyState::Staged).await?,
            Some(record) => match opens(self.backend, record).await {
                Ok(()) => {}
                Err(BackendError::Integrity | BackendError::KeyMissing(_)) => {
                    let node = self.engine.audit.node();
                    let reason =
                        format!("version {version} of the master key on server {node} is not the one staged");
                    return self.wait_for(reason).await;
                }
                Err(error) => return Err(error.into()),
            },
        }
        rotations.attend().await?;
        let id = self.backend.id().clone();
        let now = self.engine.clock.now();
        let lacking = self.engine.read(move |reader| missing(reader, &id, version, now)).await?;
        if let Some(reason) = lacking {
            return self.wait_for(reason).await;
        }
        self.begin(Action::MasterKeyActivate, self.target(version)).await?;
        let clock = Arc::clone(&self.engine.clock);
        let activated = self.finish(self.rotation.clone(), move |writer, rotation| {
            let now = clock.now();
            if missing(writer, &rotation.backend, version, now)?.is_some() {
                return Err(Error::Conflict(Conflict::MasterKey));
            }
            let records = writer.master_keys(&rotation.backend)?;
            if let Some(previous) = active(&records).filter(|active| active.version != version) {
                let superseded = MasterKeyState::Superseded;
                writer.set_master_key_state(&rotation.backend, previous.version, superseded, now)?;
            }
            writer.set_master_key_state(&rotation.backend, version, MasterKeyState::Active, now)?;
            rotation.enter(Stage::Rewrapping, count(writer, &records, |other| other != version)?);
            Ok(())
        });
        match activated.await {
            // A server came in between; look again.
            Err(Error::Conflict(Conflict::MasterKey)) => Ok(Pace::On),
            activated => activated.map(|()| Pace::On),
        }
    }

    /// Wraps a batch of project keys by the new version.
    pub(super) async fn rewrap(&mut self, version: MasterKeyVersion) -> Result<Pace, Error> {
        self.begin(Action::MasterKeyRewrap, self.target(version)).await?;
        let id = self.backend.id().clone();
        let (passed, limit) = (self.master.passed, self.batch(BATCH));
        let batch = self.engine.read(move |reader| older_keys(reader, &id, version, passed, limit)).await?;
        let Some(last) = batch.last().map(|key| (key.master, key.id)) else {
            self.finish(self.rotation.clone(), move |writer, rotation| {
                let records = writer.master_keys(&rotation.backend)?;
                rotation.enter(Stage::Verifying, count(writer, &records, |_| true)?);
                Ok(())
            })
            .await?;
            return Ok(Pace::On);
        };
        let mut pairs = Vec::with_capacity(batch.len());
        for old in batch {
            if let Some(new) = judged(&old, self.backend.rewrap(&old, version).await)? {
                pairs.push((old, new));
            }
        }
        let next = Rotation { cursor: Some(last.1.to_string()), waiting: None, ..self.rotation.clone() };
        self.save_relaxed(next, move |writer, rotation| {
            for (old, new) in &pairs {
                if writer.replace_project_key(old, new)? {
                    rotation.done += 1;
                    rotation.changed += 1;
                }
            }
            Ok(())
        })
        .await?;
        self.master.passed = Some(last);
        Ok(Pace::On)
    }

    /// Opens a batch of project keys under the new version.
    pub(super) async fn verify(&mut self, version: MasterKeyVersion) -> Result<Pace, Error> {
        self.begin(Action::MasterKeyVerify, self.target(version)).await?;
        let id = self.backend.id().clone();
        let after = self.rotation.cursor.as_deref().map(ProjectKeyId::parse).transpose();
        let after = after.map_err(|_| Error::Integrity)?;
        let limit = self.batch(BATCH);
        let batch = self
            .engine
            .read(move |reader| Ok(reader.project_keys_under(&id, version, after, limit)?))
            .await?;
        let Some(last) = batch.last().map(|key| key.id) else {
            self.finish(self.rotation.clone(), move |writer, rotation| {
                let records = writer.master_keys(&rotation.backend)?;
                rotation.failed += count(writer, &records, |other| other < version)?;
                rotation.enter(if rotation.failed == 0 { Stage::Retiring } else { Stage::Incomplete }, 0);
                Ok(())
            })
            .await?;
            return Ok(if self.rotation.stage.is_end() { Pace::Ended } else { Pace::On });
        };
        let mut next = Rotation { cursor: Some(last.to_string()), waiting: None, ..self.rotation.clone() };
        for key in &batch {
            next.done += 1;
            if judged(key, self.backend.prove_project_key(key).await)?.is_none() {
                next.failed += 1;
            }
        }
        self.save_relaxed(next, |_, _| Ok(())).await?;
        Ok(Pace::On)
    }

    /// Gives up the older versions, unless anything names one of them after all.
    pub(super) async fn retire(&mut self, version: MasterKeyVersion) -> Result<Pace, Error> {
        self.begin(Action::MasterKeyRetire, self.target(version)).await?;
        let clock = Arc::clone(&self.engine.clock);
        self.finish(self.rotation.clone(), move |writer, rotation| {
            let records = writer.master_keys(&rotation.backend)?;
            let left = count(writer, &records, |other| other < version)?;
            if left > 0 {
                rotation.failed = left;
                rotation.enter(Stage::Incomplete, 0);
                return Ok(());
            }
            for older in records.iter().filter(|record| record.version < version) {
                if older.state != MasterKeyState::Retired {
                    let retired = MasterKeyState::Retired;
                    writer.set_master_key_state(&rotation.backend, older.version, retired, clock.now())?;
                }
            }
            rotation.enter(Stage::Done, 0);
            Ok(())
        })
        .await?;
        Ok(Pace::Ended)
    }

    fn target(&self, version: MasterKeyVersion) -> Target {
        Target::MasterKey(format!("{}:{version}", self.rotation.backend))
    }
}

/// Which servers that may be serving have not proved to have that version, in words.
fn missing(
    reader: &mut (impl NodeReader + ?Sized),
    backend: &BackendId,
    version: MasterKeyVersion,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let nodes = reader.nodes(backend)?;
    let without = nodes.iter().filter(|node| node.is_alive(now) && node.proved < version);
    let names: Vec<_> = without.map(|node| node.name.as_str()).collect();
    let words =
        || format!("server {} has not proved to have version {version} of the master key", names.join(", "));
    Ok((!names.is_empty()).then(words))
}

/// How many project keys are wrapped by those of the versions that `counts` wants.
fn count(
    reader: &mut (impl KeyReader + ?Sized),
    records: &[MasterKeyRecord],
    counts: impl Fn(MasterKeyVersion) -> bool,
) -> Result<u64, Error> {
    let mut sum = 0;
    for record in records.iter().filter(|record| counts(record.version)) {
        sum += reader.count_project_keys_under(&record.backend, record.version)?;
    }
    Ok(sum)
}

/// The next project keys that are wrapped by an older version.
fn older_keys(
    reader: &mut dyn Reader,
    backend: &BackendId,
    version: MasterKeyVersion,
    passed: Option<(MasterKeyVersion, ProjectKeyId)>,
    limit: u32,
) -> Result<Vec<ProjectKey>, Error> {
    for record in reader.master_keys(backend)? {
        if record.version >= version || passed.is_some_and(|(last, _)| record.version < last) {
            continue;
        }
        let after = passed.filter(|(last, _)| *last == record.version).map(|(_, id)| id);
        let keys = reader.project_keys_under(backend, record.version, after, limit)?;
        if !keys.is_empty() {
            return Ok(keys);
        }
    }
    Ok(Vec::new())
}

/// What came of one key; nothing when that key itself is at fault, which is passed over and told. A backend
/// that is out of reach ends the batch.
fn judged<T>(key: &ProjectKey, result: Result<T, BackendError>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (BackendError::Integrity | BackendError::UnknownFormat(_) | BackendError::KeyMissing(_)),
        ) => {
            tracing::error!(
                project = %key.project, version = key.version, master = %key.master, %error,
                "a project key can't be opened; it stays as it is"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
