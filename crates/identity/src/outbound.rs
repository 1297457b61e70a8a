//! How identity sources ask other services: over TLS with a trust of their own, with bounded answers.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use crate::endpoint::Endpoint;
use crate::error::SetupError;

/// Longest a connection is kept for the next request.
const KEEP_CONNECTION: Duration = Duration::from_secs(20);
/// Connections kept to one service.
const KEEP_CONNECTIONS: usize = 32;

/// Sends requests. It follows no redirection: what is asked of one service is told to no other.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    deadline: Duration,
    largest: usize,
}

impl Outbound {
    /// For requests to `endpoint`: trusts the certificates of `ca_file`, or what the system trusts when there
    /// is none. A whole exchange takes no longer than `deadline`, and no answer's body is larger than
    /// `largest` bytes.
    pub(crate) fn new(
        endpoint: &Endpoint,
        ca_file: Option<&Path>,
        deadline: Duration,
        largest: usize,
    ) -> Result<Self, SetupError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(SetupError::Tls)?
            .with_root_certificates(roots(endpoint, ca_file)?)
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEEP_CONNECTION)
            .pool_max_idle_per_host(KEEP_CONNECTIONS)
            .build(connector);
        Ok(Self { client, deadline, largest })
    }

    /// Sends a request and takes the whole answer; or tells why there is none.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| chain(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, self.largest).collect().await;
            let body =
                body.map_err(|error| format!("its answer can't be read: {}", chain(error.as_ref())))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        timeout(self.deadline, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", self.deadline.as_secs_f32())))
    }
}

fn roots(endpoint: &Endpoint, ca_file: Option<&Path>) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let pem = fs::read(path).map_err(|source| SetupError::File { path: path.to_owned(), source })?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                // One that is not usable may be the one that was meant.
                let usable = certificate.is_ok_and(|certificate| roots.add(certificate).is_ok());
                if !usable {
                    return Err(SetupError::NoCertificate(path.to_owned()));
                }
            }
            if roots.is_empty() {
                return Err(SetupError::NoCertificate(path.to_owned()));
            }
        }
        None if endpoint.is_https() => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(SetupError::NoSystemTrust);
            }
        }
        None => {}
    }
    Ok(roots)
}

/// An error and its causes in one line. None of them holds what was sent.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
