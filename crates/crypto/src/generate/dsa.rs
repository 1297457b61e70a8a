//! DSA pairs.

use dsa::SigningKey;
use pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use strongroom_core::Payload;
use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendError, GenerationError, KeyPair};

use super::dsa_domain;
use super::encode::{self, Form};
use crate::random::SystemRng;

/// The lengths of p and q. All but the last are those of FIPS 186-4; the last is one that Barbican makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DsaSize {
    pub(super) p_bits: u32,
    pub(super) q_bits: u32,
}

impl DsaSize {
    const ALL: [Self; 4] = [
        Self { p_bits: 1024, q_bits: 160 },
        Self { p_bits: 2048, q_bits: 256 },
        Self { p_bits: 3072, q_bits: 256 },
        Self { p_bits: 4096, q_bits: 256 },
    ];

    /// By the length of p, which is what is called the key's.
    pub(super) fn of(bits: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.p_bits == bits.into())
    }
}

/// A pair with parameters of its own.
pub(super) fn pair(size: DsaSize, passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
    let components = dsa_domain::find(size).map_err(BackendError::from)?;
    let key = SigningKey::try_generate_from_rng_with_components(&mut SystemRng, components)
        .map_err(BackendError::from)?;
    Ok(KeyPair {
        container_type: ContainerType::Dsa,
        private: encode::private(key.to_pkcs8_der().map_err(encode::failed)?, passphrase, Form::Der)?,
        public: encode::public(&key.verifying_key().to_public_key_der().map_err(encode::failed)?, Form::Der)?,
    })
}
