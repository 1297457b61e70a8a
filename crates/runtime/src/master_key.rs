//! Where the soft master key comes from, and whether it is the right one.

use std::path::Path;

use serde::Serialize;
use strongroom_core::Timestamp;
use strongroom_core::ports::{BackendError, BackendId, MasterKeyRecord, SecretBackend};
use strongroom_core::rotation::MasterKeyState;
use strongroom_crypto::{Caching, KeyFileError, MasterKeys, SoftBackend};
use strongroom_storage::ReadOnlyView;

use crate::error::RunError;
use crate::settings::{MasterKeySection, Settings};

/// What a check of the master key found.
#[derive(Debug, Clone, Serialize)]
pub struct MasterKeyReport {
    /// Each version at hand or needed, lowest first.
    pub versions: Vec<MasterKeyVerdict>,
}

/// What a check found about one version.
#[derive(Debug, Clone, Serialize)]
pub struct MasterKeyVerdict {
    /// The version.
    pub version: u32,
    /// When the key was made; absent when it is not at hand.
    pub created: Option<Timestamp>,
    /// Whether it is the key that the database was used with.
    pub canary: CanaryVerdict,
    /// What the database uses it for; absent when it does not know it.
    pub state: Option<MasterKeyState>,
}

/// Whether a key is the one that a database was used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryVerdict {
    /// It opens the database's canary.
    Right,
    /// It does not.
    Wrong,
    /// The database needs it, and it is not at hand.
    Missing,
    /// Nothing names it any more: it is not needed.
    Retired,
    /// The database does not know this version, or there is no database.
    Unused,
}

impl MasterKeyReport {
    /// Whether every version that is in use, or waits to be, is at hand and the right one.
    pub fn is_sound(&self) -> bool {
        !self
            .versions
            .iter()
            .any(|found| matches!(found.canary, CanaryVerdict::Wrong | CanaryVerdict::Missing))
    }
}

/// Loads the soft master key: from the file that is set; else from the service manager's credentials
/// folder `credentials`, when it holds one; else from the data folder.
pub fn load_master_keys(
    section: &MasterKeySection,
    credentials: Option<&Path>,
) -> Result<MasterKeys, RunError> {
    // A link that leads nowhere is there, and is refused as a link.
    if credentials_folder(section, credentials).is_none() && section.file.symlink_metadata().is_err() {
        return Err(RunError::NoMasterKey(section.file.clone()));
    }
    read_master_keys(section, credentials).map_err(RunError::MasterKey)
}

/// The same, for a server that has found them once.
pub(crate) fn read_master_keys(
    section: &MasterKeySection,
    credentials: Option<&Path>,
) -> Result<MasterKeys, KeyFileError> {
    match credentials_folder(section, credentials) {
        Some(folder) => MasterKeys::load_credential(folder, &section.credential),
        None => MasterKeys::load(&section.file),
    }
}

/// Whether the key that [`load_master_keys`] loads is the service manager's copy.
pub(crate) fn comes_from_credentials(section: &MasterKeySection, credentials: Option<&Path>) -> bool {
    credentials_folder(section, credentials).is_some()
}

fn credentials_folder<'a>(section: &MasterKeySection, credentials: Option<&'a Path>) -> Option<&'a Path> {
    credentials.filter(|folder| !section.file_is_set && folder.join(&section.credential).exists())
}

/// The soft backend over loaded keys.
pub(crate) fn soft_backend(keys: MasterKeys) -> Result<SoftBackend, RunError> {
    SoftBackend::new(BackendId::new(SoftBackend::DEFAULT_ID), keys, Caching::default())
        .map_err(RunError::Memory)
}

/// Compares the master key at hand with the database's canaries, beside a running server or without one.
pub async fn check_master_key(
    settings: &Settings,
    credentials: Option<&Path>,
) -> Result<MasterKeyReport, RunError> {
    report_on(settings, load_master_keys(&settings.master_key, credentials)?).await
}

/// Compares these keys with the database's canaries.
pub(crate) async fn report_on(settings: &Settings, keys: MasterKeys) -> Result<MasterKeyReport, RunError> {
    let at_hand: Vec<_> = keys.versions().collect();
    let backend = soft_backend(keys)?;
    let needed = needed_keys(settings, backend.id())?;
    let mut versions: Vec<_> = at_hand
        .iter()
        .filter(|(version, _)| !needed.iter().any(|record| record.version == *version))
        .map(|(version, created)| MasterKeyVerdict {
            version: version.0,
            created: Some(*created),
            canary: CanaryVerdict::Unused,
            state: None,
        })
        .collect();
    for record in needed {
        let canary = match record.state {
            // Nothing is wrapped by it any more, whether or not it is still in the file.
            MasterKeyState::Retired => CanaryVerdict::Retired,
            _ => judge(&backend, &record).await?,
        };
        let created = at_hand.iter().find(|(version, _)| *version == record.version).map(|(_, at)| *at);
        versions.push(MasterKeyVerdict {
            version: record.version.0,
            created,
            canary,
            state: Some(record.state),
        });
    }
    versions.sort_by_key(|found| found.version);
    Ok(MasterKeyReport { versions })
}

/// Whether the key at hand is the one that sealed this record's canary.
pub(crate) async fn judge(
    backend: &dyn SecretBackend,
    record: &MasterKeyRecord,
) -> Result<CanaryVerdict, RunError> {
    match backend.open_canary(record.version, &record.canary).await {
        Ok(()) => Ok(CanaryVerdict::Right),
        Err(BackendError::KeyMissing(_)) => Ok(CanaryVerdict::Missing),
        Err(BackendError::Integrity | BackendError::UnknownFormat(_)) => Ok(CanaryVerdict::Wrong),
        Err(error) => Err(RunError::Backend(error)),
    }
}

/// Every master key version that the database was used with; none when there is no database.
pub(crate) fn needed_keys(
    settings: &Settings,
    backend: &BackendId,
) -> Result<Vec<MasterKeyRecord>, RunError> {
    if !settings.storage.file.exists() {
        return Ok(Vec::new());
    }
    let mut view = ReadOnlyView::open(&settings.storage.file).map_err(RunError::Storage)?;
    view.read(|reader| reader.master_keys(backend)).map_err(RunError::Query)
}
