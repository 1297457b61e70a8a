use clap::{Args, ValueEnum};
use strongroom_runtime::{Settings, StoreKind};

/// Whose keys.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Store {
    /// Whose keys, of the stores in stores.enabled; without it, the first's, and for a rotation under way, any's
    #[arg(long, value_enum, global = true)]
    store: Option<Name>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// The master key in a file
    Soft,
    /// The master key in a KMIP server
    Kmip,
    /// The master key in hardware tokens
    Pkcs11,
}

impl Store {
    /// The store that is meant, which has to be enabled.
    pub(crate) fn chosen(self, settings: &Settings) -> Result<StoreKind, String> {
        let enabled = &settings.stores.enabled;
        let wanted = self.store.map(|name| match name {
            Name::Soft => StoreKind::Soft,
            Name::Kmip => StoreKind::Kmip,
            Name::Pkcs11 => StoreKind::Pkcs11,
        });
        let found = enabled.iter().copied().find(|kind| wanted.is_none_or(|wanted| wanted == *kind));
        found.ok_or_else(|| "that store is not one of stores.enabled".to_owned())
    }

    /// The store that is meant, or all that are enabled when none is named.
    pub(crate) fn among(self, settings: &Settings) -> Result<Vec<StoreKind>, String> {
        if self.store.is_some() {
            Ok(vec![self.chosen(settings)?])
        } else {
            Ok(settings.stores.enabled.clone())
        }
    }
}
