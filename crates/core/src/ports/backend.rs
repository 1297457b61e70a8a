use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::container::ContainerType;
use crate::disposal::Owner;
use crate::fingerprint::{Fingerprint, Material};
use crate::id::{ProjectId, ProjectKeyId, SecretId};
use crate::secret::{Payload, SecretType};
use crate::store::StoreNames;
use crate::time::Timestamp;

/// Names a backend in settings and in every row it sealed, such as `soft`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BackendId(String);

impl BackendId {
    /// Names a backend.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of a master key; the first is 1 and rotation counts up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MasterKeyVersion(pub u32);

impl fmt::Display for MasterKeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One version of a project's key, wrapped by a master key. Safe to store: only the backend can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectKey {
    /// Its id.
    pub id: ProjectKeyId,
    /// The project it serves; bound into the wrapping.
    pub project: ProjectId,
    /// The backend that can unwrap it.
    pub backend: BackendId,
    /// The project key's own version, counting up from 1; bound into the wrapping.
    pub version: u32,
    /// The master key version that wraps it.
    pub master: MasterKeyVersion,
    /// The wrapped key, in the backend's own format.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

/// A sealed payload, in the backend's own format. Safe to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// A known text sealed under one master key version. Opening it proves that the key is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary(pub Vec<u8>);

/// What protects payloads: keys, and the act of sealing with them.
///
/// Whatever is sealed carries a format byte and a suite id, and is bound to `binding`, the caller's
/// description of what it belongs to. Opening with any other binding, key or altered byte fails with
/// [`BackendError::Integrity`] and yields nothing.
#[async_trait]
pub trait SecretBackend: Send + Sync + 'static {
    /// This backend's name.
    fn id(&self) -> &BackendId;

    /// What clients call this backend where they can choose among several.
    fn store_names(&self) -> StoreNames {
        StoreNames::crypto(self.id().as_str(), self.id().as_str())
    }

    /// Every master key version at hand; the highest wraps new project keys.
    async fn master_key_versions(&self) -> Result<Vec<MasterKeyVersion>, BackendError>;

    /// Seals the canary under that version.
    async fn seal_canary(&self, version: MasterKeyVersion) -> Result<Canary, BackendError>;

    /// Opens a canary: `Integrity` when the key at hand is not the one that sealed it, `KeyMissing` when
    /// there is none of that version.
    async fn open_canary(&self, version: MasterKeyVersion, canary: &Canary) -> Result<(), BackendError>;

    /// Makes a fresh key for a project and wraps it by the highest master key version.
    async fn create_project_key(
        &self,
        project: &ProjectId,
        version: u32,
        now: Timestamp,
    ) -> Result<ProjectKey, BackendError>;

    /// Looks again for master key versions, where this process keeps a copy of them. The backend may do so
    /// by itself when it meets a version that it does not have.
    async fn reload(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The same project key, wrapped by that master key version. Whatever is sealed under it stays as it is.
    async fn rewrap(&self, key: &ProjectKey, master: MasterKeyVersion) -> Result<ProjectKey, BackendError> {
        let refusal =
            format!("{} can't wrap version {} of {} by {master}", self.id(), key.version, key.project);
        Err(BackendError::Denied(refusal))
    }

    /// Succeeds when the project key can be used.
    async fn prove_project_key(&self, key: &ProjectKey) -> Result<(), BackendError> {
        const BINDING: &[u8] = b"strongroom proof of a project key";
        let sealed = self.seal(key, BINDING, &Payload::new(BINDING.to_vec())).await?;
        let opened = self.open(key, BINDING, &sealed).await?;
        self.forget(key, &sealed).await?;
        if opened.expose() == BINDING { Ok(()) } else { Err(BackendError::Integrity) }
    }

    /// Seals a payload under a data key of its own, which the project key wraps.
    async fn seal(&self, key: &ProjectKey, binding: &[u8], payload: &Payload)
    -> Result<Sealed, BackendError>;

    /// Seals a payload that is said to be of that kind. Only a backend that keeps payloads as objects of types makes
    /// use of that; nothing is proved by it, and what comes back is the payload as it was.
    async fn seal_as(
        &self,
        _kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
        payload: &Payload,
    ) -> Result<Sealed, BackendError> {
        self.seal(key, binding, payload).await
    }

    /// The fingerprint of a secret's payload, which tells nothing to whoever lacks the project key. Nothing where
    /// that is kept in a device which makes none.
    async fn fingerprint(
        &self,
        _key: &ProjectKey,
        _secret: SecretId,
        _payload: &Payload,
    ) -> Result<Option<Fingerprint>, BackendError> {
        Ok(None)
    }

    /// What fingerprints that were made with that key stand for, in the same order. Of secrets of whatever project key
    /// but that one, and of altered fingerprints, it tells what no payload has.
    async fn materials(
        &self,
        key: &ProjectKey,
        _fingerprints: &[(SecretId, Fingerprint)],
    ) -> Result<Vec<Material>, BackendError> {
        Err(BackendError::Denied(format!(
            "{} makes no fingerprints with this key of {}",
            self.id(),
            key.project
        )))
    }

    /// Makes a symmetric key, as [`Self::generate_key`] does, and seals it, as [`Self::seal_as`] does. A backend that
    /// keeps payloads itself may have the key made where it is kept. Gives the key, and that.
    async fn seal_generated(
        &self,
        request: &KeyRequest,
        kind: &PayloadKind,
        key: &ProjectKey,
        binding: &[u8],
    ) -> Result<(Payload, Sealed), GenerationError> {
        let made = self.generate_key(request).await?;
        let sealed = self.seal_as(kind, key, binding, &made).await?;
        Ok((made, sealed))
    }

    /// Opens what was sealed with the same key and binding.
    async fn open(&self, key: &ProjectKey, binding: &[u8], sealed: &Sealed) -> Result<Payload, BackendError>;

    /// Whether the backend itself holds something for a sealed payload, which [`Self::forget`] destroys. Told by
    /// the sealed bytes alone, and no proof of anything.
    fn keeps(&self, _sealed: &Sealed) -> bool {
        false
    }

    /// Destroys whatever the backend itself holds for a sealed payload. Succeeds when nothing is left.
    async fn forget(&self, key: &ProjectKey, sealed: &Sealed) -> Result<(), BackendError>;

    /// Makes a symmetric key.
    async fn generate_key(&self, request: &KeyRequest) -> Result<Payload, GenerationError>;

    /// Makes a key pair; a passphrase encrypts the private key. May take seconds, and never on the thread of
    /// the caller.
    async fn generate_pair(
        &self,
        request: &KeyRequest,
        passphrase: Option<&Payload>,
    ) -> Result<KeyPair, GenerationError>;

    /// Whether the backend can seal and open now.
    async fn health(&self) -> Result<(), BackendError>;
}

/// What a payload is said to be. Nobody has looked whether it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PayloadKind {
    /// Whose it is to be. Not bound to what is sealed: a note for whoever finds it in a backend.
    pub owner: Option<Owner>,
    /// The type of its secret.
    pub secret_type: SecretType,
    /// The algorithm that it is for, in lower case.
    pub algorithm: Option<String>,
    /// Its length in bits.
    pub bits: Option<u16>,
}

/// What a key that a backend is to make is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// The algorithm, in lower case.
    pub algorithm: String,
    /// The length.
    pub bits: u16,
    /// The mode of operation that the key is for, in lower case.
    pub mode: Option<String>,
}

/// A fresh key pair, each half as its encoding's bytes: PEM or DER, PKCS#8 and SubjectPublicKeyInfo.
#[derive(Debug)]
pub struct KeyPair {
    /// What kind of container the pair belongs in.
    pub container_type: ContainerType,
    /// The private half, encrypted when there was a passphrase.
    pub private: Payload,
    /// The public half.
    pub public: Payload,
}

/// Why a backend did not make a key.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum GenerationError {
    /// It makes no key of that algorithm at all, or not of that kind.
    #[error("keys of this algorithm can't be made")]
    Algorithm,
    /// It knows the algorithm, and makes no key of that length or mode.
    #[error("keys of this algorithm can't be made in this length")]
    Length,
    /// It can't protect a private key by a passphrase.
    #[error("a passphrase is not supported for this key")]
    Passphrase,
    /// It is out of order.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why a backend did not do what was asked.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The data is not what was sealed, or not for this key or binding. Never worth a retry.
    #[error("the sealed data failed its integrity check")]
    Integrity,
    /// The key that is needed is not at hand.
    #[error("{0} is not at hand")]
    KeyMissing(String),
    /// The backend can't be reached or used now.
    #[error("the backend is unavailable: {reason}")]
    Unavailable {
        /// What stands in the way, for the operator.
        reason: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The backend refuses for a reason that only an operator can remove.
    #[error("the backend refuses: {0}")]
    Denied(String),
    /// The data is in a format or suite that this backend does not know.
    #[error("the sealed data has an unknown format: {0}")]
    UnknownFormat(String),
}
