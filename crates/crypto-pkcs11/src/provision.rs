//! Making a master key in a token: an operator's act, and nobody else's.

use cryptoki::mechanism::Mechanism;
use cryptoki::session::Session;
use strongroom_core::ports::{BackendId, MasterKeyVersion};
use strongroom_crypto::envelope::canary;
use strongroom_crypto::random;

use crate::config::{Custody, TokenConfig};
use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::login;
use crate::master::{self, Traits};
use crate::module::Module;
use crate::seat::TokenKey;
use crate::slot;

/// Makes a version of the master key in the token: the first, or, when `next` is set, the one after the
/// highest. What is there already is never touched, and an unexpected state is an error.
pub fn generate_master_key(
    token: &TokenConfig,
    label: &str,
    next: bool,
) -> Result<MasterKeyVersion, Pkcs11Error> {
    let module = Module::load(&token.module)?;
    let entry = module.enter().ok_or(Pkcs11Error::NotInitialised)?;
    let (slot, info) = slot::find(entry.pkcs11(), &token.selector)?;
    if let Some(risk) = slot::risk(info.as_ref(), false) {
        return Err(Pkcs11Error::PinAtRisk(risk));
    }
    if !slot::has_gcm(entry.pkcs11(), slot) {
        return Err(Pkcs11Error::Mechanism("AES-GCM (CKM_AES_GCM)"));
    }
    let session = entry.pkcs11().open_rw_session(slot).map_err(Pkcs11Error::call("open a session"))?;
    login(&session, &token.pin)?;
    let highest = master::find(&session, label)?.into_keys().next_back();
    let version = match (highest, next) {
        (None, false) => MasterKeyVersion(1),
        (None, true) => return Err(Pkcs11Error::NoMasterKey(label.to_owned())),
        (Some(highest), false) => return Err(Pkcs11Error::VersionExists(highest)),
        (Some(highest), true) => MasterKeyVersion(highest.0.saturating_add(1)),
    };
    make(&session, label, version)?;
    Ok(version)
}

/// Makes the key and has it do its work once. One that can't is destroyed: nothing has been sealed by it.
fn make(session: &Session, label: &str, version: MasterKeyVersion) -> Result<(), Pkcs11Error> {
    let handle = session
        .generate_key(&Mechanism::AesKeyGen, &master::template(label, version))
        .map_err(Pkcs11Error::call("make the master key"))?;
    let tried = Traits::read(session, handle).and_then(|traits| {
        if let Some(fault) = traits.fault(Custody::Strict) {
            return Err(Pkcs11Error::UnfitKey { version, fault });
        }
        let (key, name) = (TokenKey { session, handle }, BackendId::new("trial"));
        let sealed = canary::seal(&key, version, &name, &random::system);
        sealed.and_then(|sealed| canary::open(&key, version, &name, &sealed)).map_err(|fault| match fault {
            Fault::Call(source) => Pkcs11Error::Call { act: "use the new master key", source },
            Fault::Answer(error) => Pkcs11Error::Trial(error),
        })
    });
    if tried.is_err() {
        session.destroy_object(handle).map_err(Pkcs11Error::call("destroy the new, unfit master key"))?;
    }
    tried
}
