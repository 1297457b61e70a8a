//! Boxes that a device or server seals and opens under a master key that never comes here.
//!
//! The stored bytes are those of [`super::project_key`] and [`super::canary`]: whoever holds the same master
//! key reads them, wherever it lies.

use strongroom_core::ports::{BackendError, BackendId, MasterKeyVersion, ProjectKey};

use super::{Claim, Suite, canary, nonces, project_key};
use crate::cipher::{NONCE_LEN, TAG_LEN};
use crate::random;

/// What is to be encrypted with AES-256-GCM elsewhere, and the blob that holds the result.
pub struct RemoteBox {
    what: &'static str,
    front: Vec<u8>,
    associated: Vec<u8>,
    content_len: usize,
}

/// The parts of a blob that has to be decrypted elsewhere.
pub struct RemoteParts<'a> {
    /// The nonce, 12 bytes.
    pub nonce: &'a [u8],
    /// The ciphertext.
    pub text: &'a [u8],
    /// The tag, 16 bytes.
    pub tag: &'a [u8],
}

impl RemoteBox {
    /// The box of a row's project key; the row's own `wrapped` is not looked at.
    pub fn project_key(row: &ProjectKey) -> Self {
        let owner = project_key::owner(row);
        let claim = Claim { purpose: project_key::PURPOSE, owner: &owner };
        Self::new(
            "a project key",
            &claim,
            &project_key::header(row, Suite::AesGcm.id()),
            crate::locked::KEY_LEN,
        )
    }

    /// The box of a canary.
    pub fn canary(version: MasterKeyVersion, backend: &BackendId) -> Self {
        Self::new(
            "a canary",
            &canary::claim(backend),
            &canary::header(version, Suite::AesGcm),
            canary::TEXT.len(),
        )
    }

    fn new(what: &'static str, claim: &Claim<'_>, front: &[u8], content_len: usize) -> Self {
        Self { what, front: front.to_vec(), associated: claim.associated(front), content_len }
    }

    /// What a canary holds.
    pub fn canary_text() -> &'static [u8] {
        canary::TEXT
    }

    /// The associated data to encrypt and decrypt with.
    pub fn associated(&self) -> &[u8] {
        &self.associated
    }

    /// A fresh random nonce, 12 bytes.
    pub fn nonce() -> Result<[u8; NONCE_LEN], BackendError> {
        let [nonce] = nonces(&random::system)?;
        Ok(nonce)
    }

    /// The blob to store, of what came back. `Integrity` when that has lengths which AES-GCM does not give.
    pub fn blob(&self, parts: &RemoteParts<'_>) -> Result<Vec<u8>, BackendError> {
        let blob = [&self.front, parts.nonce, parts.text, parts.tag].concat();
        self.parts(&blob)?;
        Ok(blob)
    }

    /// The parts of a stored blob, whose header has to be this box's.
    pub fn parts<'a>(&self, blob: &'a [u8]) -> Result<RemoteParts<'a>, BackendError> {
        Suite::of(self.what, blob)?.must_be(Suite::AesGcm)?;
        let boxed = blob.strip_prefix(self.front.as_slice()).ok_or(BackendError::Integrity)?;
        let (nonce, rest) = boxed.split_at_checked(NONCE_LEN).ok_or(BackendError::Integrity)?;
        let (text, tag) = rest.split_at_checked(self.content_len).ok_or(BackendError::Integrity)?;
        if tag.len() == TAG_LEN { Ok(RemoteParts { nonce, text, tag }) } else { Err(BackendError::Integrity) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::project_key::tests::{key, row};
    use super::*;
    use crate::cipher;

    /// What a server does, done here.
    fn encrypt(remote: &RemoteBox, content: &[u8]) -> Vec<u8> {
        let (nonce, mut text) = (RemoteBox::nonce().unwrap(), content.to_vec());
        let tag = cipher::seal(&[0x11; 32], nonce, remote.associated(), &mut text).unwrap();
        remote.blob(&RemoteParts { nonce: &nonce, text: &text, tag: &tag }).unwrap()
    }

    #[test]
    fn what_was_sealed_elsewhere_opens_here() {
        let master = key([0x11; 32]);
        let row = row();
        let row = ProjectKey { wrapped: encrypt(&RemoteBox::project_key(&row), &[0x22; 32]), ..row };
        let mut opened = [0; 32];
        project_key::unwrap(&row, &mut opened, &master).unwrap();
        assert_eq!(opened, [0x22; 32]);

        let (version, backend) = (MasterKeyVersion(7), BackendId::new("kmip"));
        let blob = encrypt(&RemoteBox::canary(version, &backend), RemoteBox::canary_text());
        canary::open(&master, version, &backend, &strongroom_core::ports::Canary(blob)).unwrap();
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let remote = RemoteBox::project_key(&row());
        let good = encrypt(&remote, &[0x22; 32]);
        assert!(remote.parts(&good).is_ok());
        assert!(remote.parts(&good[..good.len() - 1]).is_err());
        assert!(remote.parts(&[good.as_slice(), &[0]].concat()).is_err());
        assert!(remote.blob(&RemoteParts { nonce: &[0; 12], text: &[0; 32], tag: &[0; 12] }).is_err());
    }
}
