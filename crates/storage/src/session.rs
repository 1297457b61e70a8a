use strongroom_core::ports::{
    BackendId, KeyReader, KeyWriter, MasterKeyRecord, MasterKeyVersion, ProjectKey, SealedSecret,
    SecretReader, SecretWriter, StorageError, StoredPayload,
};
use strongroom_core::rotation::MasterKeyState;
use strongroom_core::secret::{MetadataKey, MetadataValue, Page, SecretQuery, UserMetadata};
use strongroom_core::{ProjectId, ProjectKeyId, Secret, SecretId, Timestamp};

use crate::fault::Fault;
use crate::run::Run;
use crate::tables::{
    self, master_keys, order_passphrases, payloads, project_keys, sealed_secrets, secrets, user_metadata,
};
use crate::tally::Tally;
use crate::{Connection, listing};

mod acls;
mod consumers;
mod containers;
mod disposals;
mod endings;
mod errands;
mod nodes;
mod orders;
mod quotas;
mod reviews;
mod rotations;
mod stores;
mod transport_keys;
mod undo;

/// One job's access to the database, inside a transaction that somebody else begins and ends.
///
/// The first error stays: every later call answers with it. The database may have rolled the transaction
/// back because of it, and whatever ran after that would take effect by itself.
pub(crate) struct Session<'a> {
    connection: &'a mut Connection,
    tally: &'a mut Tally,
    run: Run,
    failure: Option<StorageError>,
}

impl<'a> Session<'a> {
    /// Works on that connection, in that run of the repository. The transaction ends by writing that tally.
    pub(crate) fn new(connection: &'a mut Connection, tally: &'a mut Tally, run: Run) -> Self {
        Self { connection, tally, run, failure: None }
    }

    /// The error that the job met, if any.
    pub(crate) fn into_failure(self) -> Option<StorageError> {
        self.failure
    }

    fn run<T>(&mut self, query: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, StorageError> {
        self.run_counting(|connection, _| query(connection))
    }

    fn run_counting<T>(
        &mut self,
        query: impl FnOnce(&mut Connection, &mut Tally) -> Result<T, Fault>,
    ) -> Result<T, StorageError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        query(self.connection, self.tally).map_err(|fault| self.failure.insert(fault.into()).clone())
    }
}

impl SecretReader for Session<'_> {
    fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StorageError> {
        self.run(|connection| secrets::find(connection, id))
    }

    fn sealed_secret(&mut self, id: SecretId) -> Result<Option<SealedSecret>, StorageError> {
        self.run(|connection| sealed_secrets::find(connection, id))
    }

    fn payload(&mut self, id: SecretId) -> Result<Option<StoredPayload>, StorageError> {
        self.run(|connection| payloads::of_secret(connection, id))
    }

    fn secrets_sealed_under(
        &mut self,
        key: ProjectKeyId,
        after: Option<SecretId>,
        limit: u32,
    ) -> Result<Vec<SecretId>, StorageError> {
        self.run(|connection| payloads::under(connection, key, after, limit))
    }

    fn count_sealed_under(&mut self, key: ProjectKeyId) -> Result<u64, StorageError> {
        self.run(|connection| payloads::count_under(connection, key))
    }

    fn count_sealed_by(&mut self, backend: &BackendId) -> Result<u64, StorageError> {
        self.run(|connection| payloads::count_by(connection, backend))
    }

    fn secrets(
        &mut self,
        project: &ProjectId,
        query: &SecretQuery,
        now: Timestamp,
    ) -> Result<Page<Secret>, StorageError> {
        self.run_counting(|connection, tally| {
            tally.write(connection)?;
            listing::page(connection, project, query, now)
        })
    }

    fn expired_secrets(&mut self, before: Timestamp, limit: u32) -> Result<Vec<SecretId>, StorageError> {
        self.run(|connection| secrets::expired(connection, before, limit))
    }

    fn user_metadata(&mut self, id: SecretId) -> Result<UserMetadata, StorageError> {
        self.run(|connection| user_metadata::of_secret(connection, id))
    }
}

impl KeyReader for Session<'_> {
    fn project_key(&mut self, id: ProjectKeyId) -> Result<Option<ProjectKey>, StorageError> {
        self.run(|connection| project_keys::find(connection, id))
    }

    fn newest_project_key(
        &mut self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Option<ProjectKey>, StorageError> {
        self.run(|connection| project_keys::newest(connection, project, backend))
    }

    fn project_key_versions(
        &mut self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Vec<ProjectKey>, StorageError> {
        self.run(|connection| project_keys::versions(connection, project, backend))
    }

    fn project_keys_under(
        &mut self,
        backend: &BackendId,
        master: MasterKeyVersion,
        after: Option<ProjectKeyId>,
        limit: u32,
    ) -> Result<Vec<ProjectKey>, StorageError> {
        self.run(|connection| project_keys::under(connection, backend, master, after, limit))
    }

    fn count_project_keys_under(
        &mut self,
        backend: &BackendId,
        master: MasterKeyVersion,
    ) -> Result<u64, StorageError> {
        self.run(|connection| project_keys::count_under(connection, backend, master))
    }

    fn next_keyed_project(
        &mut self,
        backend: &BackendId,
        after: Option<&ProjectId>,
    ) -> Result<Option<ProjectId>, StorageError> {
        self.run(|connection| project_keys::next_project(connection, backend, after))
    }

    fn master_keys(&mut self, backend: &BackendId) -> Result<Vec<MasterKeyRecord>, StorageError> {
        self.run(|connection| master_keys::of_backend(connection, backend))
    }

    fn has_project_keys(&mut self, backend: &BackendId) -> Result<bool, StorageError> {
        self.run(|connection| project_keys::any_of(connection, backend))
    }
}

impl SecretWriter for Session<'_> {
    fn insert_secret(&mut self, secret: &Secret) -> Result<(), StorageError> {
        self.run_counting(|connection, tally| secrets::insert(connection, tally, secret))
    }

    fn insert_payload(&mut self, id: SecretId, payload: &StoredPayload) -> Result<(), StorageError> {
        self.run(|connection| {
            payloads::insert(connection, id, payload)?;
            secrets::set_content_type(connection, id, payload.content_type)
        })
    }

    fn replace_payload(
        &mut self,
        id: SecretId,
        old: &StoredPayload,
        new: &StoredPayload,
    ) -> Result<bool, StorageError> {
        self.run(|connection| payloads::replace(connection, id, old, new))
    }

    fn touch_secret(&mut self, id: SecretId, updated: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| secrets::touch(connection, id, updated))
    }

    fn delete_secret(&mut self, id: SecretId) -> Result<bool, StorageError> {
        self.run_counting(|connection, tally| secrets::delete(connection, tally, id))
    }

    fn replace_user_metadata(&mut self, id: SecretId, all: &UserMetadata) -> Result<(), StorageError> {
        self.run(|connection| {
            user_metadata::delete_all(connection, id)?;
            all.iter().try_for_each(|(key, value)| user_metadata::put(connection, id, key, value))
        })
    }

    fn put_user_metadatum(
        &mut self,
        id: SecretId,
        key: &MetadataKey,
        value: &MetadataValue,
    ) -> Result<(), StorageError> {
        self.run(|connection| user_metadata::put(connection, id, key, value))
    }

    fn delete_user_metadatum(&mut self, id: SecretId, key: &str) -> Result<bool, StorageError> {
        self.run(|connection| user_metadata::delete(connection, id, key))
    }
}

impl KeyWriter for Session<'_> {
    fn insert_project_key(&mut self, key: &ProjectKey) -> Result<(), StorageError> {
        self.run(|connection| project_keys::insert(connection, key))
    }

    fn replace_project_key(&mut self, old: &ProjectKey, new: &ProjectKey) -> Result<bool, StorageError> {
        self.run(|connection| project_keys::replace(connection, old, new))
    }

    fn delete_project_key(&mut self, id: ProjectKeyId) -> Result<bool, StorageError> {
        self.run(|connection| {
            let named = payloads::any_under(connection, id)?
                || order_passphrases::any_under(connection, id)?
                || tables::disposals::any_under(connection, id)?
                || tables::errands::any_under(connection, id)?;
            if named { Ok(false) } else { project_keys::delete(connection, id).map(|()| true) }
        })
    }

    fn set_master_key_state(
        &mut self,
        backend: &BackendId,
        version: MasterKeyVersion,
        state: MasterKeyState,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.run(|connection| master_keys::set_state(connection, backend, version, state, now))
    }

    fn delete_staged_master_key(
        &mut self,
        backend: &BackendId,
        version: MasterKeyVersion,
    ) -> Result<(), StorageError> {
        self.run(|connection| master_keys::delete_staged(connection, backend, version))
    }

    fn insert_master_key(&mut self, record: &MasterKeyRecord) -> Result<(), StorageError> {
        self.run(|connection| master_keys::insert(connection, record))
    }
}
