use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::SetUpError;
use crate::secret::read_secret;

/// Files for TLS, in PEM form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities that may have issued the other side's certificate.
    pub authorities: PathBuf,
    /// This side's certificate chain and private key, for mutual authentication.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Connects by TLS to one host.
pub(crate) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    /// For connections to that host, whose certificate has to name it.
    pub(crate) fn new(files: &TlsFiles, host: &str) -> Result<Self, SetUpError> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&files.authorities)? {
            authorities.add(certificate)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities);
        let config = match &files.identity {
            Some((chain, key)) => config.with_client_auth_cert(certificates(chain)?, private_key(key)?)?,
            None => config.with_no_client_auth(),
        };
        let host = ServerName::try_from(host.to_owned()).map_err(|_| SetUpError::Address {
            address: host.to_owned(),
            problem: "no host name or IP address",
        })?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), host })
    }

    /// Shakes hands.
    pub(crate) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.host.clone(), stream).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetUpError> {
    let text = fs::read(path).map_err(|source| SetUpError::File { path: path.to_owned(), source })?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let missing = || SetUpError::Content { path: path.to_owned(), wanted: "certificates in PEM form" };
    read.ok().filter(|read| !read.is_empty()).ok_or_else(missing)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SetUpError> {
    let text = read_secret(path)?;
    let missing = |_| SetUpError::Content { path: path.to_owned(), wanted: "private key in PEM form" };
    PrivateKeyDer::from_pem_slice(&text).map_err(missing)
}
