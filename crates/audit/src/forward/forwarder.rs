use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_core::{Clock, Timestamp};
use strongroom_outbound::SendError;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::cursor::Cursor;
use super::follow::{Batch, Follower};
use super::progress::Progress;
use super::receiver::Receiver;
use crate::error::FileError;
use crate::position::Position;

/// The pause after a failed delivery; each one more doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long records that were delivered may be missing in the cursor on the disk, to be sent twice after a
/// crash.
const STORE_EVERY: Duration = Duration::from_secs(1);
/// How long a delivery waits for more records to go with it.
const GATHER: Duration = Duration::from_millis(50);

/// Sends the journal's records to one receiver.
pub(super) struct Forwarder {
    pub(super) follower: Follower,
    pub(super) cursor: Cursor,
    pub(super) receiver: Box<dyn Receiver>,
    pub(super) patience: Duration,
    pub(super) progress: Arc<Progress>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) durable: watch::Receiver<Position>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Forwarder {
    /// Works until told to stop, and then until nothing is left or a delivery fails.
    pub(super) async fn run(mut self) {
        let mut pause = SHORTEST_PAUSE;
        let mut stored = Instant::now();
        let mut at = self.cursor.stored();
        loop {
            self.progress.looks(self.clock.now());
            let durable = *self.durable.borrow_and_update();
            let stopping = *self.stop.borrow_and_update();
            let idle = match self.forward(durable).await {
                Ok(Some(end)) => {
                    pause = SHORTEST_PAUSE;
                    at = end;
                    false
                }
                Ok(None) => true,
                Err(reason) => {
                    if self.progress.failed(&reason) {
                        tracing::warn!(
                            forwarder = self.progress.name,
                            reason,
                            "audit records can't be delivered; trying again"
                        );
                    }
                    if stopping {
                        break;
                    }
                    tokio::select! {
                        () = sleep(pause) => {}
                        _ = self.stop.changed() => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            };
            if at != self.cursor.stored() && (idle || stored.elapsed() >= STORE_EVERY) {
                self.store(at);
                stored = Instant::now();
            }
            if idle {
                if stopping {
                    break;
                }
                tokio::select! {
                    changed = self.durable.changed() => match changed {
                        Ok(()) => sleep(GATHER).await,
                        // The journal has closed; what it wrote last has been seen by then.
                        Err(_) if *self.durable.borrow() == durable => break,
                        Err(_) => {}
                    },
                    () = sleep(STORE_EVERY) => {}
                    _ = self.stop.changed() => {}
                }
            }
        }
        if at != self.cursor.stored() {
            self.store(at);
        }
    }

    /// Delivers the next records; `None` when there are none.
    async fn forward(&mut self, durable: Position) -> Result<Option<Position>, String> {
        let Batch { records, end } = self.follower.next(durable).map_err(|error| error.in_full())?;
        let Some(first) = records.first() else { return Ok(None) };
        let made = Timestamp::parse(first.text(&["at"])).unwrap_or_else(|_| self.clock.now());
        self.progress.holds(made);
        let failed = self.progress.failure().is_some();
        let delivery = timeout(self.patience, self.receiver.deliver(&records)).await;
        delivery.unwrap_or(Err(SendError::TimedOut)).map_err(|error| error.to_string())?;
        self.follower.advance(end);
        self.progress.delivered(records.len(), end, self.clock.now());
        if failed {
            tracing::info!(forwarder = self.progress.name, "audit records are delivered again");
        }
        Ok(Some(end))
    }

    /// A cursor that can't be stored makes records come twice later, and nothing worse.
    fn store(&mut self, at: Position) {
        if let Err(error) = self.cursor.store(at) {
            let reason: String = FileError::in_full(&error);
            tracing::warn!(forwarder = self.progress.name, reason, "a forwarder's cursor can't be stored");
        }
    }
}
