//! The use cases. Each one authorises, acts and records, in that order and nowhere else.

mod attempt;
mod builder;
mod engine;
mod jobs;
mod keys;
mod metadata;
mod secrets;
mod settle;

pub use attempt::{CallContext, Done, Input, Refused, Verdict};
pub use builder::{Builder, StartError};
pub use engine::KeyManager;
pub use metadata::Metadata;
pub use secrets::{OpenedPayload, Secrets};
