//! What reading a payload needs, in one statement: it is the commonest question of all.

use diesel::prelude::*;
use strongroom_core::ports::SealedSecret;
use strongroom_core::{ProjectId, SecretId};

use super::{payloads, project_keys, secrets};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::payloads as payload_rows;
use crate::schema::project_keys as key_rows;
use crate::schema::projects as project_rows;
use crate::schema::secrets as secret_rows;

type Joined = (secrets::Row, String, payloads::Row, project_keys::Row);

/// The secret of that id with its payload and the key that opens it.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<SealedSecret>, Fault> {
    // A key of another project is none of this secret's.
    let key = key_rows::id.eq(payload_rows::project_key).and(key_rows::project.eq(secret_rows::project));
    let row: Option<Joined> = secret_rows::table
        .inner_join(project_rows::table)
        .inner_join(payload_rows::table.on(payload_rows::secret.eq(secret_rows::id)))
        .inner_join(key_rows::table.on(key))
        .filter(secret_rows::id.eq(id.as_bytes().as_slice()))
        .select((
            secrets::Row::as_select(),
            project_rows::external_id,
            payloads::Row::as_select(),
            project_keys::Row::as_select(),
        ))
        .get_result(connection)
        .optional()?;
    let Some((secret, project, payload, key)) = row else { return incomplete(connection, id) };
    let project: ProjectId = column::opaque(project, "projects.external_id")?;
    let sealed = (payload.of()?, key.of(project.clone())?);
    Ok(Some((secret.of(project)?, Some(sealed))))
}

/// A secret without a payload, or none at all.
fn incomplete(connection: &mut Connection, id: SecretId) -> Result<Option<SealedSecret>, Fault> {
    // There may be a payload without a secret: a deleted one's.
    let Some(secret) = secrets::find(connection, id)? else { return Ok(None) };
    match payloads::of_secret(connection, id)? {
        Some(_) => Err(Fault::corrupt("payloads.project_key")),
        None => Ok(Some((secret, None))),
    }
}
