use serde::{Deserialize, Serialize};
use strongroom_core::ports::BackendId;
use strongroom_crypto::SoftBackend;
use strongroom_crypto_kmip::KmipBackend;
use strongroom_crypto_pkcs11::Pkcs11Config;

use super::reader::Reader;

/// Which secret stores there are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoresSection {
    /// Those that are open; the first keeps the new secrets of projects that prefer no other. Never empty.
    pub enabled: Vec<StoreKind>,
}

/// What keeps secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StoreKind {
    /// The database, under a master key in a file.
    Soft,
    /// A KMIP server, which holds the master key or the secrets themselves.
    Kmip,
    /// The database, under a master key in hardware tokens.
    Pkcs11,
}

impl StoreKind {
    /// The backend's name in every row that it seals.
    pub fn backend(self) -> BackendId {
        BackendId::new(match self {
            Self::Soft => SoftBackend::DEFAULT_ID,
            Self::Kmip => KmipBackend::DEFAULT_ID,
            Self::Pkcs11 => Pkcs11Config::DEFAULT_ID,
        })
    }
}

pub(super) fn stores(reader: &mut Reader) -> StoresSection {
    const KEY: &str = "stores.enabled";
    let enabled = reader.get(KEY, vec![StoreKind::Soft], "a list of \"soft\", \"kmip\" and \"pkcs11\"");
    if enabled.is_empty() {
        reader.refuse(KEY, "names no store, so nothing could be kept");
    }
    if enabled.iter().enumerate().any(|(at, kind)| enabled.iter().take(at).any(|earlier| earlier == kind)) {
        reader.refuse(KEY, "names a store twice");
    }
    StoresSection { enabled }
}

#[cfg(test)]
mod tests {
    use figment::value::Value;

    use super::super::{Flag, Settings, Sources};
    use super::*;

    fn load(stores: &[&str]) -> Result<Vec<StoreKind>, String> {
        let flags =
            vec![Flag { name: "--stores", key: "stores.enabled", value: Value::from(stores.to_vec()) }];
        let sources = Sources { flags, ..Sources::default() };
        Settings::load(&sources)
            .map(|(settings, _)| settings.stores.enabled)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn stores_are_named_once_each() {
        assert_eq!(load(&["soft"]), Ok(vec![StoreKind::Soft]));
        assert!(load(&[]).unwrap_err().contains("names no store"));
        assert!(load(&["soft", "soft"]).unwrap_err().contains("twice"));
        assert!(load(&["paper"]).unwrap_err().contains("\"soft\""));
    }
}
