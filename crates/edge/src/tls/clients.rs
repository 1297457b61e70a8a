//! Which certificates of clients are good.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::error::TlsError;
use super::files::{ClientCertificates, TlsFiles, certificates, revocations};

/// Verifies clients as the files say; `None` when they are asked for no certificate.
///
/// With revocation lists, a doubt is a refusal: every authority between a client and the one that is trusted
/// needs a list, and a list past its time is as good as none.
pub(super) fn verifier(
    files: &TlsFiles,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let Some(path) = files.clients.authorities() else { return Ok(None) };
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities
            .add(certificate)
            .map_err(|source| TlsError::ClientCa { path: path.to_owned(), source })?;
    }
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
    for path in &files.client_crls {
        verifier = verifier.with_crls(revocations(path)?);
    }
    if !files.client_crls.is_empty() {
        verifier = verifier.enforce_revocation_expiration();
    }
    if matches!(files.clients, ClientCertificates::Optional(_)) {
        verifier = verifier.allow_unauthenticated();
    }
    // What can be wrong with the authorities has been found above; what is left are the lists.
    let paths = if files.client_crls.is_empty() { vec![path.to_owned()] } else { files.client_crls.clone() };
    verifier.build().map(Some).map_err(|source| TlsError::Verifier { paths, source })
}
