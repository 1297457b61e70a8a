use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why an identity source can't be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file can't be read.
    #[error("{} can't be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of certificates to trust holds none that can be used.
    #[error("{} holds no PEM certificate that can be trusted", .0.display())]
    NoCertificate(PathBuf),
    /// The system has no certificates to trust.
    #[error("this system trusts no certificate authority; install ca-certificates or set a file of your own")]
    NoSystemTrust,
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[source] rustls::Error),
    /// The random source does not work.
    #[error("the system's random source does not work")]
    Random,
    /// A name can't be sent as part of a request.
    #[error("{0} can't be part of a request")]
    Unsendable(&'static str),
    /// A file of public keys holds none that can be used.
    #[error("{} holds no public key that can verify a token", .0.display())]
    NoKeys(PathBuf),
}
