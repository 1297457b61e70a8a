//! Which project key seals and opens what.

use std::sync::Arc;

use super::attempt::{Attempt, CallContext, Done, Permit, Refused};
use super::engine::Engine;
use crate::audit::{Action, Target};
use crate::error::{Conflict, Error};
use crate::id::ProjectId;
use crate::ports::{BackendId, ProjectKey, Sealed, SecretBackend, StoredPayload};
use crate::secret::{ContentType, NewPayload, Payload, Secret};

impl Engine {
    /// Seals a payload for `secret` under the newest key of its project, making the first one when there
    /// is none.
    pub(super) async fn seal(
        &self,
        context: &CallContext,
        permit: Permit,
        secret: &Secret,
        new: &NewPayload,
    ) -> Result<StoredPayload, Error> {
        let binding = secret.binding(new.content_type);
        self.seal_bound(context, permit, &secret.project, &binding, &new.payload, new.content_type).await
    }

    /// Opens what [`Self::seal`] made, unless any of it or of the secret's own fields was altered.
    pub(super) async fn open(
        &self,
        secret: &Secret,
        stored: &StoredPayload,
        key: &ProjectKey,
    ) -> Result<Payload, Error> {
        self.open_bound(&secret.binding(stored.content_type), stored, key).await
    }

    /// Seals anything that belongs to `project`, bound to what `binding` says it is.
    pub(super) async fn seal_bound(
        &self,
        context: &CallContext,
        permit: Permit,
        project: &ProjectId,
        binding: &[u8],
        payload: &Payload,
        content_type: ContentType,
    ) -> Result<StoredPayload, Error> {
        let backend = self.backend_for(project).await?;
        let key = self.project_key(context, permit, project, backend).await?;
        let sealed = backend.seal(&key, binding, payload).await?;
        Ok(StoredPayload { content_type, key: key.id, backend: key.backend, sealed })
    }

    /// Opens what [`Self::seal_bound`] made.
    pub(super) async fn open_bound(
        &self,
        binding: &[u8],
        stored: &StoredPayload,
        key: &ProjectKey,
    ) -> Result<Payload, Error> {
        Ok(self.backends.of(&stored.backend)?.open(key, binding, &stored.sealed).await?)
    }

    /// Destroys what the backend itself holds of a payload that is no longer stored.
    pub(super) async fn forget(
        &self,
        backend: &BackendId,
        key: &ProjectKey,
        sealed: &Sealed,
    ) -> Result<(), Error> {
        Ok(self.backends.of(backend)?.forget(key, sealed).await?)
    }

    /// The backend that keeps a project's new secrets: the one it prefers, else the default.
    pub(super) async fn backend_for(&self, project: &ProjectId) -> Result<&Arc<dyn SecretBackend>, Error> {
        if self.stores.is_empty() {
            return Ok(&self.backends.default);
        }
        let project = project.clone();
        let preferred = self.read(move |reader| Ok(reader.preferred_store(&project)?)).await?;
        match preferred {
            Some(id) => Ok(self.backends.of(&self.store(id)?.backend)?),
            None => Ok(&self.backends.default),
        }
    }

    async fn newest_project_key(
        &self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Option<ProjectKey>, Error> {
        let (project, backend) = (project.clone(), backend.clone());
        self.read(move |reader| Ok(reader.newest_project_key(&project, &backend)?)).await
    }

    async fn project_key(
        &self,
        context: &CallContext,
        permit: Permit,
        project: &ProjectId,
        backend: &Arc<dyn SecretBackend>,
    ) -> Result<ProjectKey, Error> {
        if let Some(key) = self.newest_project_key(project, backend.id()).await? {
            return Ok(key);
        }
        match self.create_project_key(context, permit, project, backend).await {
            // Somebody else was faster; theirs is as good as ours.
            Err(Error::Conflict(Conflict::ProjectKey)) => self
                .newest_project_key(project, backend.id())
                .await?
                .ok_or(Error::Internal("a project key was there and is gone")),
            made => made,
        }
    }

    /// Makes a project's first key: a change of its own, with its own records.
    async fn create_project_key(
        &self,
        context: &CallContext,
        permit: Permit,
        project: &ProjectId,
        backend: &Arc<dyn SecretBackend>,
    ) -> Result<ProjectKey, Error> {
        let target = Target::ProjectKey(project.to_string());
        let attempt = Attempt::new(self, context, Action::ProjectKeyCreate, Some(target));
        let change = attempt.intend(permit).await.map_err(Refused::into_error)?;
        let result = async {
            let made = backend.create_project_key(project, 1, self.clock.now()).await?;
            let inserted = made.clone();
            change
                .apply(move |writer| {
                    if writer.newest_project_key(&inserted.project, &inserted.backend)?.is_some() {
                        return Err(Error::Conflict(Conflict::ProjectKey));
                    }
                    Ok(writer.insert_project_key(&inserted)?)
                })
                .await?;
            Ok(made)
        }
        .await;
        let verdict = change.conclude(result).await;
        verdict.map(Done::release).map_err(Refused::into_error)
    }
}
