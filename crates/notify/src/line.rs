use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_core::Clock;
use strongroom_outbound::SendError;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::channel::{Carrier, CarryError};
use crate::notice::Notice;
use crate::status::ChannelStatus;

/// Most notices that wait for one channel.
const MOST_WAITING: usize = 1000;
/// Accepted notices that are remembered, so that they are not sent again.
const REMEMBERED: usize = 1000;
/// The pause after a failure; each one more doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a notice is tried. One that a receiver never accepts would be tried for ever otherwise.
const TRIED_FOR: Duration = Duration::from_hours(24);

/// One channel: its carrier, what waits for it, and how it does.
pub(crate) struct Line {
    carrier: Box<dyn Carrier>,
    /// How long one attempt may take.
    patience: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    added: Notify,
    /// Ids of notices that were accepted last. Held while one is sent: nothing is sent twice at once.
    accepted: tokio::sync::Mutex<VecDeque<String>>,
}

struct State {
    waiting: VecDeque<(Instant, Arc<Notice>)>,
    status: ChannelStatus,
}

impl Line {
    pub(crate) fn new(
        name: &'static str,
        carrier: Box<dyn Carrier>,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State { waiting: VecDeque::new(), status: ChannelStatus::new(name) };
        Self {
            carrier,
            patience,
            clock,
            state: Mutex::new(state),
            added: Notify::new(),
            accepted: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn status(&self) -> ChannelStatus {
        let state = self.state();
        ChannelStatus { waiting: state.waiting.len(), ..state.status.clone() }
    }

    /// Lets a notice wait, unless it does already. When too many wait the oldest is given up.
    pub(crate) fn queue(&self, notice: &Arc<Notice>) {
        let mut state = self.state();
        if state.waiting.iter().any(|(_, waiting)| waiting.id == notice.id) {
            return;
        }
        if state.waiting.len() >= MOST_WAITING
            && let Some((_, oldest)) = state.waiting.pop_front()
        {
            state.give_up(&oldest, "too many notices wait");
        }
        state.waiting.push_back((Instant::now(), Arc::clone(notice)));
        self.added.notify_one();
    }

    /// Sends what waits, for ever; once told to stop, until nothing waits or an attempt fails.
    pub(crate) async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let next = self.state().waiting.front().cloned();
            let stopping = *stop.borrow_and_update();
            let Some((since, notice)) = next else {
                if stopping {
                    return;
                }
                tokio::select! {
                    () = self.added.notified() => {}
                    _ = stop.changed() => {}
                }
                continue;
            };
            let delivered = self.attempt(&notice).await.is_ok();
            self.put_away(since, notice, delivered);
            if delivered {
                pause = SHORTEST_PAUSE;
                continue;
            }
            if stopping {
                return;
            }
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.changed() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Takes a notice that was tried off the queue, or puts it behind the others: it may be this one that the
    /// receiver does not like.
    fn put_away(&self, since: Instant, notice: Arc<Notice>, delivered: bool) {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|(_, waiting)| waiting.id != notice.id);
        // One that is gone was given up while it was tried.
        if delivered || state.waiting.len() == before {
            return;
        }
        if since.elapsed() > TRIED_FOR {
            state.give_up(&notice, "it was tried for a day");
        } else {
            state.waiting.push_back((since, notice));
        }
    }

    /// Tries until the channel has accepted the notice, for as long as that; gives the last failure.
    pub(crate) async fn insist(&self, notice: &Notice, within: Duration) -> Result<(), String> {
        let begun = Instant::now();
        let mut pause = SHORTEST_PAUSE;
        loop {
            let Err(error) = self.attempt(notice).await else { return Ok(()) };
            if begun.elapsed() + pause >= within {
                return Err(error.to_string());
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    /// Sends a notice, unless it was accepted already.
    async fn attempt(&self, notice: &Notice) -> Result<(), CarryError> {
        let mut accepted = self.accepted.lock().await;
        if accepted.contains(&notice.id) {
            return Ok(());
        }
        let sent = timeout(self.patience, self.carrier.carry(notice)).await;
        let sent = sent.unwrap_or(Err(CarryError::Send(SendError::TimedOut)));
        let now = self.clock.now();
        let status = &mut self.state().status;
        let channel = status.channel;
        match &sent {
            Ok(()) => {
                accepted.push_back(notice.id.clone());
                if accepted.len() > REMEMBERED {
                    accepted.pop_front();
                }
                status.delivered += 1;
                status.last_success = Some(now);
                tracing::info!(channel, id = notice.id, "a notice was delivered");
            }
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!(channel, id = notice.id, reason, "a notice can't be delivered; trying again");
                status.last_failure = Some((now, reason));
            }
        }
        sent
    }

    /// No code that can panic runs under the lock, so a poisoned one guards sound data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn give_up(&mut self, notice: &Notice, why: &str) {
        self.status.dropped += 1;
        let ChannelStatus { channel, dropped, .. } = self.status;
        tracing::warn!(channel, id = notice.id, dropped, why, "a notice is given up");
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use strongroom_core::SystemClock;

    use super::*;
    use crate::notice::{Severity, Topic};

    /// Takes notices once it is open; before that it refuses, which a real receiver can't be told to do so often.
    #[derive(Default)]
    struct Door {
        open: watch::Sender<bool>,
        taken: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Carrier for Arc<Door> {
        async fn carry(&self, notice: &Notice) -> Result<(), CarryError> {
            if !*self.open.borrow() {
                return Err(CarryError::Form("closed".to_owned()));
            }
            self.taken.lock().unwrap().push(notice.id.clone());
            Ok(())
        }
    }

    fn notice(id: usize) -> Arc<Notice> {
        let (topic, severity, at) = (Topic::Alert, Severity::Info, SystemClock.now());
        Arc::new(Notice {
            id: id.to_string(),
            topic,
            severity,
            at,
            summary: String::new(),
            facts: Vec::new(),
        })
    }

    fn line() -> (Arc<Door>, Arc<Line>) {
        let door = Arc::new(Door::default());
        let carrier = Box::new(Arc::clone(&door));
        let line = Line::new("test", carrier, Duration::from_secs(10), Arc::new(SystemClock));
        (door, Arc::new(line))
    }

    async fn run_to_the_end(line: &Arc<Line>) {
        let (stop, stopped) = watch::channel(false);
        stop.send_replace(true);
        Arc::clone(line).work(stopped).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_channel_has_accepted_it_is_not_given_again() {
        let (door, line) = line();
        line.insist(&notice(1), Duration::from_secs(5)).await.unwrap_err();
        assert!(line.status().last_failure.is_some());
        door.open.send_replace(true);
        line.insist(&notice(1), Duration::from_secs(5)).await.unwrap();
        line.insist(&notice(1), Duration::from_secs(5)).await.unwrap();
        line.queue(&notice(1));
        line.queue(&notice(2));
        line.queue(&notice(2));
        assert_eq!(line.status().waiting, 2);
        run_to_the_end(&line).await;
        assert_eq!(*door.taken.lock().unwrap(), ["1", "2"]);
        let status = line.status();
        assert_eq!((status.delivered, status.waiting, status.dropped), (2, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_tried_until_the_receiver_is_there_again() {
        let (door, line) = line();
        line.queue(&notice(1));
        line.queue(&notice(2));
        let (_stop, stopped) = watch::channel(false);
        let working = tokio::spawn(Arc::clone(&line).work(stopped));
        sleep(Duration::from_hours(2)).await;
        door.open.send_replace(true);
        while line.status().waiting > 0 {
            sleep(Duration::from_secs(1)).await;
        }
        let mut taken = door.taken.lock().unwrap().clone();
        taken.sort();
        assert_eq!(taken, ["1", "2"]);
        working.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_is_given_up_when_too_many_wait_and_any_after_a_day() {
        let (_door, line) = line();
        for id in 0..MOST_WAITING + 5 {
            line.queue(&notice(id));
        }
        let status = line.status();
        assert_eq!((status.waiting, status.dropped), (MOST_WAITING, 5));
        assert_eq!(line.state().waiting.front().unwrap().1.id, "5");
        sleep(TRIED_FOR + Duration::from_secs(1)).await;
        run_to_the_end(&line).await;
        let status = line.status();
        assert_eq!((status.waiting, status.dropped), (MOST_WAITING - 1, 6), "one attempt, one given up");
    }
}
