//! What a backend holds of a payload that is not stored any more, until it is destroyed there.

use crate::audit::Target;
use crate::id::{DisposalId, OrderId, ProjectKeyId, SecretId};
use crate::ports::{BackendId, Sealed};
use crate::time::Timestamp;

/// One thing to be destroyed in a backend, and everything that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposal {
    /// Its id.
    pub id: DisposalId,
    /// Whose it was.
    pub owner: Owner,
    /// The project key that it is sealed under, which is kept as long.
    pub key: ProjectKeyId,
    /// The backend that holds it.
    pub backend: BackendId,
    /// What the backend gave for it.
    pub sealed: Sealed,
    /// Not to be tried before then.
    pub due: Timestamp,
}

/// Whose a payload is, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A secret's.
    Secret(SecretId),
    /// A passphrase, that of an order.
    Order(OrderId),
}

impl From<Owner> for Target {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Secret(id) => Self::Secret(id),
            Owner::Order(id) => Self::Order(id),
        }
    }
}
