//! The API over parts wired by hand, with an audit sink of one's own: it keeps the newest records in memory,
//! where the journal makes each one durable before anything is answered.
//!
//! `own_audit_sink memory|journal FOLDER [noting]` prints its address and serves plain HTTP to this machine, to whoever
//! claims to be whom. The bench measures the price of durable records by the two, and that of noting when secrets are
//! read by one with `noting` and one without.
#![expect(clippy::print_stdout, reason = "an example tells where it answers")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_api::{Api, ApiSettings, turned_away};
use strongroom_audit::{Journal, Options};
use strongroom_core::audit::Event;
use strongroom_core::ports::{AuditError, AuditSink, BackendId, OpenChange};
use strongroom_core::{Builder, Clock as _, KeyManager, SystemClock};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_edge::{Limits, Refusals, Rules, Server};
use strongroom_identity::UnauthenticatedContext;
use strongroom_storage::{OpenOptions, SqliteRepository};
use tokio::net::TcpListener;

/// How many records are remembered.
const REMEMBERED: usize = 10_000;
/// How often it is stored when secrets were read: sixty times as often as the server does it.
const STORE_EVERY: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(sink), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: own_audit_sink memory|journal FOLDER [noting]".into());
    };
    let folder = Path::new(&folder);
    std::fs::create_dir(folder)?;
    let parts = parts(folder)?;
    let parts = match &*sink {
        "memory" => parts.audit(Remembered::default()),
        _ => parts
            .audit(Journal::open(&folder.join("journal"), Options { create: true, ..Options::default() })?),
    };
    let notes_reads = arguments.next().as_deref() == Some("noting");
    let parts = if notes_reads { parts.note_reads() } else { parts };
    let manager: KeyManager = parts.build().await?;
    if notes_reads {
        tokio::spawn(store_reads(manager.clone()));
    }
    let service = Api::new(manager, Arc::new(UnauthenticatedContext), ApiSettings::default()).into_service();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let refusals = Refusals::new(Duration::from_mins(1));
    let server = Server::new(listener, service, turned_away, Rules::default(), Limits::default(), refusals);
    server.run(std::future::pending(), async {}).await;
    Ok(())
}

/// Has it stored when secrets were read, as long as that works.
async fn store_reads(manager: KeyManager) {
    while manager.store_reads().await.is_ok() {
        tokio::time::sleep(STORE_EVERY).await;
    }
}

/// Where secrets are kept, and what seals them.
fn parts(folder: &Path) -> Result<Builder, Box<dyn std::error::Error>> {
    let key_file = folder.join("master.key");
    create_key_file(&key_file, SystemClock.now())?;
    let keys = MasterKeys::load(&key_file)?;
    let options = OpenOptions { create: true, upgrade: true };
    Ok(KeyManager::builder()
        .repository(SqliteRepository::open(&folder.join("secrets.sqlite"), options)?)
        .backend(SoftBackend::new(BackendId::new("soft"), keys, Caching::default())?))
}

/// The newest records, which are gone when the process is: nothing to run a key manager on.
#[derive(Default)]
struct Remembered(Mutex<VecDeque<Event>>);

#[async_trait::async_trait]
impl AuditSink for Remembered {
    async fn record(&self, event: Event) -> Result<(), AuditError> {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == REMEMBERED {
            events.pop_front();
        }
        events.push_back(event);
        Ok(())
    }

    async fn open_changes(&self) -> Result<Vec<OpenChange>, AuditError> {
        Ok(Vec::new())
    }

    fn health(&self) -> Result<(), AuditError> {
        Ok(())
    }

    fn node(&self) -> &'static str {
        "memory"
    }
}
