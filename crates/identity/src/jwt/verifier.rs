//! Lets the token library verify by ring, which it knows nothing of.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Tells the library what to verify by. That is one thing for the whole process: whoever embeds this crate and
/// has told the library something else keeps that.
pub(super) fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        verifier_factory: |algorithm, key| Ok(Box::new(RingVerifier::new(*algorithm, key)?)),
        key_utils: KeyUtils::new_unimplemented(),
    };
    PROVIDER.install_default().ok();
}

struct RingVerifier {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Rsa { parameters: &'static RsaParameters, n: Vec<u8>, e: Vec<u8> },
    Curve { algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8> },
}

impl RingVerifier {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self> {
        if key.family() != algorithm.family() {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        let rsa = |parameters| -> Result<Key> {
            match key.kind() {
                DecodingKeyKind::RsaModulusExponent { n, e } => {
                    Ok(Key::Rsa { parameters, n: n.clone(), e: e.clone() })
                }
                DecodingKeyKind::SecretOrDer(_) => Err(ErrorKind::InvalidKeyFormat.into()),
            }
        };
        let curve = |algorithm: &'static dyn VerificationAlgorithm| -> Result<Key> {
            Ok(Key::Curve { algorithm, point: key.try_get_as_bytes()?.to_vec() })
        };
        let key = match algorithm {
            Algorithm::RS256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => rsa(&RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => rsa(&RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => rsa(&RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => rsa(&RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => rsa(&RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 => curve(&ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => curve(&ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => curve(&ED25519),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        };
        Ok(Self { algorithm, key: key? })
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match &self.key {
            Key::Rsa { parameters, n, e } => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            Key::Curve { algorithm, point } => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
