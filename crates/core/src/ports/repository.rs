use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use super::{BackendId, Canary, MasterKeyVersion, ProjectKey, Sealed};
use crate::id::{ChangeId, ProjectId, ProjectKeyId, SecretId};
use crate::secret::{ContentType, MetadataKey, MetadataValue, Page, Secret, SecretQuery, UserMetadata};
use crate::time::Timestamp;

/// Questions asked of one consistent state of the repository. May run again from the start.
pub type ReadJob = Box<dyn FnMut(&mut dyn Reader) -> Result<(), Contended> + Send>;
/// Questions and changes that take effect together or not at all. May run again from the start.
pub type WriteJob = Box<dyn FnMut(&mut dyn Writer) -> Result<(), Contended> + Send>;

/// A job's way to stop: nothing it changed takes effect.
#[derive(Debug)]
pub enum Contended {
    /// The job has found a reason to change nothing after all; it is not run again.
    Abandon,
    /// The database wants the whole job run again.
    Again,
}

/// Where secrets are kept.
///
/// Use cases hand over *jobs* rather than open transactions: the repository decides on which thread and
/// beside which other jobs each one runs, so that many changes can share one durable commit, and it can
/// run a job again when the database asks for that.
#[async_trait]
pub trait Repository: Send + Sync + 'static {
    /// Runs a job against one consistent state.
    async fn read(&self, job: ReadJob) -> Result<(), StorageError>;

    /// Runs a job whose changes take effect together or not at all. Returns success only when they are
    /// durable: they survive a crash of the process and of the machine. The repository remembers, in the
    /// same transaction, that `change` was applied.
    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError>;

    /// Which of these changes were applied.
    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError>;

    /// The outcome of `change` is on record, so the repository may forget that it was applied, whenever
    /// convenient. Never waits.
    fn settled(&self, change: ChangeId);
}

/// A repository that its owner keeps a handle to, for what is not a use case's business.
#[async_trait]
impl<T: Repository + ?Sized> Repository for Arc<T> {
    async fn read(&self, job: ReadJob) -> Result<(), StorageError> {
        self.as_ref().read(job).await
    }

    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError> {
        self.as_ref().write(change, job).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        self.as_ref().applied(changes).await
    }

    fn settled(&self, change: ChangeId) {
        self.as_ref().settled(change);
    }
}

/// The questions a use case may ask. Secrets are found whether or not they have expired; expiry is the
/// domain's to judge.
pub trait Reader {
    /// The secret of that id.
    fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StorageError>;

    /// The stored payload of that secret.
    fn payload(&mut self, id: SecretId) -> Result<Option<StoredPayload>, StorageError>;

    /// The project's unexpired secrets that match.
    fn secrets(
        &mut self,
        project: &ProjectId,
        query: &SecretQuery,
        now: Timestamp,
    ) -> Result<Page<Secret>, StorageError>;

    /// All user metadata of that secret.
    fn user_metadata(&mut self, id: SecretId) -> Result<UserMetadata, StorageError>;

    /// A project key by id.
    fn project_key(&mut self, id: ProjectKeyId) -> Result<Option<ProjectKey>, StorageError>;

    /// The newest version of the project's key with that backend.
    fn newest_project_key(
        &mut self,
        project: &ProjectId,
        backend: &BackendId,
    ) -> Result<Option<ProjectKey>, StorageError>;

    /// Every master key version that backend has used here, lowest first.
    fn master_keys(&mut self, backend: &BackendId) -> Result<Vec<MasterKeyRecord>, StorageError>;

    /// Whether any project key is wrapped by that backend.
    fn has_project_keys(&mut self, backend: &BackendId) -> Result<bool, StorageError>;
}

/// The changes a use case may make.
pub trait Writer: Reader {
    /// Adds a secret; its `content_type` is that of the payload added with [`Self::insert_payload`].
    fn insert_secret(&mut self, secret: &Secret) -> Result<(), StorageError>;

    /// Adds the payload of a secret that has none, and sets the secret's content type.
    fn insert_payload(&mut self, id: SecretId, payload: &StoredPayload) -> Result<(), StorageError>;

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

    /// Adds a project key.
    fn insert_project_key(&mut self, key: &ProjectKey) -> Result<(), StorageError>;

    /// Adds a master key version's canary.
    fn insert_master_key(&mut self, record: &MasterKeyRecord) -> Result<(), StorageError>;
}

/// A payload at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// What it is said to be.
    pub content_type: ContentType,
    /// Under which project key it is sealed.
    pub key: ProjectKeyId,
    /// The backend that sealed it.
    pub backend: BackendId,
    /// The sealed bytes.
    pub sealed: Sealed,
}

/// A master key version that has been used with this repository, and the proof of which key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyRecord {
    /// The backend that holds the key.
    pub backend: BackendId,
    /// The version.
    pub version: MasterKeyVersion,
    /// Sealed under that version.
    pub canary: Canary,
    /// When the version was first used here.
    pub created: Timestamp,
}

/// Why the repository did not do what was asked.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The database can't be reached, is full or refuses; nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Too many requests are waiting already; nothing was changed.
    #[error("too many requests are waiting for the database")]
    Busy,
    /// The database can't say whether the change took effect.
    #[error("the database did not confirm the change: {0}")]
    Unconfirmed(String),
    /// A row holds what the program can't have written.
    #[error("a stored row is not valid: {0}")]
    Corrupt(String),
    /// The database wants the transaction run again. Jobs pass it on as [`Contended::Again`].
    #[error("the transaction has to run again")]
    Contention,
}
