use diesel::dsl::exists;
use diesel::prelude::*;
use strongroom_core::ports::{BackendId, MasterKeyVersion, ProjectKey};
use strongroom_core::{ProjectId, ProjectKeyId};

use super::projects;
use crate::Connection;
use crate::column;
use crate::fault::Fault;
use crate::schema::project_keys;
use crate::schema::projects as project_rows;

/// A row without its project.
#[derive(Queryable, Selectable)]
#[diesel(table_name = project_keys)]
pub(crate) struct Row {
    id: Vec<u8>,
    backend: String,
    version: i64,
    master: i64,
    wrapped: Vec<u8>,
    created: i64,
}

impl Row {
    /// The key, when the row is one that this program can have written.
    pub(crate) fn of(self, project: ProjectId) -> Result<ProjectKey, Fault> {
        Ok(ProjectKey {
            id: column::id(&self.id, "project_keys.id")?,
            project,
            backend: BackendId::new(self.backend),
            version: column::version(self.version, "project_keys.version")?,
            master: column::master_version(self.master, "project_keys.master")?,
            wrapped: self.wrapped,
            created: column::time(self.created, "project_keys.created")?,
        })
    }
}

/// The key of that id.
pub(crate) fn find(connection: &mut Connection, id: ProjectKeyId) -> Result<Option<ProjectKey>, Fault> {
    let row: Option<(Row, String)> = project_keys::table
        .inner_join(project_rows::table)
        .filter(project_keys::id.eq(id.as_bytes().as_slice()))
        .select((Row::as_select(), project_rows::external_id))
        .get_result(connection)
        .optional()?;
    row.map(|(row, project)| row.of(column::opaque(project, "projects.external_id")?)).transpose()
}

/// The newest version of the project's key with that backend.
pub(crate) fn newest(
    connection: &mut Connection,
    project: &ProjectId,
    backend: &BackendId,
) -> Result<Option<ProjectKey>, Fault> {
    let row: Option<Row> = project_keys::table
        .inner_join(project_rows::table)
        .filter(project_rows::external_id.eq(project.as_str()))
        .filter(project_keys::backend.eq(backend.as_str()))
        .order(project_keys::version.desc())
        .select(Row::as_select())
        .get_result(connection)
        .optional()?;
    row.map(|row| row.of(project.clone())).transpose()
}

/// Every version of the project's key with that backend, lowest first.
pub(crate) fn versions(
    connection: &mut Connection,
    project: &ProjectId,
    backend: &BackendId,
) -> Result<Vec<ProjectKey>, Fault> {
    let rows: Vec<Row> = project_keys::table
        .inner_join(project_rows::table)
        .filter(project_rows::external_id.eq(project.as_str()))
        .filter(project_keys::backend.eq(backend.as_str()))
        .order(project_keys::version)
        .select(Row::as_select())
        .load(connection)?;
    rows.into_iter().map(|row| row.of(project.clone())).collect()
}

/// Keys that are wrapped by that master key version, in the order of their ids, beginning after `after`.
pub(crate) fn under(
    connection: &mut Connection,
    backend: &BackendId,
    master: MasterKeyVersion,
    after: Option<ProjectKeyId>,
    limit: u32,
) -> Result<Vec<ProjectKey>, Fault> {
    // No id is lower than this text of bytes, and none is it.
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let rows: Vec<(Row, String)> = project_keys::table
        .inner_join(project_rows::table)
        .filter(project_keys::backend.eq(backend.as_str()))
        .filter(project_keys::master.eq(i64::from(master.0)).and(project_keys::id.gt(after)))
        .order(project_keys::id)
        .limit(i64::from(limit))
        .select((Row::as_select(), project_rows::external_id))
        .load(connection)?;
    rows.into_iter().map(|(row, project)| row.of(column::opaque(project, "projects.external_id")?)).collect()
}

/// How many keys are wrapped by that master key version.
pub(crate) fn count_under(
    connection: &mut Connection,
    backend: &BackendId,
    master: MasterKeyVersion,
) -> Result<u64, Fault> {
    let under = project_keys::table
        .filter(project_keys::backend.eq(backend.as_str()))
        .filter(project_keys::master.eq(i64::from(master.0)));
    column::count(under.count().get_result(connection)?, "project_keys")
}

/// The first project after `after`, by id, that has a key with that backend.
pub(crate) fn next_project(
    connection: &mut Connection,
    backend: &BackendId,
    after: Option<&ProjectId>,
) -> Result<Option<ProjectId>, Fault> {
    let of_backend = project_keys::table
        .filter(project_keys::project.eq(project_rows::id))
        .filter(project_keys::backend.eq(backend.as_str()));
    let next: Option<String> = project_rows::table
        .filter(project_rows::external_id.gt(after.map_or("", ProjectId::as_str)))
        .filter(exists(of_backend))
        .order(project_rows::external_id)
        .select(project_rows::external_id)
        .get_result(connection)
        .optional()?;
    next.map(|project| column::opaque(project, "projects.external_id")).transpose()
}

/// Puts a key in the place of the same key wrapped otherwise, when that is what is stored.
pub(crate) fn replace(
    connection: &mut Connection,
    old: &ProjectKey,
    new: &ProjectKey,
) -> Result<bool, Fault> {
    let row = project_keys::table
        .filter(project_keys::id.eq(old.id.as_bytes().as_slice()))
        .filter(project_keys::master.eq(i64::from(old.master.0)))
        .filter(project_keys::wrapped.eq(old.wrapped.as_slice()));
    let replaced = diesel::update(row)
        .set((
            project_keys::master.eq(i64::from(new.master.0)),
            project_keys::wrapped.eq(new.wrapped.as_slice()),
        ))
        .execute(connection)?;
    Ok(replaced > 0)
}

/// Removes a key that nothing names.
pub(crate) fn delete(connection: &mut Connection, id: ProjectKeyId) -> Result<(), Fault> {
    diesel::delete(project_keys::table.filter(project_keys::id.eq(id.as_bytes().as_slice())))
        .execute(connection)?;
    Ok(())
}

/// Whether there is any key of that backend.
pub(crate) fn any_of(connection: &mut Connection, backend: &BackendId) -> Result<bool, Fault> {
    let one = project_keys::table
        .filter(project_keys::backend.eq(backend.as_str()))
        .select(project_keys::version)
        .get_result::<i64>(connection)
        .optional()?;
    Ok(one.is_some())
}

/// Adds a key.
pub(crate) fn insert(connection: &mut Connection, key: &ProjectKey) -> Result<(), Fault> {
    let project = projects::find_or_insert(connection, &key.project)?.id;
    diesel::insert_into(project_keys::table)
        .values((
            project_keys::id.eq(key.id.as_bytes().as_slice()),
            project_keys::project.eq(project),
            project_keys::backend.eq(key.backend.as_str()),
            project_keys::version.eq(i64::from(key.version)),
            project_keys::master.eq(i64::from(key.master.0)),
            project_keys::wrapped.eq(key.wrapped.as_slice()),
            project_keys::created.eq(key.created.as_micros()),
        ))
        .execute(connection)?;
    Ok(())
}
