//! From one project key to the next, down to every secret.

use super::carry::sealed_under;
use super::shift::{Pace, Shift};
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error};
use crate::id::{ProjectId, SecretId};
use crate::ports::ProjectKey;
use crate::rotation::{Rotation, Stage};

/// Secrets in one commit: they may be large, and requests that write wait meanwhile.
const BATCH: u32 = 64;

/// What one shift remembers of its work; another one finds it out again.
#[derive(Default)]
pub(super) struct Projects {
    /// Whether what there is to do has been counted.
    counted: bool,
    /// The last secret that was looked at, and the key that it is under.
    pub(super) passed: Option<(u32, SecretId)>,
    /// How many of this project's can't be opened.
    pub(super) failed: u64,
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
        self.count().await?;
        let next = match self.next_project().await? {
            Some(project) => self.renewed(&project).await?.map(|keys| (project, keys)),
            None => None,
        };
        let Some((project, keys)) = next else {
            return self.end().await;
        };
        self.begin(Action::ProjectKeyRotate, Target::ProjectKey(project.to_string())).await?;
        let (older, passed, limit) = (keys.older.clone(), self.projects.passed, self.batch(BATCH));
        let batch = self.engine.read(move |reader| sealed_under(reader, &older, passed, limit)).await?;
        let Some(last) = batch.last().map(|found| (found.key.version, found.secret.id)) else {
            return self.leave(project, keys.older).await;
        };
        self.carry_over(batch, self.backend, &keys.newest, last).await
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

    /// Ends, once all projects were gone through.
    pub(super) async fn end(&mut self) -> Result<Pace, Error> {
        let mut next = self.rotation.clone();
        next.enter(if next.failed == 0 { Stage::Done } else { Stage::Incomplete }, 0);
        self.save(next, |_, _| Ok(())).await?;
        Ok(Pace::Ended)
    }

    /// Counts what there is to do, for the display only.
    pub(super) async fn count(&mut self) -> Result<(), Error> {
        let (backend, goal) = (self.rotation.backend.clone(), self.rotation.goal.clone());
        if self.projects.counted {
            return Ok(());
        }
        let left = self.engine.read(move |reader| match goal.project() {
            Some(project) => {
                let mut sum = 0;
                for key in reader.project_key_versions(project, &backend)? {
                    sum += reader.count_sealed_under(key.id)?;
                }
                Ok(sum)
            }
            None => Ok(reader.count_sealed_by(&backend)?),
        });
        let total = left.await?;
        if self.rotation.total == 0 {
            let next = Rotation { total, waiting: None, ..self.rotation.clone() };
            self.save(next, |_, _| Ok(())).await?;
        }
        self.projects.counted = true;
        Ok(())
    }

    /// The project to work on.
    pub(super) async fn next_project(&mut self) -> Result<Option<ProjectId>, Error> {
        let after = self.rotation.cursor.clone().map(ProjectId::new).transpose();
        let after = after.map_err(|_| Error::Integrity)?;
        match (self.rotation.goal.project(), after) {
            (Some(project), None) => Ok(Some(project.clone())),
            (Some(_), Some(_)) => Ok(None),
            (None, after) => {
                let backend = self.rotation.backend.clone();
                let next =
                    self.engine.read(move |reader| Ok(reader.next_keyed_project(&backend, after.as_ref())?));
                next.await
            }
        }
    }

    /// The project's keys, the newest of which is not older than this rotation. Nothing when the project has never had a key.
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
}
