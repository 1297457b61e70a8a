//! Where a server answers, and what is spoken there.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An address, and whom to trust there when it is TLS that is spoken.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// The address.
    pub(super) address: SocketAddr,
    tls: Option<TlsConnector>,
    /// What each connection begins with.
    preamble: &'static [u8],
}

/// What bytes are sent on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Endpoint {
    /// Plain HTTP.
    pub(super) fn http(address: SocketAddr) -> Self {
        Self { address, tls: None, preamble: b"" }
    }

    /// HTTPS by whoever shows the certificate in this PEM file.
    pub(super) fn https(address: SocketAddr, certificate: &Path) -> Result<Self> {
        let shown = || format!("no certificate in {}", certificate.display());
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(certificate).with_context(shown)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { address, tls: Some(TlsConnector::from(Arc::new(config))), preamble: b"" })
    }

    /// The same as a proxy comes there: with a PROXY header, which tells of no client.
    pub(super) fn by_proxy(self) -> Self {
        Self { preamble: b"PROXY UNKNOWN\r\n", ..self }
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>> {
        let address = self.address;
        let mut stream =
            TcpStream::connect(address).await.with_context(|| format!("can't connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.write_all(self.preamble).await?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => {
                let name = ServerName::IpAddress(address.ip().into());
                let stream = tls.connect(name, stream).await;
                Ok(Box::new(stream.with_context(|| format!("no TLS with {address}"))?))
            }
        }
    }
}

/// The address, as in the Host header.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
