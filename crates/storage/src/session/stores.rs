use strongroom_core::ports::{StorageError, StoreReader, StoreRecord, StoreWriter};
use strongroom_core::{ProjectId, SecretStoreId};

use super::Session;
use crate::tables::{preferred_stores, secret_stores};

impl StoreReader for Session<'_> {
    fn secret_stores(&mut self) -> Result<Vec<StoreRecord>, StorageError> {
        self.run(secret_stores::all)
    }

    fn preferred_store(&mut self, project: &ProjectId) -> Result<Option<SecretStoreId>, StorageError> {
        self.run(|connection| preferred_stores::of_project(connection, project))
    }

    fn is_preferred(&mut self, store: SecretStoreId) -> Result<bool, StorageError> {
        self.run(|connection| preferred_stores::any_of(connection, store))
    }
}

impl StoreWriter for Session<'_> {
    fn insert_secret_store(&mut self, store: &StoreRecord) -> Result<(), StorageError> {
        self.run(|connection| secret_stores::insert(connection, store))
    }

    fn delete_secret_store(&mut self, store: SecretStoreId) -> Result<(), StorageError> {
        self.run(|connection| secret_stores::delete(connection, store))
    }

    fn prefer_store(&mut self, project: &ProjectId, store: SecretStoreId) -> Result<(), StorageError> {
        self.run(|connection| preferred_stores::put(connection, project, store))
    }

    fn forget_preference(&mut self, project: &ProjectId) -> Result<bool, StorageError> {
        self.run(|connection| preferred_stores::delete(connection, project))
    }
}
