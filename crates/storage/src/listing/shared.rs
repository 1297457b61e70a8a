use diesel::prelude::*;
use strongroom_core::secret::{Page, SecretQuery};
use strongroom_core::{Secret, Timestamp, UserId};

use super::{filter, order};
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::projects;
use crate::tables::secrets::Row;

/// The unexpired secrets of any project that match and whose ACL lists the user, in the order asked for.
pub(super) fn page(
    connection: &mut Connection,
    user: &UserId,
    query: &SecretQuery,
    now: Timestamp,
) -> Result<Page<Secret>, Fault> {
    let matching = || filter::narrowed(filter::shared_with(user, now.as_micros()), query);
    let total = matching().count().get_result(connection)?;
    let rows: Vec<(Row, String)> = order::across_projects(query, matching())
        .inner_join(projects::table)
        .limit(i64::from(query.paging.limit))
        .offset(column::offset(query.paging))
        .select((Row::as_select(), projects::external_id))
        .load(connection)?;
    let items =
        rows.into_iter().map(|(row, project)| row.of(column::opaque(project, "projects.external_id")?));
    Ok(Page { items: items.collect::<Result<_, _>>()?, total: column::count(total, "secrets")? })
}
