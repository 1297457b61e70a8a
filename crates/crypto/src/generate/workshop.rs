//! Threads for work that takes long.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use strongroom_core::ports::{BackendError, GenerationError};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::heap;

const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);

/// How long a thread lets go of its processor between two steps.
const MOMENT: Duration = Duration::from_micros(50);

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs on threads of its own, at most so many at once and the others in turn.
///
/// A thread lives as long as there is work, so that an idle service has none, and the stack that keys were
/// made on goes back to the system.
pub(super) struct Workshop {
    places: usize,
    bench: Arc<Mutex<Bench>>,
}

#[derive(Default)]
struct Bench {
    waiting: VecDeque<Job>,
    threads: usize,
}

impl Default for Workshop {
    /// As many threads as half of the processors, and one at least.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::with_places((processors / 2).max(1))
    }
}

impl Workshop {
    fn with_places(places: usize) -> Self {
        Self { places, bench: Arc::default() }
    }

    /// Runs the task on one of the threads. When the future is dropped before the task's turn has come, it
    /// is not run at all.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T, GenerationError> + Send + 'static,
    ) -> Result<T, GenerationError> {
        let (done, result) = oneshot::channel();
        self.submit(Box::new(move || {
            if !done.is_canceled() {
                // Nobody may be waiting any more; what was made is wiped then.
                drop(done.send(task()));
            }
        }))?;
        result.await.unwrap_or_else(|_| {
            Err(BackendError::Denied("making a key ended in a panic; the log tells more".to_owned()).into())
        })
    }

    fn submit(&self, job: Job) -> Result<(), BackendError> {
        let mut bench = lock(&self.bench);
        bench.waiting.push_back(job);
        if bench.threads == self.places {
            return Ok(());
        }
        let shared = Arc::clone(&self.bench);
        match thread::Builder::new().name("key-maker".to_owned()).spawn(move || work(&shared)) {
            Ok(_) => bench.threads += 1,
            // Those that run will come to it.
            Err(_) if bench.threads > 0 => {}
            Err(error) => {
                bench.waiting.pop_back();
                let reason = format!("no thread can be started to make a key: {error}");
                return Err(BackendError::Unavailable { reason, retry_after: Duration::from_secs(1) });
            }
        }
        Ok(())
    }
}

fn work(bench: &Mutex<Bench>) {
    // A thread of the idle class makes way at once for one that answers a request. One that is merely nice holds
    // its processor to the end of its slice, of some milliseconds. On a machine that is always busy the idle
    // class still gets a share, of three thousandths, so that a key is made in the end. Lowering is always
    // allowed; and if it were not, keys are wanted all the same.
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, IDLE).ok();
    while let Some(job) = next(bench) {
        // A panic drops the job's end of its channel, which tells whoever waits for it.
        drop(catch_unwind(AssertUnwindSafe(job)));
        heap::scrub();
    }
}

/// To be called between steps of work that takes long, at best every millisecond.
///
/// A processor that does nothing takes over what waits at another one; one that runs a thread of the idle class counts
/// as busy there, for some milliseconds. Measured on two processors beside a load that keeps both half busy: the p99 of
/// its answers rose from 0.9 to 4.3 ms without these moments, and to 1.1 ms with one every 0.7 ms.
pub(super) fn make_way() {
    thread::sleep(MOMENT);
}

/// The next job; when there is none, the thread has left.
fn next(bench: &Mutex<Bench>) -> Option<Job> {
    let mut bench = lock(bench);
    let job = bench.waiting.pop_front();
    if job.is_none() {
        bench.threads -= 1;
    }
    job
}

fn lock(bench: &Mutex<Bench>) -> MutexGuard<'_, Bench> {
    bench.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::Poll;

    use thread_priority::thread_schedule_policy;

    use super::*;

    #[tokio::test]
    async fn tasks_run_on_a_thread_of_their_own_that_yields_to_all_others() {
        let own = thread::current().id();
        let task = || Ok((thread::current().id(), thread_schedule_policy().unwrap()));
        let (thread, policy) = Workshop::default().run(task).await.unwrap();
        assert_ne!(thread, own);
        assert_eq!(policy, IDLE);
        assert_ne!(thread_schedule_policy().unwrap(), IDLE);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_run_at_once_than_there_are_places_and_threads_leave() {
        let workshop = Arc::new(Workshop::with_places(2));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let (workshop, running, most) = (workshop.clone(), running.clone(), most.clone());
                tokio::spawn(async move {
                    let task = move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok(number)
                    };
                    workshop.run(task).await
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap().unwrap(), number);
        }
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?}");
        while lock(&workshop.bench).threads > 0 {
            thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_and_takes_no_place_away() {
        let workshop = Workshop::with_places(1);
        for _ in 0..3 {
            let result: Result<(), _> = workshop.run(|| panic!("a bug")).await;
            let Err(GenerationError::Backend(BackendError::Denied(reason))) = result else {
                panic!("{result:?}")
            };
            assert!(reason.contains("panic"), "{reason}");
        }
        assert_eq!(workshop.run(|| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let workshop = Workshop::with_places(1);
        let (go, gate) = mpsc::channel();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let mut first = Box::pin(workshop.run(move || Ok(gate.recv().unwrap())));
        let mut second = Box::pin(workshop.run(move || Ok(count.fetch_add(1, Ordering::SeqCst))));
        assert!(is_pending(&mut first).await && is_pending(&mut second).await);
        // It is dropped while the first holds the only place.
        drop(second);
        go.send(1).unwrap();
        assert_eq!(first.await.unwrap(), 1);
        assert_eq!(workshop.run(|| Ok(3)).await.unwrap(), 3);
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }

    /// Polls once.
    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_pending())).await
    }
}
