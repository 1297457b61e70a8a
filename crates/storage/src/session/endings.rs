use strongroom_core::expiry::Ending;
use strongroom_core::ports::{EndingQuery, EndingReader, EndingWriter, StorageError, TypeCount};
use strongroom_core::{Secret, SecretId, Timestamp};

use super::Session;
use crate::tables::orders::Worker;
use crate::tables::{endings, secrets, unread_certificates};

impl EndingReader for Session<'_> {
    fn ending(&mut self, id: SecretId) -> Result<Option<Ending>, StorageError> {
        self.run(|connection| endings::find(connection, id))
    }

    fn endings(&mut self, query: &EndingQuery) -> Result<Vec<(Secret, Ending)>, StorageError> {
        self.run(|connection| endings::page(connection, query))
    }

    fn has_ending_for(&mut self, worker: &str, now: Timestamp) -> Result<bool, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| Ok(endings::free(connection, worker, now)?.is_some()))
    }

    fn count_endings(&mut self, from: Timestamp, until: Timestamp) -> Result<u64, StorageError> {
        self.run(|connection| endings::count(connection, from, until))
    }

    fn count_types(&mut self, now: Timestamp) -> Result<Vec<TypeCount>, StorageError> {
        self.run(|connection| secrets::count_types(connection, now))
    }

    fn has_unread_certificate(&mut self, now: Timestamp) -> Result<bool, StorageError> {
        self.run(|connection| Ok(unread_certificates::due(connection, now)?.is_some()))
    }

    fn count_unread_certificates(&mut self) -> Result<u64, StorageError> {
        self.run(unread_certificates::count)
    }
}

impl EndingWriter for Session<'_> {
    fn put_ending(&mut self, ending: &Ending) -> Result<(), StorageError> {
        self.run(|connection| endings::put(connection, ending))
    }

    fn claim_ending(
        &mut self,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Ending>, StorageError> {
        let worker = Worker { name: worker, run: self.run };
        self.run(|connection| endings::claim(connection, worker, now, until))
    }

    fn claim_unread_certificate(
        &mut self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SecretId>, StorageError> {
        self.run(|connection| unread_certificates::claim(connection, now, until))
    }

    fn add_unread_certificate(&mut self, id: SecretId) -> Result<(), StorageError> {
        self.run(|connection| unread_certificates::add(connection, id))
    }

    fn forget_unread_certificate(&mut self, id: SecretId) -> Result<(), StorageError> {
        self.run(|connection| unread_certificates::delete(connection, id))
    }
}
