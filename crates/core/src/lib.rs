#![doc = concat!("```\n", include_str!("../examples/embed.rs"), "```\n\n", include_str!("../README.md"))]

pub mod access;
pub mod audit;
mod error;
mod id;
pub mod ports;
pub mod secret;
mod service;
mod time;

pub use access::{Caller, Policy, Roles, RuleSet};
pub use error::{Conflict, Error, Missing, Violation};
pub use id::{
    ChangeId, Id, InvalidId, InvalidOpaqueId, MAX_OPAQUE_ID, OpaqueId, ProjectId, ProjectKeyId, SecretId,
    UserId,
};
pub use secret::{ContentType, NewPayload, NewSecret, Payload, PayloadFormat, Secret, SecretType, Upload};
pub use service::{
    Builder, CallContext, Done, Input, KeyManager, Metadata, OpenedPayload, Refused, Secrets, StartError,
    Verdict,
};
pub use time::{Clock, InvalidTimestamp, SystemClock, Timestamp};
