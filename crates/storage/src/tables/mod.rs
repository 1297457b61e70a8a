//! One module a table: its rows and the queries that touch one of them.
//!
//! A lookup by a unique key has no LIMIT, hence no `first()`: SQLite parses a statement anew each time its
//! LIMIT is bound.

pub(crate) mod applied_changes;
pub(crate) mod master_keys;
pub(crate) mod payloads;
pub(crate) mod project_keys;
pub(crate) mod projects;
pub(crate) mod secret_buckets;
pub(crate) mod secrets;
pub(crate) mod user_metadata;
