use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;
use rustls::server::VerifierBuilderError;
use thiserror::Error;

/// Why TLS can't be spoken with these files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file can't be made.
    #[error("can't write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others than the service's user can read or replace the key.
    #[error(
        "{} has mode {found:04o}, but a TLS key must be closed to all but its owner; run: chmod 0400 {}",
        .path.display(), .path.display()
    )]
    KeyMode {
        /// The key file.
        path: PathBuf,
        /// The mode found.
        found: u32,
    },
    /// The key is somebody else's.
    #[error("{} belongs to user {found}, but has to belong to the service's user or to root", .path.display())]
    KeyOwner {
        /// The key file.
        path: PathBuf,
        /// The owner's user id.
        found: u32,
    },
    /// The file is larger than any such file.
    #[error("{} is larger than {limit} bytes, and not a PEM file of this kind", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size taken, in bytes.
        limit: u64,
    },
    /// The file does not hold what it should.
    #[error("{} does not hold {what} in PEM form", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        source: pem::Error,
    },
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error(
        "the certificate in {} and the key in {} can't be used together",
        .certificate.display(), .key.display()
    )]
    Pair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What TLS says about them.
        source: rustls::Error,
    },
    /// A certificate authority's certificate can't be used.
    #[error("{} holds a certificate that can't be used as an authority for clients", .path.display())]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// What TLS says about it.
        source: rustls::Error,
    },
    /// The authorities, or their lists of revoked certificates, can't be used to verify clients.
    #[error("{} can't be used to verify clients", listed(.paths))]
    Verifier {
        /// The files, one of which it is.
        paths: Vec<PathBuf>,
        /// What TLS says about it.
        source: VerifierBuilderError,
    },
    /// A certificate can't be made.
    #[error("a self-signed certificate can't be made")]
    SelfSigned(#[source] rcgen::Error),
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
}
