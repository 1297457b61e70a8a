//! Keys in a token as keys that seal and open.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use strongroom_core::ports::BackendError;
use strongroom_crypto::envelope::{AeadKey, NONCE_LEN, Suite};
use strongroom_crypto::random;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::fault::Fault;

const TAG_BITS: u64 = 128;

/// The objects that make up a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handles {
    pub(crate) aes: ObjectHandle,
    /// The key for HMAC. With it the key seals by AES-CBC with HMAC, without it by AES-GCM.
    pub(crate) mac: Option<ObjectHandle>,
}

impl Handles {
    pub(crate) fn suite(self) -> Suite {
        if self.mac.is_some() { Suite::AesCbcHmac } else { Suite::AesGcm }
    }

    /// Every object, that for AES first.
    pub(crate) fn each(self) -> impl Iterator<Item = ObjectHandle> {
        [Some(self.aes), self.mac].into_iter().flatten()
    }
}

/// A key in the token.
pub(crate) struct TokenKey<'a> {
    pub(crate) session: &'a Session,
    pub(crate) handles: Handles,
}

impl AeadKey for TokenKey<'_> {
    type Error = Fault;

    fn suite(&self) -> Suite {
        self.handles.suite()
    }

    fn seal_onto(
        &self,
        blob: &mut Vec<u8>,
        associated: &[u8],
        nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), Fault> {
        let boxed = match self.handles.mac {
            None => self.seal_by_gcm(associated, nonce, content)?,
            Some(mac) => self.seal_by_cbc(mac, associated, content)?,
        };
        if boxed.len() != self.suite().box_len(content.len()) {
            let reason = "what the token encrypts has not the length that it must have".to_owned();
            return Err(BackendError::Denied(reason).into());
        }
        blob.extend(boxed);
        Ok(())
    }

    fn open_into(&self, content: &mut [u8], associated: &[u8], boxed: &[u8]) -> Result<(), Fault> {
        let text = match self.handles.mac {
            None => self.open_by_gcm(associated, boxed)?,
            Some(mac) => self.open_by_cbc(mac, associated, boxed)?,
        };
        if text.len() != content.len() {
            return Err(BackendError::Integrity.into());
        }
        content.copy_from_slice(&text);
        Ok(())
    }
}

impl TokenKey<'_> {
    fn seal_by_gcm(
        &self,
        associated: &[u8],
        mut nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let parameters = GcmParams::new(&mut nonce, associated, TAG_BITS.into())?;
        let sealed = self.session.encrypt(&Mechanism::AesGcm(parameters), self.handles.aes, content)?;
        // A token in FIPS mode has put a nonce of its own there.
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open_by_gcm(&self, associated: &[u8], boxed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (nonce, sealed) = boxed.split_first_chunk().ok_or(BackendError::Integrity)?;
        let mut nonce: [u8; NONCE_LEN] = *nonce;
        let parameters = GcmParams::new(&mut nonce, associated, TAG_BITS.into())?;
        let text = self.session.decrypt(&Mechanism::AesGcm(parameters), self.handles.aes, sealed)?;
        Ok(Zeroizing::new(text))
    }

    fn seal_by_cbc(&self, mac: ObjectHandle, associated: &[u8], content: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut iv = [0; Suite::IV_LEN];
        let no_random = |_| BackendError::Denied("the system gave no random bytes".to_owned());
        random::system(&mut iv).map_err(no_random)?;
        let text = self.session.encrypt(&Mechanism::AesCbcPad(iv), self.handles.aes, content)?;
        let tag = self.mac(mac, associated, &iv, &text)?;
        Ok([iv.as_slice(), &text, &tag].concat())
    }

    /// The MAC first: what was altered is not decrypted, and so tells nothing by its padding.
    fn open_by_cbc(
        &self,
        mac: ObjectHandle,
        associated: &[u8],
        boxed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (iv, rest) = boxed.split_first_chunk::<{ Suite::IV_LEN }>().ok_or(BackendError::Integrity)?;
        let (text, tag) = rest.split_last_chunk::<{ Suite::MAC_LEN }>().ok_or(BackendError::Integrity)?;
        let found = self.mac(mac, associated, iv, text)?;
        if !bool::from(found.ct_eq(tag)) {
            return Err(BackendError::Integrity.into());
        }
        Ok(Zeroizing::new(self.session.decrypt(&Mechanism::AesCbcPad(*iv), self.handles.aes, text)?))
    }

    fn mac(&self, key: ObjectHandle, associated: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, Fault> {
        let covered = Suite::authenticated(associated, iv, text)?;
        Ok(self.session.sign(&Mechanism::Sha256Hmac, key, &covered)?)
    }
}
