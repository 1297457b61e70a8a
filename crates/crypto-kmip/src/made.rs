//! Symmetric keys that the server is asked to make.

use strongroom_core::Payload;
use strongroom_core::ports::KeyRequest;

use crate::protocol::{KeyKind, codes};

/// A key that a server may be able to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyToMake {
    /// The algorithm and the length, as the standard has them.
    pub(crate) kind: KeyKind,
    /// For what it may be used there. It is made to be read out; whoever reads it may have the server use it too.
    pub(crate) usage: i32,
    bytes: usize,
    odd_parity: bool,
}

impl KeyToMake {
    /// What to ask for; `None` when the standard has no name for such a key.
    pub(crate) fn of(request: &KeyRequest) -> Option<Self> {
        let cipher = codes::EXPORT | codes::ENCRYPT_AND_DECRYPT;
        let mac = codes::EXPORT | codes::MAC;
        let (algorithm, usage) = match request.algorithm.as_str() {
            "aes" => (codes::AES, cipher),
            "3des" | "desede" => (codes::TRIPLE_DES, cipher),
            "hmacsha1" => (codes::HMAC_SHA1, mac),
            "hmacsha256" => (codes::HMAC_SHA256, mac),
            "hmacsha384" => (codes::HMAC_SHA384, mac),
            "hmacsha512" => (codes::HMAC_SHA512, mac),
            _ => return None,
        };
        let odd_parity = algorithm == codes::TRIPLE_DES;
        // The standard counts three keys of triple DES without their parity bits.
        let (bits, bytes) = match (algorithm, request.bits) {
            (codes::AES, 128 | 192 | 256) => (request.bits, request.bits / 8),
            (codes::TRIPLE_DES, 168 | 192) => (168, 24),
            (codes::AES | codes::TRIPLE_DES, _) => return None,
            (_, bits) => (bits, bits / 8),
        };
        Some(Self { kind: KeyKind { algorithm, bits: bits.into() }, usage, bytes: bytes.into(), odd_parity })
    }

    /// Whether these bytes are such a key, as it is made here: some servers set no parity.
    pub(crate) fn is(&self, payload: &Payload) -> bool {
        let odd = |byte: &u8| byte.count_ones() % 2 == 1;
        payload.len() == self.bytes && (!self.odd_parity || payload.expose().iter().all(odd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(algorithm: &str, bits: u16) -> Option<KeyToMake> {
        KeyToMake::of(&KeyRequest { algorithm: algorithm.to_owned(), bits, mode: None })
    }

    #[test]
    fn keys_are_asked_for_by_the_standards_names_and_lengths() {
        for (algorithm, bits, code, asked) in [
            ("aes", 256, codes::AES, 256),
            ("desede", 168, codes::TRIPLE_DES, 168),
            ("3des", 192, codes::TRIPLE_DES, 168),
            ("hmacsha256", 64, codes::HMAC_SHA256, 64),
        ] {
            let kind = KeyKind { algorithm: code, bits: asked };
            assert_eq!(wanted(algorithm, bits).map(|key| key.kind), Some(kind), "{algorithm} {bits}");
        }
        for (algorithm, bits) in [("aes", 512), ("3des", 128), ("des", 64), ("rsa", 2048)] {
            assert_eq!(wanted(algorithm, bits), None, "{algorithm} {bits}");
        }
    }

    #[test]
    fn what_came_is_what_was_asked_for() {
        let bytes = |byte, count| Payload::new(vec![byte; count]);
        let aes = wanted("aes", 128).unwrap();
        assert!(aes.is(&bytes(0, 16)) && !aes.is(&bytes(0, 32)));
        let triple_des = wanted("3des", 168).unwrap();
        assert!(
            triple_des.is(&bytes(1, 24)) && !triple_des.is(&bytes(0, 24)) && !triple_des.is(&bytes(1, 21))
        );
    }
}
