use std::path::Path;

use strongroom_core::errand::{Act, End, Errand, Successor};
use strongroom_core::ports::{ProjectKey, Reader, SealedSecret, StorageError, StoredPayload};
use strongroom_core::{Clock as _, Payload, Secret, SecretId, SystemClock, Timestamp};

use crate::backends::open_named;
use crate::error::RunError;
use crate::rotation::look;
use crate::settings::Settings;

/// What is to take a secret's place.
#[derive(Debug)]
pub struct Replacement {
    /// The secret.
    pub secret: SecretId,
    /// Its successor's payload.
    pub payload: Payload,
    /// From when on the successor is unreadable; as the secret when not given.
    pub expiration: Option<Option<Timestamp>>,
    /// How long, in seconds, the secret is kept besides.
    pub overlap: u32,
}

/// How far a replacement is.
#[derive(Debug)]
pub enum Prepared {
    /// The payload is sealed; this is to be asked for.
    ToAsk(Act),
    /// The very same has been asked for already.
    Asked(Errand),
    /// The very same has been done already.
    Done {
        /// What has taken the place.
        successor: SecretId,
        /// When the old secret goes, when that is still there.
        until: Option<Timestamp>,
    },
}

/// What the database knows about a secret that is to be replaced.
struct Found {
    old: Option<SealedSecret>,
    /// The key that seals what is stored next beside it.
    key: Option<ProjectKey>,
    earlier: Option<Earlier>,
}

/// What was asked for before.
enum Earlier {
    /// Its payload waits in the errand.
    Asked(Errand, Successor, ProjectKey),
    Done(SealedSecret, Option<Timestamp>),
}

/// Seals a payload for the secret that is to take another's place, in the same store and under the newest key of its
/// project there. When the same was asked for or done before, which is told by its payload, seals nothing.
pub async fn prepare_replacement(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: &Replacement,
) -> Result<Prepared, RunError> {
    let limit = settings.api.max_secret_bytes;
    if wanted.payload.is_empty() || wanted.payload.len() > limit {
        return Err(RunError::PayloadSize { limit });
    }
    let found = look(settings, |reader| find(reader, wanted.secret))?;
    if let Some(earlier) = found.earlier {
        return resume(settings, credentials, wanted, found.old, earlier).await;
    }
    let now = SystemClock.now();
    let (old, sealed) = found.old.filter(|(old, _)| !old.is_expired(now)).ok_or(RunError::NoSuchSecret)?;
    let (Some((stored, _)), Some(key)) = (sealed, found.key) else { return Err(RunError::NoPayload) };
    let mut successor = Successor {
        id: SecretId::random(),
        created: now,
        expiration: wanted.expiration.unwrap_or(old.expiration),
        payload: None,
        overlap: wanted.overlap,
    };
    let new = successor.of(&old, stored.content_type);
    let backend = open_named(settings, credentials, &stored.backend).await?;
    let fingerprint =
        backend.fingerprint(&key, successor.id, &wanted.payload).await.map_err(RunError::Backend)?;
    let sealed = backend.seal_as(&new.kind(), &key, &new.binding(stored.content_type), &wanted.payload).await;
    let sealed = sealed.map_err(RunError::Backend)?;
    successor.payload = Some(StoredPayload { key: key.id, sealed, fingerprint, ..stored });
    Ok(Prepared::ToAsk(Act::Replace(successor)))
}

/// Has the store forget what was sealed for something that could not be asked for.
pub async fn forget_prepared(
    settings: &Settings,
    credentials: Option<&Path>,
    act: &Act,
) -> Result<(), RunError> {
    let Act::Replace(Successor { payload: Some(payload), .. }) = act else { return Ok(()) };
    let Some(key) = look(settings, |reader| reader.project_key(payload.key))? else { return Ok(()) };
    let backend = open_named(settings, credentials, &payload.backend).await?;
    backend.forget(&key, &payload.sealed).await.map_err(RunError::Backend)
}

fn find(reader: &mut dyn Reader, id: SecretId) -> Result<Found, StorageError> {
    let old = reader.sealed_secret(id)?;
    let key = match &old {
        Some((secret, Some((stored, _)))) => reader.newest_project_key(&secret.project, &stored.backend)?,
        _ => None,
    };
    Ok(Found { old, key, earlier: earlier(reader, id)? })
}

fn earlier(reader: &mut dyn Reader, id: SecretId) -> Result<Option<Earlier>, StorageError> {
    let replaced = reader.replaced(id)?;
    let until = replaced.as_ref().map(|replaced| replaced.until);
    let mut successor = replaced.map(|replaced| replaced.new);
    if let Some(errand) = reader.last_errand_of(id)?
        && let Act::Replace(asked) = &errand.act
    {
        match (&errand.end, &asked.payload) {
            (None, Some(payload)) => {
                let corrupt = || StorageError::Corrupt("an errand's project key is gone".to_owned());
                let key = reader.project_key(payload.key)?.ok_or_else(corrupt)?;
                return Ok(Some(Earlier::Asked(errand.clone(), asked.clone(), key)));
            }
            (Some(End::Done), _) => successor = successor.or(Some(asked.id)),
            _ => {}
        }
    }
    // One that is gone has left the place to whatever comes next.
    let Some(successor) = successor else { return Ok(None) };
    Ok(reader.sealed_secret(successor)?.map(|found| Earlier::Done(found, until)))
}

/// Whether what was asked for before is the same, in which case it goes on from there.
async fn resume(
    settings: &Settings,
    credentials: Option<&Path>,
    wanted: &Replacement,
    old: Option<SealedSecret>,
    earlier: Earlier,
) -> Result<Prepared, RunError> {
    let (secret, stored, key, same): (Secret, StoredPayload, ProjectKey, Prepared) = match earlier {
        Earlier::Asked(errand, successor, key) => {
            let (old, _) = old.ok_or(RunError::NoSuchSecret)?;
            let stored = successor.payload.clone().ok_or(RunError::NoPayload)?;
            (successor.of(&old, stored.content_type), stored, key, Prepared::Asked(errand))
        }
        Earlier::Done((secret, sealed), until) => {
            let (stored, key) = sealed.ok_or(RunError::NoPayload)?;
            let done = Prepared::Done { successor: secret.id, until };
            (secret, stored, key, done)
        }
    };
    let backend = open_named(settings, credentials, &stored.backend).await?;
    let binding = secret.binding(stored.content_type);
    let payload = backend.open(&key, &binding, &stored.sealed).await.map_err(RunError::Backend)?;
    if payload.expose() == wanted.payload.expose() {
        Ok(same)
    } else {
        Err(RunError::ReplacedOtherwise { successor: secret.id })
    }
}
