//! One token: its connection, who works at it, and whether it works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use strongroom_core::ports::BackendError;
use tokio::sync::{oneshot, watch};

use crate::config::{Pkcs11Config, TokenConfig};
use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::keeper;
use crate::link::{Known, Link};
use crate::module::{Entry, Module};
use crate::seat::Seat;
use crate::worker::{Bench, Ticket};

/// That many failures one after another, and the token counts as lost.
const TOO_MANY_FAILURES: u32 = 3;
/// How long the end waits for threads that are still inside a call.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a caller is told of a token that is not at work.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A piece of work, which may be done more than once and at more than one token.
pub(crate) type Work<T> = Arc<dyn Fn(&Seat<'_>) -> Result<T, Fault> + Send + Sync>;

pub(crate) type Job = Box<dyn FnOnce(&mut Bench) + Send>;

pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) config: TokenConfig,
    pub(crate) known: Arc<Known>,
    pub(crate) module: Arc<Module>,
    pub(crate) link: RwLock<Option<Link>>,
    state: watch::Sender<State>,
    jobs: async_channel::Sender<Job>,
    pub(crate) queue: async_channel::Receiver<Job>,
    keeper: mpsc::Sender<Wake>,
    sessions: usize,
    call_timeout: Duration,
    epochs: AtomicU64,
    failures: AtomicU32,
    /// Threads inside a call that nobody waits for any more.
    written_off: AtomicUsize,
    /// Whether this process has logged in with the PIN before.
    pub(crate) pin_proved: AtomicBool,
    /// Whether it is to be connected anew, although it works.
    pub(crate) outdated: AtomicBool,
    /// Whether a drill keeps it down.
    pub(crate) held_down: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Whether a token is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It is.
    Ready,
    /// It is not, and the keeper tries to mend that.
    Down { since: Instant, reason: String },
    /// It is not, and only an operator can mend that.
    Stopped { reason: String },
}

/// What the keeper is told.
pub(crate) enum Wake {
    Mend,
    Close,
}

/// Why a token gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is the answer, which no other token would change.
    Answer(BackendError),
    /// Another token may succeed.
    Elsewhere(BackendError),
    /// The token was lost; another one may succeed, or this one once it is mended.
    Lost(BackendError),
}

impl Token {
    /// Starts the threads; the first attempt to connect is under way when this returns.
    pub(crate) fn start(
        config: TokenConfig,
        shared: &Pkcs11Config,
        known: Arc<Known>,
    ) -> Result<Arc<Self>, Pkcs11Error> {
        let module = Module::load(&config.module)?;
        let (jobs, queue) = async_channel::bounded(shared.sessions.max(1) * 64);
        let (keeper, wakes) = mpsc::channel();
        let reason = "it has not been connected yet".to_owned();
        let (state, _) = watch::channel(State::Down { since: Instant::now(), reason });
        let token = Arc::new(Self {
            name: config.to_string(),
            config,
            known,
            module,
            link: RwLock::new(None),
            state,
            jobs,
            queue,
            keeper,
            sessions: shared.sessions.max(1),
            call_timeout: shared.call_timeout,
            epochs: AtomicU64::new(0),
            failures: AtomicU32::new(0),
            written_off: AtomicUsize::new(0),
            pin_proved: AtomicBool::new(false),
            outdated: AtomicBool::new(false),
            held_down: AtomicBool::new(false),
            threads: Mutex::default(),
        });
        token
            .spawn("pkcs11-keeper", move |token| keeper::keep(&token, &wakes))
            .map_err(Pkcs11Error::Thread)?;
        token.wake(Wake::Mend);
        Ok(token)
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.state.borrow() == State::Ready
    }

    /// Does a piece of work on one of the token's threads, within the time that a call may take.
    pub(crate) async fn run<T: Send + 'static>(self: &Arc<Self>, work: Work<T>) -> Result<T, Failure> {
        let (reply, result) = oneshot::channel();
        let ticket = Arc::new(Ticket::default());
        let held = Arc::clone(&ticket);
        let job: Job = Box::new(move |bench| {
            // Nobody may be waiting any more; then it is not begun.
            if !reply.is_closed() {
                held.take(bench);
                let done = catch_unwind(AssertUnwindSafe(|| bench.perform(&*work)));
                held.give_back();
                if let Ok(result) = done {
                    drop(reply.send(result));
                }
            }
        });
        let attempt = async {
            let queued = self.jobs.send(job).await;
            queued.map_err(|_| Failure::Elsewhere(self.unavailable("it is being closed")))?;
            let panicked = |_| Err(Failure::Elsewhere(self.unavailable("a call ended in a panic")));
            result.await.unwrap_or_else(panicked)
        };
        tokio::time::timeout(self.call_timeout, attempt).await.unwrap_or_else(|_| {
            self.late(&ticket);
            Err(Failure::Elsewhere(self.unavailable("it did not answer in time")))
        })
    }

    /// What became of a call that the caller stopped waiting for.
    fn late(self: &Arc<Self>, ticket: &Ticket) {
        if ticket.write_off() {
            let stuck = self.written_off.fetch_add(1, Ordering::SeqCst) + 1;
            if stuck >= self.sessions {
                self.down("its calls do not return");
            } else if let Err(error) = self.spawn("pkcs11-worker", Bench::work) {
                tracing::warn!(token = %self.name, %error, "no thread to replace one that is stuck");
            }
        }
        self.failed("its calls take too long");
    }

    /// A call that was written off has returned after all.
    pub(crate) fn returned(&self) {
        self.written_off.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether all of its threads are inside calls that do not return.
    pub(crate) fn is_worn_out(&self) -> bool {
        self.stuck() >= self.sessions
    }

    pub(crate) fn stuck(&self) -> usize {
        self.written_off.load(Ordering::SeqCst)
    }

    pub(crate) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// Counts a failure that may be a single one.
    pub(crate) fn failed(&self, reason: &str) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= TOO_MANY_FAILURES {
            self.down(reason);
        }
    }

    /// The token is lost: no more work for it until the keeper has mended it.
    pub(crate) fn down(&self, reason: &str) {
        let lost = State::Down { since: Instant::now(), reason: reason.to_owned() };
        if self.change(|state| (*state == State::Ready).then_some(lost)) {
            tracing::error!(token = %self.name, reason, "lost a token");
        }
        self.wake(Wake::Mend);
    }

    /// Why it is down, as the keeper has found; whether that is news.
    pub(crate) fn still_down(&self, found: &str) -> bool {
        self.change(|state| match state {
            State::Down { reason, .. } if reason == found => None,
            State::Down { since, .. } => Some(State::Down { since: *since, reason: found.to_owned() }),
            _ => Some(State::Down { since: Instant::now(), reason: found.to_owned() }),
        })
    }

    /// The token is not to be tried again in this process.
    pub(crate) fn stop(&self, reason: &str) {
        tracing::error!(token = %self.name, reason, "stopped using a token until an operator mends it");
        self.change(|_| Some(State::Stopped { reason: reason.to_owned() }));
    }

    /// The token works.
    pub(crate) fn ready(self: &Arc<Self>, room: u64) {
        self.pin_proved.store(true, Ordering::SeqCst);
        self.succeeded();
        let wanted = self.sessions.min(usize::try_from(room).unwrap_or(usize::MAX)).max(1);
        // One of the threads is the keeper.
        while self.running() < wanted + 1 {
            if let Err(error) = self.spawn("pkcs11-worker", Bench::work) {
                tracing::warn!(token = %self.name, %error, "a thread for a token's calls can't be started");
                break;
            }
        }
        if self.change(|state| (*state != State::Ready).then_some(State::Ready)) {
            tracing::info!(token = %self.name, "a token is at work");
        }
    }

    /// Connects it anew while it goes on working; whether that is done in time.
    pub(crate) async fn refresh(&self) -> bool {
        self.outdated.store(true, Ordering::SeqCst);
        self.wake(Wake::Mend);
        let done = async {
            while self.outdated.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(self.call_timeout, done).await.is_ok()
    }

    pub(crate) fn next_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn enter_module(&self) -> Option<Entry<'_>> {
        self.module.enter()
    }

    pub(crate) fn unavailable(&self, reason: &str) -> BackendError {
        BackendError::Unavailable { reason: format!("{}: {reason}", self.name), retry_after: RETRY_AFTER }
    }

    /// Tells the threads to end.
    pub(crate) fn close(&self) {
        self.jobs.close();
        self.wake(Wake::Close);
    }

    /// Waits until they have ended, but not for one that is stuck inside a call. Whoever ends the process next
    /// would else take the module's libraries down under a thread that is still on its way out.
    pub(crate) fn join(&self) {
        let deadline = Instant::now() + FAREWELL;
        while self.running() > self.stuck() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many threads have not ended. Those that have are joined.
    fn running(&self) -> usize {
        let mut threads = self.threads.lock();
        for ended in threads.extract_if(.., |thread| thread.is_finished()) {
            // A panic has been told on standard error.
            ended.join().ok();
        }
        threads.len()
    }

    pub(crate) fn wake(&self, wake: Wake) {
        // Only a keeper that has ended does not hear it.
        self.keeper.send(wake).ok();
    }

    /// Changes the state, unless it is final or nothing is to be changed, and counts the tokens at work.
    fn change(&self, next: impl FnOnce(&State) -> Option<State>) -> bool {
        self.state.send_if_modified(|state| {
            if matches!(state, State::Stopped { .. }) {
                return false;
            }
            let Some(next) = next(state) else { return false };
            match (*state == State::Ready, next == State::Ready) {
                (false, true) => self.module.at_work.fetch_add(1, Ordering::SeqCst),
                (true, false) => self.module.at_work.fetch_sub(1, Ordering::SeqCst),
                _ => 0,
            };
            *state = next;
            true
        })
    }

    fn spawn(
        self: &Arc<Self>,
        name: &str,
        body: impl FnOnce(Arc<Self>) + Send + 'static,
    ) -> Result<(), std::io::Error> {
        let token = Arc::clone(self);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || body(token))?;
        self.threads.lock().push(thread);
        Ok(())
    }
}
