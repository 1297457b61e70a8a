//! What the domain needs from outside, and what each port must guarantee.

mod audit;
mod backend;
mod identity;
mod repository;

pub use audit::{AuditError, AuditSink, OpenChange};
pub use backend::{
    BackendError, BackendId, Canary, GenerationError, KeyPair, KeyRequest, MasterKeyVersion, PayloadKind,
    ProjectKey, Sealed, SecretBackend,
};
pub use identity::{Authenticator, Credentials, IdentityError};
pub use repository::{
    AclReader, AclWriter, ConsumerReader, ConsumerWriter, ContainerReader, ContainerWriter, Contended,
    DisposalReader, DisposalWriter, EndingQuery, EndingReader, EndingWriter, ErrandReader, ErrandWriter,
    KeyReader, KeyWriter, MasterKeyRecord, Milestone, MilestoneReader, MilestoneWriter, NodeReader,
    NodeWriter, OrderReader, OrderWriter, QuotaReader, QuotaWriter, ReadJob, Reader, Repository,
    ReviewReader, ReviewWriter, RotationReader, RotationWriter, SealedSecret, SecretReader, SecretWriter,
    StorageError, StoreReader, StoreRecord, StoreWriter, StoredPayload, TransportKeyReader,
    TransportKeyWriter, TypeCount, UndoReader, UndoWriter, WriteJob, Writer,
};
