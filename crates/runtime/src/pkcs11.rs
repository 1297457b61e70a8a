//! The backend over hardware tokens, as the settings have it.

use std::path::Path;

use strongroom_core::ports::BackendId;
use strongroom_crypto_pkcs11::{
    Custody, PinSource, Pkcs11Backend, Pkcs11Config, Pkcs11Error, TokenConfig, TokenSelector,
};

use crate::error::RunError;
use crate::settings::{CustodySetting, Pkcs11Section, TokenSection};

/// Connects the tokens that the settings name.
pub async fn connect_tokens(
    section: &Pkcs11Section,
    credentials: Option<&Path>,
) -> Result<Pkcs11Backend, RunError> {
    let config = pkcs11_config(section, credentials, &|_| Err(RunError::Pkcs11(Pkcs11Error::NoPinNamed)))?;
    Pkcs11Backend::connect(config).await.map_err(RunError::Pkcs11)
}

/// What the settings say of the tokens. A PIN is not read here; for a token without one, `ask` is asked.
pub fn pkcs11_config(
    section: &Pkcs11Section,
    credentials: Option<&Path>,
    ask: &dyn Fn(&TokenSelector) -> Result<PinSource, RunError>,
) -> Result<Pkcs11Config, RunError> {
    let tokens = section.tokens.iter().map(|token| {
        Ok(TokenConfig {
            module: token.module.clone(),
            selector: selector(token),
            pin: pin(token, credentials, ask)?,
        })
    });
    let mut config = Pkcs11Config::new(tokens.collect::<Result<_, RunError>>()?);
    config.id = BackendId::new(Pkcs11Config::DEFAULT_ID);
    config.key_label.clone_from(&section.key_label);
    config.custody = match section.custody {
        CustodySetting::Strict => Custody::Strict,
        CustodySetting::Cached => Custody::Cached,
    };
    config.sessions = section.sessions;
    config.call_timeout = section.call_timeout;
    config.keys = section.keys;
    config.lease = section.lease;
    Ok(config)
}

/// The settings have been checked: one of the three is there.
fn selector(token: &TokenSection) -> TokenSelector {
    match (&token.label, &token.serial, token.slot) {
        (Some(label), ..) => TokenSelector::Label(label.clone()),
        (None, Some(serial), _) => TokenSelector::Serial(serial.clone()),
        (None, None, slot) => TokenSelector::Slot(slot.unwrap_or_default()),
    }
}

fn pin(
    token: &TokenSection,
    credentials: Option<&Path>,
    ask: &dyn Fn(&TokenSelector) -> Result<PinSource, RunError>,
) -> Result<PinSource, RunError> {
    match (&token.pin_file, &token.pin_credential) {
        (Some(file), _) => Ok(PinSource::File(file.clone())),
        (None, Some(name)) => {
            let folder = credentials.ok_or(RunError::NoCredentials)?.to_owned();
            Ok(PinSource::Credential { folder, name: name.clone() })
        }
        (None, None) => ask(&selector(token)),
    }
}
