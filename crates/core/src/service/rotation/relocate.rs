//! From one backend to another, project by project, down to every secret.

use super::carry::sealed_under;
use super::shift::{Pace, Shift};
use crate::audit::{Action, Target};
use crate::error::Error;
use crate::id::ProjectId;
use crate::ports::BackendId;
use crate::rotation::Rotation;

/// Secrets in one commit. Each may take two requests to a server far away, and what was made there by a process
/// that is killed before the commit stays there.
const BATCH: u32 = 16;

impl Shift<'_> {
    /// Moves a batch of a project's secrets to that backend.
    pub(super) async fn relocate(&mut self, to: BackendId) -> Result<Pace, Error> {
        let engine = self.engine;
        let Some(target) = engine.backends.all.get(&to) else {
            let node = engine.audit.node();
            return self.wait_for(format!("server {node} does not have the store '{to}'")).await;
        };
        self.count().await?;
        let Some(project) = self.next_project().await? else { return self.end().await };
        let from = self.rotation.backend.clone();
        self.begin(Action::StoreMigrate, Target::Migration(format!("{from}:{to}:{project}"))).await?;
        let (of, passed, limit) = (project.clone(), self.projects.passed, self.batch(BATCH));
        let batch = engine.read(move |reader| {
            let keys = reader.project_key_versions(&of, &from)?;
            sealed_under(reader, &keys, passed, limit)
        });
        let batch = batch.await?;
        let Some(last) = batch.last().map(|found| (found.key.version, found.secret.id)) else {
            return self.pass_on(&project).await;
        };
        let moved = match engine.own_project_key(&project, target).await {
            Ok(key) => self.carry_over(batch, target, &key, last).await,
            Err(error) => Err(error),
        };
        match moved {
            Err(Error::Backend(error)) => self.wait_for(error.to_string()).await,
            Err(error @ Error::Integrity) => self.wait_for(format!("{project}: {error}")).await,
            moved => moved,
        }
    }

    /// Goes on to the next project.
    async fn pass_on(&mut self, project: &ProjectId) -> Result<Pace, Error> {
        let next = Rotation { cursor: Some(project.to_string()), ..self.rotation.clone() };
        let failed = self.projects.failed;
        self.finish(next, move |_, rotation| {
            rotation.failed += failed;
            Ok(())
        })
        .await?;
        (self.projects.passed, self.projects.failed) = (None, 0);
        Ok(Pace::On)
    }
}
