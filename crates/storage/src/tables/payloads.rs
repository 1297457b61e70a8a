use diesel::prelude::*;
use strongroom_core::SecretId;
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::payloads;

/// The payload of that secret.
pub(crate) fn of_secret(connection: &mut Connection, id: SecretId) -> Result<Option<StoredPayload>, Fault> {
    let row: Option<(String, Vec<u8>, String, Vec<u8>)> = payloads::table
        .filter(payloads::secret.eq(id.as_bytes().as_slice()))
        .select((payloads::content_type, payloads::project_key, payloads::backend, payloads::sealed))
        .get_result(connection)
        .optional()?;
    row.map(|(content_type, key, backend, sealed)| {
        Ok(StoredPayload {
            content_type: column::content_type(&content_type, "payloads.content_type")?,
            key: column::id(&key, "payloads.project_key")?,
            backend: BackendId::new(backend),
            sealed: Sealed(sealed),
        })
    })
    .transpose()
}

/// Adds the payload of a secret that has none.
pub(crate) fn insert(
    connection: &mut Connection,
    id: SecretId,
    payload: &StoredPayload,
) -> Result<(), Fault> {
    diesel::insert_into(payloads::table)
        .values((
            payloads::secret.eq(id.as_bytes().as_slice()),
            payloads::project_key.eq(payload.key.as_bytes().as_slice()),
            payloads::backend.eq(payload.backend.as_str()),
            payloads::content_type.eq(payload.content_type.as_str()),
            payloads::sealed.eq(payload.sealed.0.as_slice()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Removes the payload of that secret, when it has one.
pub(crate) fn delete(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    diesel::delete(payloads::table.filter(payloads::secret.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
