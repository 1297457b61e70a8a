//! A key that seals and opens boxes, wherever it is: in this process's memory, or in a device that never
//! gives it away.

use ring::error::Unspecified;
use strongroom_core::ports::BackendError;
use zeroize::Zeroize as _;

use super::{Suite, not_sealed};
use crate::cipher::{self, NONCE_LEN};
use crate::locked::{KEY_LEN, LockedKey};

/// A key that seals by a suite of its own, and opens what was sealed by that. A box is nonce, ciphertext, tag.
pub trait AeadKey {
    /// What can go wrong with it.
    type Error: From<BackendError>;

    /// How it seals; AES-GCM, unless it says otherwise.
    fn suite(&self) -> Suite {
        Suite::AesGcm
    }

    /// Appends a box with `content`, for which `blob` has room, so that no copy is left behind by moving it.
    /// A device that insists on choosing nonces itself, or a suite that needs a longer one, puts its own in place
    /// of `nonce`.
    fn seal_onto(
        &self,
        blob: &mut Vec<u8>,
        associated: &[u8],
        nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), Self::Error>;

    /// Opens a box whose content has the length of `content`. On an error `content` holds nothing of it.
    fn open_into(&self, content: &mut [u8], associated: &[u8], boxed: &[u8]) -> Result<(), Self::Error>;
}

impl AeadKey for [u8; KEY_LEN] {
    type Error = BackendError;

    fn seal_onto(
        &self,
        blob: &mut Vec<u8>,
        associated: &[u8],
        nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), BackendError> {
        seal_onto(self, blob, associated, nonce, content).map_err(not_sealed)
    }

    fn open_into(&self, content: &mut [u8], associated: &[u8], boxed: &[u8]) -> Result<(), BackendError> {
        open_into(self, content, associated, boxed).map_err(not_authentic)
    }
}

impl AeadKey for LockedKey {
    type Error = BackendError;

    fn seal_onto(
        &self,
        blob: &mut Vec<u8>,
        associated: &[u8],
        nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), BackendError> {
        self.with(|key| seal_onto(key, blob, associated, nonce, content)).map_err(not_sealed)
    }

    fn open_into(&self, content: &mut [u8], associated: &[u8], boxed: &[u8]) -> Result<(), BackendError> {
        self.with(|key| open_into(key, content, associated, boxed)).map_err(not_authentic)
    }
}

/// The content is encrypted where it will stay.
fn seal_onto(
    key: &[u8; KEY_LEN],
    blob: &mut Vec<u8>,
    associated: &[u8],
    nonce: [u8; NONCE_LEN],
    content: &[u8],
) -> Result<(), Unspecified> {
    blob.extend(nonce);
    let front = blob.len();
    blob.extend(content);
    let text = blob.get_mut(front..).ok_or(Unspecified)?;
    let tag = cipher::seal(key, nonce, associated, text).inspect_err(|_| blob.zeroize())?;
    blob.extend(tag);
    Ok(())
}

fn open_into(
    key: &[u8; KEY_LEN],
    content: &mut [u8],
    associated: &[u8],
    boxed: &[u8],
) -> Result<(), Unspecified> {
    let (nonce, rest) = boxed.split_first_chunk().ok_or(Unspecified)?;
    let (text, tag) = rest.split_last_chunk().ok_or(Unspecified)?;
    if text.len() != content.len() {
        return Err(Unspecified);
    }
    content.copy_from_slice(text);
    cipher::open(key, *nonce, associated, *tag, content)
}

/// What did not open is not what was sealed.
fn not_authentic(_: Unspecified) -> BackendError {
    BackendError::Integrity
}
