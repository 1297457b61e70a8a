use strongroom_core::errand::{End, Errand, Replaced};
use strongroom_core::ports::{ErrandReader, ErrandWriter, StorageError};
use strongroom_core::{ErrandId, SecretId, Timestamp};

use super::Session;
use crate::tables::{errands, replacements};

impl ErrandReader for Session<'_> {
    fn errand(&mut self, id: ErrandId) -> Result<Option<Errand>, StorageError> {
        self.run(|connection| errands::find(connection, id))
    }

    fn last_errand_of(&mut self, secret: SecretId) -> Result<Option<Errand>, StorageError> {
        self.run(|connection| errands::last_of(connection, secret))
    }

    fn next_errand(&mut self) -> Result<Option<Errand>, StorageError> {
        self.run(errands::next)
    }

    fn replaced(&mut self, old: SecretId) -> Result<Option<Replaced>, StorageError> {
        self.run(|connection| replacements::find(connection, old))
    }

    fn replaced_until(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Replaced>, StorageError> {
        self.run(|connection| replacements::until(connection, now, limit))
    }
}

impl ErrandWriter for Session<'_> {
    fn insert_errand(&mut self, errand: &Errand) -> Result<(), StorageError> {
        self.run(|connection| errands::insert(connection, errand))
    }

    fn end_errand(&mut self, id: ErrandId, end: &End, now: Timestamp) -> Result<bool, StorageError> {
        self.run(|connection| errands::end(connection, id, end, now))
    }

    fn forget_errands(&mut self, before: Timestamp) -> Result<(), StorageError> {
        self.run(|connection| errands::forget(connection, before))
    }

    fn put_replaced(&mut self, replaced: &Replaced) -> Result<(), StorageError> {
        self.run(|connection| replacements::put(connection, replaced))
    }

    fn delete_replaced(&mut self, old: SecretId) -> Result<(), StorageError> {
        self.run(|connection| replacements::delete(connection, old))
    }

    fn repoint(&mut self, old: SecretId, new: SecretId) -> Result<(), StorageError> {
        self.run(|connection| replacements::repoint(connection, old, new))
    }
}
