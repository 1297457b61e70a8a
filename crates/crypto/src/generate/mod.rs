//! Makes the keys that orders ask for.
//!
//! Symmetric keys are made at once. Pairs can take seconds, and are made in a [`Workshop`] of threads with
//! a low priority, so that requests do not wait for them.

mod dsa;
mod dsa_domain;
mod edwards;
mod elliptic;
mod encode;
mod rsa;
mod symmetric;
mod workshop;

use strongroom_core::Payload;
use strongroom_core::ports::{GenerationError, KeyPair, KeyRequest};

use self::dsa::DsaSize;
use self::elliptic::Curve;
use self::workshop::Workshop;
use crate::random::{self, Random};

/// What is made beyond the algorithms that every site wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithms {
    /// Triple DES, under the names `3des` and `desede`. A site that must keep to what NIST still approves
    /// turns it off: an order for it then fails like one for an unknown algorithm.
    pub triple_des: bool,
}

impl Default for Algorithms {
    /// Everything.
    fn default() -> Self {
        Self { triple_des: true }
    }
}

/// Makes the keys that orders ask for, by the system's random generator.
#[derive(Default)]
pub struct Generator {
    algorithms: Algorithms,
    workshop: Workshop,
}

impl Generator {
    /// Makes keys of those algorithms.
    pub fn new(algorithms: Algorithms) -> Self {
        Self { algorithms, workshop: Workshop::default() }
    }

    /// Makes a symmetric key, at once.
    pub fn key(&self, request: &KeyRequest) -> Result<Payload, GenerationError> {
        self.key_from(request, &random::system)
    }

    /// The same from somebody else's random bytes, of which no key takes more than 64.
    pub fn key_from(&self, request: &KeyRequest, random: Random<'_>) -> Result<Payload, GenerationError> {
        symmetric::key(request, self.algorithms, random)
    }

    /// Makes a pair, on a thread of the generator's own. When the future is dropped before the pair's turn has
    /// come, none is made.
    pub async fn pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError> {
        let pair = Pair::wanted(request)?;
        if passphrase.is_some_and(Payload::is_empty) {
            // Encrypted under nothing would look protected; not encrypted would not be what was asked for.
            return Err(GenerationError::Passphrase);
        }
        let passphrase = passphrase.map(|text| Payload::new(text.expose().to_vec()));
        self.workshop.run(move || pair.make(passphrase.as_ref())).await
    }
}

/// A pair that can be made.
enum Pair {
    Rsa { bits: u32 },
    Dsa(DsaSize),
    Elliptic(&'static Curve),
    Ed25519,
}

impl Pair {
    fn wanted(request: &KeyRequest) -> Result<Self, GenerationError> {
        let known = match request.algorithm.as_str() {
            "rsa" => rsa::LENGTHS.contains(&request.bits).then(|| Self::Rsa { bits: request.bits.into() }),
            "dsa" => DsaSize::of(request.bits).map(Self::Dsa),
            "ec" => Curve::of(request.bits).map(Self::Elliptic),
            "ed25519" => (request.bits == 256).then_some(Self::Ed25519),
            _ => return Err(GenerationError::Algorithm),
        };
        known.ok_or(GenerationError::Length)
    }

    fn make(self, passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
        match self {
            Self::Rsa { bits } => rsa::pair(bits, passphrase),
            Self::Dsa(size) => dsa::pair(size, passphrase),
            Self::Elliptic(curve) => elliptic::pair(curve, passphrase),
            Self::Ed25519 => edwards::pair(passphrase),
        }
    }
}

#[cfg(test)]
mod tests;
