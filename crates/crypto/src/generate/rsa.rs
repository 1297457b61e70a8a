//! RSA pairs.
//!
//! The `rsa` crate is known for private-key operations whose timing tells something about the key
//! (RUSTSEC-2023-0071). None is done here: keys are made, at a time that nobody chooses or measures, and
//! handed over.

use std::num::NonZeroU32;

use crypto_bigint::{BitOps as _, BoxedUint, RandomBits as _};
use crypto_primes::hazmat::SmallFactorsSieve;
use crypto_primes::{Flavor, is_prime};
use pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use rsa::PrivateKey;
use strongroom_core::Payload;
use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendError, GenerationError, KeyPair};

use super::encode::{self, Form};
use super::workshop::make_way;
use crate::random::{NoRandom, SystemRng};

/// The lengths of the modulus. 1024 is there because clients that order it exist.
pub(super) const LENGTHS: [u16; 4] = [1024, 2048, 3072, 4096];

const EXPONENT: u64 = 65_537;
/// Pairs of primes tried before the search is given up. One in some thirty thousand does not go with the exponent.
const ATTEMPTS: u32 = 8;

/// A pair with the exponent 65537.
pub(super) fn pair(bits: u32, passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
    let key = private_key(bits)?;
    Ok(KeyPair {
        container_type: ContainerType::Rsa,
        private: encode::private(key.to_pkcs8_der().map_err(encode::failed)?, passphrase, Form::Pem)?,
        public: encode::public(&key.to_public_key().to_public_key_der().map_err(encode::failed)?, Form::Pem)?,
    })
}

/// What `PrivateKey::new` does, but making way between candidates: it would keep its processor for as long as the whole
/// search takes.
fn private_key(bits: u32) -> Result<PrivateKey, BackendError> {
    let failed =
        |error: &dyn std::fmt::Display| BackendError::Denied(format!("an RSA key can't be made: {error}"));
    let half = NonZeroU32::new(bits / 2).ok_or_else(|| failed(&"it would have no bits"))?;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let (p, q) = (prime(half)?, prime(half)?);
        if too_near(&p, &q, bits) {
            continue;
        }
        match PrivateKey::from_p_q(p, q, BoxedUint::from(EXPONENT)) {
            Ok(key) => return Ok(key),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| failed(&"its primes came out too near to each other"), |error| failed(&error)))
}

/// A random prime of that length whose two top bits are set, so that the product of two has twice the length.
fn prime(length: NonZeroU32) -> Result<BoxedUint, BackendError> {
    loop {
        let mut start = BoxedUint::try_random_bits(&mut SystemRng, length.get()).map_err(|_| NoRandom)?;
        start.set_bit_vartime(0, true);
        for bit in [1, 2] {
            start.set_bit_vartime(length.get() - bit, true);
        }
        let sieve = SmallFactorsSieve::new(start, length, false)
            .map_err(|error| BackendError::Denied(format!("no prime can be looked for: {error}")))?;
        let is_one = |candidate: &BoxedUint| {
            make_way();
            is_prime(Flavor::Any, candidate)
        };
        if let Some(prime) = sieve.into_iter().find(is_one) {
            return Ok(prime);
        }
    }
}

/// Whether the primes do not differ within their 100 top bits (FIPS 186-5, A.1.3, step 5.4).
fn too_near(p: &BoxedUint, q: &BoxedUint, bits: u32) -> bool {
    let distance = if p > q { p.wrapping_sub(q) } else { q.wrapping_sub(p) };
    distance.bit_width() <= bits / 2 - 100
}

#[cfg(test)]
mod tests {
    use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};

    use super::*;

    #[test]
    fn a_key_has_its_length_and_sound_primes() {
        let key = private_key(1024).unwrap();
        key.validate().unwrap();
        assert_eq!(key.n().bit_width(), 1024);
        assert_eq!(*key.e(), BoxedUint::from(EXPONENT));
        let [p, q] = key.primes() else { panic!("not two primes") };
        for prime in [p, q] {
            assert!(is_prime(Flavor::Any, prime.as_ref()));
            assert_eq!(prime.bit_width(), 512);
        }
    }

    #[test]
    fn primes_that_share_their_top_are_too_near() {
        let p = BoxedUint::one_with_precision(512).shl(511);
        let at = |bit: u32| p.wrapping_add(BoxedUint::one_with_precision(512).shl(bit));
        for (bit, near) in [(0, true), (411, true), (412, false), (510, false)] {
            assert_eq!(too_near(&p, &at(bit), 1024), near, "{bit}");
            assert_eq!(too_near(&at(bit), &p, 1024), near, "{bit}");
        }
        assert!(too_near(&p, &p, 1024));
    }
}
