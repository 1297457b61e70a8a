use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use strongroom_core::ports::{BackendId, Sealed, StoredPayload};
use strongroom_core::{Fingerprint, ProjectKeyId, SecretId, Timestamp};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{payloads, project_keys, secrets};

/// A row without its secret.
#[derive(Queryable, Selectable)]
#[diesel(table_name = payloads)]
pub(crate) struct Row {
    content_type: String,
    project_key: Vec<u8>,
    backend: String,
    sealed: Vec<u8>,
    fingerprint: Option<Vec<u8>>,
}

impl Row {
    /// The payload, when the row is one that this program can have written.
    pub(crate) fn of(self) -> Result<StoredPayload, Fault> {
        Ok(StoredPayload {
            content_type: column::content_type(&self.content_type, "payloads.content_type")?,
            key: column::id(&self.project_key, "payloads.project_key")?,
            backend: BackendId::new(self.backend),
            sealed: Sealed(self.sealed),
            fingerprint: column::fingerprint(self.fingerprint, "payloads.fingerprint")?,
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

/// Whose payloads are sealed under that project key, in the order of their ids, beginning after `after`.
pub(crate) fn under(
    connection: &mut Connection,
    key: ProjectKeyId,
    after: Option<SecretId>,
    limit: u32,
) -> Result<Vec<SecretId>, Fault> {
    // No id is lower than this text of bytes, and none is it.
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let rows: Vec<Vec<u8>> = payloads::table
        .filter(payloads::project_key.eq(key.as_bytes().as_slice()).and(payloads::secret.gt(after)))
        .order(payloads::secret)
        .limit(i64::from(limit))
        .select(payloads::secret)
        .load(connection)?;
    rows.iter().map(|id| column::id(id, "payloads.secret")).collect()
}

/// The fingerprints, as far as they are known, of secrets under that project key which are neither deleted nor expired,
/// in the order of their ids, beginning after `after`.
pub(crate) fn fingerprints(
    connection: &mut Connection,
    key: ProjectKeyId,
    now: Timestamp,
    after: Option<SecretId>,
    limit: u32,
) -> Result<Vec<(SecretId, Fingerprint)>, Fault> {
    const COLUMN: &str = "payloads.fingerprint";
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let unexpired = secrets::expiration.is_null().or(secrets::expiration.gt(now.as_micros()));
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = payloads::table
        .filter(payloads::project_key.eq(key.as_bytes().as_slice()).and(payloads::secret.gt(after)))
        .filter(payloads::fingerprint.is_not_null())
        .filter(exists(secrets::table.filter(secrets::id.eq(payloads::secret).and(unexpired))))
        .order(payloads::secret)
        .limit(i64::from(limit))
        .select((payloads::secret, payloads::fingerprint))
        .load(connection)?;
    rows.into_iter()
        .map(|(id, bytes)| {
            let fingerprint = column::fingerprint(bytes, COLUMN)?.ok_or(Fault::corrupt(COLUMN))?;
            Ok((column::id(&id, "payloads.secret")?, fingerprint))
        })
        .collect()
}

/// Whether any payload is sealed under that project key.
pub(crate) fn any_under(connection: &mut Connection, key: ProjectKeyId) -> Result<bool, Fault> {
    let under = payloads::table.filter(payloads::project_key.eq(key.as_bytes().as_slice()));
    Ok(select(exists(under)).get_result(connection)?)
}

/// How many payloads are sealed under that project key.
pub(crate) fn count_under(connection: &mut Connection, key: ProjectKeyId) -> Result<u64, Fault> {
    let under = payloads::table.filter(payloads::project_key.eq(key.as_bytes().as_slice()));
    column::count(under.count().get_result(connection)?, "payloads")
}

/// How many payloads that backend has sealed.
pub(crate) fn count_by(connection: &mut Connection, backend: &BackendId) -> Result<u64, Fault> {
    let of = payloads::table.inner_join(project_keys::table);
    let of = of.filter(project_keys::backend.eq(backend.as_str()));
    column::count(of.count().get_result(connection)?, "payloads")
}

/// Shows what that backend has sealed.
pub(crate) fn visit(
    connection: &mut Connection,
    backend: &BackendId,
    visit: &mut dyn FnMut(&Sealed),
) -> Result<(), Fault> {
    let of = payloads::table.filter(payloads::backend.eq(backend.as_str())).select(payloads::sealed);
    for sealed in of.load_iter::<Vec<u8>, DefaultLoadingMode>(connection)? {
        visit(&Sealed(sealed?));
    }
    Ok(())
}

/// Puts one payload in the place of another, when that is what is stored.
pub(crate) fn replace(
    connection: &mut Connection,
    id: SecretId,
    old: &StoredPayload,
    new: &StoredPayload,
) -> Result<bool, Fault> {
    let row = payloads::table
        .filter(payloads::secret.eq(id.as_bytes().as_slice()))
        .filter(payloads::project_key.eq(old.key.as_bytes().as_slice()))
        .filter(payloads::sealed.eq(old.sealed.0.as_slice()));
    let replaced = diesel::update(row)
        .set((
            payloads::project_key.eq(new.key.as_bytes().as_slice()),
            payloads::backend.eq(new.backend.as_str()),
            payloads::sealed.eq(new.sealed.0.as_slice()),
            payloads::fingerprint.eq(bytes(new)),
        ))
        .execute(connection)?;
    Ok(replaced > 0)
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
            payloads::fingerprint.eq(bytes(payload)),
        ))
        .execute(connection)?;
    Ok(())
}

fn bytes(payload: &StoredPayload) -> Option<&[u8]> {
    payload.fingerprint.as_ref().map(|fingerprint| fingerprint.0.as_slice())
}

/// Removes the payload of that secret, when it has one.
pub(crate) fn delete(connection: &mut Connection, id: SecretId) -> Result<(), Fault> {
    diesel::delete(payloads::table.filter(payloads::secret.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}
