//! What a piece of work finds at a token: a session, and the keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::Session;
use strongroom_core::ports::{BackendError, MasterKeyVersion, ProjectKey};
use strongroom_crypto::envelope::kept_key::{self, Wrapping};
use strongroom_crypto::envelope::{AeadKey as _, Suite};
use strongroom_crypto::random;

use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::{KeptKey, Known, Link, mechanism, unwrap_by};
use crate::master;
use crate::token_key::{Handles, TokenKey};

/// One worker's session within a connection.
pub(crate) struct Seat<'a> {
    pub(crate) link: &'a Link,
    pub(crate) session: &'a Session,
    pub(crate) known: &'a Known,
}

impl<'a> Seat<'a> {
    /// A version of the master key.
    pub(crate) fn master(&self, version: MasterKeyVersion) -> Result<TokenKey<'a>, Fault> {
        let missing = || {
            BackendError::KeyMissing(format!("version {version} of the master key '{}'", self.known.label))
        };
        Ok(self.key(self.link.master(version).ok_or_else(missing)?))
    }

    /// A project key that is kept in tokens, unwrapped into this one unless it is there.
    pub(crate) fn kept(&self, row: &ProjectKey) -> Result<Arc<KeptKey>, Fault> {
        if let Some(key) = self.link.kept(row) {
            return Ok(key);
        }
        let (wrapping, wrapped) = kept_key::proved(row, |version| self.master(version))?;
        self.link.unwrap(row, wrapping, wrapped, self.known.keys)
    }

    /// Makes a project key in the token; gives it wrapped, and bound to the row. It seals as its master key does.
    pub(crate) fn make_kept(&self, row: &ProjectKey) -> Result<Vec<u8>, Fault> {
        let wrapping = self.wrapping()?;
        let suite = self.master(row.master)?.suite();
        let aes = self.session.generate_key(&Mechanism::AesKeyGen, &extractable(KeyType::AES))?;
        let mac = match suite {
            Suite::AesGcm => None,
            Suite::AesCbcHmac => {
                let template = extractable(KeyType::GENERIC_SECRET);
                Some(self.session.generate_key(&Mechanism::GenericSecretKeyGen, &template)?)
            }
        };
        self.wrap_and_destroy(Handles { aes, mac }, row, wrapping)
    }

    /// The same project key, wrapped by the master key version that `renewed` names. It does not leave the
    /// token.
    pub(crate) fn rewrap_kept(&self, row: &ProjectKey, renewed: &ProjectKey) -> Result<Vec<u8>, Fault> {
        self.master(renewed.master)?;
        let wrapping = self.wrapping()?;
        // Else it could not be wrapped again.
        let keys = self.unwrap(row, true)?;
        self.wrap_and_destroy(keys, renewed, wrapping)
    }

    /// Succeeds when the project key can be unwrapped, whatever the token already holds.
    pub(crate) fn prove_kept(&self, row: &ProjectKey) -> Result<(), Fault> {
        let keys = self.unwrap(row, false)?;
        self.destroy(keys)
    }

    fn wrapping(&self) -> Result<Wrapping, Fault> {
        let no_way = || BackendError::Denied("the token has no way to wrap a key".to_owned());
        Ok(self.link.wrapping.ok_or_else(no_way)?)
    }

    /// Unwraps a project key for this piece of work only.
    fn unwrap(&self, row: &ProjectKey, extractable: bool) -> Result<Handles, Fault> {
        let (wrapping, wrapped) = kept_key::proved(row, |version| self.master(version))?;
        unwrap_by(self.session, self.master(row.master)?.handles, wrapping, wrapped, extractable)
    }

    fn wrap_and_destroy(
        &self,
        keys: Handles,
        row: &ProjectKey,
        wrapping: Wrapping,
    ) -> Result<Vec<u8>, Fault> {
        let master = self.master(row.master)?;
        let wrap = |key| self.session.wrap_key(&mechanism(wrapping), master.handles.aes, key);
        let wrapped = keys.each().map(wrap).collect::<Result<Vec<_>, _>>();
        self.destroy(keys)?;
        // Some tokens count padding in.
        let cut = |wrapped: &Vec<u8>| wrapped.first_chunk().copied();
        let short = || BackendError::Denied("the token wraps a key into fewer bytes than it must".to_owned());
        let wrapped = wrapped?.iter().map(cut).collect::<Option<Vec<_>>>().ok_or_else(short)?;
        kept_key::bind(&master, row, wrapping, &wrapped, &random::system)
    }

    fn destroy(&self, keys: Handles) -> Result<(), Fault> {
        keys.each().try_for_each(|key| Ok(self.session.destroy_object(key)?))
    }

    /// Every version of the master key that the token holds now.
    pub(crate) fn versions(&self) -> Result<BTreeSet<MasterKeyVersion>, Fault> {
        match master::find(self.session, &self.known.label) {
            Ok(found) => Ok(found.into_keys().collect()),
            Err(Pkcs11Error::Call { source, .. }) => Err(source.into()),
            Err(error) => Err(BackendError::Denied(error.in_full()).into()),
        }
    }

    pub(crate) fn key(&self, handles: Handles) -> TokenKey<'a> {
        TokenKey { session: self.session, handles }
    }
}

/// What a project key is made with.
fn extractable(key_type: KeyType) -> [Attribute; 10] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(key_type),
        Attribute::ValueLen(32.into()),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        // Else it could not be wrapped. What is used afterwards is unwrapped as not extractable.
        Attribute::Extractable(true),
        Attribute::Encrypt(key_type == KeyType::AES),
        Attribute::Decrypt(key_type == KeyType::AES),
        Attribute::Sign(key_type != KeyType::AES),
    ]
}
