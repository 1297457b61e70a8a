//! The metrics that others count anyway, each read where it is counted.

use std::sync::{Arc, Weak};
use std::time::Instant;

use strongroom_crypto_pkcs11::TokenState;
use strongroom_edge::{Connections, Refusals, TlsFiles};
use strongroom_storage::SqliteRepository;
use strongroom_telemetry::{Meters, catalogue};

use super::process;
use super::survey::Latest;
use crate::gauges::Gauges;

/// What there is to read of a running server.
pub(crate) struct Watched {
    pub(crate) gauges: Gauges,
    pub(crate) at_hand: Box<dyn Fn() -> u64 + Send + Sync>,
    pub(crate) connections: Connections,
    pub(crate) refusals: Refusals,
    /// Not to be kept open by being looked at.
    pub(crate) repository: Weak<SqliteRepository>,
    pub(crate) latest: Arc<Latest>,
    pub(crate) tls: Option<TlsFiles>,
}

/// Has all of it read whenever the metrics are.
pub(crate) fn watch(meters: &Meters, watched: Watched) {
    let Watched { gauges, at_hand, connections, refusals, repository, latest, tls } = watched;
    meters.watch(&catalogue::ACTIVE_REQUESTS, move |telling| telling.whole(at_hand(), &[]));
    watch_edge(meters, connections, refusals);
    watch_journal(meters, &gauges);
    watch_forwarders(meters, &gauges);
    meters.watch(&catalogue::COMMITS, {
        let repository = Weak::clone(&repository);
        move |telling| {
            if let Some(repository) = repository.upgrade() {
                telling.whole(repository.statistics().commits, &[]);
            }
        }
    });
    meters.watch(&catalogue::CHANGES, move |telling| {
        if let Some(repository) = repository.upgrade() {
            telling.whole(repository.statistics().changes, &[]);
        }
    });
    meters.watch(&catalogue::TOKEN_UP, move |telling| {
        for status in (gauges.tokens)() {
            telling.state(status.state == TokenState::Ready, &[&status.token]);
        }
    });
    Latest::watch(&latest, meters, tls);
    watch_process(meters);
}

fn watch_edge(meters: &Meters, connections: Connections, refusals: Refusals) {
    meters.watch(&catalogue::CONNECTIONS, {
        let connections = connections.clone();
        move |telling| telling.whole(connections.open(), &[])
    });
    meters.watch(&catalogue::ACCEPTED, move |telling| telling.whole(connections.accepted(), &[]));
    meters.watch(&catalogue::TURNED_AWAY, move |telling| {
        for (refusal, times) in refusals.totals() {
            telling.whole(times, &[refusal.code()]);
        }
    });
}

fn watch_journal(meters: &Meters, gauges: &Gauges) {
    let gate = Arc::clone(&gauges.gate);
    meters.watch(&catalogue::JOURNAL_OPEN, move |telling| telling.state(gate().is_ok(), &[]));
    let stats = || Arc::clone(&gauges.journal);
    let journal = stats();
    meters.watch(&catalogue::JOURNAL_RECORDS, move |telling| telling.whole(journal().records, &[]));
    let journal = stats();
    meters.watch(&catalogue::JOURNAL_SEGMENT, move |telling| telling.whole(journal().segment, &[]));
    let journal = stats();
    meters.watch(&catalogue::JOURNAL_SEGMENT_SIZE, move |telling| {
        telling.whole(journal().segment_bytes, &[]);
    });
    let journal = stats();
    meters.watch(&catalogue::JOURNAL_OWED, move |telling| telling.whole(journal().owed, &[]));
}

fn watch_forwarders(meters: &Meters, gauges: &Gauges) {
    let forwarders = || Arc::clone(&gauges.forwarders);
    let all = forwarders();
    meters.watch(&catalogue::FORWARDER_LAG, move |telling| {
        for forwarder in all() {
            telling.real(forwarder.lag.as_secs_f64(), &[&forwarder.name]);
        }
    });
    let all = forwarders();
    meters.watch(&catalogue::FORWARDER_SPOOL, move |telling| {
        for forwarder in all() {
            telling.whole(forwarder.spool_bytes, &[&forwarder.name]);
        }
    });
    let all = forwarders();
    meters.watch(&catalogue::FORWARDER_DELIVERED, move |telling| {
        for forwarder in all() {
            telling.whole(forwarder.delivered, &[&forwarder.name]);
        }
    });
    let all = forwarders();
    meters.watch(&catalogue::FORWARDER_UP, move |telling| {
        for forwarder in all() {
            telling.state(forwarder.failure.is_none(), &[&forwarder.name]);
        }
    });
    let all = forwarders();
    meters.watch(&catalogue::FORWARDER_LAST_SUCCESS, move |telling| {
        for forwarder in all() {
            if let Some(at) = forwarder.last_success {
                telling.real(super::survey::age(at).as_secs_f64(), &[&forwarder.name]);
            }
        }
    });
}

fn watch_process(meters: &Meters) {
    meters.watch(&catalogue::BUILD, |telling| telling.whole(1, &[env!("CARGO_PKG_VERSION")]));
    meters.watch(&catalogue::MEMORY, |telling| {
        if let Some(bytes) = process::resident() {
            telling.whole(bytes, &[]);
        }
    });
    meters.watch(&catalogue::DESCRIPTORS, |telling| {
        if let Some(number) = process::descriptors() {
            telling.whole(number, &[]);
        }
    });
    let started = Instant::now();
    meters.watch(&catalogue::UPTIME, move |telling| telling.real(started.elapsed().as_secs_f64(), &[]));
}
