use std::time::Duration;

/// How patient the server is, and how much it takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections served at once; more wait in the system's queue.
    pub connections: usize,
    /// Connections served at once for one source; more are closed. Loopback and named proxies are exempt.
    pub source_connections: usize,
    /// How long the PROXY header and the TLS handshake may take together.
    pub handshake_timeout: Duration,
    /// How long a new connection may take from there until the head of its first request has arrived.
    pub header_timeout: Duration,
    /// How long a connection may take from the end of an answer until the whole head of the next request has
    /// arrived, or bring nothing within one.
    pub idle_timeout: Duration,
    /// How long a client may refuse to take its answer.
    pub write_timeout: Duration,
    /// How long requests may take to finish once the server is told to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            source_connections: 1_000,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(20),
        }
    }
}
