use crate::errand::{End, Errand, Replaced};
use crate::id::{ErrandId, SecretId};
use crate::ports::StorageError;
use crate::time::Timestamp;

/// Questions about what operators ask for.
pub trait ErrandReader {
    /// The errand of that id.
    fn errand(&mut self, id: ErrandId) -> Result<Option<Errand>, StorageError>;

    /// What was last to be done with that secret. Only that may not have ended.
    fn last_errand_of(&mut self, secret: SecretId) -> Result<Option<Errand>, StorageError>;

    /// What is to be done next.
    fn next_errand(&mut self) -> Result<Option<Errand>, StorageError>;

    /// Which secret has taken that one's place.
    fn replaced(&mut self, old: SecretId) -> Result<Option<Replaced>, StorageError>;

    /// Secrets whose successors are to have their places alone from `now` on, the longest so first.
    fn replaced_until(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Replaced>, StorageError>;
}

/// Changes of what operators ask for.
pub trait ErrandWriter {
    /// Adds an errand; none is open for the same secret. The project key of its payload can't be removed from then
    /// on.
    fn insert_errand(&mut self, errand: &Errand) -> Result<(), StorageError>;

    /// Ends an errand that has not ended, and drops its payload; `false` when it has.
    fn end_errand(&mut self, id: ErrandId, end: &End, now: Timestamp) -> Result<bool, StorageError>;

    /// Forgets errands that ended before.
    fn forget_errands(&mut self, before: Timestamp) -> Result<(), StorageError>;

    /// Notes that a secret has taken another one's place, in place of what was noted about the other one.
    fn put_replaced(&mut self, replaced: &Replaced) -> Result<(), StorageError>;

    /// Forgets that; the old one is gone.
    fn delete_replaced(&mut self, old: SecretId) -> Result<(), StorageError>;

    /// Has every container hold, and every consumer of `old` use, the secret `new` instead.
    fn repoint(&mut self, old: SecretId, new: SecretId) -> Result<(), StorageError>;
}
