use diesel::prelude::*;
use strongroom_core::Timestamp;
use strongroom_core::ports::{BackendId, Canary, MasterKeyRecord, MasterKeyVersion};
use strongroom_core::rotation::MasterKeyState;

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::master_keys;

/// Every version that backend has used, lowest first.
pub(crate) fn of_backend(
    connection: &mut Connection,
    backend: &BackendId,
) -> Result<Vec<MasterKeyRecord>, Fault> {
    let rows: Vec<(i64, Vec<u8>, i64, String, i64)> = master_keys::table
        .filter(master_keys::backend.eq(backend.as_str()))
        .order(master_keys::version)
        .select((
            master_keys::version,
            master_keys::canary,
            master_keys::created,
            master_keys::state,
            master_keys::since,
        ))
        .load(connection)?;
    rows.into_iter()
        .map(|(version, canary, created, state, since)| {
            Ok(MasterKeyRecord {
                backend: backend.clone(),
                version: column::master_version(version, "master_keys.version")?,
                canary: Canary(canary),
                created: column::time(created, "master_keys.created")?,
                state: state.parse().map_err(|_| Fault::corrupt("master_keys.state"))?,
                since: column::time(since, "master_keys.since")?,
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
            master_keys::state.eq(record.state.as_str()),
            master_keys::since.eq(record.since.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Says what a version is used for.
pub(crate) fn set_state(
    connection: &mut Connection,
    backend: &BackendId,
    version: MasterKeyVersion,
    state: MasterKeyState,
    now: Timestamp,
) -> Result<(), Fault> {
    diesel::update(master_keys::table.find((backend.as_str(), i64::from(version.0))))
        .set((master_keys::state.eq(state.as_str()), master_keys::since.eq(now.as_micros())))
        .execute(connection)?;
    Ok(())
}

/// Forgets a version that was never used.
pub(crate) fn delete_staged(
    connection: &mut Connection,
    backend: &BackendId,
    version: MasterKeyVersion,
) -> Result<(), Fault> {
    let row = master_keys::table.find((backend.as_str(), i64::from(version.0)));
    diesel::delete(row.filter(master_keys::state.eq(MasterKeyState::Staged.as_str()))).execute(connection)?;
    Ok(())
}
