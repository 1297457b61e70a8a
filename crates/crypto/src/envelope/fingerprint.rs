//! Fingerprints of payloads, made with their project key (HMAC-SHA-256, of which the first 16 bytes are kept).
//!
//! A payload's material is the MAC of its bytes. What is stored is that, masked by (XOR with) the MAC of its secret's
//! id: each secret has a mask of its own, used once, as a payload never changes under one key. So whoever has the
//! stored bytes without the key learns nothing from them, not even by storing a guess beside them.

use ring::error::Unspecified;
use ring::hmac::{self, Context, HMAC_SHA256};
use strongroom_core::ports::BackendError;
use strongroom_core::{Fingerprint, Material, Payload, SecretId};

use crate::locked::LockedKey;
use crate::stack::wiped;

const MATERIAL: &[u8] = b"strongroom payload material\0";
const MASK: &[u8] = b"strongroom payload mask\0";

type Bytes = [u8; Fingerprint::LEN];

/// The fingerprint of a secret's payload.
pub(crate) fn seal(
    project_key: &LockedKey,
    secret: SecretId,
    payload: &Payload,
) -> Result<Fingerprint, BackendError> {
    let masked = project_key.with(|key| {
        wiped(|| {
            let key = hmac::Key::new(HMAC_SHA256, key);
            Ok(masked(mac(&key, MATERIAL, payload.expose())?, mac(&key, MASK, secret.as_bytes())?))
        })
    });
    masked.map(Fingerprint).map_err(not_made)
}

/// What fingerprints stand for, in the same order.
pub(crate) fn open(
    project_key: &LockedKey,
    fingerprints: &[(SecretId, Fingerprint)],
) -> Result<Vec<Material>, BackendError> {
    let opened = project_key.with(|key| {
        wiped(|| {
            let key = hmac::Key::new(HMAC_SHA256, key);
            let open = |(secret, fingerprint): &(SecretId, Fingerprint)| {
                Ok(Material(masked(fingerprint.0, mac(&key, MASK, secret.as_bytes())?)))
            };
            fingerprints.iter().map(open).collect()
        })
    });
    opened.map_err(not_made)
}

fn mac(key: &hmac::Key, purpose: &[u8], content: &[u8]) -> Result<Bytes, Unspecified> {
    let mut signing = Context::with_key(key);
    signing.update(purpose);
    signing.update(content);
    signing.sign().as_ref().first_chunk().copied().ok_or(Unspecified)
}

fn masked(mut bytes: Bytes, mask: Bytes) -> Bytes {
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    bytes
}

fn not_made(_: Unspecified) -> BackendError {
    BackendError::KeyMissing("a held project key".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::project_key::tests::key;
    use super::*;

    fn payload(text: &[u8]) -> Payload {
        Payload::new(text.to_vec())
    }

    /// Computed by another implementation of HMAC from the description above.
    #[test]
    fn the_stored_bytes_do_not_drift() {
        let secret = SecretId::parse("94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f").unwrap();
        let sealed = seal(&key([0x22; 32]), secret, &payload(b"attack at dawn")).unwrap();
        assert_eq!(hex::encode(sealed.0), GOLDEN);
    }

    const GOLDEN: &str = "f5d62ac5fb046c9754c6b64e7014c369";

    #[test]
    fn the_same_bytes_are_told_with_the_key_and_only_with_it() {
        let (ours, other) = (key([0x22; 32]), key([0x23; 32]));
        let ids = [(); 3].map(|()| SecretId::random());
        let texts: [&[u8]; 3] = [b"same", b"same", b"sama"];
        let sealed = [0, 1, 2].map(|at| (ids[at], seal(&ours, ids[at], &payload(texts[at])).unwrap()));
        assert!(sealed[0].1 != sealed[1].1, "without the key they have nothing in common");
        let [one, two, three] = open(&ours, &sealed).unwrap()[..] else { panic!() };
        assert!(one == two && two != three);
        let [one, two, _] = open(&other, &sealed).unwrap()[..] else { panic!() };
        assert!(one != two, "another key tells nothing");
        let elsewhere = seal(&other, ids[0], &payload(b"same")).unwrap();
        let elsewhere = open(&other, &[(ids[0], elsewhere)]).unwrap();
        assert!(open(&ours, &sealed[..1]).unwrap() != elsewhere, "projects are not linked");
    }
}
