//! Opens the secret stores that the settings name.

use std::path::Path;
use std::sync::Arc;

use strongroom_core::ports::SecretBackend;
use strongroom_crypto::Algorithms;

use crate::error::RunError;
use crate::kmip::kmip_backend;
use crate::master_key::{load_master_keys, read_master_keys, soft_backend};
use crate::pkcs11::connect_tokens;
use crate::settings::{Settings, StoreKind};

/// Every enabled backend, in the order of the settings.
pub(crate) async fn open(
    settings: &Settings,
    credentials: Option<&Path>,
) -> Result<Vec<Arc<dyn SecretBackend>>, RunError> {
    let mut backends = Vec::new();
    for kind in &settings.stores.enabled {
        backends.push(open_one(settings, credentials, *kind).await?);
    }
    Ok(backends)
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
        StoreKind::Pkcs11 => {
            let backend = connect_tokens(&settings.pkcs11, credentials).await?;
            Arc::new(backend.with_algorithms(algorithms))
        }
    })
}
