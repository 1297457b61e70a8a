//! Why a use case did not do what was asked.

use std::time::Duration;

use thiserror::Error;

use crate::ports::{AuditError, BackendError, GenerationError, StorageError};

/// A field or parameter that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{property} {reason}")]
pub struct Violation {
    /// The offending field, as its API names it.
    pub property: &'static str,
    /// What is wrong with it, as a predicate: `is empty`. Never the value itself: it may be a payload.
    pub reason: &'static str,
}

impl Violation {
    /// States that `property` `reason`.
    pub const fn new(property: &'static str, reason: &'static str) -> Self {
        Self { property, reason }
    }
}

/// A kind of thing that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The text is not an id at all.
    InvalidId,
    /// The secret does not exist, or has expired.
    Secret,
    /// No deleted secret of that id can be restored.
    Deleted,
    /// The secret has no payload yet.
    Payload,
    /// The secret has no user metadata under that key.
    MetadataKey,
    /// The container does not exist.
    Container,
    /// That secret is not in the container under that name.
    Member,
    /// The consumer is not registered.
    Consumer,
    /// The order does not exist, or is another project's.
    Order,
    /// No quotas are set for the project.
    ProjectQuotas,
    /// The transport key does not exist.
    TransportKey,
    /// Several secret stores are not in use here, or there is no such store.
    SecretStore,
    /// The project prefers no secret store.
    Preference,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InvalidId => "the id is not a valid one",
            Self::Secret => "there is no such secret",
            Self::Deleted => "there is no deleted secret of that id, or it has been destroyed",
            Self::Payload => "the secret has no payload",
            Self::MetadataKey => "the secret has no metadata under that key",
            Self::Container => "there is no such container",
            Self::Member => "that secret is not in the container under that name",
            Self::Consumer => "there is no such consumer",
            Self::Order => "there is no such order",
            Self::ProjectQuotas => "no quotas are set for this project",
            Self::TransportKey => "there is no such transport key",
            Self::SecretStore => "there is no such secret store",
            Self::Preference => "the project prefers no secret store",
        })
    }
}

/// Something that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The secret has a payload, which can't be replaced.
    Payload,
    /// The secret has user metadata under that key.
    MetadataKey,
    /// The key in the body is not the one addressed.
    MetadataKeyMismatch,
    /// The secret is in the container under that name.
    Member,
    /// Somebody else made or removed the project's key at the same time.
    ProjectKey,
    /// Another master key version came into use at the same time.
    MasterKey,
    /// Another rotation of the same keys is open, or somebody else carries it out.
    Rotation,
    /// Something else is being done with the secret, or the same has been done meanwhile.
    Errand,
    /// The secret has expired while it was deleted.
    Expired,
    /// Another secret has taken the secret's place.
    Replaced,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Payload => "the secret has a payload already, and a payload can't be replaced",
            Self::MetadataKey => "the secret has metadata under that key already",
            Self::MetadataKeyMismatch => "the key in the body differs from the key addressed",
            Self::Member => "that secret is in the container under that name already",
            Self::ProjectKey => "the project's key was made or removed by somebody else at the same time",
            Self::MasterKey => "another version of the master key came into use at the same time",
            Self::Rotation => "another rotation of these keys is under way",
            Self::Errand => "something else is being done with the secret, or the same has just been done",
            Self::Expired => "the secret has expired while it was deleted: nobody could read it",
            Self::Replaced => "another secret has taken this one's place already",
        })
    }
}

/// Why a use case did not do what was asked. No variant carries a payload, a key or a token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not there, for this caller or at all.
    #[error("{0}")]
    NotFound(Missing),
    /// The access rule says no.
    #[error("rule {rule} does not allow this caller")]
    Forbidden {
        /// The rule that refused.
        rule: &'static str,
    },
    /// The project has as many objects of that kind as it may.
    #[error("the quota of the project is used up")]
    QuotaReached,
    /// Only the project that registered a consumer, or the object's own, may remove it.
    #[error("the consumer belongs to another project")]
    ForeignConsumer,
    /// Somebody says that the secret is in use. The text is part of the protocol (spec section 4.4).
    #[error("Secret cannot be deleted as it has consumers")]
    HasConsumers,
    /// A field breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Violation),
    /// The payload is larger than secrets may be.
    #[error("the payload is larger than {limit} bytes")]
    TooLarge {
        /// The largest size allowed, in bytes.
        limit: usize,
    },
    /// It is there already.
    #[error("{0}")]
    Conflict(Conflict),
    /// The payload can't be given in the form asked for.
    #[error("the payload can't be given in the form asked for")]
    NotAcceptable,
    /// The payload can't be taken in the form given.
    #[error("the payload can't be taken in the form given")]
    UnsupportedMediaType,
    /// There is no such thing to do with that kind of object, for anybody.
    #[error("this can't be done with that kind of object")]
    NoSuchOperation,
    /// The request could not be read whole.
    #[error("the request could not be read")]
    Unreadable,
    /// The key can't be made.
    #[error("the key can't be made")]
    Generation(#[source] GenerationError),
    /// Stored data does not match what was stored: altered, swapped, or sealed under another key.
    #[error("stored data failed its integrity check")]
    Integrity,
    /// The store of secrets is out of order or out of reach.
    #[error("the repository is unavailable")]
    Storage(#[source] StorageError),
    /// The crypto backend is out of order or out of reach.
    #[error("the secret backend is unavailable")]
    Backend(#[source] BackendError),
    /// Nothing may happen unrecorded, and the record can't be written.
    #[error("the audit journal is unavailable")]
    Audit(#[source] AuditError),
    /// Something that should not be possible.
    #[error("internal fault: {0}")]
    Internal(&'static str),
}

impl Error {
    /// A stable word for the audit record's reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(Missing::InvalidId) => "invalid-id",
            Self::NotFound(_) => "not-found",
            Self::Forbidden { .. } => "forbidden",
            Self::QuotaReached => "quota",
            Self::ForeignConsumer => "foreign-consumer",
            Self::HasConsumers => "has-consumers",
            Self::Invalid(_) => "invalid",
            Self::TooLarge { .. } => "too-large",
            Self::Conflict(_) => "conflict",
            Self::NotAcceptable => "not-acceptable",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::NoSuchOperation => "method-not-allowed",
            Self::Unreadable => "unreadable",
            Self::Generation(_) => "generation",
            Self::Integrity => "integrity",
            Self::Storage(_) => "storage-unavailable",
            Self::Backend(_) => "backend-unavailable",
            Self::Audit(_) => "audit-unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// Whether the fault is ours rather than the caller's.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Integrity | Self::Storage(_) | Self::Backend(_) | Self::Audit(_) | Self::Internal(_)
        )
    }

    /// How long to wait before the same request may succeed; `None` when waiting does not help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Storage(StorageError::Unavailable(_) | StorageError::Busy) | Self::Audit(_) => {
                Some(Duration::from_secs(1))
            }
            Self::Backend(BackendError::Unavailable { retry_after, .. }) => Some(*retry_after),
            _ => None,
        }
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt(_) => Self::Integrity,
            other => Self::Storage(other),
        }
    }
}

impl From<GenerationError> for Error {
    fn from(error: GenerationError) -> Self {
        match error {
            GenerationError::Backend(error) => error.into(),
            other => Self::Generation(other),
        }
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Integrity => Self::Integrity,
            other => Self::Backend(other),
        }
    }
}
