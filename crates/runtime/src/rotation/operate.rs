use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use strongroom_core::ports::{BackendId, MasterKeyRecord, MasterKeyVersion, Reader, StorageError};
use strongroom_core::rotation::{Goal, MasterKeyState, Node, Rotation, ask, cancel};
use strongroom_core::{Clock as _, Error, Pace, RotationId, SystemClock, UserId};
use strongroom_crypto::{add_key_version, remove_key_versions};
use strongroom_storage::{Desk, ReadOnlyView};
use tokio::time::sleep;

use super::asker::note_asker;
use crate::backends;
use crate::backup::MASTER_KEY_BACKUP;
use crate::error::RunError;
use crate::master_key::{comes_from_credentials, load_master_keys};
use crate::parts;
use crate::settings::{Settings, StoreKind};
use crate::telemetry::Telemetry;

/// What a rotation would have to do.
#[derive(Debug, Clone)]
pub struct RotationPlan {
    /// Whose keys.
    pub backend: BackendId,
    /// The version that wraps new project keys now; `None` when the database was never used.
    pub active: Option<MasterKeyVersion>,
    /// The highest version at hand: in the key file, the token, or the file that names the KMIP objects.
    pub highest: MasterKeyVersion,
    /// Project keys that the active version wraps, and older ones.
    pub project_keys: u64,
    /// Secrets with a payload.
    pub secrets: u64,
    /// Servers that are running.
    pub nodes: Vec<Node>,
    /// The rotation that is under way, if any.
    pub open: Option<Rotation>,
}

/// Looks at what a rotation would have to do. Changes nothing.
pub async fn plan_rotation(
    settings: &Settings,
    credentials: Option<&Path>,
    store: StoreKind,
) -> Result<RotationPlan, RunError> {
    let opened = backends::open_one(settings, credentials, store).await?;
    let at_hand = opened.master_key_versions().await.map_err(RunError::Backend)?;
    let highest = at_hand.into_iter().max().unwrap_or(MasterKeyVersion(0));
    let backend = store.backend();
    look(settings, |reader| {
        let records = reader.master_keys(&backend)?;
        let mut project_keys = 0;
        for record in &records {
            project_keys += reader.count_project_keys_under(&backend, record.version)?;
        }
        let now = SystemClock.now();
        let mut nodes = reader.nodes(&backend)?;
        nodes.retain(|node| node.is_alive(now));
        Ok(RotationPlan {
            active: active(&records),
            highest,
            project_keys,
            secrets: reader.count_sealed_by(&backend)?,
            nodes,
            open: reader.open_rotation(&backend)?,
            backend: backend.clone(),
        })
    })
}

/// The version to rotate to: one that is at hand and not in use yet; else a fresh one, which is added to the key
/// file now. Nothing uses it before a rotation has activated it. In a device or a server, none is made here.
pub async fn stage_master_key(
    settings: &Settings,
    credentials: Option<&Path>,
    store: StoreKind,
) -> Result<MasterKeyVersion, RunError> {
    let plan = plan_rotation(settings, credentials, store).await?;
    let active = plan.active.ok_or(RunError::NeverUsed)?;
    if let Some(Rotation { goal: Goal::MasterKey(version), .. }) = plan.open {
        return Ok(version);
    }
    if plan.highest > active {
        return Ok(plan.highest);
    }
    match store {
        StoreKind::Soft if comes_from_credentials(&settings.master_key, credentials) => {
            Err(RunError::Credential)
        }
        StoreKind::Soft => {
            add_key_version(&settings.master_key.file, SystemClock.now()).map_err(RunError::MasterKey)
        }
        StoreKind::Kmip => {
            Err(RunError::NotStaged { active, command: "kmip create-master-key --next-version" })
        }
        StoreKind::Pkcs11 => Err(RunError::NotStaged { active, command: "hsm generate-master-key --next" }),
    }
}

/// Whether the key file was backed up since its newest version was first met.
pub fn master_key_backed_up(settings: &Settings) -> Result<bool, RunError> {
    look(settings, |reader| {
        let newest =
            reader.master_keys(&StoreKind::Soft.backend())?.iter().map(|record| record.created).max();
        let backup = reader.milestones()?.into_iter().find(|done| done.name == MASTER_KEY_BACKUP);
        Ok(backup.is_some_and(|backup| newest.is_none_or(|newest| backup.at >= newest)))
    })
}

/// Whether a server has the database.
pub fn is_served(settings: &Settings) -> Result<bool, RunError> {
    strongroom_storage::is_in_use(&settings.storage.file).map_err(RunError::Storage)
}

/// Leaves a rotation for the servers that run. When one with the same goal is under way, gives that one.
pub fn ask_for_rotation(
    settings: &Settings,
    backend: &BackendId,
    goal: &Goal,
    by: &UserId,
) -> Result<Rotation, RunError> {
    let asked = desk(settings)?.write(|writer| {
        let rotation = ask(writer, backend, goal, SystemClock.now())?;
        note_asker(writer, &rotation, by)?;
        Ok(rotation)
    });
    asked.map_err(RunError::Rotation)
}

/// Halts the rotation that is under way, or lets it go on; gives it, if there is one.
pub fn pause_rotation(
    settings: &Settings,
    stores: &[StoreKind],
    paused: bool,
) -> Result<Option<Rotation>, RunError> {
    change_open(settings, stores, |writer, rotation| Ok(writer.pause_rotation(rotation.id, paused)?))
}

/// Gives up the rotation that is under way, which has to be one that has not changed anything yet.
pub fn cancel_rotation(settings: &Settings, stores: &[StoreKind]) -> Result<Option<Rotation>, RunError> {
    change_open(settings, stores, |writer, rotation| cancel(writer, rotation.id, SystemClock.now()))
}

fn change_open(
    settings: &Settings,
    stores: &[StoreKind],
    mut change: impl FnMut(&mut dyn strongroom_core::ports::Writer, &Rotation) -> Result<(), Error>,
) -> Result<Option<Rotation>, RunError> {
    let changed = desk(settings)?.write(|writer| {
        for store in stores {
            if let Some(open) = writer.open_rotation(&store.backend())? {
                change(writer, &open)?;
                return Ok(writer.rotation(open.id)?);
            }
        }
        Ok(None)
    });
    changed.map_err(RunError::Rotation)
}

/// A rotation as it is stored now.
pub fn find_rotation(settings: &Settings, id: RotationId) -> Result<Option<Rotation>, RunError> {
    look(settings, |reader| reader.rotation(id))
}

/// The latest rotation of those stores' keys.
pub fn latest_rotation(settings: &Settings, stores: &[StoreKind]) -> Result<Option<Rotation>, RunError> {
    look(settings, |reader| {
        let mut latest = None;
        for store in stores {
            latest = latest
                .into_iter()
                .chain(reader.rotations(&store.backend(), 1)?)
                .max_by_key(|found: &Rotation| found.created);
        }
        Ok(latest)
    })
}

/// Carries a rotation out in this process, while no server has the database; tells `told` after each step.
pub async fn carry_out_rotation(
    settings: &Settings,
    credentials: Option<&Path>,
    backend: BackendId,
    goal: Goal,
    by: &UserId,
    mut told: impl FnMut(&Rotation),
) -> Result<Rotation, RunError> {
    const LOOK_AGAIN: Duration = Duration::from_secs(1);
    let parts = parts::open(settings, credentials, false, &Telemetry::off()).await?;
    let rotations = parts.manager.rotations();
    let asked = rotations.ask(backend, goal).await.map_err(RunError::Rotation)?;
    let noted = desk(settings)?.write(|writer| note_asker(writer, &asked, by));
    noted.map_err(RunError::Query)?;
    // One of another store's keys may be open too, and come first.
    while let Some(mut shift) = rotations.claim().await.map_err(RunError::Rotation)? {
        loop {
            let pace = shift.step().await.map_err(RunError::Rotation)?;
            told(shift.rotation());
            match pace {
                Pace::On => {}
                Pace::Wait => sleep(LOOK_AGAIN).await,
                Pace::Ended | Pace::Lost => break,
            }
        }
        if shift.rotation().id == asked.id {
            break;
        }
    }
    while parts.manager.disposals().work().await.map_err(RunError::Rotation)? {}
    rotations.leave().await.map_err(RunError::Rotation)?;
    let ended = rotations.find(asked.id).await.map_err(RunError::Rotation)?;
    ended.ok_or(RunError::Query(StorageError::Corrupt("the rotation is gone".to_owned())))
}

/// What was taken out of a key file.
#[derive(Debug, Clone, Serialize)]
pub struct PrunedKeys {
    /// Versions that were taken out.
    pub removed: Vec<u32>,
    /// Versions that are left.
    pub left: Vec<u32>,
}

/// Takes the versions that a rotation has retired, or passed over, out of the key file. Nothing stored now names
/// them; a backup of the database from before the rotation does.
pub fn prune_master_key(settings: &Settings, credentials: Option<&Path>) -> Result<PrunedKeys, RunError> {
    if comes_from_credentials(&settings.master_key, credentials) {
        return Err(RunError::Credential);
    }
    let backend = StoreKind::Soft.backend();
    let keys = load_master_keys(&settings.master_key, credentials)?;
    let retired = look(settings, |reader| {
        let records = reader.master_keys(&backend)?;
        let Some(active) = active(&records) else { return Ok(Vec::new()) };
        let mut retired = Vec::new();
        for (version, _) in keys.versions().filter(|(version, _)| *version < active) {
            let record = records.iter().find(|record| record.version == version);
            // One that the database has never met was passed over when a higher one was staged beside it.
            let given_up = record.is_none_or(|record| record.state == MasterKeyState::Retired);
            if given_up && reader.count_project_keys_under(&backend, version)? == 0 {
                retired.push(version);
            }
        }
        Ok(retired)
    })?;
    let removed = remove_key_versions(&settings.master_key.file, &retired).map_err(RunError::MasterKey)?;
    let left = load_master_keys(&settings.master_key, credentials)?;
    Ok(PrunedKeys {
        removed: removed.into_iter().map(|version| version.0).collect(),
        left: left.versions().map(|(version, _)| version.0).collect(),
    })
}

fn active(records: &[MasterKeyRecord]) -> Option<MasterKeyVersion> {
    records.iter().find(|record| record.state == MasterKeyState::Active).map(|record| record.version)
}

fn desk(settings: &Settings) -> Result<Desk, RunError> {
    Desk::open(&settings.storage.file).map_err(RunError::Storage)
}

/// Asks questions of the database, whether or not a server has it.
pub(crate) fn look<T>(
    settings: &Settings,
    questions: impl FnOnce(&mut dyn Reader) -> Result<T, StorageError>,
) -> Result<T, RunError> {
    let mut view = ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?;
    view.read(questions).map_err(RunError::Query)
}
