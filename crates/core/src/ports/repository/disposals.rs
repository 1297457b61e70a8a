use crate::disposal::Disposal;
use crate::id::DisposalId;
use crate::ports::{BackendId, Sealed, StorageError};
use crate::time::Timestamp;

/// Questions about what backends are to destroy.
pub trait DisposalReader {
    /// What that backend is to destroy next, of what is due.
    fn due_disposal(&mut self, backend: &BackendId, now: Timestamp)
    -> Result<Option<Disposal>, StorageError>;

    /// How much that backend has yet to destroy, due or not.
    fn count_disposals(&mut self, backend: &BackendId) -> Result<u64, StorageError>;

    /// Shows all that a row names of what that backend has sealed: of secrets, deleted or not, of orders, of what
    /// operators want stored, and of what is to be destroyed. Goes through everything there is.
    fn visit_sealed(
        &mut self,
        backend: &BackendId,
        visit: &mut dyn FnMut(&Sealed),
    ) -> Result<(), StorageError>;
}

/// Changes of what backends are to destroy.
pub trait DisposalWriter {
    /// Adds one. Its project key can't be removed from then on.
    fn insert_disposal(&mut self, disposal: &Disposal) -> Result<(), StorageError>;

    /// Has one tried at another time.
    fn postpone_disposal(&mut self, id: DisposalId, due: Timestamp) -> Result<(), StorageError>;

    /// Removes one that is done.
    fn delete_disposal(&mut self, id: DisposalId) -> Result<(), StorageError>;
}
