#![doc = concat!("```\n", include_str!("../examples/embed.rs"), "```\n\n", include_str!("../README.md"))]

pub mod access;
pub mod acl;
pub mod audit;
mod certificate;
pub mod consumer;
pub mod container;
pub mod disposal;
pub mod errand;
mod error;
pub mod expiry;
mod fingerprint;
mod id;
mod object;
pub mod order;
pub mod ports;
pub mod quota;
pub mod review;
pub mod rotation;
pub mod secret;
mod service;
pub mod store;
mod time;
pub mod trace;
pub mod transport_key;
pub mod undo;

pub use access::{Caller, Policy, Roles, RuleSet};
pub use certificate::Certificate;
pub use error::{Conflict, Error, Missing, Violation};
pub use fingerprint::{Fingerprint, Material};
pub use id::{
    ChangeId, ConsumerId, ContainerId, DisposalId, ErrandId, Id, InvalidId, InvalidOpaqueId, MAX_OPAQUE_ID,
    OpaqueId, OrderId, ProjectId, ProjectKeyId, ReviewId, RotationId, SecretId, SecretStoreId,
    TransportKeyId, UserId,
};
pub use object::Object;
pub use secret::{ContentType, NewPayload, NewSecret, Payload, PayloadFormat, Secret, SecretType, Upload};
pub use service::{
    AclChange, Acls, Builder, CallContext, Consumers, ContainerView, Containers, Deletion, Disposals, Done,
    DueNotice, Errands, Expiry, Input, KeyManager, Metadata, ObjectView, OpenedPayload, Orders, Pace,
    QuotaService, Refused, Reviews, Rotations, SecretView, Secrets, Shift, StartError, Stores, TransportKeys,
    Turn, Verdict,
};
pub use time::{Clock, InvalidTimestamp, SystemClock, Timestamp};
