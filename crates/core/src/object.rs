//! What has an access control list and consumers: a secret or a container.

use std::fmt;

use crate::id::{ContainerId, SecretId};

/// A secret or a container, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Object {
    /// A secret.
    Secret(SecretId),
    /// A container. Its access control list does not extend to the secrets in it.
    Container(ContainerId),
}

impl Object {
    /// The id's sixteen bytes; no secret and container share them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Secret(id) => id.as_bytes(),
            Self::Container(id) => id.as_bytes(),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(id) => write!(f, "secret/{id}"),
            Self::Container(id) => write!(f, "container/{id}"),
        }
    }
}

impl From<SecretId> for Object {
    fn from(id: SecretId) -> Self {
        Self::Secret(id)
    }
}

impl From<ContainerId> for Object {
    fn from(id: ContainerId) -> Self {
        Self::Container(id)
    }
}
