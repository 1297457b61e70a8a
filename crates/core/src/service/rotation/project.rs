//! From one project key to the next, down to every secret.

use std::sync::Arc;

use super::shift::{Pace, Shift};
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error};
use crate::id::{ProjectId, SecretId};
use crate::ports::{ProjectKey, Reader, StoredPayload};
use crate::rotation::{Goal, Rotation, Stage};
use crate::secret::Secret;

/// Secrets in one commit: they may be large, and requests that write wait meanwhile.
const BATCH: u32 = 64;

/// What one shift remembers of its work; another one finds it out again.
#[derive(Default)]
pub(super) struct Projects {
    /// Whether what there is to do has been counted.
    counted: bool,
    /// The last secret that was looked at, and the key that it is under.
    passed: Option<(u32, SecretId)>,
    /// How many of this project's can't be opened.
    failed: u64,
}

/// A project's keys, once it has a new one.
struct Keys {
    newest: ProjectKey,
    older: Vec<ProjectKey>,
}

impl Shift<'_> {
    /// Seals a batch of a project's secrets under its newest key, which is made before, and removes the older
    /// keys once nothing is under them.
    pub(super) async fn reseal(&mut self) -> Result<Pace, Error> {
        if !self.projects.counted {
            self.count().await?;
        }
        let Some((project, keys)) = self.next_project().await? else {
            let mut next = self.rotation.clone();
            next.enter(if next.failed == 0 { Stage::Done } else { Stage::Incomplete }, 0);
            self.save(next, |_, _| Ok(())).await?;
            return Ok(Pace::Ended);
        };
        self.begin(Action::ProjectKeyRotate, Target::ProjectKey(project.to_string())).await?;
        let (older, passed) = (keys.older.clone(), self.projects.passed);
        let batch = self.engine.read(move |reader| under_older(reader, &older, passed)).await?;
        let Some(last) = batch.last().map(|found| (found.key.version, found.secret.id)) else {
            return self.leave(project, keys.older).await;
        };
        let mut sealed = Vec::with_capacity(batch.len());
        let mut failed = 0;
        for found in batch {
            match self.resealed(&keys.newest, &found).await {
                Ok(new) => sealed.push((found, new)),
                Err(Error::Integrity) => {
                    tracing::error!(secret = %found.secret.id, "a payload can't be opened; it stays as it is");
                    failed += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let sealed = Arc::new(sealed);
        let rows = Arc::clone(&sealed);
        let next = Rotation { waiting: None, ..self.rotation.clone() };
        let replaced = self.save(next, move |writer, rotation| {
            let mut replaced = Vec::with_capacity(rows.len());
            for (Found { secret, stored, .. }, new) in rows.iter() {
                replaced.push(writer.replace_payload(secret.id, stored, new)?);
            }
            rotation.done += u64::try_from(rows.len()).unwrap_or(0);
            rotation.changed += u64::try_from(replaced.iter().filter(|done| **done).count()).unwrap_or(0);
            Ok(replaced)
        });
        let replaced = replaced.await?;
        self.projects.passed = Some(last);
        self.projects.failed += failed;
        for ((found, new), replaced) in sealed.iter().zip(replaced) {
            // What is not stored any more: the old one, or the new one when the secret was deleted meanwhile.
            let (key, gone) =
                if replaced { (&found.key, &found.stored.sealed) } else { (&keys.newest, &new.sealed) };
            self.backend.forget(key, gone).await?;
        }
        Ok(Pace::On)
    }

    /// Removes the older keys and goes on to the next project.
    async fn leave(&mut self, project: ProjectId, older: Vec<ProjectKey>) -> Result<Pace, Error> {
        let next = Rotation { cursor: Some(project.to_string()), ..self.rotation.clone() };
        let failed = self.projects.failed;
        let left = self.finish(next, move |writer, rotation| {
            let mut left = 0;
            for key in &older {
                if !writer.delete_project_key(key.id)? {
                    left += writer.count_sealed_under(key.id)?;
                }
            }
            // A request that had sealed under an older key has stored its secret since the last batch.
            if left > failed {
                return Err(Error::Conflict(Conflict::ProjectKey));
            }
            rotation.failed += left;
            Ok(())
        });
        let left = left.await;
        (self.projects.passed, self.projects.failed) = (None, 0);
        match left {
            Ok(()) | Err(Error::Conflict(Conflict::ProjectKey)) => Ok(Pace::On),
            Err(error) => Err(error),
        }
    }

    /// Counts what is under older keys now, for the display only.
    async fn count(&mut self) -> Result<(), Error> {
        let (backend, goal) = (self.rotation.backend.clone(), self.rotation.goal.clone());
        let left = self.engine.read(move |reader| match &goal {
            Goal::ProjectKey(project) => {
                let mut sum = 0;
                for key in reader.project_key_versions(project, &backend)? {
                    sum += reader.count_sealed_under(key.id)?;
                }
                Ok(sum)
            }
            _ => Ok(reader.count_sealed_by(&backend)?),
        });
        let total = left.await?;
        if self.rotation.total == 0 {
            let next = Rotation { total, waiting: None, ..self.rotation.clone() };
            self.save(next, |_, _| Ok(())).await?;
        }
        self.projects.counted = true;
        Ok(())
    }

    /// The project to work on and its keys, the newest of which is not older than this rotation.
    async fn next_project(&mut self) -> Result<Option<(ProjectId, Keys)>, Error> {
        let after = self.rotation.cursor.clone().map(ProjectId::new).transpose();
        let after = after.map_err(|_| Error::Integrity)?;
        let project = match (&self.rotation.goal, after) {
            (Goal::ProjectKey(project), None) => Some(project.clone()),
            (Goal::ProjectKey(_), Some(_)) => None,
            (_, after) => {
                let backend = self.rotation.backend.clone();
                let next =
                    self.engine.read(move |reader| Ok(reader.next_keyed_project(&backend, after.as_ref())?));
                next.await?
            }
        };
        match project {
            Some(project) => Ok(self.renewed(&project).await?.map(|keys| (project, keys))),
            None => Ok(None),
        }
    }

    /// Nothing when the project has never had a key.
    async fn renewed(&mut self, project: &ProjectId) -> Result<Option<Keys>, Error> {
        let asked = self.rotation.created;
        loop {
            let (of, backend) = (project.clone(), self.rotation.backend.clone());
            let mut keys =
                self.engine.read(move |reader| Ok(reader.project_key_versions(&of, &backend)?)).await?;
            let Some(newest) = keys.pop() else { return Ok(None) };
            if newest.created >= asked {
                return Ok(Some(Keys { newest, older: keys }));
            }
            // By a clock that is behind the one that the rotation was asked by, it would be older at once.
            let created = self.engine.clock.now().max(asked);
            match self.engine.renew_project_key(self.backend, &newest, created).await {
                // Done, or another server was faster.
                Ok(()) | Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn resealed(&self, newest: &ProjectKey, found: &Found) -> Result<StoredPayload, Error> {
        let binding = found.secret.binding(found.stored.content_type);
        let payload = self.backend.open(&found.key, &binding, &found.stored.sealed).await?;
        let sealed = self.backend.seal(newest, &binding, &payload).await?;
        Ok(StoredPayload { key: newest.id, sealed, ..found.stored.clone() })
    }
}

/// A secret that is sealed under an older key.
struct Found {
    key: ProjectKey,
    secret: Secret,
    stored: StoredPayload,
}

/// The next secrets that are sealed under one of these keys, lowest version first.
fn under_older(
    reader: &mut dyn Reader,
    older: &[ProjectKey],
    passed: Option<(u32, SecretId)>,
) -> Result<Vec<Found>, Error> {
    for key in older {
        if passed.is_some_and(|(last, _)| key.version < last) {
            continue;
        }
        let after = passed.filter(|(last, _)| *last == key.version).map(|(_, id)| id);
        let mut found = Vec::new();
        for id in reader.secrets_sealed_under(key.id, after, BATCH)? {
            if let Some((secret, Some((stored, _)))) = reader.sealed_secret(id)? {
                found.push(Found { key: key.clone(), secret, stored });
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
