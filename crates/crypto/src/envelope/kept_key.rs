//! A project key that never leaves the device that holds the master key: made there, wrapped by the device,
//! unwrapped into it, used in it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | suite |
//! | 4 | master key version, big-endian |
//! | 4 | project key version, big-endian |
//! | 40 | the project key, wrapped by the master key |
//! | 0 or 40 | the project key's key for HMAC, wrapped by the master key |
//! | rest | box with nothing in it, under the master key: 28 bytes of AES-GCM, 64 of AES-CBC with HMAC |
//!
//! | suite | wrapped by | the project key seals by | the box is sealed by |
//! |---|---|---|---|
//! | 2, 3 | AES key wrap, the same with padding | AES-GCM | AES-GCM |
//! | 5, 6 | | AES-CBC with HMAC | AES-CBC with HMAC |
//! | 7, 8 | | AES-GCM | AES-CBC with HMAC |
//! | 9, 10 | | AES-CBC with HMAC | AES-GCM |
//!
//! AES key wrap is RFC 3394, that with padding RFC 5649. Neither authenticates what the key belongs to. The
//! empty box does: it binds what was wrapped to all that a boxed project key ([`super::project_key`]) is bound
//! to. The last four suites come of a rotation between master keys of two kinds.

use strongroom_core::ports::{BackendError, MasterKeyVersion, ProjectKey};

use super::project_key::{HEADER_LEN, header, owner};
use super::{AeadKey, Claim, FORMAT, Suite, nonces, split};
use crate::random::Random;

const PURPOSE: &str = "strongroom kept project key";

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
    /// How the key of this row is wrapped; `None` when it is not kept in a device.
    pub fn of(row: &ProjectKey) -> Option<Self> {
        Form::of(row).map(|form| form.wrapping)
    }
}

/// What a suite stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    wrapping: Wrapping,
    /// How the project key seals.
    sealing: Suite,
    /// How the box is sealed.
    bound: Suite,
}

impl Form {
    const ALL: [(u8, Suite, Suite); 4] = [
        (2, Suite::AesGcm, Suite::AesGcm),
        (5, Suite::AesCbcHmac, Suite::AesCbcHmac),
        (7, Suite::AesGcm, Suite::AesCbcHmac),
        (9, Suite::AesCbcHmac, Suite::AesGcm),
    ];

    fn of(row: &ProjectKey) -> Option<Self> {
        let [FORMAT, suite, ..] = row.wrapped.as_slice() else { return None };
        Self::ALL.into_iter().find_map(|(id, sealing, bound)| match suite.checked_sub(id) {
            Some(0) => Some(Self { wrapping: Wrapping::KeyWrap, sealing, bound }),
            Some(1) => Some(Self { wrapping: Wrapping::KeyWrapPad, sealing, bound }),
            _ => None,
        })
    }

    fn suite(self) -> Option<u8> {
        let kinds = (self.sealing, self.bound);
        let (id, ..) = Self::ALL.into_iter().find(|(_, sealing, bound)| (*sealing, *bound) == kinds)?;
        Some(id + u8::from(self.wrapping == Wrapping::KeyWrapPad))
    }

    /// How many keys are wrapped.
    fn keys(self) -> usize {
        match self.sealing {
            Suite::AesGcm => 1,
            Suite::AesCbcHmac => 2,
        }
    }
}

/// Binds what the device has wrapped to the row; gives the row's `wrapped`. A project key that seals by AES-CBC
/// with HMAC is two keys, that for AES first.
pub fn bind<K: AeadKey>(
    master: &K,
    row: &ProjectKey,
    wrapping: Wrapping,
    wrapped: &[[u8; WRAPPED_LEN]],
    random: Random<'_>,
) -> Result<Vec<u8>, K::Error> {
    let [nonce] = nonces(random)?;
    let sealing = if wrapped.len() == 1 { Suite::AesGcm } else { Suite::AesCbcHmac };
    let form = Form { wrapping, sealing, bound: master.suite() };
    let suite = form.suite().filter(|_| wrapped.len() == form.keys()).ok_or(BackendError::Integrity)?;
    let mut blob = header(row, suite).to_vec();
    blob.extend(wrapped.as_flattened());
    Claim { purpose: PURPOSE, owner: &owner(row) }.seal_onto(&mut blob, master, nonce, &[])?;
    Ok(blob)
}

/// What the device is to unwrap, once it is proved to belong to the row: one key, or that for AES and that for
/// HMAC. `master` finds a master key, and is asked only once the row's versions agree with what was wrapped.
pub fn proved<K: AeadKey>(
    row: &ProjectKey,
    master: impl FnOnce(MasterKeyVersion) -> Result<K, K::Error>,
) -> Result<(Wrapping, &[[u8; WRAPPED_LEN]]), K::Error> {
    let form = Form::of(row).ok_or(BackendError::Integrity)?;
    let length = HEADER_LEN + form.keys() * WRAPPED_LEN;
    let (front, proof) = row.wrapped.split_at_checked(length).ok_or(BackendError::Integrity)?;
    let (found, wrapped) = split::<HEADER_LEN>(front)?;
    if form.suite().map(|suite| header(row, suite)) != Some(*found) {
        return Err(BackendError::Integrity.into());
    }
    let master = master(row.master)?;
    Claim { purpose: PURPOSE, owner: &owner(row) }.open_into(&mut [], (form.bound, &master), front, proof)?;
    Ok((form.wrapping, wrapped.as_chunks().0))
}

#[cfg(test)]
mod tests {
    use super::super::project_key::tests::{key, row};
    use super::*;
    use crate::random;

    fn kept(wrapping: Wrapping) -> ProjectKey {
        let wrapped = bind(&key([0x11; 32]), &row(), wrapping, &[[7; WRAPPED_LEN]], &random::system).unwrap();
        ProjectKey { wrapped, ..row() }
    }

    #[test]
    fn what_was_bound_is_proved_and_given_back() {
        for wrapping in [Wrapping::KeyWrap, Wrapping::KeyWrapPad] {
            let row = kept(wrapping);
            assert_eq!(
                proved(&row, |_| Ok(key([0x11; 32]))).unwrap(),
                (wrapping, [[7; WRAPPED_LEN]].as_slice())
            );
            assert!(matches!(proved(&row, |_| Ok(key([0x12; 32]))), Err(BackendError::Integrity)));
        }
    }

    #[test]
    fn each_form_has_suites_of_its_own() {
        let mut seen = Vec::new();
        for (first, sealing, bound) in Form::ALL {
            for wrapping in [Wrapping::KeyWrap, Wrapping::KeyWrapPad] {
                let form = Form { wrapping, sealing, bound };
                let suite = form.suite().unwrap();
                assert_eq!(Form::of(&ProjectKey { wrapped: vec![FORMAT, suite], ..row() }), Some(form));
                seen.push(suite);
            }
            assert_eq!(seen.iter().rev().nth(1), Some(&first));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [2, 3, 5, 6, 7, 8, 9, 10]);
        for boxed in [1, 4] {
            assert_eq!(Wrapping::of(&ProjectKey { wrapped: vec![FORMAT, boxed], ..row() }), None);
        }
    }

    /// A project key of two keys, under a master key that seals by AES-GCM.
    #[test]
    fn two_keys_are_bound_as_one() {
        let wrapped = [[7; WRAPPED_LEN], [8; WRAPPED_LEN]];
        let wrapping = Wrapping::KeyWrap;
        let bound = bind(&key([0x11; 32]), &row(), wrapping, &wrapped, &random::system).unwrap();
        let kept = ProjectKey { wrapped: bound, ..row() };
        assert_eq!(proved(&kept, |_| Ok(key([0x11; 32]))).unwrap(), (wrapping, wrapped.as_slice()));
        let three = [[7; WRAPPED_LEN]; 3];
        for wrong in [&three[..0], &three] {
            assert!(bind(&key([0x11; 32]), &row(), wrapping, wrong, &random::system).is_err());
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
