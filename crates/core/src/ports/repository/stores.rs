use crate::id::{ProjectId, SecretStoreId};
use crate::ports::{BackendId, StorageError};
use crate::time::Timestamp;

/// A backend that clients have been able to choose, and the id they know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRecord {
    /// Its id.
    pub id: SecretStoreId,
    /// The backend.
    pub backend: BackendId,
    /// When it was first used with this repository.
    pub created: Timestamp,
}

/// Questions about secret stores.
pub trait StoreReader {
    /// Every store, oldest first.
    fn secret_stores(&mut self) -> Result<Vec<StoreRecord>, StorageError>;

    /// The store that a project prefers.
    fn preferred_store(&mut self, project: &ProjectId) -> Result<Option<SecretStoreId>, StorageError>;

    /// Whether any project prefers that store.
    fn is_preferred(&mut self, store: SecretStoreId) -> Result<bool, StorageError>;
}

/// Changes of secret stores.
pub trait StoreWriter {
    /// Adds a store.
    fn insert_secret_store(&mut self, store: &StoreRecord) -> Result<(), StorageError>;

    /// Removes a store that no project prefers.
    fn delete_secret_store(&mut self, store: SecretStoreId) -> Result<(), StorageError>;

    /// Sets the store that a project prefers, in place of any other. The project need not have used the
    /// service.
    fn prefer_store(&mut self, project: &ProjectId, store: SecretStoreId) -> Result<(), StorageError>;

    /// Removes a project's preference; `false` when there was none.
    fn forget_preference(&mut self, project: &ProjectId) -> Result<bool, StorageError>;
}
