//! Opens the parts that the settings name and puts the key manager together.

use std::path::Path;
use std::sync::Arc;

use strongroom_alerts::{Watch, watch};
use strongroom_api::Api;
use strongroom_audit::{Forwarding, Journal, Options};
use strongroom_core::access::PolicyRules;
use strongroom_core::ports::{AuditSink as _, SecretBackend};
use strongroom_core::{Builder, KeyManager, StartError, SystemClock};
use strongroom_edge::Capacity;
use strongroom_notify::Notifier;
use strongroom_storage::{OpenError, OpenOptions, SqliteRepository};
use strongroom_telemetry::{WatchedRepository, WatchedSink};

use crate::authenticator::authenticator;
use crate::backends::{self, Backends};
use crate::edge;
use crate::error::RunError;
use crate::gauges::Gauges;
use crate::master_key::{CanaryVerdict, judge, needed_keys};
use crate::notices::notifier;
use crate::policy_file::PolicyFile;
use crate::settings::{PolicySection, Settings};
use crate::telemetry::Telemetry;

/// What a running server holds.
pub(crate) struct Parts {
    pub(crate) manager: KeyManager,
    pub(crate) api: Api,
    pub(crate) repository: Arc<SqliteRepository>,
    pub(crate) backends: Vec<Arc<dyn SecretBackend>>,
    pub(crate) forwarding: Forwarding,
    pub(crate) notifier: Notifier,
    pub(crate) watch: Watch,
    pub(crate) gauges: Gauges,
    pub(crate) capacity: Capacity,
}

/// Opens every part; the first that refuses stops the start. Nothing is changed on disk before the master
/// key has been proved to be the database's own.
pub(crate) async fn open(
    settings: &Settings,
    credentials: Option<&Path>,
    create: bool,
    telemetry: &Telemetry,
) -> Result<Parts, RunError> {
    let Backends { all: backends, tokens } = backends::open(settings, credentials).await?;
    let authenticator = authenticator(&settings.identity, credentials)?;
    let rules = policy_rules(&settings.policy)?;
    let database = OpenOptions { create, upgrade: create || settings.storage.upgrade_at_start };
    let used = was_used(settings, &backends, database).await?;
    let capacity = edge::capacity(&settings.load);
    let load = capacity.clone();
    let options = Options {
        // A database that was used had a journal: one that is gone is missed, not begun anew.
        create: !used,
        segment_bytes: settings.audit.segment_bytes,
        checkpoint_every: settings.audit.checkpoint_every,
        on_sync: telemetry.on_sync(),
        gathers: Some(Arc::new(move || load.is_exceeded())),
        ..Options::default()
    };
    let journal = Journal::open(&settings.audit.folder, options).map_err(RunError::Audit)?;
    // After the journal, which may refuse: once the database has been opened for writing, the log that a
    // crash left is copied into it.
    let opened = SqliteRepository::open(&settings.storage.file, database).map_err(RunError::Storage)?;
    let repository = Arc::new(opened);
    let notifier = notifier(&settings.notices, journal.node())?;
    let forwarders = settings.audit.forwarders.clone();
    let journal_stats = journal.gauge();
    let (forwarding, gate) =
        Forwarding::start(journal, forwarders, Arc::new(SystemClock)).map_err(RunError::Forwarders)?;
    let gauges = Gauges {
        journal: Arc::new(journal_stats),
        gate: Arc::new(gate.gauge()),
        forwarders: Arc::new(forwarding.gauge()),
        tokens: Arc::new(move || tokens.as_ref().map_or_else(Vec::new, |tokens| tokens.statuses())),
    };
    let builder = backends
        .iter()
        .map(|backend| telemetry.backend(Arc::clone(backend)))
        .fold(KeyManager::builder(), Builder::shared_backend);
    let builder = if telemetry.traces().is_some() {
        builder.repository(WatchedRepository::new(Arc::clone(&repository)))
    } else {
        builder.repository(Arc::clone(&repository))
    };
    let (spout, watch) = watch(settings.alerts.rules.clone(), strongroom_edge::source);
    let sink = spout.tap(gate);
    let builder = match telemetry.meters() {
        Some(meters) => builder.audit(WatchedSink::new(sink, meters)),
        None => builder.audit(sink),
    };
    let manager = builder
        .policy(settings.policy.rule_set, rules)
        .quotas(settings.quotas)
        .windows(settings.expiry.windows.clone())
        .undo_window(settings.deletion.undo)
        .note_reads()
        .build()
        .await
        .map_err(RunError::Start)?;
    let api = Api::new(manager.clone(), authenticator, settings.api.clone());
    let api = match telemetry.observer() {
        Some(observer) => api.observed_by(observer),
        None => api,
    };
    Ok(Parts { manager, api, repository, backends, forwarding, notifier, watch, gauges, capacity })
}

/// The operator's own access rules.
pub(crate) fn policy_rules(section: &PolicySection) -> Result<PolicyRules, RunError> {
    match &section.file {
        Some(path) => {
            let file = PolicyFile::load(path, section.rule_set).map_err(RunError::Policy)?;
            Ok(file.rules().clone())
        }
        None => Ok(PolicyRules::new()),
    }
}

/// Whether a key manager has run on this database before. When one has, the keys at hand are held against
/// the database's canaries here already, before anything is opened for writing.
async fn was_used(
    settings: &Settings,
    backends: &[Arc<dyn SecretBackend>],
    options: OpenOptions,
) -> Result<bool, RunError> {
    let path = &settings.storage.file;
    if !options.create && !path.exists() {
        return Err(RunError::Storage(OpenError::Missing { path: path.clone() }));
    }
    let mut used = false;
    for backend in backends {
        let needed = match needed_keys(settings, backend.id()) {
            Ok(needed) => needed,
            // Only the upgrade makes it readable; that it has a schema at all shows that it was used.
            Err(RunError::Storage(OpenError::Older { .. })) if options.upgrade => return Ok(true),
            Err(error) => return Err(error),
        };
        used |= !needed.is_empty();
        for record in needed.into_iter().filter(|record| record.state.is_needed()) {
            let verdict = judge(backend.as_ref(), &record).await?;
            let (backend, version) = (record.backend, record.version);
            match verdict {
                CanaryVerdict::Right | CanaryVerdict::Retired | CanaryVerdict::Unused => {}
                CanaryVerdict::Wrong => {
                    return Err(RunError::Start(StartError::WrongMasterKey { backend, version }));
                }
                CanaryVerdict::Missing => {
                    return Err(RunError::Start(StartError::MissingMasterKey { backend, version }));
                }
            }
        }
    }
    Ok(used)
}
