//! Secret stores: the backends as clients see them (spec section 14).

use crate::id::SecretStoreId;
use crate::ports::BackendId;
use crate::time::Timestamp;

/// One of several places where secrets can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretStore {
    /// Its id, which clients choose it by.
    pub id: SecretStoreId,
    /// The backend it is.
    pub backend: BackendId,
    /// What clients call it.
    pub names: StoreNames,
    /// Whether it keeps the secrets of projects that prefer no other.
    pub global_default: bool,
    /// When it was first used with this repository.
    pub created: Timestamp,
}

/// What clients call a secret store. Existing clients know the reference's plug-ins by name, so a backend
/// bears the name of the plug-in whose place it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreNames {
    /// For people.
    pub name: String,
    /// The plug-in that keeps the secrets.
    pub secret_store_plugin: String,
    /// The plug-in that encrypts what the first one keeps; absent when it needs none.
    pub crypto_plugin: Option<String>,
}

impl StoreNames {
    /// A store that keeps ciphertexts in the repository, encrypted by that plug-in.
    pub fn crypto(name: &str, crypto_plugin: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret_store_plugin: "store_crypto".to_owned(),
            crypto_plugin: Some(crypto_plugin.to_owned()),
        }
    }

    /// A store that keeps the secrets itself.
    pub fn vault(name: &str, secret_store_plugin: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret_store_plugin: secret_store_plugin.to_owned(),
            crypto_plugin: None,
        }
    }
}
