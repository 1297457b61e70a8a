//! From one sealing to another, with the old one in place until the new one has been opened.

use std::sync::Arc;

use super::shift::{Pace, Shift};
use crate::disposal::Owner;
use crate::error::{Conflict, Error};
use crate::id::SecretId;
use crate::ports::{BackendError, ProjectKey, Reader, SecretBackend, StoredPayload};
use crate::rotation::Rotation;
use crate::secret::Secret;
use crate::service::keys::{Fresh, still_keyed};

/// A secret that is sealed under a key which it is to leave.
pub(super) struct Found {
    pub(super) key: ProjectKey,
    pub(super) secret: Secret,
    pub(super) stored: StoredPayload,
}

impl Shift<'_> {
    /// Seals these by `to` under `key`, opens each once more, and puts them in the place of what is stored, where
    /// that has not changed meanwhile. What the backends hold and nothing names afterwards is forgotten. `last` is
    /// where to go on.
    pub(super) async fn carry_over(
        &mut self,
        batch: Vec<Found>,
        to: &Arc<dyn SecretBackend>,
        key: &ProjectKey,
        last: (u32, SecretId),
    ) -> Result<Pace, Error> {
        let (mut carried, mut unreadable) = (Vec::with_capacity(batch.len()), Vec::new());
        for found in batch {
            match self.sealed_anew(to, key, &found).await {
                Ok(Some(fresh)) => carried.push((found, fresh)),
                Ok(None) => unreadable.push(found),
                Err(error) => {
                    self.discard(&carried);
                    return Err(error);
                }
            }
        }
        let (carried, unreadable) = (Arc::new(carried), Arc::new(unreadable));
        let (rows, passed_over) = (Arc::clone(&carried), Arc::clone(&unreadable));
        let backends = Arc::clone(&self.engine.backends);
        let now = self.engine.clock.now();
        let next = Rotation { waiting: None, ..self.rotation.clone() };
        let stored = self.save(next, move |writer, rotation| {
            for (Found { secret, stored, .. }, fresh) in rows.iter() {
                still_keyed(writer, &fresh.stored)?;
                let replaced = writer.replace_payload(secret.id, stored, &fresh.stored)?;
                // The new one is of no use when the secret was deleted meanwhile.
                let gone = if replaced { stored } else { &fresh.stored };
                backends.forget_later(writer, Owner::Secret(secret.id), gone, now)?;
                rotation.changed += u64::from(replaced);
                rotation.done += 1;
            }
            let mut failed = Vec::new();
            for Found { secret, stored, .. } in passed_over.iter() {
                // One that was deleted meanwhile is missed by nobody.
                if writer.payload(secret.id)?.as_ref() == Some(stored) {
                    failed.push(secret.id);
                }
            }
            Ok(failed)
        });
        match stored.await {
            Ok(failed) => {
                for id in &failed {
                    tracing::error!(secret = %id, "a payload can't be opened; it stays as it is");
                }
                self.projects.passed = Some(last);
                self.projects.failed += u64::try_from(failed.len()).unwrap_or(0);
                Ok(Pace::On)
            }
            Err(error) => {
                self.discard(&carried);
                match error {
                    // A rotation on the other side has removed the key meanwhile: there is a newer one.
                    Error::Conflict(Conflict::ProjectKey) => Ok(Pace::On),
                    error => Err(error),
                }
            }
        }
    }

    /// The same payload, sealed by `to` under `key` and opened again; nothing when it can't be opened.
    async fn sealed_anew(
        &self,
        to: &Arc<dyn SecretBackend>,
        key: &ProjectKey,
        found: &Found,
    ) -> Result<Option<Fresh>, Error> {
        let binding = found.secret.binding(found.stored.content_type);
        let payload = match self.backend.open(&found.key, &binding, &found.stored.sealed).await {
            Ok(payload) => payload,
            Err(BackendError::Integrity | BackendError::KeyMissing(_) | BackendError::UnknownFormat(_)) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let fingerprint = to.fingerprint(key, found.secret.id, &payload).await?;
        let fresh = Fresh {
            stored: StoredPayload {
                content_type: found.stored.content_type,
                key: key.id,
                backend: to.id().clone(),
                sealed: to.seal_as(&found.secret.kind(), key, &binding, &payload).await?,
                fingerprint,
            },
            key: key.clone(),
        };
        let again = to.open(key, &binding, &fresh.stored.sealed).await;
        match again {
            Ok(again) if again.expose() == payload.expose() => Ok(Some(fresh)),
            other => {
                self.engine.discard(self.engine.leftover(Owner::Secret(found.secret.id), &fresh));
                match other {
                    Err(error) => Err(error.into()),
                    Ok(_) => Err(Error::Integrity),
                }
            }
        }
    }

    fn discard(&self, carried: &[(Found, Fresh)]) {
        let leftovers = carried
            .iter()
            .filter_map(|(found, fresh)| self.engine.leftover(Owner::Secret(found.secret.id), fresh));
        self.engine.discard(leftovers);
    }
}

/// The next secrets, deleted or not, that are sealed under one of these keys, lowest version first.
pub(super) fn sealed_under(
    reader: &mut dyn Reader,
    keys: &[ProjectKey],
    passed: Option<(u32, SecretId)>,
    limit: u32,
) -> Result<Vec<Found>, Error> {
    for key in keys {
        if passed.is_some_and(|(last, _)| key.version < last) {
            continue;
        }
        let after = passed.filter(|(last, _)| *last == key.version).map(|(_, id)| id);
        let mut batch = Vec::new();
        for id in reader.secrets_sealed_under(key.id, after, limit)? {
            let found = match reader.sealed_secret(id)? {
                None => reader.sealed_deleted_secret(id)?,
                found => found,
            };
            if let Some((secret, Some((stored, _)))) = found {
                batch.push(Found { key: key.clone(), secret, stored });
            }
        }
        if !batch.is_empty() {
            return Ok(batch);
        }
    }
    Ok(Vec::new())
}
