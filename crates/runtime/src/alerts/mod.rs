//! What the rules for alerts find is put on record and told, and those whom they name are kept out.

mod known;
mod notice;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_alerts::{Alert, LockOut, Offender, Responder, Watch};
use strongroom_core::audit::{Action, Reason, Target};
use strongroom_core::{KeyManager, ProjectId, SecretId, Timestamp, UserId};
use strongroom_edge::LockOuts;
use strongroom_notify::Notifier;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// The watch at work.
pub(crate) struct Watching {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Watching {
    /// Starts it, and, where a rule asks, reading from the journal who has read before.
    pub(crate) fn start(watch: Watch, answering: Answering, journal: PathBuf) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (told, readers) = oneshot::channel();
        if watch.needs_readers() {
            let until = answering.manager.now();
            tokio::task::spawn_blocking(move || {
                // Nobody waits for it when the server has stopped meanwhile.
                told.send(known::readers(&journal, until)).ok();
            });
        }
        let task = tokio::spawn(async move { watch.run(&answering, readers, stopped).await });
        Self { stop, task }
    }

    /// Lets it look at what is on record already, for as long as that, and ends it.
    pub(crate) async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
            self.task.await.ok();
        }
    }
}

/// Does what the rules ask for.
pub(crate) struct Answering {
    pub(crate) manager: KeyManager,
    pub(crate) notifier: Notifier,
    pub(crate) lock_outs: LockOuts,
}

#[async_trait]
impl Responder for Answering {
    async fn raise(&self, alert: Alert) {
        let target = Target::Alert(format!("{}: {}", alert.rule, alert.subject));
        let reason = Reason { times: alert.count, ..Reason::of(alert.kind) };
        self.record(Action::AlertRaise, target, reason).await;
        self.notifier.offer(notice::of(&alert));
    }

    async fn lock_out(&self, lock_out: LockOut) {
        let LockOut { rule, whom, time } = lock_out;
        let fresh = match &whom {
            Offender::Source(address) => self.lock_outs.lock_source(*address, time),
            Offender::Caller(who) => {
                let project = who.project.as_ref().map(ProjectId::as_str);
                let user = who.user.as_ref().map(UserId::as_str);
                self.lock_outs.lock_caller(&(project, user), time)
            }
        };
        if fresh {
            let target = Target::LockOut(format!("{rule}: {} s, {whom}", time.as_secs()));
            self.record(Action::LockOutBegin, target, Reason::of("alert-rule")).await;
        }
    }

    async fn created(&self, secret: SecretId) -> Option<Timestamp> {
        self.manager.secret_created(secret).await.ok().flatten()
    }
}

impl Answering {
    /// What can't be recorded is told nevertheless: there is no answer to hold back.
    async fn record(&self, action: Action, target: Target, reason: Reason) {
        tracing::warn!(%target, reason = reason.code, times = reason.times, "what looks like an attack");
        if let Err(error) = self.manager.note_own(action, target, reason).await {
            tracing::error!(%error, "an alert is not on record");
        }
    }
}
