use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

/// A record on its way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Its whole line in the journal, without the newline.
    pub(crate) line: String,
    /// The same, read.
    pub(crate) fields: Value,
}

impl Outgoing {
    /// Reads a line of the journal.
    pub(crate) fn new(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line).into_owned();
        let fields = serde_json::from_str(&line).unwrap_or(Value::Null);
        Self { line, fields }
    }

    /// A text below these names; `""` when there is none.
    pub(crate) fn text(&self, path: &[&str]) -> &str {
        let found = path.iter().try_fold(&self.fields, |value, name| value.get(name));
        found.and_then(Value::as_str).unwrap_or_default()
    }

    /// Its number in the journal.
    pub(crate) fn seq(&self) -> u64 {
        self.fields.get("seq").and_then(Value::as_u64).unwrap_or_default()
    }
}

/// Somewhere that takes records.
#[async_trait]
pub(crate) trait Receiver: Send {
    /// Hands these over, in order. Returns only when the other side has them, as far as its protocol can tell;
    /// on an error, or when dropped early, all of them are handed over again.
    async fn deliver(&mut self, records: &[Outgoing]) -> Result<(), DeliveryError>;
}

/// Records did not get through. They will be sent again.
#[derive(Debug, Error)]
pub(crate) enum DeliveryError {
    /// The network, or the other side's system.
    #[error("the connection fails: {0}")]
    Io(#[from] io::Error),
    /// The other side does not speak HTTP as it should.
    #[error("the HTTP exchange fails: {0}")]
    Http(#[from] hyper::Error),
    /// It has answered, and not that all is well.
    #[error("the receiver answers with status {0}")]
    Status(http::StatusCode),
    /// It did not confirm that it has taken everything.
    #[error("the receiver does not confirm in time")]
    TimedOut,
    /// The request can't be made.
    #[error("the request can't be made: {0}")]
    Request(#[from] http::Error),
}

/// A receiver can't be set up from what the settings say.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// A file can't be read.
    #[error("{} can't be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file lets others read a secret.
    #[error("{} has mode {mode:04o}, but others may not read it; run: chmod 0400 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file has no usable certificate, key or secret.
    #[error("{} holds no {wanted}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Certificate and key can't be used together.
    #[error("the certificate and key for TLS can't be used")]
    Tls(#[from] rustls::Error),
    /// The address or URL can't be used.
    #[error("{address:?} is {problem}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong.
        problem: &'static str,
    },
}
