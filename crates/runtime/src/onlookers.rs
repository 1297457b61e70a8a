//! Whoever looks on while a server serves: what reads its metrics, surveys what it keeps, and answers operators.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use strongroom_core::ports::SecretBackend;
use strongroom_edge::{Connections, Refusals};
use strongroom_storage::SqliteRepository;
use tokio::task::JoinSet;

use crate::gauges::Gauges;
use crate::operator::{AtWork, Desk, OperatorListener, Readiness};
use crate::settings::Settings;
use crate::telemetry::{Latest, Surveyor, Telemetry, Watched, watch};

/// What they see.
pub(crate) struct Seen {
    pub(crate) gauges: Gauges,
    pub(crate) repository: Arc<SqliteRepository>,
    pub(crate) backends: Vec<Arc<dyn SecretBackend>>,
    /// How many requests are at hand.
    pub(crate) at_hand: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) connections: Connections,
    pub(crate) refusals: Refusals,
    /// Whether the server is about to stop.
    pub(crate) stopping: Arc<AtomicBool>,
}

/// They, at work; nobody where nothing is measured.
pub(crate) struct Onlookers {
    survey: JoinSet<()>,
    operator: Option<AtWork>,
}

impl Onlookers {
    /// Begins to look.
    pub(crate) fn start(
        telemetry: &Telemetry,
        operator: Option<OperatorListener>,
        seen: Seen,
        settings: &Settings,
        credentials: Option<PathBuf>,
    ) -> Self {
        let mut survey = JoinSet::new();
        let Some(meters) = telemetry.meters() else { return Self { survey, operator: None } };
        let Seen { gauges, repository, backends, at_hand, connections, refusals, stopping } = seen;
        let latest = Arc::new(Latest::default());
        let watched = Watched {
            gauges: gauges.clone(),
            at_hand,
            connections,
            refusals: refusals.clone(),
            repository: Arc::downgrade(&repository),
            latest: Arc::clone(&latest),
            tls: settings.tls.clone(),
        };
        watch(meters, watched);
        let surveyor = Surveyor {
            repository: Arc::clone(&repository),
            backends: backends.clone(),
            settings: settings.clone(),
            credentials,
            latest,
        };
        survey.spawn(surveyor.look_after());
        let operator = operator.map(|listener| {
            let readiness = Readiness { gauges, repository, backends, stopping };
            listener.serve(Desk { meters: Arc::clone(meters), readiness }, settings, refusals)
        });
        Self { survey, operator }
    }

    /// Ends, and lets go of all parts.
    pub(crate) async fn stop(mut self) {
        self.survey.shutdown().await;
        if let Some(operator) = self.operator {
            operator.stop().await;
        }
    }
}
