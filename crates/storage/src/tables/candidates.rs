//! Secrets beside what tells whether anybody needs them.

use diesel::dsl::exists;
use diesel::prelude::*;
use strongroom_core::SecretId;
use strongroom_core::review::{Candidate, Day};

use super::secrets::Row;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::{consumers, container_members, last_reads, projects, secrets};

type Joined = (Row, String, Option<i64>, bool, bool);

/// Secrets of all projects in the order of their ids, beginning after `after`.
pub(crate) fn page(
    connection: &mut Connection,
    after: Option<SecretId>,
    limit: u32,
) -> Result<Vec<Candidate>, Fault> {
    // No id is lower than this text of bytes, and none is it.
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let rows: Vec<Joined> = secrets::table
        .inner_join(projects::table)
        .left_join(last_reads::table.on(last_reads::secret.eq(secrets::id)))
        .filter(secrets::id.gt(after))
        .order(secrets::id)
        .limit(i64::from(limit))
        .select((
            Row::as_select(),
            projects::external_id,
            last_reads::day.nullable(),
            exists(consumers::table.filter(consumers::object.eq(secrets::id))),
            exists(container_members::table.filter(container_members::secret.eq(secrets::id))),
        ))
        .load(connection)?;
    rows.into_iter().map(read).collect()
}

/// One of them.
pub(crate) fn find(connection: &mut Connection, id: SecretId) -> Result<Option<Candidate>, Fault> {
    let row: Option<Joined> = secrets::table
        .inner_join(projects::table)
        .left_join(last_reads::table.on(last_reads::secret.eq(secrets::id)))
        .filter(secrets::id.eq(id.as_bytes().as_slice()))
        .select((
            Row::as_select(),
            projects::external_id,
            last_reads::day.nullable(),
            exists(consumers::table.filter(consumers::object.eq(secrets::id))),
            exists(container_members::table.filter(container_members::secret.eq(secrets::id))),
        ))
        .get_result(connection)
        .optional()?;
    row.map(read).transpose()
}

fn read((row, project, day, is_used, is_member): Joined) -> Result<Candidate, Fault> {
    let secret = row.of(column::opaque(project, "projects.external_id")?)?;
    Ok(Candidate { secret, last_read: day.map(Day), is_used, is_member })
}
