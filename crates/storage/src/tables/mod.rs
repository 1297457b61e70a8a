//! One module a table: its rows and the queries that touch one of them.

pub(crate) mod applied_changes;
pub(crate) mod master_keys;
pub(crate) mod payloads;
pub(crate) mod project_keys;
pub(crate) mod projects;
pub(crate) mod secret_buckets;
pub(crate) mod secrets;
pub(crate) mod user_metadata;
