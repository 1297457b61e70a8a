//! A sealed payload: a data key of its own, wrapped by the project key, and the payload under it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | suite of the first box |
//! | 4 | project key version, big-endian |
//! | 60 or 96 | box with the data key, under the project key: 60 bytes in suite 1, 96 in suite 4 |
//! | rest | box with the payload, under the data key |
//!
//! The second box is always of suite 1: it is sealed in this process. Both boxes are bound to the project key's id and to whatever the caller says the payload belongs to.

use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, ProjectKey, Sealed};
use zeroize::Zeroizing;

use super::{AeadKey, BOX_OVERHEAD, Claim, FORMAT, Suite, nonces, not_sealed, owner, split};
use crate::locked::KEY_LEN;
use crate::random::Random;

const KEY_PURPOSE: &str = "strongroom data key";
const PAYLOAD_PURPOSE: &str = "strongroom payload";
const HEADER_LEN: usize = 6;

/// Seals a payload. `project_key` is the unwrapped key of `row`; only the data key is sealed by it, so that
/// a slow device is given a few bytes, whatever the payload's length.
pub fn seal<K: AeadKey>(
    project_key: &K,
    row: &ProjectKey,
    binding: &[u8],
    payload: &Payload,
    random: Random<'_>,
) -> Result<Sealed, K::Error> {
    let owner = owner(row, binding);
    let mut data_key = Zeroizing::new([0; KEY_LEN]);
    random(data_key.as_mut_slice()).map_err(not_sealed)?;
    let [key_nonce, payload_nonce] = nonces(random)?;

    let suite = project_key.suite();
    let mut blob = Vec::with_capacity(front_len(suite) + payload.len() + BOX_OVERHEAD);
    blob.extend(header(row, suite));
    let claim = Claim { purpose: KEY_PURPOSE, owner: &owner };
    claim.seal_onto(&mut blob, project_key, key_nonce, data_key.as_slice())?;
    let claim = Claim { purpose: PAYLOAD_PURPOSE, owner: &owner };
    claim.seal_onto(&mut blob, &*data_key, payload_nonce, payload.expose())?;
    Ok(Sealed(blob))
}

/// Opens what [`seal`] made of the same row and binding.
pub fn open<K: AeadKey>(
    project_key: &K,
    row: &ProjectKey,
    binding: &[u8],
    sealed: &Sealed,
) -> Result<Payload, K::Error> {
    let suite = Suite::of("a payload", &sealed.0)?;
    let (front, boxed_payload) =
        sealed.0.split_at_checked(front_len(suite)).ok_or(BackendError::Integrity)?;
    let (found, boxed_key) = split::<HEADER_LEN>(front)?;
    if *found != header(row, suite) {
        return Err(BackendError::Integrity.into());
    }
    let owner = owner(row, binding);
    let mut data_key = Zeroizing::new([0; KEY_LEN]);
    let claim = Claim { purpose: KEY_PURPOSE, owner: &owner };
    claim.open_into(data_key.as_mut_slice(), (suite, project_key), found, boxed_key)?;

    let length = boxed_payload.len().checked_sub(BOX_OVERHEAD).ok_or(BackendError::Integrity)?;
    // Of exactly the payload's length: shrinking a longer one could leave a copy behind.
    let mut payload = vec![0; length];
    let claim = Claim { purpose: PAYLOAD_PURPOSE, owner: &owner };
    claim.open_into(&mut payload, (Suite::AesGcm, &*data_key), front, boxed_payload)?;
    Ok(Payload::new(payload))
}

/// Length of what stands in front of the payload's box.
fn front_len(suite: Suite) -> usize {
    HEADER_LEN + suite.box_len(KEY_LEN)
}

fn header(row: &ProjectKey, suite: Suite) -> [u8; HEADER_LEN] {
    let [v0, v1, v2, v3] = row.version.to_be_bytes();
    [FORMAT, suite.id(), v0, v1, v2, v3]
}

#[cfg(test)]
mod tests {
    use super::super::counting;
    use super::super::project_key::tests::{key, row};
    use super::*;

    /// Computed by another implementation of AES-GCM from the layout described above.
    const GOLDEN: &str = "010100000003606162636465666768696a6bef24fd39a7d3659766206e7bdd8a8e807aa23a4101ca59f6391b7f\
        ef8355eeb0aa61d9c6659820ba9bd0fa2704f058476c6d6e6f70717273747576773167b09e29520d34a5acf414\
        0b4157b38ea2c1c4a8372dd660b80a56d3da";

    #[test]
    fn the_stored_bytes_do_not_drift() {
        let payload = Payload::new(b"attack at dawn".to_vec());
        let sealed = seal(&key([0x22; 32]), &row(), b"binding", &payload, &counting(0x40)).unwrap();
        assert_eq!(hex::encode(sealed.0), GOLDEN);
    }

    #[test]
    fn a_payload_sealed_long_ago_opens() {
        let sealed = Sealed(hex::decode(GOLDEN).unwrap());
        let payload = open(&key([0x22; 32]), &row(), b"binding", &sealed).unwrap();
        assert_eq!(payload.expose(), b"attack at dawn");
    }

    #[test]
    fn a_part_of_one_payload_does_not_serve_in_another() {
        let seal = |text: &[u8]| {
            let payload = Payload::new(text.to_vec());
            seal(&key([0x22; 32]), &row(), b"binding", &payload, &crate::random::system).unwrap().0
        };
        let (one, other) = (seal(b"one"), seal(b"two"));
        let spliced = Sealed([&one[..66], &other[66..]].concat());
        let opened = open(&key([0x22; 32]), &row(), b"binding", &spliced);
        assert!(matches!(opened, Err(BackendError::Integrity)));
    }
}
