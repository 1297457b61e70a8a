use crate::id::{ProjectId, ProjectKeyId, SecretId};
use crate::ports::{BackendId, ProjectKey, StorageError, StoredPayload};
use crate::secret::{MetadataKey, MetadataValue, Page, Secret, SecretQuery, UserMetadata};
use crate::time::Timestamp;

/// A secret, and its payload with the project key that opens it.
pub type SealedSecret = (Secret, Option<(StoredPayload, ProjectKey)>);

/// Questions about secrets.
pub trait SecretReader {
    /// The secret of that id.
    fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StorageError>;

    /// The stored payload of that secret, deleted or not.
    fn payload(&mut self, id: SecretId) -> Result<Option<StoredPayload>, StorageError>;

    /// A secret with its payload and the project key that opens it, at the price of one look. The payload is
    /// `None` when the secret has none. A payload whose key is not there is corrupt.
    fn sealed_secret(&mut self, id: SecretId) -> Result<Option<SealedSecret>, StorageError>;

    /// Secrets, deleted or not, whose payloads are sealed under that project key, in the order of their ids, beginning after
    /// `after`.
    fn secrets_sealed_under(
        &mut self,
        key: ProjectKeyId,
        after: Option<SecretId>,
        limit: u32,
    ) -> Result<Vec<SecretId>, StorageError>;

    /// How many payloads are sealed under that project key.
    fn count_sealed_under(&mut self, key: ProjectKeyId) -> Result<u64, StorageError>;

    /// How many payloads that backend has sealed.
    fn count_sealed_by(&mut self, backend: &BackendId) -> Result<u64, StorageError>;

    /// The project's unexpired secrets that match.
    fn secrets(
        &mut self,
        project: &ProjectId,
        query: &SecretQuery,
        now: Timestamp,
    ) -> Result<Page<Secret>, StorageError>;

    /// Secrets of any project that have expired at `before` or earlier, the longest expired first.
    fn expired_secrets(&mut self, before: Timestamp, limit: u32) -> Result<Vec<SecretId>, StorageError>;

    /// All user metadata of that secret.
    fn user_metadata(&mut self, id: SecretId) -> Result<UserMetadata, StorageError>;
}

/// Changes of secrets.
pub trait SecretWriter {
    /// Adds a secret; its `content_type` is that of the payload added with [`Self::insert_payload`].
    fn insert_secret(&mut self, secret: &Secret) -> Result<(), StorageError>;

    /// Adds the payload of a secret that has none, and sets the secret's content type.
    fn insert_payload(&mut self, id: SecretId, payload: &StoredPayload) -> Result<(), StorageError>;

    /// Puts `new`, the same payload sealed under another key, in the place of `old`; `false` when what is stored
    /// is not `old` any more.
    fn replace_payload(
        &mut self,
        id: SecretId,
        old: &StoredPayload,
        new: &StoredPayload,
    ) -> Result<bool, StorageError>;

    /// Sets when the secret last changed.
    fn touch_secret(&mut self, id: SecretId, updated: Timestamp) -> Result<(), StorageError>;

    /// Removes a secret with everything that belongs to it; `false` when there was none.
    fn delete_secret(&mut self, id: SecretId) -> Result<bool, StorageError>;

    /// Replaces all user metadata of a secret.
    fn replace_user_metadata(&mut self, id: SecretId, all: &UserMetadata) -> Result<(), StorageError>;

    /// Sets one pair of a secret's user metadata, new or not.
    fn put_user_metadatum(
        &mut self,
        id: SecretId,
        key: &MetadataKey,
        value: &MetadataValue,
    ) -> Result<(), StorageError>;

    /// Removes one pair of a secret's user metadata; `false` when there was none. The key is matched as
    /// it is, without lower-casing (spec section 7).
    fn delete_user_metadatum(&mut self, id: SecretId, key: &str) -> Result<bool, StorageError>;
}
