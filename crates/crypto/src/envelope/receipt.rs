//! A receipt: what is stored of a payload that somebody else keeps.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 2 |
//! | 1 | suite, 1 |
//! | 4 | project key version, big-endian |
//! | 2 | length of the reference, big-endian |
//! | that many | the reference: under which name the payload is kept, UTF-8 |
//! | 28 | box with nothing in it, under the project key |
//! | 60 | box with the payload's SHA-256, under the project key |
//!
//! Both boxes are bound to the project key's id and everything in front of them, the second also to whatever
//! the caller says the payload belongs to. The first proves the reference to whoever does not know that:
//! what is destroyed by a receipt was once put away for it. By the second an altered or misplaced receipt is
//! noticed before anybody is asked for the payload, and a payload that was swapped or altered once it came.
//! The digest is encrypted: in the clear it would let whoever reads the row try out short payloads.

use ring::digest::{SHA256, digest};
use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, ProjectKey, Sealed};
use zeroize::Zeroizing;

use super::{BOX_OVERHEAD, BOXED_KEY_LEN, Claim, Suite, nonces, owner};
use crate::locked::{KEY_LEN, LockedKey};
use crate::random::Random;

/// The first byte of every receipt.
const FORMAT: u8 = 2;
/// The second.
const SUITE: u8 = Suite::AesGcm.id();
const REFERENCE_PURPOSE: &str = "strongroom receipt reference";
const PAYLOAD_PURPOSE: &str = "strongroom receipt payload";
const HEADER_LEN: usize = 8;

/// What an authentic receipt says.
pub struct Receipt<'a> {
    reference: &'a str,
    digest: Zeroizing<[u8; KEY_LEN]>,
}

impl Receipt<'_> {
    /// Whether this was sealed as a receipt rather than as a payload; nothing is proved by it.
    pub fn is_one(sealed: &Sealed) -> bool {
        sealed.0.first() == Some(&FORMAT)
    }

    /// The name that a receipt says, for finding out what nothing names. Nothing is proved by it.
    pub fn claimed_reference(sealed: &Sealed) -> Option<&str> {
        let ([FORMAT, SUITE, _, _, _, _, l0, l1], rest) = sealed.0.split_first_chunk::<HEADER_LEN>()? else {
            return None;
        };
        let reference = rest.get(..usize::from(u16::from_be_bytes([*l0, *l1])))?;
        str::from_utf8(reference).ok()
    }

    /// Under which name the payload is kept.
    pub fn reference(&self) -> &str {
        self.reference
    }

    /// Refuses a payload that is not the one that the receipt is for.
    pub fn check(&self, payload: &Payload) -> Result<(), BackendError> {
        let found = digest(&SHA256, payload.expose());
        if found.as_ref() == self.digest.as_slice() { Ok(()) } else { Err(BackendError::Integrity) }
    }
}

/// Makes a receipt. `project_key` is the unwrapped key of `row`.
pub(crate) fn seal(
    project_key: &LockedKey,
    row: &ProjectKey,
    binding: &[u8],
    reference: &str,
    payload: &Payload,
    random: Random<'_>,
) -> Result<Sealed, BackendError> {
    let too_long =
        |_| BackendError::Denied("the name of a kept payload is longer than 65535 bytes".to_owned());
    let length = u16::try_from(reference.len()).map_err(too_long)?;
    let [reference_nonce, payload_nonce] = nonces(random)?;
    let mut content = Zeroizing::new([0; KEY_LEN]);
    content.copy_from_slice(digest(&SHA256, payload.expose()).as_ref());
    let mut blob = Vec::with_capacity(HEADER_LEN + reference.len() + BOX_OVERHEAD + BOXED_KEY_LEN);
    blob.extend([FORMAT, SUITE]);
    blob.extend(row.version.to_be_bytes());
    blob.extend(length.to_be_bytes());
    blob.extend(reference.as_bytes());
    let claim = Claim { purpose: REFERENCE_PURPOSE, owner: row.id.as_bytes() };
    claim.seal_onto(&mut blob, project_key, reference_nonce, &[])?;
    let claim = Claim { purpose: PAYLOAD_PURPOSE, owner: &owner(row, binding) };
    claim.seal_onto(&mut blob, project_key, payload_nonce, content.as_slice())?;
    Ok(Sealed(blob))
}

/// Opens what [`seal`] made of the same row and binding.
pub(crate) fn open<'a>(
    project_key: &LockedKey,
    row: &ProjectKey,
    binding: &[u8],
    sealed: &'a Sealed,
) -> Result<Receipt<'a>, BackendError> {
    let Parts { front, reference, boxed } = proved(project_key, row, sealed)?;
    let claim = Claim { purpose: PAYLOAD_PURPOSE, owner: &owner(row, binding) };
    let mut digest = Zeroizing::new([0; KEY_LEN]);
    claim.open_into(digest.as_mut_slice(), (Suite::AesGcm, project_key), front, boxed)?;
    Ok(Receipt { reference, digest })
}

/// The reference of what [`seal`] made of the same row.
pub(crate) fn open_reference<'a>(
    project_key: &LockedKey,
    row: &ProjectKey,
    sealed: &'a Sealed,
) -> Result<&'a str, BackendError> {
    Ok(proved(project_key, row, sealed)?.reference)
}

/// A receipt whose reference is authentic.
struct Parts<'a> {
    reference: &'a str,
    /// Everything before the payload's box.
    front: &'a [u8],
    boxed: &'a [u8],
}

fn proved<'a>(
    project_key: &LockedKey,
    row: &ProjectKey,
    sealed: &'a Sealed,
) -> Result<Parts<'a>, BackendError> {
    let blob = sealed.0.as_slice();
    match blob {
        [FORMAT, SUITE, ..] => {}
        [format, suite, ..] => {
            return Err(BackendError::UnknownFormat(format!(
                "a receipt of format {format}, suite {suite}; known are format {FORMAT}, suite {SUITE}"
            )));
        }
        _ => return Err(BackendError::Integrity),
    }
    let parts = || {
        let ([_, _, v0, v1, v2, v3, l0, l1], rest) = blob.split_first_chunk::<HEADER_LEN>()?;
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (reference, rest) = rest.split_at_checked(length)?;
        let (empty, boxed) = rest.split_at_checked(BOX_OVERHEAD)?;
        let (header, front) =
            (blob.get(..HEADER_LEN + length)?, blob.get(..HEADER_LEN + length + BOX_OVERHEAD)?);
        let version = u32::from_be_bytes([*v0, *v1, *v2, *v3]);
        Some((version, header, empty, Parts { reference: str::from_utf8(reference).ok()?, front, boxed }))
    };
    let (version, header, empty, parts) = parts().ok_or(BackendError::Integrity)?;
    if version != row.version {
        return Err(BackendError::Integrity);
    }
    let claim = Claim { purpose: REFERENCE_PURPOSE, owner: row.id.as_bytes() };
    claim.open_into(&mut [], (Suite::AesGcm, project_key), header, empty)?;
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::counting;
    use super::super::project_key::tests::{key, row};
    use super::*;

    fn made(reference: &str, payload: &[u8]) -> Sealed {
        let payload = Payload::new(payload.to_vec());
        seal(&key([0x22; 32]), &row(), b"binding", reference, &payload, &counting(0x40)).unwrap()
    }

    /// Computed by another implementation of AES-GCM and SHA-256 from the layout described above.
    const GOLDEN: &str = "020100000003000475696437404142434445464748494a4bca51ad0a17569672bbb1bc3d71d5294b4c4d4e4f50\
        515253545556575951b68da46951b79cff068731c9e0e8de32c2326031b06578f776206ada6ead1cd88df84275\
        8816b32eb9746898ad8c";

    #[test]
    fn the_stored_bytes_do_not_drift() {
        assert_eq!(hex::encode(made("uid7", b"attack at dawn").0), GOLDEN);
    }

    #[test]
    fn a_receipt_is_for_one_payload() {
        let sealed = made("uid7", b"attack at dawn");
        assert!(Receipt::is_one(&sealed));
        let key = key([0x22; 32]);
        let receipt = open(&key, &row(), b"binding", &sealed).unwrap();
        assert_eq!((receipt.reference(), open_reference(&key, &row(), &sealed).unwrap()), ("uid7", "uid7"));
        receipt.check(&Payload::new(b"attack at dawn".to_vec())).unwrap();
        for other in [b"attack at dusk".as_slice(), b"", b"attack at dawn "] {
            let checked = receipt.check(&Payload::new(other.to_vec()));
            assert!(matches!(checked, Err(BackendError::Integrity)));
        }
        assert!(open(&key, &row(), b"Binding", &sealed).is_err());
    }

    proptest! {
        #[test]
        fn damage_is_noticed(
            reference in "[a-z0-9-]{0,40}",
            at in any::<prop::sample::Index>(),
            mask in 1..=u8::MAX,
            cut in any::<prop::sample::Index>(),
        ) {
            let (sealed, key) = (made(&reference, b"text"), key([0x22; 32]));
            let mut flipped = sealed.clone();
            flipped.0[at.index(sealed.0.len())] ^= mask;
            let cut = Sealed(sealed.0[..cut.index(sealed.0.len())].to_vec());
            for damaged in [flipped, cut] {
                prop_assert!(open(&key, &row(), b"binding", &damaged).is_err());
            }
            let opened = open(&key, &row(), b"binding", &sealed).unwrap();
            prop_assert_eq!(opened.reference(), reference);
        }
    }
}
