//! Questions to whichever of several servers answers, over a few connections that are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_core::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::KmipError;
use crate::protocol::{Fault, Reply, Request};
use crate::rest::Rest;
use crate::tls::TlsFiles;

/// Longest time that a connection is kept unused: firewalls forget silent connections after a few minutes.
const LONGEST_IDLE: Duration = Duration::from_mins(1);
/// Longest time that a connection is used, so that the first server is returned to after it has recovered.
const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// How a client reaches its servers.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The servers, all holding the same objects, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// What mutual TLS needs.
    pub tls: TlsFiles,
    /// How many connections there are at most.
    pub connections: usize,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub answer_timeout: Duration,
}

impl ClientSettings {
    /// Four connections, two seconds to connect, five to answer.
    pub fn new(endpoints: Vec<Endpoint>, tls: TlsFiles) -> Self {
        Self {
            endpoints,
            tls,
            connections: 4,
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
        }
    }
}

/// A client of one KMIP server, or of several that hold the same objects.
pub struct Client {
    settings: ClientSettings,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
    /// One for each endpoint.
    rests: Mutex<Vec<Rest>>,
}

/// Until when certificates are good.
#[derive(Debug, Clone, Copy)]
pub struct CertificateEnds {
    /// The client's own.
    pub own: Timestamp,
    /// The server's.
    pub server: Option<Timestamp>,
}

impl Client {
    /// Connects to nobody yet.
    pub fn new(settings: ClientSettings) -> Self {
        let rests = settings.endpoints.iter().map(|_| Rest::default()).collect();
        let turns = Semaphore::new(settings.connections.max(1));
        Self { settings, turns, idle: Mutex::default(), rests: Mutex::new(rests) }
    }

    /// Asks, and has `read` take what is wanted out of the answer while it is in memory that is then wiped.
    ///
    /// A question that can be asked twice without harm is asked again, of whichever server can be reached,
    /// when the connection failed it. When the future is dropped, its connection is dropped too.
    pub async fn ask<T>(
        &self,
        request: &Request<'_>,
        read: impl Fn(&Reply<'_>) -> Result<T, Fault>,
    ) -> Result<T, KmipError> {
        let limit = self.settings.answer_timeout;
        let Ok(Ok(_turn)) = timeout(limit, self.turns.acquire()).await else {
            return Err(KmipError::Busy { limit });
        };
        // Each server fails a kept connection and a fresh one at most.
        let mut attempts = self.settings.endpoints.len().saturating_mul(2);
        let mut failure = None;
        loop {
            let (connection, fresh) = match self.fit_connection() {
                Some(connection) => (connection, false),
                None => match (self.connect().await, failure) {
                    (Ok(connection), _) => (connection, true),
                    // That all rest by now says less than what went wrong.
                    (Err(KmipError::Resting { .. }), Some(before)) => return Err(before),
                    (Err(error), _) => return Err(error),
                },
            };
            let endpoint = connection.endpoint().to_owned();
            let (told, connection) = connection.ask(request, limit, &read).await;
            if let Some(connection) = connection {
                lock(&self.idle).push(connection);
            }
            match told {
                Err(error) if error.is_about_the_connection() => {
                    tracing::warn!(error = %self::told(&error), "a connection to a KMIP server is given up");
                    // A kept connection may have ended with a restart of its server, which is up again.
                    if fresh || matches!(error, KmipError::TimedOut { .. }) {
                        self.failed(&endpoint, &error);
                    }
                    // What happened to one connection has most likely happened to its neighbours.
                    lock(&self.idle).retain(|connection| connection.endpoint() != endpoint);
                    attempts = attempts.saturating_sub(1);
                    if attempts == 0 || !request.is_repeatable() {
                        return Err(error);
                    }
                    failure = Some(error);
                }
                told => {
                    self.recovered(&endpoint);
                    return told;
                }
            }
        }
    }

    /// Until when the certificates are good, by a connection made for it.
    pub async fn certificate_ends(&self) -> Result<CertificateEnds, KmipError> {
        let own = self.settings.tls.own_certificate_ends()?;
        let connection = self.connect().await?;
        let server = connection.server_certificate_ends();
        lock(&self.idle).push(connection);
        Ok(CertificateEnds { own, server })
    }

    /// The server whose connection would be used next, for people.
    pub fn first_endpoint(&self) -> String {
        let idle = lock(&self.idle).last().map(|connection| connection.endpoint().to_owned());
        idle.or_else(|| self.settings.endpoints.first().map(ToString::to_string)).unwrap_or_default()
    }

    /// The connection that was used last, so that those that are not needed grow old.
    fn fit_connection(&self) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.retain(|connection| connection.is_fit(LONGEST_IDLE, LONGEST_LIFE));
        idle.pop()
    }

    /// Connects to the first server that can be reached and does not rest.
    async fn connect(&self) -> Result<Connection, KmipError> {
        let mut last = None;
        for (place, endpoint) in self.settings.endpoints.iter().enumerate() {
            let resting = {
                let rests = lock(&self.rests);
                let rest = rests.get(place).and_then(|rest| rest.remaining(Instant::now()));
                rest.map(|(wait, why)| KmipError::Resting { wait, last: why.to_owned() })
            };
            let error = match resting {
                Some(resting) => resting,
                None => match Connection::open(endpoint, &self.settings.tls, self.settings.connect_timeout)
                    .await
                {
                    Ok(connection) => return Ok(connection),
                    Err(error) => {
                        tracing::warn!(error = %told(&error), "no connection to a KMIP server");
                        self.failed(&endpoint.to_string(), &error);
                        error
                    }
                },
            };
            // A failure of this moment tells more than one of before.
            if last.is_none() || !matches!(error, KmipError::Resting { .. }) {
                last = Some(error);
            }
        }
        Err(last
            .unwrap_or(KmipError::Resting { wait: Duration::ZERO, last: "no server is named".to_owned() }))
    }

    fn failed(&self, endpoint: &str, error: &KmipError) {
        self.with_rest(endpoint, |rest| rest.failed(Instant::now(), told(error)));
    }

    fn recovered(&self, endpoint: &str) {
        self.with_rest(endpoint, Rest::recovered);
    }

    fn with_rest(&self, endpoint: &str, act: impl FnOnce(&mut Rest)) {
        let mut rests = lock(&self.rests);
        let named = self.settings.endpoints.iter().position(|known| known.to_string() == endpoint);
        if let Some(rest) = named.and_then(|place| rests.get_mut(place)) {
            act(rest);
        }
    }
}

/// An error with its cause.
fn told(error: &KmipError) -> String {
    let cause = std::error::Error::source(error).map_or(String::new(), |source| format!(": {source}"));
    format!("{error}{cause}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
