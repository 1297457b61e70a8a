use strongroom_core::ports::{ReviewReader, ReviewWriter, StorageError};
use strongroom_core::review::{Candidate, Condemned, Day, Review};
use strongroom_core::{Fingerprint, ProjectKeyId, ReviewId, SecretId, Timestamp};

use super::Session;
use crate::tables::{candidates, last_reads, payloads, reviews};

impl ReviewReader for Session<'_> {
    fn candidates(&mut self, after: Option<SecretId>, limit: u32) -> Result<Vec<Candidate>, StorageError> {
        self.run(|connection| candidates::page(connection, after, limit))
    }

    fn candidate(&mut self, id: SecretId) -> Result<Option<Candidate>, StorageError> {
        self.run(|connection| candidates::find(connection, id))
    }

    fn fingerprints_under(
        &mut self,
        key: ProjectKeyId,
        now: Timestamp,
        after: Option<SecretId>,
        limit: u32,
    ) -> Result<Vec<(SecretId, Fingerprint)>, StorageError> {
        self.run(|connection| payloads::fingerprints(connection, key, now, after, limit))
    }

    fn review(&mut self, id: ReviewId) -> Result<Option<Review>, StorageError> {
        self.run(|connection| reviews::find(connection, id))
    }

    fn reviews(&mut self, limit: u32) -> Result<Vec<Review>, StorageError> {
        self.run(|connection| reviews::latest(connection, limit))
    }

    fn review_to_apply(&mut self) -> Result<Option<Review>, StorageError> {
        self.run(reviews::to_apply)
    }

    fn next_condemned(&mut self, review: ReviewId) -> Result<Option<Condemned>, StorageError> {
        self.run(|connection| reviews::next_condemned(connection, review))
    }
}

impl ReviewWriter for Session<'_> {
    fn note_read(&mut self, id: SecretId, day: Day) -> Result<(), StorageError> {
        self.run(|connection| last_reads::note(connection, id, day))
    }

    fn put_review(&mut self, review: &Review) -> Result<(), StorageError> {
        self.run(|connection| reviews::put(connection, review))
    }

    fn condemn(&mut self, review: ReviewId, condemned: Condemned) -> Result<(), StorageError> {
        self.run(|connection| reviews::condemn(connection, review, condemned))
    }

    fn spare(&mut self, review: ReviewId, secret: Option<SecretId>) -> Result<(), StorageError> {
        self.run(|connection| reviews::spare(connection, review, secret))
    }
}
