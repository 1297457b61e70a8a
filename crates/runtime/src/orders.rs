//! The workers that carry orders out.

use std::time::Duration;

use strongroom_core::{KeyManager, Orders};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::chore::{Chores, News};

/// Shortest pause after an error.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Workers of this process.
pub(crate) struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Ends when this is dropped.
    _keeper: JoinSet<()>,
}

impl Workers {
    /// Begins to carry orders out, so many at once.
    pub(crate) fn start(manager: &KeyManager, count: usize, chores: &mut Chores) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tasks = (0..count).map(|_| work(manager.clone(), chores.news(), stopped.clone())).collect();
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(manager.clone()));
        Self { stop, tasks, _keeper: keeper }
    }

    /// Lets each worker finish the order it has, within that time. One that is not finished is taken over
    /// once its lease ends.
    pub(crate) async fn stop(self, time: Duration) {
        self.stop.send_replace(true);
        if timeout(time, self.tasks.join_all()).await.is_err() {
            tracing::warn!("an order was not finished in time; it is taken over later");
        }
    }
}

/// Keeps the orders that are being carried out from being taken over.
async fn keep(manager: KeyManager) {
    loop {
        sleep(Orders::KEEP_EVERY).await;
        if let Err(error) = manager.orders().keep().await {
            let told = crate::error::chain(&error);
            tracing::warn!(error = %told, "the leases of orders can't be prolonged; trying again");
        }
    }
}

async fn work(manager: KeyManager, mut news: News, mut stopped: watch::Receiver<bool>) {
    let mut pause = SHORTEST_PAUSE;
    while !*stopped.borrow_and_update() {
        match manager.orders().work().await {
            Ok(true) => pause = SHORTEST_PAUSE,
            Ok(false) => {
                pause = SHORTEST_PAUSE;
                tokio::select! {
                    () = manager.orders().placed() => {}
                    () = news.wait() => {}
                    _ = stopped.changed() => {}
                }
            }
            Err(error) => {
                let told = crate::error::chain(&error);
                tracing::warn!(error = %told, ?pause, "orders can't be carried out; trying again");
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = stopped.changed() => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
