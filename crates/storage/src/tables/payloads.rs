use diesel::prelude::*;
use strongroom_core::SecretId;
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::payloads;

/// A row without its secret.
#[derive(Queryable, Selectable)]
#[diesel(table_name = payloads)]
pub(crate) struct Row {
    content_type: String,
    project_key: Vec<u8>,
    backend: String,
    sealed: Vec<u8>,
}

impl Row {
    /// The payload, when the row is one that this program can have written.
    pub(crate) fn of(self) -> Result<StoredPayload, Fault> {
        Ok(StoredPayload {
            content_type: column::content_type(&self.content_type, "payloads.content_type")?,
            key: column::id(&self.project_key, "payloads.project_key")?,
            backend: BackendId::new(self.backend),
            sealed: Sealed(self.sealed),
        })
    }
}

/// The payload of that secret.
pub(crate) fn of_secret(connection: &mut Connection, id: SecretId) -> Result<Option<StoredPayload>, Fault> {
    let row: Option<Row> = payloads::table
        .filter(payloads::secret.eq(id.as_bytes().as_slice()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(Row::of).transpose()
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
