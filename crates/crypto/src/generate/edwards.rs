//! Ed25519 pairs (RFC 8410).

use pkcs8::der::Encode as _;
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::{
    AlgorithmIdentifierRef, Document, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
    SubjectPublicKeyInfoRef,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use strongroom_core::Payload;
use strongroom_core::container::ContainerType;
use strongroom_core::ports::{BackendError, GenerationError, KeyPair};
use zeroize::Zeroizing;

use super::encode::{self, Form};
use crate::random::{self, NoRandom};
use crate::stack::wiped;

const ED25519: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap("1.3.101.112"), parameters: None };

/// A pair. The private half is of PKCS#8's first version, which everybody reads; ring's own is of the
/// second, with the public key inside, which OpenSSL does not.
pub(super) fn pair(passphrase: Option<&Payload>) -> Result<KeyPair, GenerationError> {
    let (private, point) = wiped(generate)?;
    let subject_public_key = BitStringRef::from_bytes(&point).map_err(encode::failed)?;
    let public = Document::try_from(SubjectPublicKeyInfoRef { algorithm: ED25519, subject_public_key })
        .map_err(encode::failed)?;
    Ok(KeyPair {
        container_type: ContainerType::Ec,
        private: encode::private(private, passphrase, Form::Pem)?,
        public: encode::public(&public, Form::Pem)?,
    })
}

fn generate() -> Result<(SecretDocument, Vec<u8>), GenerationError> {
    let mut seed = Zeroizing::new([0; 32]);
    random::system(seed.as_mut_slice()).map_err(|_| BackendError::from(NoRandom))?;
    let key = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
        .map_err(|error| BackendError::Denied(format!("an Ed25519 key can't be made: {error}")))?;
    let point = key.public_key().as_ref().to_vec();
    let inner =
        OctetStringRef::new(seed.as_slice()).and_then(|seed| seed.to_der()).map_err(encode::failed)?;
    let inner = Zeroizing::new(inner);
    let info = PrivateKeyInfoRef::new(ED25519, OctetStringRef::new(&inner).map_err(encode::failed)?);
    Ok((SecretDocument::try_from(info).map_err(encode::failed)?, point))
}
