use crate::id::{ProjectId, SecretId, UserId};
use crate::ports::{SealedSecret, StorageError};
use crate::time::Timestamp;
use crate::undo::Deleted;

/// Questions about deleted secrets that can still be restored. No other question finds one, but for those about
/// payloads under a key, and [`super::SecretReader::payload`].
pub trait UndoReader {
    /// The deleted secret of that id.
    fn deleted_secret(&mut self, id: SecretId) -> Result<Option<Deleted>, StorageError>;

    /// Deleted secrets of one project or of all, the longest deleted first, beginning after `after`.
    fn deleted_secrets(
        &mut self,
        project: Option<&ProjectId>,
        after: Option<(Timestamp, SecretId)>,
        limit: u32,
    ) -> Result<Vec<Deleted>, StorageError>;

    /// A deleted secret with its payload and the project key that opens it, so that its keys can be replaced.
    fn sealed_deleted_secret(&mut self, id: SecretId) -> Result<Option<SealedSecret>, StorageError>;
}

/// Deleting secrets so that they can be restored.
pub trait UndoWriter {
    /// Moves a secret with everything that belongs to it to where only this trait finds it; `false` when there was
    /// none.
    fn hide_secret(&mut self, id: SecretId, at: Timestamp, by: Option<&UserId>)
    -> Result<bool, StorageError>;

    /// Moves a deleted secret back to its place, with its user metadata, ACL and consumers, and into those of its
    /// containers that are still there; `false` when there was none.
    fn restore_secret(&mut self, id: SecretId) -> Result<bool, StorageError>;

    /// Removes a deleted secret with its payload; `false` when there was none.
    fn destroy_deleted_secret(&mut self, id: SecretId) -> Result<bool, StorageError>;
}
