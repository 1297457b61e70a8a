use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use super::{BackendId, Canary, MasterKeyVersion, Sealed};
use crate::fingerprint::Fingerprint;
use crate::id::{ChangeId, ProjectKeyId};
use crate::rotation::MasterKeyState;
use crate::secret::ContentType;
use crate::time::Timestamp;

mod acls;
mod consumers;
mod containers;
mod disposals;
mod endings;
mod errands;
mod keys;
mod milestones;
mod nodes;
mod orders;
mod quotas;
mod reviews;
mod rotations;
mod secrets;
mod stores;
mod transport_keys;
mod undo;

pub use acls::{AclReader, AclWriter};
pub use consumers::{ConsumerReader, ConsumerWriter};
pub use containers::{ContainerReader, ContainerWriter};
pub use disposals::{DisposalReader, DisposalWriter};
pub use endings::{EndingQuery, EndingReader, EndingWriter, TypeCount};
pub use errands::{ErrandReader, ErrandWriter};
pub use keys::{KeyReader, KeyWriter};
pub use milestones::{Milestone, MilestoneReader, MilestoneWriter};
pub use nodes::{NodeReader, NodeWriter};
pub use orders::{OrderReader, OrderWriter};
pub use quotas::{QuotaReader, QuotaWriter};
pub use reviews::{ReviewReader, ReviewWriter};
pub use rotations::{RotationReader, RotationWriter};
pub use secrets::{SealedSecret, SecretReader, SecretWriter};
pub use stores::{StoreReader, StoreRecord, StoreWriter};
pub use transport_keys::{TransportKeyReader, TransportKeyWriter};
pub use undo::{UndoReader, UndoWriter};

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

    /// Runs a job whose changes take effect together or not at all, without waiting until they are durable: they
    /// survive a crash of the process at once, and one of the machine from the next [`Self::write`] on at the latest,
    /// which is never durable without what took effect before it. For what is done again when it was undone so, or is
    /// not missed, and on which nothing outside the repository depends. Nobody can ask whether it was applied.
    async fn write_relaxed(&self, job: WriteJob) -> Result<(), StorageError>;

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

    async fn write_relaxed(&self, job: WriteJob) -> Result<(), StorageError> {
        self.as_ref().write_relaxed(job).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        self.as_ref().applied(changes).await
    }

    fn settled(&self, change: ChangeId) {
        self.as_ref().settled(change);
    }
}

/// The questions a use case may ask, one trait for each kind of thing. Objects are found whether or not they
/// have expired; expiry is the domain's to judge.
pub trait Reader:
    SecretReader
    + KeyReader
    + AclReader
    + ConsumerReader
    + ContainerReader
    + DisposalReader
    + EndingReader
    + ErrandReader
    + MilestoneReader
    + NodeReader
    + OrderReader
    + QuotaReader
    + ReviewReader
    + StoreReader
    + RotationReader
    + TransportKeyReader
    + UndoReader
{
}

impl<T> Reader for T where
    T: SecretReader
        + KeyReader
        + AclReader
        + ConsumerReader
        + ContainerReader
        + DisposalReader
        + EndingReader
        + ErrandReader
        + MilestoneReader
        + NodeReader
        + OrderReader
        + QuotaReader
        + ReviewReader
        + StoreReader
        + RotationReader
        + TransportKeyReader
        + UndoReader
        + ?Sized
{
}

/// The changes a use case may make, one trait for each kind of thing.
pub trait Writer:
    Reader
    + SecretWriter
    + KeyWriter
    + AclWriter
    + ConsumerWriter
    + ContainerWriter
    + DisposalWriter
    + EndingWriter
    + ErrandWriter
    + MilestoneWriter
    + NodeWriter
    + OrderWriter
    + QuotaWriter
    + ReviewWriter
    + StoreWriter
    + RotationWriter
    + TransportKeyWriter
    + UndoWriter
{
}

impl<T> Writer for T where
    T: Reader
        + SecretWriter
        + KeyWriter
        + AclWriter
        + ConsumerWriter
        + ContainerWriter
        + DisposalWriter
        + EndingWriter
        + ErrandWriter
        + MilestoneWriter
        + NodeWriter
        + OrderWriter
        + QuotaWriter
        + ReviewWriter
        + StoreWriter
        + RotationWriter
        + TransportKeyWriter
        + UndoWriter
        + ?Sized
{
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
    /// What tells whether another payload under that key has the same bytes, where it is known.
    pub fingerprint: Option<Fingerprint>,
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
    /// When the version was first met here.
    pub created: Timestamp,
    /// What it is used for.
    pub state: MasterKeyState,
    /// Since when.
    pub since: Timestamp,
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
