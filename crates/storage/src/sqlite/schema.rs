use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::Connection;
use crate::error::OpenError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// The schema version this program works with. Each migration sets its own in the file's header.
pub(super) const VERSION: u32 = 8;

/// Marks the file as ours in its header: "Strg".
pub(super) const APPLICATION_ID: u32 = 0x5374_7267;

/// Every table and index that must be there.
const OBJECTS: [&str; 65] = [
    "acl_users",
    "acl_users_by_user",
    "acls",
    "applied_changes",
    "condemned_secrets",
    "consumers",
    "consumers_by_position",
    "consumers_by_project",
    "consumers_by_use",
    "container_members",
    "container_members_by_position",
    "container_members_by_secret",
    "containers",
    "containers_by_name",
    "containers_by_position",
    "deleted_secrets",
    "deleted_secrets_by_project",
    "deleted_secrets_by_time",
    "disposals",
    "disposals_by_due",
    "disposals_by_key",
    "endings",
    "endings_by_due",
    "endings_by_end",
    "errands",
    "errands_by_end",
    "errands_by_key",
    "errands_by_open",
    "last_reads",
    "master_keys",
    "milestones",
    "nodes",
    "order_passphrases",
    "order_passphrases_by_key",
    "orders",
    "orders_by_position",
    "orders_by_state",
    "payloads",
    "payloads_by_key",
    "preferred_stores",
    "preferred_stores_by_store",
    "project_keys",
    "project_keys_by_backend",
    "project_keys_by_master",
    "project_quotas",
    "projects",
    "replacements",
    "replacements_by_until",
    "reviews",
    "reviews_by_stage",
    "rotations",
    "rotations_by_backend",
    "secret_buckets",
    "secret_stores",
    "secrets",
    "secrets_by_created",
    "secrets_by_expiration",
    "secrets_by_name",
    "secrets_by_position",
    "secrets_expiring",
    "transport_keys",
    "transport_keys_by_plugin",
    "unread_certificates",
    "unread_certificates_by_due",
    "user_metadata",
];

/// Brings the schema to [`VERSION`], each step in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    connection
        .run_pending_migrations(MIGRATIONS)
        .map_err(|source| OpenError::Upgrade { path: path.to_owned(), source })?;
    Ok(())
}

/// Whose the file is and which version its schema has, log included.
pub(super) fn marks(connection: &mut Connection) -> QueryResult<(u32, u32)> {
    Ok((pragma(connection, "application_id")?, pragma(connection, "user_version")?))
}

/// The first table or index that is missing.
pub(super) fn missing_object(connection: &mut Connection) -> QueryResult<Option<&'static str>> {
    #[derive(QueryableByName)]
    struct Object {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let there: Vec<Object> = diesel::sql_query("SELECT name FROM sqlite_schema").load(connection)?;
    Ok(OBJECTS.into_iter().find(|name| !there.iter().any(|object| object.name == *name)))
}

/// A pragma that is a number, read through the function that SQLite offers for each pragma.
fn pragma(connection: &mut Connection, name: &'static str) -> QueryResult<u32> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Number =
        diesel::sql_query(format!("SELECT {name} AS number FROM pragma_{name}")).get_result(connection)?;
    u32::try_from(row.number).map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

#[cfg(test)]
mod tests;
