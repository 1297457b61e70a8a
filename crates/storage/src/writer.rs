use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use strongroom_core::ChangeId;
use strongroom_core::ports::StorageError;

use crate::Connection;
use crate::batch::{self, Task};
use crate::durability::Durability;

/// How many tasks may wait. Waiting happens here and nowhere else: who finds no place is told at once.
const WAITING: usize = 1024;
/// How many tasks share a commit at most, which bounds how long the first of them waits for the last.
const TOGETHER: usize = 128;
/// After so long without a task, settled changes are forgotten by a commit of their own.
const IDLE: Duration = Duration::from_secs(1);

/// The thread with the one connection that writes. While it commits, tasks gather; it then takes all that
/// wait into the next commit, so that the more there are, the fewer syncs each of them costs.
pub(crate) struct Writer {
    /// Present until the writer is dropped.
    queue: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// A task and who waits for it.
struct Waiting {
    task: Task,
    reply: async_channel::Sender<Result<(), StorageError>>,
}

#[derive(Default)]
struct Shared {
    settled: Mutex<Vec<ChangeId>>,
    commits: AtomicU64,
    changes: AtomicU64,
}

/// What the writer has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Commits.
    pub commits: u64,
    /// Changes that were made by them.
    pub changes: u64,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(WAITING);
        let shared = Arc::new(Shared::default());
        let loop_shared = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("strongroom-writer".to_owned())
            .spawn(move || serve(connection, &waiting, &loop_shared))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), shared })
    }

    /// Hands over a task and waits until it is committed, and durable if it is to last. A caller that stops waiting
    /// does not stop the task.
    pub(crate) async fn run(&self, task: Task) -> Result<(), StorageError> {
        let (reply, answer) = async_channel::bounded(1);
        let stopped = || StorageError::Unavailable("the writer has stopped".to_owned());
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(Waiting { task, reply }).map_err(|refused| match refused {
            TrySendError::Full(_) => StorageError::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        answer.recv().await.unwrap_or_else(|_| {
            Err(StorageError::Unconfirmed("the writer stopped before it answered".to_owned()))
        })
    }

    /// Lets the change be forgotten by a later commit.
    pub(crate) fn settled(&self, change: ChangeId) {
        self.shared.settled.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// What has been done so far.
    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            commits: self.shared.commits.load(Ordering::Relaxed),
            changes: self.shared.changes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    /// Waits until everything that was handed over is done.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(mut connection: Connection, waiting: &Receiver<Waiting>, shared: &Shared) {
    let mut durability = Durability::default();
    let mut commit = |batch| commit(&mut connection, &mut durability, batch, shared);
    loop {
        match waiting.recv_timeout(IDLE) {
            Ok(first) => commit(iter::once(first).chain(waiting.try_iter()).take(TOGETHER).collect()),
            Err(RecvTimeoutError::Timeout) => commit(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return commit(Vec::new()),
        }
    }
}

fn commit(
    connection: &mut Connection,
    durability: &mut Durability,
    mut batch: Vec<Waiting>,
    shared: &Shared,
) {
    let settled = mem::take(&mut *shared.settled.lock().unwrap_or_else(PoisonError::into_inner));
    if batch.is_empty() && settled.is_empty() {
        return;
    }
    // What is settled is forgotten at some time, and it does not matter when.
    let is_to_last = batch.iter().any(|waiting| waiting.task.is_to_last());
    let tasks = batch.iter_mut().map(|waiting| &mut waiting.task);
    let result =
        durability.prepare(connection, is_to_last).and_then(|()| batch::commit(connection, &settled, tasks));
    durability.committed(&result);
    match result {
        Ok(outcomes) => {
            let changes = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            shared.commits.fetch_add(1, Ordering::Relaxed);
            shared.changes.fetch_add(u64::try_from(changes).unwrap_or(0), Ordering::Relaxed);
            for (waiting, outcome) in batch.into_iter().zip(outcomes) {
                waiting.answer(outcome);
            }
        }
        Err(error) => {
            tracing::error!(%error, changes = batch.len(), "a commit failed");
            shared.settled.lock().unwrap_or_else(PoisonError::into_inner).extend(settled);
            for waiting in batch {
                waiting.answer(Err(error.clone()));
            }
        }
    }
}

impl Waiting {
    fn answer(self, outcome: Result<(), StorageError>) {
        // Refused when the caller no longer waits; what happened stays on record as an applied change.
        self.reply.try_send(outcome).ok();
    }
}
