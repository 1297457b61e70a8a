use std::net::IpAddr;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::CertificateDer;

/// Who sent a request, and how. Every request carries one as an extension.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The client's own address: behind a named proxy the one that the proxy tells.
    pub address: IpAddr,
    /// What the client speaks, with us or with a named proxy.
    pub scheme: Scheme,
    /// How the client addressed a named proxy, where that tells.
    pub host: Option<Authority>,
    /// Whether a named proxy holds the connection.
    pub by_proxy: bool,
    /// The client's certificate.
    pub(crate) certificate: Option<Arc<CertificateDer<'static>>>,
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Peer {
    /// A client without a certificate.
    pub fn new(address: IpAddr, scheme: Scheme) -> Self {
        Self { address: address.to_canonical(), scheme, host: None, by_proxy: false, certificate: None }
    }

    /// The client's certificate in DER. Its chain has been verified against the certificate authorities that
    /// are set, and the client has proved that it holds the key.
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref().map(AsRef::as_ref)
    }
}

impl Scheme {
    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
