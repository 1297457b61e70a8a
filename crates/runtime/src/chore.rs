//! What a server does besides answering, again and again.
//!
//! Nearly all of it is found in the database, by this server or by a tool beside it. Instead of each chore looking there
//! every second, one task asks whether anything was stored since, which costs next to nothing, and the chores look when
//! there is news. A chore that has slept for a second runs many times slower than one that is busy, as nothing of it is
//! left in the processor's caches, and a request that comes meanwhile waits for it.

use std::sync::Arc;
use std::time::Duration;

use strongroom_core::Error;
use strongroom_storage::SqliteRepository;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::error::chain;

/// How often to ask whether there is news.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait for news at most: some work is there from a time on, such as what another server left behind.
const LOOK_ANYWAY: Duration = Duration::from_secs(8);
/// How much later than the one before it a chore begins, and hears of news: they are not to look in the same moment.
const APART: Duration = Duration::from_millis(20);
/// Pause after a first error.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The chores of a server, each a task that goes on until the server stops.
pub(crate) struct Chores {
    tasks: JoinSet<()>,
    news: News,
}

/// Tells a chore that it may find something to do.
#[derive(Clone)]
pub(crate) struct News {
    stored: watch::Receiver<Option<i32>>,
    delay: Duration,
}

impl Chores {
    /// None yet. News comes from that database.
    pub(crate) fn of(repository: Arc<SqliteRepository>) -> Self {
        let (tell, stored) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_for_news(repository, tell));
        Self { tasks, news: News { stored, delay: Duration::ZERO } }
    }

    /// Begins one more.
    pub(crate) fn begin<F>(&mut self, chore: impl FnOnce(News) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let news = self.news();
        let wait = news.delay;
        let chore = chore(news);
        self.tasks.spawn(async move {
            sleep(wait).await;
            chore.await;
        });
    }

    /// News for one more that somebody else begins and ends.
    pub(crate) fn news(&mut self) -> News {
        self.news.delay += APART;
        self.news.clone()
    }

    /// Ends all of them where they are.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

impl News {
    /// Waits until there may be something to do.
    pub(crate) async fn wait(&mut self) {
        if let Ok(Err(_)) = timeout(LOOK_ANYWAY, self.stored.changed()).await {
            // Nobody is left who tells.
            sleep(LOOK_ANYWAY).await;
        }
        sleep(self.delay).await;
    }
}

async fn watch_for_news(repository: Arc<SqliteRepository>, tell: watch::Sender<Option<i32>>) {
    loop {
        // Without an answer each finds out for itself, and tells.
        let version = repository.version().ok();
        tell.send_if_modified(|known| {
            let is_new = version.is_none() || *known != version;
            *known = version;
            is_new
        });
        sleep(ASK_EVERY).await;
    }
}

/// Does it, at once again as long as there was something to do; then when there is news, or when `called` completes. May
/// be cut off anywhere: `work` has to take up again what it has not done.
pub(crate) async fn keep_at<C, W>(
    what: &'static str,
    mut news: News,
    mut called: impl FnMut() -> C + Send,
    mut work: impl FnMut() -> W + Send,
) where
    C: Future<Output = ()> + Send,
    W: Future<Output = Result<bool, Error>> + Send,
{
    let mut pause = SHORTEST_PAUSE;
    loop {
        match work().await {
            Ok(worked) => {
                pause = SHORTEST_PAUSE;
                if !worked {
                    tokio::select! {
                        () = news.wait() => {}
                        () = called() => {}
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), ?pause, "{what} has to wait; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicU32, Ordering};

    use strongroom_core::ports::{Milestone, StorageError};
    use strongroom_core::{Clock as _, SystemClock};
    use strongroom_storage::{Desk, OpenOptions};
    use tokio::time::Instant;

    use super::*;

    async fn until(what: &str, happened: impl Fn() -> bool) -> Duration {
        let begun = Instant::now();
        while !happened() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            sleep(Duration::from_millis(5)).await;
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_tool_stores_is_news_and_silence_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("news.db");
        let options = OpenOptions { create: true, upgrade: false };
        let repository = Arc::new(SqliteRepository::open(&file, options).unwrap());
        let looks = Arc::new(AtomicU32::new(0));
        let mut chores = Chores::of(Arc::clone(&repository));
        let counted = Arc::clone(&looks);
        chores.begin(|news| async move {
            let look = || async {
                counted.fetch_add(1, Ordering::SeqCst);
                Ok(false)
            };
            keep_at("nothing", news, pending, look).await;
        });
        // One look at the beginning, and one when the first answer is known.
        until("the first looks", || looks.load(Ordering::SeqCst) == 2).await;
        sleep(ASK_EVERY * 2).await;
        assert_eq!(looks.load(Ordering::SeqCst), 2, "nothing was stored");

        let mut desk = Desk::open(&file).unwrap();
        let milestone = Milestone { name: "m".into(), at: SystemClock.now(), detail: String::new() };
        desk.write::<_, StorageError>(|writer| writer.put_milestone(&milestone)).unwrap();
        let took = until("news of the tool's", || looks.load(Ordering::SeqCst) == 3).await;
        assert!(took <= ASK_EVERY + APART * 2, "{took:?}");
        let took = until("a look without news", || looks.load(Ordering::SeqCst) == 4).await;
        assert!(took >= LOOK_ANYWAY, "{took:?}");
        chores.end().await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_who_tells_it_looks_anyway_and_no_more_often() {
        let (_, stored) = watch::channel(None);
        let mut news = News { stored, delay: APART };
        let begun = Instant::now();
        for _ in 0..3 {
            news.wait().await;
        }
        assert_eq!(begun.elapsed(), (LOOK_ANYWAY + APART) * 3);
    }
}
