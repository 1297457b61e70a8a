//! Which project key seals and opens what.

use std::sync::Arc;

use super::attempt::{Attempt, CallContext, Change, Done, Permit, Refused};
use super::engine::Engine;
use super::rotation::active;
use crate::audit::{Action, Target};
use crate::disposal::Owner;
use crate::error::{Conflict, Error};
use crate::id::{ProjectId, SecretId};
use crate::ports::{BackendId, KeyRequest, PayloadKind, ProjectKey, SecretBackend, StoredPayload, Writer};
use crate::secret::{ContentType, NewPayload, Payload, Secret};
use crate::time::Timestamp;

/// How often something is begun anew because keys changed meanwhile. Each time it takes another rotation.
const ATTEMPTS: u32 = 5;

/// What is to be sealed.
pub(super) struct ToSeal<'a> {
    pub(super) project: &'a ProjectId,
    /// What it belongs to.
    pub(super) binding: Vec<u8>,
    pub(super) source: Source<'a>,
    /// What the payload is said to be.
    pub(super) kind: PayloadKind,
    pub(super) content_type: ContentType,
    /// Whose payload it is, when it is a secret's.
    pub(super) secret: Option<SecretId>,
}

/// Where a payload comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// It is at hand.
    Given(&'a Payload),
    /// It is a key that the backend makes.
    Generated(&'a KeyRequest),
}

impl<'a> ToSeal<'a> {
    /// The payload of a secret.
    pub(super) fn of(secret: &'a Secret, new: &'a NewPayload) -> Self {
        Self::with(secret, Source::Given(&new.payload), new.content_type)
    }

    /// A secret's payload, wherever it comes from.
    pub(super) fn with(secret: &'a Secret, source: Source<'a>, content_type: ContentType) -> Self {
        let binding = secret.binding(content_type);
        Self {
            project: &secret.project,
            binding,
            source,
            kind: secret.kind(),
            content_type,
            secret: Some(secret.id),
        }
    }
}

/// A payload that is sealed and not stored yet.
pub(super) struct Fresh {
    pub(super) stored: StoredPayload,
    /// The key that it is sealed under.
    pub(super) key: ProjectKey,
}

/// On whose account a project's first key is made.
#[derive(Clone, Copy)]
enum Account<'a> {
    Caller(&'a CallContext, Permit),
    Service,
}

impl Engine {
    /// Seals, and stores what that gave by the job that `store` makes of it; begins anew when the key was taken
    /// away meanwhile. What was sealed for a change that did not come about is destroyed in its backend.
    pub(super) async fn seal_and_store<T, J>(
        &self,
        context: &CallContext,
        change: &Change<'_>,
        owner: Owner,
        what: Option<ToSeal<'_>>,
        store: impl Fn(Option<StoredPayload>) -> J,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnMut(&mut dyn Writer) -> Result<T, Error> + Send + 'static,
    {
        let mut sealings = Sealings::default();
        loop {
            let fresh = match &what {
                Some(what) => Some(self.seal(context, change.permit(), what).await?),
                None => None,
            };
            let leftover = fresh.as_ref().and_then(|fresh| self.leftover(owner, fresh));
            let applied = change.apply(store(fresh.map(|fresh| fresh.stored))).await;
            if applied.is_err() {
                self.discard(leftover);
            }
            if !sealings.again(&applied) {
                return applied;
            }
        }
    }

    /// Opens a secret's payload, unless any of it or of the secret's own fields was altered.
    pub(super) async fn open(
        &self,
        secret: &Secret,
        stored: &StoredPayload,
        key: &ProjectKey,
    ) -> Result<Payload, Error> {
        self.open_bound(&secret.binding(stored.content_type), stored, key).await
    }

    /// Seals under the newest key of the project, making the first one when there is none.
    pub(super) async fn seal(
        &self,
        context: &CallContext,
        permit: Permit,
        what: &ToSeal<'_>,
    ) -> Result<Fresh, Error> {
        let ToSeal { project, binding, source, kind, content_type, secret } = what;
        let backend = self.backend_for(project).await?;
        let key = self.project_key(context, permit, project, backend).await?;
        let fingerprint = async |payload| match secret {
            Some(secret) => backend.fingerprint(&key, *secret, payload).await,
            None => Ok(None),
        };
        let (fingerprint, sealed) = match source {
            // First: a store that has taken the payload could not be told to forget it, were this to fail.
            Source::Given(payload) => {
                (fingerprint(payload).await?, backend.seal_as(kind, &key, binding, payload).await?)
            }
            // The key is not there before; were its fingerprint to fail, a sweep finds what the store has made.
            Source::Generated(request) => {
                let (made, sealed) = backend.seal_generated(request, kind, &key, binding).await?;
                (fingerprint(&made).await?, sealed)
            }
        };
        let stored = StoredPayload {
            content_type: *content_type,
            key: key.id,
            backend: key.backend.clone(),
            sealed,
            fingerprint,
        };
        Ok(Fresh { stored, key })
    }

    /// Opens what [`Self::seal`] made.
    pub(super) async fn open_bound(
        &self,
        binding: &[u8],
        stored: &StoredPayload,
        key: &ProjectKey,
    ) -> Result<Payload, Error> {
        Ok(self.backends.of(&stored.backend)?.open(key, binding, &stored.sealed).await?)
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
        self.ensured_key(project, backend, Account::Caller(context, permit)).await
    }

    /// The newest key of a project with that backend, the first of which is made on the service's own account.
    pub(super) async fn own_project_key(
        &self,
        project: &ProjectId,
        backend: &Arc<dyn SecretBackend>,
    ) -> Result<ProjectKey, Error> {
        self.ensured_key(project, backend, Account::Service).await
    }

    async fn ensured_key(
        &self,
        project: &ProjectId,
        backend: &Arc<dyn SecretBackend>,
        account: Account<'_>,
    ) -> Result<ProjectKey, Error> {
        for _ in 0..ATTEMPTS {
            if let Some(key) = self.newest_project_key(project, backend.id()).await? {
                return Ok(key);
            }
            let made = match account {
                Account::Caller(context, permit) => {
                    self.create_project_key(context, permit, project, backend).await
                }
                Account::Service => self.make_project_key(backend, project, 1, self.clock.now()).await,
            };
            match made {
                // Somebody else was faster, whose key is as good as ours; or another master key version wraps
                // new keys since then.
                Ok(()) | Err(Error::Conflict(Conflict::ProjectKey | Conflict::MasterKey)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Internal("a project key was there and is gone, time and again"))
    }

    /// Makes a project's first key: a change of its own, with its own records.
    async fn create_project_key(
        &self,
        context: &CallContext,
        permit: Permit,
        project: &ProjectId,
        backend: &Arc<dyn SecretBackend>,
    ) -> Result<(), Error> {
        let target = Target::ProjectKey(project.to_string());
        let attempt = Attempt::new(self, context, Action::ProjectKeyCreate, Some(target));
        let change = attempt.intend(permit).await.map_err(Refused::into_error)?;
        let result = async {
            let made = self.fresh_key(backend, project, 1, self.clock.now()).await?;
            change.apply(move |writer| insert_fresh(writer, &made)).await
        }
        .await;
        let verdict = change.conclude(result).await;
        verdict.map(Done::release).map_err(Refused::into_error)
    }

    /// Makes the version of a project's key that follows `newest`, on the service's own account.
    pub(super) async fn renew_project_key(
        &self,
        backend: &Arc<dyn SecretBackend>,
        newest: &ProjectKey,
        created: Timestamp,
    ) -> Result<(), Error> {
        let version =
            newest.version.checked_add(1).ok_or(Error::Internal("a project has no room for one more key"))?;
        self.make_project_key(backend, &newest.project, version, created).await
    }

    async fn make_project_key(
        &self,
        backend: &Arc<dyn SecretBackend>,
        project: &ProjectId,
        version: u32,
        created: Timestamp,
    ) -> Result<(), Error> {
        let made = self.fresh_key(backend, project, version, created).await?;
        let target = Target::ProjectKey(project.to_string());
        self.own_act(Action::ProjectKeyCreate, target, async |change| {
            self.write(change, move |writer| insert_fresh(writer, &made)).await
        })
        .await
    }

    /// A key that is not stored yet, wrapped by the active master key version, whichever is the highest.
    async fn fresh_key(
        &self,
        backend: &Arc<dyn SecretBackend>,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, Error> {
        let id = backend.id().clone();
        let active =
            self.read(move |reader| Ok(active(&reader.master_keys(&id)?).map(|found| found.version)));
        let active = active.await?.ok_or(Error::Internal("no master key version is active"))?;
        let made = backend.create_project_key(project, version, now).await?;
        if made.master == active { Ok(made) } else { Ok(backend.rewrap(&made, active).await?) }
    }
}

/// Stores a new key, unless one of that version is there or another master key version has become active.
fn insert_fresh(writer: &mut dyn Writer, key: &ProjectKey) -> Result<(), Error> {
    let newest = writer.newest_project_key(&key.project, &key.backend)?;
    if newest.is_some_and(|newest| newest.version >= key.version) {
        return Err(Error::Conflict(Conflict::ProjectKey));
    }
    if active(&writer.master_keys(&key.backend)?).map(|active| active.version) != Some(key.master) {
        return Err(Error::Conflict(Conflict::MasterKey));
    }
    Ok(writer.insert_project_key(key)?)
}

/// To be called before anything sealed is stored: a rotation may have removed its project key since. Then it has
/// to be sealed again, see [`Sealings`].
pub(super) fn still_keyed(writer: &mut dyn Writer, stored: &StoredPayload) -> Result<(), Error> {
    let there = writer.project_key(stored.key)?.is_some();
    if there { Ok(()) } else { Err(Error::Conflict(Conflict::ProjectKey)) }
}

/// How often something was sealed again because its project key was removed before it was stored.
#[derive(Default)]
pub(super) struct Sealings(u32);

impl Sealings {
    /// Whether to seal and store again after this end.
    pub(super) fn again<T>(&mut self, ended: &Result<T, Error>) -> bool {
        self.0 += 1;
        self.0 < ATTEMPTS && matches!(ended, Err(Error::Conflict(Conflict::ProjectKey)))
    }
}
