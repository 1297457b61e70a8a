use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use async_trait::async_trait;
use strongroom_core::ports::{Contended, ReadJob, Repository, StorageError, WriteJob};
use strongroom_core::{ChangeId, Timestamp};

use crate::batch::Task;
use crate::error::OpenError;
use crate::readers::Readers;
use crate::run::Run;
use crate::session::Session;
use crate::sqlite::{self, Lock, OpenOptions, Opened};
use crate::tables::{applied_changes, secrets};
use crate::writer::{Statistics, Writer};

/// How many expired secrets one task takes out of the lists, so that it holds up nobody for long.
const SWEPT_AT_ONCE: u32 = 256;

/// Secrets in a SQLite database, which this process has for itself.
pub struct SqliteRepository {
    // In the order they are to be dropped: the lock goes last.
    readers: Readers,
    writer: Writer,
    run: Run,
    _lock: Lock,
}

impl SqliteRepository {
    /// Locks and opens the database at that path, or says why not and changes nothing. Blocks for a moment.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let Opened { writer, readers, lock } = sqlite::open(path, options, threads.max(2))?;
        let start = Writer::start(writer);
        let writer = start.map_err(|source| OpenError::File {
            action: "start the writer's thread for",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { readers: Readers::new(readers), writer, run: Run::new(), _lock: lock })
    }

    /// Takes secrets that have expired at `now` out of what lists have to look at, and tells how many.
    /// Lists never show an expired secret; sweeping every now and then keeps them fast.
    pub async fn sweep_expired(&self, now: Timestamp) -> Result<u64, StorageError> {
        let mut all = 0;
        loop {
            let swept = Arc::new(AtomicU64::new(0));
            let told = Arc::clone(&swept);
            let work = move |connection: &mut crate::Connection| {
                told.store(secrets::sweep(connection, now, SWEPT_AT_ONCE)?, Ordering::Relaxed);
                Ok(())
            };
            self.writer.run(Task::Upkeep(Box::new(work))).await?;
            let swept = swept.load(Ordering::Relaxed);
            all += swept;
            if swept < u64::from(SWEPT_AT_ONCE) {
                return Ok(all);
            }
        }
    }

    /// What the writer has done since the repository was opened.
    pub fn statistics(&self) -> Statistics {
        self.writer.statistics()
    }
}

#[async_trait]
impl Repository for SqliteRepository {
    async fn read(&self, mut job: ReadJob) -> Result<(), StorageError> {
        self.readers
            .run(|connection| {
                let mut session = Session::new(connection, self.run);
                match (job(&mut session), session.into_failure()) {
                    (_, Some(failure)) => Err(failure),
                    (Err(Contended::Again), None) => Err(StorageError::Contention),
                    (Ok(()) | Err(Contended::Abandon), None) => Ok(()),
                }
            })
            .await?
    }

    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError> {
        self.writer.run(Task::Change { id: change, run: self.run, job }).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        let found = self.readers.run(|connection| applied_changes::among(connection, &changes)).await?;
        Ok(found?)
    }

    fn settled(&self, change: ChangeId) {
        self.writer.settled(change);
    }
}
