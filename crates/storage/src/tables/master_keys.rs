use diesel::prelude::*;
use strongroom_core::ports::{BackendId, Canary, MasterKeyRecord};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::master_keys;

/// Every version that backend has used, lowest first.
pub(crate) fn of_backend(
    connection: &mut Connection,
    backend: &BackendId,
) -> Result<Vec<MasterKeyRecord>, Fault> {
    let rows: Vec<(i64, Vec<u8>, i64)> = master_keys::table
        .filter(master_keys::backend.eq(backend.as_str()))
        .order(master_keys::version)
        .select((master_keys::version, master_keys::canary, master_keys::created))
        .load(connection)?;
    rows.into_iter()
        .map(|(version, canary, created)| {
            Ok(MasterKeyRecord {
                backend: backend.clone(),
                version: column::master_version(version, "master_keys.version")?,
                canary: Canary(canary),
                created: column::time(created, "master_keys.created")?,
            })
        })
        .collect()
}

/// Adds a version's canary.
pub(crate) fn insert(connection: &mut Connection, record: &MasterKeyRecord) -> Result<(), Fault> {
    diesel::insert_into(master_keys::table)
        .values((
            master_keys::backend.eq(record.backend.as_str()),
            master_keys::version.eq(i64::from(record.version.0)),
            master_keys::canary.eq(record.canary.0.as_slice()),
            master_keys::created.eq(record.created.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}
