//! The life of the server process.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use strongroom_api::turned_away;
use strongroom_core::KeyManager;
use strongroom_edge::{Connections, Refusals, Server, Stopping};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use crate::alerts::{Answering, Watching};
use crate::chore::{self, Chores, News};
use crate::doctor;
use crate::edge;
use crate::error::{RunError, chain};
use crate::expiry;
use crate::onlookers::{Onlookers, Seen};
use crate::operator::OperatorListener;
use crate::orders::Workers;
use crate::parts;
use crate::rotation::{Courtesy, Rotator};
use crate::service_manager;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::test_record::write_test_records;

/// How long forwarders and channels for notices may take to send what is left when the server stops. Records that
/// then still are left are sent after the next start.
const FORWARD_LAST: Duration = Duration::from_secs(3);

/// How often it is stored when secrets were last read. A crash loses what is not stored.
const STORE_READS_EVERY: Duration = Duration::from_mins(5);

/// How the server is to run.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The settings.
    pub settings: Settings,
    /// The service manager's credentials folder.
    pub credentials: Option<PathBuf>,
    /// Whether the database may be made when there is none.
    pub create: bool,
    /// What measures and follows its work.
    pub telemetry: Telemetry,
}

/// Serves until SIGTERM or SIGINT, then finishes what has begun. `ready` is told the URL, without `/v1`,
/// once requests are taken.
pub async fn serve(serving: Serving, ready: impl FnOnce(&str)) -> Result<Stopping, RunError> {
    let Serving { settings, credentials, create, telemetry } = serving;
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    // Before anything is opened: an address that is taken is the commonest reason not to start.
    let failed = |source| RunError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let lock_outs = edge::lock_outs(&settings);
    let operator = OperatorListener::open(&settings, &lock_outs).await?;
    let rules = edge::rules(&settings, lock_outs.clone())?;
    let parts = parts::open(&settings, credentials.as_deref(), create, &telemetry).await?;
    doctor::look_before_serving(&settings, credentials.as_deref())?;
    let answering = Answering {
        manager: parts.manager.clone(),
        notifier: parts.notifier.clone(),
        lock_outs: lock_outs.clone(),
    };
    let watching = Watching::start(parts.watch, answering, settings.audit.folder.clone());
    let refusals = Refusals::new(settings.edge.refusal_window);
    let mut chores = Chores::of(Arc::clone(&parts.repository));
    let (repository, manager) = (|| Arc::clone(&parts.repository), || parts.manager.clone());
    chores.begin(|_| expiry::look_after(repository(), manager(), settings.expiry.clone()));
    chores.begin(|news| expiry::read_certificates(manager(), news));
    chores.begin(|news| expiry::tell(manager(), parts.notifier.clone(), news));
    chores.begin(|news| forgetting(manager(), news));
    chores.begin(|news| errands(manager(), news));
    chores.begin(|_| storing_reads(manager()));
    chores.begin(|news| write_test_records(manager(), repository(), news));
    chores.begin(|_| edge::record_refusals(manager(), refusals.clone()));
    let courtesy = Courtesy::new(parts.api.taken(), settings.rotation.share_percent);
    let rotator =
        Rotator::start(&parts.manager, courtesy, chores.news()).await.map_err(RunError::Rotation)?;
    let workers = Workers::start(&parts.manager, settings.orders.workers, &mut chores);
    let scheme = if rules.tls.is_some() { "https" } else { "http" };
    let endpoint = format!("{scheme}://{address}");
    let patience = settings.limits.drain_timeout;
    let api =
        parts.api.taking_on(edge::admission(&settings.load, parts.capacity, lock_outs, refusals.clone()));
    let idle = api.idle();
    let connections = Connections::default();
    let stopping = Arc::new(AtomicBool::new(false));
    let seen = Seen {
        gauges: parts.gauges,
        repository: Arc::clone(&parts.repository),
        backends: parts.backends,
        at_hand: Box::new(api.at_hand()),
        connections: connections.clone(),
        refusals: refusals.clone(),
        stopping: Arc::clone(&stopping),
    };
    let onlookers = Onlookers::start(&telemetry, operator, seen, &settings, credentials);
    tracing::info!(endpoint, "serving");
    ready(&endpoint);
    service_manager::ready(&endpoint);
    chores.begin(|_| service_manager::keep_alive());
    let service = api.into_service();
    let server = Server::new(listener, service, turned_away, rules, settings.limits, refusals.clone());
    let told = async {
        signals.stop().await;
        stopping.store(true, Ordering::Relaxed);
    };
    let stopped = server.counting(connections).run(told, idle).await;
    workers.stop(patience).await;
    rotator.stop(patience).await;
    chores.end().await;
    edge::record(&parts.manager, refusals.take()).await;
    watching.stop(FORWARD_LAST).await;
    if let Err(error) = parts.manager.store_reads().await {
        tracing::warn!(error = chain(&error), "when secrets were last read is not stored");
    }
    onlookers.stop().await;
    // The journal closes with the last use of it, and its last records are still to be sent.
    drop(parts.manager);
    tokio::join!(parts.forwarding.stop(FORWARD_LAST), parts.notifier.stop(FORWARD_LAST));
    telemetry.stop().await;
    tracing::info!(?stopped, "stopped");
    Ok(stopped)
}

/// Has backends forget what is not stored any more.
async fn forgetting(manager: KeyManager, news: News) {
    let (left, work) = (|| manager.disposals().left(), || manager.disposals().work());
    chore::keep_at("what was deleted and is to be forgotten", news, left, work).await;
}

/// Does what operators ask for.
async fn errands(manager: KeyManager, news: News) {
    chore::keep_at("what an operator has asked for", news, pending, || async {
        Ok(manager.errands().work().await? || manager.reviews().work().await?)
    })
    .await;
}

/// Stores every few minutes when secrets were last read.
async fn storing_reads(manager: KeyManager) {
    loop {
        sleep(STORE_READS_EVERY).await;
        if let Err(error) = manager.store_reads().await {
            tracing::warn!(
                error = chain(&error),
                "when secrets were last read is not stored yet; trying again"
            );
        }
    }
}

/// What tells the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        service_manager::stopping();
        tracing::info!("stopping: no new connections; requests at hand are finished");
    }
}
