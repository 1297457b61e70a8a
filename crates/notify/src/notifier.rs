use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use strongroom_core::Clock;
use strongroom_outbound::SetUpError;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::line::Line;
use crate::notice::Notice;
use crate::status::ChannelStatus;

/// How long [`Notifier::deliver`] tries.
const DELIVER_WITHIN: Duration = Duration::from_secs(30);

/// Gets notices through to operators. Clones are one and the same.
#[derive(Clone)]
pub struct Notifier(Arc<Inner>);

struct Inner {
    lines: Vec<Arc<Line>>,
    stop: watch::Sender<bool>,
    /// The task of each channel; they end when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

/// Some channel has not accepted a notice.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a notice was not delivered by {}", listed(.0))]
pub struct DeliveryError(
    /// The channels that have not, and why.
    pub Vec<(&'static str, String)>,
);

fn listed(failures: &[(&'static str, String)]) -> String {
    let each: Vec<_> = failures.iter().map(|(channel, why)| format!("{channel} ({why})")).collect();
    each.join(" and ")
}

impl Notifier {
    /// Sends by these channels, none for a notifier that tells nobody. `node` names this server to receivers;
    /// `patience` is how long one attempt may take. To be called within a tokio runtime, which gets a task for each
    /// channel.
    pub fn new(
        channels: Vec<Channel>,
        node: &str,
        patience: Duration,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetUpError> {
        let mut lines = Vec::new();
        for channel in channels {
            let name = channel.name();
            let line = Line::new(name, channel.open(node)?, patience, Arc::clone(clock));
            lines.push(Arc::new(line));
        }
        let (stop, stopped) = watch::channel(false);
        let tasks = lines.iter().map(|line| Arc::clone(line).work(stopped.clone())).collect();
        Ok(Self(Arc::new(Inner { lines, stop, tasks: Mutex::new(tasks) })))
    }

    /// Whether there is any channel.
    pub fn has_channels(&self) -> bool {
        !self.0.lines.is_empty()
    }

    /// Returns once every channel has accepted the notice; tries for half a minute at most. What a channel has
    /// accepted it is not given again, so calling this anew with the same notice goes on where it failed.
    pub async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let attempts = self.0.lines.iter().map(async |line| {
            let delivered = line.insist(notice, DELIVER_WITHIN).await;
            delivered.err().map(|why| (line.status().channel, why))
        });
        let failures: Vec<_> = join_all(attempts).await.into_iter().flatten().collect();
        if failures.is_empty() { Ok(()) } else { Err(DeliveryError(failures)) }
    }

    /// Leaves a notice to the tasks in the background, which try for a day. Never waits; when a thousand notices
    /// wait for a channel, it gives up the oldest, and its status and the log say so. What waits when the process
    /// dies is lost.
    pub fn offer(&self, notice: Notice) {
        let notice = Arc::new(notice);
        for line in &self.0.lines {
            line.queue(&notice);
        }
    }

    /// How each channel does.
    pub fn status(&self) -> Vec<ChannelStatus> {
        self.0.lines.iter().map(|line| line.status()).collect()
    }

    /// Lets the tasks send what waits, for as long as that, and ends them.
    pub async fn stop(&self, patience: Duration) {
        self.0.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, ended).await.is_err() {
            tracing::warn!("notices were still waiting to be sent");
        }
    }
}
