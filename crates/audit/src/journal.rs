use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_core::audit::Event;
use strongroom_core::ports::{AuditError, AuditSink, OpenChange};
use strongroom_core::{Clock, SystemClock};
use tokio::sync::watch;

use crate::entry::Entry;
use crate::error::{FileError, OpenError};
use crate::position::Position;
use crate::queue::Queue;
use crate::start::start;
use crate::status::{Stats, Status};
use crate::writer::{Disk, RealDisk, TimedDisk, Writer};

/// Why a journal whose thread is gone refuses everything.
const ENDED: &str = "the journal's thread has ended; restart the service";

/// How a journal is kept.
#[derive(Clone)]
pub struct Options {
    /// Whether to create the folder when there is none.
    pub create: bool,
    /// The size, in bytes, from which on a segment is followed by the next.
    pub segment_bytes: u64,
    /// How long a record may wait for a checkpoint that vouches for it.
    pub checkpoint_every: Duration,
    /// Tells the time of segments and checkpoints; events bring their own.
    pub clock: Arc<dyn Clock>,
    /// Is told, on the journal's thread, how long each sync took.
    pub on_sync: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
    /// Is asked, on the journal's thread, after each batch: whether records are to gather for 2 ms before the next. Fewer
    /// syncs leave more of the processors to the work, and each record is later: worth it while there is more to do than can
    /// be done.
    pub gathers: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Default for Options {
    /// An existing folder, segments of 32 MiB, a checkpoint each minute, the machine's clock.
    fn default() -> Self {
        Self {
            create: false,
            segment_bytes: 32 << 20,
            checkpoint_every: Duration::from_mins(1),
            clock: Arc::new(SystemClock),
            on_sync: None,
            gathers: None,
        }
    }
}

/// A journal open for writing; nobody else can open it meanwhile.
///
/// One thread owns the files. It writes all records that wait by one write and one sync, so the more callers
/// there are, the less each one's record costs. Dropping the journal waits until what was handed in is
/// written.
pub struct Journal {
    folder: PathBuf,
    node: String,
    open: Vec<OpenChange>,
    queue: Arc<Queue>,
    status: Arc<Status>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal in that folder, begins one where there is none, and mends what a crash left
    /// unfinished. Blocks while it reads the last segment.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let disk: Box<dyn Disk> = match options.on_sync.clone() {
            Some(told) => Box::new(TimedDisk(told)),
            None => Box::new(RealDisk),
        };
        Self::open_on(folder, options, disk)
    }

    pub(crate) fn open_on(folder: &Path, options: Options, disk: Box<dyn Disk>) -> Result<Self, OpenError> {
        let writer = start(folder, options, disk)?;
        let (queue, status) = (Arc::new(Queue::default()), Arc::clone(&writer.status));
        let (node, open) = (writer.node.clone(), writer.open.to_port());
        let ending = Ending { queue: Arc::clone(&queue), status: Arc::clone(&status) };
        let thread = thread::Builder::new().name("audit-journal".to_owned());
        let thread = thread.spawn(move || ending.follow(writer));
        let thread = thread.map_err(FileError::when("start the thread that writes", folder))?;
        Ok(Self { folder: folder.to_owned(), node, open, queue, status, thread: Some(thread) })
    }

    /// Tells how far the journal is durable, and of every change of that.
    pub(crate) fn durable(&self) -> watch::Receiver<Position> {
        self.status.durable()
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Where the journal is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the journal has done since it was opened.
    pub fn stats(&self) -> Stats {
        self.status.stats()
    }

    /// Tells the same, whenever it is asked; does not keep the journal open.
    pub fn gauge(&self) -> impl Fn() -> Stats + Send + Sync + use<> {
        let status = self.status();
        move || status.stats()
    }
}

#[async_trait]
impl AuditSink for Journal {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        let (entry, answer) = Entry::new(&event)?;
        drop(event);
        self.queue.push(entry)?;
        answer.await.unwrap_or_else(|_| Err(AuditError { reason: ENDED.to_owned() }))
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        Ok(self.open.clone())
    }

    fn health(&self) -> Result<(), AuditError> {
        self.status.health()
    }

    fn node(&self) -> &str {
        &self.node
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so, and has nothing left to write.
            thread.join().ok();
        }
    }
}

/// However the thread ends, nobody is left waiting for it.
struct Ending {
    queue: Arc<Queue>,
    status: Arc<Status>,
}

impl Ending {
    fn follow(self, writer: Writer) {
        writer.run(&self.queue);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("the audit journal's thread has ended by a fault");
        }
        self.status.fail(ENDED);
        self.queue.abandon();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use strongroom_core::audit::{Action, Origin, Outcome, Phase};
    use strongroom_core::{ChangeId, Timestamp};

    use super::*;
    use crate::ahead;
    use crate::records::Records;
    use crate::verify::{Trust, verify};
    use crate::writer::GATHER;

    const WORKS: u8 = 0;
    const FAILS: u8 = 1;
    const PANICS: u8 = 2;

    /// A disk whose sync fails, or worse, on demand.
    #[derive(Clone, Default)]
    struct BadDisk(Arc<AtomicU8>);

    impl Disk for BadDisk {
        fn sync(&self, file: &File) -> io::Result<()> {
            match self.0.load(Ordering::SeqCst) {
                FAILS => Err(io::Error::from_raw_os_error(5)),
                PANICS => panic!("as the test wants"),
                _ => file.sync_data(),
            }
        }
    }

    /// A disk that knows how much of the segment was synced.
    #[derive(Clone, Default)]
    struct Witness(Arc<AtomicU64>);

    impl Disk for Witness {
        fn sync(&self, file: &File) -> io::Result<()> {
            let len = file.metadata()?.len();
            if len != ahead::SIZE {
                self.0.store(len, Ordering::SeqCst);
            }
            file.sync_data()
        }
    }

    /// A disk that knows when it was busy.
    #[derive(Clone, Default)]
    struct Busy(Arc<Mutex<Vec<Instant>>>);

    impl Disk for Busy {
        fn sync(&self, file: &File) -> io::Result<()> {
            let synced = file.sync_data();
            self.0.lock().unwrap().push(Instant::now());
            synced
        }
    }

    fn event(phase: Phase, change: Option<ChangeId>, request_id: &str) -> Event {
        Event {
            at: Timestamp::from_micros(0).unwrap(),
            phase,
            change,
            action: Action::SecretDelete,
            target: None,
            caller: None,
            origin: Origin { request_id: Some(request_id.to_owned()), ..Origin::default() },
            outcome: (phase == Phase::Outcome).then_some(Outcome::Success),
            reason: None,
            access: None,
        }
    }

    fn request_ids(folder: &Path) -> Vec<String> {
        let lines = Records::open(folder, 0).unwrap().map(|record| record.unwrap().json);
        let json = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
        json.filter_map(|json| json["origin"]["request_id"].as_str().map(str::to_owned)).collect()
    }

    #[tokio::test]
    async fn what_a_failed_sync_left_behind_is_never_counted_on() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), BadDisk::default());
        let journal = Journal::open_on(folder.path(), Options::default(), Box::new(disk.clone())).unwrap();
        let change = ChangeId::random();
        journal.record(event(Phase::Intent, Some(change), "intent")).await.unwrap();

        disk.0.store(FAILS, Ordering::SeqCst);
        let refused = journal.record(event(Phase::Outcome, None, "read")).await.unwrap_err();
        assert!(refused.reason.contains("Input/output error"), "{refused}");
        assert!(journal.health().is_err());
        journal.record(event(Phase::Outcome, Some(change), "outcome")).await.unwrap_err();
        // The next segment is begun, and the write of what is owed fails again.
        let deadline = Instant::now() + Duration::from_secs(10);
        while journal.stats().segment < 3 {
            assert!(Instant::now() < deadline, "never tried to recover");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(journal.stats().owed, 1);

        disk.0.store(WORKS, Ordering::SeqCst);
        while journal.health().is_err() || journal.stats().owed > 0 {
            assert!(Instant::now() < deadline, "never recovered");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        journal.record(event(Phase::Outcome, None, "after")).await.unwrap();
        drop(journal);
        assert_eq!(request_ids(folder.path()), ["intent", "outcome", "after"]);
        assert_eq!(verify(folder.path(), &Trust::default()).unwrap().findings, []);
    }

    #[tokio::test]
    async fn the_segment_is_synced_before_the_write_ahead_file_begins_anew_and_at_the_end() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), Witness::default());
        let journal = Journal::open_on(folder.path(), Options::default(), Box::new(disk.clone())).unwrap();
        for at in 0..40 {
            journal.record(event(Phase::Outcome, None, &"x".repeat(2000 * (at % 10)))).await.unwrap();
            let missing = journal.stats().segment_bytes - disk.0.load(Ordering::SeqCst);
            assert!(missing <= ahead::SIZE, "{missing} bytes are in no file");
        }
        assert!(journal.stats().segment_bytes > 2 * ahead::SIZE);
        drop(journal);
        let whole = verify(folder.path(), &Trust::default()).unwrap();
        assert_eq!((whole.findings, whole.bytes), (Vec::new(), disk.0.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_sync_lets_records_gather_where_they_are_to() {
        let (folder, disk, asked) =
            (tempfile::tempdir().unwrap(), Busy::default(), Arc::new(AtomicU64::new(0)));
        let gathers = {
            let asked = Arc::clone(&asked);
            // All but each third time.
            Arc::new(move || !asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(3))
        };
        let options = Options { gathers: Some(gathers), ..Options::default() };
        let journal = Journal::open_on(folder.path(), options, Box::new(disk.clone())).unwrap();
        for _ in 0..9 {
            journal.record(event(Phase::Outcome, None, "read")).await.unwrap();
        }
        let syncs = disk.0.lock().unwrap().clone();
        let waited = syncs.windows(2).filter(|pair| pair[1] - pair[0] >= GATHER).count();
        assert!(waited >= 5, "{syncs:?}");
        drop(journal);
        assert_eq!(asked.load(Ordering::SeqCst), 9, "after each batch");
    }

    #[tokio::test]
    async fn what_is_owed_is_written_when_the_journal_closes() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), BadDisk::default());
        let journal = Journal::open_on(folder.path(), Options::default(), Box::new(disk.clone())).unwrap();
        let change = ChangeId::random();
        journal.record(event(Phase::Intent, Some(change), "intent")).await.unwrap();
        disk.0.store(FAILS, Ordering::SeqCst);
        journal.record(event(Phase::Outcome, Some(change), "outcome")).await.unwrap_err();
        disk.0.store(WORKS, Ordering::SeqCst);
        drop(journal);
        assert_eq!(request_ids(folder.path()), ["intent", "outcome"]);
        let journal = Journal::open(folder.path(), Options::default()).unwrap();
        assert_eq!(journal.open_changes().await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_thread_that_dies_leaves_nobody_waiting() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), BadDisk::default());
        let journal = Journal::open_on(folder.path(), Options::default(), Box::new(disk.clone())).unwrap();
        disk.0.store(PANICS, Ordering::SeqCst);
        let event = event(Phase::Outcome, None, "read");
        assert_eq!(journal.record(event.clone()).await.unwrap_err().reason, ENDED);
        while journal.health().is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(journal.record(event).await.is_err());
    }
}
