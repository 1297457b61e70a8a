//! Secrets that are deleted and can still be restored. Their payloads stay among the others.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use strongroom_core::ports::SealedSecret;
use strongroom_core::undo::Deleted;
use strongroom_core::{ProjectId, SecretId, Timestamp, UserId};

use super::at_most;
use super::belongings::Belongings;
use super::{payloads, project_keys, secrets};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{deleted_secrets, projects, secrets as live_secrets};
use crate::tally::Tally;

/// A secret's own columns, without its project, beside those of its deletion.
type Row = (secrets::Row, String, i64, Option<String>);

/// The columns that a [`secrets::Row`] is read from, here and where the secret was before.
const HERE: Here = (
    deleted_secrets::id,
    deleted_secrets::name,
    deleted_secrets::secret_type,
    deleted_secrets::algorithm,
    deleted_secrets::mode,
    deleted_secrets::bit_length,
    deleted_secrets::expiration,
    deleted_secrets::creator,
    deleted_secrets::created,
    deleted_secrets::updated,
    deleted_secrets::content_type,
);
type Here = (
    deleted_secrets::id,
    deleted_secrets::name,
    deleted_secrets::secret_type,
    deleted_secrets::algorithm,
    deleted_secrets::mode,
    deleted_secrets::bit_length,
    deleted_secrets::expiration,
    deleted_secrets::creator,
    deleted_secrets::created,
    deleted_secrets::updated,
    deleted_secrets::content_type,
);
const THERE: There = (
    live_secrets::id,
    live_secrets::name,
    live_secrets::secret_type,
    live_secrets::algorithm,
    live_secrets::mode,
    live_secrets::bit_length,
    live_secrets::expiration,
    live_secrets::creator,
    live_secrets::created,
    live_secrets::updated,
    live_secrets::content_type,
);
type There = (
    live_secrets::id,
    live_secrets::name,
    live_secrets::secret_type,
    live_secrets::algorithm,
    live_secrets::mode,
    live_secrets::bit_length,
    live_secrets::expiration,
    live_secrets::creator,
    live_secrets::created,
    live_secrets::updated,
    live_secrets::content_type,
);

fn read((row, project, at, by): Row) -> Result<Deleted, Fault> {
    Ok(Deleted {
        secret: row.of(column::opaque(project, "projects.external_id")?)?,
        at: column::time(at, "deleted_secrets.deleted")?,
        by: by.map(|user| column::opaque(user, "deleted_secrets.deleted_by")).transpose()?,
    })
}

/// The deleted secret of that id.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<Deleted>, Fault> {
    let row: Option<Row> = deleted_secrets::table
        .inner_join(projects::table)
        .filter(deleted_secrets::id.eq(id.as_bytes().as_slice()))
        .select((HERE, projects::external_id, deleted_secrets::deleted, deleted_secrets::deleted_by))
        .get_result(connection)
        .optional()?;
    row.map(read).transpose()
}

/// Deleted secrets of one project or of all, the longest deleted first, beginning after `after`.
pub(crate) fn list(
    connection: &mut Connection,
    project: Option<&ProjectId>,
    after: Option<(Timestamp, SecretId)>,
    limit: u32,
) -> Result<Vec<Deleted>, Fault> {
    let mut page = deleted_secrets::table
        .inner_join(projects::table)
        .order((deleted_secrets::deleted, deleted_secrets::id))
        .select((HERE, projects::external_id, deleted_secrets::deleted, deleted_secrets::deleted_by))
        .into_boxed();
    if let Some(project) = project {
        page = page.filter(projects::external_id.eq(project.as_str().to_owned()));
    }
    if let Some((at, id)) = after {
        let later = deleted_secrets::deleted.gt(at.as_micros());
        let same = deleted_secrets::deleted.eq(at.as_micros());
        // The first term bounds the index, the second leaves out what was there before.
        page = page
            .filter(deleted_secrets::deleted.ge(at.as_micros()))
            .filter(later.or(same.and(deleted_secrets::id.gt(id.as_bytes().to_vec()))));
    }
    let rows: Vec<Row> = page.load_iter(connection)?.take(at_most(limit)).collect::<QueryResult<_>>()?;
    rows.into_iter().map(read).collect()
}

/// A deleted secret with its payload and the key that opens it.
pub(crate) fn sealed(connection: &mut Connection, id: SecretId) -> Result<Option<SealedSecret>, Fault> {
    let Some(Deleted { secret, .. }) = find(connection, id)? else { return Ok(None) };
    let Some(payload) = payloads::of_secret(connection, id)? else { return Ok(Some((secret, None))) };
    let key = project_keys::find(connection, payload.key)?.filter(|key| key.project == secret.project);
    let key = key.ok_or(Fault::corrupt("payloads.project_key"))?;
    Ok(Some((secret, Some((payload, key)))))
}

/// Moves a secret here; `false` when there was none.
pub(crate) fn hide(
    connection: &mut Connection,
    tally: &mut Tally,
    id: SecretId,
    at: Timestamp,
    by: Option<&UserId>,
) -> Result<bool, Fault> {
    let Some(place) = secrets::place(connection, id)? else { return Ok(false) };
    let belongings = Belongings::take(connection, id)?.to_text()?;
    let by = by.map(|user| user.as_str().to_owned());
    live_secrets::table
        .filter(live_secrets::id.eq(id.as_bytes().as_slice()))
        .select((
            (live_secrets::project, live_secrets::position),
            THERE,
            at.as_micros().into_sql::<BigInt>(),
            by.into_sql::<Nullable<Text>>(),
            belongings.into_sql::<Text>(),
        ))
        .insert_into(deleted_secrets::table)
        .into_columns((
            (deleted_secrets::project, deleted_secrets::position),
            HERE,
            deleted_secrets::deleted,
            deleted_secrets::deleted_by,
            deleted_secrets::belongings,
        ))
        .execute(connection)?;
    secrets::delete_row(connection, tally, id, place)?;
    Ok(true)
}

/// Moves a deleted secret back; `false` when there was none.
pub(crate) fn restore(connection: &mut Connection, tally: &mut Tally, id: SecretId) -> Result<bool, Fault> {
    let of = || deleted_secrets::table.filter(deleted_secrets::id.eq(id.as_bytes().as_slice()));
    let row: Option<(i64, i64, String)> = of()
        .select((deleted_secrets::project, deleted_secrets::position, deleted_secrets::belongings))
        .get_result(connection)
        .optional()?;
    let Some((project, position, belongings)) = row else { return Ok(false) };
    of().select(((deleted_secrets::project, deleted_secrets::position), HERE, true.into_sql::<Bool>()))
        .insert_into(live_secrets::table)
        .into_columns(((live_secrets::project, live_secrets::position), THERE, live_secrets::live))
        .execute(connection)?;
    tally.put_back(project, position);
    diesel::delete(of()).execute(connection)?;
    Belongings::from_text(&belongings)?.put_back(connection, id)?;
    Ok(true)
}

/// Removes a deleted secret with its payload; `false` when there was none.
pub(crate) fn destroy(connection: &mut Connection, id: SecretId) -> Result<bool, Fault> {
    let row = deleted_secrets::table.filter(deleted_secrets::id.eq(id.as_bytes().as_slice()));
    if diesel::delete(row).execute(connection)? == 0 {
        return Ok(false);
    }
    payloads::delete(connection, id)?;
    Ok(true)
}
