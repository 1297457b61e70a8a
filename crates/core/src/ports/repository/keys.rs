use crate::id::{ProjectId, ProjectKeyId};
use crate::ports::{BackendId, MasterKeyRecord, MasterKeyVersion, ProjectKey, StorageError};
use crate::rotation::MasterKeyState;
use crate::time::Timestamp;

/// Questions about project and master keys.
pub trait KeyReader {
    /// A project key by id.
    fn project_key(&mut self, id: ProjectKeyId) -> Result<Option<ProjectKey>, StorageError>;

    /// The newest version of the project's key with that backend.
    fn newest_project_key(
        &mut self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Option<ProjectKey>, StorageError>;

    /// Every version of the project's key with that backend, lowest first.
    fn project_key_versions(
        &mut self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Vec<ProjectKey>, StorageError>;

    /// Project keys that are wrapped by that master key version, in the order of their ids, beginning after
    /// `after`.
    fn project_keys_under(
        &mut self,
        backend: &BackendId,
        master: MasterKeyVersion,
        after: Option<ProjectKeyId>,
        limit: u32,
    ) -> Result<Vec<ProjectKey>, StorageError>;

    /// How many project keys are wrapped by that master key version.
    fn count_project_keys_under(
        &mut self,
        backend: &BackendId,
        master: MasterKeyVersion,
    ) -> Result<u64, StorageError>;

    /// The first project, in the order of their ids, that comes after `after` and has a key with that backend.
    fn next_keyed_project(
        &mut self,
        backend: &BackendId,
        after: Option<&ProjectId>,
    ) -> Result<Option<ProjectId>, StorageError>;

    /// Every master key version that backend has used here, lowest first.
    fn master_keys(&mut self, backend: &BackendId) -> Result<Vec<MasterKeyRecord>, StorageError>;

    /// Whether any project key is wrapped by that backend.
    fn has_project_keys(&mut self, backend: &BackendId) -> Result<bool, StorageError>;
}

/// Changes of project and master keys.
pub trait KeyWriter {
    /// Adds a project key.
    fn insert_project_key(&mut self, key: &ProjectKey) -> Result<(), StorageError>;

    /// Puts `new`, the same key wrapped by another master key version, in the place of `old`; `false` when
    /// what is stored is not `old` any more.
    fn replace_project_key(&mut self, old: &ProjectKey, new: &ProjectKey) -> Result<bool, StorageError>;

    /// Removes a project key that nothing is sealed under; `false` when something is.
    fn delete_project_key(&mut self, id: ProjectKeyId) -> Result<bool, StorageError>;

    /// Adds a master key version's canary.
    fn insert_master_key(&mut self, record: &MasterKeyRecord) -> Result<(), StorageError>;

    /// Says what a master key version is used for from now on.
    fn set_master_key_state(
        &mut self,
        backend: &BackendId,
        version: MasterKeyVersion,
        state: MasterKeyState,
        now: Timestamp,
    ) -> Result<(), StorageError>;

    /// Forgets a master key version that was never used.
    fn delete_staged_master_key(
        &mut self,
        backend: &BackendId,
        version: MasterKeyVersion,
    ) -> Result<(), StorageError>;
}
