use diesel::prelude::*;
use strongroom_core::ProjectId;
use strongroom_core::quota::{ConfiguredQuotas, ProjectQuotas};
use strongroom_core::secret::{Page, Paging};

use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::project_quotas;

/// A project's limits; absent is the default.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = project_quotas, treat_none_as_null = true)]
struct Row {
    secrets: Option<i64>,
    orders: Option<i64>,
    containers: Option<i64>,
    consumers: Option<i64>,
    cas: Option<i64>,
}

impl From<ProjectQuotas> for Row {
    fn from(quotas: ProjectQuotas) -> Self {
        let ProjectQuotas { secrets, orders, containers, consumers, cas } = quotas;
        Self { secrets, orders, containers, consumers, cas }
    }
}

impl From<Row> for ProjectQuotas {
    fn from(row: Row) -> Self {
        let Row { secrets, orders, containers, consumers, cas } = row;
        Self { secrets, orders, containers, consumers, cas }
    }
}

/// What is set for a project.
pub(crate) fn find(connection: &mut Connection, project: &ProjectId) -> Result<Option<ProjectQuotas>, Fault> {
    let row: Option<Row> = project_quotas::table
        .filter(project_quotas::project.eq(project.as_str()))
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row.map(ProjectQuotas::from))
}

/// A part of all that is set, in the order in which it was first set.
pub(crate) fn page(connection: &mut Connection, paging: Paging) -> Result<Page<ConfiguredQuotas>, Fault> {
    let total = project_quotas::table.count().get_result(connection)?;
    let rows: Vec<(String, Row)> = project_quotas::table
        .order(project_quotas::position)
        .limit(i64::from(paging.limit))
        .offset(column::offset(paging))
        .select((project_quotas::project, Row::as_select()))
        .load(connection)?;
    let items = rows.into_iter().map(|(project, row)| {
        let project = column::opaque(project, "project_quotas.project")?;
        Ok(ConfiguredQuotas { project, quotas: row.into() })
    });
    Ok(Page { items: items.collect::<Result<_, Fault>>()?, total: column::count(total, "project_quotas")? })
}

/// Sets a project's limits, in place of any others.
pub(crate) fn put(
    connection: &mut Connection,
    project: &ProjectId,
    quotas: ProjectQuotas,
) -> Result<(), Fault> {
    let row = project_quotas::table.filter(project_quotas::project.eq(project.as_str()));
    let set = diesel::update(row).set(Row::from(quotas)).execute(connection)?;
    if set == 0 {
        diesel::insert_into(project_quotas::table)
            .values((project_quotas::project.eq(project.as_str()), Row::from(quotas)))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes what is set for a project; `false` when nothing was.
pub(crate) fn delete(connection: &mut Connection, project: &ProjectId) -> Result<bool, Fault> {
    let row = project_quotas::table.filter(project_quotas::project.eq(project.as_str()));
    Ok(diesel::delete(row).execute(connection)? > 0)
}
