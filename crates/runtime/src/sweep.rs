//! What crashes have left behind in a KMIP server that keeps payloads: found by its mark, held against the database,
//! and put down there to be destroyed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use strongroom_core::disposal::Disposal;
use strongroom_core::ports::{BackendId, ProjectKey, Reader, Sealed, StorageError};
use strongroom_core::{Clock as _, DisposalId, SystemClock};
use strongroom_crypto_kmip::{KmipBackend, MadeObject};
use strongroom_storage::Desk;

use crate::error::RunError;
use crate::kmip::kmip_backend;
use crate::parts;
use crate::rotation::look;
use crate::settings::{Settings, StoreKind};
use crate::telemetry::Telemetry;

/// What was found in a store that keeps payloads itself.
#[derive(Debug)]
pub struct Leavings {
    /// How many objects there are that this deployment has made.
    pub marked: usize,
    /// Those that nothing names, and that are old enough for that to be no matter of moments.
    pub orphans: Vec<MadeObject>,
    /// How many nothing names that are not.
    pub young: usize,
}

/// Looks for objects of that age that this deployment has made and that no row names. Changes nothing.
pub async fn find_leavings(
    settings: &Settings,
    store: &BackendId,
    older_than: Duration,
) -> Result<Leavings, RunError> {
    let backend = sweepable(settings, store)?;
    // First the server and then the database: what was stored meanwhile is not found in the one and is in the other.
    let found = backend.marked().await.map_err(RunError::Backend)?;
    let marked = found.len();
    let unnamed = look(settings, |reader| without_row(reader, store, found))?;
    let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
    let latest = SystemClock.now().plus_seconds(age.saturating_neg());
    let (mut orphans, mut young) = (Vec::new(), 0);
    for uid in unnamed {
        match backend.made(&uid).await.map_err(RunError::Backend)? {
            Some(object) if object.made < latest => orphans.push(object),
            Some(_) => young += 1,
            None => {}
        }
    }
    Ok(Leavings { marked, orphans, young })
}

/// Has the servers that run destroy those objects, but for any that a row has come to name. Tells how many.
pub async fn condemn_leavings(
    settings: &Settings,
    store: &BackendId,
    orphans: &[MadeObject],
) -> Result<u64, RunError> {
    let key = look(settings, |reader| any_project_key(reader, store))?.ok_or(RunError::NoProjectKey)?;
    let backend = sweepable(settings, store)?;
    let mut condemned: Vec<(&MadeObject, Sealed)> = Vec::new();
    for object in orphans {
        let sealed = backend.condemned(&key, &object.uid).await.map_err(RunError::Backend)?;
        condemned.push((object, sealed));
    }
    let all: BTreeSet<_> = orphans.iter().map(|object| object.uid.clone()).collect();
    let mut desk = Desk::open(&settings.storage.file).map_err(RunError::Storage)?;
    let put_down = desk.write(|writer| {
        let unnamed = without_row(writer, store, all.clone())?;
        let still = condemned.iter().filter(|(object, _)| unnamed.contains(&object.uid));
        let mut count = 0;
        for (object, sealed) in still {
            writer.insert_disposal(&Disposal {
                id: DisposalId::random(),
                owner: object.owner,
                key: key.id,
                backend: store.clone(),
                sealed: sealed.clone(),
                due: SystemClock.now(),
            })?;
            count += 1;
        }
        Ok(count)
    });
    put_down.map_err(RunError::Query)
}

/// The same in this process, while no server has the database; they are destroyed, if the store is in reach, when
/// this returns.
pub async fn destroy_leavings(
    settings: &Settings,
    credentials: Option<&Path>,
    store: &BackendId,
    orphans: &[MadeObject],
) -> Result<u64, RunError> {
    let parts = parts::open(settings, credentials, false, &Telemetry::off()).await?;
    let count = condemn_leavings(settings, store, orphans).await?;
    while parts.manager.disposals().work().await.map_err(RunError::Sweep)? {}
    Ok(count)
}

/// How much a store has yet to destroy, of whatever was deleted or condemned.
pub fn count_to_forget(settings: &Settings, store: &BackendId) -> Result<u64, RunError> {
    look(settings, |reader| reader.count_disposals(store))
}

fn sweepable(settings: &Settings, store: &BackendId) -> Result<KmipBackend, RunError> {
    if *store == StoreKind::Kmip.backend() {
        kmip_backend(&settings.kmip)
    } else {
        Err(RunError::KeepsNothing(store.clone()))
    }
}

/// Those that no row names.
fn without_row(
    reader: &mut (impl Reader + ?Sized),
    backend: &BackendId,
    mut objects: BTreeSet<String>,
) -> Result<BTreeSet<String>, StorageError> {
    reader.visit_sealed(backend, &mut |sealed| {
        if let Some(uid) = KmipBackend::object_of(sealed) {
            objects.remove(uid);
        }
    })?;
    Ok(objects)
}

/// A key under which what is to be destroyed can be written down: the newest of some project's.
fn any_project_key(reader: &mut dyn Reader, backend: &BackendId) -> Result<Option<ProjectKey>, StorageError> {
    for record in reader.master_keys(backend)? {
        if let Some(found) = reader.project_keys_under(backend, record.version, None, 1)?.pop() {
            return reader.newest_project_key(&found.project, backend);
        }
    }
    Ok(None)
}
