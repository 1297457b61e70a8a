//! A project key that never leaves the device that holds the master key: made there, wrapped by the device,
//! unwrapped into it, used in it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | suite: 2 or 3 |
//! | 4 | master key version, big-endian |
//! | 4 | project key version, big-endian |
//! | 40 | the project key, wrapped by the master key |
//! | 28 | box with nothing in it, under the master key |
//!
//! Suite 2 is AES key wrap (RFC 3394), suite 3 AES key wrap with padding (RFC 5649). Neither authenticates
//! what the key belongs to. The empty box does: it binds the wrapped key to all that a boxed project key
//! ([`super::project_key`]) is bound to.

use strongroom_core::ports::{BackendError, MasterKeyVersion, ProjectKey};

use super::project_key::{HEADER_LEN, header, owner};
use super::{AeadKey, BOX_OVERHEAD, Claim, FORMAT, nonces, split};
use crate::random::Random;

const PURPOSE: &str = "strongroom kept project key";
const FRONT_LEN: usize = HEADER_LEN + WRAPPED_LEN;

/// Length of a wrapped key of 32 bytes, by either mechanism.
pub const WRAPPED_LEN: usize = 40;

/// How a device wraps a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// RFC 3394, CKM_AES_KEY_WRAP.
    KeyWrap,
    /// RFC 5649, CKM_AES_KEY_WRAP_PAD or CKM_AES_KEY_WRAP_KWP.
    KeyWrapPad,
}

impl Wrapping {
    fn suite(self) -> u8 {
        match self {
            Self::KeyWrap => 2,
            Self::KeyWrapPad => 3,
        }
    }

    /// How the key of this row is wrapped; `None` when it is not kept in a device.
    pub fn of(row: &ProjectKey) -> Option<Self> {
        match row.wrapped.as_slice() {
            [FORMAT, 2, ..] => Some(Self::KeyWrap),
            [FORMAT, 3, ..] => Some(Self::KeyWrapPad),
            _ => None,
        }
    }
}

/// Binds what the device has wrapped to the row; gives the row's `wrapped`.
pub fn bind<K: AeadKey>(
    master: &K,
    row: &ProjectKey,
    wrapping: Wrapping,
    wrapped: &[u8; WRAPPED_LEN],
    random: Random<'_>,
) -> Result<Vec<u8>, K::Error> {
    let [nonce] = nonces(random)?;
    let mut blob = Vec::with_capacity(FRONT_LEN + BOX_OVERHEAD);
    blob.extend(header(row, wrapping.suite()));
    blob.extend(wrapped);
    Claim { purpose: PURPOSE, owner: &owner(row) }.seal_onto(&mut blob, master, nonce, &[])?;
    Ok(blob)
}

/// What the device is to unwrap, once it is proved to belong to the row. `master` finds a master key, and is
/// asked only once the row's versions agree with what was wrapped.
pub fn proved<K: AeadKey>(
    row: &ProjectKey,
    master: impl FnOnce(MasterKeyVersion) -> Result<K, K::Error>,
) -> Result<(Wrapping, &[u8; WRAPPED_LEN]), K::Error> {
    let wrapping = Wrapping::of(row).ok_or(BackendError::Integrity)?;
    let (front, proof) = split::<FRONT_LEN>(&row.wrapped)?;
    let (found, wrapped) = split::<HEADER_LEN>(front)?;
    if *found != header(row, wrapping.suite()) {
        return Err(BackendError::Integrity.into());
    }
    let master = master(row.master)?;
    Claim { purpose: PURPOSE, owner: &owner(row) }.open_into(&mut [], &master, front, proof)?;
    let wrapped = wrapped.first_chunk().ok_or(BackendError::Integrity)?;
    Ok((wrapping, wrapped))
}

#[cfg(test)]
mod tests {
    use super::super::project_key::tests::{key, row};
    use super::*;
    use crate::random;

    fn kept(wrapping: Wrapping) -> ProjectKey {
        let wrapped = bind(&key([0x11; 32]), &row(), wrapping, &[7; WRAPPED_LEN], &random::system).unwrap();
        ProjectKey { wrapped, ..row() }
    }

    #[test]
    fn what_was_bound_is_proved_and_given_back() {
        for wrapping in [Wrapping::KeyWrap, Wrapping::KeyWrapPad] {
            let row = kept(wrapping);
            assert_eq!(proved(&row, |_| Ok(key([0x11; 32]))).unwrap(), (wrapping, &[7; WRAPPED_LEN]));
            assert!(matches!(proved(&row, |_| Ok(key([0x12; 32]))), Err(BackendError::Integrity)));
        }
    }

    #[test]
    fn any_altered_byte_or_column_breaks_the_proof() {
        let row = kept(Wrapping::KeyWrap);
        let refused = |row: &ProjectKey| {
            let proof = proved(row, |_| Ok(key([0x11; 32])));
            assert!(matches!(proof, Err(BackendError::Integrity)), "{row:?}");
        };
        for at in 0..row.wrapped.len() {
            let mut altered = row.clone();
            altered.wrapped[at] ^= 1;
            refused(&altered);
        }
        refused(&ProjectKey { version: row.version + 1, ..row.clone() });
        refused(&ProjectKey { master: MasterKeyVersion(row.master.0 + 1), ..row.clone() });
        refused(&ProjectKey { created: row.created.plus_seconds(1), ..row.clone() });
        refused(&ProjectKey { wrapped: row.wrapped[..row.wrapped.len() - 1].to_vec(), ..row.clone() });
    }
}
