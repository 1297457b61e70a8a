use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use strongroom_core::Clock;
use strongroom_core::ports::{AuditError, AuditSink as _};
use strongroom_outbound::SetUpError;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::cursor::Cursor;
use super::destination::{Destination, ForwarderOptions};
use super::follow::Follower;
use super::forwarder::Forwarder;
use super::gate::Gate;
use super::progress::{ForwarderStatus, Progress};
use super::receiver::Receiver;
use super::{cadf_file, otlp, syslog, webhook};
use crate::error::FileError;
use crate::journal::Journal;
use crate::position::Position;

/// Why forwarders can't be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// One can't be set up from its settings.
    #[error("the forwarder {name:?} can't be set up")]
    SetUp {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: SetUpError,
    },
    /// A cursor, or the thread, can't be had.
    #[error(transparent)]
    File(#[from] FileError),
}

/// All forwarders of a journal, at work. Dropping it stops them where they are.
pub struct Forwarding {
    watch: Arc<Watch>,
    stop: watch::Sender<bool>,
    ended: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is known about all forwarders, for whoever asks while they work.
pub(super) struct Watch {
    folder: PathBuf,
    durable: watch::Receiver<Position>,
    clock: Arc<dyn Clock>,
    all: Vec<Arc<Progress>>,
}

impl Watch {
    fn status(&self) -> Vec<ForwarderStatus> {
        let (durable, now) = (*self.durable.borrow(), self.clock.now());
        self.all.iter().map(|progress| progress.status(&self.folder, durable, now)).collect()
    }

    /// Whether every required forwarder is within its bound.
    pub(super) fn check(&self) -> Result<(), AuditError> {
        for progress in &self.all {
            let Some(bound) = progress.required else { continue };
            let lag = progress.lag(*self.durable.borrow(), self.clock.now());
            if lag > bound {
                let name = &progress.name;
                let failure = progress.failure().clone().unwrap_or_else(|| "it is too slow".to_owned());
                let reason = format!(
                    "the required forwarder {name:?} is {} seconds behind, {} are allowed: {failure}",
                    lag.as_secs(),
                    bound.as_secs()
                );
                return Err(AuditError { reason });
            }
        }
        Ok(())
    }
}

impl Forwarding {
    /// Begins to forward that journal, and gives it back behind a gate that required forwarders can close.
    pub fn start(
        journal: Journal,
        forwarders: Vec<ForwarderOptions>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Gate), ForwardError> {
        let (folder, durable) = (journal.folder().to_owned(), journal.durable());
        let (stop, stopped) = watch::channel(false);
        let (mut all, mut tasks) = (Vec::new(), Vec::new());
        for ForwarderOptions { name, to, required, timeout: patience } in forwarders {
            let receiver = receiver(to, journal.node())
                .map_err(|source| ForwardError::SetUp { name: name.clone(), source })?;
            let cursor = Cursor::open(&folder, &name)?;
            let progress = Arc::new(Progress::new(name, required, cursor.stored(), clock.now()));
            all.push(Arc::clone(&progress));
            tasks.push(Forwarder {
                follower: Follower::new(folder.clone(), cursor.stored()),
                cursor,
                receiver,
                patience,
                progress,
                clock: Arc::clone(&clock),
                durable: durable.clone(),
                stop: stopped.clone(),
            });
        }
        let (ending, ended) = oneshot::channel();
        let failed = FileError::when("start the thread that forwards", &folder);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let spawned = runtime.and_then(|runtime| {
            thread::Builder::new().name("audit-forward".to_owned()).spawn(move || {
                let _ending: oneshot::Sender<()> = ending;
                runtime.block_on(async {
                    let mut tasks: JoinSet<()> = tasks.into_iter().map(Forwarder::run).collect();
                    while let Some(ended) = tasks.join_next().await {
                        if ended.is_err() {
                            tracing::error!("an audit forwarder has ended by a fault");
                        }
                    }
                });
            })
        });
        let thread = Some(spawned.map_err(failed)?);
        let watch = Arc::new(Watch { folder, durable, clock, all });
        let gate = Gate::new(journal, Arc::clone(&watch));
        Ok((Self { watch, stop, ended: Some(ended), thread }, gate))
    }

    /// How each forwarder does, in the order given. Looks at the journal's files, without waiting for anything.
    pub fn status(&self) -> Vec<ForwarderStatus> {
        self.watch.status()
    }

    /// Tells the same, whenever it is asked.
    pub fn gauge(&self) -> impl Fn() -> Vec<ForwarderStatus> + Send + Sync + use<> {
        let watch = Arc::clone(&self.watch);
        move || watch.status()
    }

    /// Lets the forwarders send what there is, for as long as that. What is left is sent after the next start.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        if let Some(ended) = self.ended.take()
            && tokio::time::timeout(patience, ended).await.is_ok()
            && let Some(thread) = self.thread.take()
        {
            // It has nothing left to do but to end.
            thread.join().ok();
        }
    }
}

fn receiver(to: Destination, node: &str) -> Result<Box<dyn Receiver>, SetUpError> {
    Ok(match to {
        Destination::Syslog { to, max_message } => {
            Box::new(syslog::SyslogRecords::new(to, node, max_message)?)
        }
        Destination::Webhook { url, secret, tls } => {
            Box::new(webhook::Webhook::new(&url, &secret, &tls, node)?)
        }
        Destination::Otlp { url, tls } => Box::new(otlp::Otlp::new(&url, &tls, node)?),
        Destination::CadfFile(path) => Box::new(cadf_file::CadfFile::new(path, node)?),
    })
}
