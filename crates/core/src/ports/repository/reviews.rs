use crate::fingerprint::Fingerprint;
use crate::id::{ProjectKeyId, ReviewId, SecretId};
use crate::ports::StorageError;
use crate::review::{Candidate, Condemned, Day, Review};
use crate::time::Timestamp;

/// Questions about the use of secrets, and about reviews of it.
pub trait ReviewReader {
    /// Secrets of all projects, expired or not, in the order of their ids, beginning after `after`.
    fn candidates(&mut self, after: Option<SecretId>, limit: u32) -> Result<Vec<Candidate>, StorageError>;

    /// One of them.
    fn candidate(&mut self, id: SecretId) -> Result<Option<Candidate>, StorageError>;

    /// The fingerprints, as far as they are known, of unexpired secrets under that project key, in the order of their
    /// ids, beginning after `after`.
    fn fingerprints_under(
        &mut self,
        key: ProjectKeyId,
        now: Timestamp,
        after: Option<SecretId>,
        limit: u32,
    ) -> Result<Vec<(SecretId, Fingerprint)>, StorageError>;

    /// The review of that id.
    fn review(&mut self, id: ReviewId) -> Result<Option<Review>, StorageError>;

    /// The latest reviews, the latest first.
    fn reviews(&mut self, limit: u32) -> Result<Vec<Review>, StorageError>;

    /// The review whose decisions are being carried out.
    fn review_to_apply(&mut self) -> Result<Option<Review>, StorageError>;

    /// A secret that is to be deleted still, as a review has decided.
    fn next_condemned(&mut self, review: ReviewId) -> Result<Option<Condemned>, StorageError>;
}

/// Changes of what is known about the use of secrets, and of reviews.
pub trait ReviewWriter {
    /// Notes that a secret was read on that day, unless a later one is known, or the secret is gone.
    fn note_read(&mut self, id: SecretId, day: Day) -> Result<(), StorageError>;

    /// Sets what is known about a review, new or not.
    fn put_review(&mut self, review: &Review) -> Result<(), StorageError>;

    /// Has a secret deleted when the review is applied.
    fn condemn(&mut self, review: ReviewId, condemned: Condemned) -> Result<(), StorageError>;

    /// Spares that secret, or all of that review.
    fn spare(&mut self, review: ReviewId, secret: Option<SecretId>) -> Result<(), StorageError>;
}
