//! Making a master key in a token: an operator's act, and nobody else's.

use cryptoki::mechanism::Mechanism;
use cryptoki::session::Session;
use strongroom_core::ports::{BackendId, MasterKeyVersion};
use strongroom_crypto::envelope::{Suite, canary};
use strongroom_crypto::random;

use crate::config::{Custody, TokenConfig};
use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::{self, login};
use crate::master;
use crate::module::Module;
use crate::slot;
use crate::token_key::{Handles, TokenKey};

/// Makes a version of the master key in the token: the first, or, when `next` is set, the one after the
/// highest. What is there already is never touched, and an unexpected state is an error. In a token without AES-GCM
/// it is two keys, one for AES-CBC and one for HMAC.
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
    let suite = slot::best_suite(entry.pkcs11(), slot)?;
    let session = entry.pkcs11().open_rw_session(slot).map_err(Pkcs11Error::call("open a session"))?;
    login(&session, &token.pin)?;
    let highest = master::find(&session, label)?.into_keys().next_back();
    let version = match (highest, next) {
        (None, false) => MasterKeyVersion(1),
        (None, true) => return Err(Pkcs11Error::NoMasterKey(label.to_owned())),
        (Some(highest), false) => return Err(Pkcs11Error::VersionExists(highest)),
        (Some(highest), true) => MasterKeyVersion(highest.0.saturating_add(1)),
    };
    make(&session, label, version, suite)?;
    Ok(version)
}

/// Makes the key and has it do its work once. One that can't is destroyed: nothing has been sealed by it.
fn make(session: &Session, label: &str, version: MasterKeyVersion, suite: Suite) -> Result<(), Pkcs11Error> {
    let failed = Pkcs11Error::call;
    let aes = session
        .generate_key(&Mechanism::AesKeyGen, &master::aes_template(label, version))
        .map_err(failed("make the master key"))?;
    let mac = match suite {
        Suite::AesGcm => Ok(None),
        Suite::AesCbcHmac => session
            .generate_key(&Mechanism::GenericSecretKeyGen, &master::mac_template(label, version))
            .map(Some),
    };
    let handles = Handles { aes, mac: mac.as_ref().copied().unwrap_or_default() };
    let tried = mac
        .map_err(failed("make the master key's key for HMAC"))
        .and_then(|_| try_out(&TokenKey { session, handles }, version));
    if tried.is_err() {
        for object in handles.each() {
            session.destroy_object(object).map_err(failed("destroy the new, unfit master key"))?;
        }
    }
    tried
}

fn try_out(key: &TokenKey<'_>, version: MasterKeyVersion) -> Result<(), Pkcs11Error> {
    if let Some(fault) = link::fault(key.session, key.handles, Custody::Strict, |_| true)? {
        return Err(Pkcs11Error::UnfitKey { version, fault });
    }
    let name = BackendId::new("trial");
    let sealed = canary::seal(key, version, &name, &random::system);
    sealed.and_then(|sealed| canary::open(key, version, &name, &sealed)).map_err(|fault| match fault {
        Fault::Call(source) => Pkcs11Error::Call { act: "use the new master key", source },
        Fault::Answer(error) => Pkcs11Error::Trial(error),
    })
}
