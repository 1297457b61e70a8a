//! How boxes are sealed, which the second byte of a blob tells.

use strongroom_core::ports::BackendError;

use super::{FORMAT, NONCE_LEN, TAG_LEN};

/// How a key seals boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// AES-256-GCM. A box is a random 96-bit nonce, ciphertext, tag of 16 bytes. Suite 1.
    AesGcm,
    /// AES-256-CBC with the padding of PKCS #7 under one key, then HMAC-SHA-256 under another, for devices without
    /// AES-GCM. A box is IV, ciphertext, MAC of 32 bytes, as in RFC 7518, section 5.2.2.1, but for the MAC,
    /// which is not cut. Suite 4.
    AesCbcHmac,
}

impl Suite {
    /// Length of an IV of AES-CBC.
    pub const IV_LEN: usize = 16;
    /// Length of a MAC.
    pub const MAC_LEN: usize = 32;
    const BLOCK_LEN: usize = 16;

    /// The second byte of a blob sealed by it.
    pub(super) const fn id(self) -> u8 {
        match self {
            Self::AesGcm => 1,
            Self::AesCbcHmac => 4,
        }
    }

    /// Length of a box with that much content.
    pub const fn box_len(self, content: usize) -> usize {
        match self {
            Self::AesGcm => NONCE_LEN + content + TAG_LEN,
            Self::AesCbcHmac => {
                Self::IV_LEN + content - content % Self::BLOCK_LEN + Self::BLOCK_LEN + Self::MAC_LEN
            }
        }
    }

    /// That of a blob. Refuses a layout or suite that is not known here.
    pub(super) fn of(what: &str, blob: &[u8]) -> Result<Self, BackendError> {
        match blob {
            [FORMAT, 1, ..] => Ok(Self::AesGcm),
            [FORMAT, 4, ..] => Ok(Self::AesCbcHmac),
            [format, suite, ..] => Err(BackendError::UnknownFormat(format!(
                "{what} of format {format}, suite {suite}; known are suites 1 and 4 of format {FORMAT}"
            ))),
            _ => Err(BackendError::Integrity),
        }
    }

    /// Refuses a key that seals by another suite.
    pub(super) fn must_be(self, of_the_key: Self) -> Result<(), BackendError> {
        if self == of_the_key {
            return Ok(());
        }
        Err(BackendError::UnknownFormat(format!(
            "what was sealed by {self:?}, while the key at hand is one for {of_the_key:?}"
        )))
    }

    /// What the MAC of a box is made over: associated data, IV and ciphertext, length of the associated data in
    /// bits.
    pub fn authenticated(associated: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, BackendError> {
        let bits = u64::try_from(associated.len()).ok().and_then(|bytes| bytes.checked_mul(8));
        let bits = bits.ok_or(BackendError::Integrity)?.to_be_bytes();
        Ok([associated, iv, text, &bits].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_have_the_lengths_of_their_suite() {
        for (content, gcm, cbc) in [(0, 28, 64), (15, 43, 64), (16, 44, 80), (17, 45, 80), (32, 60, 96)] {
            assert_eq!((Suite::AesGcm.box_len(content), Suite::AesCbcHmac.box_len(content)), (gcm, cbc));
        }
    }

    #[test]
    fn each_suite_is_told_by_its_id() {
        for suite in [Suite::AesGcm, Suite::AesCbcHmac] {
            assert_eq!(Suite::of("a blob", &[FORMAT, suite.id()]).unwrap(), suite);
        }
        let error = Suite::of("a blob", &[FORMAT, 9]).unwrap_err();
        assert!(error.to_string().contains("suite 9"), "{error}");
        assert!(matches!(Suite::of("a blob", &[FORMAT]), Err(BackendError::Integrity)));
    }

    /// RFC 7518, appendix B: what is authenticated ends with the length of the associated data in bits.
    #[test]
    fn what_is_authenticated_can_be_read_in_one_way_only() {
        let associated = b"The second principle of Auguste Kerckhoffs";
        let found = Suite::authenticated(associated, b"iv", b"text").unwrap();
        assert_eq!(found, [associated.as_slice(), b"ivtext", &[0, 0, 0, 0, 0, 0, 1, 0x50]].concat());
    }
}
