use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use async_trait::async_trait;
use strongroom_core::ports::{Contended, ReadJob, Repository, StorageError, WriteJob};
use strongroom_core::{ChangeId, Timestamp};

use crate::Connection;
use crate::batch::Task;
use crate::error::OpenError;
use crate::readers::Readers;
use crate::run::Run;
use crate::session::Session;
use crate::sqlite::{self, Lock, OpenOptions, Opened, Watch};
use crate::tables::{applied_changes, secrets};
use crate::tally::Tally;
use crate::writer::{Statistics, Writer};

/// How many expired secrets one task takes out of the lists, so that it holds up nobody for long.
const SWEPT_AT_ONCE: u32 = 256;

/// Secrets in a SQLite database, which this process has for itself.
pub struct SqliteRepository {
    // In the order they are to be dropped: the lock goes last.
    readers: Readers,
    watch: Watch,
    writer: Writer,
    run: Run,
    _lock: Lock,
}

impl SqliteRepository {
    /// Locks and opens the database at that path, or says why not and changes nothing. Blocks for a moment.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        Self::start(path, sqlite::open(path, options, threads.max(2))?)
    }

    fn start(path: &Path, opened: Opened) -> Result<Self, OpenError> {
        let Opened { writer, readers, watch, lock } = opened;
        let action = "start the writer's thread for";
        let writer = Writer::start(writer).map_err(|source| OpenError::File {
            action,
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { readers: Readers::new(readers), watch, writer, run: Run::new(), _lock: lock })
    }

    /// Takes secrets that have expired at `now` out of what lists have to look at, and tells how many.
    /// Lists never show an expired secret; sweeping every now and then keeps them fast.
    pub async fn sweep_expired(&self, now: Timestamp) -> Result<u64, StorageError> {
        // The writer is for those who change something.
        let found = self.readers.run(|connection| secrets::is_any_to_sweep(connection, now)).await?;
        if !found? {
            return Ok(0);
        }
        let mut all = 0;
        loop {
            let swept = Arc::new(AtomicU64::new(0));
            let told = Arc::clone(&swept);
            let work = move |connection: &mut Connection, tally: &mut Tally| {
                told.store(secrets::sweep(connection, tally, now, SWEPT_AT_ONCE)?, Ordering::Relaxed);
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

    /// A number that changes with every commit to the database, by this process or by a tool beside it, and with hardly
    /// anything else. Costs much less than any question, and does not wait.
    pub fn version(&self) -> Result<i32, StorageError> {
        self.watch.version()
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
                let mut nothing = Tally::default();
                let mut session = Session::new(connection, &mut nothing, self.run);
                match (job(&mut session), session.into_failure()) {
                    (_, Some(failure)) => Err(failure),
                    (Err(Contended::Again), None) => Err(StorageError::Contention),
                    (Ok(()) | Err(Contended::Abandon), None) => Ok(()),
                }
            })
            .await?
    }

    async fn write(&self, change: ChangeId, job: WriteJob) -> Result<(), StorageError> {
        self.writer.run(Task::Change { id: Some(change), run: self.run, job }).await
    }

    async fn write_relaxed(&self, job: WriteJob) -> Result<(), StorageError> {
        self.writer.run(Task::Change { id: None, run: self.run, job }).await
    }

    async fn applied(&self, changes: Vec<ChangeId>) -> Result<Vec<ChangeId>, StorageError> {
        let found = self.readers.run(|connection| applied_changes::among(connection, &changes)).await?;
        Ok(found?)
    }

    fn settled(&self, change: ChangeId) {
        self.writer.settled(change);
    }
}

#[cfg(test)]
mod tests {
    use diesel::RunQueryDsl as _;
    use diesel::connection::SimpleConnection as _;
    use strongroom_core::ports::{
        BackendId, Canary, MasterKeyRecord, MasterKeyVersion, Reader, Writer as CoreWriter,
    };
    use strongroom_core::rotation::MasterKeyState;

    use super::*;

    async fn limit_pages(repository: &SqliteRepository, pages: u32) {
        let work = move |connection: &mut Connection, _: &mut Tally| {
            Ok(connection.batch_execute(&format!("PRAGMA max_page_count = {pages}"))?)
        };
        repository.writer.run(Task::Upkeep(Box::new(work))).await.unwrap();
    }

    async fn store(repository: &SqliteRepository, version: u32, bytes: usize) -> Result<(), StorageError> {
        let record = MasterKeyRecord {
            backend: BackendId::new("soft"),
            version: MasterKeyVersion(version),
            canary: Canary(vec![1; bytes]),
            created: Timestamp::from_micros(0).unwrap(),
            state: MasterKeyState::Staged,
            since: Timestamp::from_micros(0).unwrap(),
        };
        let job = move |writer: &mut dyn CoreWriter| {
            // A job that ignores an error must not take effect by half, nor by itself.
            writer.insert_master_key(&record).ok();
            writer
                .insert_master_key(&MasterKeyRecord {
                    version: MasterKeyVersion(version + 1),
                    ..record.clone()
                })
                .ok();
            Ok(())
        };
        repository.write(ChangeId::random(), Box::new(job)).await
    }

    async fn versions(repository: &SqliteRepository) -> Vec<u32> {
        let (send, receive) = std::sync::mpsc::channel();
        let job = move |reader: &mut dyn Reader| {
            let keys = reader.master_keys(&BackendId::new("soft")).unwrap();
            send.send(keys.into_iter().map(|key| key.version.0).collect()).unwrap();
            Ok(())
        };
        repository.read(Box::new(job)).await.unwrap();
        receive.recv().unwrap()
    }

    /// What the writer has to say of the commit that it is in.
    fn asks_level(told: &std::sync::mpsc::Sender<i32>) -> Task {
        #[derive(diesel::QueryableByName)]
        struct Level {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            synchronous: i32,
        }
        let told = told.clone();
        Task::Upkeep(Box::new(move |connection, _| {
            let level: Level = diesel::sql_query("PRAGMA synchronous").get_result(connection)?;
            told.send(level.synchronous).unwrap();
            Ok(())
        }))
    }

    #[tokio::test]
    async fn a_commit_with_a_change_in_it_is_synced() {
        const NORMAL: i32 = 1;
        const FULL: i32 = 2;
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions { create: true, upgrade: false };
        let repository = SqliteRepository::open(&folder.path().join("synced.db"), options).unwrap();
        let (told, level) = std::sync::mpsc::channel();
        repository.writer.run(asks_level(&told)).await.unwrap();
        assert_eq!(level.recv(), Ok(NORMAL), "by itself");

        let (started, starts) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel();
        let occupies = move |_: &mut dyn CoreWriter| {
            started.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        };
        // Asked in this order: what is handed over while the writer is occupied shares the next commit.
        let (held, (), asked, changed, ()) = tokio::join!(
            repository.write(ChangeId::random(), Box::new(occupies)),
            async { starts.recv().unwrap() },
            repository.writer.run(asks_level(&told)),
            repository.write(ChangeId::random(), Box::new(|_| Ok(()))),
            async { release.send(()).unwrap() },
        );
        for ended in [held, asked, changed] {
            ended.unwrap();
        }
        assert_eq!(level.recv(), Ok(FULL), "beside a change");
    }

    #[tokio::test]
    async fn a_full_database_refuses_writes_answers_reads_and_recovers() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions { create: true, upgrade: false };
        let repository = SqliteRepository::open(&folder.path().join("full.db"), options).unwrap();
        store(&repository, 1, 10).await.unwrap();
        limit_pages(&repository, 1).await;
        for _ in 0..3 {
            let refused = store(&repository, 10, 100_000).await;
            assert!(matches!(refused, Err(StorageError::Unavailable(_))), "{refused:?}");
            assert_eq!(versions(&repository).await, [1, 2]);
        }
        limit_pages(&repository, 1_000_000).await;
        store(&repository, 20, 100_000).await.unwrap();
        assert_eq!(versions(&repository).await, [1, 2, 20, 21]);
    }
}
