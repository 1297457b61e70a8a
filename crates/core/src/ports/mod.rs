//! What the domain needs from outside, and what each port must guarantee.

mod audit;
mod backend;
mod identity;
mod repository;

pub use audit::{AuditError, AuditSink, OpenChange};
pub use backend::{BackendError, BackendId, Canary, MasterKeyVersion, ProjectKey, Sealed, SecretBackend};
pub use identity::{Authenticator, Credentials, IdentityError};
pub use repository::{
    Contended, MasterKeyRecord, ReadJob, Reader, Repository, StorageError, StoredPayload, WriteJob, Writer,
};
