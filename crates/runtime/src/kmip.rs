//! The KMIP server that the settings name.

use std::sync::Arc;

use strongroom_core::ports::{BackendId, MasterKeyVersion};
use strongroom_core::{Clock as _, SystemClock};
use strongroom_crypto::Caching;
use strongroom_crypto_kmip::{
    Client, KmipBackend, MasterKeyFileError, MasterKeyObject, MasterKeyObjects, ServerReport,
    create_master_key, inspect,
};

use crate::error::RunError;
use crate::settings::KmipSection;

/// The backend over that server. Nothing is asked of the server yet.
pub(crate) fn kmip_backend(section: &KmipSection) -> Result<KmipBackend, RunError> {
    let masters = MasterKeyObjects::load(&section.master_key_file).map_err(RunError::KmipMasterKey)?;
    let id = BackendId::new(KmipBackend::DEFAULT_ID);
    let caching = Caching { keep: section.lease, ..Caching::default() };
    let client = Arc::new(client(section)?);
    let backend =
        KmipBackend::new(id, client, masters, section.custody, caching).map_err(RunError::Memory)?;
    Ok(backend.with_file(section.master_key_file.clone()))
}

/// Asks the server how it is, and how each version of the master key is. Without a master key there is only
/// the server to tell about.
pub async fn check_kmip(section: &KmipSection) -> Result<ServerReport, RunError> {
    let masters = match MasterKeyObjects::load(&section.master_key_file) {
        Err(MasterKeyFileError::Missing(_)) => MasterKeyObjects::default(),
        loaded => loaded.map_err(RunError::KmipMasterKey)?,
    };
    inspect(&client(section)?, &masters).await.map_err(RunError::Kmip)
}

/// Has the server make a master key and writes down which object it is: the first version, or, when
/// `next_version` says so, one more.
pub async fn create_kmip_master_key(
    section: &KmipSection,
    next_version: bool,
) -> Result<(MasterKeyVersion, MasterKeyObject), RunError> {
    let path = &section.master_key_file;
    let before = match (MasterKeyObjects::load(path), next_version) {
        (Ok(_), false) => return Err(RunError::KmipMasterKey(MasterKeyFileError::Exists(path.clone()))),
        (Err(MasterKeyFileError::Missing(_)), false) => MasterKeyObjects::default(),
        (loaded, _) => loaded.map_err(RunError::KmipMasterKey)?,
    };
    let made = create_master_key(&client(section)?, SystemClock.now()).await.map_err(RunError::Backend)?;
    let unrecorded = |source| RunError::KmipUnrecorded { uid: made.uid.clone(), source };
    let after = before.with_next(made.clone()).ok_or_else(|| unrecorded(None))?;
    after.save(path).map_err(|error| unrecorded(Some(error)))?;
    let version = after.newest().map_or(MasterKeyVersion(1), |(version, _)| version);
    Ok((version, made))
}

fn client(section: &KmipSection) -> Result<Client, RunError> {
    if section.client.endpoints.is_empty() {
        return Err(RunError::NoKmipServer);
    }
    Ok(Client::new(section.client.clone()))
}
