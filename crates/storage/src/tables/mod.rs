//! One module a table: its rows and the queries that touch one of them.
//!
//! What requests and idle servers ask again and again has no LIMIT, hence no `first()`: SQLite parses a statement anew each
//! time its LIMIT is bound. Rows come one by one, so `get_result()` stops at the first, and others when they have enough.

pub(crate) mod acls;
pub(crate) mod applied_changes;
pub(crate) mod belongings;
pub(crate) mod candidates;
pub(crate) mod consumers;
pub(crate) mod container_members;
pub(crate) mod containers;
pub(crate) mod deleted_secrets;
pub(crate) mod disposals;
pub(crate) mod endings;
pub(crate) mod errands;
pub(crate) mod last_reads;
pub(crate) mod master_keys;
pub(crate) mod milestones;
pub(crate) mod nodes;
pub(crate) mod order_passphrases;
pub(crate) mod orders;
pub(crate) mod payloads;
pub(crate) mod preferred_stores;
pub(crate) mod project_keys;
pub(crate) mod project_quotas;
pub(crate) mod projects;
pub(crate) mod replacements;
pub(crate) mod reviews;
pub(crate) mod rotations;
pub(crate) mod sealed_secrets;
pub(crate) mod secret_buckets;
pub(crate) mod secret_stores;
pub(crate) mod secrets;
pub(crate) mod transport_keys;
pub(crate) mod unread_certificates;
pub(crate) mod user_metadata;

/// How many ids one statement names; every database takes that many.
const AT_ONCE: usize = 500;

/// How many rows to take.
fn at_most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
