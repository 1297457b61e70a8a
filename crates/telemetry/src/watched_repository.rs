use async_trait::async_trait;
use strongroom_core::ChangeId;
use strongroom_core::ports::{ReadJob, Repository, StorageError, WriteJob};
use strongroom_core::trace::TARGET;
use tracing::{Instrument as _, info_span};

/// A repository whose every use is followed in traces.
pub struct WatchedRepository<R>(R);

impl<R: Repository> WatchedRepository<R> {
    /// Follows the uses of that one.
    pub fn new(inner: R) -> Self {
        Self(inner)
    }
}

// Whatever the port comes to offer has to be handed on: a default in its place would do something else.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<R: Repository> Repository for WatchedRepository<R> {
    async fn read(&self, job: ReadJob) -> Result<(), StorageError> {
        self.0.read(job).instrument(info_span!(target: TARGET, "storage", otel.name = "read")).await
    }

    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError> {
        self.0.write(change, job).instrument(info_span!(target: TARGET, "storage", otel.name = "write")).await
    }

    async fn write_relaxed(&self, job: WriteJob) -> Result<(), StorageError> {
        self.0
            .write_relaxed(job)
            .instrument(info_span!(target: TARGET, "storage", otel.name = "write_relaxed"))
            .await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        self.0.applied(changes).await
    }

    fn settled(&self, change: ChangeId) {
        self.0.settled(change);
    }
}
