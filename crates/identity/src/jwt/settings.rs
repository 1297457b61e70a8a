use std::path::PathBuf;
use std::time::Duration;

use super::algorithm::SigningAlgorithm;
use super::claims::Claims;
use crate::endpoint::Endpoint;

/// Whose tokens are believed, and what they say about the caller.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// The issuer, as its tokens name it (`iss`).
    pub issuer: String,
    /// Whom tokens have to be for (`aud`): one of these.
    pub audiences: Vec<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<SigningAlgorithm>,
    /// How far the issuer's clock may be off; ten minutes at most.
    pub leeway: Duration,
    /// Where the issuer's public keys are.
    pub keys: KeySource,
    /// Where a token says who the caller is.
    pub claims: Claims,
}

/// Where an issuer's public keys, a JWK set (RFC 7517), are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a file, which is read again now and then.
    File {
        /// The file.
        path: PathBuf,
        /// How often to look for other keys.
        refresh: Duration,
    },
    /// At a URL.
    Url {
        /// The URL.
        url: Endpoint,
        /// Certificate authorities to trust, PEM; the system's when absent.
        ca_file: Option<PathBuf>,
        /// How long a request may take.
        request_timeout: Duration,
        /// How often to look for other keys.
        refresh: Duration,
        /// How long keys are believed while nobody can be asked for others.
        stale: Duration,
    },
}
