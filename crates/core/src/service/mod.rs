//! The use cases. Each one authorises, acts and records, in that order and nowhere else.

mod acls;
mod attempt;
mod builder;
mod consumers;
mod containers;
mod engine;
mod events;
mod expiry;
mod jobs;
mod keys;
mod metadata;
mod object;
mod orders;
mod quotas;
mod reconcile;
mod rotation;
mod secrets;
mod settle;
mod stores;
mod transport_keys;
mod work;

pub use acls::{AclChange, Acls};
pub use attempt::{CallContext, Done, Input, Refused, Verdict};
pub use builder::{Builder, StartError};
pub use consumers::Consumers;
pub use containers::Containers;
pub use engine::KeyManager;
pub use metadata::Metadata;
pub use object::{ContainerView, ObjectView, SecretView};
pub use orders::Orders;
pub use quotas::QuotaService;
pub use rotation::{Pace, Rotations, Shift, ask, cancel};
pub use secrets::{Deletion, OpenedPayload, Secrets};
pub use stores::Stores;
pub use transport_keys::TransportKeys;
