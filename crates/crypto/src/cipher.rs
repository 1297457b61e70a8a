//! AES-256-GCM on ring, the only suite so far.
//!
//! Key schedules exist on the stack only, for the time of one operation, and are wiped after it: an expanded
//! key kept on the heap would be a second copy of the key outside locked memory. Expanding costs a small
//! part of a microsecond.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use ring::error::Unspecified;

use crate::locked::KEY_LEN;
use crate::stack::wiped;

/// Length of a nonce in bytes. Nonces are random, so one key may seal at most 2^32 times (NIST SP 800-38D,
/// section 8.3); a data key seals once, a project key once per secret.
pub const NONCE_LEN: usize = 12;
/// Length of an authentication tag in bytes.
pub const TAG_LEN: usize = 16;

/// Encrypts `in_out` and returns the tag over it and `associated`.
pub(crate) fn seal(
    key: &[u8; KEY_LEN],
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    in_out: &mut [u8],
) -> Result<[u8; TAG_LEN], Unspecified> {
    wiped(|| {
        let tag = schedule(key)?.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            in_out,
        )?;
        tag.as_ref().try_into().map_err(|_| Unspecified)
    })
}

/// Decrypts `in_out`. On an error `in_out` holds nothing of the plaintext.
pub(crate) fn open(
    key: &[u8; KEY_LEN],
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    tag: [u8; TAG_LEN],
    in_out: &mut [u8],
) -> Result<(), Unspecified> {
    wiped(|| {
        schedule(key)?
            .open_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                Tag::from(tag),
                in_out,
                0..,
            )
            .map(|_| ())
    })
}

fn schedule(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: key, nonce, associated data,
    /// plaintext, ciphertext, tag.
    const KNOWN_ANSWERS: [[&str; 6]; 4] = [
        // Test case 13.
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "",
            "",
            "530f8afbc74536b9a963b4f1c4cb738b",
        ],
        // Test case 14.
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5d48ab919",
        ],
        // Test case 15.
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            "b094dac5d93471bdec1a502270e3cc6c",
        ],
        // Test case 16.
        [
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ],
    ];

    #[test]
    fn the_published_vectors_seal_and_open() {
        for vector in KNOWN_ANSWERS {
            let [key, nonce, associated, plain, sealed, tag] = vector.map(|text| hex::decode(text).unwrap());
            let key = <[u8; KEY_LEN]>::try_from(key).unwrap();
            let nonce = <[u8; NONCE_LEN]>::try_from(nonce).unwrap();
            let mut text = plain.clone();
            let found = seal(&key, nonce, &associated, &mut text).unwrap();
            assert_eq!((&text, found.as_slice()), (&sealed, tag.as_slice()));
            open(&key, nonce, &associated, found, &mut text).unwrap();
            assert_eq!(text, plain);
        }
    }

    #[test]
    fn what_does_not_authenticate_yields_nothing() {
        let mut text = *b"attack at dawn";
        let tag = seal(&[1; KEY_LEN], [2; NONCE_LEN], b"general", &mut text).unwrap();
        assert!(open(&[1; KEY_LEN], [2; NONCE_LEN], b"private", tag, &mut text).is_err());
        assert_eq!(text, [0; 14]);
    }
}
