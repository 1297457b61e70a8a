//! A connection to a token: the session that logs in and unwraps keys, and the handles that are worth
//! something as long as it lasts.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Limit, Slot};
use parking_lot::Mutex;
use strongroom_core::ProjectKeyId;
use strongroom_core::ports::{BackendError, BackendId, Canary, MasterKeyVersion, ProjectKey};
use strongroom_crypto::envelope::kept_key::{self, Wrapping};
use strongroom_crypto::envelope::{Suite, canary};
use strongroom_crypto::random;

use crate::config::{Custody, TokenConfig};
use crate::error::Pkcs11Error;
use crate::fault::{Class, Fault, class};
use crate::master::{self, Traits};
use crate::pin::PinSource;
use crate::slot;
use crate::token_key::{Handles, TokenKey};

/// What all tokens have in common, and what the first one that worked has taught about the master key.
pub(crate) struct Known {
    pub(crate) id: BackendId,
    pub(crate) label: String,
    pub(crate) custody: Custody,
    /// How many project keys a token holds at most.
    pub(crate) keys: usize,
    canaries: Mutex<BTreeMap<MasterKeyVersion, Canary>>,
    /// Versions that were added since the first token was connected, and are to be used from now on.
    added: Mutex<BTreeSet<MasterKeyVersion>>,
}

impl Known {
    pub(crate) fn new(id: BackendId, label: String, custody: Custody, keys: usize) -> Self {
        Self { id, label, custody, keys, canaries: Mutex::default(), added: Mutex::default() }
    }

    /// Every version of the master key, lowest first: those of the first token that worked, and those that were
    /// added.
    pub(crate) fn versions(&self) -> Vec<MasterKeyVersion> {
        self.canaries.lock().keys().copied().collect()
    }

    /// The version that wraps new project keys.
    pub(crate) fn newest(&self) -> Result<MasterKeyVersion, BackendError> {
        let newest = self.canaries.lock().keys().next_back().copied();
        newest.ok_or_else(|| BackendError::KeyMissing("every version of the master key".to_owned()))
    }

    /// Takes further versions into use, at each connection made from now on; whether there is any news.
    pub(crate) fn add(&self, versions: BTreeSet<MasterKeyVersion>) -> bool {
        let known = self.versions();
        let mut added = self.added.lock();
        added.extend(versions.into_iter().filter(|version| !known.contains(version)));
        !added.is_empty()
    }

    fn newest_canary(&self) -> Option<(MasterKeyVersion, Canary)> {
        self.canaries.lock().last_key_value().map(|(version, canary)| (*version, canary.clone()))
    }
}

pub(crate) struct Link {
    /// The initialisation of the module in which it was made.
    pub(crate) generation: u64,
    /// Tells this connection from the earlier ones.
    pub(crate) epoch: u64,
    pub(crate) slot: Slot,
    pub(crate) wrapping: Option<Wrapping>,
    /// How many sessions the token allows besides the anchor, as far as it says.
    pub(crate) room: u64,
    /// Opened first and closed last: the login ends with the last session, and an unwrapped key with the
    /// session that unwrapped it.
    anchor: Mutex<Session>,
    masters: BTreeMap<MasterKeyVersion, Handles>,
    kept: Mutex<KeptKeys>,
    graveyard: Graveyard,
}

type Graveyard = Arc<Mutex<Vec<ObjectHandle>>>;

#[derive(Default)]
struct KeptKeys {
    by_id: HashMap<ProjectKeyId, (ProjectKey, Arc<KeptKey>)>,
    oldest_first: VecDeque<ProjectKeyId>,
}

/// A project key in the token. It is destroyed there once nobody uses it: a handle that is free may be given
/// to another key.
pub(crate) struct KeptKey {
    pub(crate) handles: Handles,
    graveyard: Graveyard,
}

impl Drop for KeptKey {
    fn drop(&mut self) {
        self.graveyard.lock().extend(self.handles.each());
    }
}

impl Link {
    /// Logs in, finds the master key, and proves that it is the one that was used so far and does its work.
    pub(crate) fn establish(
        pkcs11: &Pkcs11,
        generation: u64,
        epoch: u64,
        token: &TokenConfig,
        known: &Known,
        pin_proved: bool,
    ) -> Result<Self, Pkcs11Error> {
        let (slot, info) = slot::find(pkcs11, &token.selector)?;
        if let Some(risk) = slot::risk(info.as_ref(), pin_proved) {
            return Err(Pkcs11Error::PinAtRisk(risk));
        }
        slot::best_suite(pkcs11, slot)?;
        let wrapping = slot::wrapping(pkcs11, slot);
        if known.custody == Custody::Strict && wrapping.is_none() {
            return Err(Pkcs11Error::Mechanism(
                "AES key wrap (CKM_AES_KEY_WRAP or CKM_AES_KEY_WRAP_PAD), which strict custody needs",
            ));
        }
        let room = match info.map(|info| info.max_session_count()) {
            Some(Limit::Max(most)) => most.saturating_sub(1),
            _ => u64::MAX,
        };
        let anchor = pkcs11.open_ro_session_no_drop(slot).map_err(Pkcs11Error::call("open a session"))?;
        match enter(&anchor, token, known, |suite| slot::offers(pkcs11, slot, suite)) {
            Ok(masters) => Ok(Self {
                generation,
                epoch,
                slot,
                wrapping,
                room,
                anchor: Mutex::new(anchor),
                masters,
                kept: Mutex::default(),
                graveyard: Graveyard::default(),
            }),
            Err(error) => {
                close(anchor);
                Err(error)
            }
        }
    }

    /// Ends it. Only within the generation that it was made in: in a later one its session's number may be
    /// another's.
    pub(crate) fn close(self) {
        close(self.anchor.into_inner());
    }

    pub(crate) fn login_again(&self, pin: &PinSource) -> Result<(), Pkcs11Error> {
        login(&self.anchor.lock(), pin)
    }

    pub(crate) fn master(&self, version: MasterKeyVersion) -> Option<Handles> {
        self.masters.get(&version).copied()
    }

    /// Opens the canary: if that succeeds, the token is well and so is the master key's handle.
    pub(crate) fn prove(&self, session: &Session, known: &Known) -> Result<(), Fault> {
        let (version, sealed) = known.newest_canary().ok_or(BackendError::Integrity)?;
        let handles = self.master(version).ok_or(BackendError::Integrity)?;
        canary::open(&TokenKey { session, handles }, version, &known.id, &sealed)
    }

    /// The project key of that very row when the token holds it.
    pub(crate) fn kept(&self, row: &ProjectKey) -> Option<Arc<KeptKey>> {
        let kept = self.kept.lock();
        kept.by_id.get(&row.id).filter(|(held, _)| held == row).map(|(_, key)| Arc::clone(key))
    }

    /// Unwraps a project key into the token, where it lasts as long as the connection.
    pub(crate) fn unwrap(
        &self,
        row: &ProjectKey,
        wrapping: Wrapping,
        wrapped: &[[u8; kept_key::WRAPPED_LEN]],
        limit: usize,
    ) -> Result<Arc<KeptKey>, Fault> {
        let missing = || BackendError::KeyMissing(format!("version {} of the master key", row.master));
        let master = self.master(row.master).ok_or_else(missing)?;
        let anchor = self.anchor.lock();
        for dead in self.graveyard.lock().drain(..) {
            // It is gone already when the token has lost it.
            anchor.destroy_object(dead).ok();
        }
        let handles = unwrap_by(&anchor, master, wrapping, wrapped, false)?;
        drop(anchor);
        let key = Arc::new(KeptKey { handles, graveyard: Arc::clone(&self.graveyard) });
        let mut kept = self.kept.lock();
        if kept.by_id.insert(row.id, (row.clone(), Arc::clone(&key))).is_some() {
            kept.oldest_first.retain(|id| *id != row.id);
        }
        kept.oldest_first.push_back(row.id);
        while kept.oldest_first.len() > limit {
            if let Some(oldest) = kept.oldest_first.pop_front() {
                kept.by_id.remove(&oldest);
            }
        }
        Ok(key)
    }

    /// Forgets every project key in the token, whose handles have proved invalid.
    pub(crate) fn forget_kept(&self) {
        *self.kept.lock() = KeptKeys::default();
    }
}

pub(crate) fn mechanism(wrapping: Wrapping) -> Mechanism<'static> {
    match wrapping {
        Wrapping::KeyWrap => Mechanism::AesKeyWrap,
        Wrapping::KeyWrapPad => Mechanism::AesKeyWrapPad,
    }
}

/// Unwraps a project key, of one or two objects, into the session. One that it can wrap again is sensitive too.
pub(crate) fn unwrap_by(
    session: &Session,
    master: Handles,
    wrapping: Wrapping,
    wrapped: &[[u8; kept_key::WRAPPED_LEN]],
    extractable: bool,
) -> Result<Handles, Fault> {
    let (aes, mac) = wrapped.split_first().ok_or(BackendError::Integrity)?;
    let unwrap = |wrapped: &[u8], key_type| {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(key_type),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(extractable),
            Attribute::Encrypt(key_type == KeyType::AES),
            Attribute::Decrypt(key_type == KeyType::AES),
            Attribute::Sign(key_type != KeyType::AES),
        ];
        session.unwrap_key(&mechanism(wrapping), master.aes, wrapped, &template)
    };
    let mut handles = Handles { aes: unwrap(aes, KeyType::AES)?, mac: None };
    if let Some(mac) = mac.first() {
        match unwrap(mac, KeyType::GENERIC_SECRET) {
            Ok(mac) => handles.mac = Some(mac),
            Err(error) => {
                // The first failure is the one to be told of.
                session.destroy_object(handles.aes).ok();
                return Err(error.into());
            }
        }
    }
    Ok(handles)
}

pub(crate) fn close(session: Session) {
    if let Err(error) = session.close() {
        tracing::debug!(%error, "closing a session");
    }
}

/// Logs the user in. That the application is logged in already is as good.
pub(crate) fn login(session: &Session, pin: &PinSource) -> Result<(), Pkcs11Error> {
    match session.login(UserType::User, Some(&pin.read()?)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) if class(&error) == Class::Pin => Err(Pkcs11Error::PinRefused(error)),
        Err(error) => Err(Pkcs11Error::call("log in")(error)),
    }
}

fn enter(
    anchor: &Session,
    token: &TokenConfig,
    known: &Known,
    offers: impl Fn(Suite) -> bool,
) -> Result<BTreeMap<MasterKeyVersion, Handles>, Pkcs11Error> {
    login(anchor, &token.pin)?;
    let mut masters = master::find(anchor, &known.label)?;
    let mut canaries = known.canaries.lock();
    let mut added = known.added.lock();
    if masters.is_empty() {
        return Err(Pkcs11Error::NoMasterKey(known.label.clone()));
    }
    if !canaries.is_empty() {
        // What nobody has asked to be looked for may not be in the other tokens yet.
        masters.retain(|version, _| canaries.contains_key(version) || added.contains(version));
    }
    if let Some(lacking) = canaries.keys().find(|version| !masters.contains_key(version)) {
        return Err(Pkcs11Error::LacksVersion(*lacking));
    }
    let mut fresh = BTreeMap::new();
    for (version, handles) in &masters {
        if let Some(fault) = fault(anchor, *handles, known.custody, &offers)? {
            return Err(Pkcs11Error::UnfitKey { version: *version, fault });
        }
        let key = TokenKey { session: anchor, handles: *handles };
        let sealed = match canaries.get(version) {
            Some(sealed) => sealed.clone(),
            None => canary::seal(&key, *version, &known.id, &random::system).map_err(trial)?,
        };
        match canary::open(&key, *version, &known.id, &sealed) {
            Ok(()) => {}
            // Which code a token gives for this is not the same for any two of them.
            Err(_) if canaries.contains_key(version) => return Err(Pkcs11Error::WrongKey(*version)),
            Err(fault) => return Err(trial(fault)),
        }
        fresh.insert(*version, sealed);
    }
    added.retain(|version| !fresh.contains_key(version));
    *canaries = fresh;
    Ok(masters)
}

/// What forbids the use of such a master key in this token.
pub(crate) fn fault(
    session: &Session,
    handles: Handles,
    custody: Custody,
    offers: impl Fn(Suite) -> bool,
) -> Result<Option<&'static str>, Pkcs11Error> {
    let fault = Traits::read(session, handles.aes)?.fault(custody);
    let mac_fault = match handles.mac {
        Some(mac) => Traits::read(session, mac)?.mac_fault(),
        None => None,
    };
    let unable = match handles.suite() {
        Suite::AesGcm => "it has no key for HMAC beside it, and the token does not offer AES-GCM",
        Suite::AesCbcHmac => {
            "it has a key for HMAC beside it, and the token does not offer AES-CBC with HMAC (CKM_AES_CBC_PAD and \
             CKM_SHA256_HMAC)"
        }
    };
    Ok(fault.or(mac_fault).or_else(|| (!offers(handles.suite())).then_some(unable)))
}

fn trial(fault: Fault) -> Pkcs11Error {
    match fault {
        Fault::Call(source) => Pkcs11Error::Call { act: "seal and open with the master key", source },
        Fault::Answer(error) => Pkcs11Error::Trial(error),
    }
}
