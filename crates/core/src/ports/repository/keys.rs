use crate::id::{ProjectId, ProjectKeyId};
use crate::ports::{BackendId, MasterKeyRecord, ProjectKey, StorageError};

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

    /// Every master key version that backend has used here, lowest first.
    fn master_keys(&mut self, backend: &BackendId) -> Result<Vec<MasterKeyRecord>, StorageError>;

    /// Whether any project key is wrapped by that backend.
    fn has_project_keys(&mut self, backend: &BackendId) -> Result<bool, StorageError>;
}

/// Changes of project and master keys.
pub trait KeyWriter {
    /// Adds a project key.
    fn insert_project_key(&mut self, key: &ProjectKey) -> Result<(), StorageError>;

    /// Adds a master key version's canary.
    fn insert_master_key(&mut self, record: &MasterKeyRecord) -> Result<(), StorageError>;
}
