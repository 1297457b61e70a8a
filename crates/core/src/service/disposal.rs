//! Destroying what backends hold of payloads that are not stored any more. A change that takes a payload away
//! says so in the same transaction, and whoever serves sees to it afterwards: nobody's answer waits for a backend
//! that is out of reach, and nothing is left there for good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::engine::{Backends, Engine};
use super::events::Wake;
use super::keys::Fresh;
use crate::audit::Action;
use crate::disposal::{Disposal, Owner};
use crate::error::Error;
use crate::id::DisposalId;
use crate::ports::{BackendError, BackendId, ProjectKey, Reader, SecretBackend, StoredPayload, Writer};
use crate::time::Timestamp;

/// Longest time, in seconds, that a backend which is out of reach is left alone.
const LONGEST_REST: i64 = 64;
/// When, in seconds, to try again what the backend refuses to destroy.
const REFUSED_AGAIN: i64 = 3600;
/// Leftovers that wait for the database at most.
const MOST_LEFTOVERS: usize = 10_000;

/// Seeing to it that backends forget what is not stored any more. For the server's own tasks: no access rule is
/// asked, and each end is on record.
#[derive(Clone, Copy)]
pub struct Disposals<'a> {
    engine: &'a Engine,
}

/// What a backend holds for a change that did not come about.
pub(super) struct Leftover {
    disposal: Disposal,
    key: ProjectKey,
}

/// What this process alone knows of disposals.
#[derive(Default)]
pub(super) struct Waste {
    /// Not in the repository yet.
    leftovers: Mutex<Vec<Leftover>>,
    /// Tells that there are some.
    left: Wake,
    /// Backends out of reach: until when they are left alone, and for how long that is, in seconds.
    resting: Mutex<HashMap<BackendId, (Timestamp, i64)>>,
}

/// What to do with a row.
enum Next {
    Destroy(Disposal, ProjectKey),
    /// It is stored after all: the change that was given up had come about.
    Keep(Disposal),
}

impl<'a> Disposals<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// Has each backend destroy one thing that is due; `false` when nothing is, or no backend that has something
    /// is in reach. To be called again and again by whoever serves.
    pub async fn work(self) -> Result<bool, Error> {
        let mut worked = self.take_up_leftover().await?;
        for backend in self.engine.backends.all.values() {
            worked |= self.destroy_one(backend).await?;
        }
        Ok(worked)
    }

    /// Completes when something is to be destroyed of which the repository does not know yet. Wakes one of those who wait.
    pub async fn left(self) {
        self.engine.waste.left.wait().await;
    }

    /// Brings a leftover into the repository. When its project key is gone from there already, has the backend
    /// destroy it at once.
    async fn take_up_leftover(self) -> Result<bool, Error> {
        let Some(leftover) = self.engine.waste.leftovers().pop() else { return Ok(false) };
        let disposal = leftover.disposal.clone();
        let taken = self.engine.upkeep(move |writer| {
            let keyed = writer.project_key(disposal.key)?.is_some();
            if keyed {
                writer.insert_disposal(&disposal)?;
            }
            Ok(keyed)
        });
        let done = match taken.await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let Leftover { disposal, key } = &leftover;
                let backend = self.engine.backends.of(&disposal.backend)?;
                self.engine
                    .own_act(Action::PayloadForget, disposal.owner.into(), async |_| {
                        Ok(backend.forget(key, &disposal.sealed).await?)
                    })
                    .await
            }
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.engine.discard([leftover]);
        }
        done.map(|()| true)
    }

    async fn destroy_one(self, backend: &Arc<dyn SecretBackend>) -> Result<bool, Error> {
        let (id, now) = (backend.id().clone(), self.engine.clock.now());
        if self.engine.waste.is_resting(&id, now) {
            return Ok(false);
        }
        let (disposal, key) = match self.engine.read(move |reader| next(reader, &id, now)).await? {
            Some(Next::Destroy(disposal, key)) => (disposal, key),
            Some(Next::Keep(disposal)) => {
                self.engine.upkeep(move |writer| Ok(writer.delete_disposal(disposal.id)?)).await?;
                return Ok(true);
            }
            None => return Ok(false),
        };
        let (id, owner) = (disposal.id, disposal.owner);
        let destroyed = self.engine.own_act(Action::PayloadForget, owner.into(), async |change| {
            backend.forget(&key, &disposal.sealed).await?;
            let key = key.clone();
            self.engine.write(change, move |writer| done_with(writer, id, &key)).await
        });
        match destroyed.await {
            Ok(()) => {
                self.engine.waste.recovered(backend.id());
                Ok(true)
            }
            Err(Error::Backend(BackendError::Unavailable { reason, .. })) => {
                let rest = self.engine.waste.rest(backend.id(), now);
                tracing::warn!(backend = %backend.id(), reason, rest, "what was deleted is still to be forgotten");
                Ok(false)
            }
            Err(error @ (Error::Backend(_) | Error::Integrity)) => {
                let told = error.to_string();
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(?owner, backend = %backend.id(), error = told, cause,
                    "what was deleted can't be destroyed in the backend; trying again in an hour");
                let due = now.plus_seconds(REFUSED_AGAIN);
                self.engine.upkeep(move |writer| Ok(writer.postpone_disposal(id, due)?)).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}

impl Engine {
    /// What a backend is left with when the change that stores `fresh` does not come about; nothing when the
    /// backend holds nothing itself.
    pub(super) fn leftover(&self, owner: Owner, fresh: &Fresh) -> Option<Leftover> {
        let disposal = self.backends.remains(owner, &fresh.stored, self.clock.now())?;
        Some(Leftover { disposal, key: fresh.key.clone() })
    }

    /// Has the backends destroy what was sealed for a change that failed, or may have failed: what turns out to
    /// be stored is kept.
    pub(super) fn discard(&self, failed: impl IntoIterator<Item = Leftover>) {
        let mut leftovers = self.waste.leftovers();
        for leftover in failed {
            if leftovers.len() < MOST_LEFTOVERS {
                leftovers.push(leftover);
                self.waste.left.wake();
            } else {
                let Disposal { owner, backend, .. } = leftover.disposal;
                tracing::error!(?owner, %backend, "too much waits to be forgotten; an object stays in the backend");
            }
        }
    }
}

impl Backends {
    /// What there is to destroy once `stored` is not stored any more. A backend that is not at hand may hold
    /// something.
    fn remains(&self, owner: Owner, stored: &StoredPayload, now: Timestamp) -> Option<Disposal> {
        let keeps = self.all.get(&stored.backend).is_none_or(|backend| backend.keeps(&stored.sealed));
        keeps.then(|| Disposal {
            id: DisposalId::random(),
            owner,
            key: stored.key,
            backend: stored.backend.clone(),
            sealed: stored.sealed.clone(),
            due: now,
        })
    }

    /// Has the backend destroy what it holds of `stored`, once the change that this is part of is durable.
    pub(super) fn forget_later(
        &self,
        writer: &mut dyn Writer,
        owner: Owner,
        stored: &StoredPayload,
        now: Timestamp,
    ) -> Result<(), Error> {
        match self.remains(owner, stored, now) {
            Some(disposal) => Ok(writer.insert_disposal(&disposal)?),
            None => Ok(()),
        }
    }
}

impl Waste {
    fn leftovers(&self) -> MutexGuard<'_, Vec<Leftover>> {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<BackendId, (Timestamp, i64)>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_resting(&self, backend: &BackendId, now: Timestamp) -> bool {
        self.resting().get(backend).is_some_and(|(until, _)| now < *until)
    }

    fn recovered(&self, backend: &BackendId) {
        self.resting().remove(backend);
    }

    /// Leaves a backend alone, twice as long each time in a row; tells for how many seconds.
    fn rest(&self, backend: &BackendId, now: Timestamp) -> i64 {
        let mut resting = self.resting();
        let rest = resting.get(backend).map_or(1, |(_, last)| (*last * 2).min(LONGEST_REST));
        resting.insert(backend.clone(), (now.plus_seconds(rest), rest));
        rest
    }
}

fn next(reader: &mut dyn Reader, backend: &BackendId, now: Timestamp) -> Result<Option<Next>, Error> {
    let Some(disposal) = reader.due_disposal(backend, now)? else { return Ok(None) };
    let stored = match disposal.owner {
        Owner::Secret(id) => reader.payload(id)?,
        Owner::Order(id) => reader.order(id)?.and_then(|order| order.passphrase),
    };
    if stored.is_some_and(|stored| stored.backend == disposal.backend && stored.sealed == disposal.sealed) {
        return Ok(Some(Next::Keep(disposal)));
    }
    let key = reader.project_key(disposal.key)?.ok_or(Error::Integrity)?;
    Ok(Some(Next::Destroy(disposal, key)))
}

/// Removes the row, and the project key that was kept for its sake alone.
fn done_with(writer: &mut dyn Writer, id: DisposalId, key: &ProjectKey) -> Result<(), Error> {
    writer.delete_disposal(id)?;
    let newest = writer.newest_project_key(&key.project, &key.backend)?;
    if newest.is_some_and(|newest| newest.id != key.id) {
        writer.delete_project_key(key.id)?;
    }
    Ok(())
}
