//! A known text under a master key, which proves that the key at hand is the one that sealed it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | suite |
//! | 4 | master key version, big-endian |
//! | rest | box with the known text, under the master key: 45 bytes in suite 1, 80 in suite 4 |
//!
//! Bound to the backend's name.

use strongroom_core::ports::{BackendError, BackendId, Canary, MasterKeyVersion};

use super::{AeadKey, Claim, FORMAT, Suite, nonces, split};
use crate::random::Random;

const PURPOSE: &str = "strongroom canary";
pub(super) const TEXT: &[u8; 17] = b"strongroom canary";
const HEADER_LEN: usize = 6;

/// Seals the known text under that master key.
pub fn seal<K: AeadKey>(
    master: &K,
    version: MasterKeyVersion,
    backend: &BackendId,
    random: Random<'_>,
) -> Result<Canary, K::Error> {
    let [nonce] = nonces(random)?;
    let mut blob = header(version, master.suite()).to_vec();
    claim(backend).seal_onto(&mut blob, master, nonce, TEXT)?;
    Ok(Canary(blob))
}

/// Succeeds when that master key sealed the canary, as that version and for that backend.
pub fn open<K: AeadKey>(
    master: &K,
    version: MasterKeyVersion,
    backend: &BackendId,
    canary: &Canary,
) -> Result<(), K::Error> {
    let suite = Suite::of("a canary", &canary.0)?;
    let (front, boxed) = split::<HEADER_LEN>(&canary.0)?;
    if *front != header(version, suite) {
        return Err(BackendError::Integrity.into());
    }
    let mut text = [0; TEXT.len()];
    claim(backend).open_into(&mut text, (suite, master), front, boxed)?;
    if text == *TEXT { Ok(()) } else { Err(BackendError::Integrity.into()) }
}

pub(super) fn claim(backend: &BackendId) -> Claim<'_> {
    Claim { purpose: PURPOSE, owner: backend.as_str().as_bytes() }
}

pub(super) fn header(version: MasterKeyVersion, suite: Suite) -> [u8; HEADER_LEN] {
    let [m0, m1, m2, m3] = version.0.to_be_bytes();
    [FORMAT, suite.id(), m0, m1, m2, m3]
}

#[cfg(test)]
mod tests {
    use super::super::counting;
    use super::super::project_key::tests::key;
    use super::*;

    /// Computed by another implementation of AES-GCM from the layout described above.
    const GOLDEN: &str = "010100000002000102030405060708090a0b6097c47c15c4479b7bd5f3fca5c19654b0fdd90662cf02abe1395d\
        738e2e7b852d";

    fn soft() -> BackendId {
        BackendId::new("soft")
    }

    #[test]
    fn the_stored_bytes_do_not_drift() {
        let canary = seal(&key([0x11; 32]), MasterKeyVersion(2), &soft(), &counting(0)).unwrap();
        assert_eq!(hex::encode(canary.0), GOLDEN);
    }

    #[test]
    fn a_canary_sealed_long_ago_opens_for_its_backend_only() {
        let canary = Canary(hex::decode(GOLDEN).unwrap());
        let open = |backend: &BackendId| open(&key([0x11; 32]), MasterKeyVersion(2), backend, &canary);
        assert!(open(&soft()).is_ok());
        assert!(matches!(open(&BackendId::new("other")), Err(BackendError::Integrity)));
    }
}
