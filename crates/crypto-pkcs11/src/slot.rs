//! Which slot holds the token, and whether it is wise to log in there.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::{MechanismInfo, MechanismType};
use cryptoki::slot::{Slot, TokenInfo};
use strongroom_crypto::envelope::Suite;
use strongroom_crypto::envelope::kept_key::Wrapping;

use crate::config::TokenSelector;
use crate::error::Pkcs11Error;

/// The token's slot. What a module tells about a token can be unreadable; then it has to be chosen by slot.
pub(crate) fn find(
    pkcs11: &Pkcs11,
    selector: &TokenSelector,
) -> Result<(Slot, Option<TokenInfo>), Pkcs11Error> {
    let slots = pkcs11.get_slots_with_token().map_err(Pkcs11Error::call("list its slots"))?;
    let all: Vec<_> = slots.into_iter().map(|slot| (slot, pkcs11.get_token_info(slot).ok())).collect();
    let labels = all.iter().filter_map(|(_, info)| info.as_ref()).filter(|info| info.token_initialized());
    let present = labels.map(|info| format!("'{}'", info.label().trim_end())).collect();
    let mut found: Vec<_> =
        all.into_iter().filter(|(slot, info)| matches(selector, *slot, info.as_ref())).collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), more) => Err(Pkcs11Error::Ambiguous { wanted: selector.to_string(), count: more + 1 }),
        (None, _) => {
            let wanted = selector.to_string();
            let wanted = wanted.strip_prefix("the ").unwrap_or(&wanted).to_owned();
            Err(Pkcs11Error::NoSuchToken { wanted, present })
        }
    }
}

fn matches(selector: &TokenSelector, slot: Slot, info: Option<&TokenInfo>) -> bool {
    let info = info.filter(|info| info.token_initialized());
    match selector {
        TokenSelector::Slot(id) => slot.id() == *id,
        TokenSelector::Label(label) => info.is_some_and(|info| info.label().trim_end() == label),
        TokenSelector::Serial(serial) => info.is_some_and(|info| info.serial_number().trim_end() == serial),
    }
}

/// What speaks against trying a PIN. `proved` tells that this very process has logged in with it before.
pub(crate) fn risk(info: Option<&TokenInfo>, proved: bool) -> Option<&'static str> {
    let info = info?;
    if info.user_pin_locked() {
        Some("the user's PIN is locked")
    } else if info.user_pin_final_try() {
        Some("one more wrong PIN will lock it")
    } else if info.user_pin_count_low() && !proved {
        Some("a wrong PIN was given before")
    } else {
        None
    }
}

/// How many wrong PINs are left until the user's is locked; the standard has no number for it.
pub(crate) fn login_tries(info: Option<&TokenInfo>) -> &'static str {
    match info {
        None => "not told",
        Some(info) if info.user_pin_locked() => "none: it is locked",
        Some(info) if info.user_pin_final_try() => "one",
        Some(info) if info.user_pin_count_low() => "fewer than at first",
        Some(_) => "all",
    }
}

/// What a mechanism can be used for, if the token offers it. Some tell also about those that they were set up to
/// refuse, and do not list them.
pub(crate) fn mechanism_info(pkcs11: &Pkcs11, slot: Slot, mechanism: MechanismType) -> Option<MechanismInfo> {
    let listed = pkcs11.get_mechanism_list(slot).is_ok_and(|list| list.contains(&mechanism));
    listed.then(|| pkcs11.get_mechanism_info(slot, mechanism).ok()).flatten()
}

/// How the token wraps keys, if it does.
pub(crate) fn wrapping(pkcs11: &Pkcs11, slot: Slot) -> Option<Wrapping> {
    [
        (MechanismType::AES_KEY_WRAP, Wrapping::KeyWrap),
        (MechanismType::AES_KEY_WRAP_PAD, Wrapping::KeyWrapPad),
    ]
    .into_iter()
    .find(|(mechanism, _)| {
        mechanism_info(pkcs11, slot, *mechanism).is_some_and(|info| info.wrap() && info.unwrap())
    })
    .map(|(_, wrapping)| wrapping)
}

/// Whether the token can seal by that suite.
pub(crate) fn offers(pkcs11: &Pkcs11, slot: Slot, suite: Suite) -> bool {
    let info = |mechanism| mechanism_info(pkcs11, slot, mechanism);
    let encrypts = |mechanism| info(mechanism).is_some_and(|info| info.encrypt() && info.decrypt());
    match suite {
        Suite::AesGcm => encrypts(MechanismType::AES_GCM),
        Suite::AesCbcHmac => {
            encrypts(MechanismType::AES_CBC_PAD)
                && info(MechanismType::SHA256_HMAC).is_some_and(|info| info.sign())
        }
    }
}

/// The first suite that the token can seal by.
pub(crate) fn best_suite(pkcs11: &Pkcs11, slot: Slot) -> Result<Suite, Pkcs11Error> {
    let best = [Suite::AesGcm, Suite::AesCbcHmac].into_iter().find(|suite| offers(pkcs11, slot, *suite));
    best.ok_or(Pkcs11Error::Mechanism(
        "AES-GCM (CKM_AES_GCM), nor AES-CBC with HMAC (CKM_AES_CBC_PAD and CKM_SHA256_HMAC)",
    ))
}
