//! Opens the secret stores that the settings name.

use std::path::Path;
use std::sync::Arc;

use strongroom_core::ports::{BackendId, SecretBackend};
use strongroom_crypto::Algorithms;
use strongroom_crypto_pkcs11::Pkcs11Backend;

use crate::error::RunError;
use crate::kmip::kmip_backend;
use crate::master_key::{load_master_keys, read_master_keys, soft_backend};
use crate::pkcs11::connect_tokens;
use crate::settings::{Settings, StoreKind};

/// The backends that are open.
pub(crate) struct Backends {
    /// In the order of the settings.
    pub(crate) all: Vec<Arc<dyn SecretBackend>>,
    /// The one over hardware tokens, if it is among them.
    pub(crate) tokens: Option<Arc<Pkcs11Backend>>,
}

/// Every enabled backend.
pub(crate) async fn open(settings: &Settings, credentials: Option<&Path>) -> Result<Backends, RunError> {
    let mut backends = Backends { all: Vec::new(), tokens: None };
    for kind in &settings.stores.enabled {
        let backend: Arc<dyn SecretBackend> = if *kind == StoreKind::Pkcs11 {
            let tokens = Arc::new(over_tokens(settings, credentials).await?);
            backends.tokens = Some(Arc::clone(&tokens));
            tokens
        } else {
            open_one(settings, credentials, *kind).await?
        };
        backends.all.push(backend);
    }
    Ok(backends)
}

async fn over_tokens(settings: &Settings, credentials: Option<&Path>) -> Result<Pkcs11Backend, RunError> {
    let algorithms = Algorithms { triple_des: settings.orders.triple_des };
    Ok(connect_tokens(&settings.pkcs11, credentials).await?.with_algorithms(algorithms))
}

/// The enabled backend of that name.
pub(crate) async fn open_named(
    settings: &Settings,
    credentials: Option<&Path>,
    id: &BackendId,
) -> Result<Arc<dyn SecretBackend>, RunError> {
    let mut enabled = settings.stores.enabled.iter();
    let kind = enabled.find(|kind| kind.backend() == *id);
    let kind = kind.ok_or_else(|| RunError::NoSuchStore(id.to_string()))?;
    open_one(settings, credentials, *kind).await
}

/// One backend.
pub(crate) async fn open_one(
    settings: &Settings,
    credentials: Option<&Path>,
    kind: StoreKind,
) -> Result<Arc<dyn SecretBackend>, RunError> {
    let algorithms = Algorithms { triple_des: settings.orders.triple_des };
    Ok(match kind {
        StoreKind::Soft => {
            let section = settings.master_key.clone();
            let folder = credentials.map(Path::to_owned);
            let backend = soft_backend(load_master_keys(&section, credentials)?)?.with_algorithms(algorithms);
            Arc::new(backend.with_source(move || read_master_keys(&section, folder.as_deref())))
        }
        StoreKind::Kmip => Arc::new(kmip_backend(&settings.kmip)?.with_algorithms(algorithms)),
        StoreKind::Pkcs11 => Arc::new(over_tokens(settings, credentials).await?),
    })
}
