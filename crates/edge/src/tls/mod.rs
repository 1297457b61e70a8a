//! TLS: which certificate is shown, what is asked of clients, and new files taken into use while serving.

mod clients;
mod error;
mod files;
mod self_signed;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

pub use error::TlsError;
pub use files::{ClientCertificates, TlsFiles};
pub use self_signed::make_self_signed;

use files::State;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// TLS 1.3 and 1.2 with what the files hold, HTTP/2 and HTTP/1.1 on top.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    /// The state of the files that are in use.
    used: Mutex<State>,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        // Before they are read: a change meanwhile is then found by the next look.
        let used = Mutex::new(files.state());
        let current = watch::Sender::new(read(&files)?);
        Ok(Self { files, used, current })
    }

    /// Takes the files into use again whenever they change, for ever. Files that can't be used change nothing,
    /// since a pair is written one file at a time; they are looked at again until they can.
    pub async fn follow(&self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complained = None;
        loop {
            ticks.tick().await;
            let now = self.files.state();
            if *self.used.lock().unwrap_or_else(PoisonError::into_inner) == now {
                continue;
            }
            match read(&self.files) {
                Ok(config) => {
                    self.current.send_replace(config);
                    *self.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
                    tracing::info!(certificate = %self.files.certificate.display(), "took changed TLS files into use");
                }
                Err(error) if complained.as_ref() != Some(&now) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "changed TLS files can't be used; the ones before stay in use");
                    complained = Some(now);
                }
                Err(_) => {}
            }
        }
    }

    /// What the next connection is to use.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.borrow())
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = files::certificates(&files.certificate)?;
    let key = files::key(&files.key)?;
    let provider = Arc::new(ring::default_provider());
    let unusable =
        |source| TlsError::Pair { certificate: files.certificate.clone(), key: files.key.clone(), source };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(unusable)?;
    let builder = match clients::verifier(files, provider)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
