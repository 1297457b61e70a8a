//! RSA pairs.
//!
//! The `rsa` crate is known for private-key operations whose timing tells something about the key
//! (RUSTSEC-2023-0071). None is done here: keys are made, at a time that nobody chooses or measures, and
//! handed over.

use pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use rsa::PrivateKey;
use strongroom_core::Payload;
use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendError, GenerationError, KeyPair};

use super::encode::{self, Form};
use crate::random::SystemRng;

/// The lengths of the modulus. 1024 is there because clients that order it exist.
pub(super) const LENGTHS: [u16; 4] = [1024, 2048, 3072, 4096];

/// A pair with the exponent 65537.
pub(super) fn pair(bits: usize, passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
    let key = PrivateKey::new(&mut SystemRng, bits)
        .map_err(|error| BackendError::Denied(format!("an RSA key can't be made: {error}")))?;
    Ok(KeyPair {
        container_type: ContainerType::Rsa,
        private: encode::private(key.to_pkcs8_der().map_err(encode::failed)?, passphrase, Form::Pem)?,
        public: encode::public(&key.to_public_key().to_public_key_der().map_err(encode::failed)?, Form::Pem)?,
    })
}
