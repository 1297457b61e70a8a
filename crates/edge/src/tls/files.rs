//! The files that TLS needs, read only when they are safe to use.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::parse_x509_certificate;
use zeroize::Zeroizing;

use super::error::TlsError;

/// Far above any chain of certificates, in bytes.
const LARGEST: u64 = 1 << 20;
/// The same of a list of revoked certificates, which grows with each of them by some 40 bytes.
const LARGEST_CRL: u64 = 64 << 20;

/// Where certificate and key are, and what is asked of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and those between it and its authority, in PEM form, the server's first.
    pub certificate: PathBuf,
    /// Its private key in PEM form, closed to all but its owner.
    pub key: PathBuf,
    /// What is asked of clients.
    pub clients: ClientCertificates,
    /// Lists of revoked client certificates (RFC 5280, section 5) in PEM form. When there are any, a client
    /// whose certificate no list vouches for is refused, and so is everybody once a list is past its time.
    pub client_crls: Vec<PathBuf>,
}

/// What is asked of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No certificate.
    Off,
    /// A certificate is verified against the authorities in this PEM file when there is one.
    Optional(PathBuf),
    /// Without a certificate from one of the authorities in this PEM file there is no connection.
    Required(PathBuf),
}

impl ClientCertificates {
    pub(super) fn authorities(&self) -> Option<&Path> {
        match self {
            Self::Off => None,
            Self::Optional(path) | Self::Required(path) => Some(path),
        }
    }
}

/// Which files were there, as far as their names tell; a change of it is a reason to read them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State(Vec<Option<[i128; 5]>>);

impl TlsFiles {
    /// Until when the server's certificate is good, in seconds since 1970; `None` when it does not tell.
    pub fn good_until(&self) -> Result<Option<i64>, TlsError> {
        let chain = certificates(&self.certificate)?;
        let own = chain.first().and_then(|own| parse_x509_certificate(own).ok());
        Ok(own.map(|(_, parsed)| parsed.validity().not_after.timestamp()))
    }

    pub(super) fn state(&self) -> State {
        let paths = [Some(&*self.certificate), Some(&*self.key), self.clients.authorities()];
        let paths = paths.into_iter().flatten().chain(self.client_crls.iter().map(PathBuf::as_path));
        State(paths.map(|path| path.metadata().ok().map(|found| mark(&found))).collect())
    }
}

/// The time of the last change covers owner and mode as well as content.
fn mark(found: &Metadata) -> [i128; 5] {
    [
        found.dev().into(),
        found.ino().into(),
        found.size().into(),
        i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec()),
        i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec()),
    ]
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    every(path, "certificates", LARGEST)
}

pub(super) fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    every(path, "lists of revoked certificates", LARGEST_CRL)
}

/// All items of one kind, of which there has to be one.
fn every<T: PemObject>(path: &Path, what: &'static str, limit: u64) -> Result<Vec<T>, TlsError> {
    let file = File::open(path).map_err(unreadable(path))?;
    let text = whole(file, path, limit)?;
    let wrong = |source| TlsError::Pem { path: path.to_owned(), what, source };
    let found: Vec<_> = T::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(wrong)?;
    if found.is_empty() { Err(wrong(rustls::pki_types::pem::Error::NoItemsFound)) } else { Ok(found) }
}

pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let file = File::open(path).map_err(unreadable(path))?;
    // On the open file, so that what was checked is what is read.
    check_key(&file.metadata().map_err(unreadable(path))?, path)?;
    let text = whole(file, path, LARGEST)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| TlsError::Pem {
        path: path.to_owned(),
        what: "a private key",
        source,
    })
}

fn check_key(found: &Metadata, path: &Path) -> Result<(), TlsError> {
    let owner = found.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(TlsError::KeyOwner { path: path.to_owned(), found: owner });
    }
    let mode = found.mode() & 0o7777;
    // A credential of systemd's: its user is let in by an access control list, whose mask shows as group bits.
    let only_an_acl_mask = mode == 0o440 && (owner, found.gid()) == (0, 0);
    if mode & 0o177 != 0 && !only_an_acl_mask {
        return Err(TlsError::KeyMode { path: path.to_owned(), found: mode });
    }
    Ok(())
}

fn whole(file: File, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let mut text = Zeroizing::new(Vec::new());
    file.take(limit + 1).read_to_end(&mut text).map_err(unreadable(path))?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= limit) {
        Ok(text)
    } else {
        Err(TlsError::TooLarge { path: path.to_owned(), limit })
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> TlsError {
    move |source| TlsError::Read { path: path.to_owned(), source }
}
