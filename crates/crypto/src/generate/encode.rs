//! Key pairs as bytes: PKCS#8 and SubjectPublicKeyInfo, in DER or PEM.

use pkcs8::der::pem::PemLabel as _;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::rand_core::TryRng as _;
use pkcs8::{
    Document, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument,
    SubjectPublicKeyInfoRef,
};
use strongroom_core::Payload;
use strongroom_core::ports::{BackendError, GenerationError};

use crate::random::SystemRng;

/// What OWASP recommends for PBKDF2 with HMAC-SHA256. scrypt would be the better function, but half of the
/// world's PKCS#8 readers (Java's, Windows', older OpenSSL) do not know it there.
const ITERATIONS: u32 = 600_000;
/// Bytes.
const SALT_LEN: usize = 16;

/// How a key's structures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Der,
    Pem,
}

/// The private half, encrypted with AES-256-CBC under a key derived from the passphrase if there is one.
pub(super) fn private(
    key: SecretDocument,
    passphrase: Option<&Payload>,
    form: Form,
) -> Result<Payload, GenerationError> {
    let (label, document) = match passphrase {
        None => (PrivateKeyInfoRef::PEM_LABEL, key),
        Some(passphrase) => (EncryptedPrivateKeyInfoRef::PEM_LABEL, encrypted(&key, passphrase)?),
    };
    Ok(Payload::new(match form {
        Form::Der => document.as_bytes().to_vec(),
        Form::Pem => document.to_pem(label, LineEnding::LF).map_err(failed)?.as_bytes().to_vec(),
    }))
}

/// The public half.
pub(super) fn public(key: &Document, form: Form) -> Result<Payload, GenerationError> {
    Ok(Payload::new(match form {
        Form::Der => key.as_bytes().to_vec(),
        Form::Pem => {
            key.to_pem(SubjectPublicKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(failed)?.into_bytes()
        }
    }))
}

/// For `map_err`: a key was made and can't be written down.
pub(super) fn failed(error: impl std::error::Error) -> GenerationError {
    BackendError::Denied(format!("a new key can't be encoded: {error}")).into()
}

fn encrypted(key: &SecretDocument, passphrase: &Payload) -> Result<SecretDocument, GenerationError> {
    let (mut salt, mut iv) = ([0; SALT_LEN], [0; 16]);
    for bytes in [&mut salt, &mut iv] {
        SystemRng.try_fill_bytes(bytes).map_err(BackendError::from)?;
    }
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, iv).map_err(failed)?;
    let info = PrivateKeyInfoRef::try_from(key.as_bytes()).map_err(failed)?;
    info.encrypt_with_params(parameters, passphrase.expose()).map_err(failed)
}
