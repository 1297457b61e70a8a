use diesel::prelude::*;
use strongroom_core::SecretStoreId;
use strongroom_core::ports::{BackendId, StoreRecord};

use crate::fault::Fault;
use crate::schema::secret_stores;
use crate::{Connection, column};

/// Every store, oldest first.
pub(crate) fn all(connection: &mut Connection) -> Result<Vec<StoreRecord>, Fault> {
    let rows: Vec<(Vec<u8>, String, i64)> =
        secret_stores::table.order((secret_stores::created, secret_stores::id)).load(connection)?;
    rows.into_iter()
        .map(|(id, backend, created)| {
            Ok(StoreRecord {
                id: column::id(&id, "secret_stores.id")?,
                backend: BackendId::new(backend),
                created: column::time(created, "secret_stores.created")?,
            })
        })
        .collect()
}

/// Adds a store.
pub(crate) fn insert(connection: &mut Connection, store: &StoreRecord) -> Result<(), Fault> {
    diesel::insert_into(secret_stores::table)
        .values((
            secret_stores::id.eq(store.id.as_bytes().as_slice()),
            secret_stores::backend.eq(store.backend.as_str()),
            secret_stores::created.eq(store.created.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes a store.
pub(crate) fn delete(connection: &mut Connection, id: SecretStoreId) -> Result<(), Fault> {
    diesel::delete(secret_stores::table.find(id.as_bytes().as_slice())).execute(connection)?;
    Ok(())
}
