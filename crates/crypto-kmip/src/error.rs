use std::io;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_core::ports::BackendError;
use thiserror::Error;

use crate::protocol::{Fault, codes};

/// How soon a server that did not answer is worth another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a KMIP server did not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KmipError {
    /// No connection could be made.
    #[error("the KMIP server {endpoint} can't be reached")]
    Unreachable {
        /// The server.
        endpoint: String,
        /// The system's answer.
        source: io::Error,
    },
    /// TLS could not be agreed on.
    #[error("TLS with the KMIP server {endpoint} failed")]
    Handshake {
        /// The server.
        endpoint: String,
        /// What TLS says.
        source: io::Error,
    },
    /// The server's certificate is out of date.
    #[error("the certificate of the KMIP server {endpoint} has expired; renew it there")]
    ServerCertificateExpired {
        /// The server.
        endpoint: String,
    },
    /// The client's own certificate is out of date.
    #[error("the client certificate {} has expired; put its renewal in its place, no restart is needed", .path.display())]
    OwnCertificateExpired {
        /// The file.
        path: PathBuf,
    },
    /// A file for TLS can't be used.
    #[error("{} can't be used: {reason}", .path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// Nothing came in time.
    #[error("the KMIP server {endpoint} did not {what} within {} ms", .limit.as_millis())]
    TimedOut {
        /// The server.
        endpoint: String,
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// All connections are in use for longer than a request may take.
    #[error("no connection to a KMIP server became free within {} ms", .limit.as_millis())]
    Busy {
        /// How long was waited.
        limit: Duration,
    },
    /// The connection broke between question and answer.
    #[error("the connection to the KMIP server {endpoint} broke")]
    Broken {
        /// The server.
        endpoint: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The connection ended in the middle of an answer.
    #[error("the KMIP server {endpoint} ended its answer in the middle")]
    Truncated {
        /// The server.
        endpoint: String,
    },
    /// The answer is none, or is a refusal.
    #[error("the KMIP server {endpoint}: {fault}")]
    Answer {
        /// The server.
        endpoint: String,
        /// What is wrong with it, or why it refuses.
        fault: Fault,
    },
    /// All servers failed a moment ago; they are left alone for a while.
    #[error("no KMIP server is tried for {} ms more, after: {last}", .wait.as_millis())]
    Resting {
        /// For how long.
        wait: Duration,
        /// What the last one failed with.
        last: String,
    },
}

impl KmipError {
    /// The standard's number for the reason of a refusal.
    pub(crate) fn reason(&self) -> Option<u32> {
        match self {
            Self::Answer { fault: Fault::Refused { reason, .. }, .. } => Some(*reason),
            _ => None,
        }
    }

    /// Whether the server says that the object is not there, or no longer.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.reason(),
            Some(codes::ITEM_NOT_FOUND | codes::OBJECT_DESTROYED | codes::OBJECT_NOT_FOUND)
        )
    }

    /// Whether another server may do better: this one answered nothing, or nothing that makes sense.
    pub(crate) fn is_about_the_connection(&self) -> bool {
        self.reason().is_none()
    }
}

impl From<KmipError> for BackendError {
    fn from(error: KmipError) -> Self {
        let told = std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
        let reason = format!("{error}{told}");
        match error {
            KmipError::Resting { wait, .. } => Self::Unavailable { reason, retry_after: wait },
            refusal if refusal.is_missing() => Self::KeyMissing(reason),
            // Anything may be behind it, and most of that passes.
            refusal if refusal.reason().is_some_and(|reason| reason != codes::GENERAL_FAILURE) => {
                Self::Denied(reason)
            }
            _ => Self::Unavailable { reason, retry_after: RETRY_AFTER },
        }
    }
}
