//! Typed identifiers: a secret's id can't be passed where a project's is wanted.

use std::fmt;
use std::marker::PhantomData;

use serde::{Serialize, Serializer};
use thiserror::Error;
use uuid::{Uuid, Variant, Version};

/// Longest opaque identifier (project, user) in characters, as in the reference's schema (spec section 24).
pub const MAX_OPAQUE_ID: usize = 255;

/// A random UUIDv4 that names one thing of kind `K`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<K>,
}

/// Marks the id of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfSecret {}

/// Marks the id of one version of a project's key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfProjectKey {}

/// Marks the id of a container.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfContainer {}

/// Marks the id of a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfConsumer {}

/// Marks the id of an order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfOrder {}

/// Marks the id of what a backend is to destroy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfDisposal {}

/// Marks the id of what an operator asks of the servers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfErrand {}

/// Marks the id of a review.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfReview {}

/// Marks the id of a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfRotation {}

/// Marks the id of a transport key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfTransportKey {}

/// Marks the id of a secret store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfSecretStore {}

/// Marks the id that ties a change's intent, its effect and its outcome together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfChange {}

/// Names one secret.
pub type SecretId = Id<OfSecret>;
/// Names one version of one project's key.
pub type ProjectKeyId = Id<OfProjectKey>;
/// Names one container.
pub type ContainerId = Id<OfContainer>;
/// Names one consumer of a secret or a container.
pub type ConsumerId = Id<OfConsumer>;
/// Names one order.
pub type OrderId = Id<OfOrder>;
/// Names one thing that a backend is to destroy.
pub type DisposalId = Id<OfDisposal>;
/// Names one thing that an operator asks of the servers.
pub type ErrandId = Id<OfErrand>;
/// Names one review of secrets.
pub type ReviewId = Id<OfReview>;
/// Names one rotation of keys.
pub type RotationId = Id<OfRotation>;
/// Names one transport key.
pub type TransportKeyId = Id<OfTransportKey>;
/// Names one secret store.
pub type SecretStoreId = Id<OfSecretStore>;
/// Names one change: its intent record, its effect in the repository and its outcome record carry it.
pub type ChangeId = Id<OfChange>;

/// The text is not a canonical identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a canonical lower-case UUID of version 4")]
pub struct InvalidId;

impl<K> Id<K> {
    /// A fresh random id.
    pub fn random() -> Self {
        Self { uuid: Uuid::new_v4(), kind: PhantomData }
    }

    /// Reads the canonical form only: lower case, hyphens, version 4 (spec section 5).
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
        let canonical = uuid.get_version() == Some(Version::Random)
            && uuid.get_variant() == Variant::RFC4122
            && uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        if canonical { Ok(Self { uuid, kind: PhantomData }) } else { Err(InvalidId) }
    }

    /// The id's sixteen bytes, as bound into associated data.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.hyphenated().fmt(f)
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.uuid.hyphenated())
    }
}

/// An identifier given by somebody else (the identity service), kept as it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpaqueId<K> {
    text: String,
    kind: PhantomData<K>,
}

/// Marks a project's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfProject {}

/// Marks a user's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum OfUser {}

/// A project (tenant), as the identity service names it.
pub type ProjectId = OpaqueId<OfProject>;
/// A user, as the identity service names it.
pub type UserId = OpaqueId<OfUser>;

/// An opaque identifier that can't be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an identifier has 1 to {MAX_OPAQUE_ID} characters and no control characters")]
pub struct InvalidOpaqueId;

impl<K> OpaqueId<K> {
    /// Takes any text of 1 to [`MAX_OPAQUE_ID`] characters without control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidOpaqueId> {
        let text = text.into();
        let fits = !text.is_empty() && text.chars().take(MAX_OPAQUE_ID + 1).count() <= MAX_OPAQUE_ID;
        if fits && !text.chars().any(char::is_control) {
            Ok(Self { text, kind: PhantomData })
        } else {
            Err(InvalidOpaqueId)
        }
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K> fmt::Display for OpaqueId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> fmt::Debug for OpaqueId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<K> Serialize for OpaqueId<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_of_version_four_is_an_id() {
        let id = SecretId::random();
        assert_eq!(SecretId::parse(&id.to_string()), Ok(id));
        for bad in [
            "",
            "x",
            "94C3E0A2-6B8B-4B7E-8E9F-0A1B2C3D4E5F",
            "94c3e0a26b8b4b7e8e9f0a1b2c3d4e5f",
            "{94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f}",
            "94c3e0a2-6b8b-1b7e-8e9f-0a1b2c3d4e5f",
            "94c3e0a2-6b8b-4b7e-ce9f-0a1b2c3d4e5f",
        ] {
            assert_eq!(SecretId::parse(bad), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn opaque_ids_are_bounded_and_printable() {
        assert!(ProjectId::new("p".repeat(255)).is_ok());
        assert!(ProjectId::new("p".repeat(256)).is_err());
        assert!(ProjectId::new("").is_err());
        assert!(UserId::new("a\nb").is_err());
    }
}
