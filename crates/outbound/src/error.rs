use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Something did not get through. It may be sent again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
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
