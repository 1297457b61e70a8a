//! What a piece of work finds at a token: a session, and the keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use strongroom_core::ports::{BackendError, MasterKeyVersion, ProjectKey};
use strongroom_crypto::envelope::{AeadKey, NONCE_LEN, TAG_LEN, kept_key};
use strongroom_crypto::random;
use zeroize::Zeroizing;

use crate::error::Pkcs11Error;
use crate::fault::Fault;
use crate::link::{KeptKey, Known, Link, mechanism, unwrapped};
use crate::master;

const TAG_BITS: u64 = 128;

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

    /// Makes a project key in the token; gives it wrapped, and bound to the row.
    pub(crate) fn make_kept(&self, row: &ProjectKey) -> Result<Vec<u8>, Fault> {
        let no_way = || BackendError::Denied("the token has no way to wrap a key".to_owned());
        let wrapping = self.link.wrapping.ok_or_else(no_way)?;
        self.master(row.master)?;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32.into()),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            // Else it could not be wrapped. What is used afterwards is unwrapped as not extractable.
            Attribute::Extractable(true),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        let key = self.session.generate_key(&Mechanism::AesKeyGen, &template)?;
        self.wrap_and_destroy(key, row, wrapping)
    }

    /// The same project key, wrapped by the master key version that `renewed` names. It does not leave the
    /// token.
    pub(crate) fn rewrap_kept(&self, row: &ProjectKey, renewed: &ProjectKey) -> Result<Vec<u8>, Fault> {
        self.master(renewed.master)?;
        // Else it could not be wrapped again.
        let key = self.unwrap(row, true)?;
        let no_way = || BackendError::Denied("the token has no way to wrap a key".to_owned());
        match self.link.wrapping.ok_or_else(no_way) {
            Ok(wrapping) => self.wrap_and_destroy(key, renewed, wrapping),
            Err(error) => {
                self.session.destroy_object(key)?;
                Err(error.into())
            }
        }
    }

    /// Succeeds when the project key can be unwrapped, whatever the token already holds.
    pub(crate) fn prove_kept(&self, row: &ProjectKey) -> Result<(), Fault> {
        let key = self.unwrap(row, false)?;
        Ok(self.session.destroy_object(key)?)
    }

    /// Unwraps a project key for this piece of work only.
    fn unwrap(&self, row: &ProjectKey, extractable: bool) -> Result<ObjectHandle, Fault> {
        let (wrapping, wrapped) = kept_key::proved(row, |version| self.master(version))?;
        let master = self.master(row.master)?.handle;
        let template = unwrapped(extractable);
        Ok(self.session.unwrap_key(&mechanism(wrapping), master, wrapped, &template)?)
    }

    fn wrap_and_destroy(
        &self,
        key: ObjectHandle,
        row: &ProjectKey,
        wrapping: kept_key::Wrapping,
    ) -> Result<Vec<u8>, Fault> {
        let master = self.master(row.master)?;
        let wrapped = self.session.wrap_key(&mechanism(wrapping), master.handle, key);
        self.session.destroy_object(key)?;
        // Some tokens count padding in.
        let wrapped = wrapped?;
        let short = || BackendError::Denied("the token wraps a key into fewer bytes than it must".to_owned());
        let wrapped = wrapped.first_chunk().ok_or_else(short)?;
        kept_key::bind(&master, row, wrapping, wrapped, &random::system)
    }

    /// Every version of the master key that the token holds now.
    pub(crate) fn versions(&self) -> Result<BTreeSet<MasterKeyVersion>, Fault> {
        match master::find(self.session, &self.known.label) {
            Ok(found) => Ok(found.into_keys().collect()),
            Err(Pkcs11Error::Call { source, .. }) => Err(source.into()),
            Err(error) => Err(BackendError::Denied(error.in_full()).into()),
        }
    }

    pub(crate) fn key(&self, handle: ObjectHandle) -> TokenKey<'a> {
        TokenKey { session: self.session, handle }
    }
}

/// A key in the token.
pub(crate) struct TokenKey<'a> {
    pub(crate) session: &'a Session,
    pub(crate) handle: ObjectHandle,
}

impl AeadKey for TokenKey<'_> {
    type Error = Fault;

    fn seal_onto(
        &self,
        blob: &mut Vec<u8>,
        associated: &[u8],
        mut nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), Fault> {
        let parameters = GcmParams::new(&mut nonce, associated, TAG_BITS.into())?;
        let sealed = self.session.encrypt(&Mechanism::AesGcm(parameters), self.handle, content)?;
        if sealed.len() != content.len() + TAG_LEN {
            let reason = "the token's AES-GCM does not append a tag of 16 bytes".to_owned();
            return Err(BackendError::Denied(reason).into());
        }
        // A token in FIPS mode has put a nonce of its own there.
        blob.extend(nonce);
        blob.extend(sealed);
        Ok(())
    }

    fn open_into(&self, content: &mut [u8], associated: &[u8], boxed: &[u8]) -> Result<(), Fault> {
        let (nonce, sealed) = boxed.split_first_chunk().ok_or(BackendError::Integrity)?;
        let mut nonce: [u8; NONCE_LEN] = *nonce;
        let parameters = GcmParams::new(&mut nonce, associated, TAG_BITS.into())?;
        let text = self.session.decrypt(&Mechanism::AesGcm(parameters), self.handle, sealed)?;
        let text = Zeroizing::new(text);
        if text.len() != content.len() {
            return Err(BackendError::Integrity.into());
        }
        content.copy_from_slice(&text);
        Ok(())
    }
}
