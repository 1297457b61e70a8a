//! Pairs on the NIST curves.

use pkcs8::der::asn1::{AnyRef, BitStringRef};
use pkcs8::{AlgorithmIdentifierRef, Document, ObjectIdentifier, SecretDocument, SubjectPublicKeyInfoRef};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair as _,
};
use strongroom_core::Payload;
use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendError, GenerationError, KeyPair};

use super::encode::{self, Form};
use crate::stack::wiped;

const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A curve of a length.
pub(super) struct Curve {
    bits: u16,
    id: ObjectIdentifier,
    algorithm: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 2] = [
    Curve {
        bits: 256,
        id: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        algorithm: &ECDSA_P256_SHA256_ASN1_SIGNING,
    },
    Curve {
        bits: 384,
        id: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        algorithm: &ECDSA_P384_SHA384_ASN1_SIGNING,
    },
];

impl Curve {
    pub(super) fn of(bits: u16) -> Option<&'static Self> {
        CURVES.iter().find(|curve| curve.bits == bits)
    }

    /// ring's own PKCS#8, and the uncompressed public point.
    fn generate(&self) -> Result<(SecretDocument, Vec<u8>), GenerationError> {
        let random = SystemRandom::new();
        let refused = |error| BackendError::Denied(format!("an elliptic curve key can't be made: {error}"));
        let document = EcdsaKeyPair::generate_pkcs8(self.algorithm, &random)
            .map_err(|error| refused(error.to_string()))?;
        let key = EcdsaKeyPair::from_pkcs8(self.algorithm, document.as_ref(), &random)
            .map_err(|error| refused(error.to_string()))?;
        let public = key.public_key().as_ref().to_vec();
        Ok((SecretDocument::try_from(document.as_ref()).map_err(encode::failed)?, public))
    }
}

/// A pair on that curve.
pub(super) fn pair(curve: &Curve, passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
    let (private, point) = wiped(|| curve.generate())?;
    let algorithm =
        AlgorithmIdentifierRef { oid: ID_EC_PUBLIC_KEY, parameters: Some(AnyRef::from(&curve.id)) };
    let subject_public_key = BitStringRef::from_bytes(&point).map_err(encode::failed)?;
    let public = Document::try_from(SubjectPublicKeyInfoRef { algorithm, subject_public_key })
        .map_err(encode::failed)?;
    Ok(KeyPair {
        container_type: ContainerType::Ec,
        private: encode::private(private, passphrase, Form::Pem)?,
        public: encode::public(&public, Form::Pem)?,
    })
}
