//! The stored formats: what each blob holds, byte by byte, and what it is bound to.
//!
//! Every blob begins with a format byte and a suite id, so that another layout or another suite is an
//! addition rather than a migration. A blob holds boxes: nonce, ciphertext, tag. Each box binds, as
//! associated data, a purpose of its own, everything that stands in front of it in the blob, and what the
//! blob belongs to. So no blob opens as one of another kind, in another's place, or with an altered header.

mod aead_key;
pub mod canary;
pub(crate) mod elsewhere;
pub(crate) mod fingerprint;
pub mod kept_key;
pub mod payload;
pub mod project_key;
pub(crate) mod receipt;
mod suite;

use ring::error::Unspecified;
use strongroom_core::ports::{BackendError, ProjectKey};

pub use self::aead_key::AeadKey;
pub use self::suite::Suite;
pub use crate::cipher::{NONCE_LEN, TAG_LEN};
use crate::locked::KEY_LEN;
use crate::random::Random;

/// The layout that the modules here describe; the first byte of every blob.
const FORMAT: u8 = 1;
/// What a box adds to the length of its content.
const BOX_OVERHEAD: usize = NONCE_LEN + TAG_LEN;
/// Length of a box with a key in it.
const BOXED_KEY_LEN: usize = KEY_LEN + BOX_OVERHEAD;

/// What a box is for and whose it is; a box opens for the same claim only.
struct Claim<'a> {
    /// Tells the kinds of boxes apart; holds no zero byte.
    purpose: &'static str,
    /// What the box belongs to, as unambiguous bytes.
    owner: &'a [u8],
}

impl Claim<'_> {
    /// The associated data of a box that stands behind `front`, whose length the format fixes.
    fn associated(&self, front: &[u8]) -> Vec<u8> {
        [self.purpose.as_bytes(), &[0], front, self.owner].concat()
    }

    /// Appends a box with `content` to the blob.
    fn seal_onto<K: AeadKey + ?Sized>(
        &self,
        blob: &mut Vec<u8>,
        key: &K,
        nonce: [u8; NONCE_LEN],
        content: &[u8],
    ) -> Result<(), K::Error> {
        let associated = self.associated(blob);
        blob.reserve_exact(key.suite().box_len(content.len()));
        key.seal_onto(blob, &associated, nonce, content)
    }

    /// Opens the box behind `front`, which was sealed by that suite, into `content`. On an error `content` holds
    /// nothing of it.
    fn open_into<K: AeadKey + ?Sized>(
        &self,
        content: &mut [u8],
        (suite, key): (Suite, &K),
        front: &[u8],
        boxed: &[u8],
    ) -> Result<(), K::Error> {
        suite.must_be(key.suite())?;
        if boxed.len() != suite.box_len(content.len()) {
            return Err(BackendError::Integrity.into());
        }
        key.open_into(content, &self.associated(front), boxed)
    }
}

/// Whose a payload is: a project key's, and whatever the caller says.
fn owner(row: &ProjectKey, binding: &[u8]) -> Vec<u8> {
    [row.id.as_bytes(), binding].concat()
}

/// Fresh nonces, all in one call to the system.
fn nonces<const N: usize>(random: Random<'_>) -> Result<[[u8; NONCE_LEN]; N], BackendError> {
    let mut nonces = [[0; NONCE_LEN]; N];
    random(nonces.as_flattened_mut()).map_err(not_sealed)?;
    Ok(nonces)
}

/// Splits a blob behind its header.
fn split<const HEADER: usize>(blob: &[u8]) -> Result<(&[u8; HEADER], &[u8]), BackendError> {
    blob.split_first_chunk().ok_or(BackendError::Integrity)
}

/// Sealing fails when the system gives no random bytes, or for more bytes than AES-GCM may seal at once.
fn not_sealed(_: Unspecified) -> BackendError {
    BackendError::Denied("the system gave no random bytes, or the payload is longer than 64 GiB".to_owned())
}

/// Randomness of the tests that pin stored bytes: counts up from `start`, never repeating within a blob.
#[cfg(test)]
fn counting(start: u8) -> impl Fn(&mut [u8]) -> Result<(), Unspecified> {
    let next = std::cell::Cell::new(start);
    move |bytes| {
        for byte in bytes {
            *byte = next.get();
            next.set(byte.wrapping_add(1));
        }
        Ok(())
    }
}
