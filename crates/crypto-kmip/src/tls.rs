//! Who the client is and whom it trusts: read anew for each connection, so that a renewed certificate is
//! used without a restart.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use strongroom_core::{Clock as _, SystemClock, Timestamp};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use crate::error::KmipError;

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// The files that mutual TLS needs, each PEM.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The authorities that may have signed the server's certificate.
    pub ca: PathBuf,
    /// The client's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The client's private key. Nobody but its owner may read it.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Names the files; nothing is read yet.
    pub fn new(ca: PathBuf, certificate: PathBuf, key: PathBuf) -> Self {
        Self { ca, certificate, key }
    }

    /// TLS 1.2 or 1.3 with these files as they are at the moment.
    pub(crate) fn config(&self) -> Result<ClientConfig, KmipError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(&self.ca)? {
            roots.add(authority).map_err(|error| unusable(&self.ca, error))?;
        }
        if self.own_certificate_ends()? <= SystemClock.now() {
            return Err(KmipError::OwnCertificateExpired { path: self.certificate.clone() });
        }
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&private(&self.key)?)
            .map_err(|error| unusable(&self.key, format!("it is no private key in PEM ({error})")))?;
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&self.ca, error))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| unusable(&self.certificate, error))
    }

    /// Until when the client's own certificate is good.
    pub fn own_certificate_ends(&self) -> Result<Timestamp, KmipError> {
        let first = certificates(&self.certificate)?.into_iter().next();
        first
            .and_then(|certificate| ends(&certificate))
            .ok_or_else(|| unusable(&self.certificate, "its first certificate can't be read"))
    }
}

/// Until when a certificate is good.
pub(crate) fn ends(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    Timestamp::from_micros(parsed.validity().not_after.timestamp().checked_mul(1_000_000)?)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, KmipError> {
    let text = fs::read(path).map_err(|error| unusable(path, error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(path, "it holds no certificate in PEM")),
        Err(error) => Err(unusable(path, error)),
    }
}

/// Reads a private key's file, unless others may read it too.
fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KmipError> {
    let file = File::open(path).map_err(|error| unusable(path, error))?;
    let found = file.metadata().map_err(|error| unusable(path, error))?;
    if !found.is_file() {
        return Err(unusable(path, "it is not a regular file"));
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let reason = format!(
            "it has mode {mode:04o}, and nobody but its owner may read a private key; run: chmod 0400 {}",
            path.display()
        );
        return Err(unusable(path, reason));
    }
    // With room for all of it, so that no part of the key is left behind while the buffer grows.
    let room = usize::try_from(found.len().min(LONGEST_FILE)).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(found.len().min(LONGEST_FILE))
        .read_to_end(&mut bytes)
        .map_err(|error| unusable(path, error))?;
    Ok(bytes)
}

fn unusable(path: &Path, reason: impl std::fmt::Display) -> KmipError {
    KmipError::TlsFile { path: path.to_owned(), reason: reason.to_string() }
}
