use crate::expiry::Ending;
use crate::id::{ProjectId, SecretId};
use crate::ports::StorageError;
use crate::secret::{Secret, SecretType};
use crate::time::Timestamp;

/// Which endings are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingQuery {
    /// Those that come no later than this.
    pub until: Timestamp,
    /// Those of one project, or of all.
    pub project: Option<ProjectId>,
    /// Those that follow this one, in the order of their ends.
    pub after: Option<(Timestamp, SecretId)>,
    /// So many at most.
    pub limit: u32,
}

/// How many secrets of one type there are that have not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeCount {
    /// The type.
    pub secret_type: SecretType,
    /// All of that type.
    pub all: u64,
    /// Those of which it is known when they end.
    pub ending: u64,
}

/// Questions about when secrets end.
pub trait EndingReader {
    /// When that secret ends; nothing when it does not.
    fn ending(&mut self, id: SecretId) -> Result<Option<Ending>, StorageError>;

    /// Secrets that end, in the order of their ends, whether or not they have ended.
    fn endings(&mut self, query: &EndingQuery) -> Result<Vec<(Secret, Ending)>, StorageError>;

    /// Whether [`EndingWriter::claim_ending`] would give `worker` an ending.
    fn has_ending_for(&mut self, worker: &str, now: Timestamp) -> Result<bool, StorageError>;

    /// How many secrets end after `from` and no later than `until`.
    fn count_endings(&mut self, from: Timestamp, until: Timestamp) -> Result<u64, StorageError>;

    /// How many unexpired secrets of each type there are. Looks at all of them.
    fn count_types(&mut self, now: Timestamp) -> Result<Vec<TypeCount>, StorageError>;

    /// Whether [`EndingWriter::claim_unread_certificate`] would give a secret.
    fn has_unread_certificate(&mut self, now: Timestamp) -> Result<bool, StorageError>;

    /// How many secrets may hold a certificate that was not read yet.
    fn count_unread_certificates(&mut self) -> Result<u64, StorageError>;
}

/// Changes of when secrets end, and of who knows.
pub trait EndingWriter {
    /// Sets what is known about a secret's end, and gives up whatever claim there is on it.
    fn put_ending(&mut self, ending: &Ending) -> Result<(), StorageError>;

    /// Gives the ending that has been due the longest, of those that nobody works on, to `worker`, until the time
    /// given: a worker that dies loses it then, and has it again as soon as it is back.
    fn claim_ending(
        &mut self,
        worker: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Ending>, StorageError>;

    /// Gives a secret that may hold a certificate that was not read yet, which nobody else is given before the time
    /// `until`.
    fn claim_unread_certificate(
        &mut self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SecretId>, StorageError>;

    /// Has a secret looked at for a certificate, as soon as somebody comes to it.
    fn add_unread_certificate(&mut self, id: SecretId) -> Result<(), StorageError>;

    /// Notes that there is nothing more to read in that secret.
    fn forget_unread_certificate(&mut self, id: SecretId) -> Result<(), StorageError>;
}
