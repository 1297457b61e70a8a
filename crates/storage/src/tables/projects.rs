use diesel::dsl::max;
use diesel::prelude::*;
use strongroom_core::ProjectId;

use crate::Connection;
use crate::fault::Fault;
use crate::schema::projects;

/// What is known about a project: only its counts.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub(crate) struct Project {
    /// Its number in this database.
    pub(crate) id: i64,
    /// The position its next secret takes.
    pub(crate) next_position: i64,
    /// How many of its secrets are live.
    pub(crate) live: i64,
}

/// The project, when anything of it was ever stored.
pub(crate) fn find(connection: &mut Connection, project: &ProjectId) -> Result<Option<Project>, Fault> {
    let row = projects::table
        .filter(projects::external_id.eq(project.as_str()))
        .select(Project::as_select())
        .get_result(connection)
        .optional()?;
    Ok(row)
}

/// The project, which is added when it is not there.
pub(crate) fn find_or_insert(connection: &mut Connection, project: &ProjectId) -> Result<Project, Fault> {
    if let Some(found) = find(connection, project)? {
        return Ok(found);
    }
    let highest: Option<i64> = projects::table.select(max(projects::id)).get_result(connection)?;
    let new = Project { id: highest.unwrap_or(0).saturating_add(1), next_position: 0, live: 0 };
    diesel::insert_into(projects::table)
        .values((
            projects::id.eq(new.id),
            projects::external_id.eq(project.as_str()),
            projects::next_position.eq(new.next_position),
            projects::live.eq(new.live),
        ))
        .execute(connection)?;
    Ok(new)
}

/// Adds to the project's counts.
pub(crate) fn count(connection: &mut Connection, id: i64, taken: i64, live: i64) -> Result<(), Fault> {
    diesel::update(projects::table.find(id))
        .set((
            projects::next_position.eq(projects::next_position + taken),
            projects::live.eq(projects::live + live),
        ))
        .execute(connection)?;
    Ok(())
}
