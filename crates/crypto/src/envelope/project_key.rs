//! A project key wrapped by a master key.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | suite |
//! | 4 | master key version, big-endian |
//! | 4 | project key version, big-endian |
//! | rest | box with the project key, under the master key: 60 bytes in suite 1, 96 in suite 4 |
//!
//! Bound to the row's id, time of creation, project and backend, besides the versions in the header.

use strongroom_core::ports::{BackendError, MasterKeyVersion, ProjectKey};
use zeroize::Zeroizing;

use super::{AeadKey, Claim, FORMAT, Suite, nonces, split};
use crate::locked::KEY_LEN;
use crate::random::Random;

pub(super) const PURPOSE: &str = "strongroom project key";
pub(super) const HEADER_LEN: usize = 10;

/// Wraps `key` as the row describes it; the row's own `wrapped` is not looked at.
pub fn wrap<K: AeadKey>(
    master: &K,
    row: &ProjectKey,
    key: &[u8; KEY_LEN],
    random: Random<'_>,
) -> Result<Vec<u8>, K::Error> {
    let [nonce] = nonces(random)?;
    let mut blob = Vec::with_capacity(HEADER_LEN + master.suite().box_len(KEY_LEN));
    blob.extend(header(row, master.suite().id()));
    let claim = Claim { purpose: PURPOSE, owner: &owner(row) };
    claim.seal_onto(&mut blob, master, nonce, key)?;
    Ok(blob)
}

/// Whether a row's versions agree with what was wrapped; only then is it worth looking for the master key.
pub(crate) fn known(row: &ProjectKey) -> Result<(), BackendError> {
    parts(row).map(drop)
}

/// Unwraps a row's key into its locked place.
pub(crate) fn unwrap<K: AeadKey>(
    row: &ProjectKey,
    key: &mut [u8; KEY_LEN],
    master: &K,
) -> Result<(), K::Error> {
    let (suite, front, boxed) = parts(row)?;
    Claim { purpose: PURPOSE, owner: &owner(row) }.open_into(key, (suite, master), front, boxed)
}

/// Unwraps a row's key where the master key is in a device that may take its time: locked memory, which is
/// shared, is not held meanwhile. `master` finds a master key, and is asked only once the row's versions agree
/// with what was wrapped.
pub fn unwrap_by<K: AeadKey>(
    row: &ProjectKey,
    master: impl FnOnce(MasterKeyVersion) -> Result<K, K::Error>,
) -> Result<Zeroizing<[u8; KEY_LEN]>, K::Error> {
    known(row)?;
    let mut key = Zeroizing::new([0; KEY_LEN]);
    unwrap(row, &mut key, &master(row.master)?)?;
    Ok(key)
}

fn parts(row: &ProjectKey) -> Result<(Suite, &[u8; HEADER_LEN], &[u8]), BackendError> {
    let suite = Suite::of("a project key", &row.wrapped)?;
    let (front, boxed) = split::<HEADER_LEN>(&row.wrapped)?;
    if *front == header(row, suite.id()) { Ok((suite, front, boxed)) } else { Err(BackendError::Integrity) }
}

/// What every kind of wrapped project key begins with.
pub(super) fn header(row: &ProjectKey, suite: u8) -> [u8; HEADER_LEN] {
    let [m0, m1, m2, m3] = row.master.0.to_be_bytes();
    let [v0, v1, v2, v3] = row.version.to_be_bytes();
    [FORMAT, suite, m0, m1, m2, m3, v0, v1, v2, v3]
}

/// The zero ends the project's id, which never holds one: [`strongroom_core::OpaqueId`] has no control
/// characters.
pub(super) fn owner(row: &ProjectKey) -> Vec<u8> {
    [
        row.id.as_bytes(),
        row.created.as_micros().to_be_bytes().as_slice(),
        row.project.as_str().as_bytes(),
        &[0],
        row.backend.as_str().as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
pub(super) mod tests {
    use strongroom_core::ports::BackendId;
    use strongroom_core::{ProjectId, ProjectKeyId, Timestamp};

    use super::super::counting;
    use super::*;
    use crate::locked::{Arena, LockedKey};

    /// The key with these bytes.
    pub(in super::super) fn key(bytes: [u8; KEY_LEN]) -> LockedKey {
        let fill = |slot: &mut [u8; KEY_LEN]| {
            *slot = bytes;
            Ok::<_, BackendError>(())
        };
        Arena::with_room_for(1).unwrap().store(fill).unwrap()
    }

    /// A row as stored, whose key is thirty-two times 0x22, wrapped by thirty-two times 0x11.
    pub(in super::super) fn row() -> ProjectKey {
        ProjectKey {
            id: ProjectKeyId::parse("94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").unwrap(),
            project: ProjectId::new("project").unwrap(),
            backend: BackendId::new("soft"),
            version: 3,
            master: MasterKeyVersion(2),
            wrapped: hex::decode(GOLDEN).unwrap(),
            created: Timestamp::from_micros(1_700_000_000_123_456).unwrap(),
        }
    }

    /// Computed by another implementation of AES-GCM from the layout described above.
    const GOLDEN: &str = "01010000000200000003a0a1a2a3a4a5a6a7a8a9aaab4196526f6236a1b11a3d91795d671fce80d5e4102bafa3\
        8936f6cccc7af414488b9e1dca0c3d0b1084a5735cffecd4dd";

    #[test]
    fn the_stored_bytes_do_not_drift() {
        let wrapped = wrap(&key([0x11; 32]), &row(), &[0x22; 32], &counting(0xA0)).unwrap();
        assert_eq!(hex::encode(wrapped), GOLDEN);
    }

    #[test]
    fn a_key_wrapped_long_ago_unwraps() {
        let (master, mut opened) = (key([0x11; 32]), [0; KEY_LEN]);
        unwrap(&row(), &mut opened, &master).unwrap();
        assert_eq!(opened, [0x22; 32]);
    }

    #[test]
    fn another_layout_or_suite_is_named() {
        for at in [0, 1] {
            let mut row = row();
            row.wrapped[at] = 9;
            let error = unwrap(&row, &mut [0; KEY_LEN], &key([0x11; 32])).err().unwrap();
            assert!(matches!(&error, BackendError::UnknownFormat(what) if what.contains('9')), "{error}");
        }
    }
}
