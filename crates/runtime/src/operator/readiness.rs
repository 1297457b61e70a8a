use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use strongroom_core::ports::SecretBackend;
use strongroom_crypto_pkcs11::TokenState;
use strongroom_storage::SqliteRepository;
use tokio::time::timeout;

use crate::ask::ask;
use crate::error::chain;
use crate::gauges::Gauges;

/// How long a part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the server can do its work, part by part.
pub(crate) struct Readiness {
    pub(crate) gauges: Gauges,
    pub(crate) repository: Arc<SqliteRepository>,
    pub(crate) backends: Vec<Arc<dyn SecretBackend>>,
    pub(crate) stopping: Arc<AtomicBool>,
}

/// The answer to whether it can.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Whether every part that is needed is well.
    pub(super) ready: bool,
    parts: Vec<Standing>,
}

/// How one part is.
#[derive(Debug, Serialize)]
struct Standing {
    part: &'static str,
    /// Which of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether the server is not ready without it.
    needed: bool,
    well: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How long the oldest record waits that a forwarder has not delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<f64>,
}

impl Standing {
    fn new(part: &'static str, name: Option<String>, needed: bool, ill: Option<String>) -> Self {
        Self { part, name, needed, well: ill.is_none(), reason: ill, lag_seconds: None }
    }
}

impl Readiness {
    /// Asks every part how it is.
    pub(super) async fn report(&self) -> Report {
        let stopping = self.stopping.load(Ordering::Relaxed).then(|| "it is stopping".to_owned());
        let database = self.database().await;
        let journal = (self.gauges.gate)().err().map(|error| error.reason);
        let mut parts = vec![
            Standing::new("server", None, true, stopping),
            Standing::new("database", None, true, database),
            Standing::new("journal", None, true, journal),
        ];
        for backend in &self.backends {
            let ill = match timeout(PATIENCE, backend.health()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some(late()),
            };
            parts.push(Standing::new("store", Some(backend.id().to_string()), true, ill));
        }
        // One that is needed and lags too far closes the journal, which has been told of by then.
        for forwarder in (self.gauges.forwarders)() {
            let lag_seconds = Some(forwarder.lag.as_secs_f64());
            let standing = Standing::new("forwarder", Some(forwarder.name), false, forwarder.failure);
            parts.push(Standing { lag_seconds, ..standing });
        }
        // Any one of them will do, which their store tells.
        for token in (self.gauges.tokens)() {
            let ill = (token.state != TokenState::Ready).then(|| token.reason.unwrap_or_default());
            parts.push(Standing::new("token", Some(token.token), false, ill));
        }
        let ready = parts.iter().all(|part| part.well || !part.needed);
        Report { ready, parts }
    }

    async fn database(&self) -> Option<String> {
        let asked = ask(&self.repository, |reader| reader.milestones().map(drop));
        match timeout(PATIENCE, asked).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some(late()),
        }
    }
}

fn late() -> String {
    format!("no answer within {} seconds", PATIENCE.as_secs())
}
